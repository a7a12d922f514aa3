//! When a run has found what it looks for.

use crate::settings::LookAgain;

/// Least steps of a look from random vectors: an eigenvalue well apart from the others shows in fewer (chosen, not proved).
const LEAST_STEPS: usize = 12;
/// Residuals up to this part of the scale are within rounding: falling no further there is the end.
const ROUNDING: f64 = 1e-11;
/// Restarts without a smaller residual after which the run has stalled, within rounding and beyond it.
const PATIENCE: (usize, usize) = (5, 300);

/// What the last solution of the projected eigenproblem says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finding<'a> {
    /// Best Ritz values, the next one after the wanted included if there is one.
    pub(crate) values: &'a [f64],
    /// Their residuals.
    pub(crate) residuals: &'a [f64],
    /// Wanted pairs.
    pub(crate) pairs: usize,
    /// What a converged residual does not exceed.
    pub(crate) bound: f64,
    /// Whether the space is invariant.
    pub(crate) invariant: bool,
}

impl Finding<'_> {
    /// Whether the wanted pairs are there and have converged.
    pub(crate) fn is_converged(&self) -> bool {
        self.values.len() >= self.pairs && self.residuals.iter().take(self.pairs).all(|&r| r <= self.bound)
    }

    /// Whether an eigenvalue near the next Ritz value would not be one of those wanted.
    fn is_separated(&self) -> bool {
        let (Some(last), Some(next)) = (self.values.get(self.pairs - 1), self.values.get(self.pairs)) else {
            return false;
        };
        self.residuals[self.pairs] <= (next - last).abs() + self.bound
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Further blocks.
    GoOn,
    /// Random vectors join the next block.
    Join,
    /// Nothing better turns up.
    Done,
}

/// The looks from random vectors.
#[derive(Debug)]
pub(crate) struct Search {
    look_again: LookAgain,
    /// Wanted values before the look and the step it lasts to.
    look: Option<(Vec<f64>, usize)>,
    /// Least steps of a look: as many as the first convergence took.
    steps: usize,
}

impl Search {
    /// No look yet.
    pub(crate) fn new(look_again: LookAgain) -> Self {
        Self { look_again, look: None, steps: 0 }
    }

    /// What comes after `step` steps; `scale` is that of the operator.
    pub(crate) fn judge(&mut self, finding: Finding<'_>, step: usize, scale: f64) -> Verdict {
        if !finding.is_converged() {
            return if finding.invariant { Verdict::Join } else { Verdict::GoOn };
        }
        let wanted = &finding.values[..finding.pairs];
        match &self.look {
            None if !finding.invariant && self.look_again == LookAgain::AfterBreakdown => Verdict::Done,
            None => {
                self.steps = step.max(LEAST_STEPS);
                self.look = Some((wanted.to_vec(), step + self.steps));
                Verdict::Join
            }
            Some((_, last)) if !finding.invariant && (step < *last || !finding.is_separated()) => Verdict::GoOn,
            Some((before, _)) => {
                let same = finding.bound.max(64.0 * f64::EPSILON * scale);
                if before.iter().zip(wanted).all(|(before, now)| (before - now).abs() <= same) {
                    return Verdict::Done;
                }
                self.look = Some((wanted.to_vec(), step + self.steps));
                Verdict::Join
            }
        }
    }
}

/// Whether residuals still fall, looked at once for each restart.
#[derive(Debug)]
pub(crate) struct Stagnation {
    least: f64,
    since: usize,
}

impl Stagnation {
    /// Before the first restart.
    pub(crate) fn new() -> Self {
        Self { least: f64::INFINITY, since: 0 }
    }

    /// Takes the largest wanted residual, relative to the scale; says whether the run has stalled.
    pub(crate) fn has_stalled(&mut self, residual: f64) -> bool {
        if residual < 0.9 * self.least {
            self.least = residual;
            self.since = 0;
            return false;
        }
        self.since += 1;
        self.since > if self.least <= ROUNDING { PATIENCE.0 } else { PATIENCE.1 }
    }
}
