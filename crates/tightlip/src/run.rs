//! `bound` = propose, then certify.

use std::time::Instant;

use tightlip_certify::{Bound, BoundKind, Certificate, Refusal, Segment, Witness, prove_segments, round_multipliers};
use tightlip_model::{Network, Query};

use crate::method::{Decline, Method, Problem, Proposal, norms_text};
use crate::report::{LowerBound, NetworkSummary, Report, SCHEMA_VERSION, Seconds};
use crate::{Context, Stage, method_named};

/// Smallest margin tried when rounding.
const SMALLEST_EPSILON: f64 = 1e-9;
/// Each further margin is this much larger.
const EPSILON_FACTOR: f64 = 4.0;
/// Largest margin for the multipliers of a solver that finished: beyond, something is wrong with them.
const LARGEST_EPSILON: f64 = 1e-3;
/// Largest margin for the last iterate of an interrupted solver: each layer costs a factor of about two there.
const LARGEST_EPSILON_INTERRUPTED: f64 = 1.0;
/// The method that always has an answer in no time.
const BASELINE: &str = "norm-product";
/// What `auto` takes where it fits into memory: the tightest there is.
const AUTO: &str = "lipsdp-neuron.full.clarabel";

/// A proved bound with its report and certificate.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The proved upper bound.
    pub bound: Bound,
    /// What is told about it.
    pub report: Report,
    /// What proves it again.
    pub certificate: Certificate,
    /// The pair of points behind the lower bound.
    pub witness: Option<Witness>,
}

/// Why there is no bound.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The question does not fit the network.
    #[error(transparent)]
    Question(std::sync::Arc<tightlip_model::Error>),
    /// The method cannot answer it.
    #[error(transparent)]
    Declined(#[from] Decline),
    /// Two proofs contradict each other: one of them has a defect, so neither is shown as a result.
    #[error(
        "the proved lower bound {lower:?} exceeds the proved upper bound {upper:?}: this is a defect of tightlip, \
         please report it with the model"
    )]
    Contradiction {
        /// The upper bound.
        upper: f64,
        /// The lower bound.
        lower: f64,
    },
    /// The method answered, but the answer could not be proved.
    #[error("no bound: {refusal}")]
    Refused {
        /// The verifier's reason.
        refusal: Refusal,
        /// The report without a value.
        report: Box<Report>,
    },
}

/// Bounds the Lipschitz constant of `network` from both sides: [`upper_bound`], and a steep pair of points as a lower
/// bound.
///
/// # Errors
/// A [`Failure`] if the question does not fit, the method declines, or nothing could be proved.
pub fn bound(
    network: &Network,
    query: Query,
    method: Option<&dyn Method>,
    context: &Context,
) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let mut outcome = upper_bound(network, query, method, context);
    context.report(&Stage::SearchingLowerBound);
    let (report, kept) = match &mut outcome {
        Ok(outcome) => (&mut outcome.report, Some(&mut outcome.witness)),
        Err(Failure::Refused { report, .. }) => (&mut **report, None),
        Err(_) => return outcome,
    };
    if let Some((witness, bound)) = steep_witness(network, &query, context) {
        report.lower = Some(LowerBound { value: bound.value(), kind: "witness" });
        if let Some(kept) = kept {
            *kept = Some(witness);
        }
    }
    report.seconds.total = start.elapsed().as_secs_f64();
    match (report.value, &report.lower) {
        (Some(upper), Some(lower)) if lower.value > upper => Err(Failure::Contradiction { upper, lower: lower.value }),
        _ => outcome,
    }
}

/// Bounds the Lipschitz constant of `network` from above: asks `method` (or picks one, for `None`) and proves its
/// multipliers.
///
/// # Errors
/// A [`Failure`] if the question does not fit, the method declines, or nothing could be proved.
pub fn upper_bound(
    network: &Network,
    query: Query,
    method: Option<&dyn Method>,
    context: &Context,
) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let problem = Problem::new(network, query).map_err(|error| Failure::Question(std::sync::Arc::new(error)))?;
    let (method, proposal, remark) = match method {
        Some(method) => with_baseline(method, &problem, context, |decline| matches!(decline, Decline::Stopped { .. }))?,
        None => with_baseline(named(AUTO), &problem, context, |decline| {
            matches!(decline, Decline::Stopped { .. } | Decline::Memory { .. })
        })?,
    };
    let attempt = certify(method, proposal, &problem, context);
    let mut report = report(network, query, &attempt);
    if let Some(remark) = remark {
        report.status = format!("{}; {remark}", report.status);
    }
    report.seconds.total = start.elapsed().as_secs_f64();
    match attempt.result {
        Ok((bound, segments)) => {
            report.value = Some(bound.value());
            report.level = Some(bound.level());
            let certificate = Certificate::new(network, query, &report.method, bound, segments);
            Ok(Outcome { bound, report, certificate, witness: None })
        }
        Err(refusal) => Err(Failure::Refused { refusal, report: Box::new(report) }),
    }
}

/// A proposal with the outcome of its proof.
struct Attempt {
    method: &'static str,
    proposal: Proposal,
    result: Result<(Bound, Vec<Segment>), Refusal>,
    certify_s: f64,
}

