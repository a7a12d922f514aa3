//! Feasible multipliers from any: multiplying with powers of `1 + δ` along the network, where the smallest eigenvalue of the scaled
//! pencil is `−δ`. For chains with slopes `[0, 1]` the result is feasible exactly.

use crate::variables::Variables;

/// `√(weight_in · weight_out)`.
pub(crate) fn bound(variables: &Variables, multipliers: &[f64]) -> f64 {
    let (input, output) = variables.weights(multipliers);
    input.sqrt() * output.sqrt()
}

/// The bound after retraction.
pub(crate) fn retracted_bound(variables: &Variables, multipliers: &[f64], shortfall: f64) -> f64 {
    (1.0 + shortfall).powf(variables.blocks() as f64 - 1.0) * bound(variables, multipliers)
}

/// Multipliers that are feasible if the smallest eigenvalue of the scaled pencil is `−shortfall`, with equal weights of inputs and
/// outputs. With `s_k = (1 + δ)^{H−k}`, `λ′_k = s_k s_{k−1} λ_k`, `D_in′ = (1 + δ) s_0² D_in` and `D_out′ = (1 + δ) D_out` the
/// couplings of `F(y′)` are those of `Σ F(y) Σ`, `Σ = diag(s_0, …, s_H, 1)`, and its diagonal has `δ Σ D Σ` more.
pub(crate) fn retracted(variables: &Variables, multipliers: &[f64], shortfall: f64) -> Vec<f64> {
    let last = variables.blocks() - 1;
    let factor = 1.0 + shortfall;
    let mut retracted = multipliers.to_vec();
    for k in 0..=last {
        let exponent = match k {
            0 => 2.0 * last as f64 - 1.0,
            _ if k == last => 1.0,
            _ => 2.0 * (last - k) as f64 - 1.0,
        };
        for j in variables.entries(k) {
            retracted[j] *= factor.powf(exponent);
        }
    }
    let (input, output) = variables.weights(&retracted);
    let balance = (output / input).sqrt();
    for k in 0..=last {
        for j in variables.entries(k) {
            retracted[j] *= if k == last { balance.recip() } else { balance };
        }
    }
    retracted
}
