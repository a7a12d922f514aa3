//! Numbers as text: as many digits as mean something, the same way in every table.

/// A bound, to seven digits.
pub fn bound(value: f64) -> String {
    significant(value, 7)
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
pub fn cell(value: Option<f64>, text: fn(f64) -> String) -> String {
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
        assert_eq!(bound(25.135_589_584), "25.13559");
        assert_eq!(bound(0.001_234_567_89), "0.001234568");
        assert_eq!(bound(9.999_999_96), "10.00000");
        assert_eq!(bound(123_456_789.0), "123456789");
        assert_eq!(bound(1.5e12), "1.500000e12");
        assert_eq!(bound(0.0), "0");
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
    fn absent_is_empty() {
        assert_eq!(cell(None, bound), "");
        assert_eq!(cell(Some(f64::NAN), bound), "");
    }
}
