//! Seeded random networks.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{Activation, Affine, Error, Layer, LinearMap, Network};

/// A chain with layer sizes `dims`, Gaussian weights of standard deviation `1 / √fan-in`, Gaussian biases of standard
/// deviation 0.1, and `activation` between the layers. The same arguments give the same network on every machine
/// (ChaCha8, one stream, layer by layer: weights row by row, then biases).
///
/// # Errors
/// [`Error::Empty`] if there are fewer than two sizes or one of them is zero.
pub fn random_network(dims: &[usize], activation: Activation, seed: u64) -> Result<Network, Error> {
    /// Large enough that activation patterns differ from those of a homogeneous network, small beside the signals.
    const BIAS_DEVIATION: f64 = 0.1;
    if dims.len() < 2 || dims.contains(&0) {
        return Err(Error::Empty { what: format!("layer sizes {dims:?}") });
    }
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut layers = Vec::new();
    for pair in dims.windows(2) {
        let (fan_in, fan_out) = (pair[0], pair[1]);
        let deviation = (fan_in as f64).sqrt().recip();
        let mut draw = |scale: f64| -> f64 {
            let normal: f64 = StandardNormal.sample(&mut generator);
            scale * normal
        };
        let rows: Vec<Vec<f64>> = (0..fan_out).map(|_| (0..fan_in).map(|_| draw(deviation)).collect()).collect();
        let bias = (0..fan_out).map(|_| draw(BIAS_DEVIATION)).collect();
        if !layers.is_empty() {
            layers.push(Layer::Activation(activation));
        }
        layers.push(Layer::Affine(Affine::new(LinearMap::from_rows(&rows), bias)));
    }
    Network::new(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_the_network() {
        let make = |seed| random_network(&[3, 4, 2], Activation::Relu, seed).expect("valid").sha256();
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        assert!(random_network(&[3], Activation::Relu, 1).is_err());
        assert!(random_network(&[3, 0, 1], Activation::Relu, 1).is_err());
    }
}
