//! Sums over the paths of a graph of norms, and the multipliers that make a quadratic inequality of them.
//!
//! Blocks `0 … K` carry vectors `ρ_k`, every `ρ_k` with `k ≥ 1` is bounded by `|ρ_k| ≤ |s_k|`, `s_k = Σ_{j<k} A_{kj} ρ_j`, and
//! `P_{kj} ≥ ‖A_{kj}‖` is known. Then `|s_k| ≤ L_k |ρ_0|` with
//!
//!   `L_0 = 1`,   `L_k = Σ_j P_{kj} L_j`   (forward),      `p_K = 1`,   `p_j = Σ_{k>j} P_{kj} p_k`   (backward),
//!
//! and `L_K = p_0` is the sum over all paths from 0 to `K` of the products of their norms. As a quadratic inequality, by
//! Cauchy and Schwarz with the weights `L_j`,
//!
//!   `|s_k|² ≤ (Σ_j P_{kj} L_j)(Σ_j P_{kj} |ρ_j|² / L_j) = L_k Σ_j P_{kj} |ρ_j|² / L_j`,
//!
//! which summed with the weights `p_k / L_k` telescopes: with `θ = L_K` and `μ_k = p_k / L_k`,
//!
//!   `|s_K|² / θ + Σ_{0<k<K} μ_k (|s_k|² − |ρ_k|²) ≤ θ |ρ_0|²`   for all `ρ`, bounded or not.
//!
//! Written with `2 ηᵀ s_K ≤ |s_K|² / θ + θ |η|²` this is the matrix inequality with both weights `θ` and the multiplier
//! `μ_k` at `|s_k|² ≥ |ρ_k|²`: the bound θ with its proof.

use tightlip_model::{Multipliers, Weight};

/// A bound of a system between ℓ2 norms, and multipliers that are feasible up to rounding and prove it.
#[derive(Debug, Clone, PartialEq)]
pub struct Feasible {
    /// The bound `θ`; both weights of the multipliers.
    pub bound: f64,
    /// One value for each hidden neuron, and uniform weights.
    pub multipliers: Multipliers,
    /// Whether every norm was computed; otherwise some were bounded by Frobenius norms or products of others, and so the bound is larger.
    pub is_complete: bool,
}

impl Feasible {
    /// Both weights `bound`, and the given multipliers of the hidden blocks.
    pub(crate) fn new(bound: f64, hidden: Vec<Vec<f64>>, is_complete: bool) -> Self {
        let (input, output) = (Weight::Uniform(bound), Weight::Uniform(bound));
        Self { bound, multipliers: Multipliers { input, hidden, output }, is_complete }
    }
}

/// `L` and `p` of every block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PathSums {
    forward: Vec<f64>,
    backward: Vec<f64>,
}

impl PathSums {
    /// The sums for blocks `0 … blocks − 1`; `norms` are `(j, k, P_{kj})` with `j < k`, in any order.
    pub(crate) fn new(blocks: usize, norms: &[(usize, usize, f64)]) -> Self {
        let (mut forward, mut backward) = (vec![0.0; blocks], vec![0.0; blocks]);
        let mut incoming = vec![Vec::new(); blocks];
        for &(from, to, norm) in norms {
            incoming[to].push((from, norm));
        }
        forward[0] = 1.0;
        for to in 1..blocks {
            forward[to] = incoming[to].iter().map(|&(from, norm)| norm * forward[from]).sum();
        }
        backward[blocks - 1] = 1.0;
        for to in (1..blocks).rev() {
            for &(from, norm) in &incoming[to] {
                backward[from] += norm * backward[to];
            }
        }
        Self { forward, backward }
    }

    /// `θ`.
    pub(crate) fn value(&self) -> f64 {
        self.forward.last().copied().unwrap_or(1.0)
    }

    /// `μ_k` of a hidden block; 0 for a block that nothing reaches, which has no signals.
    pub(crate) fn multiplier(&self, k: usize) -> f64 {
        if self.forward[k] == 0.0 { 0.0 } else { self.backward[k] / self.forward[k] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph on four blocks with every edge.
    const NORMS: [(usize, usize, f64); 6] =
        [(0, 1, 2.0), (0, 2, 0.5), (1, 2, 3.0), (0, 3, 0.25), (1, 3, 0.125), (2, 3, 5.0)];

    #[test]
    fn forward_and_backward_sums_are_the_sum_over_all_paths() {
        let sums = PathSums::new(4, &NORMS);
        let paths = 0.25 + 2.0 * 0.125 + 0.5 * 5.0 + 2.0 * 3.0 * 5.0;
        assert_eq!((sums.value(), sums.backward[0]), (paths, paths));
    }

    #[test]
    fn the_weighted_inequalities_telescope_to_the_bound_and_to_nothing_less() {
        // With scalars ρ_j = L_j everything is an equality: the largest values that fit.
        let sums = PathSums::new(4, &NORMS);
        let theta = sums.value();
        let gap = |rho: [f64; 3]| {
            let s = |k: usize| -> f64 { NORMS.iter().filter(|n| n.1 == k).map(|&(j, _, p)| p * rho[j]).sum() };
            let weighted: f64 = (1..3).map(|k| sums.multiplier(k) * (s(k).powi(2) - rho[k].powi(2))).sum();
            theta * rho[0].powi(2) - s(3).powi(2) / theta - weighted
        };
        assert!(gap([1.0, sums.forward[1], sums.forward[2]]).abs() < 1e-12 * theta);
        for rho in [[1.0, 2.1, 6.5], [1.0, 1.9, 6.5], [1.0, 2.0, 7.0], [0.0, 1.0, 1.0], [1.0, -1.0, 3.0]] {
            assert!(gap(rho) > 0.0, "{rho:?}");
        }
    }
}
