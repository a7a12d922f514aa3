//! The predictor–corrector iteration.
//!
//!   `Z = F(y) + shift I`, `P = Z⁻¹`, `μ = (⟨X, Z⟩ + xᵀy) / (order + signs)`;
//!   predictor: the direction to `μ = 0`; its step lengths say how much centring, `σ = (μ_predicted / μ)²`;
//!   corrector: the direction to `σμ` with the predictor's second-order term `P ΔZ′ ΔX′`;
//!   both matrices go most of the way to their boundaries.
//!
//! The normal equations of a direction: `ΔX = −X + K − sym(P ΔZ X)` with `K = σμ P − sym(P ΔZ′ ΔX′)` and
//! `ΔZ = Σ Δy_v F_v − shift I` must give `A(X + ΔX) + x + Δx = c`, which is
//!
//!   `O Δy = A(K) + shift A(sym(P X)) − c`     (and `k_v`, `x_v / y_v` on the diagonal, for variables with a sign).

use std::time::Instant;

use faer::{Mat, unzip, zip};
use tightlip_model::Limits;

use crate::direction::{add_sparse_product, primal_direction, tiles_of_product};
use crate::measure::Measure;
use crate::normal::NormalEquations;
use crate::program::Program;
use crate::schur::{Form, Grams, schur_matrix};
use crate::start::start;
use crate::step_length::StepLength;
use crate::workspace::Workspace;
use crate::{Answer, PhaseSeconds, Progress, Settings, Status};

/// Part of the way to the boundary that a step goes.
const SHARE: f64 = 0.93;
/// Centring does not fall below this: while the primal matrix is infeasible, and after.
const LEAST_CENTRING_INFEASIBLE: f64 = 0.05;
/// The same when it is feasible.
const LEAST_CENTRING: f64 = 1e-4;
/// A primal infeasibility that counts as none for the centring, relative to the objective.
const FEASIBLE: f64 = 1e-6;
/// A step that the Cholesky factorisation refuses is shortened by this factor, at most so many times.
const SHORTER: f64 = 0.8;
/// See [`SHORTER`].
const ATTEMPTS: u32 = 40;
/// Steps shorter than this on both sides make no progress.
const SHORTEST_STEP: f64 = 1e-6;
/// Iterations without a better iterate before it is given up.
const PATIENCE: u32 = 15;

/// The iterate and all buffers.
pub(crate) struct Iteration<'a> {
    program: &'a Program,
    workspace: Workspace,
    y: Vec<f64>,
    shift: f64,
    /// `X`.
    primal: Mat<f64>,
    /// `x`, one for each signed variable.
    slack: Vec<f64>,
    /// Cholesky factors of `Z` and `X`.
    dual_factor: Mat<f64>,
    primal_factor: Mat<f64>,
    /// `P`.
    inverse: Mat<f64>,
    /// Gram matrices of `P`; free after the Schur matrix is formed: `product` is a scratch matrix then, `inner` holds `ΔZ`.
    inverse_grams: Grams,
    /// Gram matrices of `X`; then `product` holds `ΔZ X + ΔZ′ ΔX′` and `inner` holds `ΔX`.
    primal_grams: Grams,
    normal: NormalEquations,
    step_length: StepLength,
    phases: PhaseSeconds,
}

/// The vectors of a direction; its matrices are in the buffers.
struct Direction {
    y: Vec<f64>,
    slack: Vec<f64>,
}

/// Why an iteration could not be finished.
enum Halt {
    /// The limits say so.
    Stop,
    /// A factorisation failed, a number was not finite, or the steps became too short.
    Breakdown,
}

