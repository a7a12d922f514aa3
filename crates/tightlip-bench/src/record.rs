//! One row of `records.csv`: one cell of a comparison, one repetition.
//!
//! The struct is the schema: field order is column order, `benchmarks/README.md` documents every column, and a test holds
//! the two together. Absent is an empty cell, never 0 and never NaN. *Claimed* and *proved* are different columns.

use serde::{Deserialize, Serialize};

use crate::formulation::formulation;

/// Version of the columns.
pub const SCHEMA_VERSION: u32 = 1;

/// What came of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The method ended by itself and its answer was proved.
    Solved,
    /// A limit or Ctrl-C ended it early; what it had was proved.
    Interrupted,
    /// It ended by itself short of its tolerance; what it had was proved.
    Stalled,
    /// The method is not for this question, or would not fit.
    Declined,
    /// The method answered, but nothing could be proved.
    Refused,
    /// The cell could not be run: the network could not be read, or does not have these outputs.
    Failed,
    /// The process did not end after its time limit, or outgrew its memory limit, and was ended.
    Killed,
    /// The process ended without an answer.
    Crashed,
    /// The network is not part of this repository and was not given.
    Skipped,
    /// Not a run: a published number that no method here makes, for the verdict on it.
    Published,
}

impl Status {
    /// The word in the CSV.
    pub fn word(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Interrupted => "interrupted",
            Self::Stalled => "stalled",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Crashed => "crashed",
            Self::Skipped => "skipped",
            Self::Published => "published",
        }
    }

    /// Whether something went wrong that nobody asked for.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Refused | Self::Failed | Self::Killed | Self::Crashed)
    }
}

/// What is said about a published number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// Our proved value agrees to the digits published.
    #[serde(rename = "reproduced")]
    Reproduced,
    /// Our proved value is another one.
    #[serde(rename = "differs")]
    Differs,
    /// The number is below a proved lower bound of what it claims to bound.
    #[serde(rename = "not a bound")]
    NotABound,
    /// Nothing contradicts it, and no method here makes it.
    #[serde(rename = "not re-created")]
    NotRecreated,
}

