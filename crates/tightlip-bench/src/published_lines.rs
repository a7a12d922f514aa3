//! Published numbers beside what is proved here, for the tables of both documents.

use std::collections::{BTreeMap, BTreeSet};

use crate::number_text;
use crate::published::bases;
use crate::record::{Question, Record};
use crate::results::Results;

/// What stands above the columns.
pub const COLUMNS: [&str; 6] = ["network", "method", "source", "published", "proved here", "verdict"];

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
        let proved = record.upper().or_else(|| best.get(&question).copied());
        // A number published as a ratio is compared as a ratio.
        let base = match &record.published_relative_to {
            Some(method) => bases.get(&(question, method.clone())).copied(),
            None => Some(1.0),
        };
        let line = line(record, proved.zip(base).map(|(proved, base)| proved / base));
        if seen.insert(line.clone()) {
            lines.push(line);
        }
    }
    lines
}

fn line(record: &Record, proved: Option<f64>) -> [String; 6] {
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
        number_text::cell(proved, |value| number_text::bound("upper", value)),
        record.verdict.map_or("", |verdict| verdict.words()).to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;

    #[test]
    fn a_ratio_is_compared_as_a_ratio() {
        let base = Record { proved: Some(8.0), ..record("net", "norm-product") };
        let relative = Some("norm-product".to_owned());
        let row = Record { published: Some("0.25".into()), published_relative_to: relative, ..record("net", "m") };
        let lines = lines(&Results::new(vec![base, row.clone(), row], vec![], vec![], None));
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0][3].as_str(), lines[0][4].as_str()), ("0.25 × norm-product", "0.2500000"));
    }
}
