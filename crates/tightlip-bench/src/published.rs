//! Verdicts on published numbers.
//!
//! A number printed as 36.482 stands for everything within half a unit of its last digit. It is *not a bound* if all of that
//! is below a proved lower bound, *reproduced* if our proved bound is within it and our own tolerance, and *differs*
//! otherwise.

use std::collections::BTreeMap;

use crate::record::{Question, Record, Verdict};

/// What rounding and proving may add to our own number, relative.
const ROUNDING: f64 = 1e-6;

/// What to say about a published number: `None` for rows without one, and where the base of a ratio is missing. `lower` is the
/// best proved lower bound of what it claims to bound.
pub(crate) fn verdict(record: &Record, lower: Option<f64>, bases: &Bases) -> Option<Verdict> {
    let published = record.published.as_deref()?;
    let value: f64 = published.parse().ok()?;
    let base = match &record.published_relative_to {
        Some(method) => *bases.get(&(record.question(), method.clone()))?,
        None => 1.0,
    };
    let half_width = base * record.published_half_width.unwrap_or(0.5 * last_digit(published));
    let value = base * value;
    // A number that was rounded down in its last digit is no crime.
    if lower.is_some_and(|lower| value + half_width < lower) {
        return Some(Verdict::NotABound);
    }
    // A number that never was a bound is compared with ours of the same kind.
    let estimate = record.claimed.filter(|_| record.kind == "estimate");
    let Some(proved) = record.upper().or(estimate) else { return Some(Verdict::NotRecreated) };
    // Ours may be above the optimum by the tolerance, and never below it.
    let above = half_width + (record.tolerance + ROUNDING) * proved;
    let agrees = proved - value <= above && value - proved <= half_width + ROUNDING * proved;
    Some(if agrees { Verdict::Reproduced } else { Verdict::Differs })
}

/// The best proved bound of each method for each question.
pub(crate) type Bases = BTreeMap<(Question, String), f64>;

pub(crate) fn bases(records: &[Record]) -> Bases {
    let mut bases = Bases::new();
    for record in records {
        let Some(upper) = record.upper() else { continue };
        let base = bases.entry((record.question(), record.method.clone())).or_insert(upper);
        *base = base.min(upper);
    }
    bases
}

/// One unit of the last digit of a decimal number: 0.001 for `36.482`, 1e-5 for `1.2e-4`.
pub(crate) fn last_digit(number: &str) -> f64 {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let exponent: i32 = exponent.parse().unwrap_or(0);
    10.0_f64.powi(exponent - i32::try_from(decimals).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(number: &str, proved: Option<f64>) -> Record {
        Record { published: Some(number.to_owned()), proved, ..Record::example() }
    }

    #[test]
    fn the_last_digit_is_that_of_the_text() {
        for (text, unit) in
            [("36.482", 1e-3), ("12", 1.0), ("1.2e-4", 1e-5), ("4.2E3", 100.0), ("0.8090351972788797", 1e-16)]
        {
            assert!((last_digit(text) / unit - 1.0).abs() < 1e-12, "{text}");
        }
    }

    #[test]
    fn a_number_is_reproduced_to_the_digits_published_and_no_further() {
        let judge = |number, proved| verdict(&published(number, Some(proved)), Some(30.0), &Bases::new());
        assert_eq!(judge("36.482", 36.482_23), Some(Verdict::Reproduced));
        assert_eq!(judge("36.482", 36.4832), Some(Verdict::Differs));
        assert_eq!(judge("36.48223", 36.4828), Some(Verdict::Differs));
        assert_eq!(judge("36.482", 36.4812), Some(Verdict::Differs));
    }

    #[test]
    fn a_number_below_a_proved_lower_bound_is_no_bound_whoever_made_it() {
        let judge = |number, proved| verdict(&published(number, proved), Some(16.0312), &Bases::new());
        assert_eq!(judge("14.7646", None), Some(Verdict::NotABound));
        assert_eq!(judge("14.7646", Some(16.5)), Some(Verdict::NotABound));
        assert_eq!(judge("17.0", None), Some(Verdict::NotRecreated));
        // Rounded to nearest: 16.031 stands for everything up to 16.0315.
        assert_eq!(judge("16.031", None), Some(Verdict::NotRecreated));
    }

    #[test]
    fn a_ratio_is_one_to_the_bound_of_another_method() {
        let base = Record { proved: Some(0.875), ..Record::example() };
        let half = Record {
            method: "CP-Lip as coded".to_owned(),
            kind: "published".to_owned(),
            published_relative_to: Some("norm-product".to_owned()),
            published_half_width: Some(0.005),
            ..published("0.46", None)
        };
        let bases = bases(&[base, half.clone()]);
        assert_eq!(verdict(&half, Some(0.737), &bases), Some(Verdict::NotABound));
        assert_eq!(verdict(&half, Some(0.406), &bases), Some(Verdict::NotRecreated));
        assert_eq!(verdict(&half, Some(0.406), &Bases::new()), None);
    }
}
