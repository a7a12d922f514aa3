//! How seconds grow with width and depth.
//!
//! Only networks whose hidden layers all have one width, so that both words have a meaning. A panel holds the other of
//! the two fixed, so that its lines are the methods; the line of a method is its fit t ≈ c · sizeᵖ, the least-squares line
//! of log t over log size, and p stands above the panel.

use std::collections::BTreeMap;

use super::Figure;
use super::pareto::tip;
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape};
use crate::record::Status;
use crate::results::{CellSummary, Results, median};

/// Two points lie on every line: an exponent needs one more.
const FEWEST_POINTS: usize = 3;

/// More panels than this make markers too small.
const MOST_PANELS: usize = 9;

/// Seconds against one dimension, the other one fixed.
pub struct Scaling {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
    needs: &'static str,
    /// The dimension shown and the one held fixed, from width and depth.
    dimensions: fn(Shaped) -> (usize, usize),
    /// Word for the dimension shown.
    word: &'static str,
    /// Letter of the dimension held fixed.
    fixed: &'static str,
}

/// Seconds against width.
pub const WIDTH: Scaling = Scaling {
    name: "scaling-width",
    title: "Time against width",
    axis: "hidden width in neurons",
    caption: "Seconds for the answer and its proof against the width of the hidden layers, all axes logarithmic and the same in every \
              panel; D is the number of hidden layers. Lines are least-squares fits \
              time ≈ c · widthᵖ, the numbers above a panel their exponents p: 1 is linear. Cells that were solved, medians \
              over repetitions and over networks of one shape.",
    needs: "three widths at one depth, solved by one method",
    dimensions: |shape| (shape.width, shape.depth),
    word: "width",
    fixed: "D",
};

/// Seconds against depth.
pub const DEPTH: Scaling = Scaling {
    name: "scaling-depth",
    title: "Time against depth",
    axis: "number of hidden layers",
    caption: "Seconds for the answer and its proof against the number of hidden layers, all axes logarithmic and the same in every \
              panel; W is the width of the hidden layers. Lines are least-squares fits \
              time ≈ c · depthᵖ, the numbers above a panel their exponents p: 1 is linear. Cells that were solved, medians \
              over repetitions and over networks of one shape.",
    needs: "three depths at one width, solved by one method",
    dimensions: |shape| (shape.depth, shape.width),
    word: "depth",
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
        let mut groups: Groups = BTreeMap::new();
        for cell in results.cells().iter().filter(|cell| cell.status == Status::Solved) {
            let Some(shape) = cell.sizes.as_deref().and_then(shape) else { continue };
            let (shown, fixed) = (self.dimensions)(shape);
            groups.entry((fixed, &cell.method)).or_default().entry(shown).or_default().push(cell);
        }
        groups.retain(|_, sizes| points(sizes).len() >= FEWEST_POINTS);
        let note = self.keep_some_panels(&mut groups);
        let mut chart =
            Chart::new(self.title, Axis::logarithmic(self.axis), Axis::logarithmic("time in s, proof included"));
        for ((fixed, method), sizes) in &groups {
            let panel = format!("{} = {fixed}, p:", self.fixed);
            let name = sizes.values().flatten().next().map_or_else(String::new, |cell| cell.label());
            let points = points(sizes);
            let style = results.style(method);
            let trend = Fit::of(&points).map(|fit| {
                let ends = self.trend(&fit, &points, &name);
                let note = fit.exponent_text();
                Series { panel: panel.clone(), note, ..Series::new(name.as_str(), style, Shape::Trend, ends) }
            });
            chart.series.extend(trend);
            chart.series.push(Series { panel, ..Series::new(name, style, Shape::Points, points) });
        }
        chart.notes.extend(note);
        chart.drawable()
    }
}

/// Solved cells by the fixed dimension and method, and by the dimension shown.
type Groups<'r> = BTreeMap<(usize, &'r str), BTreeMap<usize, Vec<&'r CellSummary>>>;

impl Scaling {
    /// Leaves at most [`MOST_PANELS`] values of the fixed dimension, evenly spread and with both ends; says so.
    fn keep_some_panels(&self, groups: &mut Groups) -> Option<String> {
        let mut all: Vec<usize> = groups.keys().map(|(fixed, _)| *fixed).collect();
        all.dedup();
        if all.len() <= MOST_PANELS {
            return None;
        }
        let chosen: Vec<usize> = (0..MOST_PANELS).map(|k| all[k * (all.len() - 1) / (MOST_PANELS - 1)]).collect();
        groups.retain(|(fixed, _), _| chosen.contains(fixed));
        Some(format!("{MOST_PANELS} of {} values of {} are shown, chosen evenly.", all.len(), self.fixed))
    }

    /// The fit from the first to the last of the points.
    fn trend(&self, fit: &Fit, points: &[Point], name: &str) -> Vec<Point> {
        let seconds = number_text::seconds(fit.factor);
        let tip = format!("{name}\nfit: {seconds} · {}^{:.2}", self.word, fit.exponent);
        let end = |point: &Point| Point { x: point.x, y: fit.at(point.x), tip: tip.clone() };
        points.first().into_iter().chain(points.last()).map(end).collect()
    }
}

