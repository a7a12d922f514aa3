//! One stage of ECLipsE as a barrier problem of the order of the layer.
//!
//! With the whitened map `G`, `D = 2ΛAB`, `C = I + GᵀDG`, `Ψ = G C⁻¹Gᵀ`, `U = ΛS` and `B = W_{k+1}ᵀW_{k+1}` the stage is
//!
//!   maximise `s`   subject to   `P⁻¹ = 2Λ − UΨU − sB ⪰ 0`,   `C ⪰ 0`,
//!
//! whose barrier `φ = log det P⁻¹ + log det C` is that of a *linear* matrix inequality, `[C, −GᵀU; ·, 2Λ − sB] ⪰ 0`, with the
//! inputs eliminated. There neuron `j` is `λ_j (a_j b_jᵀ + b_j a_jᵀ)` with `a_j = (−α_j g_j, e_j)`, `b_j = (−β_j g_j, e_j)`, so the
//! Hessian is two entrywise products of Gram matrices in the inverse. Block inversion gives them at the order of the layer:
//! with `Q = P UΨ` and `R = (UΨ)ᵀQ`,
//!
//! | | |
//! |---|---|
//! | Gram matrices | `⟨a_i, b_j⟩ = P_ij − α_i Q_ji − β_j Q_ij + α_i β_j (R + Ψ)_ij`, and `⟨a, a⟩`, `⟨b, b⟩` likewise |
//! | gradient | `∂φ/∂λ_j = 2⟨a_j, b_j⟩`,   `∂φ/∂s = −tr(PB)` |
//! | Hessian | `−∂²φ/∂λ_i∂λ_j = 2(⟨a_i, a_j⟩⟨b_i, b_j⟩ + ⟨a_i, b_j⟩⟨a_j, b_i⟩)`,   `−∂²φ/∂s² = tr(PBPB)` |
//! | | `−∂²φ/∂s∂λ_j = −2 Σ_i (BP − α_j BQ)_ij (P − β_j Q)_ij` |
//!
//! and `PB` needs no product: `P P⁻¹ = I` reads `s PB = 2PΛ − QU − I`. For slopes `[0, β]`, `C = I`, `Ψ = G Gᵀ` stays as it is and
//! `BQ = (PB)ᵀUΨ` is not needed: a Newton step is two factorisations, an inverse and one and a half products of the order of
//! the layer, where a conic solver sees `n(2n + 1)` rows.
//!
//! *Equilibration.* `λ = ν/γ` with `γ = Diag(G Gᵀ)`, `G ← γ^{−1/2} G`, `W ← W γ^{1/2}/‖·‖`: neurons of different size would
//! stall Newton's method at twice the optimum and more.

use std::borrow::Cow;

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatRef, Par};
use tightlip_model::{SlopeInterval, spectral_norm};

use crate::Forward;
use crate::barrier::Barrier;
use crate::forward::{cholesky, factor_of_inner, gram, mirror};
use crate::rules::unscaled_multiplier;

/// The stage of the layer that an elimination has come to, equilibrated.
#[derive(Debug, Clone)]
pub struct Stage {
    /// `γ^{−1/2} G`, at most as many columns as rows.
    whitened: Mat<f64>,
    /// `W_{k+1} γ^{1/2}` of norm 1, at most as many rows as columns.
    next: Mat<f64>,
    slopes: Vec<SlopeInterval>,
    /// `γ`.
    diagonal: Vec<f64>,
    /// `Ψ` where it does not depend on the multipliers.
    constant: Option<Mat<f64>>,
    /// `B`.
    target: Mat<f64>,
    par: Par,
}

/// Part of the closed form's multipliers at which Newton's method begins: strictly inside for all slopes.
const START_MULTIPLIERS: f64 = 0.7;
/// Part of the largest `s` for them.
const START_OBJECTIVE: f64 = 0.5;

