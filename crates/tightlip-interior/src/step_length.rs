//! How far a symmetric matrix can move: the largest `t` with `M + t ΔM ⪰ 0`, `M = L Lᵀ`.
//!
//! `t = −1 / λ_min(L⁻¹ ΔM L⁻ᵀ)`, and the smallest eigenvalue comes from a Lanczos process with full
//! reorthogonalisation (Toh 2002). A Ritz value `θ` with residual `r` has an eigenvalue in `[θ − r, θ + r]`, so
//! `−1 / (θ − r)` errs to the short side wherever the process has found the lowest eigenvalue at all; the Cholesky
//! factorisation of the matrix stepped to is the proof.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatRef, Par, Side};

/// Longest basis.
const STEPS: usize = 40;
/// The residual may be this part of the Ritz value; steps longer than two need not be told apart.
const ACCURACY: f64 = 0.02;

/// The buffers of the process for matrices of one order.
pub(crate) struct StepLength {
    basis: Mat<f64>,
}

impl StepLength {
    /// For matrices of one order.
    pub(crate) fn new(order: usize) -> Self {
        Self { basis: Mat::zeros(order, STEPS.min(order) + 1) }
    }

    /// The longest step from `L Lᵀ` along `change`, about two percent on the short side; infinite if there is no end.
    pub(crate) fn longest(&mut self, factor: MatRef<'_, f64>, change: MatRef<'_, f64>, par: Par) -> f64 {
        let n = factor.nrows();
        let (mut diagonal, mut beside) = (Vec::new(), Vec::<f64>::new());
        start(self.basis.as_mut().col_mut(0).as_mat_mut());
        let mut lowest = 0.0;
        for k in 0..self.basis.ncols() - 1 {
            let mut next = self.basis.as_ref().subcols(k, 1).to_owned();
            solve_upper_triangular_in_place(factor.transpose(), next.as_mut(), par);
            let mut image = Mat::<f64>::zeros(n, 1);
            matmul(image.as_mut(), Accum::Replace, change, &next, 1.0, par);
            solve_lower_triangular_in_place(factor, image.as_mut(), par);
            let known = self.basis.as_ref().subcols(0, k + 1);
            let mut along = known.transpose() * &image;
            diagonal.push(along[(k, 0)]);
            image -= known * &along;
            // Twice is enough.
            along = known.transpose() * &image;
            image -= known * &along;
            let length = image.norm_l2();
            if !length.is_finite() {
                return f64::NAN;
            }
            let (ritz, last) = smallest(&diagonal, &beside);
            let residual = length * last.abs();
            lowest = ritz - residual;
            let enough = residual <= ACCURACY * ritz.abs().max(0.5);
            if length <= f64::EPSILON * ritz.abs() || (enough && k >= 2) {
                break;
            }
            beside.push(length);
            self.basis.as_mut().col_mut(k + 1).copy_from((image / faer::Scale(length)).col(0));
        }
        if lowest < 0.0 { -lowest.recip() } else { f64::INFINITY }
    }
}

/// A fixed vector of length one without structure.
fn start(mut vector: faer::MatMut<'_, f64>) {
    let n = vector.nrows();
    // The fractional parts of multiples of the golden ratio.
    for i in 0..n {
        vector[(i, 0)] = (0.618_033_988_749_894_9 * (i + 1) as f64).fract() - 0.5 + 1e-3;
    }
    let length = vector.as_ref().norm_l2();
    for i in 0..n {
        vector[(i, 0)] /= length;
    }
}

/// The smallest eigenvalue of a symmetric tridiagonal matrix and the last entry of its vector.
fn smallest(diagonal: &[f64], beside: &[f64]) -> (f64, f64) {
    let k = diagonal.len();
    let matrix = Mat::from_fn(k, k, |i, j| match i.abs_diff(j) {
        0 => diagonal[i],
        1 => beside[i.min(j)],
        _ => 0.0,
    });
    match matrix.self_adjoint_eigen(Side::Lower) {
        Ok(eigen) => (eigen.S()[0], eigen.U()[(k - 1, 0)]),
        Err(_) => (f64::NAN, f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::positive;

    #[test]
    fn the_longest_step_ends_just_before_the_boundary() {
        for n in [1, 2, 7, 60] {
            let matrix = positive(n);
            let change = Mat::from_fn(n, n, |i, j| ((i + j) as f64 * 0.9 + (i * j) as f64).cos() - 0.4);
            let factor = matrix.llt(Side::Lower).expect("positive definite").L().to_owned();
            let step = StepLength::new(n).longest(factor.as_ref(), change.as_ref(), Par::Seq);
            let lowest = |t: f64| {
                let stepped = &matrix + faer::Scale(t) * &change;
                stepped.self_adjoint_eigenvalues(Side::Lower).expect("finite")[0]
            };
            if step.is_finite() {
                assert!(lowest(step) > -1e-9, "order {n}: {step} is too long");
                assert!(lowest(1.05 * step) < 0.0, "order {n}: {step} is too short");
            } else {
                assert!(lowest(1e6) > 0.0, "order {n}: there is an end");
            }
        }
    }
}
