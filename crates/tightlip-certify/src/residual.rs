//! What a candidate factor misses at most.
//!
//! With the computed residual `R̂ = fl(A − cI − L Lᵀ)` the exact matrix is
//!
//!   `A_exact = L Lᵀ + cI + R`,   `‖R‖₂ ≤ ‖R‖_∞ ≤ ‖R̂‖_∞ + γ_{n+4} ‖ |A| + cI + |L||Lᵀ| ‖_∞ + ‖E‖_∞ =: r`,
//!
//! where `E` are the errors of the entries of `A`, and the standard bound of sums of products was used, which holds in
//! any order of summation and with fused operations (Higham 2002, §3.1; the idea of the a posteriori check: Rump 2006).
//! Hence `r ≤ c` proves `A_exact ⪰ 0`.
//!
//! Entry by entry, `R̂` is one sum of `A_{ij}`, `−c` and at most `n` products `−L_{ik} L_{jk}`, so that every term goes
//! through at most `n + 2` roundings, whatever the order. Where the sum is interrupted does not matter: `R̂_{ij}` goes on
//! from the remainder `S_{ij}`, which contains the products with `k < j` of these very blocks, and subtracts the last
//! one, `L_{ij} L_{jj}ᵀ`. Products with the zeros of a triangle are exact. `R` is symmetric; the lower triangle is
//! computed, and an entry of it counts in its row and in the row of its column.

use std::borrow::Cow;

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, Par};

use crate::directed::{UNDERFLOW, gamma, inflated};
use crate::factor::{Factor, Pivot, threads};
use crate::inequality::Inequality;
use crate::sums::{
    Sums, absolute_lower_columns, add_absolute_lower_times, add_absolute_symmetric_times, add_absolute_times, column,
};

impl Factor {
    /// An upper bound of `r` in the module's formula; NaN anywhere gives infinity. Where the part of it that takes no
    /// products is above the shift already, nothing can be proved and that part is returned.
    pub(crate) fn residual_bound(mut self, inequality: &Inequality, par: Par) -> f64 {
        let mut sums = RowSums::new(inequality);
        sums.add_entries(inequality);
        let reach = self.reach(inequality);
        let rounding = sums.largest(inequality, &reach, self.shift);
        if rounding > self.shift {
            return rounding;
        }
        for j in 0..inequality.sizes.len() {
            self.add_diagonal_residual(inequality, j, &mut sums.residual[j], par);
            for i in j + 1..inequality.sizes.len() {
                if let Some(more) = self.residual_below(inequality, (i, j), par) {
                    add_both(&mut sums.residual, (i, j), &more);
                }
            }
        }
        sums.largest(inequality, &reach, self.shift)
    }

    /// Adds the residual of diagonal block `j` to its row sums.
    fn add_diagonal_residual(&mut self, inequality: &Inequality, j: usize, sums: &mut [f64], par: Par) {
        let bare = !inequality.beside.contains_key(&j) && self.below.range((j, 0)..(j, j)).next().is_none();
        match (&self.pivots[j], self.remainders.remove(&(j, j))) {
            (Pivot::Diagonal(roots), None) if bare => {
                let entries = inequality.diagonal[j].iter().zip(roots);
                let residuals = entries.map(|(entry, root)| (-root).mul_add(*root, entry - self.shift).abs());
                sums.iter_mut().zip(residuals).for_each(|(sum, residual)| *sum += residual);
            }
            (Pivot::Lower(lower), Some(mut residual)) => {
                let n = lower.nrows();
                let par = threads(par, n * n * n / 6);
                let (low, up) = (BlockStructure::TriangularLower, BlockStructure::TriangularUpper);
                triangular::matmul(&mut residual, low, Accum::Add, lower, low, lower.transpose(), up, -1.0, par);
                add_absolute_symmetric_times(&residual, &vec![1.0; n], sums);
            }
            // No factor has such blocks; if one had, it would prove nothing.
            (Pivot::Diagonal(_), _) | (Pivot::Lower(_), None) => sums.fill(f64::NAN),
        }
    }

    /// Sums of the residual of a block below the diagonal, or `None` where it is zero by structure.
    fn residual_below(&mut self, inequality: &Inequality, at: (usize, usize), par: Par) -> Option<Sums> {
        let (kept, entries) = (self.remainders.remove(&at), inequality.below.get(&at));
        let touched = (0..at.1).any(|k| self.below.contains_key(&(at.0, k)) && self.below.contains_key(&(at.1, k)));
        let left = self.below.get(&at);
        if touched != kept.is_some() || left.is_some() != (touched || entries.is_some()) {
            // No factor lacks a block or has one too many; if one did, it would prove nothing.
            return Some(Sums { rows: vec![f64::NAN; inequality.sizes[at.0]], columns: Vec::new() });
        }
        let (left, remainder) =
            (left?, kept.map_or_else(|| entries.map(Cow::Borrowed), |kept| Some(Cow::Owned(kept)))?);
        Some(match &self.pivots[at.1] {
            Pivot::Diagonal(roots) => residual_of_quotient(&remainder, left, roots),
            Pivot::Lower(lower) => residual_of_solve(remainder.into_owned(), left, lower, par),
        })
    }