impl Verdict {
    /// The words in the CSV.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Differs => "differs",
            Self::NotABound => "not a bound",
            Self::NotRecreated => "not re-created",
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the columns.
    pub schema_version: u32,
    /// The run this row belongs to.
    pub run_id: String,
    /// When the cell ended, UTC, RFC 3339.
    pub timestamp: String,
    /// Name of the suite.
    pub suite: String,
    /// Digest of everything that defines the cell; a resumed run skips cells that have a row.
    pub cell: String,
    /// Name of the network, unique in its suite.
    pub network: String,
    /// Where the network comes from: a file, or generator and arguments.
    pub network_source: String,
    /// Digest of its canonical weights.
    pub network_sha256: Option<String>,
    /// Layer sizes from inputs to outputs, joined by `-`.
    pub sizes: Option<String>,
    /// Number of weights and biases.
    pub parameters: Option<u64>,
    /// Its activations, each once, joined by `+`.
    pub activation: Option<String>,
    /// Norm of input differences: 1, 2 or inf.
    pub input_norm: String,
    /// Norm of output differences: 1, 2 or inf.
    pub output_norm: String,
    /// Outputs asked about: all, K or I-J.
    pub output: String,
    /// The method.
    pub method: String,
    /// Every setting of its solver that changes the answer.
    pub options: Option<String>,
    /// What its number is: upper, lower, fgl-lower, estimate (no bound), or published.
    pub kind: String,
    /// How sure `proved` is: rigorous, probabilistic.
    pub level: Option<String>,
    /// The bound the method claims; not proved.
    pub claimed: Option<f64>,
    /// The proved upper bound (kind upper) or lower bound (kinds lower and fgl-lower), rounded to the safe side.
    pub proved: Option<f64>,
    /// Proved lower bound of the optimum of the relaxation that the method solves.
    pub relaxation_lower: Option<f64>,
    /// Proved difference quotient of a pair of points, from this cell.
    pub lower_witness: Option<f64>,
    /// `proved` over the best proved upper bound of the same network and question.
    pub ratio_to_best_upper: Option<f64>,
    /// `proved` over the best lower bound that a pair of points proves for the same network and question.
    pub ratio_to_best_lower: Option<f64>,
    /// `proved` over the best lower bound of the formal constant (FGL) of the same network and question.
    pub ratio_to_fgl: Option<f64>,
    /// The published number for this network, question and method, with the digits published.
    pub published: Option<String>,
    /// How far the published number may be off, in its own unit; half its last digit where nothing is said.
    pub published_half_width: Option<f64>,
    /// The method whose proved bound the published number is a ratio to; empty for plain bounds.
    pub published_relative_to: Option<String>,
    /// Where it was published, and what for.
    pub published_source: Option<String>,
    /// What is said about it.
    pub verdict: Option<Verdict>,
    /// Iterations of the method.
    pub iterations: Option<u64>,
    /// Forward and backward passes of the network, all columns at once.
    pub passes: Option<u64>,
    /// The same, on one vector: a pass of several columns is as many.
    pub products: Option<u64>,
    /// Columns of each pass.
    pub rank: Option<u64>,
    /// Order of the semidefinite constraint, before it is decomposed.
    pub order: Option<u64>,
    /// Semidefinite cones it is written with.
    pub cones: Option<u64>,
    /// Order of the largest of them.
    pub largest_cone: Option<u64>,
    /// Scalar variables of the program.
    pub variables: Option<u64>,
    /// Rows of all its cones.
    pub rows: Option<u64>,
    /// Nonzero coefficients.
    pub nonzeros: Option<u64>,
    /// Seconds reading or generating the network.
    pub load_s: Option<f64>,
    /// Seconds building the program.
    pub assemble_s: Option<f64>,
    /// Seconds solving it.
    pub solve_s: Option<f64>,
    /// Seconds proving.
    pub certify_s: Option<f64>,
    /// Seconds for the answer, proofs included, loading not.
    pub total_s: Option<f64>,
    /// Largest resident memory of the cell's process.
    pub peak_rss_mib: Option<f64>,
    /// Time limit of the cell.
    pub time_limit_s: f64,
    /// Memory limit of the cell.
    pub memory_limit_mib: u64,
    /// Relative gap at which an iterative method was to stop.
    pub tolerance: f64,
    /// Threads allowed.
    pub threads: u32,
    /// What came of the cell.
    pub status: Status,
    /// The method's words, or why there is no answer.
    pub reason: Option<String>,
    /// Seed of every random draw of the method.
    pub seed: u64,
    /// Version of tightlip.
    pub version: String,
    /// Commit it was built from, with `+` if the tree had changes.
    pub commit: Option<String>,
    /// The processor.
    pub cpu: Option<String>,
    /// Repetition, from 1.
    pub repetition: u32,
}

/// What a row is about: rows with the same question can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// Name of the network.
    pub network: String,
    /// Norm of input differences.
    pub input_norm: String,
    /// Norm of output differences.
    pub output_norm: String,
    /// Outputs.
    pub output: String,
}

impl Question {
    /// Whether this is the usual question: ℓ2 → ℓ2, all outputs.
    pub fn is_usual(&self) -> bool {
        self.input_norm == "2" && self.output_norm == "2" && self.output == "all"
    }

    /// Network, and norms and outputs where they are not the usual ones.
    pub fn label(&self) -> String {
        if self.is_usual() { self.network.clone() } else { format!("{} {}", self.network, self.asked()) }
    }

    /// Norms and outputs.
    pub fn asked(&self) -> String {
        let norm = |name: &str| if name == "inf" { "∞".to_owned() } else { name.to_owned() };
        let output = if self.output == "all" { String::new() } else { format!(", output {}", self.output) };
        format!("ℓ{}→ℓ{}{output}", norm(&self.input_norm), norm(&self.output_norm))
    }
}

impl Record {
    /// The question this row is about.
    pub fn question(&self) -> Question {
        Question {
            network: self.network.clone(),
            input_norm: self.input_norm.clone(),
            output_norm: self.output_norm.clone(),
            output: self.output.clone(),
        }
    }

