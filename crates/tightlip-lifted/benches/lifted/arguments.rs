//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::networks::sizes;

/// Measures the lifted power iteration and writes one CSV row for each network and repetition.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Only small networks, for checking the program: a few seconds.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only networks whose family or name contains this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Threads for dense linear algebra.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// Rows for each network; the seed of the iteration is the number of the repetition.
    #[arg(long, default_value_t = 1)]
    pub(crate) repetitions: u64,
    /// Measures the .npz files in this folder too, with ReLU between the layers.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Measures one random network with these layer sizes instead of all others; 64-100x50-10 has 100 layers of 50.
    #[arg(long, value_name = "SIZES", value_parser = sizes)]
    pub(crate) network: Option<Sizes>,
    /// Seconds after which a run to one gap is stopped.
    #[arg(long, default_value_t = 60)]
    time_limit: u64,
    /// What `cargo bench` passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Layer sizes from inputs to outputs. An alias, because clap takes a plain `Vec` for an argument that is repeated.
pub(crate) type Sizes = Vec<usize>;

impl Arguments {
    /// How long a run to one gap may take.
    pub(crate) fn time_limit(&self) -> Duration {
        Duration::from_secs(self.time_limit)
    }
}
