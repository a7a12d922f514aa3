//! The spectral norm and the singular vectors of a dense matrix.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdParams, svd, svd_scratch};
use faer::{Auto, Mat, MatRef, Par, Spec};

/// Up to this order all singular values are computed; beyond, the largest alone is iterated for, which is a thousand
/// times faster at order 3000.
const LARGEST_DECOMPOSED: usize = 64;
/// Steps after which the iteration gives what it has; a gap of 1e-3 in the spectrum needs about 200.
const LARGEST_STEPS: usize = 300;
/// Steps between two looks at the value.
const STEPS_BETWEEN: usize = 10;
/// Relative change of the value over those steps that ends the iteration.
const SETTLED: f64 = 1e-14;

/// The largest singular value, rounded: to a few units in the last place up to order 64, and from below, usually to
/// 1e-12 relative, beyond. Zero for an empty matrix. Nothing may rely on it without a proof.
pub fn spectral_norm(matrix: MatRef<'_, f64>) -> f64 {
    match matrix.nrows().min(matrix.ncols()) {
        0 => 0.0,
        small if small <= LARGEST_DECOMPOSED => decomposed(matrix),
        _ => iterated(matrix),
    }
}

/// The largest singular value, rounded, and from below: usually to 1e-12 relative, and to rounding up to order 16. Far quicker
/// than [`spectral_norm`] for thousands of matrices of medium order. Zero for an empty matrix.
pub fn leading_singular_value(matrix: MatRef<'_, f64>) -> f64 {
    /// Up to this order the decomposition is quicker.
    const SMALL: usize = 16;
    match matrix.nrows().min(matrix.ncols()) {
        0 => 0.0,
        small if small <= SMALL => decomposed(matrix),
        _ => iterated(matrix),
    }
}

/// By the singular value decomposition; the Frobenius norm, which is not below, if it does not converge.
fn decomposed(matrix: MatRef<'_, f64>) -> f64 {
    let parameters = parameters();
    let (rows, cols, none) = (matrix.nrows(), matrix.ncols(), ComputeSvdVectors::No);
    let mut memory = MemBuffer::new(svd_scratch::<f64>(rows, cols, none, none, Par::Seq, parameters));
    let mut values = Diag::<f64>::zeros(rows.min(cols));
    match svd(matrix, values.as_mut(), None, None, Par::Seq, MemStack::new(&mut memory), parameters) {
        Ok(()) => values.column_vector().iter().fold(0.0, |largest, &value| largest.max(value)),
        Err(_) => matrix.norm_l2(),
    }
}

/// `U` (`m × r`), the `r = min(m, n)` singular values from the largest, and `V` (`n × r`), rounded; `None` if the iteration does not
/// converge. Nothing may rely on them without a proof.
pub fn thin_svd(matrix: MatRef<'_, f64>) -> Option<(Mat<f64>, Vec<f64>, Mat<f64>)> {
    let parameters = parameters();
    let (rows, cols, thin) = (matrix.nrows(), matrix.ncols(), ComputeSvdVectors::Thin);
    let rank = rows.min(cols);
    let mut memory = MemBuffer::new(svd_scratch::<f64>(rows, cols, thin, thin, Par::Seq, parameters));
    let (mut u, mut v) = (Mat::<f64>::zeros(rows, rank), Mat::<f64>::zeros(cols, rank));
    let mut values = Diag::<f64>::zeros(rank);
    let stack = MemStack::new(&mut memory);
    svd(matrix, values.as_mut(), Some(u.as_mut()), Some(v.as_mut()), Par::Seq, stack, parameters).ok()?;
    let values = values.column_vector().iter().map(|value| value.max(0.0)).collect();
    Some((u, values, v))
}

/// faer 0.24.4 divides and conquers from order 128 on and loses half of the digits there on some matrices: without that.
fn parameters() -> Spec<SvdParams, f64> {
    SvdParams { recursion_threshold: usize::MAX, ..<SvdParams as Auto<f64>>::auto() }.into()
}

