//! `tightlip convert`: a model from one format to another.

use std::fs;

use tightlip_model::file;

use super::printed;
use crate::arguments::ConvertArguments;
use crate::failure::CommandFailure;
use crate::table;

/// Runs the command.
pub fn run(arguments: &ConvertArguments) -> Result<(), CommandFailure> {
    let (from, to) = (&arguments.model.model, &arguments.output);
    if fs::canonicalize(to).is_ok_and(|to| fs::canonicalize(from).is_ok_and(|from| from == to)) {
        return Err(CommandFailure::bad_input(
            format!("--output {}: this is the model itself", to.display()),
            Some("give another name".to_owned()),
        ));
    }
    let network = file::read(from, &arguments.model.read_options())?;
    file::write(&network, to)?;
    printed(table::print_lines(&[("written", to.display().to_string()), ("SHA-256", network.sha256())]))
}
