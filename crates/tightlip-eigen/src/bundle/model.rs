//! The model of the bundle: the pencil seen through a small space of vectors.
//!
//! With relative multipliers `z_j = y_j / ŷ_j` around the centre `ŷ` and an orthonormal basis `P` in the metric of the centre,
//! `Pᵀ D̂^{−½} F(ŷ z) D̂^{−½} P = B_0 + Σ_j z_j B_j` is linear in `z`, and its smallest eigenvalue is never below that of the whole
//! pencil. Each `B_j` is made of what the vectors have at one signal and what comes into it.

use faer::linalg::matmul::matmul;
use faer::{Accum, Col, Mat, MatRef, Par, Side};

use super::quadratic;
use crate::scaled_pencil::{Passes, scale_rows};
use crate::variables::Variables;

/// The pencil restricted to a space of vectors.
pub(super) struct Model {
    /// The vectors `δ = D̂^{−½} P`, one in each column, and `P`.
    pub(super) signals: Mat<f64>,
    basis: Mat<f64>,
    /// The coefficients of `⟨·, B_j⟩`, a column for each multiplier.
    terms: Mat<f64>,
    /// The same for `B_0`.
    constant: Col<f64>,
}

/// A solution of the subproblem.
pub(super) struct Solution {
    /// `V`, the dual matrix on the basis.
    pub(super) matrix: Mat<f64>,
    /// The relative multipliers.
    pub(super) z: Vec<f64>,
}

impl Model {
    /// The model around `centre` on the span of `vectors` (signals `δ`, `order × k`).
    pub(super) fn new(passes: &Passes<'_>, variables: &Variables, centre: &[f64], vectors: MatRef<'_, f64>) -> Self {
        let diagonal = variables.diagonal(centre);
        let roots: Vec<f64> = diagonal.iter().map(|d| d.sqrt()).collect();
        let mut scaled = vectors.to_owned();
        scale_rows(scaled.as_mut(), &roots);
        let basis = orthonormal(scaled);
        let mut signals = basis.clone();
        scale_rows(signals.as_mut(), &roots.iter().map(|root| root.recip()).collect::<Vec<_>>());
        let mut incoming = Mat::<f64>::zeros(signals.nrows(), signals.ncols());
        passes.add_incoming(signals.as_ref(), incoming.as_mut());
        let count = quadratic::entries(basis.ncols());
        let mut model = Self { terms: Mat::zeros(count, variables.len()), constant: Col::zeros(count), signals, basis };
        model.fill(passes, variables, &diagonal, incoming.as_ref());
        model
    }

    /// Number of basis vectors.
    pub(super) fn width(&self) -> usize {
        self.basis.ncols()
    }

    /// Adds up the terms, signal by signal.
    fn fill(&mut self, passes: &Passes<'_>, variables: &Variables, diagonal: &[f64], incoming: MatRef<'_, f64>) {
        let width = self.width();
        let outputs = variables.block(variables.blocks() - 1).start;
        let (mut own, mut into) = (vec![0.0; width], vec![0.0; width]);
        for i in 0..variables.signals() {
            let entry = variables.of(i);
            for c in 0..width {
                (own[c], into[c]) = (self.signals[(i, c)], incoming[(i, c)]);
            }
            let (mean, product) = passes.sector(i);
            let d = diagonal[i];
            let mut term = self.terms.as_mut().col_mut(entry);
            let mut at = 0;
            for b in 0..width {
                for a in 0..=b {
                    let twice = if a == b { 1.0 } else { 2.0 };
                    let cross = own[a] * into[b] + into[a] * own[b];
                    if i >= outputs {
                        self.constant[at] -= twice * cross;
                        term[at] += twice * d * own[a] * own[b];
                    } else {
                        term[at] += twice * d * (own[a] * own[b] - mean * cross + product * into[a] * into[b]);
                    }
                    at += 1;
                }
            }
        }
    }

    /// Minimises `Σ c_j z_j + ½ Σ h_j (z_j − 1)² + ρ max(0, −λ_min(B_0 + Σ z_j B_j))`.
    pub(super) fn minimise(&self, costs: &[f64], weights: &[f64], penalty: f64) -> Solution {
        let mut scaled = self.terms.clone();
        for (j, weight) in weights.iter().enumerate() {
            let mut column = scaled.as_mut().col_mut(j);
            column *= faer::Scale(weight.recip());
        }
        let count = self.constant.nrows();
        let mut quadratic = Mat::<f64>::zeros(count, count);
        matmul(quadratic.as_mut(), Accum::Replace, &scaled, self.terms.transpose(), 1.0, Par::Seq);
        let ones = Col::from_fn(costs.len(), |_| 1.0);
        let costs = Col::from_fn(costs.len(), |j| costs[j]);
        let linear = &self.constant + &self.terms * ones - &scaled * &costs;
        let matrix = quadratic::minimise(self.width(), &quadratic, &linear, penalty);
        let forms = self.forms(&matrix);
        let z = forms.iter().zip(weights).enumerate().map(|(j, (form, h))| 1.0 + (form - costs[j]) / h).collect();
        Solution { matrix, z }
    }

