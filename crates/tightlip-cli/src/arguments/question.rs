//! What is asked: norms and outputs.

use clap::Args;
use tightlip_model::{Norm, OutputSelection, Outputs, Query};

/// The norms.
#[derive(Debug, Args)]
pub struct NormArguments {
    /// Norm of input differences: 2, inf or 1
    #[arg(long, value_name = "P", default_value = "2")]
    input_norm: Norm,

    /// Norm of output differences: 2, 1 or inf
    #[arg(long, value_name = "Q", default_value = "2")]
    output_norm: Norm,
}

impl NormArguments {
    /// The question about a selection of outputs.
    fn query(&self, output: OutputSelection) -> Query {
        Query { input_norm: self.input_norm, output_norm: self.output_norm, ..Query::euclidean(output) }
    }
}

/// One question.
#[derive(Debug, Args)]
pub struct QuestionArguments {
    #[command(flatten)]
    norms: NormArguments,

    /// Outputs to bound: all, one (K), or the difference of two (I-J); outputs count from 0
    #[arg(long, value_name = "OUT", default_value = "all", value_parser = selection)]
    pub output: OutputSelection,
}

impl QuestionArguments {
    /// The question.
    pub fn query(&self) -> Query {
        self.norms.query(self.output)
    }
}

/// One question, or one about each output.
#[derive(Debug, Args)]
pub struct BoundQuestionArguments {
    #[command(flatten)]
    norms: NormArguments,

    /// Outputs to bound: all, one (K), the difference of two (I-J), or each by itself, in one run and one table (each);
    /// outputs count from 0
    #[arg(long, value_name = "OUT", default_value = "all")]
    pub output: Outputs,
}

impl BoundQuestionArguments {
    /// The question about a selection of outputs.
    pub fn query(&self, output: OutputSelection) -> Query {
        self.norms.query(output)
    }
}

/// Reads a selection.
fn selection(text: &str) -> Result<OutputSelection, String> {
    if text == "each" {
        return Err("`each` is for `tightlip bound` and for the queries of a suite: want one selection here".to_owned());
    }
    text.parse().map_err(|error: tightlip_model::Error| error.to_string())
}
