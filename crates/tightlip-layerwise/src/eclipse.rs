//! ECLipsE: at every layer the multipliers that leave the next one most.
//!
//! Stage `k = 1 … H` (Xu and Sivaranjani 2024, §3):
//!
//!   maximise `s`   over `Λ_k ⪰ 0`   subject to   `M_k − s W_{k+1}ᵀ W_{k+1} ⪰ 0`,
//!
//! which is LipSDP-Neuron of one hidden layer with the whitened map in front, so that for `H = 1` the bound is LipSDP-Neuron.
//! For more layers the choice is greedy: it is mostly better than ECLipsE-Fast, not always. Published with an interior-point
//! solver on a cone of order `2n`; here `stage.rs` gives gradient and Hessian of its barrier at order `n`, `barrier.rs` follows the path.

pub use stage::Stage;

use crate::barrier::{PathEnd, follow};
use crate::{Forward, NotFeasible, Rule};

pub(crate) mod stage;

/// Relative duality gap of the last stage, whose objective is the bound.
const LAST_GAP: f64 = 1e-9;
/// That of the stages before, whose multipliers only begin the next: the bound differs in the eighth digit.
const GAP: f64 = 1e-8;
/// Where ECLipsE's multipliers are not feasible to the last digit they are drawn towards 0 by these parts of themselves.
pub const INWARDS: [f64; 4] = [0.0, 1e-9, 1e-7, 1e-5];
/// Parameters of SN where ECLipsE gives no multipliers: with `c = 1`, for slopes `[−1, 1]` at the limit of feasibility, then less.
const INSTEAD: [f64; 3] = [1.0, 0.9, 0.5];
/// Stages that end above this gap are worth a word.
const REMARKABLE_GAP: f64 = 1e-6;

/// A chain eliminated by ECLipsE.
#[derive(Debug, Clone)]
pub struct Eclipse<'c> {
    /// The elimination at its end.
    pub forward: Forward<'c>,
    /// Newton steps of each stage; 0 where there were none.
    pub steps: Vec<u32>,
    /// Stages whose gap stayed above 1e-6.
    pub inexact: usize,
    /// Stages without a feasible start or end in floating point, whose multipliers are ECLipsE-Fast's.
    pub replaced: usize,
    /// The layer in which a limit struck; from there on multipliers are ECLipsE-Fast's.
    pub cut: Option<usize>,
}

impl<'c> Eclipse<'c> {
    /// Eliminates all layers. `stop` is asked before every Newton step.
    ///
    /// # Errors
    /// [`NotFeasible`] if rounding leaves no positive pivot whatever the rule.
    pub fn new(forward: Forward<'c>, stop: &dyn Fn() -> bool) -> Result<Self, NotFeasible> {
        let mut run = Self { forward, steps: Vec::new(), inexact: 0, replaced: 0, cut: None };
        for layer in 1..=run.forward.chain().hidden_layers() {
            if run.cut.is_none() && stop() {
                run.cut = Some(layer);
            }
            run.stage(stop)?;
        }
        Ok(run)
    }

    /// The layer it has come to.
    fn stage(&mut self, stop: &dyn Fn() -> bool) -> Result<(), NotFeasible> {
        if self.cut.is_some() {
            self.steps.push(0);
            return self.fast();
        }
        let stage = Stage::new(&self.forward);
        let Some(start) = stage.start() else {
            self.replaced += 1;
            self.steps.push(0);
            return self.fast();
        };
        let gap = start[0];
        let is_last = self.forward.layer() == self.forward.chain().hidden_layers();
        let path = follow(&stage, start, (gap, if is_last { LAST_GAP } else { GAP }), stop);
        self.steps.push(path.steps);
        if path.end == PathEnd::Interrupted {
            self.cut = Some(self.forward.layer());
            return self.fast();
        }
        self.inexact += usize::from(path.gap > REMARKABLE_GAP * path.y[0]);
        if !eliminate_inwards(&mut self.forward, &stage.unscaled(&path.y[1..])) {
            self.replaced += 1;
            return self.fast();
        }
        Ok(())
    }

    /// Eliminates a layer by ECLipsE-Fast.
    fn fast(&mut self) -> Result<(), NotFeasible> {
        eliminate_fast(&mut self.forward)
    }
}

/// Eliminates a layer with multipliers that may miss feasibility by rounding; `false` if none of [`INWARDS`] helps.
pub fn eliminate_inwards(forward: &mut Forward<'_>, multipliers: &[f64]) -> bool {
    INWARDS.iter().any(|inwards| {
        let mut attempt = forward.clone();
        let done = attempt.eliminate(multipliers.iter().map(|lambda| (1.0 - inwards) * lambda).collect()).is_ok();
        if done {
            *forward = attempt;
        }
        done
    })
}

/// Eliminates a layer by ECLipsE-Fast, or by SN with a smaller parameter where that is at the limit of feasibility.
///
/// # Errors
/// [`NotFeasible`] of the smallest parameter.
pub fn eliminate_fast(forward: &mut Forward<'_>) -> Result<(), NotFeasible> {
    let mut outcome = Ok(());
    for c in INSTEAD {
        let mut attempt = forward.clone();
        let multipliers = Rule::Sn(c).multipliers(&attempt);
        outcome = attempt.eliminate(multipliers).map(|_| ());
        if outcome.is_ok() {
            *forward = attempt;
            break;
        }
    }
    outcome
}
