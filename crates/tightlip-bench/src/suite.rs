//! What a suite file says: networks × questions × methods × limits × repetitions, and published numbers to compare with.
//!
//! A suite is TOML; `benchmarks/README.md` explains every key. Unknown keys are errors, because a misspelt limit that is
//! quietly left out spoils a night's run. Paths are relative to the suite file.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tightlip::Context;
use tightlip_model::{Activation, Norm, OutputSelection, Outputs, Query};

use crate::table::bytes_of;

pub use error::SuiteError;
pub(crate) use error::nearest;
pub use method_list::MethodList;

mod error;
mod method_list;

/// A suite.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Its name, in every row.
    pub name: String,
    /// One sentence for the report.
    #[serde(default)]
    pub description: String,
    /// The methods of networks that name none of their own.
    #[serde(default)]
    pub methods: MethodList,
    /// Runs of each cell that makes upper bounds; lower bounds are looked for once.
    #[serde(default = "once")]
    pub repetitions: u32,
    /// Runs of each cell before the one that counts, in the same process, each ended after a second.
    #[serde(default)]
    pub warmup: u32,
    /// Whether the course of methods is kept in `traces.csv`.
    #[serde(default)]
    pub traces: bool,
    /// Limits; every cell is run under each of them.
    #[serde(default)]
    pub limits: Vec<LimitsEntry>,
    /// Questions asked about networks that name none of their own; ℓ2 → ℓ2 of all outputs if there are none.
    #[serde(default, rename = "query")]
    pub queries: Vec<QueryEntry>,
    /// The networks.
    #[serde(default, rename = "network")]
    pub networks: Vec<NetworkEntry>,
    /// Published numbers.
    #[serde(default)]
    pub published: Vec<PublishedEntry>,
}

/// Limits of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsEntry {
    /// Seconds after which a method ends with the best bound it can prove.
    pub time_s: f64,
    /// Mebibytes a method may plan with.
    #[serde(default = "usual_memory")]
    pub memory_mib: u64,
    /// Threads.
    #[serde(default = "one_thread")]
    pub threads: u32,
    /// Relative gap at which an iterative method may stop.
    #[serde(default = "usual_tolerance")]
    pub tolerance: f64,
    /// Seed of every random draw of the methods.
    #[serde(default)]
    pub seed: u64,
}

impl Default for LimitsEntry {
    fn default() -> Self {
        /// Long enough for every method on the models of `data/`.
        const TIME_S: f64 = 60.0;
        Self { time_s: TIME_S, memory_mib: usual_memory(), threads: 1, tolerance: usual_tolerance(), seed: 0 }
    }
}

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryEntry {
    /// Norm of input differences.
    #[serde(default = "euclidean")]
    pub input_norm: Norm,
    /// Norm of output differences.
    #[serde(default = "euclidean")]
    pub output_norm: Norm,
    /// Outputs; `each` makes one question of every output of a network.
    #[serde(default = "whole_output")]
    pub output: Outputs,
}

impl QueryEntry {
    /// The questions about a network with `outputs` outputs.
    pub fn queries(self, outputs: usize) -> Vec<Query> {
        let norms = Query::euclidean(OutputSelection::All);
        let norms = Query { input_norm: self.input_norm, output_norm: self.output_norm, ..norms };
        self.output.queries(norms, outputs)
    }
}

/// Networks: exactly one of `files`, `external`, `random`, `chordal`, `eclipse`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkEntry {
    /// Model files, or patterns with `*`, `?` and `[…]`.
    pub files: Option<Vec<String>>,
    /// A model file that is not part of this repository, looked for in the folder given with `--external`.
    pub external: Option<String>,
    /// Digest of the external network's canonical weights, as `tightlip info` prints it.
    pub sha256: Option<String>,
    /// What the external file is and where it comes from.
    pub about: Option<String>,
    /// Activation between the layers, for files that do not say it.
    pub activation: Option<Activation>,
    /// Seeded Gaussian networks.
    pub random: Option<RandomFamily>,
    /// Networks of Chordal-LipSDP.
    pub chordal: Option<ChordalFamily>,
    /// Networks of ECLipsE.
    pub eclipse: Option<EclipseFamily>,
    /// A name instead of the derived one, for entries with one network.
    pub name: Option<String>,
    /// Methods for these networks instead of the suite's.
    #[serde(default)]
    pub methods: MethodList,
    /// Questions about these networks instead of the suite's.
    #[serde(default)]
    pub queries: Vec<QueryEntry>,
}

