//! What a run's rows say against each other, and the columns that need all rows of a question.
//!
//! A row can be wrong without looking wrong. Three things are always checked: a proved lower bound above a proved upper one
//! of the same quantity (a defect of tightlip: the soundness alarm), two methods for the same number that both say they
//! solved it and differ (the run is red), and repetitions that spread (a warning: the machine was busy).

use std::collections::BTreeMap;

use crate::record::{Question, Record, Status, Verdict};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The numbers stand; read them with care.
    Warning,
    /// Two methods contradict each other: the run's verdict is red.
    Disagreement,
    /// Two proofs contradict each other: a defect of tightlip.
    Alarm,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found, where, and what to do.
    pub message: String,
    /// Commands that show it again.
    pub reproduction: Vec<String>,
}

/// Relative difference of two solved answers to the same problem, beyond the tolerances they were asked for, that is a
/// disagreement: interior-point methods end at 1e-8, and rounding and proving cost about as much again.
const AGREEMENT: f64 = 1e-6;
/// Relative spread of the repetitions of a cell that is worth a warning.
const SPREAD: f64 = 0.2;
/// Differences below this are the clock and the scheduler.
const SPREAD_S: f64 = 0.005;

/// Everything found, the worst first.
pub fn inspect(records: &[Record]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (question, rows) in by_question(records) {
        findings.extend(contradictions(&question, &rows));
        findings.extend(disagreements(&question, &rows));
        findings.extend(spreads(&question, &rows));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Fills the columns that need all rows of a question: the ratios and the verdicts on published numbers.
pub fn complete(records: &mut [Record]) {
    let bests: BTreeMap<Question, Best> =
        by_question(records).into_iter().map(|(question, rows)| (question, Best::of(&rows))).collect();
    for record in records {
        let best = bests[&record.question()];
        let ratio = |base: Option<f64>| Some(record.upper()? / base.filter(|base| *base > 0.0)?);
        let ratios = (ratio(best.upper), ratio(best.witness), ratio(best.formal));
        (record.ratio_to_best_upper, record.ratio_to_best_lower, record.ratio_to_fgl) = ratios;
        record.verdict = verdict(record, best);
    }
}

/// The best proved bounds of one question.
#[derive(Debug, Clone, Copy, Default)]
struct Best {
    upper: Option<f64>,
    witness: Option<f64>,
    formal: Option<f64>,
}

impl Best {
    fn of(rows: &[&Record]) -> Self {
        let formal = rows.iter().filter(|row| row.kind == "fgl-lower").filter_map(|row| row.proved);
        Self {
            upper: rows.iter().filter_map(|row| row.upper()).reduce(f64::min),
            witness: rows.iter().filter_map(|row| row.lower_witness).reduce(f64::max),
            formal: formal.reduce(f64::max),
        }
    }

    /// The largest number that a bound ignoring biases, like all methods here so far, cannot be below.
    fn lower(self) -> Option<f64> {
        self.witness.into_iter().chain(self.formal).reduce(f64::max)
    }
}

/// The rows of each question, in order.
pub(crate) fn by_question(records: &[Record]) -> BTreeMap<Question, Vec<&Record>> {
    let mut groups: BTreeMap<Question, Vec<&Record>> = BTreeMap::new();
    for record in records {
        groups.entry(record.question()).or_default().push(record);
    }
    groups
}
