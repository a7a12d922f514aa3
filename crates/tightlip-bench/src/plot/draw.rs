//! The layout of a chart: title, vertical label, plot, ticks, horizontal label, legend, from top to bottom.
//!
//! The plot is one panel or several of the same axes. The vertical label lies flat above its axis, where it is read without turning the head. The legend stands below the
//! plot and never on data. Sizes are for a picture 8.5 cm wide, a column of a journal: 18 units are 6.8 pt there.

use super::canvas::{Anchor, Canvas, Label, Paint, Pen, Purpose, Weight};
use super::legend::Legend;
use super::panels::{self, Frame, Panel};
use super::scale::{Scale, Tick};
use super::style::Marker;
use super::{Axis, Chart, Point, Series, Shape, Spacing, Style};

/// Width of every chart.
pub(super) const WIDTH: f64 = 640.0;
/// Margin at the right.
pub(super) const RIGHT: f64 = 18.0;
/// No text comes nearer to the edge.
const EDGE: f64 = 3.0;
const TITLE_SIZE: u32 = 20;
const LABEL_SIZE: u32 = 18;
const TICK_SIZE: u32 = 17;
/// Where the plots begin, below title and vertical label.
const TOP: f64 = 76.0;
/// Names of categories lean so far: steep enough for 30 of them, flat enough to be read.
const LEAN_DEGREES: f64 = -55.0;
/// A longer name loses its middle: both the family and the seed at its end stay.
const LONGEST_NAME: usize = 26;

const AXIS: Pen = Pen { colour: "#444444", width: 1.4, dash: None };
const GRID: Pen = Pen { colour: "#dddddd", width: 1.0, dash: None };
const FINE_GRID: Pen = Pen { colour: "#eeeeee", width: 0.8, dash: None };
const REFERENCE: Pen = Pen { colour: "#666666", width: 1.4, dash: Some(&[6.0, 4.0]) };

/// More points than this in one series touch each other.
const CROWD: usize = 150;
/// Markers of lines and of the legend.
pub(super) const POINT_SIZE: Size = Size { radius: 5.5, rim: Rim::White };
/// Markers of single points, and beside notes.
pub(super) const SMALL_SIZE: Size = Size { radius: 4.5, rim: Rim::White };
const MIDDLE_SIZE: Size = Size { radius: 11.0, rim: Rim::White };

/// How large a marker is, and whether it stands out from what is below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    radius: f64,
    rim: Rim,
}

/// The edge of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rim {
    White,
    Absent,
}

/// Lays the chart out on a sheet.
pub(super) fn draw(chart: &Chart, purpose: Purpose) -> Canvas {
    let legend = Legend::of(&chart.series);
    let panels = panels::lay_out(chart, left_margin(chart), TOP);
    let bottom = panels.iter().map(|panel| panel.frame.bottom).fold(0.0, f64::max);
    let below = bottom + tick_room(&chart.x) + if chart.x.label.is_empty() { 10.0 } else { 36.0 };
    let mut canvas = Canvas::new(WIDTH, below + legend.height() + 8.0, purpose);
    let title = Label { weight: Weight::Bold, ..label(&chart.title, TITLE_SIZE, Anchor::Start) };
    canvas.text((8.0, 26.0), title);
    canvas.text((8.0, 56.0), label(&chart.y.label, LABEL_SIZE, Anchor::Start));
    for panel in &panels {
        draw_panel(&mut canvas, chart, panel, &legend);
    }
    let left = panels.iter().map(|panel| panel.frame.left).fold(WIDTH, f64::min);
    let middle = f64::midpoint(left, WIDTH - RIGHT);
    canvas.text((middle, below - 12.0), label(&chart.x.label, LABEL_SIZE, Anchor::Middle));
    legend.draw(&mut canvas, below + 18.0);
    canvas
}

/// Heading, axes and series of a panel.
fn draw_panel(canvas: &mut Canvas, chart: &Chart, panel: &Panel, legend: &Legend) {
    let frame = &panel.frame;
    let (x, y) = scales(chart, frame);
    panel.draw_heading(canvas, legend);
    draw_vertical_axis(canvas, panel, &y);
    match &chart.x.spacing {
        Spacing::Categories(categories) => draw_categories(canvas, frame, &x, categories),
        Spacing::Linear | Spacing::Logarithmic => draw_horizontal_axis(canvas, frame, &x),
    }
    for reference in &chart.references {
        let height = y.place(*reference);
        canvas.line(vec![(frame.left, height), (frame.right, height)], REFERENCE);
    }
    for series in &panel.series {
        draw_series(canvas, series, &legend.index(&series.name), (&x, &y));
    }
}

fn scales(chart: &Chart, frame: &Frame) -> (Scale, Scale) {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let x = Scale::around(&chart.x, points().map(|point| point.x), (frame.left, frame.right));
    let heights = points().map(|point| point.y).chain(chart.references.iter().copied());
    (x, Scale::around(&chart.y, heights, (frame.bottom, frame.top)))
}

