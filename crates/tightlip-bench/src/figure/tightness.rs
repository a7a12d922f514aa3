//! How far above a proved lower bound each method's bound lies, network by network.

use std::collections::BTreeMap;

use super::Figure;
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape, Spacing};
use crate::record::Question;
use crate::results::{CellSummary, Results};

/// More names than this cannot be read under one axis; ranks stand there then.
const MOST_NAMES: usize = 30;

/// Part of the room of a name over which its methods spread.
const SPREAD: f64 = 0.8;

/// Proved bounds over one kind of lower bound.
pub struct Tightness {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
    needs: &'static str,
    ratio: fn(&CellSummary) -> Option<f64>,
}

/// Over the best difference quotient of two inputs.
pub const AGAINST_WITNESS: Tightness = Tightness {
    name: "tightness",
    title: "Tightness against proved lower bounds",
    axis: "proved bound ÷ best difference quotient",
    caption: "Proved upper bound over the best proved difference quotient of two inputs, without unit, on a logarithmic axis. \
              The Lipschitz constant lies between 1 (dashed) and the lowest marker. Medians over repetitions.",
    needs: "a proved upper and a proved lower bound of the same network",
    ratio: |cell| cell.to_lower,
};

/// Over the best lower bound of the formal constant.
pub const AGAINST_FORMAL: Tightness = Tightness {
    name: "tightness-fgl",
    title: "Tightness against the formal constant",
    axis: "proved bound ÷ lower bound of FGL",
    caption: "Proved upper bound over the best proved lower bound of the formal global Lipschitz constant (FGL), the least \
              number that a method can prove which looks at slopes only, without unit, on a logarithmic axis. Nothing of \
              this kind gets below 1 (dashed). Medians over repetitions.",
    needs: "a proved upper bound and a lower bound of the formal constant (kind fgl-lower) of the same network",
    ratio: |cell| cell.to_fgl,
};

impl Figure for Tightness {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn caption(&self) -> &'static str {
        self.caption
    }

    fn needs(&self) -> &'static str {
        self.needs
    }

    fn draw(&self, results: &Results) -> Option<Chart> {
        let cells: Vec<(&CellSummary, f64)> =
            results.upper_cells().filter_map(|cell| Some((cell, (self.ratio)(cell)?))).collect();
        let questions = by_best_ratio(&cells);
        let ranked = questions.len() > MOST_NAMES;
        let x = if ranked {
            Axis::linear("rank of the network, tightest first")
        } else {
            let names = questions.iter().map(|question| question.label()).collect();
            Axis { label: String::new(), spacing: Spacing::Categories(names) }
        };
        let mut chart = Chart::new(self.title, x, Axis::logarithmic(self.axis));
        let places: BTreeMap<&Question, usize> =
            questions.iter().enumerate().map(|(place, question)| (*question, place)).collect();
        let methods: Vec<&str> =
            results.methods().filter(|method| cells.iter().any(|(cell, _)| cell.method == *method)).collect();
        for (index, method) in methods.iter().enumerate() {
            // Methods that prove the same number stand side by side.
            let shift = if ranked { 1.0 } else { (index as f64 + 0.5) / methods.len() as f64 * SPREAD - SPREAD / 2.0 };
            let own = cells.iter().filter(|(cell, _)| cell.method == *method);
            let points = own.map(|(cell, ratio)| Point {
                x: places[&cell.question] as f64 + shift,
                y: *ratio,
                tip: tip(cell, *ratio),
            });
            let mut points: Vec<Point> = points.collect();
            points.sort_by(|one, other| one.x.total_cmp(&other.x));
            let style = results.style(method);
            chart.series.push(Series::new(*method, style, Shape::Points, points));
        }
        chart.references.push(1.0);
        chart.drawable()
    }
}

/// The questions, the one with the smallest ratio of any method first.
fn by_best_ratio<'r>(cells: &[(&'r CellSummary, f64)]) -> Vec<&'r Question> {
    let mut best: BTreeMap<&Question, f64> = BTreeMap::new();
    for (cell, ratio) in cells {
        let least = best.entry(&cell.question).or_insert(*ratio);
        *least = least.min(*ratio);
    }
    let mut questions: Vec<(&Question, f64)> = best.into_iter().collect();
    questions.sort_by(|one, other| one.1.total_cmp(&other.1));
    questions.into_iter().map(|(question, _)| question).collect()
}

fn tip(cell: &CellSummary, ratio: f64) -> String {
    format!("{}\n× {}", super::pareto::tip(cell), number_text::ratio(ratio))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;
    use crate::record::Record;

    fn results(networks: usize) -> Results {
        let rows = (0..networks).flat_map(|index| {
            let tight = 2.0 - index as f64 / networks as f64;
            [("a", tight), ("b", 3.0)].map(|(method, ratio)| Record {
                ratio_to_best_lower: Some(ratio),
                ..record(&format!("net {index:03}"), method)
            })
        });
        Results::new(rows.collect(), Vec::new(), Vec::new(), None)
    }

    #[test]
    fn networks_are_ordered_by_the_ratio_of_the_best_method() {
        let chart = AGAINST_WITNESS.draw(&results(4)).expect("ratios");
        let names = ["net 003", "net 002", "net 001", "net 000"].map(str::to_owned);
        assert_eq!(chart.x.spacing, Spacing::Categories(names.into()));
        assert_eq!(chart.series[0].points[0].y, 1.25);
    }

    #[test]
    fn many_networks_are_shown_by_rank() {
        let chart = AGAINST_WITNESS.draw(&results(31)).expect("ratios");
        assert_eq!(chart.x.spacing, Spacing::Linear);
        let points = &chart.series[0].points;
        assert_eq!((points[0].x, points[30].x), (1.0, 31.0));
        assert!(points.windows(2).all(|pair| pair[0].y < pair[1].y));
    }

    #[test]
    fn without_lower_bounds_there_is_no_figure() {
        assert_eq!(AGAINST_FORMAL.draw(&results(3)), None);
    }
}
