//! From multipliers whose scaled pencil has the smallest eigenvalue `−δ` to feasible ones.
//!
//! For a chain with slopes `[0, 1]` let `s_H = 1`, `s_{k−1} = (1 + δ) s_k`, `λ′_k = s_k s_{k−1} λ_k`, `D_in′ = (1 + δ) s_0² D_in` and
//! `D_out′ = (1 + δ) D_out`. The couplings of `F(y′)` are those of `Σ F(y) Σ`, `Σ = diag(s_0, …, s_H, 1)`, and its diagonal has
//! `δ Σ D Σ` more, so that `F(y′) ⪰ 0`; the bound has become `(1 + δ)^{H+1}` times as large. That holds for negative `δ` as well,
//! where multipliers are feasible by more than they need to be.
//!
//! For other slopes and skip connections `F(y) + δD ⪰ 0` is made feasible term by term, as `reach` says: every signal is bounded
//! by the inputs, so what the pencil lacks at a neuron costs a known amount at the inputs. That is more than the powers cost, and
//! nothing is gained for negative `δ`.

use tightlip_model::IncrementSystem;

use crate::reach::Reach;
use crate::variables::Variables;

/// The penalty on the shortfall that methods take, against the slope below which it is not exact.
pub(crate) const PENALTY: f64 = 1.2;

/// `√(weight_in · weight_out)`.
pub(crate) fn bound(variables: &Variables, multipliers: &[f64]) -> f64 {
    let (input, output) = variables.weights(multipliers);
    input.sqrt() * output.sqrt()
}

/// The way back to feasible multipliers.
#[derive(Debug, Clone)]
pub(crate) enum Retraction {
    /// By powers of `1 + δ`, an identity.
    Powers,
    /// Term by term.
    Reaches(Reach),
}

impl Retraction {
    /// The retraction for `system`, of which these are the variables.
    pub(crate) fn new(system: &IncrementSystem, variables: &Variables) -> Self {
        let last = system.output_block();
        let chain = system.edges().iter().all(|edge| edge.to == edge.from + 1);
        let unit = |k: usize| system.slopes(k).iter().all(|slope| slope.lower() == 0.0 && slope.upper() == 1.0);
        if chain && (1..last).all(unit) {
            Self::Powers
        } else {
            Self::Reaches(Reach::new(system, variables.input_norm()))
        }
    }

    /// Feasible multipliers where the smallest eigenvalue of the pencil scaled by its own diagonal is `−shortfall`, with equal weights of
    /// inputs and outputs.
    pub(crate) fn apply(&self, variables: &Variables, multipliers: &[f64], shortfall: f64) -> Vec<f64> {
        let mut retracted = match self {
            Self::Powers => by_powers(variables, multipliers, shortfall),
            Self::Reaches(reach) => by_reaches(reach, variables, multipliers, shortfall.max(0.0)),
        };
        let last = variables.blocks() - 1;
        let (input, output) = variables.weights(&retracted);
        let balance = (output / input).sqrt();
        for (j, value) in retracted.iter_mut().enumerate() {
            *value *= if variables.entries(last).contains(&j) { balance.recip() } else { balance };
        }
        retracted
    }

    /// How fast the bound grows with the shortfall, relative: the exact penalty on it.
    pub(crate) fn slope(&self, variables: &Variables, multipliers: &[f64]) -> f64 {
        /// Small enough for a difference quotient, and not lost in rounding.
        const SHORTFALL: f64 = 1e-6;
        let changed = bound(variables, &self.apply(variables, multipliers, SHORTFALL));
        (changed / bound(variables, multipliers) - 1.0) / SHORTFALL
    }
}

/// Every block by its power.
fn by_powers(variables: &Variables, multipliers: &[f64], shortfall: f64) -> Vec<f64> {
    let last = variables.blocks() - 1;
    let base = 1.0 + shortfall;
    let mut retracted = multipliers.to_vec();
    let mut power = 1.0;
    // 1 for the outputs, then 1, 3, 5, … for the hidden blocks from the last to the first, and two more for the inputs.
    for k in (0..=last).rev() {
        power = if k + 1 >= last { base } else { power * base * base };
        for value in &mut retracted[variables.entries(k)] {
            *value *= power;
        }
    }
    retracted
}

