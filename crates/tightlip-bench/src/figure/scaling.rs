//! How seconds grow with width and depth.
//!
//! Only networks whose hidden layers all have one width, so that both words have a meaning. A series holds the other of
//! the two fixed, and its exponent p is the least-squares slope of log t over log size: t ≈ c · sizeᵖ.

use std::collections::BTreeMap;

use super::Figure;
use super::pareto::tip;
use crate::plot::{Axis, Chart, Point, Series, Shape};
use crate::record::Status;
use crate::results::{CellSummary, Results, median};

/// Two points lie on every line: an exponent needs one more.
const FEWEST_POINTS: usize = 3;

/// Seconds against one dimension, the other one fixed.
pub struct Scaling {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
    needs: &'static str,
    /// The dimension shown and the one held fixed, from width and depth.
    dimensions: fn(Shaped) -> (usize, usize),
    /// Letter of the dimension held fixed.
    fixed: &'static str,
}

/// Seconds against width.
pub const WIDTH: Scaling = Scaling {
    name: "scaling-width",
    title: "Time against width",
    axis: "hidden width in neurons",
    caption: "Seconds for the answer and its proof against the width of the hidden layers, both axes logarithmic; D is the \
              number of hidden layers, p the exponent of the least-squares fit time ≈ c · widthᵖ. Cells that were solved, \
              medians over repetitions and over networks of one shape.",
    needs: "three widths at one depth, solved by one method",
    dimensions: |shape| (shape.width, shape.depth),
    fixed: "D",
};

/// Seconds against depth.
pub const DEPTH: Scaling = Scaling {
    name: "scaling-depth",
    title: "Time against depth",
    axis: "number of hidden layers",
    caption: "Seconds for the answer and its proof against the number of hidden layers, both axes logarithmic; W is their \
              width, p the exponent of the least-squares fit time ≈ c · depthᵖ. Cells that were solved, medians over \
              repetitions and over networks of one shape.",
    needs: "three depths at one width, solved by one method",
    dimensions: |shape| (shape.depth, shape.width),
    fixed: "W",
};

/// A network whose hidden layers all have one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shaped {
    width: usize,
    depth: usize,
}

impl Figure for Scaling {
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
        let mut groups: BTreeMap<(&str, usize), BTreeMap<usize, Vec<&CellSummary>>> = BTreeMap::new();
        for cell in results.cells().iter().filter(|cell| cell.status == Status::Solved) {
            let Some(shape) = cell.sizes.as_deref().and_then(shape) else { continue };
            let (shown, fixed) = (self.dimensions)(shape);
            groups.entry((&cell.method, fixed)).or_default().entry(shown).or_default().push(cell);
        }
        let mut chart =
            Chart::new(self.title, Axis::logarithmic(self.axis), Axis::logarithmic("time in s, proof included"));
        let mut variants: BTreeMap<usize, usize> = BTreeMap::new();
        for ((method, fixed), sizes) in groups {
            let points: Vec<Point> = sizes.into_iter().filter_map(|(size, cells)| point(size, &cells)).collect();
            if points.len() < FEWEST_POINTS {
                continue;
            }
            let places: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
            let exponent = exponent(&places).map_or(String::new(), |p| format!(", p = {p:.1}"));
            let name = format!("{method} {}={fixed}{exponent}", self.fixed);
            let next = variants.len();
            let variant = *variants.entry(fixed).or_insert(next);
            // The marker stays the method's where there is one series of each.
            let style = results.style(method);
            let style = if variant == 0 { style } else { style.with_variant(variant) };
            chart.series.push(Series { name, style, shape: Shape::PointsAndLine, points });
        }
        chart.drawable()
    }
}

/// The shape of a network whose hidden layers all have one width.
fn shape(sizes: &[usize]) -> Option<Shaped> {
    let hidden = sizes.get(1..sizes.len().checked_sub(1)?)?;
    let width = *hidden.first()?;
    hidden.iter().all(|size| *size == width).then_some(Shaped { width, depth: hidden.len() })
}

fn point(size: usize, cells: &[&CellSummary]) -> Option<Point> {
    let y = median(cells.iter().filter_map(|cell| cell.total_s).filter(|seconds| *seconds > 0.0))?;
    Some(Point { x: size as f64, y, tip: cells.first().map(|cell| tip(cell))? })
}

/// Slope of the least-squares line through (log x, log y).
fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean = |part: fn(&(f64, f64)) -> f64| logs.iter().map(part).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|log| log.0), mean(|log| log.1));
    let spread: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let slope = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    // A slope that rounds to zero from below would read −0.0.
    slope.is_finite().then_some(if slope.abs() < 0.05 { 0.0 } else { slope })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;
    use crate::record::Record;

    fn row(width: usize, depth: usize, total_s: f64) -> Record {
        let sizes = [vec![4], vec![width; depth], vec![3]].concat();
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        Record { sizes: Some(sizes.join("-")), total_s: Some(total_s), ..record(&format!("W{width}-D{depth}"), "m") }
    }

    #[test]
    fn a_planted_exponent_is_found_in_the_legend() {
        let rows = [8, 16, 64].map(|width| row(width, 2, 1e-5 * (width as f64).powf(2.5)));
        let chart = WIDTH.draw(&Results::new(rows.into(), vec![], vec![], None)).expect("three widths");
        assert_eq!(chart.series[0].name, "m D=2, p = 2.5");
        let rows = [2, 3, 9].map(|depth| row(10, depth, 0.1 * depth as f64));
        let chart = DEPTH.draw(&Results::new(rows.into(), vec![], vec![], None)).expect("three depths");
        assert_eq!(chart.series[0].name, "m W=10, p = 1.0");
    }

    #[test]
    fn two_points_and_cells_that_were_cut_short_make_no_series() {
        let cut = Record { status: Status::Interrupted, ..row(64, 2, 60.0) };
        let rows = vec![row(8, 2, 1.0), row(16, 2, 2.0), cut];
        assert_eq!(WIDTH.draw(&Results::new(rows, vec![], vec![], None)), None);
    }

    #[test]
    fn only_equal_hidden_layers_have_a_shape() {
        assert_eq!(shape(&[4, 7, 7, 3]), Some(Shaped { width: 7, depth: 2 }));
        assert_eq!(shape(&[4, 7, 8, 3]), None);
        assert_eq!(shape(&[4, 3]), None);
        assert_eq!(shape(&[]), None);
    }
}