impl Stage {
    /// The stage of the layer that `forward` has come to.
    ///
    /// # Panics
    /// If no hidden layer is left.
    pub fn new(forward: &Forward<'_>) -> Self {
        let (chain, layer, par) = (forward.chain(), forward.layer(), forward.par());
        let map = chain.map(layer + 1);
        let whitened = forward.whitened();
        let squares = (0..whitened.nrows()).map(|i| whitened.row(i).iter().map(|g| g * g).sum::<f64>());
        // A row that underflowed is of no consequence, whatever its unit.
        let diagonal: Vec<f64> = squares.map(|square| if square > 0.0 { square } else { 1.0 }).collect();
        let roots: Vec<f64> = diagonal.iter().map(|square| square.sqrt()).collect();
        let scaled = Mat::from_fn(whitened.nrows(), whitened.ncols(), |i, j| whitened[(i, j)] / roots[i]);
        let mut next = narrowed(Mat::from_fn(map.nrows(), map.ncols(), |i, j| map[(i, j)] * roots[j]));
        let norm = spectral_norm(next.as_ref());
        if norm > 0.0 && norm.is_finite() {
            next *= faer::Scale(1.0 / norm);
        }
        let whitened = narrowed(scaled.transpose().to_owned()).transpose().to_owned();
        let slopes = chain.slopes(layer).to_vec();
        let constant = slopes.iter().all(|s| s.lower() * s.upper() == 0.0).then(|| full_gram(whitened.as_ref(), par));
        let target = gram(next.transpose(), par);
        Self { whitened, next, slopes, diagonal, constant, target, par }
    }

    /// `γ^{−1/2} G`, neurons × inputs.
    pub fn whitened(&self) -> MatRef<'_, f64> {
        self.whitened.as_ref()
    }

    /// `W_{k+1} γ^{1/2}` of norm 1, outputs × neurons.
    pub fn next(&self) -> MatRef<'_, f64> {
        self.next.as_ref()
    }

    /// The slopes.
    pub fn slopes(&self) -> &[SlopeInterval] {
        &self.slopes
    }

    /// Multipliers of the elimination from those of the stage.
    pub fn unscaled(&self, multipliers: &[f64]) -> Vec<f64> {
        multipliers.iter().zip(&self.diagonal).map(|(nu, gamma)| nu / gamma).collect()
    }

    /// A strictly feasible `(s, ν)`: the closed form drawn inwards. `None` if the whitened map is not finite, the next map zero, or
    /// rounding leaves it infeasible.
    pub(crate) fn start(&self) -> Option<Vec<f64>> {
        let largest = spectral_norm(self.whitened.as_ref()).powi(2);
        let multiplier = |&slope: &SlopeInterval| START_MULTIPLIERS * unscaled_multiplier(slope, 1.0) / largest;
        let mut y: Vec<f64> = std::iter::once(0.0).chain(self.slopes.iter().map(multiplier)).collect();
        let (psi, _) = self.middle(&y[1..])?;
        let factor = self.factor(&y, &psi)?;
        let mut reached = self.next.transpose().to_owned();
        solve_lower_triangular_in_place(factor.as_ref(), reached.as_mut(), self.par);
        let norm = spectral_norm(reached.as_ref());
        y[0] = START_OBJECTIVE / (norm * norm);
        // The norm is an estimate.
        (y[0].is_normal() && self.value(&y).is_some()).then_some(y)
    }

    /// `Ψ` and `log det C`.
    fn middle(&self, multipliers: &[f64]) -> Option<(Cow<'_, Mat<f64>>, f64)> {
        if let Some(constant) = &self.constant {
            return Some((Cow::Borrowed(constant), 0.0));
        }
        let products: Vec<f64> =
            multipliers.iter().zip(&self.slopes).map(|(nu, s)| 2.0 * nu * s.lower() * s.upper()).collect();
        let inner = factor_of_inner(&self.whitened, &products, self.par).ok()?;
        let mut turned = self.whitened.transpose().to_owned();
        solve_lower_triangular_in_place(inner.as_ref(), turned.as_mut(), self.par);
        Some((Cow::Owned(full_gram(turned.transpose(), self.par)), log_determinant(&inner)))
    }

    /// `ν_j (α_j + β_j)`, the diagonal of `U`.
    fn crosses(&self, multipliers: &[f64]) -> Vec<f64> {
        multipliers.iter().zip(&self.slopes).map(|(nu, s)| nu * (s.lower() + s.upper())).collect()
    }

    /// The Cholesky factor of `2Λ − UΨU − sB`.
    fn factor(&self, y: &[f64], psi: &Mat<f64>) -> Option<Mat<f64>> {
        if !y[1..].iter().all(|&nu| nu > 0.0) {
            return None;
        }
        let (s, n, crosses) = (y[0], self.slopes.len(), self.crosses(&y[1..]));
        let mut pivot = Mat::zeros(n, n);
        for j in 0..n {
            let (psi, target) = (psi.col_as_slice(j), self.target.col_as_slice(j));
            let column = pivot.col_as_slice_mut(j);
            for i in j..n {
                column[i] = -(crosses[i] * crosses[j] * psi[i]) - s * target[i];
            }
            column[j] += 2.0 * y[1 + j];
        }
        cholesky(&mut pivot, self.par).ok()?;
        Some(pivot)
    }
}