impl<'a> Iteration<'a> {
    /// At the start. `None` if there is none.
    pub(crate) fn new(program: &'a Program, given: Option<&[f64]>, limits: &Limits) -> Option<Self> {
        let n = program.order;
        let mut workspace = Workspace::new(n.max(program.variables()), limits.threads);
        let start = start(program, given, &mut workspace)?;
        let mut inverse = Mat::zeros(n, n);
        workspace.inverse(start.factor.as_ref(), inverse.as_mut());
        // X = μP with the right sum over the weights; so X is on the central path of some costs.
        let parts = program.inner_products(inverse.as_ref(), workspace.par);
        let weights = |v: &usize| program.cost[*v] > 0.0;
        let wanted: f64 = program.cost.iter().sum();
        let mu = wanted / (0..program.variables()).filter(weights).map(|v| parts[v]).sum::<f64>();
        let primal = faer::Scale(mu) * &inverse;
        let mut primal_factor = primal.clone();
        if !(mu.is_finite() && workspace.factor(primal_factor.as_mut())) {
            return None;
        }
        Some(Self {
            slack: program.signed.iter().map(|&v| mu / start.y[v]).collect(),
            y: start.y,
            shift: start.shift,
            primal,
            dual_factor: start.factor,
            primal_factor,
            inverse,
            inverse_grams: Grams::new(n),
            primal_grams: Grams::new(n),
            normal: NormalEquations::new(program.variables()),
            step_length: StepLength::new(n),
            phases: PhaseSeconds::default(),
            workspace,
            program,
        })
    }

    /// Iterates until solved or stopped.
    pub(crate) fn run(mut self, settings: &Settings, limits: &Limits, observe: &mut dyn FnMut(Progress)) -> Answer {
        let mut measure = self.measure();
        let mut best = (self.y.clone(), measure.clone());
        let mut since_best = 0;
        let mut iterations = 0;
        let status = loop {
            observe(measure.progress(iterations));
            if measure.merit() <= settings.tolerance {
                break Status::Solved;
            }
            if since_best >= PATIENCE {
                break Status::Stalled;
            }
            if iterations >= settings.iterations {
                break Status::IterationLimit;
            }
            match self.advance(&measure, limits) {
                Err(Halt::Stop) => break Status::Interrupted,
                Err(Halt::Breakdown) => break Status::Stalled,
                Ok(()) => iterations += 1,
            }
            measure = self.measure();
            since_best += 1;
            if measure.error() < best.1.error() {
                best = (self.y.clone(), measure.clone());
                since_best = 0;
            }
        };
        let (values, measure) = best;
        Answer {
            status,
            values,
            objective: measure.objective,
            lower_objective: measure.lower_objective,
            relative_gap: measure.relative_gap(),
            primal_infeasibility: measure.primal_infeasibility(),
            dual_infeasibility: measure.dual_infeasibility(),
            iterations,
            solve_s: 0.0,
            phases: self.phases,
        }
    }

    /// The iterate in numbers.
    fn measure(&self) -> Measure {
        let program = self.program;
        let parts = program.inner_products(self.primal.as_ref(), self.workspace.par);
        let mut residual: Vec<f64> = program.cost.iter().zip(&parts).map(|(c, part)| c - part).collect();
        let constant = program.constant_product(self.primal.as_ref());
        let dual_error = self.shift * trace(&self.primal);
        let mut gap = dot(&parts, &self.y) + constant + dual_error;
        for (&v, x) in program.signed.iter().zip(&self.slack) {
            residual[v] -= x;
            gap += x * self.y[v];
        }
        Measure {
            gap,
            objective: dot(&program.cost, &self.y),
            lower_objective: -constant,
            primal_error: residual.iter().zip(&self.y).map(|(r, y)| (r * y).abs()).sum(),
            dual_error,
            residual,
        }
    }

    /// One iteration.
    fn advance(&mut self, measure: &Measure, limits: &Limits) -> Result<(), Halt> {
        let mu = measure.gap / (self.program.order + self.program.signed.len()) as f64;
        if !(mu.is_finite() && mu > 0.0) {
            return Err(Halt::Breakdown);
        }
        proceed(limits)?;
        let from_shift = self.form_normal_equations(limits)?;
        let predictor = self.predictor(&from_shift);
        self.check(&predictor)?;
        proceed(limits)?;
        let steps = self.step_lengths(&predictor);
        let centring = self.centring(&predictor, steps, measure);
        let corrector = self.corrector(&predictor, &from_shift, centring * mu);
        self.check(&corrector)?;
        proceed(limits)?;
        let steps = self.step_lengths(&corrector);
        self.step(&corrector, steps)
    }

