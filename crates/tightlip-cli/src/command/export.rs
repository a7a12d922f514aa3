//! `tightlip export MODEL`: the semidefinite program for other solvers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tightlip::{Context, Exchange, Problem};
use tightlip_model::file;
use tightlip_sdp::{CSDP_PARAMETERS, Listing, SDPA_PARAMETERS, SdpaProgram, named_variables};

use super::printed;
use crate::arguments::{ExportArguments, ExportFormat};
use crate::failure::CommandFailure;
use crate::{destination, table};

/// Runs the command.
pub fn run(arguments: &ExportArguments) -> Result<(), CommandFailure> {
    let (model, output) = (&arguments.model.model, &arguments.program);
    let sidecar = beside(output);
    destination::check_export(output, model, arguments.format)?;
    destination::check_sidecar(&sidecar, model)?;
    let parameters = if arguments.solver_parameters { parameters(output) } else { Vec::new() };
    for (path, settings) in &parameters {
        destination::check_parameters(path, model, settings)?;
    }
    let network = file::read(model, &arguments.model.read_options())?;
    let problem = Problem::new(&network, arguments.question.query())?;
    let context = Context::silent(super::limits_without_interrupt(&arguments.resources, 0));
    let exchange = Exchange::new(&problem, arguments.writing(), &context)?;
    let mut bytes = Vec::new();
    match arguments.format {
        ExportFormat::Sdpa => {
            SdpaProgram::of(&exchange.program().program)?.write(&exchange.sidecar().remarks(), &mut bytes)?;
        }
        ExportFormat::Json => {
            let variables = named_variables(&exchange.program().variables);
            Listing::new(&exchange.program().program, variables)?.write(&mut bytes)?;
        }
    }
    file::store(output, &bytes)?;
    let mut text = Vec::new();
    exchange.sidecar().write(&mut text)?;
    file::store(&sidecar, &text)?;
    let mut lines = vec![("program", output.display().to_string()), ("sidecar", sidecar.display().to_string())];
    for (path, settings) in &parameters {
        file::store(path, settings.as_bytes())?;
        lines.push(("settings", path.display().to_string()));
    }
    let size = exchange.size();
    lines.push((
        "size",
        format!(
            "order {}, {} cones up to {}, {} variables, {} rows, {} coefficients",
            size.order, size.cones, size.largest_cone, size.variables, size.rows, size.nonzeros
        ),
    ));
    if arguments.format == ExportFormat::Sdpa {
        lines.extend(next_steps(output, model, !parameters.is_empty()));
    }
    printed(table::print_lines(&lines))
}

/// Settings of both solvers, beside the program.
fn parameters(output: &Path) -> Vec<(PathBuf, &'static str)> {
    let files = [("param.csdp", CSDP_PARAMETERS), ("param.sdpa", SDPA_PARAMETERS)];
    files.map(|(name, settings)| (output.with_file_name(name), settings)).into()
}

/// The commands that solve the program and bring the solution back.
fn next_steps(output: &Path, model: &Path, with_settings: bool) -> Vec<(&'static str, String)> {
    // CSDP reads its settings from the folder it is started in.
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let enter = folder.map_or_else(String::new, |folder| format!("cd {} && ", folder.display()));
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let settings = if with_settings { " -p param.sdpa" } else { "" };
    let mut lines = vec![
        ("solve", format!("{enter}csdp {name} {name}.sol")),
        ("", format!("{enter}sdpa -ds {name} -o {name}.out{settings}")),
    ];
    if !with_settings {
        lines.push(("", "(--solver-parameters writes settings that give as many digits as a proof needs)".to_owned()));
    }
    let (model, program) = (model.display(), output.display());
    lines.push(("then", format!("tightlip import-solution {model} {program}.json {program}.sol")));
    lines
}

/// `FILE.json` beside `FILE`.
fn beside(output: &Path) -> PathBuf {
    let mut name: OsString = output.as_os_str().to_owned();
    name.push(".json");
    name.into()
}
