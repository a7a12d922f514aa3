//! A product of many non-negative numbers, rounded up, whose parts may leave the range of floating point.
//!
//! Norms of 200 layers, all 1e3 first and all 1e-3 then, have the product 1 and pass 1e300 on the way: the exponent is
//! kept apart. Scaling by powers of two is exact, so the value is that of a plain product wherever that stays in range.

use crate::ball::dyadic::power_of_two;
use crate::directed::mul_up;

/// An upper bound of a product, `mantissa · 2^exponent`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScaledProduct {
    /// In `[1, 2)`, or 0, or not finite.
    mantissa: f64,
    exponent: i64,
}

impl ScaledProduct {
    /// The product of no factors.
    pub(crate) const ONE: Self = Self { mantissa: 1.0, exponent: 0 };

    /// Multiplies by a factor `≥ 0`, rounded up.
    pub(crate) fn multiply(&mut self, factor: f64) {
        let (mantissa, exponent) = split(factor);
        let (mantissa, carry) = split(mul_up(self.mantissa, mantissa));
        *self = Self { mantissa, exponent: self.exponent + exponent + carry };
    }

    /// The product, rounded up: the smallest float where it underflows, infinite where it overflows.
    pub(crate) fn value(self) -> f64 {
        /// Exponents of normal doubles.
        const NORMAL: std::ops::RangeInclusive<i64> = -1022..=1023;
        if self.mantissa == 0.0 || !self.mantissa.is_finite() {
            return self.mantissa;
        }
        if NORMAL.contains(&self.exponent) {
            return self.mantissa * power_of_two(self.exponent as isize);
        }
        if self.exponent > *NORMAL.end() {
            return f64::INFINITY;
        }
        // Half of a subnormal's unit is the most that rounding takes away; below the range one unit is enough.
        (self.mantissa * power_of_two(self.exponent.max(-1100) as isize)).next_up()
    }
}

/// A number as mantissa in `[1, 2)` and exponent; 0, infinities and NaN as they are, with exponent 0.
fn split(value: f64) -> (f64, i64) {
    /// Brings subnormal numbers into the normal range, exactly.
    const LIFT: i64 = 64;
    if value == 0.0 || !value.is_finite() {
        return (value, 0);
    }
    let lifted = value < f64::MIN_POSITIVE;
    let normal = if lifted { value * power_of_two(LIFT as isize) } else { value };
    let exponent = i64::try_from(normal.to_bits() >> 52).expect("eleven bits, for the sign is that of a norm") - 1023;
    // Two factors: the power of two of a very small number alone would overflow.
    let half = exponent / 2;
    let mantissa = normal * power_of_two(-half as isize) * power_of_two((half - exponent) as isize);
    (mantissa, if lifted { exponent - LIFT } else { exponent })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(factors: &[f64]) -> f64 {
        let mut product = ScaledProduct::ONE;
        for &factor in factors {
            product.multiply(factor);
        }
        product.value()
    }

    #[test]
    fn products_in_range_are_those_of_plain_multiplication_rounded_up() {
        assert_eq!(product(&[]), 1.0);
        // Powers of two are exact.
        assert_eq!(product(&[3.0, 0.25, 8.0]), 6.0);
        assert_eq!(product(&[0.1, 0.7, 1e10]), mul_up(mul_up(0.1, 0.7), 1e10));
        assert_eq!(product(&[2.0, 0.5, 1024.0]), 1024.0);
        assert_eq!(product(&[3.0, 0.0, 7.0]), 0.0);
    }

    #[test]
    fn factors_may_pass_the_range_and_come_back_and_no_product_is_rounded_down() {
        let there_and_back: Vec<f64> = [1e3; 200].into_iter().chain([1e-3; 200]).collect();
        let back_and_there: Vec<f64> = there_and_back.iter().rev().copied().collect();
        for factors in [there_and_back, back_and_there] {
            // 1e-3 is rounded to a little above it, so the exact product is above 1 as well.
            let value = product(&factors);
            assert!(value > 1.0 && value < 1.0 + 1e-12, "{value}");
        }
        assert!(product(&[1e200, 1e200]).is_infinite());
        assert!(product(&[f64::INFINITY, 0.5]).is_infinite());
        assert!(product(&[f64::NAN, 0.5]).is_nan());
        for tiny in [vec![1e-200; 3], vec![f64::from_bits(1); 2], vec![1e-160, 1e-160]] {
            let value = product(&tiny);
            assert!(value > 0.0 && value < 1e-307, "{value}");
        }
        // Rounded to nearest it would be 2^−1070.
        assert!(product(&[1.0 + 2f64.powi(-20), 2f64.powi(-1070)]) > 2f64.powi(-1070));
        assert_eq!(product(&[f64::from_bits(1), 2f64.powi(100)]), 2f64.powi(-974));
    }
}
