//! The methods by the lifted power iteration: the optimum of LipSDP-Neuron (for ℓ∞ inputs: of GeoLIP) by passes through the
//! network, or through the linear map of GeoLIP's natural relaxation.
//!
//! The lifted power iteration climbs to the optimum from below, in the vector relaxation; its multipliers approach
//! feasibility. The judge is asked when the value has settled, with the margin that half the tolerance allows; the gap is
//! between what was proved above and what was proved below.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_lifted::{Companion, LiftedIteration, Row, Settings, Stop, Verdict, solve};
use tightlip_model::{IncrementSystem, Multipliers, Norm, Reduction, Scaling};

use super::formulation::{Formulation, Posed};
use super::gap::Gap;
use super::{REPORT_EVERY_S, check_memory, constant};
use crate::judge::SMALLEST_MARGIN;
use crate::method::{Decline, Method, Problem, Proposal, TraceRow};
use crate::{Context, Judge, Stage};

/// Columns at the start: enough for all but a few networks, which escape from there (measured: with 8 the deep ones
/// escape, with 16 hardly any, at the same time for a sweep of a narrow network).
const FIRST_RANK: usize = 16;
/// Columns at most. The optimum needs less than the square root of twice the number of multipliers (Barvinok 1995,
/// Pataki 1998), in practice far less.
const LARGEST_RANK: usize = 256;
/// Sweeps at most.
const MOST_SWEEPS: u64 = 200_000;
/// Part of the tolerance that rounding may use up.
const ROUNDING_SHARE: f64 = 0.5;
/// The gap that is aimed at first, if a smaller one is asked for.
const FIRST_AIM: f64 = 1e-3;
/// Each further aim is this part of the one before.
const NEXT_AIM: f64 = 1e-2;
/// Steps between margins when a smaller one than needed is looked for.
const MARGIN_STEP: f64 = 8.0;
/// With more weights than this even the first sweep takes too long once time is up.
const LARGE: usize = 500_000;
/// A proof is expensive if it takes as long as this many sweeps.
const EXPENSIVE: f64 = 20.0;

/// A program by the lifted power iteration.
pub(super) struct Lifted {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) reference: &'static str,
    pub(super) formulation: Formulation,
}

impl Method for Lifted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        self.reference
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        check_memory(self.name, &problem.system, FIRST_RANK, context)?;
        let posed = self.formulation.pose(self.name, problem)?;
        let Some(reduction) = Reduction::new(posed.system(), &posed.query, Scaling::PerNeuron) else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let assemble_s = start.elapsed().as_secs_f64();
        let limits = &context.limits;
        let weights: usize = problem.system.edges().iter().map(|edge| edge.map.coefficients()).sum();
        if limits.stop_requested() && weights > LARGE {
            return Err(Decline::Stopped { method: self.name });
        }
        let mut iteration =
            LiftedIteration::new(reduction.system(), &posed.query, FIRST_RANK, limits.seed, limits.threads);
        let proof_sweeps = proof_sweeps(judge, reduction.system());
        let settings = Settings {
            largest_rank: LARGEST_RANK,
            most_sweeps: MOST_SWEEPS,
            judgement_sweeps: proof_sweeps.min(MOST_SWEEPS as f64) as u64,
        };
        let mut climb = Climb {
            problem,
            context,
            posed: &posed,
            reduction: &reduction,
            judge,
            expensive: proof_sweeps > EXPENSIVE,
            judgements: 0,
            aim: context.tolerance.max(FIRST_AIM),
            gap: Gap::default(),
            products: 0,
            trace: Vec::new(),
            told_s: 0.0,
        };
        let stop = solve(&mut iteration, &settings, limits, &mut climb);
        if stop != Stop::Solved {
            climb.gap.bound_below(problem, &posed.lift_point(&reduction, &iteration));
        }
        Ok(climb.proposal(&iteration, stop, (assemble_s, start.elapsed().as_secs_f64() - assemble_s)))
    }
}

/// A running iteration with what has been proved about it.
struct Climb<'c, 'p> {
    problem: &'c Problem<'c>,
    context: &'c Context,
    posed: &'c Posed<'c>,
    reduction: &'c Reduction,
    judge: &'c mut Judge<'p>,
    /// Whether a proof takes as long as many sweeps.
    expensive: bool,
    judgements: usize,
    /// The gap that is to be proved next: large ones first, so that something is proved early.
    aim: f64,
    gap: Gap,
    /// Columns of all sweeps.
    products: u64,
    trace: Vec<TraceRow>,
    /// When progress was last reported.
    told_s: f64,
}

impl Companion for Climb<'_, '_> {
    fn aim(&self) -> f64 {
        self.aim
    }

    /// Tries to prove the current multipliers to the gap that is aimed at, and to the tolerance if that succeeds.
    fn judge(&mut self, iteration: &LiftedIteration<'_>) -> Verdict {
        let margin = self.margin(self.aim);
        let candidates = self.to_try(iteration);
        self.judgements += 1;
        let Some(proved) = candidates.iter().find(|candidate| self.judge.attempt(candidate, margin).is_ok()) else {
            return Verdict::More;
        };
        self.polish(proved, margin);
        self.gap.bound_below(self.problem, &self.posed.lift_point(self.reduction, iteration));
        while self.gap.is_closed(self.judge, self.aim) {
            if self.aim <= self.context.tolerance {
                return Verdict::Enough;
            }
            self.aim = (self.aim * NEXT_AIM).max(self.context.tolerance);
        }
        Verdict::More
    }