    /// `P`, the Gram matrices and the factor of the Schur matrix; returns `shift A(sym(P X))`.
    fn form_normal_equations(&mut self, limits: &Limits) -> Result<Vec<f64>, Halt> {
        let program = self.program;
        let par = self.workspace.par;
        let mut clock = Instant::now();
        self.workspace.inverse(self.dual_factor.as_ref(), self.inverse.as_mut());
        lap(&mut clock, &mut self.phases.inverse_s);
        self.inverse_grams.form(program, self.inverse.as_ref(), &self.workspace);
        self.primal_grams.form(program, self.primal.as_ref(), &self.workspace);
        lap(&mut clock, &mut self.phases.grams_s);
        proceed(limits)?;
        let inverse = Form { matrix: self.inverse.as_ref(), grams: &self.inverse_grams };
        let primal = Form { matrix: self.primal.as_ref(), grams: &self.primal_grams };
        schur_matrix(program, inverse, primal, self.normal.matrix_mut());
        for (&v, x) in program.signed.iter().zip(&self.slack) {
            self.normal.matrix_mut()[(v, v)] += x / self.y[v];
        }
        let factorised = self.normal.factorise(&mut self.workspace);
        lap(&mut clock, &mut self.phases.schur_s);
        if !factorised {
            return Err(Halt::Breakdown);
        }
        if self.shift == 0.0 {
            return Ok(vec![0.0; program.variables()]);
        }
        let out = self.primal_grams.inner.as_mut();
        tiles_of_product(program, self.inverse.as_ref(), self.primal.as_ref(), out, par);
        let mut parts = program.inner_products(self.primal_grams.inner.as_ref(), par);
        parts.iter_mut().for_each(|part| *part *= self.shift);
        lap(&mut clock, &mut self.phases.directions_s);
        Ok(parts)
    }

    /// The direction to the boundary. Leaves `ΔX` and `ΔZ` in their buffers.
    fn predictor(&mut self, from_shift: &[f64]) -> Direction {
        let program = self.program;
        let right: Vec<f64> = from_shift.iter().zip(&program.cost).map(|(s, c)| s - c).collect();
        let y = self.solve(&right);
        let slack = program
            .signed
            .iter()
            .zip(&self.slack)
            .map(|(&v, x)| -x - y[v] * x / self.y[v])
            .collect();
        self.primal_grams.product.fill(0.0);
        self.matrices(&y, 0.0);
        Direction { y, slack }
    }

    /// The direction to `target_mu` with the second-order term of the predictor, whose matrices are in the buffers.
    fn corrector(&mut self, predictor: &Direction, from_shift: &[f64], target_mu: f64) -> Direction {
        let program = self.program;
        let par = self.workspace.par;
        let mut clock = Instant::now();
        let (change, second) = (&mut self.primal_grams.inner, &mut self.primal_grams.product);
        second.fill(0.0);
        add_sparse_product(program, self.inverse_grams.inner.as_ref(), change.as_ref(), second.as_mut(), par);
        tiles_of_product(program, self.inverse.as_ref(), second.as_ref(), change.as_mut(), par);
        let second_parts = program.inner_products(change.as_ref(), par);
        let inverse_parts = program.inner_products(self.inverse.as_ref(), par);
        let mut right: Vec<f64> = (0..program.variables())
            .map(|v| target_mu * inverse_parts[v] - second_parts[v] + from_shift[v] - program.cost[v])
            .collect();
        let wanted: Vec<f64> = (program.signed.iter().zip(&predictor.slack))
            .map(|(&v, slack)| (target_mu - slack * predictor.y[v]) / self.y[v])
            .collect();
        program.signed.iter().zip(&wanted).for_each(|(&v, k)| right[v] += k);
        lap(&mut clock, &mut self.phases.directions_s);
        let y = self.solve(&right);
        let slack = (program.signed.iter().zip(&self.slack).zip(&wanted))
            .map(|((&v, x), k)| k - x - y[v] * x / self.y[v])
            .collect();
        self.matrices(&y, target_mu);
        Direction { y, slack }
    }