impl Barrier for Stage {
    fn value(&self, y: &[f64]) -> Option<f64> {
        let (psi, of_inputs) = self.middle(&y[1..])?;
        Some(log_determinant(&self.factor(y, &psi)?) + of_inputs)
    }

    fn derivatives(&self, y: &[f64]) -> Option<(Vec<f64>, Mat<f64>)> {
        let (psi, _) = self.middle(&y[1..])?;
        let factor = self.factor(y, &psi)?;
        let (par, n) = (self.par, self.slopes.len());
        let crosses = self.crosses(&y[1..]);
        let inverse = inverse(&factor, par);
        let reached = scaled_rows(&psi, &crosses);
        let product = multiplied(inverse.as_ref(), reached.as_ref(), par);
        let mut twice = psi.into_owned();
        let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
        triangular::matmul(&mut twice, lower, Accum::Add, reached.transpose(), full, &product, full, 1.0, par);
        let grams = Grams { inverse, product, twice };
        let mut gradient = vec![0.0; n + 1];
        let mut matrix = Mat::zeros(n + 1, n + 1);
        grams.add_multipliers(&self.slopes, &mut gradient, &mut matrix);
        grams.add_objective((&self.slopes, y), &reached, par, (&mut gradient, &mut matrix));
        Some((gradient, matrix))
    }

    fn parameter(&self) -> f64 {
        let of_inputs = if self.constant.is_some() { 0 } else { self.whitened.ncols() };
        (self.slopes.len() + of_inputs) as f64
    }
}

/// What the Gram matrices are made of.
struct Grams {
    /// `P`.
    inverse: Mat<f64>,
    /// `Q`.
    product: Mat<f64>,
    /// `R + Ψ`, lower triangle.
    twice: Mat<f64>,
}

impl Grams {
    /// The part of gradient and Hessian of the multipliers.
    fn add_multipliers(&self, slopes: &[SlopeInterval], gradient: &mut [f64], matrix: &mut Mat<f64>) {
        let turned = self.product.transpose().to_owned();
        for (j, slope_j) in slopes.iter().enumerate() {
            let (alpha_j, beta_j) = (slope_j.lower(), slope_j.upper());
            let (p, q) = (self.inverse.col_as_slice(j), self.product.col_as_slice(j));
            let (q_turned, r) = (turned.col_as_slice(j), self.twice.col_as_slice(j));
            let column = matrix.col_as_slice_mut(1 + j);
            for i in j..slopes.len() {
                let (alpha_i, beta_i) = (slopes[i].lower(), slopes[i].upper());
                let gram = |left: f64, right: f64| p[i] - left * q_turned[i] - right * q[i] + left * right * r[i];
                column[1 + i] = 2.0
                    * (gram(alpha_i, alpha_j) * gram(beta_i, beta_j) + gram(alpha_i, beta_j) * gram(beta_i, alpha_j));
            }
            gradient[1 + j] = 2.0 * (p[j] - (alpha_j + beta_j) * q[j] + alpha_j * beta_j * r[j]);
        }
    }

