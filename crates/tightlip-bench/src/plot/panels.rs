//! Small multiples: where the panels of a chart lie on its sheet, and what stands above each.
//!
//! All panels have the same axes, so that a height means the same everywhere. Above a panel stand its name and the notes
//! of its series, each after the marker of its series.

use super::canvas::{Anchor, Canvas, Label, Weight};
use super::draw::{RIGHT, SMALL_SIZE, WIDTH, draw_marker, label, shortened, tick_room};
use super::legend::Legend;
use super::{Chart, Series};

const TEXT_SIZE: u32 = 17;
/// Names that do not fit at this size lose their middle.
const LEAST_NAME_SIZE: u32 = 12;
const LINE: f64 = 24.0;
/// Between columns.
const GUTTER: f64 = 22.0;
/// Room of a marker before its note.
const SAMPLE: f64 = 16.0;
/// Between notes.
const GAP: f64 = 12.0;

/// Where a plot lies on the sheet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// A plot with the series that belong into it.
pub(super) struct Panel<'c> {
    pub frame: Frame,
    pub column: usize,
    pub series: Vec<&'c Series>,
    heading: Vec<Item<'c>>,
}

/// Something above a panel, and how far right and down from the panel's corner.
struct Item<'c> {
    words: Words<'c>,
    x: f64,
    line: usize,
}

enum Words<'c> {
    Name(String, u32),
    Note(&'c Series),
}

/// Lays the panels out below `top`, the left margin being that of the first column.
pub(super) fn lay_out(chart: &Chart, left: f64, top: f64) -> Vec<Panel<'_>> {
    let names = names(&chart.series);
    let (columns, height) = match names.len() {
        0 | 1 => (1, 380.0),
        2..=4 => (2, 240.0),
        _ => (3, 190.0),
    };
    let width = (WIDTH - RIGHT - left - GUTTER * (columns - 1) as f64) / columns as f64;
    let size = name_size(&names, width);
    let mut panels: Vec<Panel> = Vec::new();
    let mut corner = top;
    for row in names.chunks(columns) {
        let headings: Vec<Vec<Item>> = row.iter().map(|name| heading(&chart.series, (*name, size), width)).collect();
        let lines = headings.iter().flatten().map(|item| item.line + 1).max().unwrap_or(0);
        let start = corner + lines as f64 * LINE;
        for (column, (name, heading)) in row.iter().zip(headings).enumerate() {
            let left = left + column as f64 * (width + GUTTER);
            let frame = Frame { left, right: left + width, top: start, bottom: start + height };
            let series = chart.series.iter().filter(|series| series.panel == *name).collect();
            panels.push(Panel { frame, column, series, heading });
        }
        corner = start + height + tick_room(&chart.x) + GAP;
    }
    panels
}

impl Panel<'_> {
    /// Draws what stands above the plot.
    pub fn draw_heading(&self, canvas: &mut Canvas, legend: &Legend) {
        let lines = self.heading.iter().map(|item| item.line + 1).max().unwrap_or(0);
        for item in &self.heading {
            let x = self.frame.left + item.x;
            let y = self.frame.top - 10.0 - (lines - 1 - item.line) as f64 * LINE;
            match &item.words {
                Words::Name(name, size) => {
                    canvas.text((x, y), Label { weight: Weight::Bold, ..label(name, *size, Anchor::Start) });
                }
                Words::Note(series) => {
                    canvas.open(&[("class", "series"), ("data-series", &legend.index(&series.name))]);
                    draw_marker(canvas, series.style, (x + 5.0, y - 6.0), SMALL_SIZE);
                    canvas.text((x + SAMPLE, y), label(&series.note, TEXT_SIZE, Anchor::Start));
                    canvas.close();
                }
            }
        }
    }
}

/// The panels' names in their order, each once; one without a name where there are no series.
fn names(series: &[Series]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for series in series {
        if !names.contains(&series.panel.as_str()) {
            names.push(&series.panel);
        }
    }
    if names.is_empty() { vec![""] } else { names }
}

/// The largest size at which every name is as wide as its panel at most.
fn name_size(names: &[&str], width: f64) -> u32 {
    let fits = |size: &u32| names.iter().all(|name| Canvas::text_width(name, *size) <= width);
    (LEAST_NAME_SIZE..=TEXT_SIZE).rev().find(fits).unwrap_or(LEAST_NAME_SIZE)
}

/// As much of a name as its panel has room for.
fn fitted(name: &str, size: u32, width: f64) -> String {
    let mut texts = (1..=name.chars().count()).rev().map(|most| shortened(name, most));
    texts.find(|text| Canvas::text_width(text, size) <= width).unwrap_or_default()
}

/// Name and notes of a panel, in lines as wide as the panel.
fn heading<'c>(series: &'c [Series], (name, size): (&str, u32), width: f64) -> Vec<Item<'c>> {
    let noted = series.iter().filter(|series| series.panel == name && !series.note.is_empty());
    let name = Some(name).filter(|name| !name.is_empty()).map(|name| Words::Name(fitted(name, size, width), size));
    let (mut x, mut line) = (0.0, 0);
    let mut items = Vec::new();
    for words in name.into_iter().chain(noted.map(Words::Note)) {
        let room = match &words {
            Words::Name(name, size) => Canvas::text_width(name, *size),
            Words::Note(series) => SAMPLE + Canvas::text_width(&series.note, TEXT_SIZE),
        };
        if x > 0.0 && x + room > width {
            (x, line) = (0.0, line + 1);
        }
        items.push(Item { words, x, line });
        x += room + GAP;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_panels_shrink_together_and_lose_their_middle_where_that_is_not_enough() {
        let width = Canvas::text_width("random 64-64-10", TEXT_SIZE);
        assert_eq!(name_size(&["a", "random 64-64-10"], width), TEXT_SIZE);
        let size = name_size(&["a", "random 64-128-10"], width);
        assert!((LEAST_NAME_SIZE..TEXT_SIZE).contains(&size), "{size}");
        assert_eq!(fitted("random 64-128-10", size, width), "random 64-128-10");
        let long = "random 784-1024x8-10 ℓ∞→ℓ1, output 0-1";
        assert_eq!(name_size(&[long], width), LEAST_NAME_SIZE);
        let text = fitted(long, LEAST_NAME_SIZE, width);
        assert!(text.starts_with("random") && text.contains('…') && text.ends_with("0-1"), "{text}");
        assert!(Canvas::text_width(&text, LEAST_NAME_SIZE) <= width);
    }
}
