//! The normal equations `O Δy = r`.
//!
//! Towards the end the diagonal of `O` spans twenty decades: scaled to a unit diagonal it keeps the digits that count.
//! Where rounding leaves the scaled matrix indefinite, the smallest multiple of the identity that makes the Cholesky
//! factorisation succeed is added, and refinement against the matrix without it takes most of the error away again.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatMut, Par};

use crate::workspace::{Workspace, mirror};

/// The scaled matrix, its factor and the scales.
pub(crate) struct NormalEquations {
    matrix: Mat<f64>,
    factor: Mat<f64>,
    scales: Vec<f64>,
    /// The multiple of the identity that was added to the scaled matrix.
    pub regularisation: f64,
}

/// First multiple of the identity: the rounding of a unit diagonal.
const REGULARISATION: f64 = 1e-15;
/// With more than this the direction means nothing.
const LARGEST_REGULARISATION: f64 = 1e-4;
/// Corrections of a solution.
const REFINEMENTS: usize = 2;

impl NormalEquations {
    /// Buffers for so many variables.
    pub(crate) fn new(variables: usize) -> Self {
        Self {
            matrix: Mat::zeros(variables, variables),
            factor: Mat::zeros(variables, variables),
            scales: vec![1.0; variables],
            regularisation: 0.0,
        }
    }

    /// Where the lower triangle of `O` is written before [`Self::factorise`].
    pub(crate) fn matrix_mut(&mut self) -> MatMut<'_, f64> {
        self.matrix.as_mut()
    }

    /// Scales and factorises what was written. `false` if there is no factor.
    pub(crate) fn factorise(&mut self, workspace: &mut Workspace) -> bool {
        let m = self.scales.len();
        for i in 0..m {
            let diagonal = self.matrix[(i, i)];
            if !diagonal.is_finite() {
                return false;
            }
            // A variable without terms, as of an empty layer, does not move.
            self.scales[i] = if diagonal > 0.0 { diagonal.sqrt().recip() } else { 0.0 };
        }
        for j in 0..m {
            let scale = self.scales[j];
            for i in j..m {
                self.matrix[(i, j)] *= scale * self.scales[i];
            }
            self.matrix[(j, j)] = 1.0;
        }
        mirror(self.matrix.as_mut());
        self.regularisation = 0.0;
        loop {
            self.factor.copy_from(&self.matrix);
            for i in 0..m {
                self.factor[(i, i)] += self.regularisation;
            }
            if workspace.factor(self.factor.as_mut()) {
                return true;
            }
            self.regularisation = (10.0 * self.regularisation).max(REGULARISATION);
            if self.regularisation > LARGEST_REGULARISATION {
                return false;
            }
        }
    }

    /// `O⁻¹ r`.
    pub(crate) fn solve(&self, right: &[f64], par: Par) -> Vec<f64> {
        let m = right.len();
        let scaled = Mat::from_fn(m, 1, |i, _| self.scales[i] * right[i]);
        let mut solution = Mat::<f64>::zeros(m, 1);
        for _ in 0..=REFINEMENTS {
            let mut residual = scaled.clone();
            matmul(residual.as_mut(), Accum::Add, &self.matrix, &solution, -1.0, par);
            solve_lower_triangular_in_place(self.factor.as_ref(), residual.as_mut(), par);
            solve_upper_triangular_in_place(self.factor.transpose(), residual.as_mut(), par);
            solution += residual;
        }
        (0..m).map(|i| self.scales[i] * solution[(i, 0)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factor of a matrix, and whether there is one.
    fn factorised(matrix: &Mat<f64>) -> Option<NormalEquations> {
        let n = matrix.nrows();
        let mut equations = NormalEquations::new(n);
        equations.matrix_mut().copy_from(matrix);
        equations.factorise(&mut Workspace::new(n, 1)).then_some(equations)
    }

    #[test]
    fn equations_in_units_many_decades_apart_are_solved_to_rounding() {
        let n = 12;
        let unit = |i: usize| 10.0_f64.powf(4.0 * (i % 5) as f64 - 8.0);
        // Nearly dependent, so that a solution without refinement has seven digits.
        let entry = |i: usize, j: usize| 1.0 / (1.0 + (i + j) as f64) + if i == j { 1e-9 } else { 0.0 };
        let matrix = Mat::from_fn(n, n, |i, j| unit(i) * unit(j) * entry(i, j));
        let wanted: Vec<f64> = (0..n).map(|i| (1.0 + (i as f64).sin()) / unit(i)).collect();
        let right: Vec<f64> = (0..n).map(|i| (0..n).map(|j| matrix[(i, j)] * wanted[j]).sum()).collect();
        let equations = factorised(&matrix).expect("positive definite");
        let found = equations.solve(&right, Par::Seq);
        for i in 0..n {
            let residual = right[i] - (0..n).map(|j| matrix[(i, j)] * found[j]).sum::<f64>();
            let size: f64 = (0..n).map(|j| (matrix[(i, j)] * found[j]).abs()).sum();
            assert!(residual.abs() < 1e-14 * size, "row {i}: {residual:e} of {size:e}");
        }
    }

    #[test]
    fn rounding_below_zero_is_lifted_by_no_more_than_it_needs_and_an_indefinite_matrix_has_no_factor() {
        let dependent = |below: f64| Mat::from_fn(4, 4, |i, j| if i == j { 1.0 - below } else { 1.0 });
        let lifted = factorised(&dependent(1e-13)).expect("nearly semidefinite");
        assert!(lifted.regularisation > 0.0 && lifted.regularisation < 1e-11, "{:e}", lifted.regularisation);
        assert!(factorised(&dependent(0.5)).is_none());
        assert!(factorised(&Mat::from_fn(2, 2, |_, _| f64::NAN)).is_none());
    }
}
