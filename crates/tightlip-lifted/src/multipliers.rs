//! Multipliers from a sweep, by stationarity.
//!
//! The constraint of neuron `j` is `‖v_j − m u_j‖² ≤ h² ‖u_j‖²` with multiplier `2λ_j`; stationarity in `v_j` says
//! `C_j = 2λ_j (v_j − m u_j) = 2λ_j h ‖u_j‖ g_j`, hence `λ_j = ‖C_j‖/(2h‖u_j‖)`. In the same way `t` is the size of `C_0`
//! (`t_i = ‖(C_0)_i‖` for ℓ∞) and `q` that of `O` (`q_i = ‖O_i‖` for ℓ1). At a fixed point both weights equal the value.

use tightlip_model::{Multipliers, Weight};

use crate::columns::Ball;
use crate::relaxation::Relaxation;
use crate::sweep::Pass;

/// A neuron with `α = β` is linear: its multiplier is unbounded, and this many times the scale of its vectors loses
/// about the inverse in the bound.
const LINEAR: f64 = 1e7;
/// A vector that vanishes at the optimum gives a multiplier of zero or infinity; such a multiplier is kept within this
/// factor of the geometric mean of its block, where a proof can still be had.
const WIDEST: f64 = 1e10;

/// The multipliers of a pass.
pub(crate) fn of_pass(relaxation: &Relaxation, pass: &Pass) -> Multipliers {
    let last = relaxation.last();
    let hidden = (1..last)
        .map(|k| {
            let lengths = pass.pull_lengths[k].iter().zip(&pass.incoming_lengths[k]);
            let ratios = relaxation.slopes[k - 1].iter().zip(lengths).map(|(slope, (pull, incoming))| {
                if slope.half > 0.0 { pull / (2.0 * slope.half * incoming) } else { LINEAR * pull / incoming }
            });
            bounded(ratios.collect())
        })
        .collect();
    Multipliers {
        input: weight(relaxation.inputs, &pass.pull_lengths[0]),
        hidden,
        output: weight(relaxation.outputs, &pass.incoming_lengths[last]),
    }
}

/// The diagonal `D = diag(D_in, 2Λ, D_out)` of the pencil at signal `i` of block `k`.
pub(crate) fn diagonal(multipliers: &Multipliers, k: usize, i: usize) -> f64 {
    match k {
        0 => multipliers.input.at(i),
        _ if k <= multipliers.hidden.len() => 2.0 * multipliers.hidden[k - 1][i],
        _ => multipliers.output.at(i),
    }
}

/// The whole diagonal, block after block.
pub(crate) fn whole_diagonal(relaxation: &Relaxation, multipliers: &Multipliers) -> Vec<f64> {
    let block = |k: usize| (0..relaxation.system.len(k)).map(move |i| diagonal(multipliers, k, i));
    (0..=relaxation.last()).flat_map(block).collect()
}

/// `D_in` or `D_out`.
fn weight(ball: Ball, lengths: &[f64]) -> Weight {
    match ball {
        Ball::Whole => Weight::Uniform(ball.support(lengths)),
        Ball::EachColumn => Weight::PerCoordinate(bounded(lengths.to_vec())),
    }
}

/// Values within a factor of their geometric mean; zeros, infinities and NaN replaced.
fn bounded(mut values: Vec<f64>) -> Vec<f64> {
    let regular = values.iter().filter(|value| value.is_normal());
    let logarithms: f64 = regular.clone().map(|value| value.ln()).sum();
    let mean = (logarithms / regular.count().max(1) as f64).exp();
    for value in &mut values {
        *value = if value.is_nan() { mean } else { value.clamp(mean / WIDEST, mean * WIDEST) };
    }
    values
}
