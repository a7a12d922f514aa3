//! What is told about a bound: the object `--json` prints, with stable keys.

use serde::Serialize;
use tightlip_certify::{Bound, Draw, Level};
use tightlip_model::{Network, Query};

use crate::method::{FoundEstimate, FoundLower, Kind, Method, Problem, ProgramSize, Proposal, TraceRow};

/// Version of the report's keys.
pub const SCHEMA_VERSION: u32 = 1;

/// A bound and everything needed to judge it. Absent values are `null`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of these keys.
    pub schema_version: u32,
    /// Version of tightlip.
    pub version: &'static str,
    /// The network.
    pub network: NetworkSummary,
    /// The question.
    pub query: Query,
    /// The method whose multipliers prove the value.
    pub method: String,
    /// Every setting of its solver that changes the answer.
    pub options: String,
    /// What the value is.
    pub kind: Kind,
    /// How sure the value is; `null` if nothing was proved.
    pub level: Option<Level>,
    /// The proved bound, rounded to the safe side; `null` if nothing was proved.
    pub value: Option<f64>,
    /// Probability that the value is wrong: 0 for rigorous bounds.
    pub failure_probability: f64,
    /// What the solver said the bound is.
    pub claimed: f64,
    /// The best proved lower bound.
    pub lower: Option<LowerBound>,
    /// A safe lower bound of the relaxation's optimum.
    pub relaxation_lower: Option<f64>,
    /// Whether that bounds the formal constant itself; not part of the JSON, where the method says it.
    #[serde(skip)]
    pub is_formal: bool,
    /// `value / relaxation_lower − 1`: how far the value can be from the optimum at most.
    pub gap: Option<f64>,
    /// Iterations of the solver.
    pub iterations: Option<u64>,
    /// Columns of the vector relaxation.
    pub rank: Option<usize>,
    /// Forward and backward passes of the network on that many columns.
    pub sweeps: Option<u64>,
    /// Passes of the network forward and back on one vector: a sweep of several columns is as many.
    pub products: Option<u64>,
    /// Size of the semidefinite program, for methods that solve one.
    pub program: Option<ProgramSize>,
    /// Why the solver stopped, and what happened then.
    pub status: String,
    /// Whether the method ended before it was done: at a limit, or because it stood still.
    pub interrupted: bool,
    /// Where the time went.
    pub seconds: Seconds,
    /// Largest resident memory of the process so far.
    pub peak_rss_mib: Option<f64>,
    /// The certificate file, if one was written.
    pub certificate: Option<String>,
    /// The course of the method; not part of the JSON.
    #[serde(skip)]
    pub trace: Vec<TraceRow>,
}

