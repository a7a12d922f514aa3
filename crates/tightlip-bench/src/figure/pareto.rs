//! What tightness costs: seconds against looseness, for every cell, with the middle of each method.

use super::Figure;
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape};
use crate::results::{CellSummary, Results, median};

/// Seconds against the ratio to the best proved bound.
pub struct Pareto;

impl Figure for Pareto {
    fn name(&self) -> &'static str {
        "pareto"
    }

    fn title(&self) -> &'static str {
        "What tightness costs"
    }

    fn caption(&self) -> &'static str {
        "Proved bound over the best proved bound of the same question (1, dashed, is the best of this run) against seconds for \
         the answer and its proof, both axes logarithmic. Small markers are cells, medians over repetitions; the large \
         marker is the median of each method over all its cells. Down and to the left is better."
    }

    fn needs(&self) -> &'static str {
        "a proved upper bound and the time it took"
    }

    fn draw(&self, results: &Results) -> Option<Chart> {
        let axes =
            (Axis::logarithmic("time in s, proof included"), Axis::logarithmic("proved bound ÷ best proved bound"));
        let mut chart = Chart::new(self.title(), axes.0, axes.1);
        let mut middles = Vec::new();
        for method in results.methods() {
            let points: Vec<Point> =
                results.upper_cells().filter(|cell| cell.method == method).filter_map(point).collect();
            let middle = median(points.iter().map(|point| point.x)).zip(median(points.iter().map(|point| point.y)));
            let series = |shape: Shape, points: Vec<Point>| Series::new(method, results.style(method), shape, points);
            if let Some((x, y)) = middle {
                let count = points.len();
                let (seconds, ratio) = (number_text::seconds(x), number_text::ratio(y));
                let tip = format!("{method}\nmedian of {count} cells\n{seconds}\n× {ratio}");
                middles.push(series(Shape::Middles, vec![Point { x, y, tip }]));
            }
            chart.series.push(series(Shape::Points, points));
        }
        chart.series.extend(middles);
        chart.references.push(1.0);
        chart.drawable()
    }
}

fn point(cell: &CellSummary) -> Option<Point> {
    let (x, y) = (cell.total_s?, cell.to_upper?);
    Some(Point { x, y, tip: format!("{}\n× {}", tip(cell), number_text::ratio(y)) })
}

/// Network, method, proved bound and seconds, for the pointer.
pub(super) fn tip(cell: &CellSummary) -> String {
    let bound = Some(cell.bound_text()).filter(|text| !text.is_empty()).unwrap_or_else(|| "no bound".to_owned());
    let seconds = cell.total_s.map_or("no time".to_owned(), number_text::seconds);
    format!("{}\n{}\n{bound}\n{seconds} ({})", cell.question.label(), cell.method, cell.status.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;
    use crate::record::Record;

    #[test]
    fn the_large_marker_is_the_median_of_the_small_ones() {
        let rows = [(1.0, 1.0), (4.0, 1.5), (9.0, 1.2)].into_iter().enumerate().map(|(index, (time, ratio))| Record {
            total_s: Some(time),
            ratio_to_best_upper: Some(ratio),
            ..record(&format!("net {index}"), "m")
        });
        let chart = Pareto.draw(&Results::new(rows.collect(), vec![], vec![], None)).expect("cells");
        let middle = &chart.series[1];
        assert_eq!((middle.shape, middle.points[0].x, middle.points[0].y), (Shape::Middles, 4.0, 1.2));
    }

    #[test]
    fn lower_bounds_are_not_shown() {
        let lower = Record { kind: "lower".into(), ratio_to_best_upper: Some(1.0), ..record("net", "witness") };
        assert_eq!(Pareto.draw(&Results::new(vec![lower], vec![], vec![], None)), None);
    }
}
