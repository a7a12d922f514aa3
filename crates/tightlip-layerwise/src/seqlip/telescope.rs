//! Multipliers of the whole network from those of its factors.
//!
//! Multipliers `λ^{(k)}` bound the factor of layer `k` by `φ_k` if for all `u` and `δ`, with `s = B_k u`,
//!
//!   `φ_k² |u|² − |A_k δ|² − Σ_j 2λ_j^{(k)} (δ_j − α_j s_j)(β_j s_j − δ_j) ≥ 0`.
//!
//! Take `u_k = Σ̃_k V_kᵀ δ_{k−1}` for inner maps, and `u_1 = V_1ᵀ δ_0`: then `B_k u_k = W_k δ_{k−1}` is what the neurons of layer
//! `k` receive, `|A_k δ_k| = |u_{k+1}|`, and `|A_H δ_H|` is the length of the outputs' increment `z`. The sum of these
//! inequalities with weights `w_k`, `w_H = 1`, `w_{k−1} = φ_k² w_k`, telescopes:
//!
//!   `(Π_k φ_k²) |δ_0|² − |z|² − Σ_k Σ_j 2 w_k λ_j^{(k)} (δ_j − α_j s_j)(β_j s_j − δ_j) ≥ 0`,
//!
//! the inequality of the network with `λ_k = w_k λ^{(k)}`, `w_k = Π_{l > k} φ_l²`, and the bound `L = Π φ_k`. With the output
//! bordered, `q |η|² − 2 ηᵀz ≥ −|z|²/q`; divided by `L` it has `t = q = L` and `λ_k = λ^{(k)} · Π_{l > k} φ_l / Π_{l ≤ k} φ_l`.
//! So SeqLip with multipliers for each factor is never below LipSDP-Neuron.

use tightlip_model::{Multipliers, Weight};

/// What bounds a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorMultipliers {
    /// `φ`.
    pub bound: f64,
    /// `λ`, for the inequality with `|A δ|²` itself, one for each neuron.
    pub hidden: Vec<f64>,
}

/// The multipliers of the network, for ℓ2 inputs and outputs, and the bound they claim. In logarithms, for the products of 200
/// layers may leave the range where the multipliers do not.
pub fn telescoped(factors: &[FactorMultipliers]) -> (Multipliers, f64) {
    let logarithms: Vec<f64> = factors.iter().map(|factor| factor.bound.ln()).collect();
    let total: f64 = logarithms.iter().sum();
    let mut passed = 0.0;
    let mut hidden = Vec::new();
    for (factor, logarithm) in factors.iter().zip(&logarithms) {
        passed += logarithm;
        let weight = total - 2.0 * passed;
        hidden.push(factor.hidden.iter().map(|lambda| (lambda.ln() + weight).exp()).collect());
    }
    let bound = total.exp();
    (Multipliers { input: Weight::Uniform(bound), hidden, output: Weight::Uniform(bound) }, bound)
}
