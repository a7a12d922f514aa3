//! Each method over all its cells, in one line.

use crate::record::Status;
use crate::results::{CellSummary, Results, median};

/// One method over all its cells.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodSummary {
    /// The method.
    pub method: String,
    /// What its numbers are: upper, lower, fgl-lower, estimate.
    pub kind: String,
    /// Number of cells.
    pub cells: usize,
    /// Cells that ended by themselves, with a proof unless the method makes estimates.
    pub solved: usize,
    /// Cells that ended early, by a limit or short of their tolerance, with a proof.
    pub cut_short: usize,
    /// Cells the method declined.
    pub declined: usize,
    /// Cells without an answer for a reason nobody asked for.
    pub failed: usize,
    /// Geometric mean of the ratios to the best proved upper bound.
    pub to_upper: Option<f64>,
    /// The largest of them.
    pub worst: Option<f64>,
    /// Geometric mean of the ratios to the best difference quotient.
    pub to_lower: Option<f64>,
    /// Geometric mean of the ratios to the best lower bound of the formal constant.
    pub to_fgl: Option<f64>,
    /// Median of the seconds.
    pub median_s: Option<f64>,
    /// Median of the memory.
    pub median_mib: Option<f64>,
}

/// Every method, in order.
pub fn summarise(results: &Results) -> Vec<MethodSummary> {
    results.methods().map(|method| summary(method, results)).collect()
}

fn summary(method: &str, results: &Results) -> MethodSummary {
    let cells: Vec<&CellSummary> = results.cells().iter().filter(|cell| cell.method == method).collect();
    let count = |wanted: fn(Status) -> bool| cells.iter().filter(|cell| wanted(cell.status)).count();
    let mean = |column: fn(&CellSummary) -> Option<f64>| geometric_mean(cells.iter().filter_map(|cell| column(cell)));
    MethodSummary {
        method: method.to_owned(),
        kind: cells.first().map_or(String::new(), |cell| cell.kind.clone()),
        cells: cells.len(),
        solved: count(|status| status == Status::Solved),
        cut_short: count(|status| matches!(status, Status::Interrupted | Status::Stalled)),
        declined: count(|status| status == Status::Declined),
        failed: count(Status::is_failure),
        to_upper: mean(|cell| cell.to_upper),
        worst: cells.iter().filter_map(|cell| cell.to_upper).reduce(f64::max),
        to_lower: mean(|cell| cell.to_lower),
        to_fgl: mean(|cell| cell.to_fgl),
        median_s: median(cells.iter().filter_map(|cell| cell.total_s)),
        median_mib: median(cells.iter().filter_map(|cell| cell.peak_rss_mib)),
    }
}

/// exp of the mean logarithm; ratios that are not positive and finite do not count.
fn geometric_mean(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = ratios.map(f64::ln).filter(|log| log.is_finite()).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;
    use crate::record::Record;

    #[test]
    fn a_method_is_summed_up_over_its_cells() {
        let rows = vec![
            Record { ratio_to_best_upper: Some(1.0), total_s: Some(1.0), ..record("a", "m") },
            Record { ratio_to_best_upper: Some(4.0), total_s: Some(3.0), ..record("b", "m") },
            Record { status: Status::Killed, proved: None, total_s: None, ..record("c", "m") },
            Record { status: Status::Declined, proved: None, total_s: None, ..record("d", "m") },
        ];
        let summaries = summarise(&Results::new(rows, vec![], vec![], None));
        let summary = &summaries[0];
        assert_eq!((summary.cells, summary.solved, summary.declined, summary.failed), (4, 2, 1, 1));
        assert_eq!((summary.to_upper, summary.worst, summary.median_s), (Some(2.0), Some(4.0), Some(2.0)));
        assert_eq!(summary.to_fgl, None);
    }
}