/// Seeded Gaussian networks: `dims`, or every combination of `widths` and `depths`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomFamily {
    /// Layer sizes, such as `10-64-3` or `10-100x64-3`.
    #[serde(default)]
    pub dims: Vec<String>,
    /// Number of inputs, with `widths` and `depths`.
    pub inputs: Option<usize>,
    /// Number of outputs, with `widths` and `depths`.
    pub outputs: Option<usize>,
    /// Neurons of each hidden layer.
    #[serde(default)]
    pub widths: Vec<usize>,
    /// Numbers of hidden layers.
    #[serde(default)]
    pub depths: Vec<usize>,
    /// Seeds.
    #[serde(default = "seed_zero")]
    pub seeds: Vec<u64>,
    /// The activation between the layers.
    #[serde(default = "relu")]
    pub activation: Activation,
}

/// Networks of Chordal-LipSDP, every combination.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChordalFamily {
    /// Neurons of each hidden layer: 10, 20, 30, 40, 50.
    pub widths: Vec<usize>,
    /// Numbers of weight matrices: 5, 10, … 50.
    pub depths: Vec<usize>,
}

/// Networks of ECLipsE, every combination.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EclipseFamily {
    /// Neurons of each hidden layer.
    pub neurons: Vec<usize>,
    /// Numbers of weight matrices.
    pub layers: Vec<usize>,
    /// Rounds `rd` of the experiment.
    #[serde(default = "round_zero")]
    pub rounds: Vec<u32>,
}

/// A published number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedEntry {
    /// The network's name in this suite.
    pub network: String,
    /// The method here that should make it.
    pub method: Option<String>,
    /// What made it, where no method here does.
    pub claim: Option<String>,
    /// The number with the digits published, as text.
    pub value: String,
    /// How far it may be off, in its own unit, for numbers read off a figure; half of its last digit otherwise.
    pub half_width: Option<f64>,
    /// The method whose bound it is a ratio to, for numbers that were published as ratios.
    pub relative_to: Option<String>,
    /// Where it stands.
    pub source: String,
    /// Norm of input differences.
    #[serde(default = "euclidean")]
    pub input_norm: Norm,
    /// Norm of output differences.
    #[serde(default = "euclidean")]
    pub output_norm: Norm,
    /// Outputs.
    #[serde(default = "all_outputs")]
    pub output: OutputSelection,
}

impl PublishedEntry {
    /// The question it answers.
    pub fn query(&self) -> Query {
        Query { input_norm: self.input_norm, output_norm: self.output_norm, ..Query::euclidean(self.output) }
    }
}

impl Suite {
    /// Reads a suite file.
    ///
    /// # Errors
    /// [`SuiteError`] if it cannot be read, is not TOML, has a key that is not known, or says something impossible.
    pub fn read(path: &Path) -> Result<Self, SuiteError> {
        let unreadable = |source| SuiteError::Read { path: path.into(), source };
        let text = String::from_utf8(bytes_of(path).map_err(unreadable)?).map_err(|_| SuiteError::Content {
            path: path.into(),
            what: "it is not text: want a suite in TOML".to_owned(),
        })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a suite; `path` is named in errors.
    ///
    /// # Errors
    /// As for [`Suite::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, SuiteError> {
        let suite: Self = toml::from_str(text).map_err(|error| SuiteError::of_toml(&error, text, path))?;
        suite.check().map_err(|what| SuiteError::Content { path: path.into(), what })?;
        Ok(suite)
    }