/// The shape of a network whose hidden layers all have one width.
fn shape(sizes: &[usize]) -> Option<Shaped> {
    let hidden = sizes.get(1..sizes.len().checked_sub(1)?)?;
    let width = *hidden.first()?;
    hidden.iter().all(|size| *size == width).then_some(Shaped { width, depth: hidden.len() })
}

/// The median of each size, from small to large.
fn points(sizes: &BTreeMap<usize, Vec<&CellSummary>>) -> Vec<Point> {
    sizes.iter().filter_map(|(size, cells)| point(*size, cells)).collect()
}

fn point(size: usize, cells: &[&CellSummary]) -> Option<Point> {
    let y = median(cells.iter().filter_map(|cell| cell.total_s).filter(|seconds| *seconds > 0.0))?;
    Some(Point { x: size as f64, y, tip: cells.first().map(|cell| tip(cell))? })
}

/// y ≈ factor · x^exponent.
struct Fit {
    factor: f64,
    exponent: f64,
}

impl Fit {
    /// The least-squares line through (log x, log y).
    fn of(points: &[Point]) -> Option<Self> {
        let logs: Vec<(f64, f64)> = points.iter().map(|point| (point.x.ln(), point.y.ln())).collect();
        let count = logs.len() as f64;
        let mean = |part: fn(&(f64, f64)) -> f64| logs.iter().map(part).sum::<f64>() / count;
        let (mean_x, mean_y) = (mean(|log| log.0), mean(|log| log.1));
        let spread: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let exponent = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
        let factor = (mean_y - exponent * mean_x).exp();
        (exponent.is_finite() && factor.is_finite()).then_some(Self { factor, exponent })
    }

    fn at(&self, x: f64) -> f64 {
        self.factor * x.powf(self.exponent)
    }

    fn exponent_text(&self) -> String {
        // A slope that rounds to zero from below would read −0.0.
        format!("{:.1}", if self.exponent.abs() < 0.05 { 0.0 } else { self.exponent })
    }
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
    fn a_planted_exponent_stands_above_its_panel_and_its_line_is_the_fit() {
        let rows = [8, 16, 64].map(|width| row(width, 2, 1e-5 * (width as f64).powf(2.5)));
        let chart = WIDTH.draw(&Results::new(rows.into(), vec![], vec![], None)).expect("three widths");
        let [fit, points] = &chart.series[..] else { panic!("{:?}", chart.series) };
        assert_eq!((fit.name.as_str(), fit.panel.as_str(), fit.note.as_str()), ("m", "D = 2, p:", "2.5"));
        for (end, point) in fit.points.iter().zip([&points.points[0], &points.points[2]]) {
            assert!(end.x == point.x && (end.y / point.y - 1.0).abs() < 1e-12, "{end:?} {point:?}");
        }
        assert!(fit.points[0].tip.ends_with("fit: 10.0 µs · width^2.50"), "{}", fit.points[0].tip);
        let rows = [2, 3, 9].map(|depth| row(10, depth, 0.1 * depth as f64));
        let chart = DEPTH.draw(&Results::new(rows.into(), vec![], vec![], None)).expect("three depths");
        assert_eq!((chart.series[0].panel.as_str(), chart.series[0].note.as_str()), ("W = 10, p:", "1.0"));
    }

    #[test]
    fn a_panel_holds_the_methods_of_one_width() {
        let depths = |width: usize| [1, 2, 4].map(|depth| row(width, depth, depth as f64));
        let mut rows = [depths(40), depths(5), depths(10)].concat();
        rows.extend(depths(10).map(|row| Record { method: "n".into(), ..row }));
        let chart = DEPTH.draw(&Results::new(rows, vec![], vec![], None)).expect("depths");
        let series: Vec<(&str, &str)> = chart
            .series
            .iter()
            .filter(|series| series.shape == Shape::Points)
            .map(|series| (series.panel.as_str(), series.name.as_str()))
            .collect();
        assert_eq!(series, [("W = 5, p:", "m"), ("W = 10, p:", "m"), ("W = 10, p:", "n"), ("W = 40, p:", "m")]);
    }

    #[test]
    fn of_many_widths_nine_are_shown_with_both_ends_and_the_caption_says_so() {
        let rows = (1..=20).flat_map(|width| [1, 2, 4].map(|depth| row(width, depth, depth as f64)));
        let chart = DEPTH.draw(&Results::new(rows.collect(), vec![], vec![], None)).expect("depths");
        let panel = |series: Option<&Series>| series.map(|series| series.panel.clone()).unwrap_or_default();
        assert_eq!(chart.series.len(), 2 * MOST_PANELS);
        assert_eq!(panel(chart.series.first()), "W = 1, p:");
        assert_eq!(panel(chart.series.last()), "W = 20, p:");
        assert_eq!(chart.notes, ["9 of 20 values of W are shown, chosen evenly."]);
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
