//! LU with partial pivoting, P A = L U, and the solution of A X = B by it.
//!
//! Right-looking by panels of columns. With the first k columns done, the panel A₂₁ is factored column by column, its
//! row exchanges are applied to the other columns, and the rest is updated: U₁₂ ← L₁₁⁻¹ A₁₂, A₂₂ ← A₂₂ − L₂₁ U₁₂.
//!
//! faer's own LU divides by a zero pivot and fills the rest with NaN; LAPACK wants the factorisation of a singular
//! matrix completed and the first zero on the diagonal of U reported, so the panel is ours and faer does the rest.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{solve_unit_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::prelude::*;
use faer::{Accum, MatMut, MatRef};

use crate::threads::{parallelism, volume};

/// Columns factored one by one before the rest is updated by a product: narrow enough to stay in the first cache.
const PANEL: usize = 32;

/// U(k, k) is exactly zero, `order` = k counted from 1, and no earlier one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Singular {
    pub order: usize,
}

/// Puts L (unit diagonal, not stored) and U over the square A. Row i was exchanged with row `pivots[i]`, in the order
/// of i. The factorisation is completed even when an error is returned.
pub(crate) fn factor(a: MatMut<'_, f64>, pivots: &mut [usize]) -> Result<(), Singular> {
    let mut a = a;
    let n = a.nrows();
    for start in (0..n).step_by(PANEL) {
        let end = n.min(start + PANEL);
        factor_panel(a.rb_mut().subcols_mut(start, end - start), start, pivots);
        let (mut left, _, mut right) = split_columns(a.rb_mut(), start, end);
        exchange_rows(left.rb_mut(), start, &pivots[start..end]);
        exchange_rows(right.rb_mut(), start, &pivots[start..end]);
        update_right(a.rb_mut(), start, end);
    }
    match (0..n).find(|&i| a[(i, i)] == 0.0) {
        Some(i) => Err(Singular { order: i + 1 }),
        None => Ok(()),
    }
}

/// X ← A⁻¹ X given the factors and the exchanges.
pub(crate) fn solve(factors: MatRef<'_, f64>, pivots: &[usize], x: MatMut<'_, f64>) {
    let mut x = x;
    let parallelism = parallelism(volume(x.nrows(), x.nrows(), x.ncols()));
    exchange_rows(x.rb_mut(), 0, pivots);
    solve_unit_lower_triangular_in_place(factors, x.rb_mut(), parallelism);
    solve_upper_triangular_in_place(factors, x, parallelism);
}

/// Factors the columns of one panel, whose diagonal starts at row `start`, exchanging rows within the panel.
fn factor_panel(panel: MatMut<'_, f64>, start: usize, pivots: &mut [usize]) {
    let mut panel = panel;
    let (n, width) = panel.shape();
    for j in 0..width {
        let diagonal = start + j;
        let pivot = largest_in_column(panel.rb(), j, diagonal);
        pivots[diagonal] = pivot;
        exchange_rows(panel.rb_mut(), diagonal, &[pivot]);
        let divisor = panel[(diagonal, j)];
        if divisor == 0.0 {
            // The whole column below is zero as well: nothing to eliminate, and U gets its zero.
            continue;
        }
        for i in diagonal + 1..n {
            panel[(i, j)] /= divisor;
        }
        for k in j + 1..width {
            let multiple = panel[(diagonal, k)];
            for i in diagonal + 1..n {
                let eliminated = panel[(i, j)] * multiple;
                panel[(i, k)] -= eliminated;
            }
        }
    }
}

/// The row at or below `from` with the entry of largest modulus in column `j`; the first of equals.
fn largest_in_column(a: MatRef<'_, f64>, j: usize, from: usize) -> usize {
    let mut largest = from;
    for i in from + 1..a.nrows() {
        if a[(i, j)].abs() > a[(largest, j)].abs() {
            largest = i;
        }
    }
    largest
}

/// Exchanges row `start` + i with row `pivots[i]`, in the order of i.
fn exchange_rows(a: MatMut<'_, f64>, start: usize, pivots: &[usize]) {
    for mut column in a.col_iter_mut() {
        for (i, &pivot) in pivots.iter().enumerate() {
            let kept = column[start + i];
            column[start + i] = column[pivot];
            column[pivot] = kept;
        }
    }
}

/// U₁₂ ← L₁₁⁻¹ A₁₂ and A₂₂ ← A₂₂ − L₂₁ U₁₂ behind the panel of columns `start`..`end`.
fn update_right(a: MatMut<'_, f64>, start: usize, end: usize) {
    let n = a.nrows();
    let parallelism = parallelism(volume(n - start, n - end, end - start));
    let (_, panel, right) = split_columns(a, start, end);
    let panel = panel.into_const();
    let (_, below) = right.split_at_row_mut(start);
    let (mut upper, rest) = below.split_at_row_mut(end - start);
    solve_unit_lower_triangular_in_place(panel.subrows(start, end - start), upper.rb_mut(), parallelism);
    matmul(rest, Accum::Add, panel.subrows(end, n - end), upper.rb(), -1.0, parallelism);
}

/// The columns before `start`, from `start` to `end`, and from `end` on.
fn split_columns(a: MatMut<'_, f64>, start: usize, end: usize) -> (MatMut<'_, f64>, MatMut<'_, f64>, MatMut<'_, f64>) {
    let (left, rest) = a.split_at_col_mut(start);
    let (panel, right) = rest.split_at_col_mut(end - start);
    (left, panel, right)
}
