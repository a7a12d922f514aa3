//! `tightlip report DIR`.

use crate::arguments::ReportArguments;
use crate::failure::CommandFailure;

/// Runs the command.
pub fn run(arguments: &ReportArguments) -> Result<(), CommandFailure> {
    Err(CommandFailure::bad_input(arguments.folder.display().to_string(), None))
}
