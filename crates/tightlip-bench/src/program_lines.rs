//! The semidefinite programs of a run, for the tables of both documents.
//!
//! A method that wrote down a program somewhere has a line for each of its cells: one that was declined or killed has no
//! size, and says so by its status.

use std::collections::BTreeSet;

use crate::number_text::{self, cell, seconds};
use crate::results::{CellSummary, Results};

/// What stands above the columns.
pub const COLUMNS: [&str; 15] = [
    "network",
    "method",
    "order",
    "cones",
    "largest cone",
    "variables",
    "rows",
    "nonzeros",
    "assemble",
    "solve",
    "iterations",
    "memory",
    "claimed",
    "proved",
    "status",
];

/// What the columns mean.
pub const NOTE: &str = "Order: of the semidefinite constraint before it is decomposed. Rows: of all its cones. Claimed: by \
                        the method, not proved. Medians over repetitions.";

/// A line for each question and method that writes semidefinite programs.
pub fn lines(results: &Results) -> Vec<[String; 15]> {
    let with_program = results.cells().iter().filter(|cell| cell.program.is_some());
    let methods: BTreeSet<&str> = with_program.map(|cell| cell.method.as_str()).collect();
    results.cells().iter().filter(|cell| methods.contains(cell.method.as_str())).map(line).collect()
}

fn line(summary: &CellSummary) -> [String; 15] {
    let size = |column: fn(&tightlip::ProgramSize) -> usize| {
        summary.program.as_ref().map(|program| column(program).to_string()).unwrap_or_default()
    };
    [
        summary.question.label(),
        summary.method.clone(),
        size(|program| program.order),
        size(|program| program.cones),
        size(|program| program.largest_cone),
        size(|program| program.variables),
        size(|program| program.rows),
        size(|program| program.nonzeros),
        cell(summary.assemble_s, seconds),
        cell(summary.solve_s, seconds),
        // Half an iteration is the median of an even number of repetitions.
        cell(summary.iterations, |iterations| iterations.to_string()),
        cell(summary.peak_rss_mib, number_text::mebibytes),
        summary.claimed_text(),
        number_text::proved(&summary.kind, summary.proved),
        summary.status.word().to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{estimate, record, with_program};
    use crate::record::{Record, Status};

    fn lines_of(rows: Vec<Record>) -> Vec<[String; 15]> {
        lines(&Results::new(rows, vec![], vec![], None))
    }

    #[test]
    fn repetitions_are_one_line_with_the_size_and_the_medians() {
        let row = |repetition: u32, solve_s, iterations| Record {
            repetition,
            assemble_s: Some(0.25),
            solve_s: Some(solve_s),
            iterations: Some(iterations),
            claimed: Some(1.999_999_94),
            ..with_program(record("net", "m"), 32)
        };
        let lines = lines_of(vec![row(1, 9.0, 20), row(2, 1.0, 30), row(3, 2.0, 21), record("net", "norm-product")]);
        let wanted = "net m 32 4 8 97 528 2112 250 ms|2.00 s|21|64.0 MiB|2.000000|2.000000|solved";
        assert_eq!(lines.len(), 1, "a method without programs has no line");
        assert_eq!(format!("{} {}", lines[0][..8].join(" "), lines[0][8..].join("|")), wanted);
    }

    #[test]
    fn a_cell_that_was_killed_has_a_line_without_size_where_its_method_has_one_elsewhere() {
        let killed = Record { status: Status::Killed, proved: None, claimed: None, ..record("big", "m") };
        let lines = lines_of(vec![killed, with_program(record("net", "m"), 32)]);
        assert_eq!((lines[0][2].as_str(), lines[0][14].as_str()), ("", "killed"));
        assert_eq!(lines[1][2], "32");
    }

    #[test]
    fn an_estimate_claims_no_bound_and_proves_nothing() {
        let lines = lines_of(vec![with_program(estimate("net", 1.5), 32)]);
        assert_eq!((lines[0][12].as_str(), lines[0][13].as_str()), ("1.500000 (no bound)", ""));
    }
}
