//! Files that commands write: checked before the work, so that nothing is lost after it.

use std::fs;
use std::path::{Path, PathBuf};

use tightlip::TraceRow;
use tightlip_bench::table_of_records;
use tightlip_certify::Certificate;
use tightlip_model::file;
use tightlip_sdp::{Listing, SdpaProgram, Sidecar};

use crate::arguments::ExportFormat;
use crate::failure::CommandFailure;

/// The header of a trace.
const TRACE_HEADER: [&str; 8] =
    ["time_s", "iterations", "products", "value", "claimed", "scaled_eigenvalue", "rank", "proved"];

/// Finds out before the work whether the certificate can be written, and that nothing else is overwritten by it.
pub fn check_certificate(path: &Path, model: &Path) -> Result<(), CommandFailure> {
    let is_ours = |text: &str| Certificate::from_json(text).is_ok();
    check("--certificate", path, model, ("a certificate", &is_ours))
}

/// The same for a trace.
pub fn check_trace(path: &Path, model: &Path) -> Result<(), CommandFailure> {
    let header = TRACE_HEADER.join(",");
    check("--trace", path, model, ("a trace", &|text: &str| text.lines().next() == Some(&header)))
}

/// The same for the rows of a comparison.
pub fn check_records(path: &Path, model: &Path) -> Result<(), CommandFailure> {
    let header = table_of_records(&[]);
    let header = String::from_utf8_lossy(&header).trim_end().to_owned();
    check("--records", path, model, ("a table of records", &|text: &str| text.lines().next() == Some(&header)))
}

/// The same for a picture.
pub fn check_picture(path: &Path, model: &Path) -> Result<(), CommandFailure> {
    check("--svg", path, model, ("a picture", &|text: &str| text.starts_with("<svg ")))
}

/// The same for an exported program.
pub fn check_export(path: &Path, model: &Path, format: ExportFormat) -> Result<(), CommandFailure> {
    match format {
        ExportFormat::Sdpa => {
            check("--program", path, model, ("a program in SDPA's format", &|text| SdpaProgram::read(text).is_ok()))
        }
        ExportFormat::Json => {
            check("--program", path, model, ("a program in JSON", &|text| Listing::read(text).is_ok()))
        }
    }
}

/// The same for settings of a solver, which are written with a fixed text.
pub fn check_parameters(path: &Path, model: &Path, ours: &str) -> Result<(), CommandFailure> {
    check("--solver-parameters", path, model, ("our settings", &|text| text == ours))
}

/// The same for the file beside it.
pub fn check_sidecar(path: &Path, model: &Path) -> Result<(), CommandFailure> {
    check("--program", path, model, ("the description of an exported program", &|text| Sidecar::read(text).is_ok()))
}

/// Whether two files that may not exist yet would be the same one.
pub fn same_place(one: Option<&Path>, other: Option<&Path>) -> bool {
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = fs::canonicalize(path).ok();
        file.or_else(|| Some(fs::canonicalize(folder).ok()?.join(path.file_name()?)))
    };
    one.zip(other).is_some_and(|(one, other)| one == other || place(one).is_some() && place(one) == place(other))
}

/// The file of one output: `STEM.K.json` for `STEM.json`.
pub fn of_output(path: &Path, output: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or_else(String::new, |extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}.{output}{extension}"))
}

/// A kind of file and the test for it.
type FileKind<'a> = (&'a str, &'a dyn Fn(&str) -> bool);

/// Refuses a path where no such file can or should be written.
fn check(option: &str, path: &Path, model: &Path, (kind, is_ours): FileKind<'_>) -> Result<(), CommandFailure> {
    let refuse = |what: &str, advice: &str| {
        Err(CommandFailure::bad_input(format!("{option} {}: {what}", path.display()), Some(advice.to_owned())))
    };
    let same = fs::canonicalize(path).is_ok_and(|p| fs::canonicalize(model).is_ok_and(|m| m == p));
    if same {
        return refuse("this is the model file", "give the output a name of its own");
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return refuse("its folder does not exist", "create the folder first");
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => refuse("this is a folder", "give a file name"),
        Ok(found) if !found.is_file() => refuse("this is a device or a pipe", "give the name of a regular file"),
        Ok(_) if fs::read_to_string(path).ok().is_none_or(|text| !is_ours(&text)) => {
            refuse(&format!("a file that is not {kind} is already there"), "remove it or take another name")
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Writes the certificate beside its place and renames it.
pub fn write_certificate(certificate: &Certificate, path: &Path) -> Result<(), CommandFailure> {
    let text = certificate.to_json().map_err(|refusal| CommandFailure::refused(refusal.to_string(), None))?;
    Ok(file::store(path, text.as_bytes())?)
}

/// Writes the course of a method, one row for each step and one for what was proved in the end; the header alone where the
/// method has no course, as where another one stood in for it.
pub fn write_trace(trace: &[TraceRow], path: &Path) -> Result<(), CommandFailure> {
    let failed = |error: csv::Error| {
        CommandFailure::bad_input(format!("--trace {}: cannot be written: {error}", path.display()), None)
    };
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(TRACE_HEADER).map_err(failed)?;
    for row in trace {
        writer.serialize(row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(file::store(path, &bytes)?)
}