    /// The proved upper bound, for rows that have one.
    pub fn upper(&self) -> Option<f64> {
        self.proved.filter(|_| self.kind == "upper")
    }

    /// Whether its number is one of the literature that bounds nothing.
    pub fn is_estimate(&self) -> bool {
        self.kind == "estimate"
    }

    /// Which number the method computes: methods that share it and end by themselves must agree.
    pub fn formulation(&self) -> &str {
        formulation(&self.method)
    }

    /// Layer sizes as numbers.
    pub fn layer_sizes(&self) -> Option<Vec<usize>> {
        self.sizes.as_ref()?.split('-').map(|size| size.parse().ok()).collect()
    }
}

/// One row of `traces.csv`: one step of an iterative method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// The run.
    pub run_id: String,
    /// The cell.
    pub cell: String,
    /// Name of the network.
    pub network: String,
    /// Norm of input differences.
    pub input_norm: String,
    /// Norm of output differences.
    pub output_norm: String,
    /// Outputs.
    pub output: String,
    /// The method.
    pub method: String,
    /// Repetition, from 1.
    pub repetition: u32,
    /// Seconds since the method began to iterate, proofs included.
    pub time_s: f64,
    /// Steps of the method so far.
    pub iterations: u64,
    /// Forward and backward passes of the network on one vector so far.
    pub products: u64,
    /// Value of the relaxation from below, for methods that climb.
    pub value: Option<f64>,
    /// The upper bound that the method claims at this step; not proved.
    pub claimed: Option<f64>,
    /// Upper bound of the smallest eigenvalue of the scaled pencil, where it was computed.
    pub scaled_eigenvalue: Option<f64>,
    /// Columns of each pass.
    pub rank: Option<u64>,
    /// The best proved bound so far.
    pub proved: Option<f64>,
}

impl Record {
    /// A row with something in every required column: its field names are the header.
    pub(crate) fn example() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            run_id: "20260101T000000Z-example".to_owned(),
            timestamp: "2026-01-01T00:00:00Z".to_owned(),
            suite: "example".to_owned(),
            cell: "0123456789abcdef".to_owned(),
            network: "one".to_owned(),
            network_source: "random:1-1-1:relu:0".to_owned(),
            network_sha256: None,
            sizes: None,
            parameters: None,
            activation: None,
            input_norm: "2".to_owned(),
            output_norm: "2".to_owned(),
            output: "all".to_owned(),
            method: "norm-product".to_owned(),
            options: None,
            kind: "upper".to_owned(),
            level: None,
            claimed: None,
            proved: None,
            relaxation_lower: None,
            lower_witness: None,
            ratio_to_best_upper: None,
            ratio_to_best_lower: None,
            ratio_to_fgl: None,
            published: None,
            published_half_width: None,
            published_relative_to: None,
            published_source: None,
            verdict: None,
            iterations: None,
            passes: None,
            products: None,
            rank: None,
            order: None,
            cones: None,
            largest_cone: None,
            variables: None,
            rows: None,
            nonzeros: None,
            load_s: None,
            assemble_s: None,
            solve_s: None,
            certify_s: None,
            total_s: None,
            peak_rss_mib: None,
            time_limit_s: 1.0,
            memory_limit_mib: 1024,
            tolerance: 1e-5,
            threads: 1,
            status: Status::Solved,
            reason: None,
            seed: 0,
            version: "0.0.0".to_owned(),
            commit: None,
            cpu: None,
            repetition: 1,
        }
    }
}

impl TraceRecord {
    /// A step, for its field names.
    pub(crate) fn example() -> Self {
        Self {
            run_id: "20260101T000000Z-example".to_owned(),
            cell: "0123456789abcdef".to_owned(),
            network: "one".to_owned(),
            input_norm: "2".to_owned(),
            output_norm: "2".to_owned(),
            output: "all".to_owned(),
            method: "norm-product".to_owned(),
            repetition: 1,
            time_s: 0.0,
            iterations: 0,
            products: 0,
            value: None,
            claimed: None,
            scaled_eigenvalue: None,
            rank: None,
            proved: None,
        }
    }
}