    /// Solves the normal equations.
    fn solve(&mut self, right: &[f64]) -> Vec<f64> {
        let mut clock = Instant::now();
        let y = self.normal.solve(right, self.workspace.par);
        lap(&mut clock, &mut self.phases.schur_s);
        y
    }

    /// Fills the buffers of `ΔZ` and `ΔX` for a change of the variables; that of `ΔZ′ ΔX′` gets `ΔZ X` added.
    fn matrices(&mut self, y: &[f64], target_mu: f64) {
        let program = self.program;
        let par = self.workspace.par;
        let mut clock = Instant::now();
        let dual = &mut self.inverse_grams.inner;
        program.combination(y, -self.shift, dual.as_mut(), par);
        let right = &mut self.primal_grams.product;
        add_sparse_product(program, dual.as_ref(), self.primal.as_ref(), right.as_mut(), par);
        let inverse = (self.inverse.as_ref(), target_mu);
        let out = self.primal_grams.inner.as_mut();
        primal_direction(inverse, self.primal.as_ref(), right.as_ref(), out, par);
        lap(&mut clock, &mut self.phases.directions_s);
    }

    /// Whether a direction is made of numbers.
    fn check(&self, direction: &Direction) -> Result<(), Halt> {
        let finite = direction.y.iter().chain(&direction.slack).all(|x| x.is_finite())
            && trace(&self.primal_grams.inner).is_finite();
        if finite { Ok(()) } else { Err(Halt::Breakdown) }
    }

    /// The longest steps of both sides, primal first.
    fn step_lengths(&mut self, direction: &Direction) -> (f64, f64) {
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
        (primal_step, dual_step)
    }

    /// `σ`, from what the predictor would leave of the gap.
    fn centring(&self, direction: &Direction, steps: (f64, f64), measure: &Measure) -> f64 {
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
    fn step(&mut self, direction: &Direction, longest: (f64, f64)) -> Result<(), Halt> {
        let mut clock = Instant::now();
        let primal_step = self.primal_step((SHARE * longest.0).min(1.0))?;
        self.slack.iter_mut().zip(&direction.slack).for_each(|(x, d)| *x += primal_step * d);
        let dual_step = self.dual_step(direction, (SHARE * longest.1).min(1.0))?;
        lap(&mut clock, &mut self.phases.steps_s);
        if primal_step.max(dual_step) < SHORTEST_STEP { Err(Halt::Breakdown) } else { Ok(()) }
    }

    /// `X ← X + step ΔX` and its factor, with a shorter step if the factorisation fails; the step taken.
    fn primal_step(&mut self, mut step: f64) -> Result<f64, Halt> {
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
    fn dual_step(&mut self, direction: &Direction, mut step: f64) -> Result<f64, Halt> {
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

/// Goes on unless the limits say stop.
fn proceed(limits: &Limits) -> Result<(), Halt> {
    if limits.stop_requested() { Err(Halt::Stop) } else { Ok(()) }
}

/// Adds the seconds since the last lap.
fn lap(clock: &mut Instant, seconds: &mut f64) {
    *seconds += clock.elapsed().as_secs_f64();
    *clock = Instant::now();
}

/// `Σ x_i y_i`.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Sum of the diagonal.
fn trace(matrix: &Mat<f64>) -> f64 {
    (0..matrix.nrows()).map(|i| matrix[(i, i)]).sum()
}
