use tightlip_lifted::LiftedIteration;
use tightlip_model::{Activation, Norm, OutputSelection, random_network};

use super::*;

/// How well alternation settles.
const SETTLED: f64 = 1e-6;

fn query(input_norm: Norm, output_norm: Norm) -> Query {
    Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) }
}

const QUESTIONS: [(Norm, Norm); 4] =
    [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)];

fn system(activation: Activation, seed: u64) -> IncrementSystem {
    let network = random_network(&[4, 6, 5, 3], activation, seed).expect("valid");
    IncrementSystem::of_network(&network, OutputSelection::All).expect("valid")
}

/// A pattern with every slope at a random end.
fn drawn(chain: &Chain, seed: u64) -> Pattern {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut end = |_: &(f64, f64)| if random.random_bool(0.5) { End::Upper } else { End::Lower };
    let ends: Ends = chain.slopes.iter().map(|block| block.iter().map(&mut end).collect()).collect();
    let steepest = steepest(chain, &multiplied(chain, &ends), vec![1.0; chain.maps[0].ncols()]);
    Pattern { ends, input: steepest.input, value: steepest.value }
}

/// The product of weights and slopes, entry by entry over all paths.
fn multiplied(chain: &Chain, ends: &Ends) -> Mat<f64> {
    let mut product = chain.maps[0].clone();
    for (k, block) in ends.iter().enumerate() {
        let next = &chain.maps[k + 1];
        let (lower, upper) = (|j: usize| chain.slopes[k][j].0, |j: usize| chain.slopes[k][j].1);
        let slope = |j: usize| if block[j] == End::Upper { upper(j) } else { lower(j) };
        product = Mat::from_fn(next.nrows(), product.ncols(), |i, c| {
            (0..block.len()).map(|j| next[(i, j)] * slope(j) * product[(j, c)]).sum()
        });
    }
    product
}

/// The output norm of a matrix at an input of norm one.
fn size_at(matrix: &Mat<f64>, input: &[f64], query: &Query) -> f64 {
    let length = match query.input_norm {
        Norm::LInf => input.iter().fold(0.0_f64, |most, x| most.max(x.abs())),
        Norm::L1 | Norm::L2 => input.iter().map(|x| x * x).sum::<f64>().sqrt(),
    };
    let output = matrix * Mat::from_fn(input.len(), 1, |i, _| input[i]);
    let size = if query.output_norm == Norm::L1 { output.norm_l1() } else { output.norm_l2() };
    size / length
}

#[test]
fn the_value_of_a_pattern_is_what_its_product_gains_at_its_input() {
    for (seed, activation) in
        [Activation::Relu, Activation::LeakyRelu { slope: -0.4 }, Activation::Sigmoid].into_iter().enumerate()
    {
        let system = system(activation, seed as u64);
        for (input, output) in QUESTIONS {
            let query = query(input, output);
            let chain = Chain::new(&system, &query).expect("a chain");
            let before = drawn(&chain, 5);
            let after = climb(&chain, before.clone());
            assert!(after.value > 0.0 && after.value >= before.value, "{activation} {input}→{output}");
            // A pattern through which nothing gets has no steepest input.
            for pattern in [&before, &after].into_iter().filter(|pattern| pattern.value > 0.0) {
                let product = multiplied(&chain, &pattern.ends);
                let gain = size_at(&product, &pattern.input, &query);
                assert!(
                    (gain / pattern.value - 1.0).abs() < SETTLED,
                    "{activation} {input}→{output}: {gain}, {}",
                    pattern.value
                );
                if (input, output) == (Norm::L2, Norm::L2) {
                    let largest = product.singular_values().expect("finite")[0];
                    assert!((largest / pattern.value - 1.0).abs() < SETTLED, "{activation}");
                }
            }
        }
    }
}

#[test]
fn flips_never_lower_the_value_and_climbing_again_changes_nothing() {
    let query = query(Norm::L2, Norm::L2);
    for seed in 0..20 {
        let chain = Chain::new(&system(Activation::Relu, seed), &query).expect("a chain");
        let before = drawn(&chain, seed);
        let after = climb(&chain, before.clone());
        assert!(after.value >= before.value, "{seed}");
        let again = climb(&chain, after.clone());
        assert!(
            (again.value / after.value - 1.0).abs() < SETTLED && again.ends == after.ends,
            "{seed}: it stops where it stops"
        );
    }
}

#[test]
fn a_pattern_as_a_point_has_the_same_value_in_the_relaxation() {
    let system = system(Activation::LeakyRelu { slope: 0.2 }, 3);
    for (input, output) in QUESTIONS {
        let query = query(input, output);
        let chain = Chain::new(&system, &query).expect("a chain");
        let pattern = climb(&chain, drawn(&chain, 8));
        let iteration = LiftedIteration::from_point(&system, &query, &pattern.point(&chain), 1);
        assert!((iteration.value() / pattern.value - 1.0).abs() < SETTLED, "{input}→{output}: {}", iteration.value());
    }
}

#[test]
fn fixed_slopes_are_kept_when_a_point_is_rounded() {
    let system = system(Activation::Relu, 4);
    let query = query(Norm::L2, Norm::L2);
    let chain = Chain::new(&system, &query).expect("a chain");
    let mut face = Face::whole(&system);
    face.fix(1, 2, End::Lower);
    face.fix(1, 4, End::Upper);
    face.fix(2, 0, End::Upper);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let vectors = |len: usize| Mat::from_fn(3, len, |i, j| ((3 * i + 5 * j) as f64).sin());
    let point = RelaxationPoint { input: vectors(4), directions: vec![vectors(4), vectors(4)] };
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let pattern = rounded(&chain, (&point, &|k, j| face.end(k, j)), &mut random);
        assert_eq!((pattern.ends[0][2], pattern.ends[0][4], pattern.ends[1][0]), (End::Lower, End::Upper, End::Upper));
        seen.insert(format!("{:?}", pattern.ends));
    }
    assert!(seen.len() > 3, "free slopes are drawn");
}