/// Checks the norms, then asks the method.
fn propose(method: &dyn Method, problem: &Problem, context: &Context) -> Result<Proposal, Decline> {
    let (input, output) = (problem.query.input_norm, problem.query.output_norm);
    if !method.norms().contains(&(input, output)) {
        let supported = norms_text(method.norms());
        return Err(Decline::Norms { method: method.name(), input, output, supported });
    }
    method.propose(problem, context)
}

/// A method, its proposal, and a remark on how it came to be chosen.
type Choice<'m> = (&'m dyn Method, Proposal, Option<String>);

/// The proposal of `method`, or of the baseline, saying so, where the reason it declines for is one of those that
/// `excused` accepts.
fn with_baseline<'m>(
    method: &'m dyn Method,
    problem: &Problem,
    context: &Context,
    excused: impl Fn(&Decline) -> bool,
) -> Result<Choice<'m>, Decline> {
    match propose(method, problem, context) {
        Ok(proposal) => Ok((method, proposal, None)),
        Err(decline) if excused(&decline) => {
            let baseline = named(BASELINE);
            let proposal = propose(baseline, problem, context)?;
            Ok((baseline, proposal, Some(format!("{BASELINE} instead, because {decline}"))))
        }
        Err(other) => Err(other),
    }
}

/// A method that must be in the list.
fn named(name: &str) -> &'static dyn Method {
    method_named(name).expect("the methods this module names are in the list")
}

/// Proves the proposal; where a limit cut the method short, the baseline competes with what it left.
fn certify(method: &dyn Method, proposal: Proposal, problem: &Problem, context: &Context) -> Attempt {
    context.report(&Stage::Certifying);
    let start = Instant::now();
    let largest = if proposal.interrupted { LARGEST_EPSILON_INTERRUPTED } else { LARGEST_EPSILON };
    let result = round_and_prove(&proposal.segments, problem, largest, context);
    let mut attempt = Attempt { method: method.name(), proposal, result, certify_s: start.elapsed().as_secs_f64() };
    if attempt.proposal.interrupted {
        compete_with_baseline(&mut attempt, problem, context);
        attempt.certify_s = start.elapsed().as_secs_f64();
    }
    attempt
}

/// Replaces an attempt by the product of norms if that proves more.
fn compete_with_baseline(attempt: &mut Attempt, problem: &Problem, context: &Context) {
    let Ok(baseline) = propose(named(BASELINE), problem, context) else { return };
    let result = round_and_prove(&baseline.segments, problem, LARGEST_EPSILON, context);
    let better = match (&attempt.result, &result) {
        (Ok((ours, _)), Ok((theirs, _))) => theirs.value() < ours.value(),
        (Err(_), Ok(_)) => true,
        (_, Err(_)) => false,
    };
    if better {
        // The status alone remembers the interrupted method; every other figure is the baseline's.
        let status = format!("{} was {}, {BASELINE} is smaller", attempt.method, attempt.proposal.status);
        attempt.proposal = Proposal { status, interrupted: true, ..baseline };
        attempt.method = BASELINE;
        attempt.result = result;
    }
}

/// Rounds with growing margins until the proof succeeds; returns the last refusal if it never does.
fn round_and_prove(
    segments: &[Segment],
    problem: &Problem,
    largest: f64,
    context: &Context,
) -> Result<(Bound, Vec<Segment>), Refusal> {
    let mut epsilon = SMALLEST_EPSILON;
    loop {
        let rounded: Vec<Segment> = segments
            .iter()
            .map(|segment| Segment {
                end_block: segment.end_block,
                multipliers: round_multipliers(&segment.multipliers, epsilon),
            })
            .collect();
        match prove_segments(&problem.system, &problem.query, &rounded, &context.limits) {
            Ok(bound) => return Ok((bound, rounded)),
            // Only an indefinite matrix can be helped by a larger margin.
            Err(Refusal::NotPositive { .. }) if epsilon * EPSILON_FACTOR <= largest => epsilon *= EPSILON_FACTOR,
            Err(refusal) => return Err(refusal),
        }
    }
}

/// A steep pair of points, checked.
fn steep_witness(network: &Network, query: &Query, context: &Context) -> Option<(Witness, Bound)> {
    let pair = tightlip_exact::steep_pair(network, query, &context.limits)?;
    let witness = Witness { x: pair.x, x_prime: pair.x_prime };
    let bound = witness.prove(network, query).ok()?;
    Some((witness, bound))
}

/// The report of an attempt, without value, lower bound and total time.
fn report(network: &Network, query: Query, attempt: &Attempt) -> Report {
    let proposal = &attempt.proposal;
    Report {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        network: NetworkSummary::new(network, None),
        query,
        method: attempt.method.to_owned(),
        options: proposal.options.clone(),
        kind: BoundKind::Upper,
        level: None,
        value: None,
        claimed: proposal.claimed,
        lower: None,
        relaxation_lower: proposal.relaxation_lower,
        iterations: proposal.iterations,
        status: proposal.status.clone(),
        seconds: Seconds {
            load: 0.0,
            assemble: proposal.assemble_s,
            solve: proposal.solve_s,
            certify: attempt.certify_s,
            total: 0.0,
        },
        peak_rss_mib: None,
        certificate: None,
    }
}