    /// Writes a step down and reports it now and then.
    fn observe(&mut self, row: &Row) {
        let value = self.bound_scale() * row.value;
        let before = self.trace.last().map_or(0, |last| last.iterations);
        self.products += (row.sweeps - before) * row.rank as u64;
        self.trace.push(TraceRow {
            time_s: row.seconds,
            iterations: row.sweeps,
            products: self.products,
            value: Some(value),
            claimed: None,
            scaled_eigenvalue: row.scaled_eigenvalue,
            rank: Some(row.rank),
            proved: self.judge.best().map(|best| best.bound.value()),
        });
        if row.seconds - self.told_s >= REPORT_EVERY_S {
            self.told_s = row.seconds;
            self.context.report(&Stage::Solving { iteration: row.sweeps, claimed: value, gap: None });
        }
    }
}

impl Climb<'_, '_> {
    /// The bound is this times the value of the reduced system.
    fn bound_scale(&self) -> f64 {
        self.posed.factor * self.reduction.bound_scale()
    }

    /// What is tried at this judgement: everything, or where a proof takes as long as many sweeps, only one: the most
    /// likely candidate every other time, the others in turn.
    fn to_try(&self, iteration: &LiftedIteration<'_>) -> Vec<Vec<Segment>> {
        let mut candidates = self.candidates(iteration);
        if self.expensive {
            let others = candidates.len() - 1;
            let turn = self.judgements / 2;
            let chosen = if self.judgements.is_multiple_of(2) || others == 0 { 0 } else { others - turn % others };
            candidates.swap(0, chosen);
            candidates.truncate(1);
        }
        candidates
    }

    /// The margin whose rounding uses up its share of a gap: it costs `(H + 1) ε`.
    fn margin(&self, gap: f64) -> f64 {
        ROUNDING_SHARE * gap / (self.problem.system.hidden_blocks() + 1) as f64
    }

    /// Smaller margins: the bound gets tighter than was asked for. Where proofs are expensive, one try at the margin of the
    /// tolerance, or well below where that is what has just succeeded.
    fn polish(&mut self, candidate: &[Segment], margin: f64) {
        if self.expensive {
            let last = self.margin(self.context.tolerance);
            let epsilon = if last < margin { last } else { margin / MARGIN_STEP.powi(2) };
            // A failure leaves the bound that is already proved.
            let _ = self.judge.attempt(candidate, epsilon);
            return;
        }
        let mut epsilon = SMALLEST_MARGIN.min(self.margin(self.context.tolerance));
        while epsilon < margin && self.judge.attempt(candidate, epsilon).is_err() {
            epsilon *= MARGIN_STEP;
        }
    }

    /// What could be proved now: the corrected multipliers and those by stationarity.
    fn candidates(&self, iteration: &LiftedIteration<'_>) -> Vec<Vec<Segment>> {
        let end_block = self.problem.system.output_block();
        let lifted = |reduced: &Multipliers| vec![Segment::new(end_block, self.posed.lift(self.reduction, reduced))];
        let mut candidates: Vec<_> = iteration.corrected_multipliers().iter().map(lifted).collect();
        candidates.push(lifted(&iteration.multipliers()));
        candidates
    }

    /// The proposal of a finished climb.
    fn proposal(self, iteration: &LiftedIteration<'_>, stop: Stop, (assemble_s, solve_s): (f64, f64)) -> Proposal {
        let (status, done) = match stop {
            Stop::Solved => ("solved", true),
            Stop::Interrupted => ("interrupted", false),
            Stop::Stalled => ("stalled: the value stands still, but the gap is above the tolerance", false),
            Stop::SweepLimit => ("stopped at the most sweeps, the gap is above the tolerance", false),
        };
        Proposal {
            is_formal: false,
            program: None,
            candidates: if done { Vec::new() } else { self.candidates(iteration) },
            claimed: self.bound_scale() * iteration.value(),
            relaxation_lower: self.gap.lower,
            iterations: None,
            rank: Some(iteration.rank()),
            sweeps: Some(iteration.sweeps()),
            products: Some(self.products),
            options: format!(
                "tolerance={:e}, first-rank={FIRST_RANK}, largest-rank={LARGEST_RANK}, most-sweeps={MOST_SWEEPS}, \
                 seed={}",
                self.context.tolerance, self.context.limits.seed
            ),
            status: status.to_owned(),
            interrupted: !done,
            assemble_s,
            solve_s: solve_s - self.judge.spent().as_secs_f64(),
            trace: self.trace,
        }
    }
}

/// How many sweeps take as long as one proof.
fn proof_sweeps(judge: &mut Judge<'_>, reduced: &IncrementSystem) -> f64 {
    let weights: f64 = reduced.edges().iter().map(|edge| edge.map.coefficients() as f64).sum();
    judge.proof_multiplications() / (2.0 * FIRST_RANK as f64 * weights)
}
