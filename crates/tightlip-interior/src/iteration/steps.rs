//! How far an iteration moves: step lengths, centring, and the step itself, checked by Cholesky factorisations.

use std::time::Instant;

use faer::{unzip, zip};

use super::{Direction, Halt, Iteration, dot, lap, trace};
use crate::measure::Measure;

/// Part of the way to the boundary that a step goes.
const SHARE: f64 = 0.93;
/// Centring does not fall below this: while the primal matrix is infeasible, and after.
const LEAST_CENTRING_INFEASIBLE: f64 = 0.05;
/// The same when it is feasible.
const LEAST_CENTRING: f64 = 1e-4;
/// A primal infeasibility that counts as none for the centring, relative to the objective.
pub(super) const FEASIBLE: f64 = 1e-6;
/// A step that the Cholesky factorisation refuses is shortened by this factor, at most so many times.
const SHORTER: f64 = 0.8;
/// See [`SHORTER`].
const ATTEMPTS: u32 = 40;
/// Steps shorter than this on both sides make no progress.
const SHORTEST_STEP: f64 = 1e-6;
impl Iteration<'_> {
    /// The longest steps of both sides, primal first.
    pub(super) fn step_lengths(&mut self, direction: &Direction) -> (f64, f64) {
        let par = self.workspace.par;
        let mut clock = Instant::now();
        let (primal, dual) = (&self.primal_grams.inner, &self.inverse_grams.inner);
        let mut primal_step = self.step_length.longest(self.primal_factor.as_ref(), primal.as_ref(), par);
        let mut dual_step = self.step_length.longest(self.dual_factor.as_ref(), dual.as_ref(), par);
        for ((&v, x), change) in self.program.signed.iter().zip(&self.slack).zip(&direction.slack) {
            primal_step = shorter(primal_step, *x, *change);
            dual_step = shorter(dual_step, self.y[v], direction.y[v]);
        }
        lap(&mut clock, &mut self.phases.steps_s);
        debug_assert!(!primal_step.is_nan() && !dual_step.is_nan(), "directions are checked before");
        (primal_step, dual_step)
    }

    /// `σ`, from what the predictor would leave of the gap.
    pub(super) fn centring(&self, direction: &Direction, steps: (f64, f64), measure: &Measure) -> f64 {
        let program = self.program;
        let (primal_step, dual_step) = (steps.0.min(1.0), steps.1.min(1.0));
        let change = &self.primal_grams.inner;
        // ⟨X + pΔX, Z + dΔZ⟩ through inner products with the terms.
        let parts = program.inner_products(change.as_ref(), self.workspace.par);
        let old_parts: Vec<f64> = program.cost.iter().zip(&measure.residual).map(|(c, r)| c - r).collect();
        let moved: Vec<f64> = old_parts.iter().zip(&parts).map(|(old, new)| old + primal_step * new).collect();
        let y: Vec<f64> = self.y.iter().zip(&direction.y).map(|(y, d)| y + dual_step * d).collect();
        let constant = -measure.lower_objective + primal_step * program.constant_product(change.as_ref());
        let shift = (1.0 - dual_step) * self.shift;
        let mut predicted = constant + shift * (trace(&self.primal) + primal_step * trace(change)) + dot(&moved, &y);
        for ((&v, x), d) in program.signed.iter().zip(&self.slack).zip(&direction.slack) {
            // The old parts contain the slack.
            predicted += (x + primal_step * d) * y[v] - x * y[v];
        }
        let least = if measure.primal_infeasibility() < FEASIBLE { LEAST_CENTRING } else { LEAST_CENTRING_INFEASIBLE };
        (predicted / measure.gap).clamp(0.0, 1.0).powi(2).max(least)
    }

    /// Moves along a direction, at most [`SHARE`] of the longest steps.
    pub(super) fn step(&mut self, direction: &Direction, longest: (f64, f64)) -> Result<(), Halt> {
        let mut clock = Instant::now();
        let primal_step = self.primal_step((SHARE * longest.0).min(1.0))?;
        self.slack.iter_mut().zip(&direction.slack).for_each(|(x, d)| *x += primal_step * d);
        let dual_step = self.dual_step(direction, (SHARE * longest.1).min(1.0))?;
        lap(&mut clock, &mut self.phases.steps_s);
        if primal_step.max(dual_step) < SHORTEST_STEP { Err(Halt::Breakdown) } else { Ok(()) }
    }

    /// `X ← X + step ΔX` and its factor, with a shorter step if the factorisation fails; the step taken.
    pub(super) fn primal_step(&mut self, mut step: f64) -> Result<f64, Halt> {
        for _ in 0..ATTEMPTS {
            let (trial, change) = (&mut self.inverse_grams.product, &self.primal_grams.inner);
            zip!(trial.as_mut(), &self.primal, change).for_each(|unzip!(trial, x, d)| *trial = *x + step * *d);
            if self.workspace.factor(trial.as_mut()) {
                std::mem::swap(trial, &mut self.primal_factor);
                zip!(self.primal.as_mut(), change).for_each(|unzip!(x, d)| *x += step * *d);
                return Ok(step);
            }
            step *= SHORTER;
        }
        Err(Halt::Breakdown)
    }

    /// The same for `y`, the shift and `Z`.
    pub(super) fn dual_step(&mut self, direction: &Direction, mut step: f64) -> Result<f64, Halt> {
        for _ in 0..ATTEMPTS {
            let y: Vec<f64> = self.y.iter().zip(&direction.y).map(|(y, d)| y + step * d).collect();
            let shift = (1.0 - step) * self.shift;
            let trial = &mut self.inverse_grams.product;
            self.program.matrix(&y, shift, trial.as_mut(), self.workspace.par);
            if self.workspace.factor(trial.as_mut()) {
                std::mem::swap(trial, &mut self.dual_factor);
                (self.y, self.shift) = (y, shift);
                return Ok(step);
            }
            step *= SHORTER;
        }
        Err(Halt::Breakdown)
    }
}

/// The longest step that keeps `x + step · change` from turning negative.
fn shorter(step: f64, x: f64, change: f64) -> f64 {
    if change < 0.0 { step.min(-x / change) } else { step }
}