    /// Row sums of `|L||Lᵀ|`, as two products with the vector of ones; not inflated.
    fn reach(&self, inequality: &Inequality) -> Vec<Vec<f64>> {
        let mut columns: Vec<Vec<f64>> = self
            .pivots
            .iter()
            .map(|pivot| match pivot {
                Pivot::Diagonal(roots) => roots.iter().map(|root| root.abs()).collect(),
                Pivot::Lower(lower) => absolute_lower_columns(lower),
            })
            .collect();
        for (&(_, j), block) in &self.below {
            columns[j].iter_mut().zip(Sums::absolute(block).columns).for_each(|(sum, more)| *sum += more);
        }
        let mut rows: Vec<Vec<f64>> = inequality.sizes.iter().map(|&n| vec![0.0; n]).collect();
        for ((pivot, columns), rows) in self.pivots.iter().zip(&columns).zip(&mut rows) {
            match pivot {
                Pivot::Diagonal(roots) => {
                    rows.iter_mut().zip(roots.iter().zip(columns)).for_each(|(row, (x, v))| *row += x.abs() * v);
                }
                Pivot::Lower(lower) => add_absolute_lower_times(lower, columns, rows),
            }
        }
        for (&(i, j), block) in &self.below {
            add_absolute_times(block, &columns[j], &mut rows[i]);
        }
        rows
    }
}

/// Sums of `|remainder − left · Diag(roots)|`.
fn residual_of_quotient(remainder: &Mat<f64>, left: &Mat<f64>, roots: &[f64]) -> Sums {
    let mut sums = Sums::zeros(left.nrows(), left.ncols());
    let mut residual = vec![0.0; left.nrows()];
    for (c, root) in roots.iter().enumerate() {
        let entries = column(remainder, c).iter().zip(column(left, c));
        residual.iter_mut().zip(entries).for_each(|(r, (a, x))| *r = a - x * root);
        sums.add_column(c, &residual);
    }
    sums
}

/// Sums of `|remainder − left · lowerᵀ|`.
fn residual_of_solve(mut remainder: Mat<f64>, left: &Mat<f64>, lower: &Mat<f64>, par: Par) -> Sums {
    let par = threads(par, left.nrows() * left.ncols() * left.ncols() / 2);
    let (full, up) = (BlockStructure::Rectangular, BlockStructure::TriangularUpper);
    triangular::matmul(&mut remainder, full, Accum::Add, left, full, lower.transpose(), up, -1.0, par);
    Sums::absolute(&remainder)
}

/// Adds the sums of a block below the diagonal to its rows and, by symmetry, to the rows of its columns.
fn add_both(target: &mut [Vec<f64>], (i, j): (usize, usize), sums: &Sums) {
    target[i].iter_mut().zip(&sums.rows).for_each(|(sum, more)| *sum += more);
    target[j].iter_mut().zip(&sums.columns).for_each(|(sum, more)| *sum += more);
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

    /// Adds `|A|`.
    fn add_entries(&mut self, inequality: &Inequality) {
        for (sums, diagonal) in self.entries.iter_mut().zip(&inequality.diagonal) {
            sums.iter_mut().zip(diagonal).for_each(|(sum, d)| *sum += d.abs());
        }
        for (&j, beside) in &inequality.beside {
            add_absolute_symmetric_times(beside, &vec![1.0; beside.nrows()], &mut self.entries[j]);
        }
        for (&at, block) in &inequality.below {
            add_both(&mut self.entries, at, &Sums::absolute(block));
        }
    }

    /// The largest row sum of the whole bound `r`; NaN anywhere gives infinity.
    fn largest(&self, inequality: &Inequality, reach: &[Vec<f64>], shift: f64) -> f64 {
        let n = inequality.order();
        // Up to n products and three further terms in each entry, the fused and the block-wise sums included.
        let rounding = gamma(n + 4);
        let floor = UNDERFLOW * (n + 4) as f64 * n as f64;
        let mut largest = 0.0_f64;
        for (block, rows) in self.residual.iter().enumerate() {
            for (row, &residual) in rows.iter().enumerate() {
                let magnitude = self.entries[block][row] + shift + inflated(reach[block][row], 2 * n);
                let sum = residual + rounding * magnitude + inequality.error[block][row] + floor;
                let bound = inflated(sum, 2 * n + 8);
                largest = if bound.is_nan() { f64::INFINITY } else { largest.max(bound) };
            }
        }
        largest
    }
}

#[cfg(test)]
mod tests;
