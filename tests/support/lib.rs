//! Fixtures shared by the tests of the workspace: networks written out, brute force, seeded draws.

use faer::Mat;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tightlip::{Context, Failure, Kind, Method, Outcome};
use tightlip_certify::{Bound, Segment, prove, round_multipliers};
use tightlip_model::{
    Activation, Affine, IncrementSystem, Layer, Limits, LinearMap, Multipliers, Network, Norm, OutputSelection, Query,
};

/// Weights of a chain, row by row.
pub type Weights = Vec<Vec<Vec<f64>>>;

/// Limits without deadline: one thread, 8 GiB, seed 0.
pub fn limits() -> Limits {
    // Matrices here are tiny; handing their products to a thread pool takes far longer than computing them.
    faer::set_global_parallelism(faer::Par::Seq);
    Limits::within(8 << 30)
}

/// A chain of the given weights with `activation` between the layers and no biases.
///
/// # Panics
/// If the weights do not fit.
pub fn chain(weights: &Weights, activation: Activation) -> Network {
    chain_with_biases(weights, &vec![Vec::new(); weights.len()], activation)
}

/// A chain with biases; an empty bias stands for zeros.
///
/// # Panics
/// If the weights do not fit.
pub fn chain_with_biases(weights: &Weights, biases: &[Vec<f64>], activation: Activation) -> Network {
    let mut layers = Vec::new();
    for (rows, bias) in weights.iter().zip(biases) {
        if !layers.is_empty() {
            layers.push(Layer::Activation(activation));
        }
        layers.push(Layer::Affine(Affine::new(LinearMap::from_rows(rows), bias.clone())));
    }
    Network::new(layers).expect("fixtures are valid networks")
}

/// Bounds `network` from above with `method` for the ℓ2 norm.
///
/// # Errors
/// The failure of the method or the proof.
pub fn bound_with(network: &Network, output: OutputSelection, method: &dyn Method) -> Result<Outcome, Failure> {
    tightlip::upper_bound(network, Query::euclidean(output), Some(method), &Context::silent(limits()))
}

/// Bounds `network` from above with `method` for any question.
///
/// # Errors
/// The failure of the method or the proof.
pub fn answer(network: &Network, query: Query, method: &dyn Method, tolerance: f64) -> Result<Outcome, Failure> {
    let mut context = Context::silent(limits());
    context.tolerance = tolerance;
    tightlip::upper_bound(network, query, Some(method), &context)
}

/// The ℓp → ℓq question about all outputs.
pub fn question(input_norm: Norm, output_norm: Norm) -> Query {
    Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) }
}

/// The pairs of norms that one matrix inequality expresses.
pub const DIRECT_NORMS: [(Norm, Norm); 4] =
    [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)];

/// The multipliers of a segment that has them, to be tampered with.
///
/// # Panics
/// If it is proved by a formula.
pub fn multipliers_of(segment: &mut Segment) -> &mut Multipliers {
    segment.multipliers.as_mut().expect("a segment with multipliers")
}

/// The methods that give upper bounds.
pub fn upper_methods() -> impl Iterator<Item = &'static dyn Method> {
    tightlip::METHODS.iter().copied().filter(|method| method.kind() == Kind::Upper)
}

/// Bounds `network` with the method called `method`, and returns the proved value.
///
/// # Panics
/// If there is no such method or no bound.
pub fn value_of(network: &Network, output: OutputSelection, method: &str) -> f64 {
    let method = tightlip::method_named(method).expect("a method of the list");
    bound_with(network, output, method).expect("a bound").bound.value()
}

/// The formal global Lipschitz constant by enumeration: the largest spectral norm of `W_{H+1} Y_H W_H ⋯ Y_1 W_1` over all
/// diagonal `Y` at the vertices of the slope intervals. The norm is convex in each entry, so vertices suffice.
///
/// # Panics
/// With more than 20 neurons.
pub fn brute_force_fgl(system: &IncrementSystem) -> f64 {
    brute_force_fgl_of(system, &Query::euclidean(OutputSelection::All))
}

