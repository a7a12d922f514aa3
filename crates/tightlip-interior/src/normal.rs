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
