//! Norms of a matrix that is known up to an error, from both sides; and the test that a Gram matrix stays below a value.

use faer::{Col, Mat, MatRef, Side};

use super::arm::{Approximate, times_view};
use crate::Refusal;
use crate::directed::{UNDERFLOW, UNIT, add_up, gamma, inflated, sqrt_up};

/// A norm between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Between {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

/// `Σ |x|` of all entries.
pub(super) fn sum_of(matrix: &Approximate) -> Between {
    let (sum, error) = (absolute_sum(&matrix.mid), absolute_sum(&matrix.error));
    let n = matrix.mid.nrows() * matrix.mid.ncols();
    let error = inflated(error, n);
    Between { lower: below(sum, n, error), upper: add_up(inflated(sum, n), error) }
}

/// The spectral norm.
///
/// From above: `λ_max(Ĝ) ≤ c` shown by [`stays_below`] for the computed Gram matrix `Ĝ`, which is off by at most
/// `γ ‖Ĵ‖_F²`. From below: `‖Ĵᵀ u‖ / ‖u‖` for a vector that is nearly the leading eigenvector; whether it is does not matter.
///
/// # Errors
/// [`Refusal::Range`] if numbers leave their range.
pub(super) fn spectral_norm(matrix: &Approximate) -> Result<Between, Refusal> {
    let (m, d) = (matrix.mid.nrows(), matrix.mid.ncols());
    let error = frobenius_up(&matrix.error);
    let computed = squares(matrix.mid.as_ref());
    let squares = inflated(computed, m * d) + UNDERFLOW;
    if m == 1 {
        return Ok(Between { lower: below(computed.sqrt(), d + 4, error), upper: add_up(sqrt_up(squares), error) });
    }
    let range = || Refusal::Range { what: "the Jacobian of a pattern".to_owned() };
    let gram = times_view(matrix.mid.as_ref(), matrix.mid.transpose());
    let eigen = gram.self_adjoint_eigen(Side::Lower).map_err(|_| range())?;
    let reach = inflated(error + gamma(m + 2) * sqrt_up(squares), 4);
    let lower =
        gain(&matrix.mid, &eigen.U().col(m - 1).to_owned()).map_or(0.0, |gain| below(gain, m + 2 * d + 8, reach));
    let above = least_above(&gram, eigen.S()[m - 1]).ok_or_else(range)?;
    let square = add_up(above, inflated(gamma(d + 2) * squares, 2) + UNDERFLOW);
    Ok(Between { lower, upper: add_up(sqrt_up(square), error) })
}

/// `‖Jᵀ u‖ / ‖u‖`, as computed; `None` for a vector that is far from the unit length, where it could be anything.
fn gain(matrix: &Mat<f64>, vector: &Col<f64>) -> Option<f64> {
    let image = times_view(vector.as_mat().transpose(), matrix.as_ref());
    let length = squares(vector.as_mat()).sqrt();
    (0.5..2.0).contains(&length).then(|| squares(image.as_ref()).sqrt() / length)
}

/// A number that is proved to be at least the largest eigenvalue of the symmetric matrix with this lower triangle, and
/// hardly larger than `guess` if that is the eigenvalue; `None` where numbers leave their range.
fn least_above(gram: &Mat<f64>, guess: f64) -> Option<f64> {
    /// The least that is worth a try beside the shift of the test.
    const FIRST: f64 = 1e-15;
    let m = gram.nrows();
    let mut scratch = vec![0.0; m * m];
    let lowest = guess.max(0.0) + UNDERFLOW;
    let mut slack = FIRST + 2.0 * relative_shift(m);
    while slack.is_finite() {
        let value = lowest * (1.0 + slack);
        if !value.is_finite() {
            return None;
        }
        if stays_below(gram, value, &mut scratch) {
            return Some(value);
        }
        slack *= 4.0;
    }
    None
}

/// Whether the Cholesky factorisation shows that no eigenvalue of the symmetric matrix with this lower triangle exceeds
/// `limit`. `false` says nothing.
///
/// If the factorisation of `A = (limit − shift) I − G` runs to its end, `A + Δ ⪰ 0` with `‖Δ‖ ≤ γ_{m+1}/(1 − γ_{m+1}) tr A`
/// (Higham 2002, Theorem 10.3; Rump 2006), whatever the order of its sums. No diagonal entry of `G` exceeds `limit` in
/// magnitude, so `tr A ≤ 2 m limit`, and the shift covers `Δ`, the roundings of `A`, and its own.
pub(super) fn stays_below(gram: &Mat<f64>, limit: f64, scratch: &mut [f64]) -> bool {
    let m = gram.nrows();
    let shift = relative_shift(m) * limit + UNDERFLOW;
    let diagonal = limit - shift;
    for i in 0..m {
        let (above, row) = scratch.split_at_mut(i * m);
        for j in 0..=i {
            let entry = gram[(i, j)];
            let pivot_row = if i == j { &row[..j] } else { &above[j * m..j * m + j] };
            let dot: f64 = row[..j].iter().zip(pivot_row).map(|(a, b)| a * b).sum();
            if i == j {
                let pivot = diagonal - entry - dot;
                // Written so that NaN fails.
                if !(pivot > 0.0 && entry.abs() <= limit) {
                    return false;
                }
                row[i] = pivot.sqrt();
            } else {
                row[j] = (-entry - dot) / above[j * m + j];
            }
        }
    }
    true
}

