//! Every output by itself: one table, or one JSON object.

use serde::Serialize;
use tightlip::{Kind, Report, SCHEMA_VERSION, Seconds};

use crate::{summary, table};

/// Shown where there is no number.
const ABSENT: &str = "-";

/// One output.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The output, from 0.
    pub output: usize,
    /// The report that the output alone would have; `null` if there is none. Its seconds are those of this output, without
    /// reading the model.
    pub report: Option<Report>,
    /// Why there is no answer; `null` if there is one.
    pub failure: Option<String>,
}

/// The largest number of all outputs.
#[derive(Debug, Serialize)]
struct Largest {
    /// The output.
    output: usize,
    /// Its number, as in the report.
    value: f64,
}

/// All outputs: the object `--json` prints, with stable keys.
#[derive(Debug, Serialize)]
pub struct EachOutput {
    /// Version of these keys and those of the reports.
    schema_version: u32,
    /// Whether every output has a number.
    complete: bool,
    /// The largest number there is; `null` without any.
    largest: Option<Largest>,
    /// In the order of the outputs.
    outputs: Vec<Row>,
    /// Those of all outputs together.
    seconds: Seconds,
    /// Largest resident memory of the process, in MiB.
    peak_rss_mib: Option<f64>,
}

impl EachOutput {
    /// What to show about `rows`, of which at least one has a report, after `load_s` seconds of reading and `total_s` in all.
    pub fn new(rows: Vec<Row>, (load_s, total_s): (f64, f64), peak_rss_mib: Option<f64>) -> Self {
        let numbers = || rows.iter().filter_map(|row| Some((row.output, number(row.report.as_ref()?)?)));
        let largest = numbers().max_by(|one, other| one.1.total_cmp(&other.1));
        let seconds = Seconds::of_all(rows.iter().filter_map(|row| row.report.as_ref()), load_s, total_s);
        Self {
            schema_version: SCHEMA_VERSION,
            complete: numbers().count() == rows.len(),
            largest: largest.map(|(output, value)| Largest { output, value }),
            outputs: rows,
            seconds,
            peak_rss_mib,
        }
    }

    /// Prints the human form.
    pub fn print(&self) -> std::io::Result<()> {
        let Some(first) = self.outputs.iter().find_map(|row| row.report.as_ref()) else { return Ok(()) };
        let mut methods: Vec<&str> = Vec::new();
        for report in self.outputs.iter().filter_map(|row| row.report.as_ref()) {
            if !methods.contains(&report.method.as_str()) {
                methods.push(&report.method);
            }
        }
        table::print_lines(&[
            ("network", summary::network(first)),
            ("question", summary::question(&first.query, "each output by itself")),
            ("method", methods.join(", ")),
        ])?;
        let rows: Vec<Vec<String>> = self.outputs.iter().map(|row| cells(row, first.kind)).collect();
        table::print_rows(header(first), &rows)?;
        table::print_lines(&self.totals(first.kind))
    }

    /// What is said about all outputs together.
    fn totals(&self, kind: Kind) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if let Some(Largest { output, value }) = &self.largest {
            let no_bound = if kind == Kind::Estimate { ", NO BOUND" } else { "" };
            let missing = self.outputs.iter().filter(|row| row.report.as_ref().and_then(number).is_none()).count();
            let missing = if missing == 0 { String::new() } else { format!("; {missing} outputs have none") };
            lines.push(("largest", format!("{value:?} of output {output}{no_bound}{missing}")));
        }
        lines.push(("seconds", summary::seconds(&self.seconds)));
        if let Some(peak) = self.peak_rss_mib {
            lines.push(("memory", format!("{peak:.0} MiB at its peak")));
        }
        let certificates: Vec<&str> =
            self.outputs.iter().filter_map(|row| row.report.as_ref()?.certificate.as_deref()).collect();
        if let (Some(first), Some(last)) = (certificates.first(), certificates.last()) {
            lines.push(("certificates", format!("{}: {first} to {last}", certificates.len())));
        }
        lines
    }
}

/// The number of a report: proved, or of an estimate, which has nothing else, claimed.
fn number(report: &Report) -> Option<f64> {
    if report.kind == Kind::Estimate { Some(report.claimed) } else { report.value }
}

/// The columns for methods like that of a report.
fn header(report: &Report) -> &'static [&'static str] {
    match report.kind {
        Kind::Upper if report.is_formal => {
            &["output", "upper bound", "lower bound", "FGL at least", "gap", "seconds", "status"]
        }
        Kind::Upper => &["output", "upper bound", "lower bound", "relaxation", "gap", "seconds", "status"],
        Kind::FglLower => &["output", "FGL at least", "seconds", "status"],
        Kind::Lower => &["output", "lower bound", "seconds", "status"],
        _ => &["output", "NO BOUND", "seconds", "status"],
    }
}

/// The cells of an output. Bounds have all their digits: fewer would have to be rounded to the safe side.
fn cells(row: &Row, kind: Kind) -> Vec<String> {
    let absent = || ABSENT.to_owned();
    let digits = |value: Option<f64>| value.map_or_else(absent, |value| format!("{value:?}"));
    let mut cells = vec![row.output.to_string()];
    let report = row.report.as_ref();
    cells.push(digits(report.and_then(number)));
    if kind == Kind::Upper {
        cells.push(digits(report.and_then(|report| Some(report.lower.as_ref()?.value))));
        cells.push(digits(report.and_then(|report| report.relaxation_lower)));
        cells.push(report.and_then(|report| report.gap).map_or_else(absent, |gap| format!("{gap:.1e}")));
    }
    cells.push(report.map_or_else(absent, |report| format!("{:.3}", report.seconds.total)));
    cells.push(match report {
        Some(report) if report.failure_probability > 0.0 => {
            let wrong = format!("wrong with probability at most {:e}", report.failure_probability);
            format!("{}; {wrong}", summary::status(report))
        }
        Some(report) => summary::status(report),
        None => row.failure.clone().unwrap_or_default(),
    });
    cells
}
