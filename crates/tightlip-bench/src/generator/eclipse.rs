//! The random networks of ECLipsE's published figures: 4 inputs, n neurons in each of L − 1 hidden layers, 1 output.
//!
//! Recipe (`ECLipsE` repository, the generator of its history up to August 2026): seed 77 r + 7 n + 13 L for round r; for
//! each layer one number s ∈ [0.4, 1.8), then the entries of W (outputs × inputs, by rows), then those of b, all
//! uniform; W ← W / ‖W‖₂ · s with the s of its layer. Weights and biases stay as they are drawn: not negative.
//!
//! Two consequences of weights without signs, good for tests: with all neurons active the Jacobian is the largest entry
//! by entry, so that the Lipschitz constant of the weights is ‖W_L ⋯ W_1‖₂ exactly, and LipSDP is tight. The generator that
//! the repository holds today draws normal weights and does not make the networks of the figures.
//!
//! The norm ‖W‖₂ rounds differently here and in NumPy, so that weights agree to about 1e-14, not bit by bit.
//! Reference: Xu and Sivaranjani, "ECLipsE: Efficient Compositional Lipschitz Constant Estimation for Deep Neural
//! Networks", NeurIPS 2024.

use tightlip_model::{Activation, Affine, Layer, LinearMap, Network, spectral_norm};

use super::GeneratorError;
use super::numpy::RandomState;

/// Inputs and outputs of every network.
const INPUTS: usize = 4;
const OUTPUTS: usize = 1;
/// Where the norm of a weight matrix is drawn from.
const NORMS: (f64, f64) = (0.4, 1.8);
/// The widest and the deepest network of the experiments.
const LARGEST_NEURONS: usize = 1000;
const LARGEST_LAYERS: usize = 100;
/// The 50 layers of 1000 neurons of the experiments with wide networks, rounded up: 400 MB.
const LARGEST_WEIGHTS: usize = 50_000_000;

/// The network of ECLipsE's experiments with `layers` affine layers, ReLU between them, and `neurons` neurons in each
/// hidden layer; `round` 0 is the one that the authors' files call `test1`.
///
/// # Errors
/// [`GeneratorError::EclipseSize`] if the size is far from those of the experiments, [`GeneratorError::EclipseRound`] if
/// the round has no seed, [`GeneratorError::Network`] if all weights of a layer are drawn zero.
pub fn eclipse_network(neurons: usize, layers: usize, round: u32) -> Result<Network, GeneratorError> {
    let (sizes, seed) = check_eclipse(neurons, layers, round)?;
    let mut stream = RandomState::new(seed);
    let mut steps = Vec::new();
    for pair in sizes.windows(2) {
        if !steps.is_empty() {
            steps.push(Layer::Activation(Activation::Relu));
        }
        steps.push(Layer::Affine(affine(&mut stream, pair[0], pair[1])));
    }
    Ok(Network::new(steps)?)
}

/// Layer sizes and seed of a network of the family.
pub(crate) fn check_eclipse(neurons: usize, layers: usize, round: u32) -> Result<(Vec<usize>, u32), GeneratorError> {
    let too_large = || GeneratorError::EclipseSize {
        neurons,
        layers,
        largest_neurons: LARGEST_NEURONS,
        largest_layers: LARGEST_LAYERS,
        largest_weights: LARGEST_WEIGHTS,
    };
    if !(1..=LARGEST_NEURONS).contains(&neurons) || !(2..=LARGEST_LAYERS).contains(&layers) {
        return Err(too_large());
    }
    let mut sizes = vec![neurons; layers + 1];
    sizes[0] = INPUTS;
    sizes[layers] = OUTPUTS;
    if sizes.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>() > LARGEST_WEIGHTS {
        return Err(too_large());
    }
    let seed = 77 * u64::from(round) + 7 * neurons as u64 + 13 * layers as u64;
    let seed = u32::try_from(seed).map_err(|_| GeneratorError::EclipseRound { round, seed })?;
    Ok((sizes, seed))
}

/// The next layer of the stream.
fn affine(stream: &mut RandomState, inputs: usize, outputs: usize) -> Affine {
    let norm = stream.uniform(NORMS.0, NORMS.1);
    let mut rows: Vec<Vec<f64>> = (0..outputs).map(|_| samples(stream, inputs)).collect();
    let bias = samples(stream, outputs);
    let drawn = spectral_norm(LinearMap::from_rows(&rows).to_dense().as_ref());
    for weight in rows.iter_mut().flatten() {
        // Two roundings in the order of the recipe.
        *weight = *weight / drawn * norm;
    }
    Affine::new(LinearMap::from_rows(&rows), bias)
}

