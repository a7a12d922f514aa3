//! What the user types.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tightlip::Context;
use tightlip_bench::NetworkSource;
use tightlip_model::Activation;
use tightlip_model::file::{Normalisation, ReadOptions};

pub use comparison::{BenchArguments, BenchTask, CellArguments, CompareArguments, ReportArguments};
pub use program::{CliqueForm, CliquesArguments, ExportArguments, ExportFormat, ImportArguments};
pub use question::{BoundQuestionArguments, QuestionArguments};

mod comparison;
mod program;
mod question;

/// Proves Lipschitz constants of neural networks: the smallest L with ‖f(x) − f(x′)‖ ≤ L ‖x − x′‖.
///
/// Reads .onnx, .onnx.gz, .nnet, .npz, .npy, .safetensors, .mat and .json. Exit codes: 0 done, 1 a proof or certificate
/// was refused, 2 bad input or usage, 3 the method declined.
#[derive(Debug, Parser)]
#[command(name = "tightlip", version, max_term_width = 110)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show layers, sizes, activations, dead neurons, parameters and the hash of a model
    Info(InfoArguments),
    /// Bound the Lipschitz constant of a model and prove the bound
    Bound(BoundArguments),
    /// Prove a certificate again, from the model and the multipliers alone
    Verify(VerifyArguments),
    /// Show the sparsity of a model's semidefinite program and what its cliques would save
    Cliques(CliquesArguments),
    /// Write a model's semidefinite program for other solvers, with a file that brings the solution back
    Export(ExportArguments),
    /// Prove the bound in CSDP's or SDPA's solution of an exported program
    ImportSolution(ImportArguments),
    /// Compare methods on models: proved bounds side by side
    Compare(CompareArguments),
    /// Measure a suite of networks, questions and methods, or put the parts of such a run together
    Bench(BenchArguments),
    /// Make summary, figures and an offline page from the records of a run
    Report(ReportArguments),
    /// List the methods
    Methods(MethodsArguments),
    /// Write a seeded random network
    Random(RandomArguments),
    /// Convert a model to another format
    Convert(ConvertArguments),
    /// Run one cell of a comparison: task on standard input, answer on standard output
    #[command(hide = true)]
    Cell(CellArguments),
}

/// A model file and what it does not say itself.
#[derive(Debug, Args)]
pub struct ModelArguments {
    /// The model file
    pub model: PathBuf,

    /// Activation between the layers, for formats without a graph (.npz .npy .mat .safetensors): relu, leaky:0.1, tanh,
    /// sigmoid, elu, softplus, silu, gelu, hardtanh, relu6, abs
    #[arg(long, value_name = "A")]
    pub activation: Option<Activation>,

    /// Leave out the input and output normalisation of a .nnet file
    #[arg(long)]
    pub skip_normalisation: bool,

    /// Names of the weight tensors in order, for .safetensors files whose names do not say it
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub layer_order: Option<Vec<String>>,
}

impl ModelArguments {
    /// What the reader is told.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions {
            activation: self.activation,
            normalisation: if self.skip_normalisation { Normalisation::Skip } else { Normalisation::Apply },
            layer_order: self.layer_order.clone(),
        }
    }
}

/// Arguments of `info`.
#[derive(Debug, Args)]
pub struct InfoArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bound`.
#[derive(Debug, Args)]
pub struct BoundArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// Method, with its options as NAME:OPTION=VALUE:OPTION=VALUE; `tightlip methods` lists both. `auto` takes
    /// lipsdp-neuron.lifted, `all-closed-form` shows products, SeqLip, closed forms and multiplier descent side by side
    #[arg(long, value_name = "M", default_value = "auto")]
    pub method: String,

    #[command(flatten)]
    pub question: BoundQuestionArguments,

    /// Relative gap between the proved bound and the relaxation's optimum at which to stop
    #[arg(long, value_name = "GAP", default_value_t = Context::TOLERANCE, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance: f64,

    /// Write the certificate to this file; with --output each STEM.json becomes STEM.0.json, STEM.1.json and so on
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,

    /// Write the course of the method to this CSV file: one row for each step, and one for what was proved; with --output
    /// each STEM.csv becomes STEM.0.csv, STEM.1.csv and so on
    #[arg(long, value_name = "FILE.csv")]
    pub trace: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    /// Stop after this many seconds with the best bound that can be proved; with --output each for all outputs
    /// together, with all-closed-form for all its methods
    #[arg(long, value_name = "S", value_parser = positive, allow_negative_numbers = true)]
    pub time_limit: Option<f64>,

    #[command(flatten)]
    pub resources: ResourceArguments,

    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Memory and threads.
#[derive(Debug, Args)]
pub struct ResourceArguments {
    /// Decline what needs more memory than this [default: 80 % of what is available]
    #[arg(long, value_name = "GIB", value_parser = positive, allow_negative_numbers = true)]
    pub memory_limit: Option<f64>,

    /// Threads for dense linear algebra [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// The certificate file
    pub certificate: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub resources: ResourceArguments,
}

/// Arguments of `methods`.
#[derive(Debug, Args)]
pub struct MethodsArguments {
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `random`.
#[derive(Debug, Args)]
pub struct RandomArguments {
    /// Layer sizes from inputs to outputs, for example 10-64-64-3 or 10-100x64-3
    #[arg(long, value_name = "SIZES", value_parser = dims, required_unless_present = "source")]
    pub dims: Option<Dims>,

    /// A network of a published experiment: chordal:W10-D5 (Chordal-LipSDP), eclipse:80x2:0 (ECLipsE: neurons x layers :
    /// round); or any seeded one as records.csv names it, random:10-64-3:relu:0
    #[arg(long, value_name = "SOURCE", value_parser = source, conflicts_with_all = ["dims", "seed", "activation"])]
    pub source: Option<NetworkSource>,

    /// Seed; the same seed gives the same network everywhere
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Activation between the layers
    #[arg(long, value_name = "A", default_value = "relu")]
    pub activation: Activation,

    /// File to write; the extension says the format (.json .npz .onnx .nnet)
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// Arguments of `convert`.
#[derive(Debug, Args)]
pub struct ConvertArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// File to write; the extension says the format (.json .npz .onnx .nnet)
    #[arg(short, long, value_name = "OTHER")]
    pub output: PathBuf,
}

/// Layer sizes.
#[derive(Debug, Clone)]
pub struct Dims(pub Vec<usize>);

/// Reads `10-64-64-3`.
fn dims(text: &str) -> Result<Dims, String> {
    tightlip_bench::sizes(text).map(Dims)
}

/// Reads a generator and its arguments.
fn source(text: &str) -> Result<NetworkSource, String> {
    match text.parse() {
        Ok(NetworkSource::File { .. }) => Err("want a generator; `tightlip convert` copies files".to_owned()),
        Ok(source) => Ok(source),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads a relative gap.
fn tolerance(text: &str) -> Result<f64, String> {
    const SMALLEST: f64 = Context::SMALLEST_TOLERANCE;
    match text.parse::<f64>() {
        Ok(number) if (SMALLEST..=1.0).contains(&number) => Ok(number),
        _ => Err(format!("want a relative gap from {SMALLEST:e} to 1, for example 1e-5")),
    }
}

/// Reads a finite number above zero.
fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("want a number above 0".to_owned()),
    }
}
