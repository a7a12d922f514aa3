//! Linear maps between blocks of signals.
//!
//! A map is kept in the form the model file gives it, because that form is exact: a product of two float matrices is
//! not a float matrix, so neighbouring maps stay a [`LinearMap::Chain`] and whoever needs the product decides how
//! to account for its rounding.

use faer::linalg::matmul::matmul;
use faer::reborrow::ReborrowMut;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use sprs::{CsMat, TriMat};

/// A linear map `R^cols → R^rows` with exactly known coefficients.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LinearMap {
    /// A dense matrix (`rows × cols`).
    Dense(Mat<f64>),
    /// A sparse matrix in compressed rows.
    Sparse(CsMat<f64>),
    /// `x_i ↦ factors_i · x_i`.
    Scale(Vec<f64>),
    /// `x_i ↦ x_i / divisors_i`, the real quotient; divisors are not zero.
    Divide(Vec<f64>),
    /// The maps one after another, the first applied first; at least one, with fitting sizes.
    Chain(Vec<LinearMap>),
}

impl LinearMap {
    /// A dense map from rows of equal length.
    ///
    /// # Panics
    /// If the rows differ in length.
    pub fn from_rows(rows: &[Vec<f64>]) -> Self {
        let cols = rows.first().map_or(0, Vec::len);
        assert!(rows.iter().all(|row| row.len() == cols), "rows of a matrix have equal length");
        Self::Dense(Mat::from_fn(rows.len(), cols, |i, j| rows[i][j]))
    }

    /// A sparse map from `(row, column, value)`; values at the same place add up.
    ///
    /// # Panics
    /// If a place lies outside the matrix.
    pub fn from_triplets(rows: usize, cols: usize, triplets: &[(usize, usize, f64)]) -> Self {
        let mut matrix = TriMat::new((rows, cols));
        for &(i, j, value) in triplets {
            matrix.add_triplet(i, j, value);
        }
        Self::Sparse(matrix.to_csr())
    }

    /// The identity of order `n`.
    pub fn identity(n: usize) -> Self {
        Self::Scale(vec![1.0; n])
    }

