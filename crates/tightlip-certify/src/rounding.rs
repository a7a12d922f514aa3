//! Rounding: nearly feasible multipliers become strictly feasible ones, in closed form.
//!
//! Let `F(y) ⪰ −δ D` for slopes [0, 1] and `D = blockdiag(D_in, 2Λ, D_out)`. With `s_H = 1`, `s_{k−1} = s_k + ε/s_k`,
//!
//!   `λ′_k = s_k s_{k−1} λ_k = (s_k² + ε) λ_k`,   `D_in′ = (s_0² + ε) D_in`,   `D_out′ = (1 + ε) D_out`
//!
//! give `F(y′) = Σ F(y) Σ + ε D` with `Σ = diag(s_0, …, s_H, 1)`: the couplings scale like the congruence, the surplus
//! stays on the diagonal. The bound grows by `√((s_0² + ε)(1 + ε)) ≈ 1 + (H + 1) ε`. For other slopes and for skip
//! connections the identity is not exact; then the rounding is a proposal like any other, and the proof decides.

use tightlip_model::Multipliers;

/// The rounded multipliers for a margin `epsilon > 0`.
///
/// Hidden multipliers that are negative (a solver's answer may be slightly off) are first raised to a tiny fraction of
/// the largest of their layer, except exact zeros, which mark dead signals.
pub fn round_multipliers(multipliers: &Multipliers, epsilon: f64) -> Multipliers {
    let hidden_blocks = multipliers.hidden.len();
    let mut scales = vec![1.0; hidden_blocks + 1];
    for k in (0..hidden_blocks).rev() {
        scales[k] = scales[k + 1] + epsilon / scales[k + 1];
    }
    let hidden = multipliers
        .hidden
        .iter()
        .enumerate()
        .map(|(k, block)| {
            let factor = scales[k + 1] * scales[k];
            raised(block).into_iter().map(|lambda| factor * lambda).collect()
        })
        .collect();
    Multipliers {
        input: multipliers.input.scaled(scales[0] * scales[0] + epsilon),
        hidden,
        output: multipliers.output.scaled(1.0 + epsilon),
    }
}

/// Negative values become a tiny positive one.
fn raised(block: &[f64]) -> Vec<f64> {
    /// Far below any multiplier that matters, far above underflow after scaling.
    const FRACTION: f64 = 1e-12;
    let largest = block.iter().fold(0.0_f64, |m, &v| m.max(v));
    block.iter().map(|&v| if v < 0.0 { FRACTION * largest } else { v }).collect()
}
