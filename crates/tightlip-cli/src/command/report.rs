//! `tightlip report DIR`: summary, figures and page of a run, from its tables alone.

use std::fs;
use std::path::Path;

use tightlip_bench::{
    ENVIRONMENT, Environment, Finding, RECORDS, Results, Severity, TRACES, complete, inspect, read_records,
    read_traces, write_report,
};

use super::printed;
use crate::arguments::ReportArguments;
use crate::failure::CommandFailure;
use crate::{findings, table};

/// Runs the command.
pub fn run(arguments: &ReportArguments) -> Result<(), CommandFailure> {
    let folder = &arguments.folder;
    check(folder)?;
    let (mut records, cut) = read_records(&folder.join(RECORDS))?;
    if records.is_empty() {
        let what = format!("{}: there are no rows, so there is nothing to report", folder.join(RECORDS).display());
        return Err(CommandFailure::bad_input(
            what,
            Some("run the suite first: tightlip bench SUITE.toml -o DIR".into()),
        ));
    }
    // Runs that were interrupted, or written by other programs, may lack these; the rows say enough.
    let traces = if folder.join(TRACES).exists() { read_traces(&folder.join(TRACES))?.0 } else { Vec::new() };
    let environment = if folder.join(ENVIRONMENT).exists() { Some(Environment::read(folder)?) } else { None };
    complete(&mut records);
    let mut found = inspect(&records);
    found.extend(unfinished(cut, records.len(), environment.as_ref()));
    let files = write_report(&Results::new(records, traces, found.clone(), environment.as_ref()), folder)
        .map_err(|error| CommandFailure::bad_input(error.to_string(), None))?;
    let figures = format!("{} files in {}", files.figures.len(), folder.join("figures").display());
    printed(findings::print(&found))?;
    let mut lines = vec![
        ("verdict", findings::verdict(&found).to_owned()),
        ("summary", files.summary.display().to_string()),
        ("page", files.page.display().to_string()),
        ("figures", figures),
    ];
    if !files.left_out.is_empty() {
        lines.push(("left out", format!("{}: the report says what they need", files.left_out.join(", "))));
    }
    printed(table::print_lines(&lines))?;
    findings::judged(&found)
}

/// Whether there is a run in the folder, and if not, what there is.
fn check(folder: &Path) -> Result<(), CommandFailure> {
    if folder.join(RECORDS).exists() {
        return Ok(());
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let has_shards = entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("shard-"));
    let advice = if has_shards {
        format!("put its shards together first: tightlip bench merge {}", folder.display())
    } else {
        "give the folder of a run: the one given to `tightlip bench -o`".to_owned()
    };
    Err(CommandFailure::bad_input(format!("{}: there is no {RECORDS} in this folder", folder.display()), Some(advice)))
}

/// What is missing of a run that did not end.
fn unfinished(cut: usize, rows: usize, environment: Option<&Environment>) -> Option<Finding> {
    let cells = environment.map_or(rows, |environment| environment.cells);
    let message = match (cut, cells.saturating_sub(rows)) {
        (0, 0) => return None,
        (0, left) => format!("{left} of {cells} cells have no row: the run is not finished; go on with --resume"),
        (_, left) => format!("the last row is cut short, {left} cells have no row: go on with --resume"),
    };
    Some(Finding { severity: Severity::Warning, message, reproduction: Vec::new() })
}
