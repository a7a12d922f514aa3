//! A candidate Cholesky factor of the shifted inequality, and the bound of what it misses.
//!
//! Let `A` be the scaled inequality and `c > 0` a shift. A matrix `L` with `L Lᵀ ≈ A − cI` is obtained by any means;
//! nothing about how it was computed is used. With the computed residual `R̂ = fl(A − cI − L Lᵀ)` the exact matrix is
//!
//!   `A_exact = L Lᵀ + cI + R`,   `‖R‖₂ ≤ ‖R‖_∞ ≤ ‖R̂‖_∞ + γ_{n+4} ‖ |A| + cI + |L||Lᵀ| ‖_∞ + ‖E‖_∞ =: r`,
//!
//! where `E` are the errors of the entries of `A`, and the standard bound of sums of products was used, which holds in
//! any order of summation and with fused operations (Higham 2002, §3.1; the idea of the a posteriori check: Rump 2006).
//! Hence `r ≤ c` proves `A_exact ⪰ 0`. Everything is done block by block; the first block is diagonal unless a slope
//! interval has `αβ ≠ 0`.

use std::collections::BTreeMap;

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par, Side};

use crate::Refusal;
use crate::directed::{gamma, inflated};
use crate::inequality::Inequality;

/// A diagonal block of the factor.
#[derive(Debug, Clone)]
enum Pivot {
    /// A diagonal block with this diagonal.
    Diagonal(Vec<f64>),
    /// A lower triangle.
    Lower(Mat<f64>),
}

/// A block lower triangular matrix `L`.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    pivots: Vec<Pivot>,
    below: BTreeMap<(usize, usize), Mat<f64>>,
    shift: f64,
}

impl Factor {
    /// Factorises `A − shift · I`.
    ///
    /// # Errors
    /// [`Refusal::NotPositive`] if a pivot is not positive: the matrix is not positive definite, or too close to call.
    pub(crate) fn new(inequality: &Inequality, shift: f64, par: Par) -> Result<Self, Refusal> {
        let mut factor = Self { pivots: Vec::new(), below: BTreeMap::new(), shift };
        for j in 0..inequality.sizes.len() {
            let pivot = factor.pivot(inequality, j, par)?;
            for i in j + 1..inequality.sizes.len() {
                if let Some(mut remainder) = factor.remainder(inequality, i, j, par) {
                    divide_by_pivot(&mut remainder, &pivot, par);
                    factor.below.insert((i, j), remainder);
                }
            }
            factor.pivots.push(pivot);
        }
        Ok(factor)
    }

    /// The factor of diagonal block `j` after the elimination of the blocks before it.
    fn pivot(&self, inequality: &Inequality, j: usize, par: Par) -> Result<Pivot, Refusal> {
        let diagonal = &inequality.diagonal[j];
        let untouched = !inequality.beside.contains_key(&j) && self.row(j, j).next().is_none();
        let broken = |k: usize| Refusal::NotPositive {
            reason: format!("the factorisation breaks down in block {j} at row {k}: the multipliers are not feasible"),
        };
        if untouched {
            let roots: Vec<f64> = diagonal.iter().map(|d| (d - self.shift).sqrt()).collect();
            // A NaN root (negative pivot) and a zero root both stop here.
            return match roots.iter().position(|root| !root.is_normal()) {
                Some(k) => Err(broken(k)),
                None => Ok(Pivot::Diagonal(roots)),
            };
        }
        let mut block = self.shifted_diagonal(inequality, j);
        for (k, left) in self.row(j, j) {
            debug_assert!(k < j, "only earlier blocks are eliminated");
            matmul(&mut block, Accum::Add, left, left.transpose(), -1.0, par);
        }
        let lower = block.llt(Side::Lower).map_err(|error| match error {
            faer::linalg::solvers::LltError::NonPositivePivot { index } => broken(index),
        })?;
        Ok(Pivot::Lower(lower.L().to_owned()))
    }

    /// `A_{jj} − shift · I`.
    fn shifted_diagonal(&self, inequality: &Inequality, j: usize) -> Mat<f64> {
        let n = inequality.sizes[j];
        let mut block = inequality.beside.get(&j).cloned().unwrap_or_else(|| Mat::zeros(n, n));
        for (k, d) in inequality.diagonal[j].iter().enumerate() {
            block[(k, k)] += d - self.shift;
        }
        block
    }

    /// The blocks `L_{i,k}` with `k < limit`.
    fn row(&self, i: usize, limit: usize) -> impl Iterator<Item = (usize, &Mat<f64>)> {
        self.below.range((i, 0)..(i, limit)).map(|(&(_, k), block)| (k, block))
    }

