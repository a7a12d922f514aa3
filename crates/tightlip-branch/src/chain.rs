//! The chain that is searched: dense maps, the two ends of every slope, and the norms.

use faer::Mat;
use tightlip_model::{End, IncrementSystem, Norm, Query};

/// A chain of dense maps with the slopes of its neurons.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// `W_1, …, W_{H+1}`.
    pub(crate) maps: Vec<Mat<f64>>,
    /// For every hidden block and neuron the slopes α and β.
    pub(crate) slopes: Vec<Vec<(f64, f64)>>,
    pub(crate) norms: Norms,
}

/// What inputs and outputs are measured in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norms {
    /// ℓ∞ inputs: the steepest one is a vector of signs; otherwise ℓ2.
    pub(crate) input_signs: bool,
    /// ℓ1 outputs: their dual is a vector of signs; otherwise ℓ2.
    pub(crate) output_signs: bool,
}

/// An end of every neuron's slope.
pub(crate) type Ends = Vec<Vec<End>>;

impl Chain {
    /// The chain of `system`; `None` for a system with skip connections.
    ///
    /// # Panics
    /// For norms other than ℓ2 or ℓ∞ in and ℓ2 or ℓ1 out.
    pub(crate) fn new(system: &IncrementSystem, query: &Query) -> Option<Self> {
        let last = system.output_block();
        let signs = |norm: Norm, separable: Norm| {
            assert!(norm == Norm::L2 || norm == separable, "other norms are reduced to these before");
            norm == separable
        };
        let norms = Norms {
            input_signs: signs(query.input_norm, Norm::LInf),
            output_signs: signs(query.output_norm, Norm::L1),
        };
        system.is_chain().then(|| Self {
            maps: system.edges().iter().map(|edge| edge.map.to_dense()).collect(),
            slopes: (1..last)
                .map(|k| system.slopes(k).iter().map(|slope| (slope.lower(), slope.upper())).collect())
                .collect(),
            norms,
        })
    }

    /// The slope of neuron `j` of hidden block `k` (from 1) at an end.
    pub(crate) fn slope(&self, k: usize, j: usize, end: End) -> f64 {
        let (lower, upper) = self.slopes[k - 1][j];
        if end == End::Lower { lower } else { upper }
    }

    /// What the neurons of hidden block `k` make of what comes in.
    pub(crate) fn through(&self, k: usize, ends: &[End], incoming: &[f64]) -> Vec<f64> {
        incoming.iter().enumerate().map(|(j, u)| self.slope(k, j, ends[j]) * u).collect()
    }

    /// Hidden blocks.
    pub(crate) fn hidden(&self) -> usize {
        self.slopes.len()
    }
}

impl Norms {
    /// The steepest input for the gradient `g`, in place, and the gain: `g` on its sphere, or its signs.
    pub(crate) fn place_input(self, g: &mut [f64]) -> f64 {
        place(self.input_signs, g)
    }

    /// The same for the outputs' dual.
    pub(crate) fn place_output(self, g: &mut [f64]) -> f64 {
        place(self.output_signs, g)
    }
}

/// The maximiser of `⟨x, g⟩` over the ℓ2 ball or the cube, and the maximum.
fn place(signs: bool, g: &mut [f64]) -> f64 {
    if signs {
        let gain = g.iter().map(|x| x.abs()).sum();
        for x in g.iter_mut() {
            *x = if *x < 0.0 { -1.0 } else { 1.0 };
        }
        return gain;
    }
    let length = g.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 {
        for x in g.iter_mut() {
            *x /= length;
        }
    }
    length
}
