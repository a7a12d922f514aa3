//! From multipliers whose scaled pencil has the smallest eigenvalue `−δ` to feasible ones.
//!
//! For a chain with slopes `[0, 1]` let `s_H = 1`, `s_{k−1} = (1 + δ) s_k`, `λ′_k = s_k s_{k−1} λ_k`, `D_in′ = (1 + δ) s_0² D_in` and
//! `D_out′ = (1 + δ) D_out`. The couplings of `F(y′)` are those of `Σ F(y) Σ`, `Σ = diag(s_0, …, s_H, 1)`, and its diagonal has
//! `δ Σ D Σ` more, so that `F(y′) ⪰ 0`; the bound has become `(1 + δ)^{H+1}` times as large. That holds for negative `δ` as well,
//! where multipliers are feasible by more than they need to be.
//!
//! For other slopes and skip connections it is no identity, so multipliers are only ever made larger, with the longest path in the
//! place of the depth, and who uses them looks again.

use tightlip_model::IncrementSystem;

use crate::variables::Variables;

/// `√(weight_in · weight_out)`.
pub(crate) fn bound(variables: &Variables, multipliers: &[f64]) -> f64 {
    let (input, output) = variables.weights(multipliers);
    input.sqrt() * output.sqrt()
}

/// The exponents of a system.
#[derive(Debug, Clone)]
pub(crate) struct Retraction {
    /// `s_k = (1 + δ)^{heights[k]}`; of inputs and hidden blocks.
    heights: Vec<i32>,
    /// Whether it is an identity.
    exact: bool,
}

impl Retraction {
    /// The retraction for `system`.
    pub(crate) fn new(system: &IncrementSystem) -> Self {
        let last = system.output_block();
        let mut heights = vec![0; last];
        // Edges stand in the order of their targets, so that the height of a target is known when it is read from.
        for edge in system.edges().iter().rev().filter(|edge| edge.to < last && system.len(edge.to) > 0) {
            heights[edge.from] = heights[edge.from].max(heights[edge.to] + 1);
        }
        let chain = system.edges().iter().all(|edge| edge.to == edge.from + 1);
        let unit = |k: usize| system.slopes(k).iter().all(|slope| slope.lower() == 0.0 && slope.upper() == 1.0);
        Self { heights, exact: chain && (1..last).all(unit) }
    }

    /// Whether what it gives is feasible without another look.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// By how many factors `1 + δ` the bound grows.
    pub(crate) fn exponent(&self) -> i32 {
        self.heights[0] + 1
    }

    /// What the bound is multiplied with.
    pub(crate) fn factor(&self, shortfall: f64) -> f64 {
        self.base(shortfall).powi(self.exponent())
    }

    /// The retracted multipliers, scaled to equal weights of inputs and outputs.
    pub(crate) fn apply(&self, variables: &Variables, multipliers: &[f64], shortfall: f64) -> Vec<f64> {
        let last = variables.blocks() - 1;
        let base = self.base(shortfall);
        let mut retracted = multipliers.to_vec();
        for k in 0..=last {
            let exponent = if k == last { 1 } else { 2 * self.heights[k] + 1 };
            for value in &mut retracted[variables.entries(k)] {
                *value *= base.powi(exponent);
            }
        }
        let (input, output) = variables.weights(&retracted);
        let balance = (output / input).sqrt();
        for (j, value) in retracted.iter_mut().enumerate() {
            *value *= if variables.entries(last).contains(&j) { balance.recip() } else { balance };
        }
        retracted
    }

    /// `1 + δ`.
    fn base(&self, shortfall: f64) -> f64 {
        1.0 + if self.exact { shortfall } else { shortfall.max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use faer::{Mat, Side};
    use tightlip_model::{Activation, Norm, OutputSelection, Query, random_network};

    use super::*;
    use crate::{Passes, ScaledPencil};

    /// The smallest eigenvalue of the scaled pencil, by the dense matrix.
    fn smallest(passes: &Passes<'_>, variables: &Variables, multipliers: &[f64]) -> f64 {
        let pencil = ScaledPencil::new(passes, variables.diagonal(multipliers));
        let n = passes.order();
        let mut matrix = Mat::<f64>::zeros(n, n);
        pencil.apply(Mat::identity(n, n).as_ref(), matrix.as_mut());
        matrix.self_adjoint_eigenvalues(Side::Lower).expect("finite")[0]
    }

    fn system(activation: Activation, seed: u64) -> IncrementSystem {
        let network = random_network(&[4, 6, 5, 3], activation, seed).expect("valid");
        IncrementSystem::of_network(&network, OutputSelection::All).expect("valid")
    }

    #[test]
    fn on_chains_with_unit_slopes_it_is_feasible_and_costs_what_it_says() {
        let mut signs = [0, 0];
        for seed in 0..20 {
            let system = system(Activation::Relu, seed);
            let input_norm = if seed % 2 == 0 { Norm::L2 } else { Norm::LInf };
            let query = Query { input_norm, ..Query::euclidean(OutputSelection::All) };
            let (passes, variables) = (Passes::new(&system, 1), Variables::new(&system, &query));
            let retraction = Retraction::new(&system);
            assert!(retraction.is_exact());
            // Multipliers that fall off fast enough from block to block are feasible.
            let fall: f64 = if seed % 3 == 0 { -60.0_f64.ln() } else { 0.0 };
            let multipliers: Vec<f64> = (0..=3_usize)
                .flat_map(|k| variables.entries(k).map(move |j| (k, j)))
                .map(|(k, j)| (fall * (k as f64 - 3.0)).exp() * (1.2 + ((j + 1) as f64 * (seed + 2) as f64).sin()))
                .collect();
            let shortfall = -smallest(&passes, &variables, &multipliers);
            signs[usize::from(shortfall > 0.0)] += 1;
            let retracted = retraction.apply(&variables, &multipliers, shortfall);
            assert!(smallest(&passes, &variables, &retracted) > -1e-12, "seed {seed}: {shortfall}");
            let ratio = bound(&variables, &retracted) / bound(&variables, &multipliers);
            assert!((ratio / retraction.factor(shortfall) - 1.0).abs() < 1e-12);
            assert_eq!(retraction.exponent(), 3);
        }
        assert!(signs[0] > 0 && signs[1] > 0, "both signs of the shortfall occur: {signs:?}");
    }

    #[test]
    fn with_other_slopes_multipliers_only_grow() {
        let system = system(Activation::LeakyRelu { slope: -0.5 }, 1);
        let retraction = Retraction::new(&system);
        assert!(!retraction.is_exact());
        assert_eq!(retraction.factor(-0.3), 1.0);
        assert!(retraction.factor(0.1) > 1.3);
    }
}
