//! The incoming weights of one block of neurons from one block of signals, `W` (`rows × columns`), and their products.
//!
//! Every neuron vector `v_j` is a row of such matrices placed on the coordinates of its sources, so `M V` and `Vᵀ M V`
//! are products with `Wᵀ` from the right and with `W` from the left, block by block.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::prelude::ReborrowMut;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// Below this share of nonzeros the weights are kept and multiplied as a list: a dense product does about ten
/// multiplications in the time of one indexed one.
const SPARSE: f64 = 0.08;

/// Weights from the coordinates `source` into the neurons at the coordinates `target`.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    /// Coordinates of the neurons: the rows.
    pub target: Range<usize>,
    /// Coordinates they read: the columns.
    pub source: Range<usize>,
    weights: Weights,
}

/// How the weights are kept.
#[derive(Debug, Clone)]
enum Weights {
    /// All of them.
    Dense(Mat<f64>),
    /// The nonzeros of each row as `(column, weight)`.
    Sparse(Vec<Vec<(usize, f64)>>),
}

impl Incoming {
    /// From the nonzeros of each row as `(coordinate, weight)`, all within `source`.
    pub(crate) fn new(target: Range<usize>, source: Range<usize>, rows: &[Vec<(usize, f64)>]) -> Self {
        let nonzeros: usize = rows.iter().map(Vec::len).sum();
        let columns = source.len();
        let weights = if (nonzeros as f64) < SPARSE * (rows.len() * columns) as f64 {
            Weights::Sparse(rows.iter().map(|row| row.iter().map(|&(c, w)| (c - source.start, w)).collect()).collect())
        } else {
            let mut dense = Mat::zeros(rows.len(), columns);
            for (i, row) in rows.iter().enumerate() {
                for &(c, w) in row {
                    dense[(i, c - source.start)] += w;
                }
            }
            Weights::Dense(dense)
        };
        Self { target, source, weights }
    }

    /// Shows every weight with the coordinates of its neuron and of its source.
    pub(crate) fn for_each(&self, visit: &mut dyn FnMut(usize, usize, f64)) {
        match &self.weights {
            Weights::Dense(dense) => {
                for j in 0..dense.ncols() {
                    for (i, &w) in dense.col(j).iter().enumerate() {
                        visit(self.target.start + i, self.source.start + j, w);
                    }
                }
            }
            Weights::Sparse(rows) => {
                for (i, row) in rows.iter().enumerate() {
                    for &(j, w) in row {
                        visit(self.target.start + i, self.source.start + j, w);
                    }
                }
            }
        }
    }

    /// `out[:, target] += M[:, source] Wᵀ`.
    pub(crate) fn add_right(&self, matrix: MatRef<'_, f64>, out: MatMut<'_, f64>, par: Par) {
        let from = matrix.subcols(self.source.start, self.source.len());
        self.add_transposed(from, out.subcols_mut(self.target.start, self.target.len()), par);
    }

    /// `into += from Wᵀ`.
    fn add_transposed(&self, from: MatRef<'_, f64>, mut into: MatMut<'_, f64>, par: Par) {
        match &self.weights {
            Weights::Dense(dense) => matmul(into, Accum::Add, from, dense.transpose(), 1.0, par),
            Weights::Sparse(rows) => {
                for (i, row) in rows.iter().enumerate() {
                    for &(j, w) in row {
                        into.rb_mut().col_mut(i).iter_mut().zip(from.col(j).iter()).for_each(|(o, m)| *o += w * m);
                    }
                }
            }
        }
    }

    /// `out[target, :] += W M[source, :]`.
    pub(crate) fn add_left(&self, matrix: MatRef<'_, f64>, out: MatMut<'_, f64>, par: Par) {
        let from = matrix.subrows(self.source.start, self.source.len());
        let mut into = out.subrows_mut(self.target.start, self.target.len());
        match &self.weights {
            Weights::Dense(dense) => matmul(into, Accum::Add, dense, from, 1.0, par),
            Weights::Sparse(rows) => {
                for column in 0..from.ncols() {
                    let from = from.col(column);
                    for (o, row) in into.rb_mut().col_mut(column).iter_mut().zip(rows) {
                        *o += row.iter().map(|&(j, w)| w * from[j]).sum::<f64>();
                    }
                }
            }
        }
    }

