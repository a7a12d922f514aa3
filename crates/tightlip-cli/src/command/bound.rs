//! `tightlip bound MODEL`: the main job.

use std::time::{Duration, Instant};

use tightlip::{ALL_CLOSED_FORM, ChoiceError, Kind, Method, answer, choose};
use tightlip_model::{Limits, OutputSelection, Outputs, file};

use super::{closed_forms, each, limits, printed, told};
use crate::arguments::BoundArguments;
use crate::failure::CommandFailure;
use crate::progress::Display;
use crate::{destination, machine, summary, table};

/// What was asked, of whom, and since when.
pub struct Job<'a> {
    /// What the user typed.
    pub arguments: &'a BoundArguments,
    /// The method; `None` for auto.
    pub method: Option<&'a dyn Method>,
    /// Limits, with the deadline.
    pub limits: Limits,
    /// When the program began.
    pub start: Instant,
}

/// Runs the command.
pub fn run(arguments: &BoundArguments) -> Result<(), CommandFailure> {
    let start = Instant::now();
    let mut limits = limits(&arguments.resources, arguments.seed);
    limits.deadline = arguments.time_limit.map(|seconds| start + Duration::from_secs_f64(seconds.min(1e9)));
    if arguments.method == ALL_CLOSED_FORM {
        return closed_forms::run(Job { arguments, method: None, limits, start });
    }
    let method = chosen_method(&arguments.method)?;
    let method = method.as_deref();
    check_wishes(arguments, method)?;
    let job = Job { arguments, method, limits, start };
    match arguments.question.output {
        Outputs::Selected(output) => one(job, output),
        Outputs::Each => each::run(job),
    }
}

/// One question.
fn one(job: Job<'_>, output: OutputSelection) -> Result<(), CommandFailure> {
    let Job { arguments, method, limits, start } = job;
    check_destinations(arguments, None)?;
    let network = file::read(&arguments.model.model, &arguments.model.read_options())?;
    let load_s = start.elapsed().as_secs_f64();
    let (display, context) = Display::start(limits, arguments.tolerance);
    let result = answer(&network, arguments.question.query(output), method, &context);
    drop(display);
    let (report, certificate, failure) = told(arguments, result);
    if let Some(mut report) = report {
        if let (Some(path), Some(certificate)) = (&arguments.certificate, certificate) {
            destination::write_certificate(&certificate, path)?;
            report.certificate = Some(path.display().to_string());
        }
        report.seconds.load = load_s;
        report.seconds.total = start.elapsed().as_secs_f64();
        report.peak_rss_mib = machine::peak_rss_mib();
        if let Some(path) = &arguments.trace {
            destination::write_trace(&report.trace, path)?;
        }
        printed(if arguments.json { table::print_json(&report) } else { summary::print(&report) })?;
    }
    failure.map_or(Ok(()), Err)
}

/// Finds out before anything is read whether everything that was asked for can be had.
fn check_wishes(arguments: &BoundArguments, method: Option<&dyn Method>) -> Result<(), CommandFailure> {
    if arguments.certificate.is_some() && method.is_some_and(|method| method.kind() != Kind::Upper) {
        return Err(CommandFailure::bad_input(
            format!("--certificate: {} proves no upper bound, there is nothing to certify", arguments.method),
            Some("leave --certificate out, or take a method for upper bounds".to_owned()),
        ));
    }
    if destination::same_place(arguments.certificate.as_deref(), arguments.trace.as_deref()) {
        let what = "--certificate and --trace name the same file".to_owned();
        return Err(CommandFailure::bad_input(what, Some("give each a name of its own".to_owned())));
    }
    Ok(())
}

/// Finds out before the work whether everything that was asked for can be written: for one question, or for one of the
/// outputs.
pub fn check_destinations(arguments: &BoundArguments, output: Option<usize>) -> Result<(), CommandFailure> {
    let place = |path: &std::path::PathBuf| output.map_or_else(|| path.clone(), |k| destination::of_output(path, k));
    if let Some(path) = &arguments.certificate {
        destination::check_certificate(&place(path), &arguments.model.model)?;
    }
    match &arguments.trace {
        Some(path) => destination::check_trace(&place(path), &arguments.model.model),
        None => Ok(()),
    }
}

/// The method by name; `None` for auto.
fn chosen_method(name: &str) -> Result<Option<Box<dyn Method>>, CommandFailure> {
    if name == "auto" {
        return Ok(None);
    }
    choose(name).map(Some).map_err(|error| {
        let (what, advice) = match error {
            ChoiceError::Method { .. } => {
                let names: Vec<&str> = tightlip::METHODS.iter().map(|method| method.name()).collect();
                (
                    "there is no such method".to_owned(),
                    format!("take `auto`, `{ALL_CLOSED_FORM}` or one of: {}", names.join(", ")),
                )
            }
            other => {
                let advice = "write NAME:OPTION=VALUE:OPTION=VALUE; `tightlip methods` lists the options";
                (other.to_string(), advice.to_owned())
            }
        };
        CommandFailure::bad_input(format!("--method {name}: {what}"), Some(advice))
    })
}
