//! The scaled pencil `D^{−½} F D^{−½}`, `D = diag(D_in, 2Λ, D_out)`, applied to vectors by two passes of the network.
//!
//! From the quadratic form `δ_0ᵀD_inδ_0 + 2 Σ_j λ_j (δ_j − α_j s_j)(δ_j − β_j s_j) + ηᵀD_outη − 2ηᵀs_out`: forward for the
//! incoming signals `s`, backward for what depends on them. Its smallest eigenvalue is 0 at the optimum and negative
//! before.

use faer::{ColMut, ColRef, Mat};
use tightlip_model::Multipliers;

use crate::relaxation::Relaxation;

/// The pencil at some multipliers.
#[derive(Debug)]
pub(crate) struct ScaledPencil<'a, 's> {
    relaxation: &'a Relaxation<'s>,
    /// `D`, block by block.
    diagonal: Vec<Vec<f64>>,
    /// Where each block begins in a vector of all signals.
    starts: Vec<usize>,
}

impl<'a, 's> ScaledPencil<'a, 's> {
    /// The pencil at `multipliers`.
    pub(crate) fn new(relaxation: &'a Relaxation<'s>, multipliers: &Multipliers) -> Self {
        let system = relaxation.system;
        let last = relaxation.last();
        let diagonal: Vec<Vec<f64>> = (0..=last)
            .map(|k| {
                let at = |i: usize| match k {
                    0 => multipliers.input.at(i),
                    _ if k == last => multipliers.output.at(i),
                    _ => 2.0 * multipliers.hidden[k - 1][i],
                };
                (0..system.len(k)).map(at).collect()
            })
            .collect();
        let starts = (0..=last).map(|k| (0..k).map(|i| system.len(i)).sum()).collect();
        Self { relaxation, diagonal, starts }
    }

    /// Number of signals.
    pub(crate) fn order(&self) -> usize {
        self.diagonal.iter().map(Vec::len).sum()
    }

    /// The signals `δ = D^{−½} x`, block by block.
    pub(crate) fn signals(&self, x: ColRef<'_, f64>) -> Vec<Mat<f64>> {
        self.diagonal
            .iter()
            .zip(&self.starts)
            .map(|(block, &start)| Mat::from_fn(block.len(), 1, |i, _| x[start + i] / block[i].sqrt()))
            .collect()
    }

    /// The incoming signals `s_k = Σ_i W_{k,i} δ_i` of every block.
    pub(crate) fn incoming(&self, signals: &[Mat<f64>]) -> Vec<Mat<f64>> {
        let system = self.relaxation.system;
        let mut incoming: Vec<Mat<f64>> = (0..system.blocks()).map(|k| Mat::zeros(system.len(k), 1)).collect();
        for edge in system.edges() {
            let par = self.relaxation.parallelism(edge.map.coefficients(), 1);
            edge.map.apply_add(signals[edge.from].as_ref(), incoming[edge.to].as_mut(), par);
        }
        incoming
    }

    /// `y ← D^{−½} F D^{−½} x`.
    pub(crate) fn apply(&self, x: ColRef<'_, f64>, mut y: ColMut<'_, f64>) {
        let last = self.relaxation.last();
        let signals = self.signals(x);
        let mut pulls = self.incoming(&signals);
        let mut image: Vec<Mat<f64>> = signals.clone();
        for (k, (image, pull)) in image.iter_mut().zip(&mut pulls).enumerate() {
            for (i, &d) in self.diagonal[k].iter().enumerate() {
                let (signal, s) = (image[(i, 0)], pull[(i, 0)]);
                (image[(i, 0)], pull[(i, 0)]) = if k == 0 {
                    (d * signal, 0.0)
                } else if k == last {
                    (d * signal - s, -signal)
                } else {
                    // d = 2λ, α + β = 2m, αβ = m² − h².
                    let slope = self.relaxation.slopes[k - 1][i];
                    let product = slope.mean * slope.mean - slope.half * slope.half;
                    (d * (signal - slope.mean * s), d * (product * s - slope.mean * signal))
                };
            }
        }
        for edge in self.relaxation.system.edges() {
            let par = self.relaxation.parallelism(edge.map.coefficients(), 1);
            edge.map.apply_transpose_add(pulls[edge.to].as_ref(), image[edge.from].as_mut(), par);
        }
        for ((block, image), &start) in self.diagonal.iter().zip(&image).zip(&self.starts) {
            for (i, d) in block.iter().enumerate() {
                y[start + i] = image[(i, 0)] / d.sqrt();
            }
        }
    }
}