/// The next samples of the stream.
fn samples(stream: &mut RandomState, count: usize) -> Vec<f64> {
    (0..count).map(|_| stream.random_sample()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network of round 0 by the recipe in NumPy 2.4.6: n, L, Π ‖W_k‖₂, ‖W_L ⋯ W_1‖₂, the last two to six digits.
    type Row = (usize, usize, f64, f64);

    const TABLE: &[Row] = &[
        (20, 2, 1.01978, 0.856_097),
        (20, 5, 3.17129, 2.48078),
        (20, 10, 1.17318, 0.819_458),
        (20, 20, 6.72516, 4.16501),
        (20, 30, 3.42986, 1.97769),
        (20, 50, 49.6964, 18.851),
        (20, 100, 0.002_361_17, 0.000_428_097),
        (40, 2, 0.951_526, 0.775_357),
        (40, 5, 3.35633, 2.69346),
        (40, 10, 0.90964, 0.721_005),
        (40, 20, 3.43099, 2.43042),
        (40, 30, 0.003_790_11, 0.002_634_31),
        (40, 50, 260.807, 137.025),
        (40, 100, 0.119_073, 0.043_116),
        (60, 2, 1.43276, 1.20663),
        (60, 5, 2.82966, 2.39001),
        (60, 10, 0.039_878_3, 0.030_925_4),
        (60, 20, 0.067_462_3, 0.051_163_5),
        (60, 30, 0.70568, 0.479_016),
        (60, 50, 0.012_893_9, 0.008_371_79),
        (60, 100, 8.89018, 4.37921),
        (80, 2, 0.874_981, 0.737_257),
        (80, 5, 0.418_039, 0.338_156),
        (80, 10, 0.680_802, 0.564_352),
        (80, 20, 4.02316, 3.07695),
        (80, 30, 0.009_884_64, 0.007_286_81),
        (80, 50, 0.057_491_4, 0.038_485_1),
        (80, 100, 0.053_941_6, 0.030_017_2),
        (100, 2, 1.04607, 0.88431),
        (100, 5, 0.625_968, 0.52639),
        (100, 10, 4.14428, 3.41339),
        (100, 20, 0.346_146, 0.275_705),
        (100, 30, 2.52073, 1.90292),
        (100, 100, 95.2627, 57.6883),
        (150, 50, 0.803_098, 0.597_109),
        (300, 50, 0.520_406, 0.414_381),
    ];

    /// Product of the spectral norms, and the norm of the product of the weights.
    fn product_and_constant(network: &Network) -> (f64, f64) {
        let mut product = 1.0;
        let mut gradient = LinearMap::identity(OUTPUTS).to_dense();
        for layer in network.layers().iter().rev() {
            if let Layer::Affine(affine) = layer {
                product *= spectral_norm(affine.map().to_dense().as_ref());
                gradient = affine.map().apply_transpose(gradient.as_ref());
            }
        }
        (product, spectral_norm(gradient.as_ref()))
    }

    /// Half a unit of the last of six significant digits.
    fn half_a_unit(printed: f64) -> f64 {
        0.5 * 10_f64.powf(printed.abs().log10().floor() - 5.0)
    }

    #[test]
    fn products_and_exact_constants_are_those_of_the_recipe_in_numpy() {
        for &(neurons, layers, product, constant) in TABLE {
            let network = eclipse_network(neurons, layers, 0).expect("a size of the experiments");
            let found = product_and_constant(&network);
            for (value, printed) in [(found.0, product), (found.1, constant)] {
                // Beside the digits printed, rounding of a hundred norms.
                let slack = half_a_unit(printed) + 1e-12 * printed;
                assert!((value - printed).abs() <= slack, "n {neurons}, L {layers}: {value}, want {printed}");
            }
        }
    }

    #[test]
    fn the_sample_network_of_the_repository_agrees_with_numpy_to_rounding() {
        // n = 80, L = 2, round 0 with NumPy 2.4.6.
        let network = eclipse_network(80, 2, 0).expect("a size of the experiments");
        let (product, constant) = product_and_constant(&network);
        assert!((product / 0.874_981_265_995_077_6 - 1.0).abs() < 1e-13, "{product}");
        assert!((constant / 0.737_256_981_257_683_2 - 1.0).abs() < 1e-13, "{constant}");
        assert_eq!((network.inputs(), network.outputs(), network.hidden()), (4, 1, vec![(Activation::Relu, 80)]));
    }

    #[test]
    fn another_round_is_another_network_and_biases_follow_their_weights() {
        let network = eclipse_network(3, 2, 1).expect("valid");
        let Layer::Affine(first) = &network.layers()[0] else { panic!("a network begins with an affine layer") };
        assert_eq!(first.bias(), [0.974_988_358_251_891_2, 0.467_598_900_723_418_5, 0.140_171_407_650_111_82]);
        assert_ne!(network.sha256(), eclipse_network(3, 2, 0).expect("valid").sha256());
    }

    #[test]
    fn absurd_sizes_and_rounds_without_a_seed_are_refused_with_what_there_is() {
        for (neurons, layers) in [(0, 5), (1001, 2), (80, 1), (80, 101), (1000, 100), (usize::MAX, usize::MAX)] {
            let error = eclipse_network(neurons, layers, 0).expect_err("absurd").to_string();
            assert!(error.contains(&format!("{neurons} neurons")) && error.contains("1 to 1000"), "{error}");
        }
        let error = eclipse_network(80, 2, u32::MAX).expect_err("no seed").to_string();
        assert!(error.contains("round 4294967295") && error.contains("330712482301"), "{error}");
    }
}