    /// `self` followed by `next`.
    ///
    /// # Panics
    /// If `next` does not take as many inputs as `self` has outputs.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        assert_eq!(self.rows(), next.cols(), "composed maps fit");
        let mut maps = match self {
            Self::Chain(maps) => maps,
            single => vec![single],
        };
        match next {
            Self::Chain(more) => maps.extend(more),
            single => maps.push(single),
        }
        Self::Chain(maps)
    }

    /// Number of outputs.
    pub fn rows(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.nrows(),
            Self::Sparse(matrix) => matrix.rows(),
            Self::Scale(diagonal) | Self::Divide(diagonal) => diagonal.len(),
            Self::Chain(maps) => maps.last().map_or(0, Self::rows),
        }
    }

    /// Number of inputs.
    pub fn cols(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.ncols(),
            Self::Sparse(matrix) => matrix.cols(),
            Self::Scale(diagonal) | Self::Divide(diagonal) => diagonal.len(),
            Self::Chain(maps) => maps.first().map_or(0, Self::cols),
        }
    }

    /// Number of stored coefficients.
    pub fn coefficients(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.nrows() * matrix.ncols(),
            Self::Sparse(matrix) => matrix.nnz(),
            Self::Scale(diagonal) | Self::Divide(diagonal) => diagonal.len(),
            Self::Chain(maps) => maps.iter().map(Self::coefficients).sum(),
        }
    }

    /// The map applied to every column of `x` (`cols × r`); the result is `rows × r`, rounded.
    ///
    /// # Panics
    /// If `x` has the wrong number of rows.
    pub fn apply(&self, x: MatRef<'_, f64>) -> Mat<f64> {
        let mut y = Mat::zeros(self.rows(), x.ncols());
        self.apply_add(x, y.as_mut(), faer::get_global_parallelism());
        y
    }

    /// The transposed map applied to every column of `y` (`rows × r`); the result is `cols × r`, rounded.
    ///
    /// # Panics
    /// If `y` has the wrong number of rows.
    pub fn apply_transpose(&self, y: MatRef<'_, f64>) -> Mat<f64> {
        let mut x = Mat::zeros(self.cols(), y.ncols());
        self.apply_transpose_add(y, x.as_mut(), faer::get_global_parallelism());
        x
    }

    /// Adds the map of every column of `x` (`cols × r`) to `y` (`rows × r`). Dense, sparse and diagonal maps allocate
    /// nothing; both operands may be stored by rows or by columns.
    ///
    /// # Panics
    /// If an operand has the wrong shape.
    pub fn apply_add(&self, x: MatRef<'_, f64>, mut y: MatMut<'_, f64>, par: Par) {
        assert_eq!((x.nrows(), y.nrows()), (self.cols(), self.rows()), "operands fit the map");
        match self {
            Self::Dense(matrix) => matmul(y, Accum::Add, matrix, x, 1.0, par),
            Self::Sparse(matrix) => {
                for (&value, (i, j)) in matrix {
                    add_row(y.rb_mut(), i, value, x, j);
                }
            }
            Self::Scale(factors) => factors.iter().enumerate().for_each(|(i, &f)| add_row(y.rb_mut(), i, f, x, i)),
            Self::Divide(divisors) => divide_rows(divisors, x, y),
            Self::Chain(maps) => {
                let Some((last, before)) = maps.split_last() else { return };
                let inner = before.iter().fold(x.to_owned(), |x, map| {
                    let mut y = Mat::zeros(map.rows(), x.ncols());
                    map.apply_add(x.as_ref(), y.as_mut(), par);
                    y
                });
                last.apply_add(inner.as_ref(), y, par);
            }
        }
    }

    /// Adds the transposed map of every column of `y` (`rows × r`) to `x` (`cols × r`); as [`Self::apply_add`].
    ///
    /// # Panics
    /// If an operand has the wrong shape.
    pub fn apply_transpose_add(&self, y: MatRef<'_, f64>, mut x: MatMut<'_, f64>, par: Par) {
        assert_eq!((x.nrows(), y.nrows()), (self.cols(), self.rows()), "operands fit the transposed map");
        match self {
            Self::Dense(matrix) => matmul(x, Accum::Add, matrix.transpose(), y, 1.0, par),
            Self::Sparse(matrix) => {
                for (&value, (i, j)) in matrix {
                    add_row(x.rb_mut(), j, value, y, i);
                }
            }
            Self::Scale(factors) => factors.iter().enumerate().for_each(|(i, &f)| add_row(x.rb_mut(), i, f, y, i)),
            Self::Divide(divisors) => divide_rows(divisors, y, x),
            Self::Chain(maps) => {
                let Some((first, after)) = maps.split_first() else { return };
                let inner = after.iter().rev().fold(y.to_owned(), |y, map| {
                    let mut x = Mat::zeros(map.cols(), y.ncols());
                    map.apply_transpose_add(y.as_ref(), x.as_mut(), par);
                    x
                });
                first.apply_transpose_add(inner.as_ref(), x, par);
            }
        }
    }

    /// The matrix of the map (`rows × cols`); exact for one matrix, rounded for a chain or a quotient.
    ///
    /// # Panics
    /// For a chain without maps, which no constructor makes.
    pub fn to_dense(&self) -> Mat<f64> {
        match self {
            Self::Dense(matrix) => matrix.clone(),
            Self::Sparse(matrix) => {
                let mut dense = Mat::zeros(matrix.rows(), matrix.cols());
                for (&value, (i, j)) in matrix {
                    dense[(i, j)] = value;
                }
                dense
            }
            Self::Scale(factors) => diagonal(factors.len(), |i| factors[i]),
            Self::Divide(divisors) => diagonal(divisors.len(), |i| divisors[i].recip()),
            Self::Chain(maps) => {
                let (first, rest) = maps.split_first().expect("a chain has at least one map");
                rest.iter().fold(first.to_dense(), |product, map| map.apply(product.as_ref()))
            }
        }
    }

    /// Shows `visit` every `(row, column)` whose coefficient may differ from zero. For a chain this is the product of
    /// the patterns, without cancellation.
    pub fn for_each_nonzero(&self, visit: &mut dyn FnMut(usize, usize)) {
        match self {
            Self::Dense(matrix) => {
                for j in 0..matrix.ncols() {
                    for i in 0..matrix.nrows() {
                        if matrix[(i, j)] != 0.0 {
                            visit(i, j);
                        }
                    }
                }
            }
            Self::Sparse(matrix) => {
                for (&value, (i, j)) in matrix {
                    if value != 0.0 {
                        visit(i, j);
                    }
                }
            }
            Self::Scale(factors) => (0..factors.len()).filter(|&i| factors[i] != 0.0).for_each(|i| visit(i, i)),
            Self::Divide(divisors) => (0..divisors.len()).for_each(|i| visit(i, i)),
            Self::Chain(maps) => chain_pattern(maps, visit),
        }
    }
}

