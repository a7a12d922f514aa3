//! The commands, one file each.

use std::io;

use tightlip::{Answer, Failure, Report};
use tightlip_certify::Certificate;
use tightlip_model::Limits;

use crate::arguments::{BoundArguments, Command, ResourceArguments};
use crate::failure::CommandFailure;
use crate::{interrupt, machine};

mod bench;
mod bound;
mod cell;
mod cliques;
mod closed_forms;
mod compare;
mod convert;
mod each;
mod export;
mod import_solution;
mod info;
mod methods;
mod random;
mod report;
mod verify;

/// Runs one command.
pub fn run(command: Command) -> Result<(), CommandFailure> {
    match command {
        Command::Info(arguments) => info::run(&arguments),
        Command::Bound(arguments) => bound::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Methods(arguments) => methods::run(&arguments),
        Command::Random(arguments) => random::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::ImportSolution(arguments) => import_solution::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Cliques(arguments) => cliques::run(&arguments),
        Command::Cell(arguments) => cell::run(&arguments),
    }
}

/// Limits from the command line, with an interrupt flag that Ctrl-C sets.
fn limits(resources: &ResourceArguments, seed: u64) -> Limits {
    Limits { interrupt: interrupt::flag(), ..limits_without_interrupt(resources, seed) }
}

/// The same for work that is done in other processes.
fn limits_without_interrupt(resources: &ResourceArguments, seed: u64) -> Limits {
    const GIB: f64 = (1_u64 << 30) as f64;
    let threads = resources.threads.map_or_else(machine::default_threads, usize::from);
    // Sweeps and proofs share their large products among threads by themselves, with the same digits for any number of
    // them. Everything else would not, so it runs on one.
    faer::set_global_parallelism(faer::Par::Seq);
    Limits {
        deadline: None,
        interrupt: std::sync::Arc::default(),
        memory_bytes: resources.memory_limit.map_or_else(machine::default_memory_limit, |gib| (gib * GIB) as u64),
        threads,
        seed,
    }
}

/// A failure to print; a reader that closed the pipe early has all it wanted.
fn printed(result: io::Result<()>) -> Result<(), CommandFailure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandFailure::bad_input(format!("cannot write to standard output: {error}"), None))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// An answer: its report, which a refused proof has, too, and says so; its certificate; and why it is none.
fn told(
    arguments: &BoundArguments,
    answer: Result<Answer, Failure>,
) -> (Option<Report>, Option<Certificate>, Option<CommandFailure>) {
    let (mut report, certificate, failure) = match answer {
        Ok(Answer { report, certificate }) => (Some(report), certificate, None),
        Err(Failure::Refused { refusal, report }) => {
            let mut refused = (*report).clone();
            refused.status = format!("{}; refused: {refusal}", refused.status);
            (Some(refused), None, Some(Failure::Refused { refusal, report }))
        }
        Err(failure) => (None, None, Some(failure)),
    };
    if let Some(report) = &mut report {
        report.network.path = Some(arguments.model.model.display().to_string());
    }
    (report, certificate, failure.map(CommandFailure::from))
}
