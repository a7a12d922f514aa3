//! Seconds to proved gaps, by the method that users call.

use std::time::{Duration, Instant};

use tightlip::{Context, Failure, Outcome, Problem, method_named, upper_bound};
use tightlip_certify::{Level, Prover};
use tightlip_model::{Limits, Network, Query};

use crate::speed::median;

/// The gaps, each a run of its own; the loosest first.
const TOLERANCES: [f64; 3] = [1e-3, 1e-5, 1e-7];
/// Which of them the other columns speak about.
const MIDDLE: usize = 1;
/// Proofs of which the median is taken.
const PROOFS: usize = 3;

/// All runs of one network.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// Seconds from the network to a bound proved to each gap, with reduction, proofs and the report; `None` where it
    /// was not reached.
    pub(crate) seconds: [Option<f64>; TOLERANCES.len()],
    /// The run to the middle gap, reached or not.
    pub(crate) middle: Option<Middle>,
    /// How the last run ended.
    pub(crate) status: String,
}

/// The run to the middle gap.
#[derive(Debug)]
pub(crate) struct Middle {
    /// Columns at the end.
    pub(crate) rank: usize,
    pub(crate) sweeps: u64,
    pub(crate) reduction_s: f64,
    /// The proved bound.
    pub(crate) bound: f64,
    /// Between the bound and the proved value of the relaxation.
    pub(crate) gap: f64,
    /// One successful proof with a prepared prover.
    pub(crate) proof_s: Option<f64>,
}

/// Runs to each gap in turn. What missed a gap for lack of time would miss the narrower ones too: they are left out.
///
/// # Errors
/// If the method or the question does not fit the network.
pub(crate) fn measure(network: &Network, query: Query, limits: &Limits, time: Duration) -> Result<Gaps, Failure> {
    let method = method_named("lipsdp-neuron.lifted").expect("the method that is measured is in the list");
    let mut gaps = Gaps::default();
    for (index, tolerance) in TOLERANCES.into_iter().enumerate() {
        let limits = Limits { deadline: Some(Instant::now() + time), ..limits.clone() };
        let mut context = Context::silent(limits.clone());
        context.tolerance = tolerance;
        // A deadline leaves a proved bound behind where there is one.
        let outcome = match upper_bound(network, query, Some(method), &context) {
            Ok(outcome) => outcome,
            Err(Failure::Refused { report, .. }) => {
                gaps.status = report.status;
                break;
            }
            Err(failure) => return Err(failure),
        };
        let report = &outcome.report;
        gaps.status.clone_from(&report.status);
        if index == MIDDLE {
            gaps.middle = middle(network, query, &outcome, &limits);
        }
        if report.gap.is_none_or(|gap| gap > tolerance) {
            break;
        }
        gaps.seconds[index] = Some(report.seconds.total);
    }
    Ok(gaps)
}

/// What is told about the run to the middle gap; nothing if another method had to stand in.
fn middle(network: &Network, query: Query, outcome: &Outcome, limits: &Limits) -> Option<Middle> {
    let report = &outcome.report;
    Some(Middle {
        rank: report.rank?,
        sweeps: report.sweeps?,
        reduction_s: report.seconds.assemble,
        bound: outcome.bound.value(),
        gap: report.gap?,
        proof_s: proof_s(network, query, outcome, limits),
    })
}

/// Seconds to prove the multipliers of the certificate again, where that is rigorous.
fn proof_s(network: &Network, query: Query, outcome: &Outcome, limits: &Limits) -> Option<f64> {
    let [segment] = &outcome.certificate.segments[..] else { return None };
    if outcome.bound.level() != Level::Rigorous {
        return None;
    }
    let problem = Problem::new(network, query).ok()?;
    let prover = Prover::new(&problem.system, &query, limits).ok()?;
    let mut times = Vec::new();
    for _ in 0..PROOFS {
        let start = Instant::now();
        prover.prove(&segment.multipliers, limits).ok()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Some(median(times))
}
