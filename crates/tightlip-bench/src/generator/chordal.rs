//! The random networks of Chordal-LipSDP: W{w}-D{D}, D weight matrices of sizes 2, w (D − 1 times), 2.
//!
//! Recipe (`make_networks.py` of the authors' repository): one stream of seed 1234; widths w = 10, 20, …, 50 outside,
//! depths D = 5, 10, …, 50 inside; for each network the entries of W_1, …, W_D (outputs × inputs, by rows), then those of
//! b_1, …, b_D, each normal of deviation 1 / √(2 + 2). The files hold six significant digits, and so does the network.
//!
//! A network begins where the one before it ends, so that the stream is drawn from its beginning whatever is asked for.
//! Reference: Xue, Lindemann, Robey, Hassani, Pappas, Alur, "Chordal Sparsity for Lipschitz Constant Estimation of Deep
//! Neural Networks", CDC 2022.

use tightlip_model::{Activation, Affine, Layer, LinearMap, Network};

use super::GeneratorError;
use super::numpy::RandomState;

/// Numbers of neurons in a hidden layer, in the order of the stream.
const WIDTHS: [usize; 5] = [10, 20, 30, 40, 50];
/// Numbers of weight matrices, in the order of the stream.
const DEPTHS: [usize; 10] = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50];
/// Inputs and outputs of every network.
const ENDS: usize = 2;
/// `np.random.seed` of `make_networks.py`.
const SEED: u32 = 1234;
/// Standard deviation of weights and biases: 1 / √(inputs + outputs).
const DEVIATION: f64 = 0.5;

/// The network W{`width`}-D{`depth`} of Chordal-LipSDP: `depth` affine layers with ReLU between them, two inputs, two
/// outputs, `width` neurons in each hidden layer. Some 30 ms for the last of the fifty.
///
/// # Errors
/// [`GeneratorError::Chordal`] if the width is not one of 10, 20, …, 50 or the depth not one of 5, 10, …, 50.
pub fn chordal_network(width: usize, depth: usize) -> Result<Network, GeneratorError> {
    check_chordal(width, depth)?;
    let mut stream = RandomState::new(SEED);
    for (earlier_width, earlier_depth) in names().take_while(|&name| name != (width, depth)) {
        for _ in 0..numbers(&sizes(earlier_width, earlier_depth)) {
            stream.normal(0.0, DEVIATION);
        }
    }
    let sizes = sizes(width, depth);
    let weights: Vec<LinearMap> = sizes
        .windows(2)
        .map(|pair| {
            let rows: Vec<Vec<f64>> = (0..pair[1]).map(|_| draws(&mut stream, pair[0])).collect();
            LinearMap::from_rows(&rows)
        })
        .collect();
    let mut layers = Vec::new();
    for (map, &rows) in weights.into_iter().zip(&sizes[1..]) {
        if !layers.is_empty() {
            layers.push(Layer::Activation(Activation::Relu));
        }
        layers.push(Layer::Affine(Affine::new(map, draws(&mut stream, rows))));
    }
    Ok(Network::new(layers)?)
}

/// Whether the family has this network.
pub(crate) fn check_chordal(width: usize, depth: usize) -> Result<(), GeneratorError> {
    if WIDTHS.contains(&width) && DEPTHS.contains(&depth) {
        Ok(())
    } else {
        Err(GeneratorError::Chordal { width, depth })
    }
}

/// Width and depth of every network in the order of the stream.
fn names() -> impl Iterator<Item = (usize, usize)> {
    WIDTHS.into_iter().flat_map(|width| DEPTHS.into_iter().map(move |depth| (width, depth)))
}

/// Numbers of inputs, neurons of each hidden layer, outputs.
fn sizes(width: usize, depth: usize) -> Vec<usize> {
    let mut sizes = vec![width; depth + 1];
    sizes[0] = ENDS;
    sizes[depth] = ENDS;
    sizes
}

/// Number of weights and biases of a network with these sizes.
fn numbers(sizes: &[usize]) -> usize {
    sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
}

/// The next numbers of the stream as the files hold them.
fn draws(stream: &mut RandomState, count: usize) -> Vec<f64> {
    (0..count).map(|_| six_digits(stream.normal(0.0, DEVIATION))).collect()
}

/// The number after a way through decimals with six significant digits.
fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().expect("a printed float can be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows and bias of the affine layer at a one-based position.
    fn layer(network: &Network, position: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let Layer::Affine(affine) = &network.layers()[2 * (position - 1)] else {
            panic!("affine layers and activations take turns");
        };
        let matrix = affine.map().to_dense();
        let rows = (0..matrix.nrows()).map(|i| (0..matrix.ncols()).map(|j| matrix[(i, j)]).collect()).collect();
        (rows, affine.bias().to_vec())
    }

    #[test]
    fn the_first_and_the_last_network_have_the_entries_of_the_published_files() {
        let first = chordal_network(10, 5).expect("the first of the stream");
        let (rows, bias) = layer(&first, 1);
        assert_eq!(rows[..2], [[0.235_718, -0.595_488], [0.716_353, -0.156_326]]);
        assert_eq!(bias[..3], [0.132_267, 0.282_829, 0.292_542]);
        assert_eq!(layer(&first, 5).0[0][..3], [0.497_996, 0.477_779, 0.35692]);

        let last = chordal_network(50, 50).expect("the last of the stream");
        let (rows, _) = layer(&last, 50);
        assert_eq!(rows[1][47..], [0.210_717, 0.272_083, -0.047_437_8]);
        assert_eq!((last.inputs(), last.outputs()), (2, 2));
        assert_eq!(last.hidden(), [(Activation::Relu, 50); 49]);
    }

    #[test]
    fn a_network_in_the_middle_is_the_one_that_the_python_recipe_writes() {
        // NumPy, W30-D25.
        let network = chordal_network(30, 25).expect("one of the stream");
        let (rows, bias) = layer(&network, 25);
        assert_eq!(rows[1][27..], [0.059_189_1, 0.136_112, -0.025_449_5]);
        assert_eq!(bias, [-0.084_523_3, 0.160_873]);
    }

    #[test]
    fn sizes_that_were_never_drawn_are_refused_with_those_that_were() {
        for (width, depth) in [(15, 5), (10, 7), (60, 50), (50, 55), (0, 0), (usize::MAX, usize::MAX)] {
            let error = chordal_network(width, depth).expect_err("never drawn").to_string();
            assert!(error.contains(&format!("W{width}-D{depth}")) && error.contains("10, 20, 30, 40, 50"), "{error}");
        }
    }
}
