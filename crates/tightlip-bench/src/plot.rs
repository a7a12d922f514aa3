//! Charts without a display: SVG for papers, PNG for pages, and an SVG that the script of `report.html` brings to life.
//!
//! A [`Chart`] says what is shown and nothing of how: figures build charts, [`draw`] lays them out, and [`canvas`] is the
//! only file that names the plotting library. Its own axes are not used: a ratio between 1.00 and 1.08 needs ticks inside
//! a decade of a logarithmic axis, long network names need room, and lines need markers in the legend.

mod canvas;
mod draw;
mod legend;
mod panels;
mod scale;
mod style;

pub use style::Style;

/// Above this many points a chart is thinned, lest pages grow to megabytes that show one blot.
const POINT_LIMIT: usize = 2000;
/// Pixels of a PNG for each unit of a chart's width: 640 units make 1600 pixels.
const PNG_SCALE: f32 = 2.5;

/// One picture: axes and series.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The line above the picture.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first below the others.
    pub series: Vec<Series>,
    /// Heights of dashed horizontal lines.
    pub references: Vec<f64>,
    /// What the caption has to add for this very picture.
    pub notes: Vec<String>,
}

/// An axis and its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// How values become places.
    pub spacing: Spacing,
}

/// How values become places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spacing {
    /// Equal differences are equal lengths.
    Linear,
    /// Equal ratios are equal lengths; values that are not positive are left out.
    Logarithmic,
    /// Named places at 0, 1, 2, …
    Categories(Vec<String>),
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend; series of one name share an entry.
    pub name: String,
    /// Colour, marker and dashes.
    pub style: Style,
    /// What is drawn at and between the points.
    pub shape: Shape,
    /// The points, in the order in which a line visits them.
    pub points: Vec<Point>,
    /// Name of the panel it stands in; series of one name share a panel, in a chart of one panel it may be empty.
    pub panel: String,
    /// A word about this series above its panel, after its marker; may be empty.
    pub note: String,
}

/// What is drawn at and between points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A marker at each.
    Points,
    /// A large marker at each: the middle of others.
    Middles,
    /// A line with a marker at its ends.
    Line,
    /// A line that keeps its height until the next point.
    Steps,
    /// A thin line without markers: what others are compared with.
    Trend,
}

/// One point and what is said when it is pointed at.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Place on the horizontal axis.
    pub x: f64,
    /// Place on the vertical axis.
    pub y: f64,
    /// Lines of text.
    pub tip: String,
}

impl Axis {
    /// A logarithmic axis.
    pub fn logarithmic(label: impl Into<String>) -> Self {
        Self { label: label.into(), spacing: Spacing::Logarithmic }
    }

    /// A linear axis.
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), spacing: Spacing::Linear }
    }

    /// Whether a value has a place on it.
    fn holds(&self, value: f64) -> bool {
        value.is_finite() && (self.spacing != Spacing::Logarithmic || value > 0.0)
    }
}

impl Series {
    /// A series in a chart of one panel.
    pub fn new(name: impl Into<String>, style: Style, shape: Shape, points: Vec<Point>) -> Self {
        Self { name: name.into(), style, shape, points, panel: String::new(), note: String::new() }
    }
}

impl Chart {
    /// A chart without series.
    pub fn new(title: &str, x: Axis, y: Axis) -> Self {
        Self { title: title.to_owned(), x, y, series: Vec::new(), references: Vec::new(), notes: Vec::new() }
    }

    /// The chart as it can be drawn: points without a place left out, crowds thinned, series that became empty dropped.
    /// Nothing, if nothing is left.
    pub fn drawable(mut self) -> Option<Self> {
        let (x, y) = (&self.x, &self.y);
        for series in &mut self.series {
            series.points.retain(|point| x.holds(point.x) && y.holds(point.y));
        }
        self.series.retain(|series| !series.points.is_empty());
        self.thin();
        (!self.series.is_empty()).then_some(self)
    }

    /// Keeps every n-th point of each series, the first and the last always: the same points for the same run.
    fn thin(&mut self) {
        let total: usize = self.series.iter().map(|series| series.points.len()).sum();
        if total <= POINT_LIMIT {
            return;
        }
        let step = total.div_ceil(POINT_LIMIT);
        for series in &mut self.series {
            let last = series.points.len() - 1;
            let mut index = 0;
            series.points.retain(|_| {
                index += 1;
                (index - 1) % step == 0 || index - 1 == last
            });
        }
        let kept: usize = self.series.iter().map(|series| series.points.len()).sum();
        self.notes.push(format!("{kept} of {total} points are drawn, every {step}th of each series."));
    }

