//! The iteration with one column: the best activation pattern that can be found.
//!
//! With `r = 1` every direction is ±1 and every signal is `v_j = β_j u_j` or `α_j u_j`: a choice of slopes, whose value is a
//! lower bound of the formal constant (FGL). Every sweep flips the signs that disagree with the backward pass until none
//! does. That is a local optimum, so it is repeated from many random starts.

use tightlip_model::{IncrementSystem, Limits, Query, RelaxationPoint};

use crate::LiftedIteration;
use crate::state::State;

/// Sweeps after which a start is left; patterns settle after ten or so, inputs a little later.
const MOST_SWEEPS: usize = 300;
/// Relative gain of a sweep below which a start is done.
const SETTLED: f64 = 1e-12;

/// The best pattern of some starts.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Inputs and signs, `1 × n`.
    pub point: RelaxationPoint,
    /// The vectors that [`Reduction::lift_point`](tightlip_model::Reduction::lift_point) asks for.
    pub pulls: Vec<faer::Mat<f64>>,
    /// Its value, not proved.
    pub value: f64,
    /// Starts made.
    pub starts: u64,
    /// Sweeps of all starts.
    pub sweeps: u64,
}

/// Climbs from `starts` random patterns, fewer if a limit strikes; at least one.
///
/// # Panics
/// For norms other than ℓ2 or ℓ∞ in and ℓ2 or ℓ1 out.
pub fn best_pattern(system: &IncrementSystem, query: &Query, starts: u64, limits: &Limits) -> Pattern {
    let mut iteration = LiftedIteration::new(system, query, 1, limits.seed, limits.threads);
    climb(&mut iteration);
    let mut best = snapshot(&iteration, 1);
    let mut made = 1;
    while made < starts && !limits.stop_requested() {
        let state = State::random(&iteration.relaxation, 1, &mut iteration.random);
        iteration.restart(state);
        climb(&mut iteration);
        made += 1;
        if iteration.value() > best.value {
            best = snapshot(&iteration, made);
        }
    }
    Pattern { starts: made, sweeps: iteration.sweeps(), ..best }
}

/// Sweeps until the value settles.
fn climb(iteration: &mut LiftedIteration<'_>) {
    let mut value = iteration.value();
    for _ in 0..MOST_SWEEPS {
        let next = iteration.step();
        // Written so that NaN ends the climb.
        let gained = next > value * (1.0 + SETTLED);
        value = next;
        if !gained {
            break;
        }
    }
}

/// The pattern the iteration stands at after so many starts.
fn snapshot(iteration: &LiftedIteration<'_>, starts: u64) -> Pattern {
    let (point, pulls) = iteration.point();
    Pattern { point, pulls: pulls.to_vec(), value: iteration.value(), starts, sweeps: iteration.sweeps() }
}
