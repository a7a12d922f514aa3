//! Arguments of `cliques`, `export` and `import-solution`: the semidefinite program itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tightlip::Writing;
use tightlip_sdp::{Decomposition, Form, Merging, Tying};

use super::{ModelArguments, QuestionArguments, ResourceArguments};

/// Arguments of `cliques`.
#[derive(Debug, Args)]
pub struct CliquesArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    #[command(flatten)]
    pub question: QuestionArguments,

    /// The form whose cliques are listed and drawn
    #[arg(long, value_enum, default_value_t = CliqueForm::Bordered)]
    pub form: CliqueForm,

    /// Draw the pattern and its cliques into this file
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A form of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CliqueForm {
    /// The neurons that only outputs read eliminated.
    Bordered,
    /// LipSDP as published.
    Full,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    #[command(flatten)]
    pub question: QuestionArguments,

    /// Format of the program: SDPA's sparse one, or JSON with named variables
    #[arg(long, value_enum, default_value_t = ExportFormat::Sdpa)]
    pub format: ExportFormat,

    /// How it is written: LipSDP as published with one cone (full) or one for each clique (chordal), or with the neurons that
    /// only outputs read eliminated
    #[arg(long, value_enum, default_value_t = ExportForm::Full)]
    form: ExportForm,

    /// One multiplier for each neuron or for each layer
    #[arg(long, value_enum, default_value_t = Multiplier::Neuron)]
    multipliers: Multiplier,

    /// File to write; FILE.json beside it says what the variables are
    #[arg(short = 'o', long, value_name = "FILE")]
    pub program: PathBuf,

    /// Also write param.csdp and param.sdpa beside it: settings with which both solvers reach the digits a proof needs
    #[arg(long)]
    pub solver_parameters: bool,

    #[command(flatten)]
    pub resources: ResourceArguments,
}

/// A format of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// `.dat-s`.
    Sdpa,
    /// Named variables, cones, coefficients.
    Json,
}

/// Form and decomposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportForm {
    Full,
    Chordal,
    Bordered,
    BorderedChordal,
}

/// Which neurons share a multiplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Multiplier {
    Neuron,
    Layer,
}

impl ExportArguments {
    /// How the program is to be written.
    pub fn writing(&self) -> Writing {
        let tying = match self.multipliers {
            Multiplier::Neuron => Tying::Neuron,
            Multiplier::Layer => Tying::Layer,
        };
        let cliques = Decomposition::Cliques(Merging::ByCost);
        let (form, decomposition) = match self.form {
            ExportForm::Full => (Form::Full, Decomposition::Whole),
            ExportForm::Chordal => (Form::Full, cliques),
            ExportForm::Bordered => (Form::Bordered, Decomposition::Whole),
            ExportForm::BorderedChordal => (Form::Bordered, cliques),
        };
        Writing { tying, form, decomposition }
    }
}

/// Arguments of `import-solution`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// The file that `export` wrote beside the program
    pub sidecar: PathBuf,

    /// What the solver wrote: CSDP's solution file or SDPA's output file
    pub solution: PathBuf,

    /// Write the certificate to this file
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub resources: ResourceArguments,
}
