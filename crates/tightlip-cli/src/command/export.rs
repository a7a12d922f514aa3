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
    if arguments.solver_parameters {
        let folder = output.parent().unwrap_or(Path::new(""));
        for (name, settings) in [("param.csdp", CSDP_PARAMETERS), ("param.sdpa", SDPA_PARAMETERS)] {
            file::store(&folder.join(name), settings.as_bytes())?;
            lines.push(("settings", folder.join(name).display().to_string()));
        }
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
        let (program, model, sidecar) = (output.display(), model.display(), sidecar.display());
        lines.push(("solve", format!("csdp {program} {program}.sol")));
        lines.push(("", format!("sdpa -ds {program} -o {program}.out -p param.sdpa")));
        lines.push(("then", format!("tightlip import-solution {model} {sidecar} {program}.sol")));
    }
    printed(table::print_lines(&lines))
}

/// `FILE.json` beside `FILE`.
fn beside(output: &Path) -> PathBuf {
    let mut name: OsString = output.as_os_str().to_owned();
    name.push(".json");
    name.into()
}
