//! Products that are float64 numbers.

/// `a · b` if it is a float64 number, so that nothing is rounded. The products of numbers that came from float32 always
/// are: 24 + 24 ≤ 53 bits.
pub(super) fn product(a: f64, b: f64) -> Option<f64> {
    /// The rounding error of a product of at least this size is itself a float64 number, so that the fused operation
    /// below gives it and not an underflown zero.
    const SMALLEST: f64 = f64::MIN_POSITIVE * (1u64 << 53) as f64 * (1u64 << 53) as f64;
    let rounded = a * b;
    let exact = if a == 0.0 || b == 0.0 {
        rounded == 0.0
    } else {
        rounded.is_finite() && rounded.abs() >= SMALLEST && a.mul_add(b, -rounded) == 0.0
    };
    exact.then_some(rounded)
}

/// All entries of `numbers` times `factor`, if no product is rounded.
pub(super) fn scaled(numbers: &[f64], factor: f64) -> Option<Vec<f64>> {
    numbers.iter().map(|&number| product(number, factor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_products_without_rounding_are_given() {
        let (tenth, third) = (f64::from(0.1f32), f64::from(1.0f32 / 3.0));
        assert_eq!(product(tenth, third), Some(tenth * third));
        assert_eq!(product(0.1, 0.5), Some(0.05));
        assert_eq!(product(0.1, 0.3), None);
        assert_eq!(product(0.1, 0.0), Some(0.0));
        assert_eq!(product(1e300, 1e300), None);
        assert_eq!(product(1e-200, 1e-200), None, "an underflow to zero is a rounding");
        assert_eq!(product(5e-324, 0.5), None);
        assert_eq!(product(f64::NAN, 1.0), None);
        assert_eq!(product(f64::INFINITY, 0.0), None);
        assert_eq!(scaled(&[1.5, -2.0], 0.1), None);
        assert_eq!(scaled(&[1.0, -2.0], 0.1), Some(vec![0.1, -0.2]));
    }
}