    /// `A_{ij} − Σ_{k<j} L_{ik} L_{jk}ᵀ`, or `None` where it is structurally zero.
    fn remainder(&self, inequality: &Inequality, i: usize, j: usize, par: Par) -> Option<Mat<f64>> {
        let mut block = inequality.below.get(&(i, j)).cloned();
        for (k, left) in self.row(i, j) {
            if let Some(right) = self.below.get(&(j, k)) {
                let target = block.get_or_insert_with(|| Mat::zeros(left.nrows(), right.nrows()));
                matmul(target, Accum::Add, left, right.transpose(), -1.0, par);
            }
        }
        block
    }

    /// An upper bound of `r` in the module's formula.
    pub(crate) fn residual_bound(&self, inequality: &Inequality, par: Par) -> f64 {
        let mut sums = RowSums::new(inequality);
        let reach = self.absolute_product(&inequality.sizes);
        for i in 0..inequality.sizes.len() {
            for j in 0..i {
                if let Some(mut residual) = self.remainder(inequality, i, j, par) {
                    if let Some(left) = self.below.get(&(i, j)) {
                        subtract_times_pivot(&mut residual, left, &self.pivots[j], par);
                    }
                    sums.add_below(i, j, &residual, inequality.below.get(&(i, j)));
                }
            }
            self.add_diagonal_residual(inequality, i, &mut sums, par);
        }
        sums.largest(inequality, &reach, self.shift)
    }

    /// Adds the residual of diagonal block `i` to the row sums.
    fn add_diagonal_residual(&self, inequality: &Inequality, i: usize, sums: &mut RowSums, par: Par) {
        match &self.pivots[i] {
            Pivot::Diagonal(roots) => {
                for (k, root) in roots.iter().enumerate() {
                    let entry = inequality.diagonal[i][k];
                    let residual = (-root).mul_add(*root, entry - self.shift);
                    sums.add(i, k, residual.abs(), entry.abs());
                }
            }
            Pivot::Lower(lower) => {
                let mut residual = self.shifted_diagonal(inequality, i);
                for (_, left) in self.row(i, i) {
                    matmul(&mut residual, Accum::Add, left, left.transpose(), -1.0, par);
                }
                matmul(&mut residual, Accum::Add, lower, lower.transpose(), -1.0, par);
                for k in 0..lower.nrows() {
                    let row: f64 = residual.row(k).iter().map(|x| x.abs()).sum();
                    let beside: f64 =
                        inequality.beside.get(&i).map_or(0.0, |block| block.row(k).iter().map(|x| x.abs()).sum());
                    sums.add(i, k, row, inequality.diagonal[i][k].abs() + beside);
                }
            }
        }
    }

    /// Row sums of `|L||Lᵀ|`, as two products with the vector of ones; not inflated.
    fn absolute_product(&self, sizes: &[usize]) -> Vec<Vec<f64>> {
        let mut columns: Vec<Vec<f64>> = sizes.iter().map(|&n| vec![0.0; n]).collect();
        let mut rows = columns.clone();
        self.for_each_entry(&mut |_, _, j, c, x| columns[j][c] += x);
        self.for_each_entry(&mut |i, r, j, c, x| rows[i][r] += x * columns[j][c]);
        rows
    }

    /// Shows `visit` block row, row, block column, column and absolute value of every entry of `L`.
    fn for_each_entry(&self, visit: &mut dyn FnMut(usize, usize, usize, usize, f64)) {
        for (j, pivot) in self.pivots.iter().enumerate() {
            match pivot {
                Pivot::Diagonal(roots) => roots.iter().enumerate().for_each(|(k, x)| visit(j, k, j, k, x.abs())),
                Pivot::Lower(lower) => {
                    for c in 0..lower.ncols() {
                        (c..lower.nrows()).for_each(|r| visit(j, r, j, c, lower[(r, c)].abs()));
                    }
                }
            }
        }
        for (&(i, j), block) in &self.below {
            for c in 0..block.ncols() {
                (0..block.nrows()).for_each(|r| visit(i, r, j, c, block[(r, c)].abs()));
            }
        }
    }
}

/// `block ← block · L_{jj}^{−ᵀ}`.
fn divide_by_pivot(block: &mut Mat<f64>, pivot: &Pivot, par: Par) {
    match pivot {
        Pivot::Diagonal(roots) => {
            for (c, root) in roots.iter().enumerate() {
                block.col_mut(c).iter_mut().for_each(|x| *x /= root);
            }
        }
        Pivot::Lower(lower) => solve_lower_triangular_in_place(lower.as_ref(), block.as_mut().transpose_mut(), par),
    }
}

/// `residual ← residual − left · L_{jj}ᵀ`.
fn subtract_times_pivot(residual: &mut Mat<f64>, left: &Mat<f64>, pivot: &Pivot, par: Par) {
    match pivot {
        Pivot::Diagonal(roots) => {
            for (c, root) in roots.iter().enumerate() {
                for r in 0..left.nrows() {
                    residual[(r, c)] = (-left[(r, c)]).mul_add(*root, residual[(r, c)]);
                }
            }
        }
        Pivot::Lower(lower) => matmul(residual, Accum::Add, left, lower.transpose(), -1.0, par),
    }
}

