//! Repetitions of a cell that took different times, or gave different answers.
//!
//! On a busy machine many cells spread; one finding says how many, and which the most. An answer that depends on the run is
//! a finding of its own.

use std::collections::BTreeMap;

use super::{Finding, Severity, largest, smallest};
use crate::record::{Question, Record, Status};

/// Relative spread of the repetitions of a cell that is worth a warning.
const SPREAD: f64 = 0.2;
/// Differences below this are the clock and the scheduler.
const SPREAD_S: f64 = 0.005;
/// Cells that are named.
const NAMED: usize = 3;

/// What the repeated cells of a run look like.
#[derive(Debug, Default)]
pub(super) struct Repetitions {
    /// Cells with more than one answer.
    repeated: usize,
    /// How much slower the slowest was, and the words for it.
    spread: Vec<(f64, String)>,
    /// Cells whose answer depends on the run.
    unsteady: Vec<Finding>,
}

impl Repetitions {
    /// Takes the rows of one question into account.
    pub(super) fn look_at(&mut self, question: &Question, rows: &[&Record]) {
        let mut cells: BTreeMap<Repeated, Vec<&Record>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.status == Status::Solved) {
            cells.entry(repeated(row)).or_default().push(row);
        }
        for rows in cells.values().filter(|rows| rows.len() > 1) {
            self.repeated += 1;
            let name = format!("{}, {}", question.label(), rows[0].method);
            let times = || rows.iter().filter_map(|row| Some((*row, row.total_s?)));
            if let (Some((_, fast)), Some((_, slow))) = (smallest(times()), largest(times()))
                && slow - fast > SPREAD_S.max(SPREAD * fast)
            {
                self.spread.push((slow / fast, format!("{name}: {fast:.3} to {slow:.3} s")));
            }
            let values = || rows.iter().filter(|row| !row.is_estimate()).filter_map(|row| Some((*row, row.proved?)));
            if let (Some((_, low)), Some((_, high))) = (smallest(values()), largest(values()))
                && low < high
            {
                let message =
                    format!("{name}: repetitions proved {low:?} and {high:?}: the answer should not depend on the run");
                self.unsteady.push(Finding { severity: Severity::Warning, message, reproduction: Vec::new() });
            }
        }
    }

    /// What is to be said of all of them.
    pub(super) fn findings(mut self) -> Vec<Finding> {
        let mut findings = self.unsteady;
        if self.spread.is_empty() {
            return findings;
        }
        self.spread.sort_by(|one, other| other.0.total_cmp(&one.0));
        let worst: Vec<&str> = self.spread.iter().take(NAMED).map(|(_, words)| words.as_str()).collect();
        findings.push(Finding {
            severity: Severity::Warning,
            message: format!(
                "the repetitions of {} of {} repeated cells took times more than {:.0} % apart, above all {}: the machine was \
                 busy; repeat on a quiet one, or read medians and ratios only",
                self.spread.len(),
                self.repeated,
                100.0 * SPREAD,
                worst.join("; "),
            ),
            reproduction: Vec::new(),
        });
        findings
    }
}

/// What makes two rows repetitions of each other, beside the question: method, time limit, memory limit, tolerance, seed,
/// threads.
type Repeated<'r> = (&'r str, u64, u64, u64, u64, u32);

fn repeated(row: &Record) -> Repeated<'_> {
    let limits = (row.time_limit_s.to_bits(), row.memory_limit_mib, row.tolerance.to_bits());
    (&row.method, limits.0, limits.1, limits.2, row.seed, row.threads)
}
