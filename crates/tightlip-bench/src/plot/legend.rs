//! The legend below a chart: each name once, in as many columns as the longest allows, long names on several lines.

use super::canvas::{Anchor, Canvas, Pen};
use super::draw::{POINT_SIZE, WIDTH, draw_marker, label};
use super::{Series, Shape, Style};

const TEXT_SIZE: u32 = 17;
const ROW: f64 = 26.0;
/// A further line of one name stands closer than the next name.
const FURTHER_LINE: f64 = 20.0;
const SAMPLE: f64 = 42.0;
const LEFT: f64 = 10.0;

/// What stands below a chart.
pub(super) struct Legend<'c> {
    entries: Vec<Entry<'c>>,
    columns: usize,
}

/// A name with the style and the shape of its first series.
struct Entry<'c> {
    name: &'c str,
    lines: Vec<String>,
    style: Style,
    shape: Shape,
}

impl<'c> Legend<'c> {
    /// The names of these series, each once.
    pub fn of(series: &'c [Series]) -> Self {
        let letter = Canvas::text_width("m", TEXT_SIZE);
        let most = ((WIDTH - SAMPLE - LEFT) / letter) as usize;
        let mut entries: Vec<Entry> = Vec::new();
        for Series { name, style, shape, .. } in series {
            if !entries.iter().any(|entry| entry.name == name) {
                entries.push(Entry { name, lines: wrapped(name, most), style: *style, shape: *shape });
            }
        }
        let lines = entries.iter().flat_map(|entry| &entry.lines);
        let widest = lines.map(|line| Canvas::text_width(line, TEXT_SIZE)).fold(0.0, f64::max);
        let columns = ((WIDTH / (widest + SAMPLE + 12.0)) as usize).clamp(1, 3);
        Self { entries, columns }
    }

    /// The place of a name in the list, by which the page's script finds its series.
    pub fn index(&self, name: &str) -> String {
        self.entries.iter().position(|entry| entry.name == name).unwrap_or(0).to_string()
    }

    /// Room for all rows.
    pub fn height(&self) -> f64 {
        self.entries.chunks(self.columns).map(row_height).sum::<f64>() + 10.0
    }

    /// Draws it below `top`.
    pub fn draw(&self, canvas: &mut Canvas, top: f64) {
        let mut y = top;
        for row in self.entries.chunks(self.columns) {
            for (column, entry) in row.iter().enumerate() {
                entry.draw(canvas, &self.index(entry.name), (LEFT + column as f64 * (WIDTH / self.columns as f64), y));
            }
            y += row_height(row);
        }
    }
}

impl Entry<'_> {
    fn draw(&self, canvas: &mut Canvas, index: &str, (x, y): (f64, f64)) {
        canvas.open(&[("class", "legend"), ("data-series", index), ("data-name", self.name)]);
        if !matches!(self.shape, Shape::Points | Shape::Middles) {
            let pen = Pen { colour: self.style.colour, width: 2.2, dash: self.style.dash.lengths() };
            canvas.line(vec![(x, y - 6.0), (x + 32.0, y - 6.0)], pen);
        }
        draw_marker(canvas, self.style, (x + 16.0, y - 6.0), POINT_SIZE);
        for (line, text) in self.lines.iter().enumerate() {
            canvas.text((x + SAMPLE, y + line as f64 * FURTHER_LINE), label(text, TEXT_SIZE, Anchor::Start));
        }
        canvas.close();
    }
}

fn row_height(row: &[Entry]) -> f64 {
    let lines = row.iter().map(|entry| entry.lines.len()).max().unwrap_or(1);
    ROW + (lines - 1) as f64 * FURTHER_LINE
}

/// A name in lines of at most so many letters, broken before an option or a bracket where there is one.
fn wrapped(name: &str, most: usize) -> Vec<String> {
    let mut letters: Vec<char> = name.chars().collect();
    let mut lines = Vec::new();
    while letters.len() > most {
        let breaks = |place: &usize| matches!(letters[*place], ':' | ' ' | '(');
        // A line of a few letters would look like a name of its own.
        let end = (most / 3..=most).rev().find(breaks).unwrap_or(most);
        lines.push(letters.drain(..end).collect::<String>().trim().to_owned());
    }
    lines.push(letters.into_iter().collect::<String>().trim().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_broken_before_its_options_and_loses_no_letter() {
        assert_eq!(wrapped("method:form=published", 40), ["method:form=published"]);
        assert_eq!(wrapped("method:form=published:merge=none", 24), ["method:form=published", ":merge=none"]);
        assert_eq!(wrapped("method (gap 1e-3)", 12), ["method (gap", "1e-3)"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("", 3), [""]);
    }

    #[test]
    fn series_of_one_name_share_an_entry_and_long_names_need_more_room() {
        let series = |name: &str| Series::new(name, Style::nth(0), Shape::Points, Vec::new());
        let short = [series("a"), series("b"), series("a")];
        let legend = Legend::of(&short);
        assert_eq!((legend.entries.len(), legend.index("b").as_str(), legend.height()), (2, "1", ROW + 10.0));
        let long = [series(&"lipsdp:option=value".repeat(5))];
        assert_eq!(Legend::of(&long).height(), ROW + FURTHER_LINE + 10.0);
    }
}