/// Row sums of the residual and of `|A|`, collected block by block.
struct RowSums {
    residual: Vec<Vec<f64>>,
    entries: Vec<Vec<f64>>,
}

impl RowSums {
    /// Zeros for every row.
    fn new(inequality: &Inequality) -> Self {
        let zeros: Vec<Vec<f64>> = inequality.sizes.iter().map(|&n| vec![0.0; n]).collect();
        Self { residual: zeros.clone(), entries: zeros }
    }

    /// Adds to one row.
    fn add(&mut self, block: usize, row: usize, residual: f64, entries: f64) {
        self.residual[block][row] += residual;
        self.entries[block][row] += entries;
    }

    /// Adds a block below the diagonal to its rows and, by symmetry, to the rows of its columns.
    fn add_below(&mut self, i: usize, j: usize, residual: &Mat<f64>, entries: Option<&Mat<f64>>) {
        for c in 0..residual.ncols() {
            for r in 0..residual.nrows() {
                let (x, a) = (residual[(r, c)].abs(), entries.map_or(0.0, |block| block[(r, c)].abs()));
                self.add(i, r, x, a);
                self.add(j, c, x, a);
            }
        }
    }

    /// The largest row sum of the whole bound `r`; NaN anywhere gives infinity.
    fn largest(&self, inequality: &Inequality, reach: &[Vec<f64>], shift: f64) -> f64 {
        let n = inequality.order();
        // Up to n products and three further terms in each entry, the fused and the block-wise sums included.
        let rounding = gamma(n + 4);
        let mut largest = 0.0_f64;
        for (block, rows) in self.residual.iter().enumerate() {
            for (row, &residual) in rows.iter().enumerate() {
                let magnitude = self.entries[block][row] + shift + inflated(reach[block][row], 2 * n);
                let floor = crate::directed::UNDERFLOW * (n + 4) as f64 * n as f64;
                let sum = residual + rounding * magnitude + inequality.error[block][row] + floor;
                let bound = inflated(sum, 2 * n + 8);
                largest = if bound.is_nan() { f64::INFINITY } else { largest.max(bound) };
            }
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix of two blocks with a known smallest eigenvalue: `[[1, x], [x, 1]] ⊗ I`, eigenvalues `1 ± x`.
    fn coupled(x: f64, n: usize) -> Inequality {
        let mut below = BTreeMap::new();
        below.insert((1, 0), Mat::from_fn(n, n, |i, j| if i == j { x } else { 0.0 }));
        Inequality {
            sizes: vec![n, n],
            below,
            diagonal: vec![vec![1.0; n]; 2],
            beside: BTreeMap::new(),
            error: vec![vec![0.0; n]; 2],
        }
    }

    #[test]
    fn the_residual_of_a_true_factor_is_tiny_and_a_breakdown_is_reported() {
        let inequality = coupled(1.0 - 1e-6, 5);
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        let bound = factor.residual_bound(&inequality, Par::Seq);
        assert!(bound > 0.0 && bound < 1e-13, "{bound}");
        assert!(Factor::new(&coupled(1.0 + 1e-6, 5), 1e-9, Par::Seq).is_err());
    }

    #[test]
    fn the_residual_bound_sees_every_block_that_is_wrong() {
        let inequality = coupled(0.5, 3);
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        let mut wrong = factor.clone();
        wrong.below.get_mut(&(1, 0)).expect("coupled")[(2, 1)] += 1e-3;
        assert!(wrong.residual_bound(&inequality, Par::Seq) > 0.9e-3);
        let mut wrong = factor.clone();
        if let Pivot::Lower(lower) = &mut wrong.pivots[1] {
            lower[(1, 0)] -= 1e-3;
        }
        assert!(wrong.residual_bound(&inequality, Par::Seq) > 0.8e-3);
        let mut wrong = factor;
        if let Pivot::Diagonal(roots) = &mut wrong.pivots[0] {
            roots[0] += 1e-3;
        }
        assert!(wrong.residual_bound(&inequality, Par::Seq) > 1.9e-3);
    }

    #[test]
    fn errors_of_the_entries_count_fully() {
        let mut inequality = coupled(0.5, 3);
        inequality.error[0][2] = 0.25;
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        assert!(factor.residual_bound(&inequality, Par::Seq) > 0.25);
    }

    #[test]
    fn nan_never_passes() {
        let mut inequality = coupled(0.5, 3);
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        inequality.below.get_mut(&(1, 0)).expect("coupled")[(0, 0)] = f64::NAN;
        assert_eq!(factor.residual_bound(&inequality, Par::Seq), f64::INFINITY);
        assert!(Factor::new(&inequality, 1e-9, Par::Seq).is_err());
    }
}