/// Every signal by what it lacks.
fn by_reaches(reach: &Reach, variables: &Variables, multipliers: &[f64], shortfall: f64) -> Vec<f64> {
    let last = variables.blocks() - 1;
    let mut retracted = multipliers.to_vec();
    let (first, end) = (variables.entries(0).end, variables.entries(last).start);
    let surplus: Vec<f64> = multipliers[first..end].iter().map(|lambda| 2.0 * shortfall * lambda).collect();
    let need = reach.enlarge_by(0.0, &surplus, &mut retracted[first..end]);
    retracted[..first].iter_mut().for_each(|weight| *weight = (1.0 + shortfall) * *weight + need);
    retracted[end..].iter_mut().for_each(|weight| *weight *= 1.0 + shortfall);
    retracted
}

#[cfg(test)]
mod tests {
    use faer::{Mat, Side};
    use tightlip_model::{Activation, Edge, LinearMap, Norm, OutputSelection, Query, random_network};

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

    /// Multipliers that fall off by `fall` from block to block, with some spread.
    fn multipliers(variables: &Variables, fall: f64, seed: usize) -> Vec<f64> {
        (0..variables.blocks())
            .flat_map(|k| variables.entries(k).map(move |j| (k, j)))
            .map(|(k, j)| {
                let spread = 1.2 + ((j + 1) as f64 * (seed + 2) as f64).sin();
                fall.powf((variables.blocks() - 1 - k) as f64) * spread
            })
            .collect()
    }

    #[test]
    fn on_chains_with_unit_slopes_it_is_feasible_and_costs_what_it_says() {
        let mut signs = [0, 0];
        for seed in 0..20 {
            let system = system(Activation::Relu, seed);
            let input_norm = if seed % 2 == 0 { Norm::L2 } else { Norm::LInf };
            let query = Query { input_norm, ..Query::euclidean(OutputSelection::All) };
            let (passes, variables) = (Passes::new(&system, 1), Variables::new(&system, &query));
            let retraction = Retraction::new(&system, &variables);
            assert!(matches!(retraction, Retraction::Powers));
            // Multipliers that fall off fast enough from block to block are feasible.
            let fall = if seed % 3 == 0 { 60.0 } else { 1.0 };
            let multipliers = multipliers(&variables, fall, seed as usize);
            let shortfall = -smallest(&passes, &variables, &multipliers);
            signs[usize::from(shortfall > 0.0)] += 1;
            let retracted = retraction.apply(&variables, &multipliers, shortfall);
            assert!(smallest(&passes, &variables, &retracted) > -1e-12, "seed {seed}: {shortfall}");
            let ratio = bound(&variables, &retracted) / bound(&variables, &multipliers);
            assert!((ratio / (1.0 + shortfall).powi(3) - 1.0).abs() < 1e-12);
            assert!((retraction.slope(&variables, &multipliers) / 3.0 - 1.0).abs() < 1e-4);
        }
        assert!(signs[0] > 0 && signs[1] > 0, "both signs of the shortfall occur: {signs:?}");
    }

    #[test]
    fn with_other_slopes_and_skip_connections_it_is_feasible_too() {
        for (seed, slope) in [-1.0, -0.5, 0.01, 0.2, 0.9, 0.9999].into_iter().enumerate() {
            let chain = system(Activation::LeakyRelu { slope }, seed as u64);
            let skip = Edge { from: 0, to: 2, map: LinearMap::from_rows(&vec![vec![0.3, -1.0, 0.2, 0.5]; 5]) };
            let edges = chain.edges().iter().cloned().chain([skip]).collect();
            let hidden = (1..3).map(|k| chain.slopes(k).to_vec()).collect();
            let residual = IncrementSystem::new(4, hidden, 3, edges).expect("valid");
            for (system, input_norm) in [(&chain, Norm::L2), (&residual, Norm::LInf), (&residual, Norm::L2)] {
                let query = Query { input_norm, ..Query::euclidean(OutputSelection::All) };
                let (passes, variables) = (Passes::new(system, 1), Variables::new(system, &query));
                let retraction = Retraction::new(system, &variables);
                assert!(matches!(retraction, Retraction::Reaches(_)));
                let multipliers = multipliers(&variables, 1.0, seed);
                let shortfall = -smallest(&passes, &variables, &multipliers);
                assert!(shortfall > 0.1, "slope {slope}: nothing to do");
                let retracted = retraction.apply(&variables, &multipliers, shortfall);
                assert!(smallest(&passes, &variables, &retracted) > -1e-11, "slope {slope}, {input_norm}");
                assert!(retraction.slope(&variables, &multipliers) >= 1.0);
            }
        }
    }
}
