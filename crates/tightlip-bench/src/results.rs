//! What a run left behind, and its cells: one for each question, method and limits, with the median over repetitions.
//!
//! Rows are what was measured; everything shown beside them (tables, figures) is about cells. A repetition without a
//! number does not count towards its median: a process that was killed has no time.

use std::collections::{BTreeMap, BTreeSet};

use tightlip::ProgramSize;

use crate::distrust::{Finding, Severity};
use crate::environment::Environment;
use crate::number_text;
use crate::plot::Style;
use crate::record::{Question, Record, Status, TraceRecord};

/// Everything a report is made from.
#[derive(Debug, Clone)]
pub struct Results {
    records: Vec<Record>,
    traces: Vec<TraceRecord>,
    findings: Vec<Finding>,
    environment: Vec<(String, String)>,
    cells: Vec<CellSummary>,
    styles: BTreeMap<String, Style>,
    /// Names of methods by the digests of their cells.
    names: BTreeMap<String, String>,
}

/// What the repetitions of a cell came to, published numbers and networks that were not there left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CellSummary {
    /// What it is about.
    pub question: Question,
    /// Method, with the limits that tell it from other cells of this method and question.
    pub method: String,
    /// upper, lower, fgl-lower or estimate.
    pub kind: String,
    /// Layer sizes.
    pub sizes: Option<Vec<usize>>,
    /// Number of weights and biases.
    pub parameters: Option<u64>,
    /// Size of its semidefinite program, the same in every repetition.
    pub program: Option<ProgramSize>,
    /// Median of the numbers the method claims.
    pub claimed: Option<f64>,
    /// Median of the proved bounds; an estimate has none.
    pub proved: Option<f64>,
    /// Median of the ratios to the best proved upper bound.
    pub to_upper: Option<f64>,
    /// Median of the ratios to the best difference quotient.
    pub to_lower: Option<f64>,
    /// Median of the ratios to the best lower bound of the formal constant.
    pub to_fgl: Option<f64>,
    /// Largest proved lower bound of the relaxation's optimum.
    pub relaxation_lower: Option<f64>,
    /// Median of the iterations.
    pub iterations: Option<f64>,
    /// Median of the seconds for building the program.
    pub assemble_s: Option<f64>,
    /// Median of the seconds for solving it.
    pub solve_s: Option<f64>,
    /// Median of the seconds.
    pub total_s: Option<f64>,
    /// Median of the largest resident memory.
    pub peak_rss_mib: Option<f64>,
    /// What came of it: the first status that is not `solved`, if there is one.
    pub status: Status,
    /// Number of rows.
    pub repetitions: usize,
}

impl CellSummary {
    /// Whether its number is one of the literature that bounds nothing.
    pub fn is_estimate(&self) -> bool {
        self.kind == "estimate"
    }

    /// The method as figures of costs name it: marked, if its numbers bound nothing.
    pub fn label(&self) -> String {
        if self.is_estimate() { format!("{} (no bound)", self.method) } else { self.method.clone() }
    }

    /// What a table shows as its bound: the proved one, or the number of an estimate, marked as none.
    pub fn bound_text(&self) -> String {
        if self.is_estimate() { self.claimed_text() } else { number_text::proved(&self.kind, self.proved) }
    }

    /// The number the method claims; that of an estimate is marked wherever it stands.
    pub fn claimed_text(&self) -> String {
        if self.is_estimate() { number_text::estimate(self.claimed) } else { number_text::claimed(self.claimed) }
    }
}

/// What a run says of itself as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunVerdict {
    /// Nothing above a warning.
    Green,
    /// Answers that contradict each other, or failed.
    Red,
    /// Proofs that contradict each other.
    Alarm,
}

impl RunVerdict {
    /// The word on the badge.
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Red => "red",
            Self::Alarm => "ALARM",
        }
    }

    /// What the word means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Green => "no finding above a warning",
            Self::Red => "methods contradict each other, or cells failed: see the findings",
            Self::Alarm => "two proofs contradict each other: a defect of tightlip",
        }
    }
}

impl Results {
    /// Gathers the cells of a run whose records are [`complete`](crate::complete).
    pub fn new(
        records: Vec<Record>,
        traces: Vec<TraceRecord>,
        findings: Vec<Finding>,
        environment: Option<&Environment>,
    ) -> Self {
        let cells = cells(&records);
        let methods: BTreeSet<&str> = cells.iter().map(|cell| cell.method.as_str()).collect();
        let styles =
            methods.iter().enumerate().map(|(index, method)| ((*method).to_owned(), Style::nth(index))).collect();
        let known = MethodNames::of(&records);
        let names = records.iter().map(|row| (row.cell.clone(), known.name(row))).collect();
        Self { records, traces, findings, environment: environment.map_or_else(Vec::new, pairs), cells, styles, names }
    }

