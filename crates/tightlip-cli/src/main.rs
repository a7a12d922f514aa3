//! The program `tightlip`: a model file in, a proved Lipschitz bound out.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

mod arguments;
mod closed_form_table;
mod command;
mod comparison;
mod destination;
mod each_table;
mod failure;
mod findings;
mod interrupt;
mod machine;
mod picture;
mod progress;
mod summary;
mod table;
mod text_file;

fn main() -> ExitCode {
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not failures; clap's own exit code for usage errors is 2, like ours.
            let code = u8::try_from(error.exit_code()).unwrap_or(failure::BAD_INPUT);
            // A closed pipe is no reason to complain.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match command::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = failure.code();
            // Where nobody listens the exit code has to do.
            let _ = writeln!(std::io::stderr(), "{:?}", miette::Report::new(failure));
            ExitCode::from(code)
        }
    }
}
