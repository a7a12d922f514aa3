//! The table of one model: methods by their proved bound, the best first.

use std::io::{self, Write};

use tightlip_bench::{NetworkFacts, Record, Status, proved_text};

use crate::table;

/// The rows of one model.
pub struct Comparison<'r> {
    title: String,
    uppers: Vec<&'r Record>,
    lowers: Vec<&'r Record>,
    /// Numbers that bound nothing.
    estimates: Vec<&'r Record>,
    others: Vec<&'r Record>,
}

impl<'r> Comparison<'r> {
    /// Sorts the rows of the model called `name`.
    pub fn new(name: &str, facts: &NetworkFacts, rows: &[&'r Record]) -> Self {
        let question = rows.first().map_or_else(String::new, |row| {
            let norm = |name: &str| if name == "inf" { "∞".to_owned() } else { name.to_owned() };
            format!(", ℓ{} → ℓ{}, output {}", norm(&row.input_norm), norm(&row.output_norm), row.output)
        });
        let activation = if facts.activation.is_empty() { "linear" } else { &facts.activation };
        let (proved, others): (Vec<&Record>, Vec<&Record>) = rows.iter().partition(|row| row.proved.is_some());
        let is_estimate = |row: &&Record| row.kind == "estimate" && row.claimed.is_some();
        let (estimates, others): (Vec<&Record>, Vec<&Record>) = others.into_iter().partition(is_estimate);
        let (mut uppers, lowers): (Vec<&Record>, Vec<&Record>) = proved.iter().partition(|row| row.kind == "upper");
        uppers.sort_by(|one, other| one.proved.unwrap_or_default().total_cmp(&other.proved.unwrap_or_default()));
        Self { title: format!("{name}: {} {activation}{question}", facts.sizes), uppers, lowers, estimates, others }
    }

    /// Prints the table.
    pub fn print(&self) -> io::Result<()> {
        writeln!(io::stdout(), "{}", self.title)?;
        let ratio = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.6}"));
        let seconds = |row: &Record| row.total_s.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.4}"));
        let memory = |row: &Record| row.peak_rss_mib.map_or_else(|| "-".to_owned(), |mib| format!("{mib:.0}"));
        let mut rows = Vec::new();
        for row in &self.uppers {
            rows.push(vec![
                row.method.clone(),
                number(row),
                ratio(row.ratio_to_best_upper),
                ratio(row.ratio_to_best_lower),
                ratio(row.ratio_to_fgl),
                seconds(row),
                memory(row),
                remark(row),
            ]);
        }
        for row in &self.lowers {
            let meaning = if row.kind == "lower" { "lower bound" } else { "lower bound of FGL" };
            let remark =
                if row.status == Status::Solved { meaning.to_owned() } else { format!("{meaning}; {}", remark(row)) };
            let none = || "-".to_owned();
            rows.push(vec![row.method.clone(), number(row), none(), none(), none(), seconds(row), memory(row), remark]);
        }
        for row in &self.estimates {
            let none = || "-".to_owned();
            let value = row.claimed.map_or_else(none, |value| format!("{value:.9}"));
            let remark = format!("NO BOUND, the number is {value}");
            rows.push(vec![row.method.clone(), none(), none(), none(), none(), seconds(row), memory(row), remark]);
        }
        if !rows.is_empty() {
            let header = ["method", "proved", "÷ best", "÷ witness", "÷ FGL", "seconds", "MiB", ""];
            table::print_rows(&header, &rows)?;
        }
        let mut out = io::stdout().lock();
        for row in &self.others {
            writeln!(
                out,
                "{} {}: {}",
                row.status.word(),
                row.method,
                row.reason.as_deref().unwrap_or("no reason given")
            )?;
        }
        writeln!(out)
    }
}

/// A bound to as many digits as anybody compares, rounded to its safe side.
fn number(row: &Record) -> String {
    const DIGITS: usize = 9;
    row.proved.map_or_else(|| "-".to_owned(), |value| proved_text(&row.kind, value, DIGITS))
}

/// What the reader has to know of an answer that is not simply solved.
fn remark(row: &Record) -> String {
    let level = row.level.as_deref().filter(|level| *level != "rigorous").unwrap_or_default();
    let status = match (row.status, &row.reason) {
        (Status::Solved, None) => String::new(),
        (Status::Solved, Some(reason)) => reason.clone(),
        (status, Some(reason)) if reason.contains(status.word()) => reason.clone(),
        (status, Some(reason)) => format!("{}: {reason}", status.word()),
        (status, None) => status.word().to_owned(),
    };
    if level.is_empty() || status.is_empty() { format!("{level}{status}") } else { format!("{level}; {status}") }
}