    /// The rows.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The steps of iterative methods.
    pub fn traces(&self) -> &[TraceRecord] {
        &self.traces
    }

    /// What the rows say against each other, the worst first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The machine and the software, as pairs of name and value.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The worst that was found.
    pub fn verdict(&self) -> RunVerdict {
        let verdict = |finding: &Finding| match finding.severity {
            Severity::Warning => RunVerdict::Green,
            Severity::Failure | Severity::Disagreement => RunVerdict::Red,
            Severity::Alarm => RunVerdict::Alarm,
        };
        self.findings.iter().map(verdict).max().unwrap_or(RunVerdict::Green)
    }

    /// The cells, ordered by question and method.
    pub(crate) fn cells(&self) -> &[CellSummary] {
        &self.cells
    }

    /// The cells of methods that prove upper bounds.
    pub(crate) fn upper_cells(&self) -> impl Iterator<Item = &CellSummary> {
        self.cells.iter().filter(|cell| cell.kind == "upper")
    }

    /// The methods of the cells, in order.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &str> {
        self.styles.keys().map(String::as_str)
    }

    /// How a method looks, the same in every figure.
    pub(crate) fn style(&self, method: &str) -> Style {
        self.styles.get(method).copied().unwrap_or(Style::nth(0))
    }

    /// The method of a step, named as its cell is.
    pub(crate) fn name_of<'r>(&'r self, step: &'r TraceRecord) -> &'r str {
        self.names.get(&step.cell).unwrap_or(&step.method)
    }

    /// The questions of the cells, in order.
    pub(crate) fn questions(&self) -> Vec<&Question> {
        let mut questions: Vec<&Question> = self.cells.iter().map(|cell| &cell.question).collect();
        questions.dedup();
        questions
    }
}

/// Every field that is there, by name.
fn pairs(environment: &Environment) -> Vec<(String, String)> {
    let value = serde_json::to_value(environment).expect("texts and numbers are JSON");
    let fields = value.as_object().cloned().unwrap_or_default();
    let present = fields.into_iter().filter(|(_, value)| !value.is_null() && *value != serde_json::json!([]));
    let text = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    present.map(|(name, value)| (name.replace('_', " "), text(value))).collect()
}

/// The median of the numbers that are there.
pub(crate) fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.filter(|number| number.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// Rows of one cell, by question and method with what sets cells of one method apart.
type Groups<'r> = BTreeMap<(Question, String), Vec<&'r Record>>;

fn cells(records: &[Record]) -> Vec<CellSummary> {
    let measured = |row: &&Record| !matches!(row.status, Status::Published | Status::Skipped);
    let names = MethodNames::of(records);
    let mut groups: Groups = BTreeMap::new();
    for row in records.iter().filter(measured) {
        groups.entry((row.question(), names.name(row))).or_default().push(row);
    }
    groups.into_iter().map(|((question, method), rows)| cell(question, method, &rows)).collect()
}

fn cell(question: Question, method: String, rows: &[&Record]) -> CellSummary {
    let middle = |column: fn(&Record) -> Option<f64>| median(rows.iter().filter_map(|row| column(row)));
    let unsolved = rows.iter().map(|row| row.status).find(|status| *status != Status::Solved);
    CellSummary {
        question,
        method,
        kind: rows[0].kind.clone(),
        sizes: rows.iter().find_map(|row| row.layer_sizes()),
        parameters: rows.iter().find_map(|row| row.parameters),
        program: rows.iter().find_map(|row| program(row)),
        claimed: middle(|row| row.claimed),
        proved: middle(|row| row.proved.filter(|_| !row.is_estimate())),
        to_upper: middle(|row| row.ratio_to_best_upper),
        to_lower: middle(|row| row.ratio_to_best_lower),
        to_fgl: middle(|row| row.ratio_to_fgl),
        relaxation_lower: rows.iter().filter_map(|row| row.relaxation_lower).reduce(f64::max),
        iterations: middle(|row| row.iterations.map(|iterations| iterations as f64)),
        assemble_s: middle(|row| row.assemble_s),
        solve_s: middle(|row| row.solve_s),
        total_s: middle(|row| row.total_s),
        peak_rss_mib: middle(|row| row.peak_rss_mib),
        status: unsolved.unwrap_or(Status::Solved),
        repetitions: rows.len(),
    }
}

/// The size of the semidefinite program of a row that has one.
fn program(row: &Record) -> Option<ProgramSize> {
    let size = |column: Option<u64>| usize::try_from(column?).ok();
    Some(ProgramSize {
        order: size(row.order)?,
        cones: size(row.cones)?,
        largest_cone: size(row.largest_cone)?,
        variables: size(row.variables)?,
        rows: size(row.rows)?,
        nonzeros: size(row.nonzeros)?,
    })
}

/// The limits that differ between rows of one method, which its name has to tell then.
struct MethodNames<'r>(BTreeMap<&'r str, [BTreeSet<String>; 5]>);

