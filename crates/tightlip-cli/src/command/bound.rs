//! `tightlip bound MODEL`: the main job.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tightlip::{Failure, Method, Outcome, Report, bound, method_named};
use tightlip_certify::Certificate;
use tightlip_model::{Query, file};

use super::{limits, printed};
use crate::arguments::BoundArguments;
use crate::failure::CommandFailure;
use crate::progress::Display;
use crate::{machine, table};

/// Runs the command.
pub fn run(arguments: &BoundArguments) -> Result<(), CommandFailure> {
    let start = Instant::now();
    let mut limits = limits(&arguments.resources, arguments.seed);
    limits.deadline = arguments.time_limit.map(|seconds| start + Duration::from_secs_f64(seconds.min(1e9)));
    let method = chosen_method(&arguments.method)?;
    if let Some(path) = &arguments.certificate {
        check_certificate_path(path, &arguments.model.model)?;
    }
    let network = file::read(&arguments.model.model, &arguments.model.read_options())?;
    let load_s = start.elapsed().as_secs_f64();
    let (display, context) = Display::start(limits);
    let result = bound(&network, Query::euclidean(arguments.output), method, &context);
    drop(display);
    let finish = |report: &mut Report| {
        report.network.path = Some(arguments.model.model.display().to_string());
        report.seconds.load = load_s;
        report.seconds.total = start.elapsed().as_secs_f64();
        report.peak_rss_mib = machine::peak_rss_mib();
    };
    match result {
        Ok(Outcome { mut report, certificate, .. }) => {
            if let Some(path) = &arguments.certificate {
                write_certificate(&certificate, path)?;
                report.certificate = Some(path.display().to_string());
            }
            finish(&mut report);
            printed(if arguments.json { table::print_json(&report) } else { print_report(&report) })
        }
        Err(Failure::Refused { refusal, mut report }) => {
            finish(&mut report);
            report.status = format!("{}; refused: {refusal}", report.status);
            printed(if arguments.json { table::print_json(&report) } else { print_report(&report) })?;
            Err(Failure::Refused { refusal, report }.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The method by name; `None` for auto.
fn chosen_method(name: &str) -> Result<Option<&'static dyn Method>, CommandFailure> {
    if name == "auto" {
        return Ok(None);
    }
    method_named(name).map(Some).ok_or_else(|| {
        let names: Vec<&str> = tightlip::METHODS.iter().map(|method| method.name()).collect();
        CommandFailure::bad_input(
            format!("--method {name}: there is no such method"),
            Some(format!("take `auto` or one of: {}", names.join(", "))),
        )
    })
}

/// Finds out before the work whether the certificate can be written, and that nothing else is overwritten by it.
fn check_certificate_path(path: &Path, model: &Path) -> Result<(), CommandFailure> {
    let refuse = |what: &str, advice: &str| {
        Err(CommandFailure::bad_input(format!("--certificate {}: {what}", path.display()), Some(advice.to_owned())))
    };
    let same = fs::canonicalize(path).is_ok_and(|p| fs::canonicalize(model).is_ok_and(|m| m == p));
    if same {
        return refuse("this is the model file", "give the certificate a name of its own");
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return refuse("its folder does not exist", "create the folder first");
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => refuse("this is a folder", "give a file name"),
        Ok(found) if !found.is_file() => refuse("this is a device or a pipe", "give the name of a regular file"),
        Ok(_) if fs::read_to_string(path).ok().is_none_or(|text| Certificate::from_json(&text).is_err()) => {
            refuse("a file that is not a certificate is already there", "remove it or take another name")
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Writes the certificate beside its place and renames it.
fn write_certificate(certificate: &Certificate, path: &Path) -> Result<(), CommandFailure> {
    let text = certificate.to_json().map_err(|refusal| CommandFailure::refused(refusal.to_string(), None))?;
    Ok(file::store(path, text.as_bytes())?)
}

/// The human form of the report.
fn print_report(report: &Report) -> std::io::Result<()> {
    let seconds = &report.seconds;
    let layers: Vec<String> = report
        .network
        .hidden
        .iter()
        .zip(&report.network.activations)
        .map(|(width, activation)| format!("{width} {activation} → "))
        .collect();
    let path = report.network.path.as_deref().unwrap_or("network");
    let proved = |level: String, value: f64| format!("{value:<22?}  proved ({level})");
    let mut lines = vec![
        ("network", format!("{path}: {} → {}{}", report.network.inputs, layers.concat(), report.network.outputs)),
        (
            "question",
            format!(
                "ℓ{} → ℓ{}, output {}, {}",
                report.query.input_norm, report.query.output_norm, report.query.output, report.query.region
            ),
        ),
        ("method", report.method.clone()),
        (
            "upper bound",
            match (report.value, report.level) {
                (Some(value), Some(level)) => proved(level.to_string(), value),
                (_, _) => "none".to_owned(),
            },
        ),
        ("claimed", format!("{:<22?}  by the method, not proved", report.claimed)),
        (
            "lower bound",
            report
                .lower
                .as_ref()
                .map_or_else(|| "none".to_owned(), |lower| format!("{:<22?}  proved ({})", lower.value, lower.kind)),
        ),
    ];
    if let (Some(upper), Some(lower)) = (report.value, report.lower.as_ref().filter(|lower| lower.value > 0.0)) {
        lines.push(("upper / lower", format!("{:.6}", upper / lower.value)));
    }
    let iterations = report.iterations.map_or_else(String::new, |n| format!(", {n} iterations"));
    lines.push(("status", format!("{}{iterations}", report.status)));
    lines.push((
        "seconds",
        format!(
            "{:.3} = load {:.3}, assemble {:.3}, solve {:.3}, certify {:.3}, rest {:.3}",
            seconds.total,
            seconds.load,
            seconds.assemble,
            seconds.solve,
            seconds.certify,
            (seconds.total - seconds.load - seconds.assemble - seconds.solve - seconds.certify).max(0.0)
        ),
    ));
    if let Some(peak) = report.peak_rss_mib {
        lines.push(("memory", format!("{peak:.0} MiB at most")));
    }
    if let Some(certificate) = &report.certificate {
        lines.push(("certificate", certificate.clone()));
    }
    table::print_lines(&lines)
}
