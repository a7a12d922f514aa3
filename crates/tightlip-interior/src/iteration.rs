//! The predictor–corrector iteration.
//!
//!   `Z = F(y) + shift I`, `P = Z⁻¹`, `μ = (⟨X, Z⟩ + xᵀy) / (order + signs)`;
//!   predictor: the direction to `μ = 0`; its step lengths say how much centring, `σ = (μ_predicted / μ)²`;
//!   corrector: the direction to `σμ` with the predictor's second-order term `P ΔZ′ ΔX′`;
//!   both matrices go most of the way to their boundaries.

use faer::Mat;
use tightlip_model::Limits;

use crate::measure::Measure;
use crate::normal::NormalEquations;
use crate::program::Program;
use crate::schur::Grams;
use crate::start::start;
use crate::step_length::StepLength;
use crate::workspace::Workspace;
use crate::{Answer, PhaseSeconds, Progress, Settings, Status};

/// Iterations without a better iterate before it is given up.
const PATIENCE: u32 = 15;
/// The same while the primal matrix is infeasible, when the error may rise for a while.
const INFEASIBLE_PATIENCE: u32 = 60;

use self::steps::FEASIBLE;

mod newton;
mod steps;

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
    /// At the start, with an `X` of `abundance` times the size that the weights want. `None` if there is no start.
    pub(crate) fn new(program: &'a Program, given: Option<&[f64]>, abundance: f64, limits: &Limits) -> Option<Self> {
        let n = program.order;
        let mut workspace = Workspace::new(n.max(program.variables()), limits.threads);
        let start = start(program, given, &mut workspace)?;
        let mut inverse = Mat::zeros(n, n);
        workspace.inverse(start.factor.as_ref(), inverse.as_mut());
        // X = μP lies on the central path of some costs; of these the sum over the weights should be right, and more.
        let parts = program.inner_products(inverse.as_ref(), workspace.par);
        let priced = program.cost.iter().zip(&parts).filter(|(cost, _)| **cost != 0.0);
        let (wanted, found) =
            priced.fold((0.0, 0.0), |(wanted, found), (cost, part)| (wanted + cost.abs(), found + part.abs()));
        let mu = abundance * wanted / found;
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
                best = (self.y.clone(), measure);
                break Status::Solved;
            }
            let feasible = measure.primal_infeasibility() < FEASIBLE;
            if since_best >= if feasible { PATIENCE } else { INFEASIBLE_PATIENCE } {
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
}

/// Goes on unless the limits say stop.
fn proceed(limits: &Limits) -> Result<(), Halt> {
    if limits.stop_requested() { Err(Halt::Stop) } else { Ok(()) }
}

/// Adds the seconds since the last lap.
fn lap(clock: &mut std::time::Instant, seconds: &mut f64) {
    *seconds += clock.elapsed().as_secs_f64();
    *clock = std::time::Instant::now();
}

/// `Σ x_i y_i`.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Sum of the diagonal.
fn trace(matrix: &Mat<f64>) -> f64 {
    (0..matrix.nrows()).map(|i| matrix[(i, i)]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{cases, coefficient, trace_of_product};
    use crate::program::Program;

    /// Orthonormal columns.
    fn rotation(order: usize) -> Mat<f64> {
        Mat::from_fn(order, order, |i, j| (1.1 * ((i + 1) * (2 * j + 3)) as f64).sin()).qr().compute_Q()
    }

    #[test]
    fn planted_optimal_pairs_are_found_from_an_infeasible_start() {
        for case in cases() {
            let mut program = Program::new(&case.pencil);
            let n = program.order;
            let (basis, rank) = (rotation(n), n / 2);
            let part = |from: usize, to: usize| {
                let columns = basis.as_ref().subcols(from, to - from);
                let sizes = Mat::from_fn(to - from, to - from, |i, j| if i == j { 0.5 + 0.2 * i as f64 } else { 0.0 });
                columns * sizes * columns.transpose()
            };
            // X Z = 0, both of full rank together; then F₀ and c are what makes them optimal.
            let (x, z) = (part(0, rank), part(rank, n));
            let y: Vec<f64> = (0..program.variables()).map(|v| 0.4 + 0.1 * v as f64).collect();
            let parts: Vec<Mat<f64>> = (0..y.len()).map(|v| coefficient(&case.pencil, v)).collect();
            let constant = parts.iter().zip(&y).fold(z, |rest, (part, y)| rest - faer::Scale(*y) * part);
            program.constant =
                (0..n).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|(i, j)| (i, j, constant[(i, j)])).collect();
            program.tiles = program.find_tiles();
            program.cost = parts.iter().map(|part| trace_of_product(part, &x)).collect();
            let limits = Limits::within(1 << 30);
            let iteration = Iteration::new(&program, None, 2.0, &limits).expect("a start");
            let answer = iteration.run(&Settings::default(), &limits, &mut |_| {});
            let wanted = dot(&program.cost, &y);
            let error = (answer.objective - wanted).abs().max((answer.lower_objective - wanted).abs());
            assert!(error < 1e-7 * wanted.abs(), "{}: {:?} {error:e} of {wanted}", case.name, answer.status);
            assert!(answer.dual_infeasibility < 1e-7, "{}", case.name);
        }
    }
}