impl Report {
    /// A report that knows the question only.
    fn of_question(problem: &Problem<'_>, method: &str, options: &str) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            version: env!("CARGO_PKG_VERSION"),
            network: NetworkSummary::new(problem.network, None),
            query: problem.query,
            method: method.to_owned(),
            options: options.to_owned(),
            kind: Kind::Upper,
            level: None,
            value: None,
            failure_probability: 0.0,
            claimed: 0.0,
            lower: None,
            relaxation_lower: None,
            is_formal: false,
            gap: None,
            iterations: None,
            rank: None,
            sweeps: None,
            products: None,
            program: None,
            status: String::new(),
            interrupted: false,
            seconds: Seconds::default(),
            peak_rss_mib: None,
            certificate: None,
            trace: Vec::new(),
        }
    }

    /// The report of a method's proposal, nothing proved yet.
    pub(crate) fn of_proposal(problem: &Problem<'_>, method: &str, proposal: &Proposal) -> Self {
        Self {
            claimed: proposal.claimed,
            relaxation_lower: proposal.relaxation_lower,
            is_formal: proposal.is_formal,
            iterations: proposal.iterations,
            rank: proposal.rank,
            sweeps: proposal.sweeps,
            products: proposal.products,
            program: proposal.program,
            status: proposal.status.clone(),
            interrupted: proposal.interrupted,
            seconds: Seconds { assemble: proposal.assemble_s, solve: proposal.solve_s, ..Seconds::default() },
            trace: proposal.trace.clone(),
            ..Self::of_question(problem, method, &proposal.options)
        }
    }

    /// The report of a lower bound.
    pub(crate) fn of_lower(problem: &Problem<'_>, method: &dyn Method, found: &FoundLower) -> Self {
        let is_witness = method.kind() == Kind::Lower;
        Self {
            kind: method.kind(),
            level: Some(Level::Rigorous),
            value: Some(found.value),
            claimed: found.claimed,
            lower: is_witness.then_some(LowerBound { value: found.value, kind: "witness" }),
            iterations: found.starts,
            rank: found.sweeps.map(|_| 1),
            sweeps: found.sweeps,
            // Of one column each.
            products: found.sweeps,
            status: if found.interrupted { "interrupted" } else { "searched" }.to_owned(),
            interrupted: found.interrupted,
            seconds: Seconds { solve: found.solve_s, certify: found.certify_s, ..Seconds::default() },
            ..Self::of_question(problem, &method.label(), &found.options)
        }
    }

    /// The report of a number that bounds nothing: it has no value, only a claim.
    pub(crate) fn of_estimate(problem: &Problem<'_>, method: &dyn Method, found: &FoundEstimate) -> Self {
        Self {
            kind: Kind::Estimate,
            claimed: found.value,
            status: format!("{}; {}", found.proposal.status, found.warning),
            ..Self::of_proposal(problem, &method.label(), &found.proposal)
        }
    }

    /// Enters the proved bound.
    pub(crate) fn prove(&mut self, bound: Bound) {
        self.value = Some(bound.value());
        self.level = Some(bound.level());
        // That of all attempts together, of which the one that succeeded had a share.
        self.failure_probability = if bound.failure_probability() > 0.0 { Draw::FAILURE_PROBABILITY } else { 0.0 };
        self.gap = self.relaxation_lower.filter(|lower| *lower > 0.0).map(|lower| bound.value() / lower - 1.0);
    }
}

/// The network of a report.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkSummary {
    /// The model file.
    pub path: Option<String>,
    /// Digest of the canonical weights.
    pub sha256: String,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Sizes of the hidden layers.
    pub hidden: Vec<usize>,
    /// Their activations.
    pub activations: Vec<String>,
}

impl NetworkSummary {
    /// The summary of `network`, read from `path`.
    pub fn new(network: &Network, path: Option<String>) -> Self {
        let hidden = network.hidden();
        Self {
            path,
            sha256: network.sha256(),
            inputs: network.inputs(),
            outputs: network.outputs(),
            hidden: hidden.iter().map(|(_, width)| *width).collect(),
            activations: hidden.iter().map(|(activation, _)| activation.to_string()).collect(),
        }
    }
}

/// A proved lower bound and what it bounds.
#[derive(Debug, Clone, Serialize)]
pub struct LowerBound {
    /// Rounded down.
    pub value: f64,
    /// `witness`: a pair of points whose difference quotient was enclosed.
    pub kind: &'static str,
}

/// Seconds of each part.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Seconds {
    /// Reading the model file.
    pub load: f64,
    /// Building the program.
    pub assemble: f64,
    /// Solving it.
    pub solve: f64,
    /// Rounding and proving the upper bound.
    pub certify: f64,
    /// All of it, the lower bound included.
    pub total: f64,
}

impl Seconds {
    /// Those of several reports on one model that was read in `load` seconds; `total` is what all took together.
    pub fn of_all<'r>(reports: impl IntoIterator<Item = &'r Report>, load: f64, total: f64) -> Self {
        reports.into_iter().fold(Self { load, total, ..Self::default() }, |sum, Report { seconds, .. }| Self {
            assemble: sum.assemble + seconds.assemble,
            solve: sum.solve + seconds.solve,
            certify: sum.certify + seconds.certify,
            ..sum
        })
    }
}
