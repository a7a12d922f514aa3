//! The spectral norm of a dense matrix.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdParams, svd, svd_scratch};
use faer::{Auto, MatRef, Par, Spec};

/// The largest singular value, accurate to a few units in the last place; the Frobenius norm, which is not below it,
/// if the decomposition does not converge. Zero for an empty matrix.
pub fn spectral_norm(matrix: MatRef<'_, f64>) -> f64 {
    let smaller = matrix.nrows().min(matrix.ncols());
    if smaller == 0 {
        return 0.0;
    }
    // faer 0.24.4 divides and conquers from order 128 on and loses half of the digits there on some matrices.
    let parameters: Spec<SvdParams, f64> =
        SvdParams { recursion_threshold: usize::MAX, ..<SvdParams as Auto<f64>>::auto() }.into();
    let (rows, cols, none) = (matrix.nrows(), matrix.ncols(), ComputeSvdVectors::No);
    let mut memory = MemBuffer::new(svd_scratch::<f64>(rows, cols, none, none, Par::Seq, parameters));
    let mut values = Diag::<f64>::zeros(smaller);
    match svd(matrix, values.as_mut(), None, None, Par::Seq, MemStack::new(&mut memory), parameters) {
        Ok(()) => values.column_vector().iter().fold(0.0, |largest, &value| largest.max(value)),
        Err(_) => matrix.norm_l2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    #[test]
    fn norms_that_are_known_are_found_below_and_above_the_order_where_faer_changes_its_algorithm() {
        for n in [1, 2, 40, 150] {
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
}
