//! `tightlip bound MODEL --method all-closed-form`: every scalable bound of one question, the best first.

use tightlip::{ALL_CLOSED_FORM, ClosedFormAnswer, Report, closed_forms};
use tightlip_model::{OutputSelection, Outputs, file};

use super::bound::{Job, check_destinations};
use super::{printed, told};
use crate::arguments::BoundArguments;
use crate::closed_form_table::{Best, ClosedFormTable, Row};
use crate::failure::{CommandFailure, REFUSED};
use crate::progress::Display;
use crate::{destination, machine, table};

/// Runs the command for all of them.
pub fn run(job: Job<'_>) -> Result<(), CommandFailure> {
    let output = check_wishes(job.arguments)?;
    let Job { arguments, limits, start, .. } = job;
    check_destinations(arguments, None)?;
    let network = file::read(&arguments.model.model, &arguments.model.read_options())?;
    let load_s = start.elapsed().as_secs_f64();
    let (display, context) = Display::start(limits, arguments.tolerance);
    let answers = closed_forms(&network, arguments.question.query(output), &context);
    drop(display);
    let (mut rows, mut failures, mut best) = (Vec::new(), Vec::new(), None);
    for ClosedFormAnswer { method, answer } in answers {
        let (report, certificate, failure) = told(arguments, answer);
        if let (Some(Report { method, value: Some(value), .. }), Some(certificate)) = (&report, certificate)
            && best.as_ref().is_none_or(|(least, _): &(Best, _)| *value < least.value)
        {
            best = Some((Best { method: method.clone(), value: *value }, certificate));
        }
        rows.push(Row { method, report, failure: failure.as_ref().map(ToString::to_string) });
        failures.extend(failure);
    }
    let Some((best, certificate)) = best else {
        // Why the first of them proved nothing.
        let nothing = || CommandFailure::declined("no method proved anything".to_owned());
        return Err(failures.into_iter().next().unwrap_or_else(nothing));
    };
    let written = arguments.certificate.as_deref();
    if let Some(path) = written {
        destination::write_certificate(&certificate, path)?;
    }
    let seconds = (load_s, start.elapsed().as_secs_f64());
    let methods = rows.len();
    let shown = ClosedFormTable::new(rows, (best, written), seconds, machine::peak_rss_mib());
    printed(if arguments.json { table::print_json(&shown) } else { shown.print() })?;
    // A method that declines is one less; a proof that is refused is a failure whatever the others prove.
    match failures.iter().filter(|failure| failure.code() == REFUSED).count() {
        0 => Ok(()),
        refused => {
            let message = format!("{refused} of {methods} methods were refused; the table says why");
            Err(CommandFailure::refused(message, None))
        }
    }
}

/// Finds out before anything is read whether everything that was asked for can be had.
fn check_wishes(arguments: &BoundArguments) -> Result<OutputSelection, CommandFailure> {
    if arguments.trace.is_some() {
        return Err(CommandFailure::bad_input(
            format!("--trace: {ALL_CLOSED_FORM} is many methods, and a course is that of one"),
            Some("name one method, for example --method multiplier-descent".to_owned()),
        ));
    }
    match arguments.question.output {
        Outputs::Selected(output) => Ok(output),
        Outputs::Each => Err(CommandFailure::bad_input(
            format!("--output each: {ALL_CLOSED_FORM} is many methods for one question"),
            Some("name one method, or one output with --output K".to_owned()),
        )),
    }
}