/// By Golub–Kahan–Lanczos bidiagonalisation with full reorthogonalisation: `A V = U B`, `‖B‖ → ‖A‖` from below.
fn iterated(matrix: MatRef<'_, f64>) -> f64 {
    let scale = matrix.norm_max();
    if scale == 0.0 {
        return 0.0;
    }
    let steps = LARGEST_STEPS.min(matrix.nrows()).min(matrix.ncols());
    let mut left = Mat::<f64>::zeros(matrix.nrows(), steps);
    let mut right = Mat::<f64>::zeros(matrix.ncols(), steps);
    let mut bidiagonal = Mat::<f64>::zeros(steps, steps);
    // Different coordinates, so that the start is not orthogonal to the leading vector of a structured matrix.
    let mut v = Mat::from_fn(matrix.ncols(), 1, |i, _| 1.0 + ((i * 7919) % 104_729) as f64 / 104_729.0);
    let mut value = 0.0;
    for k in 0..steps {
        let length = orthogonalised(&mut v, right.as_ref().subcols(0, k));
        // The first is the start, whose length has nothing to do with the matrix.
        if k > 0 {
            if length <= f64::EPSILON * scale {
                break;
            }
            bidiagonal[(k - 1, k)] = length;
        }
        right.as_mut().subcols_mut(k, 1).copy_from(&v);
        let mut u = matrix * &v;
        let length = orthogonalised(&mut u, left.as_ref().subcols(0, k));
        bidiagonal[(k, k)] = length;
        if length <= f64::EPSILON * scale {
            break;
        }
        left.as_mut().subcols_mut(k, 1).copy_from(&u);
        v = matrix.transpose() * &u;
        if (k + 1) % STEPS_BETWEEN == 0 {
            let before = value;
            value = decomposed(bidiagonal.as_ref().submatrix(0, 0, k + 1, k + 1));
            if value - before <= SETTLED * value {
                return value;
            }
        }
    }
    value.max(decomposed(bidiagonal.as_ref()))
}

/// Makes `vector` orthogonal to the columns of `basis` and of length one; returns the length before. Twice is enough.
fn orthogonalised(vector: &mut Mat<f64>, basis: MatRef<'_, f64>) -> f64 {
    for _ in 0..2 {
        let along = basis.transpose() * &*vector;
        *vector -= basis * along;
    }
    let length = vector.norm_l2();
    if length > 0.0 {
        *vector /= faer::Scale(length);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_that_are_known_are_found_below_and_above_the_order_where_faer_changes_its_algorithm() {
        for n in [1, 2, 40, 150, 300] {
            // A rank-one matrix x yᵀ has norm ‖x‖‖y‖.
            let rank_one = Mat::from_fn(n, n + 3, |i, j| (i + 1) as f64 * (1.0 - j as f64));
            let x: f64 = (0..n).map(|i| ((i + 1) as f64).powi(2)).sum();
            let y: f64 = (0..n + 3).map(|j| (1.0 - j as f64).powi(2)).sum();
            let norm = (x * y).sqrt();
            assert!((spectral_norm(rank_one.as_ref()) / norm - 1.0).abs() < 1e-13, "order {n}");
        }
        assert_eq!(spectral_norm(Mat::<f64>::zeros(0, 3).as_ref()), 0.0);
        assert_eq!(spectral_norm(Mat::<f64>::zeros(2, 3).as_ref()), 0.0);
    }

    #[test]
    fn the_iteration_agrees_with_the_decomposition() {
        // Entries without structure, and a diagonal with a crowded top of the spectrum.
        let rough = Mat::from_fn(280, 300, |i, j| ((i * 131 + j * 197 + i * j) % 251) as f64 / 125.0 - 1.0);
        let crowded = Mat::from_fn(290, 290, |i, j| if i == j { 1.0 - 1e-3 * i as f64 / 290.0 } else { 0.0 });
        for matrix in [rough, crowded] {
            let exact = decomposed(matrix.as_ref());
            for scale in [1.0, 1e-100, 1e18, 1e100] {
                let (exact, found) = (exact * scale, iterated((&matrix * faer::Scale(scale)).as_ref()));
                assert!(found <= exact * (1.0 + 1e-13) && found >= exact * (1.0 - 1e-9), "{found} for {exact}");
            }
        }
    }
}
