//! `tightlip bound MODEL --output each`: every output by itself, in one run.

use tightlip::{Answer, Failure, each_output};
use tightlip_model::{OutputSelection, file};

use super::bound::{Job, check_destinations};
use super::{printed, told};
use crate::arguments::BoundArguments;
use crate::each_table::{EachOutput, Row};
use crate::failure::{CommandFailure, DECLINED, REFUSED};
use crate::progress::Display;
use crate::{destination, machine, table};

/// Runs the command for each output.
pub fn run(job: Job<'_>) -> Result<(), CommandFailure> {
    let Job { arguments, method, limits, start } = job;
    let network = file::read(&arguments.model.model, &arguments.model.read_options())?;
    (0..network.outputs()).try_for_each(|output| check_destinations(arguments, Some(output)))?;
    let load_s = start.elapsed().as_secs_f64();
    let (display, context) = Display::start(limits, arguments.tolerance);
    let answers = each_output(&network, arguments.question.query(OutputSelection::All), method, &context);
    drop(display);
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for (output, answer) in answers.into_iter().enumerate() {
        let (row, failure) = row_of(arguments, output, answer)?;
        rows.push(row);
        failures.extend(failure);
    }
    if rows.iter().all(|row| row.report.is_none()) {
        // What keeps all of them from an answer is said once.
        return match failures.into_iter().next() {
            Some(failure) => Err(failure),
            None => Err(CommandFailure::bad_input("the network has no outputs", None)),
        };
    }
    let each = EachOutput::new(rows, (load_s, start.elapsed().as_secs_f64()), machine::peak_rss_mib());
    printed(if arguments.json { table::print_json(&each) } else { each.print() })?;
    worst(&failures, network.outputs())
}

/// The row of an output, its files written, and its failure if it has one.
fn row_of(
    arguments: &BoundArguments,
    output: usize,
    answer: Result<Answer, Failure>,
) -> Result<(Row, Option<CommandFailure>), CommandFailure> {
    let (mut report, certificate, failure) = told(arguments, answer);
    if let Some(report) = &mut report {
        if let (Some(path), Some(certificate)) = (&arguments.certificate, certificate) {
            let path = destination::of_output(path, output);
            destination::write_certificate(&certificate, &path)?;
            report.certificate = Some(path.display().to_string());
        }
        if let Some(path) = &arguments.trace {
            destination::write_trace(&report.trace, &destination::of_output(path, output))?;
        }
    }
    Ok((Row { output, report, failure: failure.as_ref().map(ToString::to_string) }, failure))
}

/// The failure of a run in which some outputs have no answer: a refused proof is worse than none.
fn worst(failures: &[CommandFailure], outputs: usize) -> Result<(), CommandFailure> {
    let message = format!("{} of {outputs} outputs have no answer; the table says why", failures.len());
    match failures.iter().map(CommandFailure::code).max_by_key(|&code| (code == REFUSED, code != DECLINED)) {
        None => Ok(()),
        Some(REFUSED) => Err(CommandFailure::refused(message, None)),
        Some(DECLINED) => Err(CommandFailure::declined(message)),
        Some(_) => Err(CommandFailure::bad_input(message, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::BAD_INPUT;

    #[test]
    fn the_exit_code_is_that_of_the_worst_output() {
        let refused = || CommandFailure::refused("the proof", None);
        let declined = || CommandFailure::declined("the method");
        let bad = || CommandFailure::bad_input("the question", None);
        let code = |failures: &[CommandFailure]| worst(failures, 4).map_err(|failure| failure.code()).err();
        assert_eq!(code(&[]), None);
        assert_eq!(code(&[declined(), declined()]), Some(DECLINED));
        assert_eq!(code(&[declined(), bad(), declined()]), Some(BAD_INPUT));
        assert_eq!(code(&[bad(), refused(), declined()]), Some(REFUSED));
        let message = worst(&[refused(), declined()], 4).expect_err("two failures").to_string();
        assert!(message.contains("2 of 4 outputs"), "{message}");
    }
}