impl<'r> MethodNames<'r> {
    fn of(records: &'r [Record]) -> Self {
        let mut seen: BTreeMap<&str, [BTreeSet<String>; 5]> = BTreeMap::new();
        for row in records.iter().filter(|row| row.status != Status::Published) {
            let values = seen.entry(&row.method).or_default();
            for (set, limit) in values.iter_mut().zip(limits(row)) {
                set.insert(limit);
            }
        }
        Self(seen)
    }

    /// The method of a row, with the limits that its rows differ in.
    fn name(&self, row: &Record) -> String {
        let seen = self.0.get(row.method.as_str()).into_iter().flatten();
        let telling: Vec<String> =
            seen.zip(limits(row)).filter(|(set, _)| set.len() > 1).map(|(_, limit)| limit).collect();
        if telling.is_empty() { row.method.clone() } else { format!("{} ({})", row.method, telling.join(", ")) }
    }
}

/// What can set two cells of one method and question apart, in words.
fn limits(row: &Record) -> [String; 5] {
    [
        format!("gap {:e}", row.tolerance),
        format!("{} threads", row.threads),
        format!("seed {}", row.seed),
        format!("{} s", row.time_limit_s),
        format!("{} MiB", row.memory_limit_mib),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{finding, record};

    #[test]
    fn a_cell_has_the_median_of_its_repetitions_and_the_status_of_the_one_that_failed() {
        let rows: Vec<Record> = [(1, 9.0), (2, 1.0), (3, 2.0)]
            .map(|(repetition, total_s)| Record { repetition, total_s: Some(total_s), ..record("net", "m") })
            .into();
        let mut killed =
            Record { repetition: 4, status: Status::Killed, total_s: None, proved: None, ..record("net", "m") };
        killed.peak_rss_mib = None;
        let results = Results::new([rows, vec![killed]].concat(), Vec::new(), Vec::new(), None);
        assert_eq!(results.cells().len(), 1);
        let cell = &results.cells()[0];
        assert_eq!((cell.total_s, cell.repetitions, cell.status), (Some(2.0), 4, Status::Killed));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_and_of_none_is_absent() {
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), Some(2.5));
        assert_eq!(median([f64::NAN].into_iter()), None);
    }

    #[test]
    fn published_and_skipped_rows_are_no_cells() {
        let published = Record { status: Status::Published, ..record("net", "paper") };
        let skipped = Record { status: Status::Skipped, ..record("net", "m") };
        assert!(Results::new(vec![published, skipped], Vec::new(), Vec::new(), None).cells().is_empty());
    }

    #[test]
    fn limits_that_differ_are_part_of_the_name_and_make_cells_of_their_own() {
        let loose = Record { tolerance: 1e-3, ..record("net", "m") };
        let results = Results::new(vec![loose, record("net", "m"), record("net", "n")], vec![], vec![], None);
        let methods: Vec<&str> = results.methods().collect();
        assert_eq!(methods, ["m (gap 1e-3)", "m (gap 1e-6)", "n"]);
    }

    #[test]
    fn the_verdict_is_the_worst_finding() {
        let verdict = |severities: &[Severity]| {
            let findings = severities.iter().map(|severity| finding(*severity, "words")).collect();
            Results::new(Vec::new(), Vec::new(), findings, None).verdict()
        };
        assert_eq!(verdict(&[]), RunVerdict::Green);
        assert_eq!(verdict(&[Severity::Warning]), RunVerdict::Green);
        assert_eq!(verdict(&[Severity::Failure]), RunVerdict::Red);
        assert_eq!(verdict(&[Severity::Warning, Severity::Disagreement]), RunVerdict::Red);
        assert_eq!(verdict(&[Severity::Alarm, Severity::Disagreement]), RunVerdict::Alarm);
    }
}
