//! The projected program in units of the best multipliers: `ρ = −y_0 ρ*`, `λ_k = y_k λ*_k`.
//!
//!   maximise `y_0`   subject to   `T ᵀ(−y_0 ρ* V_0ᵀV_0 + Σ y_k λ*_k VᵀF_k V − VᵀC V) T ⪰ 0`,   `1/R < y_k < R`.
//!
//! `T` makes the columns orthonormal in the metric of the diagonal of `F` at the best multipliers and drops what depends on the others.
//! The box keeps the first programs bounded and near what is known; a solution near it says nothing about the optimum.

use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, MatRef, Par, Side};

use super::subspace::Subspace;
use crate::Chain;
use crate::barrier::Barrier;
use crate::eclipse::stage::log_determinant;
use crate::forward::cholesky;

/// The projected program.
pub(super) struct Model {
    /// The matrices of the variables.
    terms: Vec<Mat<f64>>,
    /// `VᵀC V`.
    constant: Mat<f64>,
    /// `R`.
    reach: f64,
}

/// A solution this near to the box, as a factor, is at it.
const NEAR: f64 = 2.0;
/// Eigenvalues of the Gram matrix of unit columns below this are dependence.
const DEPENDENT: f64 = 1e-10;

impl Model {
    /// Projects the program of a chain. `None` if a number is not finite.
    pub(super) fn new(
        chain: &Chain,
        subspace: &Subspace,
        (rho, reach): (f64, f64),
        multipliers: &[f64],
    ) -> Option<Self> {
        let mut block = subspace.block(0);
        let mut terms = vec![block.transpose() * &block * faer::Scale(-rho)];
        let mut metric = &terms[0] * faer::Scale(-1.0);
        for (k, &multiplier) in (1..).zip(multipliers) {
            let incoming = subspace.mapped(chain.map(k).as_ref(), k - 1);
            block = subspace.block(k);
            let slopes = chain.slopes(k);
            // (v − α u)(v − β u), twice.
            let shifted = |slope: &dyn Fn(usize) -> f64| {
                Mat::from_fn(block.nrows(), block.ncols(), |i, j| block[(i, j)] - slope(i) * incoming[(i, j)])
            };
            let product = shifted(&|i| slopes[i].lower()).transpose() * shifted(&|i| slopes[i].upper());
            terms.push((&product + product.transpose()) * faer::Scale(multiplier));
            metric += block.transpose() * &block * faer::Scale(2.0 * multiplier);
        }
        let last = chain.hidden_layers();
        let outputs = subspace.mapped(chain.map(last + 1).as_ref(), last);
        let constant = outputs.transpose() * &outputs;
        let basis = orthonormal(&metric)?;
        let projected = |matrix: &Mat<f64>| basis.transpose() * matrix * &basis;
        let model = Self { terms: terms.iter().map(projected).collect(), constant: projected(&constant), reach };
        let is_finite = model.terms.iter().chain([&model.constant]).all(Mat::is_all_finite);
        is_finite.then_some(model)
    }

    /// Whether a solution is at the box.
    pub(super) fn is_boxed(&self, y: &[f64]) -> bool {
        y[1..].iter().any(|&z| z * NEAR > self.reach || z * self.reach < NEAR)
    }

    /// The Cholesky factor at `y`.
    fn factor(&self, y: &[f64]) -> Option<Mat<f64>> {
        if !y[1..].iter().all(|&z| z * self.reach > 1.0 && z < self.reach) {
            return None;
        }
        let mut matrix = &self.constant * faer::Scale(-1.0);
        for (&y, term) in y.iter().zip(&self.terms) {
            matrix += term * faer::Scale(y);
        }
        cholesky(&mut matrix, Par::Seq).ok()?;
        for j in 1..matrix.ncols() {
            matrix.col_as_slice_mut(j)[..j].fill(0.0);
        }
        Some(matrix)
    }
}

impl Barrier for Model {
    fn value(&self, y: &[f64]) -> Option<f64> {
        let of_box: f64 = y[1..].iter().map(|&z| ((z - 1.0 / self.reach).ln()) + (self.reach - z).ln()).sum();
        Some(log_determinant(&self.factor(y)?) + of_box)
    }

    fn derivatives(&self, y: &[f64]) -> Option<(Vec<f64>, Mat<f64>)> {
        let factor = self.factor(y)?;
        let (order, count) = (factor.nrows(), self.terms.len());
        let mut stacked = Mat::zeros(order * order, count);
        let mut gradient = vec![0.0; count];
        for (i, term) in self.terms.iter().enumerate() {
            let scaled = congruent(term, factor.as_ref());
            gradient[i] = (0..order).map(|j| scaled[(j, j)]).sum();
            for j in 0..order {
                stacked.col_as_slice_mut(i)[j * order..(j + 1) * order].copy_from_slice(scaled.col_as_slice(j));
            }
        }
        let mut matrix = stacked.transpose() * &stacked;
        for (i, &z) in y.iter().enumerate().skip(1) {
            let (low, high) = (1.0 / (z - 1.0 / self.reach), 1.0 / (self.reach - z));
            gradient[i] += low - high;
            matrix[(i, i)] += low * low + high * high;
        }
        Some((gradient, matrix))
    }

    fn parameter(&self) -> f64 {
        (self.constant.nrows() + 2 * (self.terms.len() - 1)) as f64
    }
}

/// `L⁻¹ M L⁻ᵀ`.
fn congruent(matrix: &Mat<f64>, factor: MatRef<'_, f64>) -> Mat<f64> {
    let mut half = matrix.clone();
    solve_lower_triangular_in_place(factor, half.as_mut(), Par::Seq);
    let mut turned = half.transpose().to_owned();
    solve_lower_triangular_in_place(factor, turned.as_mut(), Par::Seq);
    turned
}

/// `T` with `Tᵀ N T = I` on what is independent.
fn orthonormal(metric: &Mat<f64>) -> Option<Mat<f64>> {
    let n = metric.nrows();
    let units: Vec<f64> = (0..n).map(|i| 1.0 / metric[(i, i)].sqrt()).collect();
    let scaled = Mat::from_fn(n, n, |i, j| metric[(i, j)] * units[i] * units[j]);
    if !scaled.is_all_finite() {
        return None;
    }
    let eigen = scaled.self_adjoint_eigen(Side::Lower).ok()?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let kept: Vec<usize> = (0..n).filter(|&i| values[i] > DEPENDENT).collect();
    Some(Mat::from_fn(n, kept.len(), |i, j| units[i] * vectors[(i, kept[j])] / values[kept[j]].sqrt()))
}