    /// A picture for papers and web pages.
    pub fn static_svg(&self) -> String {
        draw::draw(self, canvas::Purpose::Print).svg()
    }

    /// A picture 1600 pixels wide.
    ///
    /// # Errors
    /// The words of the library, if it cannot draw it.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        draw::draw(self, canvas::Purpose::Print).png(PNG_SCALE)
    }

    /// A picture for the inside of a page: every point carries `data-tip`, every series and legend entry `data-series`.
    /// It has no script, no style and no background of its own.
    pub fn interactive_svg(&self) -> String {
        draw::draw(self, canvas::Purpose::Page).svg()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: usize) -> Chart {
        let mut chart = Chart::new("Title", Axis::logarithmic("x in s"), Axis::logarithmic("y"));
        let points =
            (1..=points).map(|k| Point { x: k as f64, y: 1.0 + k as f64, tip: format!("point {k}") }).collect();
        chart.series.push(Series::new("one", Style::nth(0), Shape::Points, points));
        chart
    }

    #[test]
    fn points_without_a_place_are_left_out_and_nothing_is_no_chart() {
        let mut planted = chart(3);
        planted.series[0].points[0].x = 0.0;
        planted.series[0].points[1].y = f64::NAN;
        let drawn = planted.clone().drawable().expect("one point is left");
        assert_eq!(drawn.series[0].points.len(), 1);
        planted.series[0].points[2].y = f64::INFINITY;
        assert_eq!(planted.drawable(), None);
    }

    #[test]
    fn a_crowd_is_thinned_the_same_way_each_time_and_says_so() {
        let drawn = chart(5001).drawable().expect("points");
        assert_eq!(drawn.series[0].points.len(), 1668);
        assert_eq!(drawn.series[0].points.last().map(|point| point.x), Some(5001.0));
        assert_eq!(drawn.notes, ["1668 of 5001 points are drawn, every 3th of each series."]);
        assert_eq!(drawn, chart(5001).drawable().expect("points"));
        assert!(chart(2000).drawable().expect("points").notes.is_empty());
    }

    #[test]
    fn every_form_of_a_chart_is_drawn_and_says_no_number_that_is_none() {
        let drawn = chart(1).drawable().expect("one point");
        let (plain, live) = (drawn.static_svg(), drawn.interactive_svg());
        assert!(drawn.png().expect("a picture").starts_with(b"\x89PNG"));
        assert!(live.contains("data-tip=\"point 1\"") && live.contains("data-series=\"0\""));
        assert!(!plain.contains("data-tip"));
        assert!(!plain.contains("NaN") && !live.contains("NaN") && !live.contains("inf"));
    }

    /// Places of the texts that say exactly this.
    fn places(svg: &str, text: &str) -> Vec<(f64, f64)> {
        let number = |tag: &str, name: &str| -> f64 {
            let rest = tag.split(&format!(" {name}=\"")).nth(1).expect("an attribute");
            rest.split('"').next().and_then(|number| number.parse().ok()).expect("a number")
        };
        let found = svg.split("<text").filter(|part| part.contains(&format!(">{text}<")));
        found.map(|part| (number(part, "x"), number(part, "y"))).collect()
    }

    #[test]
    fn panels_stand_beside_and_below_each_other_with_names_notes_and_one_legend() {
        let mut planted = chart(3);
        let one = planted.series.remove(0);
        for panel in ["A", "B", "C"] {
            planted.series.push(Series { panel: panel.into(), note: format!("note of {panel}"), ..one.clone() });
        }
        let svg = planted.drawable().expect("points").static_svg();
        let at = |text: &str| places(&svg, text)[..].first().copied().expect("a text");
        let [a, b, c] = ["A", "B", "C"].map(at);
        assert!(a.1 == b.1 && a.0 < b.0 && a.0 == c.0 && a.1 < c.1, "{a:?} {b:?} {c:?}");
        let note = at("note of B");
        assert!(note.1 == b.1 && note.0 > b.0, "beside the name: {note:?} {b:?}");
        assert_eq!(places(&svg, "one").len(), 1, "one entry of the legend");
        assert_eq!((places(&svg, "x in s").len(), places(&svg, "y").len()), (1, 1));
    }

    #[test]
    fn hostile_names_stay_text() {
        let mut planted = chart(2);
        planted.series[0].name = "<script>alert(1)</script>\"'&$x^2$\u{1}".into();
        planted.series[0].points[0].tip = "\"><script>alert(2)</script>".into();
        let live = planted.drawable().expect("points").interactive_svg();
        assert!(!live.contains("<script") && live.contains("data-tip=\"&quot;&gt;&lt;script"), "{live}");
        assert!(live.contains("$x^2$") && !live.contains('\u{1}'), "{live}");
    }
}