/// The shift of [`stays_below`] relative to its limit.
fn relative_shift(m: usize) -> f64 {
    4.0 * (m + 1) as f64 * gamma(m + 4) + 8.0 * UNIT
}

/// A lower bound from a computed value with at most `n` roundings and an absolute error.
fn below(value: f64, n: usize, error: f64) -> f64 {
    // One rounding of the difference more.
    ((value * (1.0 - 2.0 * gamma(n + 8)) - error - UNDERFLOW) * (1.0 - 2.0 * UNIT)).max(0.0)
}

/// An upper bound of the Frobenius norm of a matrix of non-negative bounds.
pub(crate) fn frobenius_up(matrix: &Mat<f64>) -> f64 {
    sqrt_up(inflated(squares(matrix.as_ref()), matrix.nrows() * matrix.ncols()) + UNDERFLOW * UNDERFLOW)
}

/// `Σ x²`, as computed.
fn squares(matrix: MatRef<'_, f64>) -> f64 {
    matrix.col_iter().map(|column| column.iter().map(|x| x * x).sum::<f64>()).sum()
}

/// `Σ |x|`, as computed.
pub(super) fn absolute_sum(matrix: &Mat<f64>) -> f64 {
    matrix.col_iter().map(|column| column.iter().map(|x| x.abs()).sum::<f64>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(mid: Mat<f64>) -> Approximate {
        let error = Mat::zeros(mid.nrows(), mid.ncols());
        Approximate { mid, error }
    }

    #[test]
    fn a_limit_is_shown_to_rounding_above_the_largest_eigenvalue_and_never_below() {
        // 2 I + the matrix of ones has the eigenvalues m + 2 and 2.
        for m in [1, 2, 5, 20] {
            let gram = Mat::from_fn(m, m, |i, j| if i == j { 3.0 } else { 1.0 });
            let largest = m as f64 + 2.0;
            let mut scratch = vec![0.0; m * m];
            assert!(stays_below(&gram, largest * (1.0 + 1e-11), &mut scratch));
            assert!(!stays_below(&gram, largest, &mut scratch));
            assert!(!stays_below(&gram, largest * (1.0 - 1e-15), &mut scratch));
            assert!(!stays_below(&gram, f64::NAN, &mut scratch));
        }
        let indefinite = Mat::from_fn(2, 2, |i, j| if i == j { -1.0 } else { 0.0 });
        assert!(!stays_below(&indefinite, 0.5, &mut [0.0; 4]), "an entry above the limit in magnitude");
    }

    #[test]
    fn norms_are_enclosed_closely_and_errors_widen_them() {
        // Orthogonal columns of length 2, scaled by 3 and 1: the norm is 6; the row has length √14 and sum 6.
        let two = exact(Mat::from_fn(2, 4, |i, j| if i == 0 { 3.0 } else { [1.0, -1.0, 1.0, -1.0][j] }));
        let row = exact(Mat::from_fn(1, 3, |_, j| [1.0, -2.0, 3.0][j]));
        for (between, norm) in [
            (spectral_norm(&two).expect("in range"), 6.0),
            (spectral_norm(&row).expect("in range"), 14f64.sqrt()),
            (sum_of(&row), 6.0),
        ] {
            assert!(between.lower <= norm && norm <= between.upper, "{between:?}");
            assert!(between.upper / between.lower < 1.0 + 1e-12, "{between:?}");
        }
        let error = || Mat::from_fn(2, 4, |i, j| if (i, j) == (1, 2) { 0.5 } else { 0.0 });
        let wide = spectral_norm(&Approximate { error: error(), ..two }).expect("in range");
        assert!(wide.lower <= 5.5 && wide.upper >= 6.5, "{wide:?}");
        let zero = spectral_norm(&exact(Mat::zeros(2, 2))).expect("in range");
        assert!(zero.lower == 0.0 && zero.upper < 1e-50, "{zero:?}");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for wrong in [f64::NAN, f64::INFINITY, 1e200] {
            let matrix = exact(Mat::from_fn(2, 2, |_, _| wrong));
            assert!(!spectral_norm(&matrix).is_ok_and(|between| between.upper < 1e200), "{wrong}");
        }
    }
}
