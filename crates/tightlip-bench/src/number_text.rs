//! Numbers as text: as many digits as mean something, the same way in every table.

use crate::published::last_digit;

/// A proved bound of a kind as records name it, rounded to its safe side: upper bounds up, lower bounds down.
pub fn proved_text(kind: &str, value: f64, digits: usize) -> String {
    let text = significant(value, digits);
    let shown: f64 = text.parse().unwrap_or(value);
    let up = if kind == "upper" { 1.0 } else { -1.0 };
    if up * (shown - value) >= 0.0 { text } else { significant(shown + up * last_digit(&text), digits) }
}

/// A proved bound, to the seven digits of tables.
pub fn bound(kind: &str, value: f64) -> String {
    proved_text(kind, value, 7)
}

/// A proved bound of a table, or nothing where there is none.
pub fn proved(kind: &str, value: Option<f64>) -> String {
    cell(value, |value| bound(kind, value))
}

/// What a method claims, to as many digits, rounded to nearest: it is not proved.
pub fn claimed(value: Option<f64>) -> String {
    cell(value, |value| significant(value, 7))
}

/// A number that bounds nothing, and says so.
pub fn estimate(value: Option<f64>) -> String {
    cell(value, |value| format!("{} (no bound)", significant(value, 7)))
}

/// What the numbers of a kind are, beside the method's name.
pub fn kind_words(kind: &str) -> &str {
    if kind == "estimate" { "estimate, no bound" } else { kind }
}

/// A ratio, to six digits: two bounds that agree to 1e-5 read 1.00000.
pub fn ratio(value: f64) -> String {
    significant(value, 6)
}

/// Seconds, to three digits, with their unit.
pub fn seconds(value: f64) -> String {
    if value < 1e-3 {
        format!("{} µs", significant(value * 1e6, 3))
    } else if value < 1.0 {
        format!("{} ms", significant(value * 1e3, 3))
    } else {
        format!("{} s", significant(value, 3))
    }
}

/// Memory, to three digits, with its unit.
pub fn mebibytes(value: f64) -> String {
    format!("{} MiB", significant(value, 3))
}

/// What stands in a table, or nothing where there is none.
pub fn cell(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.filter(|value| value.is_finite()).map(text).unwrap_or_default()
}

/// So many significant digits; powers of ten where zeros would fill the line.
fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounding first: 9.9999996 has one digit before the point more than it seems.
    let scientific = format!("{value:.*e}", digits - 1);
    let (_, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..=9).contains(&exponent) {
        return scientific;
    }
    let before = usize::try_from(exponent).map_or(0, |exponent| exponent + 1);
    let leading = usize::try_from(-exponent).map_or(0, |zeros| zeros.saturating_sub(1));
    let decimals = if exponent < 0 { digits + leading } else { digits.saturating_sub(before) };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_have_seven_digits_wherever_the_point_is() {
        let bound = |value| bound("upper", value);
        assert_eq!(bound(25.135_589_584), "25.13559");
        assert_eq!(bound(0.001_234_567_89), "0.001234568");
        assert_eq!(bound(9.999_999_96), "10.00000");
        assert_eq!(bound(123_456_789.0), "123456789");
        assert_eq!(bound(1.5e12), "1.500000e12");
        assert_eq!(bound(0.0), "0");
    }

    #[test]
    fn what_is_shown_is_still_a_bound() {
        for (upper, text) in [
            (4.000_000_012, "4.000001"),
            (25.135_589_01, "25.13559"),
            (25.135_590_01, "25.13560"),
            (9.999_999_01, "10.00000"),
            (123_456_789.2, "123456790"),
            (1.500_000_1e12, "1.500001e12"),
            (0.002, "0.002000000"),
        ] {
            assert_eq!(bound("upper", upper), text);
        }
        for (lower, text) in
            [(3.999_999_999_7, "3.999999"), (25.135_589_5, "25.13558"), (1.499_999_99e12, "1.499999e12")]
        {
            assert_eq!(bound("lower", lower), text);
        }
        assert_eq!(proved_text("fgl-lower", 44.951_995_632, 9), "44.9519956");
    }

    #[test]
    fn seconds_and_ratios_have_the_digits_that_mean_something() {
        assert_eq!(seconds(0.000_012_34), "12.3 µs");
        assert_eq!(seconds(0.25), "250 ms");
        assert_eq!(seconds(61.25), "61.2 s");
        assert_eq!(ratio(1.000_000_3), "1.00000");
        assert_eq!(mebibytes(64.0), "64.0 MiB");
    }

    #[test]
    fn an_estimate_says_that_it_is_no_bound() {
        assert_eq!(estimate(Some(1.234_567_89)), "1.234568 (no bound)");
        assert_eq!(claimed(Some(1.234_567_89)), "1.234568");
        assert_eq!(kind_words("estimate"), "estimate, no bound");
        assert_eq!(kind_words("fgl-lower"), "fgl-lower");
    }

    #[test]
    fn absent_is_empty() {
        assert_eq!(cell(None, ratio), "");
        assert_eq!((estimate(None), claimed(None), proved("upper", Some(f64::NAN))), Default::default());
        assert_eq!(cell(Some(f64::NAN), ratio), "");
    }
}