/// Room for the labels of the vertical axis, and for the first leaning names.
fn left_margin(chart: &Chart) -> f64 {
    let unplaced = Frame { left: 0.0, right: WIDTH, top: 0.0, bottom: WIDTH };
    let (_, y) = scales(chart, &unplaced);
    let widest = y.ticks().iter().map(|tick| Canvas::text_width(&tick.label, TICK_SIZE)).fold(0.0, f64::max);
    let mut left = widest + 20.0;
    if let Spacing::Categories(categories) = &chart.x.spacing {
        let slot = (WIDTH - RIGHT - left) / categories.len() as f64;
        let reach = LEAN_DEGREES.to_radians().cos();
        for (index, name) in categories.iter().enumerate() {
            let width = Canvas::text_width(&shortened(name, LONGEST_NAME), category_size(categories.len())) * reach;
            left = left.max(width - (index as f64 + 0.5) * slot + 8.0);
        }
    }
    left
}

/// Room for the ticks of the horizontal axis and what is written beside them.
pub(super) fn tick_room(axis: &Axis) -> f64 {
    match &axis.spacing {
        Spacing::Categories(categories) => {
            let size = category_size(categories.len());
            let widest = categories
                .iter()
                .map(|name| Canvas::text_width(&shortened(name, LONGEST_NAME), size))
                .fold(0.0, f64::max);
            widest * LEAN_DEGREES.to_radians().sin().abs() + 20.0
        }
        Spacing::Linear | Spacing::Logarithmic => 28.0,
    }
}

/// Names of many categories are smaller.
fn category_size(count: usize) -> u32 {
    if count > 20 { 14 } else { 16 }
}

