//! Agreement with Clarabel, which shares nothing with this method but the pencil.

use tightlip_clarabel::OwnDecomposition;
use tightlip_interior::{Settings, Status, solve};
use tightlip_model::{
    Activation, Edge, IncrementSystem, Limits, LinearMap, Norm, OutputSelection, Query, Reduction, Scaling,
    SlopeInterval, random_network,
};
use tightlip_sdp::{Decomposition, Form, Pencil, Tying, assemble};

/// More than any test needs.
fn limits() -> Limits {
    Limits::within(1 << 32)
}

/// Both optima of a system agree to 1e-6, and the optimum is enclosed.
fn assert_agreement(system: &IncrementSystem, query: &Query, tying: Tying, what: &str) {
    let scaling = if tying == Tying::Neuron { Scaling::PerNeuron } else { Scaling::PerLayer };
    let reduction = Reduction::new(system, query, scaling).expect("not constant");
    let pencil = Pencil::new(reduction.system(), query, tying);
    let assembled = assemble(&pencil, Form::Bordered, Decomposition::Whole);
    let other = tightlip_clarabel::solve(&assembled.program, OwnDecomposition::Off, &limits(), Box::new(|_| {}))
        .expect("an answer");
    let wanted = assembled.constant(other.objective);
    let answer = solve(&pencil, None, &Settings::default(), &limits(), &mut |_| {}).expect("an answer");
    assert_eq!(answer.status, Status::Solved, "{what}: gap {}", answer.relative_gap);
    assert!(answer.lower_objective <= answer.objective * (1.0 + 1e-12), "{what}");
    let error = (answer.objective - wanted).abs() / wanted;
    assert!(error < 1e-6, "{what}: {} against {wanted}, error {error:e}", answer.objective);
    assert!(answer.values.iter().all(|value| value.is_finite()), "{what}");
}

/// A random network's system.
fn chain(sizes: &[usize], slope: f64, seed: u64) -> IncrementSystem {
    let network = random_network(sizes, Activation::LeakyRelu { slope }, seed).expect("valid sizes");
    IncrementSystem::of_network(&network, OutputSelection::All).expect("valid")
}

#[test]
fn chains_of_all_norms_slopes_and_tyings() {
    let sizes: [&[usize]; 4] = [&[2, 5, 1], &[6, 8, 8, 3], &[3, 10, 4, 10, 2], &[12, 6, 9, 5]];
    let mut seed = 0;
    for sizes in sizes {
        for (input_norm, output_norm) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::LInf, Norm::L1)] {
            let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
            for (slope, tying) in
                [(0.0, Tying::Neuron), (0.0, Tying::Layer), (0.1, Tying::Neuron), (-0.5, Tying::Layer)]
            {
                seed += 1;
                let what = format!("{sizes:?} {input_norm} to {output_norm}, slope {slope}, {tying:?}, seed {seed}");
                assert_agreement(&chain(sizes, slope, seed), &query, tying, &what);
            }
        }
    }
}

#[test]
fn inputs_and_outputs_of_different_size() {
    let sizes = [4, 5, 3];
    for (input_norm, output_norm) in [(Norm::L2, Norm::L1), (Norm::LInf, Norm::L1), (Norm::LInf, Norm::L2)] {
        let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
        for spread in [10.0_f64, 100.0, 1e4] {
            for (seed, tying) in [(0, Tying::Neuron), (1, Tying::Layer), (2, Tying::Neuron)] {
                let network = random_network(&sizes, Activation::Relu, seed).expect("valid sizes");
                let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
                let scaled = |edge: &Edge| {
                    let map = edge.map.to_dense();
                    let factor = |i: usize, j: usize| match (edge.from, edge.to) {
                        (0, _) => spread.powf(1.0 - (j % 3) as f64),
                        (_, 2) => spread.powf(1.0 - i as f64),
                        _ => 1.0,
                    };
                    let row = |i: usize| (0..map.ncols()).map(|j| factor(i, j) * map[(i, j)]).collect();
                    let rows: Vec<Vec<f64>> = (0..map.nrows()).map(row).collect();
                    Edge { from: edge.from, to: edge.to, map: LinearMap::from_rows(&rows) }
                };
                let edges = system.edges().iter().map(scaled).collect();
                let slopes = vec![system.slopes(1).to_vec()];
                let system = IncrementSystem::new(sizes[0], slopes, sizes[2], edges).expect("valid");
                let what = format!("{input_norm} to {output_norm}, spread {spread}, {tying:?}, seed {seed}");
                assert_agreement(&system, &query, tying, &what);
            }
        }
    }
}

#[test]
fn deep_chains() {
    let query = Query::euclidean(OutputSelection::All);
    for seed in 0..6 {
        let mut sizes = vec![4];
        sizes.extend(vec![4; 6 + seed]);
        sizes.push(2);
        assert_agreement(&chain(&sizes, 0.0, seed as u64), &query, Tying::Neuron, &format!("{sizes:?}"));
    }
}

#[test]
fn residual_systems() {
    let query = Query::euclidean(OutputSelection::All);
    let slopes = [(0.0, 1.0), (0.1, 1.0), (-0.5, 1.0), (0.0, 0.25), (-1.0, 1.0)];
    for (seed, (lower, upper)) in (0_u64..).zip(slopes) {
        let slope = SlopeInterval::new(lower, upper).expect("an interval");
        let sizes = [2, 3, 4, 2];
        let edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)].map(|(from, to): (usize, usize)| {
            let rows: Vec<Vec<f64>> = (0..sizes[to])
                .map(|i| {
                    (0..sizes[from])
                        .map(|j| (1.9 * (seed + 1) as f64 * (i + 5 * j + 7 * from + to) as f64).sin())
                        .collect()
                })
                .collect();
            Edge { from, to, map: LinearMap::from_rows(&rows) }
        });
        let hidden = vec![vec![slope; 3], vec![slope; 4]];
        let system = IncrementSystem::new(2, hidden, 2, edges.to_vec()).expect("valid");
        assert_agreement(&system, &query, Tying::Neuron, &format!("residual, slopes [{lower}, {upper}]"));
    }
}
