//! A sheet to draw on. The only file that names kuva, the plotting library.

use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

/// Families every system has one of, in the order of the bundled font first.
const FONTS: &str = "DejaVu Sans, Verdana, Liberation Sans, Arial, sans-serif";
/// Mean width of a letter of the bundled font over its size, on the wide side for names in small letters.
const LETTER_WIDTH: f64 = 0.57;

/// What the picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A file: white background.
    Print,
    /// The inside of a page: groups carry attributes, colours of text and background are the page's.
    Page,
}

/// The left end, the middle or the right end of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text and how it is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label<'a> {
    pub text: &'a str,
    pub size: u32,
    pub anchor: Anchor,
    /// Degrees, clockwise.
    pub turn: Option<f64>,
    pub weight: Weight,
}

/// How heavy a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// What a line is drawn with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    pub colour: &'static str,
    pub width: f64,
    /// Lengths of strokes and gaps in turn.
    pub dash: Option<&'static [f64]>,
}

/// What a shape is filled and rimmed with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub fill: &'static str,
    pub rim: &'static str,
}

/// A sheet to draw on; the unit is the pixel of a screen.
#[derive(Debug)]
pub(super) struct Canvas {
    scene: Scene,
    purpose: Purpose,
}

impl Canvas {
    /// An empty sheet.
    pub fn new(width: f64, height: f64, purpose: Purpose) -> Self {
        let background = match purpose {
            Purpose::Print => Some("#ffffff"),
            Purpose::Page => None,
        };
        let mut scene = Scene::new(width, height).with_background(background);
        scene.font_family = Some(FONTS.to_owned());
        Self { scene, purpose }
    }

    /// Estimated width of a text.
    pub fn text_width(text: &str, size: u32) -> f64 {
        text.chars().count() as f64 * f64::from(size) * LETTER_WIDTH
    }

    /// A line through points. Broken lines are broken here: the library starts its dashes anew at every point, so that
    /// lines of many points come out whole.
    pub fn line(&mut self, points: Vec<(f64, f64)>, pen: Pen) {
        let (stroke, stroke_width) = (Color::from(pen.colour), pen.width);
        let Some(lengths) = pen.dash else {
            self.scene.add(Primitive::PolyLine { points, stroke, stroke_width, stroke_dasharray: None });
            return;
        };
        let d = strokes(&points, lengths).iter().map(|stroke| path(stroke)).collect::<Vec<_>>().join(" ");
        let (opacity, stroke_dasharray) = (None, None);
        let path = PathData { d, fill: None, stroke, stroke_width, opacity, stroke_dasharray };
        self.scene.add(Primitive::Path(Box::new(path)));
    }

    /// A disc.
    pub fn disc(&mut self, (cx, cy): (f64, f64), r: f64, paint: Paint) {
        self.scene.add(Primitive::Circle {
            cx,
            cy,
            r,
            fill: Color::from(paint.fill),
            fill_opacity: None,
            stroke: Some(Color::from(paint.rim)),
            stroke_width: Some(1.0),
        });
    }

    /// A filled shape.
    pub fn polygon(&mut self, corners: &[(f64, f64)], paint: Paint) {
        self.scene.add(Primitive::Path(Box::new(PathData {
            d: format!("{} Z", path(corners)),
            fill: Some(Color::from(paint.fill)),
            stroke: Color::from(paint.rim),
            stroke_width: 1.0,
            opacity: None,
            stroke_dasharray: None,
        })));
    }

    /// A text at a place on its baseline.
    pub fn text(&mut self, (x, y): (f64, f64), label: Label) {
        self.scene.add(Primitive::Text {
            x,
            y,
            content: plain(label.text).replace('$', "\\$"),
            size: label.size,
            anchor: match label.anchor {
                Anchor::Start => TextAnchor::Start,
                Anchor::Middle => TextAnchor::Middle,
                Anchor::End => TextAnchor::End,
            },
            rotate: label.turn,
            bold: label.weight == Weight::Bold,
            color: None,
        });
    }

    /// Opens a group with attributes, for the page's script; a no-op in print.
    pub fn open(&mut self, attributes: &[(&str, &str)]) {
        if self.purpose == Purpose::Page {
            let attributes: Vec<String> =
                attributes.iter().map(|(name, value)| format!("{name}=\"{}\"", attribute(value))).collect();
            let extra_attrs = Some(attributes.join(" "));
            self.scene.add(Primitive::GroupStart { transform: None, title: None, extra_attrs });
        }
    }

    /// Closes the group opened last.
    pub fn close(&mut self) {
        if self.purpose == Purpose::Page {
            self.scene.add(Primitive::GroupEnd);
        }
    }

    /// The sheet as SVG that scales with its surroundings.
    pub fn svg(&self) -> String {
        let svg = SvgBackend::new().render_scene(&self.scene);
        let scaling = format!("<svg viewBox=\"0 0 {} {}\" ", self.scene.width, self.scene.height);
        svg.replacen("<svg ", &scaling, 1)
    }

    /// The sheet as PNG.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, String> {
        RasterBackend::new().with_scale(scale).render_scene(&self.scene)
    }
}

/// An SVG path through points.
fn path(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
    format!("M{}", points.join(" L"))
}

/// The strokes of a broken line; `lengths` are those of strokes and gaps in turn.
fn strokes(points: &[(f64, f64)], lengths: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let (mut turn, mut left) = (0, lengths[0]);
    let mut strokes: Vec<Vec<(f64, f64)>> = vec![points.iter().copied().take(1).collect()];
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let corner = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length);
            match strokes.last_mut() {
                Some(stroke) if turn % 2 == 0 => stroke.push(corner),
                _ => strokes.push(vec![corner]),
            }
            turn = (turn + 1) % lengths.len();
            left = lengths[turn];
        }
        left -= length - done;
        if let Some(stroke) = strokes.last_mut().filter(|_| turn % 2 == 0) {
            stroke.push((x1, y1));
        }
    }
    strokes.retain(|stroke| stroke.len() > 1);
    strokes
}

/// Text without control characters, which XML forbids.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A value between double quotes.
fn attribute(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_around_corners() {
        let line = [(0.0, 0.0), (3.0, 0.0), (3.0, 10.0)];
        let wanted =
            [vec![(0.0, 0.0), (3.0, 0.0), (3.0, 1.0)], vec![(3.0, 3.0), (3.0, 7.0)], vec![(3.0, 9.0), (3.0, 10.0)]];
        assert_eq!(strokes(&line, &[4.0, 2.0]), wanted);
    }
}
