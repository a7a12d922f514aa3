//! From multipliers to a bound that holds except with a stated probability, without any factorisation.
//!
//! Let `A = S F S` be the scaled inequality of `inequality.rs`, here only ever applied to vectors, `μ` its smallest
//! eigenvalue and `u` an eigenvector of length one. The Lanczos recurrence from a Gaussian vector `x`,
//!
//!   `v_1 = x / ‖x‖`,   `A v_j = β_{j−1} v_{j−1} + α_j v_j + β_j v_{j+1} + f_j`,   `‖f_j‖ ≤ φ_j`,
//!
//! where `f_j` is nothing but rounding, shows in the single component `h_j = ± uᵀ v_j` (signs alternating) as
//!
//!   `β_j h_{j+1} = (α_j − μ) h_j − β_{j−1} h_{j−1} ± uᵀ f_j`.
//!
//! Suppose `μ < 0` and `h_1 ≥ η_1 > 0`. With `d_1 = α_1 − φ_1/η_1` and, as long as everything stays positive,
//!
//!   `d_j = α_j − β_{j−1}² / d_{j−1} − φ_j / η_j`,   `η_{j+1} = η_j d_j / β_j`,
//!
//! induction gives `h_{j+1} ≥ η_{j+1}`. But `|h_{j+1}| ≤ ‖v_{j+1}‖`, which is one. So **if some `η_{j+1}` exceeds
//! `‖v_{j+1}‖`, then `μ ≥ 0`, or `|uᵀx|` was unusually small**: `uᵀx` is a standard normal number, whatever `u`, thus
//! `P(|uᵀx| < τ) ≤ τ √(2/π)`. With `s` independent starts that all have to succeed, a wrong proof needs all of them
//! small, of probability at most `(τ √(2/π))^s`; equating this with the failure probability gives `τ`.
//!
//! This is the argument of Kuczyński and Woźniakowski (1992, Theorem 4.2: after `k` steps the largest eigenvalue of a
//! positive semidefinite matrix is missed by a factor `1 − ε` with probability at most `1.648 √n exp(−√ε (2k − 1))`), in
//! the a posteriori form of van Dorsselaer, Hochstenbach and van der Vorst (2000): the polynomial of the run takes the
//! place of Chebyshev's, which serves every matrix but is never the best for one. Then no upper bound of the spectrum
//! is needed, all steps share one event (no union over looks), and the recurrence is in one component, so orthogonality
//! is not used: rounding enters through `φ_j` alone, which is enclosed. Several starts divide the exponent of the
//! failure probability among themselves; they share each pass over the weights, so they cost little more than one.
//!
//! Replacing `α_j` by `α_j + σ` proves `μ ≥ −σ` from the same run: the smallest such `σ` is the margin that was missing.
//!
//! What is assumed: ChaCha20 gives independent normal numbers (to `2^−44`), and the multipliers do not depend on them.
//! Who searches among `m` proposals for one that passes wrongly succeeds with at most `m` times the probability.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tightlip_model::{IncrementSystem, Limits, LinearMap, Multipliers, Query};

pub use draw::Draw;
use draw::Patience;
use growth::Growths;
use lanczos::Lanczos;
use live::LiveMask;
use operator::Operator;

use crate::{Bound, Refusal, claim};

mod draw;
mod growth;
mod lanczos;
mod live;
mod operator;
mod passes;

/// Proves the upper bound that `multipliers` give for `system` under the norms of `query`, except with the failure
/// probability of `draw`. Needs memory for a few vectors only.
///
/// # Errors
/// A [`Refusal`] with the reason; [`Refusal::Shortfall`] with the margin that would have been enough, if the
/// multipliers are not feasible or not by enough for the steps of `draw`; [`Refusal::Interrupted`] at the limit of
/// time.
pub fn prove_probably(
    system: &IncrementSystem,
    query: &Query,
    multipliers: &Multipliers,
    limits: &Limits,
    draw: &Draw,
) -> Result<Bound, Refusal> {
    check_memory(system, draw, limits)?;
    let live = LiveMask::new(system);
    live.check(multipliers)?;
    let value = claim::value(multipliers, query.input_norm, query.output_norm)?;
    if live.none() {
        // No path from input to output: the output never moves, whatever the multipliers.
        return Ok(Bound::probably_upper(0.0, draw.failure_probability()));
    }
    let operator = Operator::new(system, &live, multipliers)?;
    prove_positive(&operator, limits, draw)?;
    Ok(Bound::probably_upper(value, draw.failure_probability()))
}

/// Proves that the operator is positive semidefinite, except with the probability of `draw`, or says why not.
fn prove_positive(operator: &Operator<'_>, limits: &Limits, draw: &Draw) -> Result<(), Refusal> {
    /// Steps before the first look at whether more of them help.
    const FIRST_LOOK: usize = 32;
    let mut generator = ChaCha20Rng::from_seed(draw.seed());
    let mut lanczos = Lanczos::start(operator, Draw::STARTS, &mut generator)?;
    let mut growths = Growths::new(lanczos.first_components(draw.smallest_component()), lanczos.reach());
    for step in 0..draw.steps() {
        if limits.stop_requested() {
            return Err(Refusal::Interrupted { steps: step });
        }
        growths.advance(&lanczos.step());
        if growths.all_done() {
            return Ok(());
        }
        let give_up = match draw.patience() {
            Patience::None => true,
            Patience::Full => step >= FIRST_LOOK && step.is_power_of_two() && growths.settled(),
        };
        if give_up && growths.hopeless() {
            break;
        }
    }
    Err(Refusal::Shortfall { steps: growths.steps(), margin: growths.shortfall() })
}

/// Declines a proof whose vectors would not fit into memory.
fn check_memory(system: &IncrementSystem, draw: &Draw, limits: &Limits) -> Result<(), Refusal> {
    const MIB: u64 = 1 << 20;
    /// Blocks of vectors alive at once: three of the recurrence, the product, its result and its parts.
    const BLOCKS: u64 = 8;
    /// Single vectors: scales, coefficients, masks, and those of the bound of the norm.
    const VECTORS: u64 = 12;
    let starts = Draw::STARTS as u64;
    let order: u64 = (0..system.blocks()).map(|k| system.len(k) as u64).sum();
    let inner = |map: &LinearMap| match map {
        LinearMap::Chain(maps) => maps.iter().map(|part| part.rows() as u64).max().unwrap_or(0),
        single => single.rows() as u64,
    };
    let widest = system.edges().iter().map(|edge| inner(&edge.map)).max().unwrap_or(0);
    let records = 3 * draw.steps() as u64 * starts;
    let needed = 8 * (order * (BLOCKS * starts + VECTORS) + 2 * widest * starts + records);
    if needed <= limits.memory_bytes {
        Ok(())
    } else {
        Err(Refusal::Memory { needed_mib: needed.div_ceil(MIB), limit_mib: limits.memory_bytes / MIB })
    }
}

#[cfg(test)]
mod tests;
