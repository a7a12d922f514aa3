//! Published numbers beside what is proved here, for the tables of both documents.

use std::collections::{BTreeMap, BTreeSet};

use crate::number_text;
use crate::published::bases;
use crate::record::{Question, Record};
use crate::results::Results;

/// What stands above the columns.
pub const COLUMNS: [&str; 6] = ["network", "method", "source", "published", "proved here", "verdict"];

/// What the columns mean.
pub const NOTE: &str = "Proved here: by the same method, or else the best proved upper bound of the question; where the method \
                        makes an estimate, that, which is no bound.";

/// A line for each published number; repetitions say it once.
pub fn lines(results: &Results) -> Vec<[String; 6]> {
    let mut best: BTreeMap<Question, f64> = BTreeMap::new();
    for cell in results.upper_cells() {
        let Some(proved) = cell.proved else { continue };
        let least = best.entry(cell.question.clone()).or_insert(proved);
        *least = least.min(proved);
    }
    let bases = bases(results.records());
    let (mut lines, mut seen) = (Vec::new(), BTreeSet::new());
    for record in results.records().iter().filter(|record| record.published.is_some()) {
        let question = record.question();
        // The verdict on an estimate compares it with ours, not with a bound.
        let ours = if record.is_estimate() { record.claimed } else { record.upper() };
        let ours = ours.or_else(|| best.get(&question).copied().filter(|_| !record.is_estimate()));
        // A number published as a ratio is compared as a ratio.
        let base = match &record.published_relative_to {
            Some(method) => bases.get(&(question, method.clone())).copied(),
            None => Some(1.0),
        };
        let line = line(record, ours.zip(base).map(|(ours, base)| ours / base));
        if seen.insert(line.clone()) {
            lines.push(line);
        }
    }
    lines
}

fn line(record: &Record, ours: Option<f64>) -> [String; 6] {
    let number = record.published.clone().unwrap_or_default();
    let published = match &record.published_relative_to {
        Some(method) => format!("{number} × {method}"),
        None => number,
    };
    [
        record.question().label(),
        record.method.clone(),
        record.published_source.clone().unwrap_or_default(),
        published,
        if record.is_estimate() { number_text::estimate(ours) } else { number_text::proved("upper", ours) },
        record.verdict.map_or("", |verdict| verdict.words()).to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{estimate, record};

    #[test]
    fn a_ratio_is_compared_as_a_ratio() {
        let base = Record { proved: Some(8.0), ..record("net", "norm-product") };
        let relative = Some("norm-product".to_owned());
        let row = Record { published: Some("0.25".into()), published_relative_to: relative, ..record("net", "m") };
        let lines = lines(&Results::new(vec![base, row.clone(), row], vec![], vec![], None));
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0][3].as_str(), lines[0][4].as_str()), ("0.25 × norm-product", "0.2500000"));
    }

    #[test]
    fn beside_a_published_estimate_stands_ours_and_not_a_bound_and_it_is_best_nowhere() {
        let publish = |row| Record { published: Some("1.25".into()), ..row };
        let elsewhere = publish(Record { proved: None, claimed: None, ..record("net", "paper") });
        let rows = vec![record("net", "m"), publish(estimate("net", 1.25)), elsewhere];
        let lines = lines(&Results::new(rows, vec![], vec![], None));
        assert_eq!((lines[0][4].as_str(), lines[1][4].as_str()), ("1.250000 (no bound)", "2.000000"));
    }
}