    /// `out[source, other.source] += Wᵀ Diag(factors) W′` for the weights `W′` of the same neurons from elsewhere, and
    /// their transpose on the other side where the sources differ.
    pub(crate) fn add_squares(&self, factors: &[f64], other: &Self, mut out: MatMut<'_, f64>, par: Par) {
        let mut scaled = Mat::<f64>::zeros(self.target.len(), self.source.len());
        self.for_each(&mut |i, j, w| {
            let i = i - self.target.start;
            scaled[(i, j - self.source.start)] = factors[i] * w;
        });
        let transposed = scaled.transpose();
        let product = match &other.weights {
            Weights::Dense(dense) => {
                let mut product = Mat::<f64>::zeros(self.source.len(), other.source.len());
                matmul(product.as_mut(), Accum::Replace, transposed, dense, 1.0, par);
                product
            }
            Weights::Sparse(rows) => {
                let mut product = Mat::<f64>::zeros(self.source.len(), other.source.len());
                for (i, row) in rows.iter().enumerate() {
                    for &(j, w) in row {
                        for k in 0..self.source.len() {
                            product[(k, j)] += w * scaled[(i, k)];
                        }
                    }
                }
                product
            }
        };
        for j in 0..product.ncols() {
            for i in 0..product.nrows() {
                out[(self.source.start + i, other.source.start + j)] += product[(i, j)];
                if self.source != other.source {
                    out[(other.source.start + j, self.source.start + i)] += product[(i, j)];
                }
            }
        }
    }

    /// `w_iᵀ M[source, target_i]` for every neuron `i`.
    pub(crate) fn own_products(&self, matrix: MatRef<'_, f64>) -> Vec<f64> {
        let column = |i: usize| matrix.col(self.target.start + i).subrows(self.source.start, self.source.len());
        match &self.weights {
            Weights::Dense(dense) => (0..self.target.len()).map(|i| dense.row(i) * column(i)).collect(),
            Weights::Sparse(rows) => {
                rows.iter().enumerate().map(|(i, row)| row.iter().map(|&(j, w)| w * column(i)[j]).sum()).collect()
            }
        }
    }

    /// `w_iᵀ M[source, other.source] w′_i` for every neuron `i`.
    pub(crate) fn square_products(&self, other: &Self, matrix: MatRef<'_, f64>, par: Par) -> Vec<f64> {
        let mut product = Mat::<f64>::zeros(self.source.len(), self.target.len());
        let part = matrix.submatrix(self.source.start, other.source.start, self.source.len(), other.source.len());
        other.add_transposed(part, product.as_mut(), par);
        let mut sums = vec![0.0; self.target.len()];
        self.for_each(&mut |i, j, w| {
            let i = i - self.target.start;
            sums[i] += w * product[(j - self.source.start, i)];
        });
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_dense_weights_give_the_same_products() {
        let (source, target) = (1..41, 41..45);
        let rows: Vec<Vec<(usize, f64)>> = (0..4).map(|i| vec![(3 + 7 * i, 0.5 + i as f64), (40, -1.5)]).collect();
        let sparse = Incoming::new(target.clone(), source.clone(), &rows);
        assert!(matches!(sparse.weights, Weights::Sparse(_)));
        let mut matrix = Mat::<f64>::zeros(4, 40);
        sparse.for_each(&mut |i, j, w| matrix[(i - 41, j - 1)] = w);
        assert_eq!(matrix[(2, 16)], 2.5);
        let dense = Incoming { target, source, weights: Weights::Dense(matrix) };
        let m = Mat::from_fn(45, 45, |i, j| ((i * 45 + 3 * j) as f64).sin());
        let products = |w: &Incoming| {
            let mut out = [Mat::<f64>::zeros(45, 45), Mat::zeros(45, 45), Mat::zeros(45, 45)];
            w.add_right(m.as_ref(), out[0].as_mut(), Par::Seq);
            w.add_left(m.as_ref(), out[1].as_mut(), Par::Seq);
            w.add_squares(&[0.3, -0.2, 1.0, 2.0], &sparse, out[2].as_mut(), Par::Seq);
            (out, w.own_products(m.as_ref()), w.square_products(&sparse, m.as_ref(), Par::Seq))
        };
        let (first, second) = (products(&sparse), products(&dense));
        for (a, b) in first.0.iter().zip(&second.0) {
            assert!((a - b).norm_max() < 1e-13 && a.norm_max() > 0.1);
        }
        for (a, b) in first.1.iter().chain(&first.2).zip(second.1.iter().chain(&second.2)) {
            assert!((a - b).abs() < 1e-13 && a.abs() > 1e-3);
        }
        let (mut a, mut b) = (Mat::<f64>::zeros(45, 45), Mat::<f64>::zeros(45, 45));
        sparse.add_squares(&[1.0; 4], &dense, a.as_mut(), Par::Seq);
        sparse.add_squares(&[1.0; 4], &sparse, b.as_mut(), Par::Seq);
        assert!((a - b).norm_max() < 1e-13);
    }
}
