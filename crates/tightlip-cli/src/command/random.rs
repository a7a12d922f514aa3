//! `tightlip random`: a seeded random network.

use tightlip_model::{file, random_network};

use super::printed;
use crate::arguments::RandomArguments;
use crate::failure::CommandFailure;
use crate::table;

/// Runs the command.
pub fn run(arguments: &RandomArguments) -> Result<(), CommandFailure> {
    let network = random_network(&arguments.dims.0, arguments.activation, arguments.seed)?;
    file::write(&network, &arguments.output)?;
    printed(table::print_lines(&[
        ("written", arguments.output.display().to_string()),
        ("parameters", network.parameters().to_string()),
        ("SHA-256", network.sha256()),
    ]))
}
