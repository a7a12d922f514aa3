//! How much memory each method needs for a network of a given size.
//!
//! Methods that work on weights grow with the parameters, semidefinite programs with the hidden neurons, the order of
//! their constraint: a deep network of narrow layers has many neurons and few weights.

use super::Figure;
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape};
use crate::results::{CellSummary, Results};

/// Resident memory against a size of the network.
pub struct Memory {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
    needs: &'static str,
    size: fn(&CellSummary) -> Option<f64>,
}

/// Resident memory against parameters.
pub const PARAMETERS: Memory = Memory {
    name: "memory",
    title: "Memory against size",
    axis: "weights and biases",
    caption: "Largest resident memory of the process in MiB against the number of weights and biases, both axes logarithmic. \
              Every process is counted whole, program and network included. Medians over repetitions; cells without an \
              answer are left out.",
    needs: "memory and parameters of a cell with an answer",
    size: |cell| Some(cell.parameters? as f64),
};

/// Resident memory against hidden neurons.
pub const NEURONS: Memory = Memory {
    name: "memory-neurons",
    title: "Memory against hidden neurons",
    axis: "hidden neurons",
    caption: "Largest resident memory of the process in MiB against the number of hidden neurons, the order of LipSDP's \
              semidefinite constraint, both axes logarithmic. Every process is counted whole, program and network \
              included. Medians over repetitions; cells without an answer are left out.",
    needs: "memory and layer sizes of a cell with an answer",
    size: hidden_neurons,
};

impl Figure for Memory {
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
        let axes = (Axis::logarithmic(self.axis), Axis::logarithmic("resident memory in MiB"));
        let mut chart = Chart::new(self.title, axes.0, axes.1);
        for method in results.methods() {
            let own = || results.cells().iter().filter(|cell| cell.method == method);
            let points = own().filter_map(|cell| self.point(cell)).collect();
            let name = own().next().map_or_else(String::new, CellSummary::label);
            chart.series.push(Series::new(name, results.style(method), Shape::Points, points));
        }
        chart.drawable()
    }
}

impl Memory {
    fn point(&self, cell: &CellSummary) -> Option<Point> {
        // An estimate is an answer, too: here is what it costs.
        let answer = if cell.is_estimate() { cell.claimed } else { cell.proved };
        answer?;
        let y = cell.peak_rss_mib?;
        let tip = format!("{}\n{}", super::pareto::tip(cell), number_text::mebibytes(y));
        Some(Point { x: (self.size)(cell)?, y, tip })
    }
}

fn hidden_neurons(cell: &CellSummary) -> Option<f64> {
    let sizes = cell.sizes.as_deref()?;
    let hidden = sizes.get(1..sizes.len().checked_sub(1)?)?;
    Some(hidden.iter().sum::<usize>() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{estimate, record};
    use crate::record::Record;

    #[test]
    fn cells_without_memory_or_answer_are_left_out() {
        let silent = Record { peak_rss_mib: None, ..record("a", "m") };
        let empty = Record { proved: None, ..record("b", "m") };
        let nothing = Record { claimed: None, ..estimate("b", 1.0) };
        let without = vec![silent, empty, nothing];
        let results = |rows| Results::new(rows, vec![], vec![], None);
        assert_eq!(PARAMETERS.draw(&results(without.clone())), None);
        let chart = PARAMETERS.draw(&results([without, vec![record("c", "m")]].concat())).expect("one cell");
        assert_eq!((chart.series[0].points[0].x, chart.series[0].points[0].y), (403.0, 64.0));
    }

    #[test]
    fn neurons_are_those_of_hidden_layers() {
        let linear = Record { sizes: Some("4-3".into()), ..record("linear", "m") };
        let rows = vec![linear, record("c", "m"), estimate("c", 1.0)];
        let chart = NEURONS.draw(&Results::new(rows, vec![], vec![], None)).expect("two cells");
        let points: Vec<(&str, f64)> = chart
            .series
            .iter()
            .flat_map(|series| series.points.iter().map(|point| (&series.name[..], point.x)))
            .collect();
        assert_eq!(points, [("lipsdp-tau.estimate (no bound)", 32.0), ("m", 32.0)]);
    }
}