/// A name of so many letters at most.
pub(super) fn shortened(name: &str, most: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= most {
        return name.to_owned();
    }
    let half = most.saturating_sub(1) / 2;
    let (head, tail) = (&letters[..most - 1 - half], &letters[letters.len() - half..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

/// Panels share their axis: its numbers stand at the first of a row.
fn draw_vertical_axis(canvas: &mut Canvas, Panel { frame, column, .. }: &Panel, scale: &Scale) {
    for value in scale.minor() {
        let y = scale.place(value);
        canvas.line(vec![(frame.left, y), (frame.right, y)], FINE_GRID);
    }
    for tick in scale.ticks() {
        let y = scale.place(tick.value);
        canvas.line(vec![(frame.left, y), (frame.right, y)], GRID);
        if *column == 0 {
            let baseline = y + f64::from(TICK_SIZE) * 0.36;
            canvas.text((frame.left - 10.0, baseline), label(&tick.label, TICK_SIZE, Anchor::End));
        }
    }
    canvas.line(vec![(frame.left, frame.top), (frame.left, frame.bottom)], AXIS);
    canvas.line(vec![(frame.left, frame.bottom), (frame.right, frame.bottom)], AXIS);
}

fn draw_horizontal_axis(canvas: &mut Canvas, frame: &Frame, scale: &Scale) {
    for value in scale.minor() {
        let x = scale.place(value);
        canvas.line(vec![(x, frame.bottom), (x, frame.bottom + 4.0)], AXIS);
    }
    let ticks = scale.ticks();
    let step = label_step(&ticks, scale);
    for (index, tick) in ticks.iter().enumerate() {
        let x = scale.place(tick.value);
        canvas.line(vec![(x, frame.top), (x, frame.bottom)], GRID);
        canvas.line(vec![(x, frame.bottom), (x, frame.bottom + 7.0)], AXIS);
        if index % step == 0 {
            // A number at the very end of the axis moves in rather than out of the picture.
            let middle = x.min(WIDTH - 0.5 * Canvas::text_width(&tick.label, TICK_SIZE) - EDGE);
            canvas.text((middle, frame.bottom + 25.0), label(&tick.label, TICK_SIZE, Anchor::Middle));
        }
    }
}

/// In a narrow panel only every so many numbers have room beside each other.
fn label_step(ticks: &[Tick], scale: &Scale) -> usize {
    let half = |tick: &Tick| 0.5 * Canvas::text_width(&tick.label, TICK_SIZE);
    let apart =
        |one: &Tick, next: &Tick| scale.place(next.value) - scale.place(one.value) >= half(one) + half(next) + EDGE;
    let fits = |step: &usize| {
        let shown: Vec<&Tick> = ticks.iter().step_by(*step).collect();
        shown.windows(2).all(|pair| apart(pair[0], pair[1]))
    };
    (1..ticks.len()).find(fits).unwrap_or(ticks.len().max(1))
}

fn draw_categories(canvas: &mut Canvas, frame: &Frame, scale: &Scale, categories: &[String]) {
    for (index, name) in categories.iter().enumerate() {
        let (x, y) = (scale.place(index as f64), frame.bottom);
        canvas.line(vec![(x, frame.top), (x, y)], FINE_GRID);
        canvas.line(vec![(x, y), (x, y + 6.0)], AXIS);
        let name = shortened(name, LONGEST_NAME);
        let size = category_size(categories.len());
        canvas.text((x + 6.0, y + 18.0), Label { turn: Some(LEAN_DEGREES), ..label(&name, size, Anchor::End) });
    }
}

fn draw_series(canvas: &mut Canvas, series: &Series, index: &str, (x, y): (&Scale, &Scale)) {
    canvas.open(&[("class", "series"), ("data-series", index)]);
    let places: Vec<(f64, f64)> = series.points.iter().map(|point| (x.place(point.x), y.place(point.y))).collect();
    let path = match series.shape {
        Shape::Points | Shape::Middles => Vec::new(),
        Shape::Line | Shape::Trend => places.clone(),
        Shape::Steps => stairs(&places),
    };
    if path.len() > 1 {
        let tip = series.points.first().map_or("", |point| &point.tip);
        let width = if series.shape == Shape::Trend { 1.4 } else { 2.2 };
        canvas.open(&[("class", "curve"), ("data-tip", tip)]);
        canvas.line(path, Pen { colour: series.style.colour, width, dash: series.style.dash.lengths() });
        canvas.close();
    }
    draw_markers(canvas, series, &places);
    canvas.close();
}

fn draw_markers(canvas: &mut Canvas, series: &Series, places: &[(f64, f64)]) {
    let last = places.len().saturating_sub(1);
    for (index, (Point { tip, .. }, place)) in series.points.iter().zip(places).enumerate() {
        let size = match series.shape {
            Shape::Middles => MIDDLE_SIZE,
            Shape::Points if places.len() > CROWD => Size { radius: 3.0, rim: Rim::Absent },
            Shape::Points => SMALL_SIZE,
            // Colours alone do not tell lines apart; markers at the ends do.
            Shape::Line | Shape::Steps if index == 0 || index == last => POINT_SIZE,
            Shape::Line | Shape::Steps | Shape::Trend => continue,
        };
        canvas.open(&[("class", "point"), ("data-tip", tip)]);
        draw_marker(canvas, series.style, *place, size);
        canvas.close();
    }
}

/// The corners of a line that keeps its height until the next point.
fn stairs(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in places {
        if let Some(&(_, height)) = corners.last() {
            corners.push((x, height));
        }
        corners.push((x, y));
    }
    corners
}

/// A marker at a place.
pub(super) fn draw_marker(canvas: &mut Canvas, style: Style, (x, y): (f64, f64), size: Size) {
    let r = size.radius;
    // A white rim keeps neighbours apart; in a crowd it would be all that is seen.
    let rim = if size.rim == Rim::White { "#ffffff" } else { style.colour };
    let paint = Paint { fill: style.colour, rim };
    let mut polygon = |corners: &[(f64, f64)]| {
        let corners: Vec<(f64, f64)> = corners.iter().map(|(dx, dy)| (x + r * dx, y + r * dy)).collect();
        canvas.polygon(&corners, paint);
    };
    match style.marker {
        Marker::Circle => canvas.disc((x, y), r, paint),
        Marker::Square => polygon(&[(-0.95, -0.95), (0.95, -0.95), (0.95, 0.95), (-0.95, 0.95)]),
        Marker::TriangleUp => polygon(&[(0.0, -1.25), (1.15, 0.85), (-1.15, 0.85)]),
        Marker::TriangleDown => polygon(&[(0.0, 1.25), (1.15, -0.85), (-1.15, -0.85)]),
        Marker::Diamond => polygon(&[(0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)]),
        Marker::Plus => polygon(&PLUS),
        Marker::Cross => {
            let turned = PLUS.map(|(dx, dy)| ((dx - dy) * 0.75, (dx + dy) * 0.75));
            polygon(&turned);
        }
    }
}

/// A fat +.
const PLUS: [(f64, f64); 12] = [
    (-0.4, -1.3),
    (0.4, -1.3),
    (0.4, -0.4),
    (1.3, -0.4),
    (1.3, 0.4),
    (0.4, 0.4),
    (0.4, 1.3),
    (-0.4, 1.3),
    (-0.4, 0.4),
    (-1.3, 0.4),
    (-1.3, -0.4),
    (-0.4, -0.4),
];

/// A text in regular weight, not turned.
pub(super) fn label(text: &str, size: u32, anchor: Anchor) -> Label<'_> {
    Label { text, size, anchor, turn: None, weight: Weight::Regular }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        assert_eq!(shortened("iris_4-5-3_relu_std", LONGEST_NAME), "iris_4-5-3_relu_std");
        let short = shortened("random 784-1024x8-10 softplus seed 17", LONGEST_NAME);
        assert_eq!(short, "random 784-10…plus seed 17");
        assert_eq!(short.chars().count(), LONGEST_NAME);
    }

    #[test]
    fn numbers_of_a_narrow_axis_leave_room_between_each_other() {
        let step = |width: f64| {
            let scale = Scale::around(&Axis::logarithmic(""), [1e-3, 10.0].into_iter(), (0.0, width));
            label_step(&scale.ticks(), &scale)
        };
        assert_eq!([500.0, 150.0, 20.0].map(step), [1, 2, 5]);
    }

    #[test]
    fn stairs_keep_their_height_until_the_next_point() {
        assert_eq!(stairs(&[(0.0, 1.0), (2.0, 3.0)]), [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0)]);
    }
}
