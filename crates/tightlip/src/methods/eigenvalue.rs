//! What the first-order eigenvalue methods have in common: the judge proves what they have on the way, and the vectors of
//! their dual solutions give the bound of the relaxation from below.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_eigen::{Candidate, Companion, Ending, Passes, Run, Step, Verdict};
use tightlip_lifted::LiftedIteration;
use tightlip_model::{Multipliers, Reduction};

use super::REPORT_EVERY_S;
use super::gap::Gap;
use super::warm_start::{Wanted, warm_start};
use crate::method::{Decline, Problem, Proposal, TraceRow};
use crate::{Context, Judge, Stage};

/// Part of the gap that rounding may use up.
const ROUNDING_SHARE: f64 = 0.1;
/// Larger margins that are tried where one fails: this many, each so much larger than the one before.
const MORE_MARGINS: usize = 2;
const MARGIN_STEP: f64 = 8.0;
/// The first judgement is after this many steps.
const FIRST_JUDGEMENT: u64 = 2;
/// Steps between judgements grow by this factor, so that their number is logarithmic.
const LATER: f64 = 1.5;
/// A promise of the tolerance is judged at once, and again where a promise is this part of the one before.
const NEXT_AIM: f64 = 0.3;

/// A running method with what has been proved about it.
pub(super) struct Follower<'c, 'p> {
    problem: &'c Problem<'c>,
    context: &'c Context,
    reduction: &'c Reduction,
    judge: &'c mut Judge<'p>,
    passes: &'c Passes<'c>,
    /// When it began, with the reduction, and when to iterate.
    begun: Instant,
    start: Instant,
    gap: Gap,
    trace: Vec<TraceRow>,
    iterations: u64,
    next_judgement: u64,
    /// The promised gain at which the next judgement is due, whatever the number of steps.
    aim: f64,
    told_s: f64,
}

impl<'c, 'p> Follower<'c, 'p> {
    /// Follows a method on the reduced system of `passes`.
    pub(super) fn new(
        (problem, context): (&'c Problem<'c>, &'c Context),
        (reduction, passes): (&'c Reduction, &'c Passes<'c>),
        judge: &'c mut Judge<'p>,
        begun: Instant,
    ) -> Self {
        Self {
            problem,
            context,
            reduction,
            judge,
            passes,
            begun,
            start: Instant::now(),
            gap: Gap::default(),
            trace: Vec::new(),
            iterations: 0,
            next_judgement: FIRST_JUDGEMENT,
            aim: context.tolerance,
            told_s: 0.0,
        }
    }

    /// The layerwise multipliers to begin with, if they are wanted; the time they take is the method's.
    ///
    /// # Errors
    /// As [`warm_start`].
    pub(super) fn warm_start(&mut self, wanted: Wanted) -> Result<Option<Multipliers>, Decline> {
        warm_start(wanted, (self.problem, self.context), self.reduction, self.judge)
    }

    /// Multipliers in the original system.
    fn segments(&self, multipliers: &Multipliers) -> Vec<Segment> {
        let end_block = self.problem.system.output_block();
        vec![Segment::new(end_block, self.reduction.lift(multipliers))]
    }

    /// Evaluates the candidate's vectors safely.
    fn bound_below(&mut self, candidate: &Candidate) {
        if candidate.vectors.ncols() == 0 {
            return;
        }
        let point = self.passes.relaxation_point(candidate.vectors.as_ref());
        let query = &self.problem.query;
        let iteration = LiftedIteration::from_point(self.reduction.system(), query, &point, 1);
        let (point, pulls) = iteration.point();
        self.gap.bound_below(self.problem, &self.reduction.lift_point(&self.problem.system, &point, pulls));
    }

    /// Tries to prove a candidate with the margin that part of its gap allows, and with larger ones where that fails.
    fn prove(&mut self, candidate: &Candidate) {
        let segments = self.segments(&candidate.multipliers);
        let claimed = self.reduction.bound_scale() * candidate.claimed;
        let gap = self.gap.lower.map_or(1.0, |lower| claimed / lower - 1.0).clamp(self.context.tolerance, 1.0);
        let mut epsilon = ROUNDING_SHARE * gap / (self.problem.system.hidden_blocks() + 1) as f64;
        for _ in 0..=MORE_MARGINS {
            if self.judge.attempt(&segments, epsilon).is_ok() || !self.judge.has_time() {
                break;
            }
            epsilon *= MARGIN_STEP;
        }
    }

    /// Whether what is proved from both sides is as close as was asked for.
    fn is_closed(&self) -> bool {
        self.gap.is_closed(self.judge, self.context.tolerance)
    }

    /// The proposal of a finished run.
    pub(super) fn proposal(self, run: &Run, options: String) -> Proposal {
        let closed = self.is_closed();
        let status = match run.ending {
            _ if closed => "solved",
            Ending::Enough | Ending::Finished => "all iterations made, the gap is above the tolerance",
            Ending::Interrupted => "interrupted",
            _ => "stalled: no step makes the bound smaller, but the gap is above the tolerance",
        };
        Proposal {
            candidates: if closed { Vec::new() } else { vec![self.segments(&run.best.multipliers)] },
            claimed: self.reduction.bound_scale() * run.best.claimed,
            relaxation_lower: self.gap.lower,
            iterations: Some(run.iterations),
            products: Some(run.products),
            options,
            status: status.to_owned(),
            interrupted: !closed,
            assemble_s: (self.start - self.begun).as_secs_f64(),
            solve_s: self.start.elapsed().as_secs_f64() - self.judge.spent().as_secs_f64(),
            trace: self.trace,
            ..Proposal::default()
        }
    }
}

impl Companion for Follower<'_, '_> {
    fn observe(&mut self, step: &Step) {
        self.iterations = step.iterations;
        let time_s = self.start.elapsed().as_secs_f64();
        let claimed = self.reduction.bound_scale() * step.claimed;
        self.trace.push(TraceRow {
            time_s,
            iterations: step.iterations,
            products: step.products,
            // Before its first value a method claims nothing.
            claimed: claimed.is_finite().then_some(claimed),
            scaled_eigenvalue: step.scaled_eigenvalue,
            proved: self.judge.best().map(|best| best.bound.value()),
            ..TraceRow::default()
        });
        if time_s - self.told_s >= REPORT_EVERY_S {
            self.told_s = time_s;
            self.context.report(&Stage::Solving { iteration: step.iterations, claimed, gap: None });
        }
    }

    fn is_due(&self, promised: f64) -> bool {
        self.iterations >= self.next_judgement || promised <= self.aim
    }

    fn judge(&mut self, candidate: &Candidate) -> Verdict {
        self.aim = self.aim.min(NEXT_AIM * candidate.promised);
        self.next_judgement = ((self.iterations as f64 * LATER) as u64).max(self.iterations + 1);
        self.bound_below(candidate);
        self.prove(candidate);
        if self.is_closed() { Verdict::Enough } else { Verdict::More }
    }

    fn is_over(&self) -> bool {
        self.context.limits.stop_requested()
    }
}
