//! From values to places: the range of an axis, its ticks and their labels.

use super::{Axis, Spacing};

/// More labels than this crowd an axis.
const MOST_TICKS: usize = 7;
/// Fewer leave the reader without a measure.
const FEWEST_TICKS: usize = 3;
/// Part of the axis left free beyond the outermost values.
const MARGIN: f64 = 0.05;

/// An axis laid on pixels.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start_px: f64,
    end_px: f64,
    logarithmic: bool,
}

/// A place with a label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

impl Scale {
    /// The range of the axis that holds all values with a margin, from `start_px` to `end_px`.
    pub fn around(axis: &Axis, values: impl Iterator<Item = f64>, (start_px, end_px): (f64, f64)) -> Self {
        let logarithmic = axis.spacing == Spacing::Logarithmic;
        let (low, high) = match &axis.spacing {
            Spacing::Categories(names) => (-0.5, names.len() as f64 - 0.5),
            Spacing::Linear => widened(extent(values), 0.5),
            // Half a step of a logarithmic axis with one value: a factor of 1.2 either way.
            Spacing::Logarithmic => widened(extent(values.map(f64::log10)), 0.08),
        };
        Self { low, high, start_px, end_px, logarithmic }
    }

    /// The pixel of a value.
    pub fn place(&self, value: f64) -> f64 {
        let inner = if self.logarithmic { value.log10() } else { value };
        self.start_px + (inner - self.low) / (self.high - self.low) * (self.end_px - self.start_px)
    }

    /// Labelled places, from low to high.
    pub fn ticks(&self) -> Vec<Tick> {
        let values = if self.logarithmic { self.logarithmic_values() } else { even_values(self.low, self.high) };
        let step = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        // One axis has one notation.
        let powers = values.iter().any(|value| *value != 0.0 && !(1e-3..1e5).contains(&(value.abs() * (1.0 + 1e-9))));
        let label = |value: f64| if powers { power_label(value) } else { plain_label(value, step) };
        values.into_iter().map(|value| Tick { value, label: label(value) }).collect()
    }

    /// Places between labelled decades.
    pub fn minor(&self) -> Vec<f64> {
        if !self.logarithmic || self.high - self.low > MOST_TICKS as f64 {
            return Vec::new();
        }
        self.multiples(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    }

    /// The coarsest of a few ladders that has enough rungs, or even steps where less than an octave is shown.
    fn logarithmic_values(&self) -> Vec<f64> {
        let decades = self.multiples(&[1.0]);
        if decades.len() > MOST_TICKS {
            let step = decades.len().div_ceil(MOST_TICKS);
            return decades.into_iter().step_by(step).collect();
        }
        let ladders: [&[f64]; 3] = [&[1.0], &[1.0, 3.0], &[1.0, 2.0, 5.0]];
        for ladder in ladders {
            let values = self.multiples(ladder);
            if (FEWEST_TICKS..=MOST_TICKS).contains(&values.len()) {
                return values;
            }
        }
        even_values(10f64.powf(self.low), 10f64.powf(self.high))
    }

    /// Multiples of powers of ten inside the range.
    fn multiples(&self, factors: &[f64]) -> Vec<f64> {
        let mut values = Vec::new();
        for exponent in self.low.floor() as i32..=self.high.ceil() as i32 {
            values.extend(factors.iter().map(|factor| factor * 10f64.powi(exponent)));
        }
        values.retain(|value| (self.low..=self.high).contains(&value.log10()));
        values
    }
}

/// The least and the greatest value.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// A range with a margin, and with a width where there was none.
fn widened((low, high): (f64, f64), least: f64) -> (f64, f64) {
    let missing = (2.0 * least - (high - low)).max(0.0) / 2.0;
    let margin = (high - low) * MARGIN;
    (low - missing.max(margin), high + missing.max(margin))
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn even_values(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / (MOST_TICKS - 1) as f64;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|factor| factor * decade).find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * decade);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|multiple| multiple as f64 * step).collect()
}

/// A multiple of a power of ten.
fn power_label(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let power = (value.abs().log10() + 1e-9).floor() as i32;
    let factor = value / 10f64.powi(power);
    let ten = format!("10{}", superscript(power));
    if (factor - 1.0).abs() < 1e-6 { ten } else { format!("{}·{ten}", trimmed(factor, 2)) }
}

/// The number with the digits that tell it from its neighbours.
fn plain_label(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = if step.is_finite() && step > 0.0 { (-step.log10()).ceil().clamp(0.0, 9.0) as usize } else { 0 };
    let own = (-value.abs().log10()).ceil().clamp(0.0, 9.0) as usize;
    trimmed(value, decimals.max(own))
}

/// Fixed decimals without trailing zeros.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn superscript(number: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |letter: char| letter.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]);
    number.to_string().chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        let scale = Scale::around(axis, values.iter().copied(), (0.0, 100.0));
        scale.ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn a_logarithmic_axis_has_labels_for_ten_decades_one_decade_and_a_twentieth() {
        let axis = Axis::logarithmic("");
        assert_eq!(labels(&axis, &[1e-9, 1e2]), ["10⁻⁹", "10⁻⁷", "10⁻⁵", "10⁻³", "10⁻¹", "10¹"]);
        assert_eq!(labels(&axis, &[1.0, 100.0]), ["1", "10", "100"]);
        assert_eq!(labels(&axis, &[1.0, 10.0]), ["1", "3", "10"]);
        assert_eq!(labels(&axis, &[1.0, 1.4]), ["1", "1.1", "1.2", "1.3", "1.4"]);
    }

    #[test]
    fn places_are_equal_for_equal_ratios_and_a_single_value_stands_in_the_middle() {
        let axis = Axis::logarithmic("");
        let scale = Scale::around(&axis, [1.0, 100.0].into_iter(), (0.0, 110.0));
        assert!((scale.place(1.0) - 5.0).abs() < 1e-9 && (scale.place(10.0) - 55.0).abs() < 1e-9);
        for axis in [Axis::linear(""), axis] {
            let scale = Scale::around(&axis, [7.0].into_iter(), (0.0, 100.0));
            assert!((scale.place(7.0) - 50.0).abs() < 1e-9 && scale.ticks().len() >= 2, "{axis:?} {:?}", scale.ticks());
        }
    }

    #[test]
    fn labels_tell_neighbours_apart() {
        assert_eq!(plain_label(0.05, 0.01), "0.05");
        assert_eq!(plain_label(1.05, 0.05), "1.05");
        assert_eq!(power_label(2e6), "2·10⁶");
        assert_eq!(plain_label(1000.0, 900.0), "1000");
        assert_eq!(power_label(1e-4), "10⁻⁴");
    }
}
