//! The matrices `A_k` and `B_k` of every hidden layer.

use faer::Mat;
use tightlip_model::{Edge, IncrementSystem, Limits, LinearMap, SlopeInterval, thin_svd};

/// The factor of one hidden layer of `n` neurons: `φ = max_Y ‖A Y B‖₂`.
#[derive(Debug, Clone)]
pub struct LayerFactor {
    /// `B`, `n × r`: from the coordinates before the layer; its columns by falling singular values.
    pub before: Mat<f64>,
    /// The slopes of its neurons.
    pub slopes: Vec<SlopeInterval>,
    /// `A`, `r′ × n`: to the coordinates after the layer; its rows by falling singular values.
    pub after: Mat<f64>,
}

/// Why a chain has no factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfactored {
    /// A limit struck.
    #[error("stopped before all maps were decomposed")]
    Stopped,
    /// The singular value decomposition of a map did not converge.
    #[error("a singular value decomposition did not converge")]
    NoConvergence,
}

impl LayerFactor {
    /// The factor as a network with one hidden layer, whose formal constant it is.
    ///
    /// # Panics
    /// Never: the sizes fit.
    pub fn system(&self) -> IncrementSystem {
        let edges = vec![
            Edge { from: 0, to: 1, map: LinearMap::Dense(self.before.clone()) },
            Edge { from: 1, to: 2, map: LinearMap::Dense(self.after.clone()) },
        ];
        IncrementSystem::new(self.before.ncols(), vec![self.slopes.clone()], self.after.nrows(), edges)
            .expect("the sizes fit")
    }

    /// `(α + β)/2` and `(β − α)/2`.
    pub(super) fn middles_and_halves(&self) -> Vec<(f64, f64)> {
        let halves =
            |slope: &SlopeInterval| (0.5 * (slope.lower() + slope.upper()), 0.5 * (slope.upper() - slope.lower()));
        self.slopes.iter().map(halves).collect()
    }
}

/// The factors of a chain, from the first hidden layer on; empty where there is none. Limits are looked at between layers.
///
/// # Errors
/// [`Unfactored`] if a limit strikes or a decomposition does not converge.
///
/// # Panics
/// If the system is no chain.
pub fn layer_factors(system: &IncrementSystem, limits: &Limits) -> Result<Vec<LayerFactor>, Unfactored> {
    assert!(system.is_chain(), "factors are those of a chain");
    let last = system.hidden_blocks();
    let mut lefts = Vec::new();
    let mut rights = Vec::new();
    for (k, edge) in system.edges().iter().enumerate() {
        if limits.stop_requested() {
            return Err(Unfactored::Stopped);
        }
        let matrix = edge.map.to_dense();
        let (left, values, right) = thin_svd(matrix.as_ref()).ok_or(Unfactored::NoConvergence)?;
        let is_inner = k > 0 && k < last;
        let weight = |r: usize| if is_inner { values[r].sqrt() } else { values[r] };
        lefts.push(Mat::from_fn(left.nrows(), left.ncols(), |i, r| left[(i, r)] * weight(r)));
        rights.push(Mat::from_fn(right.ncols(), right.nrows(), |r, j| weight(r) * right[(j, r)]));
    }
    let factor = |(k, (before, after))| LayerFactor { before, slopes: system.slopes(k + 1).to_vec(), after };
    Ok(lefts.into_iter().zip(rights.into_iter().skip(1)).enumerate().map(factor).collect())
}
