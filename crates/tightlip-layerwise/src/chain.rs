//! A chain of dense maps with the slopes between them.

use faer::Mat;
use tightlip_model::{IncrementSystem, SlopeInterval};

/// Why a system is not for layerwise methods.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsuitable {
    /// It has an edge that jumps over a block.
    #[error("layers are eliminated one after the other, and this network has skip connections")]
    SkipConnections,
    /// A neuron is linear: its multiplier would have to be infinite.
    #[error(
        "neuron {neuron} of hidden layer {layer} has slopes [{}, {}], so nearly equal that its multiplier is unbounded",
        slope.lower(), slope.upper()
    )]
    FixedSlope {
        /// The hidden layer, which counts from 1.
        layer: usize,
        /// The neuron among the live ones.
        neuron: usize,
        /// Its slopes.
        slope: SlopeInterval,
    },
}

/// A system without skip connections: `W_1`, slopes, `W_2`, slopes, …, `W_{H+1}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    maps: Vec<Mat<f64>>,
    slopes: Vec<Vec<SlopeInterval>>,
}

/// Slopes closer to each other than this part of their magnitude: multipliers grow as its inverse, in closed forms with `c > 1` as its
/// square, and rounding leaves nothing of the pivots.
const NARROWEST: f64 = 1e-6;

/// Looks for a neuron that is (nearly) linear.
///
/// # Errors
/// [`Unsuitable::FixedSlope`] with the first.
pub fn check_slopes(system: &IncrementSystem) -> Result<(), Unsuitable> {
    // Written so that slopes [0, 0] are among them.
    let is_fixed = |slope: &SlopeInterval| slope.upper() - slope.lower() <= NARROWEST * slope.magnitude();
    for layer in 1..system.output_block() {
        if let Some(neuron) = system.slopes(layer).iter().position(is_fixed) {
            return Err(Unsuitable::FixedSlope { layer, neuron, slope: system.slopes(layer)[neuron] });
        }
    }
    Ok(())
}

impl Chain {
    /// The chain of a system; its maps are made dense.
    ///
    /// # Errors
    /// [`Unsuitable`] if the system has skip connections or a neuron that is (nearly) linear.
    pub fn new(system: &IncrementSystem) -> Result<Self, Unsuitable> {
        if !system.is_chain() {
            return Err(Unsuitable::SkipConnections);
        }
        check_slopes(system)?;
        let slopes = (1..system.output_block()).map(|k| system.slopes(k).to_vec()).collect();
        let maps = system.edges().iter().map(|edge| edge.map.to_dense()).collect();
        Ok(Self { maps, slopes })
    }

    /// The chain with more outputs: `rest` times the norm of the last map on every neuron of the last hidden layer.
    ///
    /// # Panics
    /// Never: a chain has a map.
    #[must_use]
    pub fn with_rest(&self, rest: f64) -> Self {
        let mut chain = self.clone();
        let last = chain.maps.last_mut().expect("a chain has a map");
        let (outputs, neurons) = (last.nrows(), last.ncols());
        let diagonal = rest * tightlip_model::spectral_norm(last.as_ref());
        let entry = |i: usize, j: usize| {
            if i < outputs { last[(i, j)] } else { diagonal * f64::from(u8::from(i - outputs == j)) }
        };
        *last = Mat::from_fn(outputs + neurons, neurons, entry);
        chain
    }

    /// Hidden layers, `H`.
    pub fn hidden_layers(&self) -> usize {
        self.slopes.len()
    }

    /// `W_k`, `k = 1 … H + 1`.
    ///
    /// # Panics
    /// If there is no such map.
    pub fn map(&self, k: usize) -> &Mat<f64> {
        &self.maps[k - 1]
    }

    /// Slopes of hidden layer `k = 1 … H`.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn slopes(&self, k: usize) -> &[SlopeInterval] {
        &self.slopes[k - 1]
    }

    /// Neurons of the widest hidden layer; 0 without hidden layers.
    pub fn widest(&self) -> usize {
        self.slopes.iter().map(Vec::len).max().unwrap_or(0)
    }
}