    /// The part of `s`. `reached` is `UΨ`.
    fn add_objective(
        &self,
        (slopes, y): (&[SlopeInterval], &[f64]),
        reached: &Mat<f64>,
        par: Par,
        (gradient, matrix): (&mut [f64], &mut Mat<f64>),
    ) {
        let (s, n) = (y[0], slopes.len());
        let mut of_target = Mat::zeros(n, n);
        for (j, slope) in slopes.iter().enumerate() {
            let (twice, cross) = (2.0 * y[1 + j], y[1 + j] * (slope.lower() + slope.upper()));
            let (p, q) = (self.inverse.col_as_slice(j), self.product.col_as_slice(j));
            let column = of_target.col_as_slice_mut(j);
            for i in 0..n {
                column[i] = (twice * p[i] - cross * q[i]) / s;
            }
            column[j] -= 1.0 / s;
            gradient[0] -= column[j];
        }
        let turned = of_target.transpose().to_owned();
        let reads_lower = slopes.iter().any(|slope| slope.lower() != 0.0);
        let further = reads_lower.then(|| multiplied(turned.as_ref(), reached.as_ref(), par));
        for (j, slope) in slopes.iter().enumerate() {
            let (p, q) = (self.inverse.col_as_slice(j), self.product.col_as_slice(j));
            let (left, right) = (turned.col_as_slice(j), of_target.col_as_slice(j));
            let right_side = |i: usize| p[i] - slope.upper() * q[i];
            let mut sum: f64 = (0..n).map(|i| left[i] * right_side(i)).sum();
            if let Some(further) = &further {
                let further = further.col_as_slice(j);
                sum -= slope.lower() * (0..n).map(|i| further[i] * right_side(i)).sum::<f64>();
            }
            matrix[(1 + j, 0)] = -2.0 * sum;
            matrix[(0, 0)] += left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
        }
    }
}

/// `Diag(factors) M`.
fn scaled_rows(matrix: &Mat<f64>, factors: &[f64]) -> Mat<f64> {
    let mut scaled = matrix.clone();
    for j in 0..scaled.ncols() {
        scaled.col_as_slice_mut(j).iter_mut().zip(factors).for_each(|(entry, factor)| *entry *= factor);
    }
    scaled
}

/// At most as many rows as columns, with the same Gram matrix of columns.
fn narrowed(matrix: Mat<f64>) -> Mat<f64> {
    if matrix.nrows() <= matrix.ncols() { matrix } else { matrix.qr().thin_R().to_owned() }
}

/// Both triangles of `M Mᵀ`.
fn full_gram(matrix: MatRef<'_, f64>, par: Par) -> Mat<f64> {
    let mut product = gram(matrix, par);
    mirror(&mut product);
    product
}

/// `log det(L Lᵀ)`.
pub(crate) fn log_determinant(factor: &Mat<f64>) -> f64 {
    2.0 * (0..factor.nrows()).map(|i| factor[(i, i)].ln()).sum::<f64>()
}

/// Both triangles of `(L Lᵀ)⁻¹`.
fn inverse(factor: &Mat<f64>, par: Par) -> Mat<f64> {
    let n = factor.nrows();
    let (mut of_factor, mut inverse) = (Mat::zeros(n, n), Mat::zeros(n, n));
    invert_lower_triangular(of_factor.as_mut(), factor.as_ref(), par);
    let (lower, upper) = (BlockStructure::TriangularLower, BlockStructure::TriangularUpper);
    triangular::matmul(&mut inverse, lower, Accum::Replace, of_factor.transpose(), upper, &of_factor, lower, 1.0, par);
    mirror(&mut inverse);
    inverse
}

/// `A B`.
fn multiplied(left: MatRef<'_, f64>, right: MatRef<'_, f64>, par: Par) -> Mat<f64> {
    let mut product = Mat::zeros(left.nrows(), right.ncols());
    matmul(&mut product, Accum::Replace, left, right, 1.0, par);
    product
}
