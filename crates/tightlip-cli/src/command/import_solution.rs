//! `tightlip import-solution MODEL SIDECAR SOLUTION`: another solver's solution, proved.

use std::path::Path;
use std::time::Instant;

use tightlip::{Exchange, Outcome, Problem, bound};
use tightlip_model::file;
use tightlip_sdp::Sidecar;

use super::{limits, printed};
use crate::arguments::ImportArguments;
use crate::failure::CommandFailure;
use crate::progress::Display;
use crate::{destination, machine, summary, table, text_file};

/// What the second argument is.
const SIDECAR: &str = "give the file that `tightlip export` wrote beside the program, FILE.json";
/// What the third is.
const SOLUTION: &str = "give the solution file of CSDP or the output file of SDPA";

/// Runs the command.
pub fn run(arguments: &ImportArguments) -> Result<(), CommandFailure> {
    let start = Instant::now();
    let model = &arguments.model.model;
    if let Some(path) = &arguments.certificate {
        destination::check_certificate(path, model)?;
    }
    let network = file::read(model, &arguments.model.read_options())?;
    let fault = |path: &Path| {
        let path = path.display().to_string();
        move |error: tightlip_sdp::Error| CommandFailure::bad_input(format!("{path}: {error}"), None)
    };
    let sidecar = Sidecar::read(&text_file::read(&arguments.sidecar, SIDECAR)?).map_err(fault(&arguments.sidecar))?;
    let query = sidecar.origin().query;
    query.output.validated(network.outputs())?;
    let problem = Problem::new(&network, query)?;
    let (display, context) = Display::start(limits(&arguments.resources, 0), tightlip::Context::TOLERANCE);
    let exchange = Exchange::of_sidecar(&problem, &sidecar, &context)
        .map_err(|error| CommandFailure::of_exchange(&arguments.sidecar, error))?;
    let imported = exchange
        .solution(&text_file::read(&arguments.solution, SOLUTION)?)
        .map_err(|error| CommandFailure::of_exchange(&arguments.solution, error))?;
    let load_s = start.elapsed().as_secs_f64();
    let Outcome { mut report, certificate, .. } = bound(&network, query, Some(&imported), &context)?;
    drop(display);
    if let Some(path) = &arguments.certificate {
        destination::write_certificate(&certificate, path)?;
        report.certificate = Some(path.display().to_string());
    }
    report.network.path = Some(model.display().to_string());
    report.seconds.load = load_s;
    report.seconds.total = start.elapsed().as_secs_f64();
    report.peak_rss_mib = machine::peak_rss_mib();
    printed(if arguments.json { table::print_json(&report) } else { summary::print(&report) })
}
