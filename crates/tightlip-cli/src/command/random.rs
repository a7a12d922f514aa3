//! `tightlip random`: a seeded random network.

use tightlip_bench::{NetworkSource, SourceError};
use tightlip_model::file;

use super::printed;
use crate::arguments::RandomArguments;
use crate::failure::CommandFailure;
use crate::table;

/// Runs the command.
pub fn run(arguments: &RandomArguments) -> Result<(), CommandFailure> {
    let source = arguments.source.clone().or_else(|| {
        let dims = arguments.dims.as_ref()?.0.clone();
        Some(NetworkSource::Random { dims, activation: arguments.activation, seed: arguments.seed })
    });
    let source = source.ok_or_else(|| CommandFailure::bad_input("want --dims or --source", None))?;
    let network = source.load().map_err(|error| match error {
        SourceError::Model(error) => error.into(),
        other => CommandFailure::bad_input(other.to_string(), None),
    })?;
    file::write(&network, &arguments.output)?;
    printed(table::print_lines(&[
        ("written", arguments.output.display().to_string()),
        ("parameters", network.parameters().to_string()),
        ("SHA-256", network.sha256()),
    ]))
}