/// The same for any norms.
///
/// # Panics
/// With more than 20 neurons.
pub fn brute_force_fgl_of(system: &IncrementSystem, query: &Query) -> f64 {
    let neurons = system.neurons();
    assert!(neurons <= 20, "2^{neurons} patterns are too many");
    (0_u32..1 << neurons).map(|pattern| operator_norm(&pattern_matrix(system, pattern), query)).fold(0.0, f64::max)
}

/// The norm of a small matrix between the norms of `query`, by enumeration of signs where there is no formula.
fn operator_norm(matrix: &Mat<f64>, query: &Query) -> f64 {
    let size = |vector: &Mat<f64>, norm: Norm| match norm {
        Norm::L1 => vector.norm_l1(),
        Norm::L2 => vector.norm_l2(),
        Norm::LInf => vector.norm_max(),
    };
    let signs = |n: usize, largest: &dyn Fn(&Mat<f64>) -> f64| {
        let vector = |bits: u32| Mat::from_fn(n, 1, |i, _| if bits >> i & 1 == 1 { 1.0 } else { -1.0 });
        (0_u32..1 << n).map(|bits| largest(&vector(bits))).fold(0.0, f64::max)
    };
    match (query.input_norm, query.output_norm) {
        (Norm::L2, Norm::L2) => matrix.singular_values().expect("finite").first().copied().unwrap_or(0.0),
        (Norm::L1, norm) => {
            (0..matrix.ncols()).map(|j| size(&matrix.as_ref().subcols(j, 1).to_owned(), norm)).fold(0.0, f64::max)
        }
        (Norm::LInf, norm) => signs(matrix.ncols(), &|x| size(&(matrix * x), norm)),
        (Norm::L2, Norm::LInf) => (0..matrix.nrows()).map(|i| matrix.row(i).norm_l2()).fold(0.0, f64::max),
        (Norm::L2, Norm::L1) => signs(matrix.nrows(), &|s| size(&(matrix.transpose() * s), Norm::L2)),
    }
}

/// The matrix of the network with the slopes of one pattern.
fn pattern_matrix(system: &IncrementSystem, pattern: u32) -> Mat<f64> {
    let n = system.len(0);
    let mut signals = vec![Mat::<f64>::identity(n, n)];
    let mut bit = 0;
    for block in 1..system.blocks() {
        let mut sum = Mat::zeros(system.len(block), n);
        for edge in system.edges_into(block) {
            sum += edge.map.apply(signals[edge.from].as_ref());
        }
        if block < system.output_block() {
            for (row, slope) in system.slopes(block).iter().enumerate() {
                let factor = if pattern >> bit & 1 == 1 { slope.upper() } else { slope.lower() };
                sum.row_mut(row).iter_mut().for_each(|x| *x *= factor);
                bit += 1;
            }
        }
        signals.push(sum);
    }
    signals.pop().expect("at least the output")
}

/// A seeded generator.
pub fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Random weights with entries in [−1, 1], some of them zero, for layer sizes `dims`.
pub fn random_weights(dims: &[usize], zeros: f64, random: &mut ChaCha8Rng) -> Weights {
    let mut entry = |_| if random.random_bool(zeros) { 0.0 } else { random.random_range(-1.0..=1.0) };
    dims.windows(2).map(|pair| (0..pair[1]).map(|_| (0..pair[0]).map(&mut entry).collect()).collect()).collect()
}

/// The activations a random test draws from: every shape of slope interval.
pub const ACTIVATIONS: [Activation; 8] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.1 },
    Activation::LeakyRelu { slope: 0.6 },
    Activation::LeakyRelu { slope: -0.5 },
    Activation::Sigmoid,
    Activation::Silu,
    Activation::Abs,
    Activation::Elu { scale: 1.5 },
];

/// The smallest bound that margins from 1e-9 upwards prove for any of the multipliers; infinite if none does.
pub fn smallest_proof(system: &IncrementSystem, query: &Query, candidates: &[Multipliers]) -> f64 {
    let proof = |multipliers: &Multipliers, step: i32| {
        let epsilon = 1e-9 * 4.0_f64.powi(step);
        prove(system, query, &round_multipliers(multipliers, epsilon), &limits()).map(Bound::value)
    };
    let best = |multipliers| (0..12).find_map(|step| proof(multipliers, step).ok()).unwrap_or(f64::INFINITY);
    candidates.iter().map(best).fold(f64::INFINITY, f64::min)
}
