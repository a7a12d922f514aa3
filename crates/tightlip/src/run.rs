//! `bound` = propose, then certify.

use std::time::Instant;

use tightlip_certify::{Bound, Certificate, Refusal, Witness};
use tightlip_model::{Case, Network, Query};

use crate::Context;
use crate::method::{Decline, Kind, Method, Problem, norms_text};
use crate::methods::steep_witness;
use crate::report::{LowerBound, Report};
use crate::settle::{Settled, settle};
use crate::{Stage, reduced};

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
    /// One of several questions, whose turn did not come.
    #[error("not begun: the time limit or the interrupt came before its turn")]
    NotBegun,
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
    let outcome = upper_bound(network, query, method, context);
    if !wants_lower_bound(&outcome) {
        return outcome;
    }
    let start = Instant::now();
    context.report(&Stage::SearchingLowerBound);
    let found = steep_witness(network, &query, context);
    with_lower_bound(outcome, found, start.elapsed().as_secs_f64())
}

/// Whether a lower bound has a report to stand in.
pub(crate) fn wants_lower_bound(outcome: &Result<Outcome, Failure>) -> bool {
    matches!(outcome, Ok(_) | Err(Failure::Refused { .. }))
}

/// Enters a lower bound, if one was `found`, and the seconds it took.
///
/// # Errors
/// Those of `outcome`, and [`Failure::Contradiction`] if the lower bound is above the upper one.
pub(crate) fn with_lower_bound(
    mut outcome: Result<Outcome, Failure>,
    found: Option<(Witness, Bound)>,
    seconds: f64,
) -> Result<Outcome, Failure> {
    let (report, kept) = match &mut outcome {
        Ok(outcome) => (&mut outcome.report, Some(&mut outcome.witness)),
        Err(Failure::Refused { report, .. }) => (&mut **report, None),
        Err(_) => return outcome,
    };
    report.seconds.total += seconds;
    if let Some((witness, bound)) = found {
        report.lower = Some(LowerBound { value: bound.value(), kind: "witness" });
        if let Some(kept) = kept {
            *kept = Some(witness);
        }
    }
    match (report.value, &report.lower) {
        (Some(upper), Some(lower)) if lower.value > upper => Err(Failure::Contradiction { upper, lower: lower.value }),
        _ => outcome,
    }
}

/// Bounds the Lipschitz constant of `network` from above: asks `method` (or picks one, for `None`) and proves its
/// multipliers. ℓ1 inputs and ℓ∞ outputs are bounded case by case.
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
    let in_cases = in_cases(&query, method);
    if let Some(method) = method {
        let direct = if in_cases { Case::query(&query) } else { query };
        check(method, (&query, &direct), Kind::Upper)?;
    }
    let (settled, proof) = if in_cases {
        let in_cases = reduced::settle_cases(&problem, method, context)?;
        (in_cases.settled, in_cases.result)
    } else {
        let mut settled = settle(&problem, method, context)?;
        let result = std::mem::replace(&mut settled.result, Err(Refusal::nothing_tried()));
        (settled, result.map(|proved| (proved.bound, proved.proof)))
    };
    let mut report = report_of(&problem, &settled);
    report.seconds.total = start.elapsed().as_secs_f64();
    match proof {
        Ok((bound, proof)) => {
            report.prove(bound);
            // Bounds of one relaxation from both sides, each proved.
            if let Some(lower) = report.relaxation_lower.filter(|lower| *lower > bound.value()) {
                return Err(Failure::Contradiction { upper: bound.value(), lower });
            }
            let certificate = Certificate::new(network, query, &report.method, bound, proof);
            Ok(Outcome { bound, report, certificate, witness: None })
        }
        Err(refusal) => Err(Failure::Refused { refusal, report: Box::new(report) }),
    }
}

/// A lower bound of the formal constant or of the network's own: asks `method`, which has to be of one of these kinds.
///
/// # Errors
/// A [`Failure`] if the question does not fit or the method declines.
pub fn lower_bound(network: &Network, query: Query, method: &dyn Method, context: &Context) -> Result<Report, Failure> {
    let start = Instant::now();
    let problem = Problem::new(network, query).map_err(|error| Failure::Question(std::sync::Arc::new(error)))?;
    let found = match method.kind() {
        kind @ (Kind::Upper | Kind::Estimate) => return Err(Decline::Kind { method: method.name(), kind }.into()),
        // A pair of points answers for any norms.
        Kind::Lower => method.find_lower(&problem, context)?,
        Kind::FglLower => {
            check(method, (&query, &Case::query(&query)), Kind::FglLower)?;
            reduced::largest_lower(&problem, method, context)?
        }
    };
    let mut report = Report::of_lower(&problem, method, &found);
    report.seconds.total = start.elapsed().as_secs_f64();
    Ok(report)
}

/// A number of the literature that bounds nothing: asks `method`, which has to be of that kind. The report has no value.
///
/// # Errors
/// A [`Failure`] if the question does not fit or the method declines.
pub fn estimate(network: &Network, query: Query, method: &dyn Method, context: &Context) -> Result<Report, Failure> {
    let start = Instant::now();
    let problem = Problem::new(network, query).map_err(|error| Failure::Question(std::sync::Arc::new(error)))?;
    check(method, (&query, &query), Kind::Estimate)?;
    let mut report = Report::of_estimate(&problem, method, &method.estimate(&problem, context)?);
    report.seconds.total = start.elapsed().as_secs_f64();
    Ok(report)
}

/// Whether a question is bounded case by case: ℓ1 inputs and ℓ∞ outputs, unless the method answers for them as a whole.
fn in_cases(query: &Query, method: Option<&dyn Method>) -> bool {
    let whole = method.is_some_and(|method| method.norms().contains(&(query.input_norm, query.output_norm)));
    !whole && Case::query(query) != *query
}

/// Declines what the method is not for: a question, and the one it comes down to.
fn check(method: &dyn Method, (asked, direct): (&Query, &Query), wanted: Kind) -> Result<(), Decline> {
    if method.kind() != wanted {
        return Err(Decline::Kind { method: method.name(), kind: method.kind() });
    }
    if !method.norms().contains(&(direct.input_norm, direct.output_norm)) {
        let supported = norms_text(method.norms());
        let (input, output) = (asked.input_norm, asked.output_norm);
        return Err(Decline::Norms { method: method.name(), input, output, supported });
    }
    Ok(())
}

/// The report of what was settled, without value, lower bound and total time.
fn report_of(problem: &Problem<'_>, settled: &Settled) -> Report {
    let mut report = Report::of_proposal(problem, &settled.method, &settled.proposal);
    report.seconds.certify = settled.certify_s;
    if let Some(remark) = &settled.remark {
        report.status = format!("{}; {remark}", report.status);
    }
    report
}