    /// `⟨V, B_j⟩` for every multiplier.
    fn forms(&self, matrix: &Mat<f64>) -> Vec<f64> {
        let entries = quadratic::coordinates(self.width(), matrix);
        let forms = self.terms.transpose() * entries;
        forms.iter().copied().collect()
    }

    /// What of the dual matrix lies at each multiplier: `Σ_{i of j} (P V Pᵀ)_ii`.
    pub(super) fn flows(&self, variables: &Variables, matrix: &Mat<f64>) -> Vec<f64> {
        let product = &self.basis * matrix;
        let mut flows = vec![0.0; variables.len()];
        for i in 0..variables.signals() {
            flows[variables.of(i)] += (0..self.width()).map(|c| product[(i, c)] * self.basis[(i, c)]).sum::<f64>();
        }
        flows
    }

    /// The signals of the leading directions of the dual matrix, longest first, each times the root of its eigenvalue.
    pub(super) fn leading(&self, matrix: &Mat<f64>) -> Mat<f64> {
        /// Directions with less of the trace are noise.
        const LEAST: f64 = 1e-9;
        let Ok(eigen) = matrix.self_adjoint_eigen(Side::Lower) else { return Mat::zeros(self.signals.nrows(), 0) };
        let width = self.width();
        let value = |rank: usize| eigen.S()[width - 1 - rank].max(0.0);
        let count = (0..width).take_while(|&rank| value(rank) > LEAST * value(0)).count();
        let combine = Mat::from_fn(width, count, |a, rank| value(rank).sqrt() * eigen.U()[(a, width - 1 - rank)]);
        &self.signals * combine
    }
}

/// An orthonormal basis of the span of the columns; dependent ones are left out.
fn orthonormal(mut vectors: Mat<f64>) -> Mat<f64> {
    /// A column of which less than this part is new depends on those before.
    const DEPENDENT: f64 = 1e-8;
    let mut made = 0;
    for j in 0..vectors.ncols() {
        let mut next = vectors.col(j).to_owned();
        let before = next.norm_l2();
        for _ in 0..2 {
            let known = vectors.as_ref().subcols(0, made);
            let along = known.transpose() * &next;
            next -= known * along;
        }
        let length = next.norm_l2();
        if length > DEPENDENT * before && length.is_finite() {
            vectors.as_mut().col_mut(made).copy_from(next / faer::Scale(length));
            made += 1;
        }
    }
    vectors.as_ref().subcols(0, made).to_owned()
}

/// The columns of both matrices.
pub(super) fn side_by_side(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut both = Mat::zeros(left.nrows(), left.ncols() + right.ncols());
    both.as_mut().subcols_mut(0, left.ncols()).copy_from(left);
    both.as_mut().subcols_mut(left.ncols(), right.ncols()).copy_from(right);
    both
}

#[cfg(test)]
mod tests {
    use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query, random_network};

    use super::*;
    use crate::ScaledPencil;

    #[test]
    fn the_model_is_the_pencil_on_its_basis_and_leading_directions_make_up_the_dual_matrix() {
        let network = random_network(&[3, 4, 5, 2], Activation::LeakyRelu { slope: -0.5 }, 3).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let query = Query::euclidean(OutputSelection::All);
        let (passes, variables) = (Passes::new(&system, 1), Variables::new(&system, &query));
        let centre: Vec<f64> = (0..variables.len()).map(|j| 1.1 + (1.7 * j as f64).sin()).collect();
        let vectors = Mat::from_fn(passes.order(), 3, |i, c| ((1.3 + c as f64) * i as f64 + c as f64).cos());
        let model = Model::new(&passes, &variables, &centre, vectors.as_ref());
        let z: Vec<f64> = (0..variables.len()).map(|j| 1.0 + 0.4 * (2.3 * j as f64).cos()).collect();
        let coefficients = &model.constant + &model.terms * Col::from_fn(z.len(), |j| z[j]);
        let trial: Vec<f64> = centre.iter().zip(&z).map(|(y, z)| y * z).collect();
        let pencil = ScaledPencil::scaled_by(&passes, variables.diagonal(&trial), &variables.diagonal(&centre));
        let mut image = Mat::<f64>::zeros(passes.order(), 3);
        pencil.apply(model.basis.as_ref(), image.as_mut());
        let dense = model.basis.transpose() * &image;
        for b in 0..3 {
            for a in 0..=b {
                let twice = if a == b { 1.0 } else { 2.0 };
                let found = coefficients[quadratic::place(a, b)];
                assert!((found - twice * dense[(a, b)]).abs() < 1e-12, "({a}, {b}): {found}");
            }
        }
        let root = Mat::from_fn(3, 3, |a, b| ((a + 2 * b) as f64).sin());
        let dual = &root * root.transpose();
        let leading = model.leading(&dual);
        let difference = &leading * leading.transpose() - &model.signals * &dual * model.signals.transpose();
        assert!(difference.norm_max() < 1e-12 * dual.norm_max(), "{difference:?}");
    }
}
