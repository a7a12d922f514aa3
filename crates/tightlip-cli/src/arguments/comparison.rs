//! What the user types to compare and measure.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tightlip::Context;
use tightlip_bench::Shard;
use tightlip_model::Activation;

use super::{QuestionArguments, ResourceArguments, positive, tolerance};

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The model files
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<PathBuf>,

    /// Methods, separated by commas, `all-closed-form` for those that `bound` shows under this name, or all of them
    #[arg(long, value_name = "LIST", default_value = "all", value_delimiter = ',')]
    pub methods: Vec<String>,

    #[command(flatten)]
    pub question: QuestionArguments,

    /// Activation between the layers, for formats without a graph (.npz .npy .mat .safetensors)
    #[arg(long, value_name = "A")]
    pub activation: Option<Activation>,

    /// Relative gap at which iterative methods may stop
    #[arg(long, value_name = "GAP", default_value_t = Context::TOLERANCE, value_parser = tolerance, allow_negative_numbers = true)]
    pub tolerance: f64,

    /// Stop each method after this many seconds with the best bound it can prove
    #[arg(long, value_name = "S", default_value_t = 60.0, value_parser = positive, allow_negative_numbers = true)]
    pub time_limit: f64,

    #[command(flatten)]
    pub resources: ResourceArguments,

    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Write the rows to this CSV file, one for each model and method
    #[arg(short = 'o', long, value_name = "FILE.csv")]
    pub records: Option<PathBuf>,

    /// Print the rows as a JSON array
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BenchArguments {
    #[command(subcommand)]
    pub task: Option<BenchTask>,

    /// The suite file
    #[arg(required = true, value_name = "SUITE.toml")]
    pub suite: Option<PathBuf>,

    /// Folder of the run: records.csv, traces.csv, environment.json
    #[arg(short, long, value_name = "DIR", required_unless_present = "list")]
    pub output: Option<PathBuf>,

    /// Go on with the run in that folder, or begin it: cells that have a row are not run again
    #[arg(long)]
    pub resume: bool,

    /// With --resume: run cells again that were refused, failed, killed or crashed
    #[arg(long, requires = "resume")]
    pub retry: bool,

    /// Run part I of N, into DIR/shard-I-of-N [default: the task of a SLURM array, from SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, else everything]
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    pub shard: Option<Shard>,

    /// Folder with the model files that suites call external
    #[arg(long, value_name = "FOLDER")]
    pub external: Option<PathBuf>,

    /// List the cells without running them
    #[arg(long, conflicts_with = "resume")]
    pub list: bool,
}

/// What else `bench` does.
#[derive(Debug, Subcommand)]
pub enum BenchTask {
    /// Put the shards of a run together: DIR/shard-I-of-N into DIR
    Merge(MergeArguments),
}

/// Arguments of `bench merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// The folder given to the shards
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The folder of a run
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Arguments of the hidden command that runs one cell.
#[derive(Debug, Args)]
pub struct CellArguments {
    /// Keep to as many of these cores as there are threads
    #[arg(long, value_name = "CORES", value_delimiter = ',')]
    pub pin: Option<Vec<usize>>,
}
