//! Upper bounds of sums, products and roots in round-to-nearest arithmetic.
//!
//! In round to nearest the exact result of one operation is at most the next float above the computed one, so
//! `next_up` after each operation gives an upper bound. The rounding mode of the processor is never changed (that is
//! undefined behaviour in Rust). All arguments are ≥ 0.

/// The unit roundoff `u = 2⁻⁵³`.
pub(crate) const UNIT: f64 = f64::EPSILON / 2.0;

/// An upper bound of `a + b`.
pub(crate) fn add_up(a: f64, b: f64) -> f64 {
    let sum = a + b;
    // Adding zero is exact; without this a sum of zeros would drift off zero.
    if a == 0.0 || b == 0.0 { sum } else { sum.next_up() }
}

/// An upper bound of `a · b`.
pub(crate) fn mul_up(a: f64, b: f64) -> f64 {
    let product = a * b;
    if a == 0.0 || b == 0.0 || a == 1.0 || b == 1.0 { product } else { product.next_up() }
}

/// An upper bound of `√a`.
pub(crate) fn sqrt_up(a: f64) -> f64 {
    /// Below, the remainder may underflow and say nothing.
    const SMALL: f64 = 1e-280;
    let root = a.sqrt();
    if a != 0.0 && a < SMALL {
        return root.next_up();
    }
    // The fused remainder a − root² tells whether the root is exact or already above.
    if (-root).mul_add(root, a) <= 0.0 { root } else { root.next_up() }
}

/// An upper bound of `γ_n = n u / (1 − n u)`, the relative error of a sum or dot product of `n` roundings in any
/// order (Higham 2002, Lemma 3.1).
pub(crate) fn gamma(n: usize) -> f64 {
    let nu = n as f64 * UNIT;
    // n u is exact for n < 2^53; the two roundings left are covered by four units.
    nu / (1.0 - nu) * (1.0 + 4.0 * f64::EPSILON)
}

/// Turns a computed sum of at most `n` non-negative terms, each with at most four roundings, into an upper bound of
/// the exact one: the computed sum is at least `(1 − γ_{n+4})` times the exact one.
pub(crate) fn inflated(sum: f64, n: usize) -> f64 {
    if sum == 0.0 { 0.0 } else { (sum * (1.0 + 2.0 * gamma(n + 8))).next_up() }
}

/// Bounds the rounding error of one result below the normal range: an underflow is off by at most `2^−1074`; after it
/// come factors of at most `2^240` (scaling, twice) and `1e60` (weight), which makes less than `1e−115`. Results are
/// later compared with shifts above `1e−17`.
pub(crate) const UNDERFLOW: f64 = 1e-110;

/// The same for one summand of `2 WᵀΛABW`: there a lost underflow of `2^−1074` meets a root of a multiplier (at most
/// `2^241`) and the other factor (root, weight and scaling: at most `1e205`), which makes less than `1e−45`.
pub(crate) const GRAM_UNDERFLOW: f64 = 1e-40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upward_operations_are_not_below_the_exact_result() {
        // 1/3 and 2/3 are rounded; their exact float sum is representable only sometimes.
        let (a, b) = (1.0 / 3.0, 0.1);
        assert!(add_up(a, b) > a + b);
        assert!(mul_up(a, b) > a * b);
        assert_eq!(add_up(0.0, a), a);
        assert_eq!(sqrt_up(4.0), 2.0);
        for x in [2.0f64, 3.0, 5.0, 1e-20, 7e300] {
            let root = sqrt_up(x);
            // root² ≥ x, decided without rounding by the fused remainder.
            assert!(root.mul_add(root, -x) >= 0.0, "{x}");
        }
    }

    #[test]
    fn gamma_is_at_least_n_units() {
        assert!(gamma(1) > UNIT);
        assert!(gamma(1000) > 1000.0 * UNIT && gamma(1000) < 1001.0 * UNIT);
    }
}
