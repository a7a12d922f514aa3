//! How much memory each method needs for a network of a given size.

use super::Figure;
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape};
use crate::results::{CellSummary, Results};

/// Resident memory against parameters.
pub struct Memory;

impl Figure for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn title(&self) -> &'static str {
        "Memory against size"
    }

    fn caption(&self) -> &'static str {
        "Largest resident memory of the process in MiB against the number of weights and biases, both axes logarithmic. Every \
         process is counted whole, program and network included. Medians over repetitions; cells without an answer are \
         left out."
    }

    fn needs(&self) -> &'static str {
        "memory and parameters of a cell with an answer"
    }

    fn draw(&self, results: &Results) -> Option<Chart> {
        let axes = (Axis::logarithmic("weights and biases"), Axis::logarithmic("resident memory in MiB"));
        let mut chart = Chart::new(self.title(), axes.0, axes.1);
        for method in results.methods() {
            let own = results.cells().iter().filter(|cell| cell.method == method);
            let points = own.filter_map(point).collect();
            let style = results.style(method);
            chart.series.push(Series { name: method.to_owned(), style, shape: Shape::Points, points });
        }
        chart.drawable()
    }
}

fn point(cell: &CellSummary) -> Option<Point> {
    cell.proved?;
    let y = cell.peak_rss_mib?;
    Some(Point {
        x: cell.parameters? as f64,
        y,
        tip: format!("{}\n{}", super::pareto::tip(cell), number_text::mebibytes(y)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;
    use crate::record::Record;

    #[test]
    fn cells_without_memory_or_answer_are_left_out() {
        let silent = Record { peak_rss_mib: None, ..record("a", "m") };
        let empty = Record { proved: None, ..record("b", "m") };
        let results = |rows| Results::new(rows, vec![], vec![], None);
        assert_eq!(Memory.draw(&results(vec![silent.clone(), empty.clone()])), None);
        let chart = Memory.draw(&results(vec![silent, empty, record("c", "m")])).expect("one cell");
        assert_eq!((chart.series[0].points[0].x, chart.series[0].points[0].y), (403.0, 64.0));
    }
}
