//! One question about norms that an inequality expresses directly: a method proposes, the judge proves, and where a limit
//! cut the method short, the baseline competes.

use std::time::Instant;

use tightlip_certify::Refusal;

use crate::judge::{Judge, Proved, SMALLEST_MARGIN};
use crate::method::{Decline, Method, Problem, Proposal, TraceRow};
use crate::{Context, Stage, method_named};

/// Largest margin for the multipliers of a solver that finished: beyond, something is wrong with them.
const LARGEST_MARGIN: f64 = 1e-3;
/// Largest margin for the last iterate of an interrupted solver: each layer costs a factor of about two there.
const LARGEST_MARGIN_INTERRUPTED: f64 = 1.0;
/// Where the search begins for an iterate that was interrupted: smaller margins are not worth the time that is left.
const FIRST_MARGIN_INTERRUPTED: f64 = 1e-8;
/// The method that always has an answer in no time.
const BASELINE: &str = "norm-product";
/// What `auto` takes: the tightest there is.
const AUTO: &str = "lipsdp-neuron.lifted";

/// A proposal with the outcome of its proof.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) method: String,
    pub(crate) proposal: Proposal,
    pub(crate) result: Result<Proved, Refusal>,
    pub(crate) certify_s: f64,
    /// How it came about, where that is not obvious.
    pub(crate) remark: Option<String>,
}

/// Asks `method`, or the automatic choice for `None`, and proves what it proposes.
pub(crate) fn settle(
    problem: &Problem<'_>,
    method: Option<&dyn Method>,
    context: &Context,
) -> Result<Settled, Decline> {
    let mut judge = Judge::new(problem, context);
    let chosen = method.unwrap_or_else(|| named(AUTO));
    let mut stopped = false;
    let proposed = match chosen.propose(problem, context, &mut judge) {
        Ok(proposal) => (chosen, proposal, None),
        Err(decline) if excused(&decline, method.is_none()) => {
            let baseline = baseline();
            let proposal = baseline.propose(problem, context, &mut judge)?;
            stopped = matches!(decline, Decline::Stopped { .. });
            (baseline, proposal, Some(format!("{BASELINE} instead, because {decline}")))
        }
        Err(other) => return Err(other),
    };
    let (method, mut proposal, remark) = proposed;
    context.report(&Stage::Certifying);
    let result = prove(&proposal, &mut judge);
    let certify_s = judge.spent().as_secs_f64();
    // The course is that of the method that was asked: one that stands in for it has none.
    if let (Ok(proved), None) = (&result, &remark) {
        close_course(&mut proposal, proved.bound.value(), certify_s);
    }
    let mut settled = Settled { method: method.label(), proposal, result, certify_s, remark };
    // A limit can also cut the search for a margin short.
    if settled.proposal.interrupted || settled.result.is_err() && context.limits.stop_requested() {
        compete_with_baseline(&mut settled, problem, context);
    }
    settled.proposal.interrupted |= stopped;
    Ok(settled)
}

/// The method that always has an answer.
pub(crate) fn baseline() -> &'static dyn Method {
    named(BASELINE)
}

/// Whether the baseline may stand in for a method that declined: where a limit left no time, or memory did not suffice
/// and nobody asked for that very method.
fn excused(decline: &Decline, automatic: bool) -> bool {
    matches!(decline, Decline::Stopped { .. }) || automatic && matches!(decline, Decline::Memory { .. })
}

/// A method that must be in the list.
fn named(name: &str) -> &'static dyn Method {
    method_named(name).expect("the methods this module names are in the list")
}

/// Proves what the judge has not yet proved of a proposal; the best of it.
pub(crate) fn prove(proposal: &Proposal, judge: &mut Judge<'_>) -> Result<Proved, Refusal> {
    let (smallest, largest) = if proposal.interrupted {
        (FIRST_MARGIN_INTERRUPTED, LARGEST_MARGIN_INTERRUPTED)
    } else {
        (SMALLEST_MARGIN, LARGEST_MARGIN)
    };
    let mut last = Refusal::nothing_tried();
    for candidate in &proposal.candidates {
        if proposal.interrupted && !judge.has_time() {
            break;
        }
        if let Err(refusal) = judge.search(candidate, smallest, largest) {
            last = refusal;
        }
    }
    judge.best().cloned().ok_or(last)
}

/// Adds what was proved in the end to the course of a method, unless its last step has it already: the last row of every
/// course says what the method proved, and when.
fn close_course(proposal: &mut Proposal, proved: f64, certify_s: f64) {
    if proposal.trace.last().and_then(|last| last.proved) == Some(proved) {
        return;
    }
    proposal.trace.push(TraceRow {
        time_s: proposal.solve_s + certify_s,
        iterations: proposal.iterations.or(proposal.sweeps).unwrap_or(0),
        products: proposal.products.unwrap_or(0),
        rank: proposal.rank,
        proved: Some(proved),
        ..TraceRow::default()
    });
}

/// Replaces what was settled by the product of norms, which needs no cases, if that proves more.
pub(crate) fn compete_with_baseline(settled: &mut Settled, problem: &Problem<'_>, context: &Context) {
    let start = Instant::now();
    let mut judge = Judge::new(problem, context);
    let Ok(baseline) = baseline().propose(problem, context, &mut judge) else { return };
    let result = prove(&baseline, &mut judge);
    let better = match (&settled.result, &result) {
        (Ok(ours), Ok(theirs)) => theirs.bound.value() < ours.bound.value(),
        (Err(_), Ok(_)) => true,
        (_, Err(_)) => false,
    };
    settled.certify_s += start.elapsed().as_secs_f64();
    if better {
        // The interrupted method is remembered by its status, its course and its bound of the relaxation from below,
        // which is one of the same relaxation, and its time; every other figure is the baseline's.
        let before = &mut settled.proposal;
        let why = if settled.result.is_ok() { "is smaller" } else { "is what could be proved" };
        let status = format!("{}: {}; {BASELINE} {why}", settled.method, before.status);
        let (relaxation_lower, is_formal) = (before.relaxation_lower, before.is_formal);
        let trace = std::mem::take(&mut before.trace);
        // The time was spent all the same.
        let (assemble_s, solve_s) = (before.assemble_s + baseline.assemble_s, before.solve_s + baseline.solve_s);
        settled.proposal =
            Proposal { status, interrupted: true, relaxation_lower, is_formal, trace, assemble_s, solve_s, ..baseline };
        BASELINE.clone_into(&mut settled.method);
        settled.result = result;
    }
}
