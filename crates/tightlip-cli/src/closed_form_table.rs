//! Many methods, one question: one table, or one JSON object.

use std::path::Path;

use serde::Serialize;
use tightlip::{Kind, LowerBound, Report, SCHEMA_VERSION, Seconds};

use crate::{summary, table};

/// One method.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The method.
    pub method: &'static str,
    /// The report that the method alone would have; `null` if there is none.
    pub report: Option<Report>,
    /// Why there is no proved answer; `null` if there is one.
    pub failure: Option<String>,
}

/// The smallest proved bound.
#[derive(Debug, Serialize)]
pub struct Best {
    /// Its method: where a limit put another one in the place of that of the row, the other.
    pub method: String,
    /// The bound.
    pub value: f64,
}

/// All methods: the object `--json` prints, with stable keys.
#[derive(Debug, Serialize)]
pub struct ClosedFormTable {
    /// Version of these keys and those of the reports.
    schema_version: u32,
    /// The smallest proved bound.
    best: Best,
    /// The lower bound beside all of them.
    lower: Option<LowerBound>,
    /// The best proved bound first, then estimates, then those without an answer.
    methods: Vec<Row>,
    /// Those of all methods together.
    seconds: Seconds,
    /// Largest resident memory of the process, in MiB.
    peak_rss_mib: Option<f64>,
    /// The file with the certificate of the best bound, if one was written.
    certificate: Option<String>,
}

impl ClosedFormTable {
    /// What to show about `rows`, the `best` of them, and the file with its certificate after `load_s` seconds of reading and
    /// `total_s` in all.
    pub fn new(
        mut rows: Vec<Row>,
        (best, certificate): (Best, Option<&Path>),
        (load_s, total_s): (f64, f64),
        peak_rss_mib: Option<f64>,
    ) -> Self {
        rows.sort_by(|one, other| place(one).0.cmp(&place(other).0).then(place(one).1.total_cmp(&place(other).1)));
        let seconds = Seconds::of_all(rows.iter().filter_map(|row| row.report.as_ref()), load_s, total_s);
        Self {
            schema_version: SCHEMA_VERSION,
            best,
            lower: rows.iter().find_map(|row| row.report.as_ref()?.lower.clone()),
            methods: rows,
            seconds,
            peak_rss_mib,
            certificate: certificate.map(|path| path.display().to_string()),
        }
    }

    /// Prints the human form.
    pub fn print(&self) -> std::io::Result<()> {
        let Some(first) = self.methods.iter().find_map(|row| row.report.as_ref()) else { return Ok(()) };
        let outputs = format!("output {}", first.query.output);
        table::print_lines(&[
            ("network", summary::network(first)),
            ("question", summary::question(&first.query, &outputs)),
        ])?;
        let rows: Vec<Vec<String>> = self.methods.iter().map(|row| self.cells(row)).collect();
        table::print_rows(&["method", "upper bound", "÷ best", "seconds", "status"], &rows)?;
        table::print_lines(&self.totals())
    }

    /// The cells of a method. Bounds have all their digits: fewer would have to be rounded to the safe side.
    fn cells(&self, row: &Row) -> Vec<String> {
        let absent = || "-".to_owned();
        let best = Some(self.best.value).filter(|best| *best > 0.0);
        let value = row.report.as_ref().and_then(|report| report.value);
        let ratio = value.zip(best).map_or_else(absent, |(value, best)| summary::decimals(value / best, 6));
        let seconds = row.report.as_ref().map_or_else(absent, |report| format!("{:.4}", report.seconds.total));
        let status = match &row.report {
            Some(report) if report.kind == Kind::Estimate => {
                format!("NO BOUND, the number is {}", summary::decimals(report.claimed, 9))
            }
            Some(report) => {
                // A limit may have put another method in its place.
                let stand_in = if report.method == row.method { "" } else { "norm-product stands in; " };
                format!("{stand_in}{}", summary::status(report))
            }
            None => row.failure.clone().unwrap_or_default(),
        };
        vec![row.method.to_owned(), value.map_or_else(absent, |value| format!("{value:?}")), ratio, seconds, status]
    }

    /// What is said about all methods together.
    fn totals(&self) -> Vec<(&'static str, String)> {
        let Best { method, value } = &self.best;
        let mut lines = vec![("best", format!("{value:?} by {method}"))];
        if let Some(lower) = &self.lower {
            lines.push(("lower bound", format!("{:<22?}  proved ({})", lower.value, lower.kind)));
        }
        if let Some(lower) = self.lower.as_ref().filter(|lower| lower.value > 0.0) {
            lines.push(("upper / lower", summary::decimals(value / lower.value, 6)));
        }
        lines.push(("seconds", summary::seconds(&self.seconds)));
        if let Some(peak) = self.peak_rss_mib {
            lines.push(("memory", format!("{peak:.0} MiB at its peak")));
        }
        if let Some(certificate) = &self.certificate {
            lines.push(("certificate", format!("{certificate}, of the best")));
        }
        lines
    }
}

/// Proved bounds by size, then estimates, then the rest. Bounds that agree to nine digits keep the order of the methods.
fn place(row: &Row) -> (u8, f64) {
    match &row.report {
        Some(report) if report.kind == Kind::Estimate => (1, report.claimed),
        Some(report) => report.value.map_or((2, 0.0), |value| (0, to_nine_digits(value))),
        None => (2, 0.0),
    }
}

/// The nearest number of nine digits.
fn to_nine_digits(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}
