//! The scaled pencil `D^{−½} F D^{−½}`, `D = diag(D_in, 2Λ, D_out)`, applied to vectors by two passes of the network.
//!
//! From the quadratic form `δ_0ᵀD_inδ_0 + 2 Σ_j λ_j (δ_j − α_j s_j)(δ_j − β_j s_j) + ηᵀD_outη − 2ηᵀs_out`: forward for the
//! incoming signals `s`, backward for what depends on them. Its smallest eigenvalue is 0 at the optimum and negative
//! before.

use faer::{ColMut, ColRef, Mat};
use tightlip_model::Multipliers;

use crate::multipliers;
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
            .map(|k| (0..system.len(k)).map(|i| multipliers::diagonal(multipliers, k, i)).collect())
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

#[cfg(test)]
mod tests {
    use faer::Col;
    use tightlip_model::{
        Activation, Edge, IncrementSystem, LinearMap, Norm, OutputSelection, Query, SlopeInterval, Weight,
        random_network,
    };

    use super::*;

    /// `vᵀFv` from its definition, one neuron at a time.
    fn form(system: &IncrementSystem, multipliers: &Multipliers, signals: &[Mat<f64>]) -> f64 {
        let last = system.output_block();
        let mut value = 0.0;
        for k in 0..=last {
            let mut s = Mat::<f64>::zeros(system.len(k), 1);
            for edge in system.edges_into(k) {
                s += edge.map.apply(signals[edge.from].as_ref());
            }
            for i in 0..system.len(k) {
                let (d, s) = (signals[k][(i, 0)], s[(i, 0)]);
                value += if k == 0 {
                    multipliers.input.at(i) * d * d
                } else if k == last {
                    multipliers.output.at(i) * d * d - 2.0 * d * s
                } else {
                    let slope = system.slopes(k)[i];
                    2.0 * multipliers.hidden[k - 1][i] * (d - slope.lower() * s) * (d - slope.upper() * s)
                };
            }
        }
        value
    }

    #[test]
    fn the_pencil_is_the_quadratic_form_of_the_inequality_with_unit_diagonal_scale() {
        let network = random_network(&[3, 4, 5, 2], Activation::LeakyRelu { slope: -0.5 }, 3).expect("valid");
        let chain = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let skip = Edge { from: 0, to: 3, map: LinearMap::from_rows(&[vec![0.3, -1.0, 0.2], vec![1.0, 0.1, -0.4]]) };
        let edges = chain.edges().iter().cloned().chain([skip]).collect();
        let hidden: Vec<Vec<SlopeInterval>> = (1..3).map(|k| chain.slopes(k).to_vec()).collect();
        let system = IncrementSystem::new(3, hidden, 2, edges).expect("valid");
        let query = Query { input_norm: Norm::LInf, ..Query::euclidean(OutputSelection::All) };
        let relaxation = Relaxation::new(&system, &query, 1);
        let multipliers = Multipliers {
            input: Weight::PerCoordinate(vec![0.5, 1.0, 2.0]),
            hidden: vec![vec![0.3, 0.5, 0.7, 0.9], vec![1.0, 0.8, 0.6, 0.4, 0.2]],
            output: Weight::Uniform(1.5),
        };
        let pencil = ScaledPencil::new(&relaxation, &multipliers);
        let x = Col::from_fn(pencil.order(), |i| (1.3 * i as f64).sin());
        let mut y = Col::zeros(pencil.order());
        pencil.apply(x.as_ref(), y.as_mut());
        let direct = form(&system, &multipliers, &pencil.signals(x.as_ref()));
        assert!((x.transpose() * &y - direct).abs() < 1e-12 * direct.abs());
        // Symmetric: another vector against both images.
        let z = Col::from_fn(pencil.order(), |i| (0.7 * i as f64).cos());
        let mut image = Col::zeros(pencil.order());
        pencil.apply(z.as_ref(), image.as_mut());
        assert!((z.transpose() * &y - x.transpose() * &image).abs() < 1e-12);
    }
}