/// The pattern of a product: which outputs each input reaches.
fn chain_pattern(maps: &[LinearMap], visit: &mut dyn FnMut(usize, usize)) {
    let inputs = maps.first().map_or(0, LinearMap::cols);
    let forward: Vec<Vec<Vec<usize>>> = maps
        .iter()
        .map(|map| {
            let mut reached = vec![Vec::new(); map.cols()];
            map.for_each_nonzero(&mut |i, j| reached[j].push(i));
            reached
        })
        .collect();
    for j in 0..inputs {
        let mut current = vec![j];
        for (map, reached) in maps.iter().zip(&forward) {
            let mut mark = vec![false; map.rows()];
            for &k in &current {
                for &i in &reached[k] {
                    mark[i] = true;
                }
            }
            current = (0..map.rows()).filter(|&i| mark[i]).collect();
        }
        for i in current {
            visit(i, j);
        }
    }
}

/// `target_i ← target_i + factor · source_j` for rows.
fn add_row(target: MatMut<'_, f64>, i: usize, factor: f64, source: MatRef<'_, f64>, j: usize) {
    for (t, &s) in target.row_mut(i).iter_mut().zip(source.row(j).iter()) {
        *t += factor * s;
    }
}

/// Adds the rows of `source`, divided, to those of `target`.
fn divide_rows(divisors: &[f64], source: MatRef<'_, f64>, mut target: MatMut<'_, f64>) {
    for (i, divisor) in divisors.iter().enumerate() {
        for (t, &s) in target.rb_mut().row_mut(i).iter_mut().zip(source.row(i).iter()) {
            *t += s / divisor;
        }
    }
}

/// A square matrix with the given diagonal.
fn diagonal(n: usize, entry: impl Fn(usize) -> f64) -> Mat<f64> {
    Mat::from_fn(n, n, |i, j| if i == j { entry(i) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<LinearMap> {
        let dense = LinearMap::from_rows(&[vec![1.0, -2.0, 0.5], vec![0.0, 3.0, 1.0]]);
        let sparse = LinearMap::from_triplets(3, 2, &[(0, 1, 2.0), (2, 0, -1.0)]);
        let chain = sparse.clone().then(dense.clone()).then(LinearMap::Divide(vec![4.0, -2.0]));
        vec![dense, sparse, LinearMap::Scale(vec![2.0, 0.0]), LinearMap::Divide(vec![2.0, 8.0]), chain]
    }

    #[test]
    fn apply_and_its_transpose_agree_with_the_matrix() {
        for map in samples() {
            let matrix = map.to_dense();
            let x = Mat::from_fn(map.cols(), 2, |i, j| (i + 2 * j) as f64 - 1.5);
            let y = Mat::from_fn(map.rows(), 2, |i, j| 0.5 - (2 * i + j) as f64);
            assert_eq!(map.apply(x.as_ref()), &matrix * &x);
            assert_eq!(map.apply_transpose(y.as_ref()), matrix.transpose() * &y);
        }
    }

    #[test]
    fn the_pattern_covers_the_matrix() {
        for map in samples() {
            let mut pattern = Mat::<f64>::zeros(map.rows(), map.cols());
            map.for_each_nonzero(&mut |i, j| pattern[(i, j)] = 1.0);
            let matrix = map.to_dense();
            for j in 0..map.cols() {
                for i in 0..map.rows() {
                    assert!(matrix[(i, j)] == 0.0 || pattern[(i, j)] == 1.0, "({i}, {j}) is missing");
                }
            }
        }
    }
}