    /// A suite that nobody wrote: these methods under one limit.
    pub(crate) fn ad_hoc(name: &str, methods: MethodList, limits: LimitsEntry) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            methods,
            repetitions: 1,
            warmup: 0,
            traces: false,
            limits: vec![limits],
            queries: Vec::new(),
            networks: Vec::new(),
            published: Vec::new(),
        }
    }

    /// The limits to run under.
    pub fn limits(&self) -> Vec<LimitsEntry> {
        if self.limits.is_empty() { vec![LimitsEntry::default()] } else { self.limits.clone() }
    }

    /// What can be checked without looking at any network.
    fn check(&self) -> Result<(), String> {
        /// More is a slip of the keyboard.
        const MOST_RUNS: u32 = 1000;
        if self.name.is_empty() || self.name.chars().any(char::is_control) {
            return Err("`name` is empty or has control characters: give the suite a name".to_owned());
        }
        if self.repetitions == 0 {
            return Err("`repetitions` is 0: nothing would be run".to_owned());
        }
        for (key, runs) in [("repetitions", self.repetitions), ("warmup", self.warmup)] {
            if runs > MOST_RUNS {
                return Err(format!("`{key}` is {runs}: want at most {MOST_RUNS}"));
            }
        }
        if self.networks.is_empty() {
            return Err("no [[network]]: nothing would be run".to_owned());
        }
        self.limits.iter().try_for_each(LimitsEntry::check)?;
        if let Some(twice) = self.limits.iter().enumerate().find(|(at, limits)| self.limits[..*at].contains(limits)) {
            return Err(format!("limits: entry {} stands there twice: want `repetitions` for that", twice.0 + 1));
        }
        self.methods.resolve()?;
        self.networks.iter().try_for_each(|entry| entry.methods.resolve().map(|_| ()))?;
        self.published.iter().try_for_each(PublishedEntry::check)
    }
}

impl LimitsEntry {
    /// Whether anything can be run under these limits.
    ///
    /// # Errors
    /// In words, if not.
    pub fn check(&self) -> Result<(), String> {
        /// A month; longer is a slip of the keyboard.
        const LONGEST_S: f64 = 31.0 * 86_400.0;
        if !(self.time_s > 0.0 && self.time_s <= LONGEST_S) {
            return Err(format!("limits: time_s = {:?}, want seconds above 0 and at most {LONGEST_S}", self.time_s));
        }
        if self.memory_mib == 0 || self.threads == 0 || self.threads > 1024 {
            return Err(format!(
                "limits: memory_mib = {}, threads = {}: want both above 0, and at most 1024 threads",
                self.memory_mib, self.threads
            ));
        }
        if !(Context::SMALLEST_TOLERANCE..=1.0).contains(&self.tolerance) {
            let smallest = Context::SMALLEST_TOLERANCE;
            return Err(format!(
                "limits: tolerance = {:?}, want a relative gap from {smallest:e} to 1",
                self.tolerance
            ));
        }
        Ok(())
    }
}

impl PublishedEntry {
    fn check(&self) -> Result<(), String> {
        let fault = |what: String| format!("published value {} of {}: {what}", self.value, self.network);
        let what = |what: &str| Err(fault(what.to_owned()));
        if !self.value.parse::<f64>().is_ok_and(|value| value.is_finite() && value > 0.0) {
            return what("want a decimal number above 0 as text, with the digits published");
        }
        if self.half_width.is_some_and(|width| !(width > 0.0 && width.is_finite())) {
            return what("want a `half_width` above 0");
        }
        if let Some(base) = &self.relative_to {
            MethodList::Names(vec![base.clone()]).resolve().map_err(fault)?;
        }
        match (&self.method, &self.claim) {
            (Some(method), None) => MethodList::Names(vec![method.clone()]).resolve().map(|_| ()).map_err(fault),
            (None, Some(_)) => Ok(()),
            _ => what("want either `method`, one of tightlip's, or `claim`, the name of what made it"),
        }
    }
}

impl NetworkEntry {
    /// Where a file of this suite is.
    pub(crate) fn place(suite: &Path, file: &str) -> PathBuf {
        suite.parent().unwrap_or(Path::new("")).join(file)
    }
}

const fn once() -> u32 {
    1
}
const fn one_thread() -> u32 {
    1
}
const fn usual_memory() -> u64 {
    4096
}
const fn usual_tolerance() -> f64 {
    Context::TOLERANCE
}
const fn euclidean() -> Norm {
    Norm::L2
}
const fn whole_output() -> Outputs {
    Outputs::Selected(OutputSelection::All)
}
const fn all_outputs() -> OutputSelection {
    OutputSelection::All
}
const fn relu() -> Activation {
    Activation::Relu
}
fn seed_zero() -> Vec<u64> {
    vec![0]
}
fn round_zero() -> Vec<u32> {
    vec![0]
}
