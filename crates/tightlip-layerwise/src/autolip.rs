//! AutoLip (Virmaux & Scaman, NeurIPS 2018, Algorithm 2): the norms of the maps along all paths of the graph.
//!
//!   `L_0 = 1`,   `L_k = Σ_{edges i→k} ‖M_k W_{k,i}‖ L_i`,   `M_k = Diag(max(|α_j|, |β_j|))`,
//!
//! the last `L` is the bound; on a chain the product of norms. This is [`path_sums`](crate::path_sums) with `ρ_k = δ_k` and
//! `s_k` replaced by `M_k s_k`: the multipliers `μ_k` belong to the sector `δ² ≤ m² s²`. The sector `[α, β]` of the neuron lies
//! in it. With `m = max(|α|, |β|)`, so that one end is `± m`,
//!
//!   `2λ (δ − α s)(δ − β s) − μ (δ² − m² s²) ≥ 0`   for all `δ, s`   with   `λ = μ m / (β − α)`:
//!
//! for `β = m` it is `μ (m + α)/(m − α) (δ − m s)²`, for `α = −m` it is `μ (m − β)/(m + β) (δ + m s)²`. So λ are multipliers
//! of the inequality for the sectors `[α, β]`. A fixed slope `α = β` would need an infinite one.

use tightlip_model::{IncrementSystem, SlopeInterval, spectral_norm};

use crate::chain::{Unsuitable, check_slopes};
use crate::path_sums::{Feasible, PathSums};

/// AutoLip's bound of `system` between ℓ2 norms, which may have skip connections, with its multipliers. `stop` is asked before every
/// norm; once it is true Frobenius norms stand for those that are left.
///
/// # Errors
/// [`Unsuitable`] if a neuron is (nearly) linear.
pub fn autolip(system: &IncrementSystem, stop: &dyn Fn() -> bool) -> Result<Feasible, Unsuitable> {
    check_slopes(system)?;
    let last = system.output_block();
    let mut stopped = false;
    let mut norm = |edge: &tightlip_model::Edge| {
        let mut matrix = edge.map.to_dense();
        if edge.to < last {
            for (i, slope) in system.slopes(edge.to).iter().enumerate() {
                matrix.row_mut(i).iter_mut().for_each(|entry| *entry *= slope.magnitude());
            }
        }
        stopped = stopped || stop();
        if stopped { matrix.norm_l2() } else { spectral_norm(matrix.as_ref()) }
    };
    let norms: Vec<_> = system.edges().iter().map(|edge| (edge.from, edge.to, norm(edge))).collect();
    let sums = PathSums::new(system.blocks(), &norms);
    let of_block = |block: usize| {
        let scaled_sector = sums.multiplier(block);
        // In the units of M s the sector is [α/m, β/m], and δ stays δ.
        let multiplier = |slope: &SlopeInterval| scaled_sector * slope.magnitude() / (slope.upper() - slope.lower());
        system.slopes(block).iter().map(multiplier).collect()
    };
    let hidden = (1..last).map(of_block).collect();
    Ok(Feasible::new(sums.value(), hidden, !stopped))
}

#[cfg(test)]
mod tests {
    use faer::{Mat, Side};
    use tightlip_model::{Edge, LinearMap};

    use super::*;

    #[test]
    fn one_neuron_between_two_weights_has_its_constant_and_multipliers_without_slack() {
        // The inequality is tight: with any other multiplier the form would have a negative direction.
        let (before, after) = (3.0, 2.0);
        for (lower, upper) in [(0.0, 1.0), (0.0, 0.25), (-1.2, 0.0), (-2.0, 1.0), (0.3, 0.8)] {
            let edge = |from, weight| Edge { from, to: from + 1, map: LinearMap::from_rows(&[vec![weight]]) };
            let slope = SlopeInterval::new(lower, upper).expect("an interval");
            let system = IncrementSystem::new(1, vec![vec![slope]], 1, vec![edge(0, before), edge(1, after)]);
            let found = autolip(&system.expect("valid"), &|| false).expect("two slopes");
            let exact = before * after * slope.magnitude();
            assert!((found.bound / exact - 1.0).abs() < 1e-14, "[{lower}, {upper}]: {}", found.bound);
            let least = |factor: f64| {
                let lambda = factor * found.multipliers.hidden[0][0];
                let mut form = Mat::<f64>::zeros(3, 3);
                form[(0, 0)] = found.bound + 2.0 * lambda * lower * upper * before * before;
                form[(1, 0)] = -lambda * (lower + upper) * before;
                form[(1, 1)] = 2.0 * lambda;
                form[(2, 1)] = -after;
                form[(2, 2)] = found.bound;
                form.self_adjoint_eigenvalues(Side::Lower).expect("converges")[0]
            };
            assert!(least(1.0).abs() < 1e-12, "[{lower}, {upper}]: {}", least(1.0));
            assert!(least(0.99) < -1e-6 && least(1.01) < -1e-6, "[{lower}, {upper}]: there is slack");
        }
    }
}
