//! What is told about a bound: the object `--json` prints, with stable keys.

use serde::Serialize;
use tightlip_certify::{BoundKind, Level};
use tightlip_model::{Network, Query};

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
    /// Upper or lower.
    pub kind: BoundKind,
    /// How sure the value is; `null` if nothing was proved.
    pub level: Option<Level>,
    /// The proved bound of the Lipschitz constant, rounded to the safe side; `null` if nothing was proved.
    pub value: Option<f64>,
    /// What the solver said the bound is.
    pub claimed: f64,
    /// The best proved lower bound.
    pub lower: Option<LowerBound>,
    /// A safe lower bound of the relaxation's optimum.
    pub relaxation_lower: Option<f64>,
    /// Iterations of the solver.
    pub iterations: Option<u64>,
    /// Why the solver stopped, and what happened then.
    pub status: String,
    /// Where the time went.
    pub seconds: Seconds,
    /// Largest resident memory of the process so far.
    pub peak_rss_mib: Option<f64>,
    /// The certificate file, if one was written.
    pub certificate: Option<String>,
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
