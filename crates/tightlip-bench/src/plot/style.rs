//! Colours, markers and dashes that stay apart in print, on a projector and for colour-blind readers.
//!
//! The colours are those of Wong, *Points of view: Color blindness*, Nature Methods 8 (2011) 441, without yellow, which is
//! too pale on white. Colours and markers repeat with different periods, so that 56 series differ in one or the other.

const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222", "#8c8c8c"];
const MARKERS: [Marker; 7] = [
    Marker::Circle,
    Marker::Square,
    Marker::TriangleUp,
    Marker::Diamond,
    Marker::TriangleDown,
    Marker::Cross,
    Marker::Plus,
];
const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::Alternating];

/// How a series looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// `#rrggbb`.
    pub colour: &'static str,
    /// What stands at its points.
    pub marker: Marker,
    /// How its lines are broken.
    pub dash: Dash,
}

/// What stands at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle that stands on a side.
    TriangleUp,
    /// A square that stands on a corner.
    Diamond,
    /// A triangle that stands on a corner.
    TriangleDown,
    /// ×.
    Cross,
    /// +.
    Plus,
}

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    /// Not.
    Solid,
    /// Long dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Both in turn.
    Alternating,
}

impl Style {
    /// The style of the series with this index.
    pub fn nth(index: usize) -> Self {
        Self {
            colour: COLOURS[index % COLOURS.len()],
            marker: MARKERS[index % MARKERS.len()],
            dash: DASHES[index / COLOURS.len() % DASHES.len()],
        }
    }
}

impl Dash {
    /// Lengths of strokes and gaps.
    pub(super) fn lengths(self) -> Option<&'static [f64]> {
        match self {
            Self::Solid => None,
            Self::Dashed => Some(&[9.0, 5.0]),
            Self::Dotted => Some(&[2.5, 4.0]),
            Self::Alternating => Some(&[9.0, 4.0, 2.5, 4.0]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_six_series_differ_in_colour_or_marker() {
        let styles: Vec<Style> = (0..56).map(Style::nth).collect();
        for (index, style) in styles.iter().enumerate() {
            let twin = styles[..index].iter().any(|other| (other.colour, other.marker) == (style.colour, style.marker));
            assert!(!twin, "series {index} looks like an earlier one");
        }
    }
}
