//! The Schur matrix of the HKM direction, `O_vw = tr(F_v P F_w X)`, with `P = Z⁻¹`.
//!
//! For the terms of two coordinates, `F_i = κ_i (a_i b_iᵀ + b_i a_iᵀ)`,
//!
//!   `tr(F_i P F_j X) = κ_i κ_j [ (b_i P a_j)(a_i X b_j) + (b_i P b_j)(a_i X a_j) + (a_i P a_j)(b_i X b_j) + (a_i P b_j)(b_i X a_j) ]`,
//!
//! four entrywise products of Gram matrices. With `a = e − α v`, `b = e − β v` every Gram matrix of `M` is a combination
//! of `M`, `M V` and `Vᵀ M V`, where the columns of `V` are the vectors `v`; a product with `V` is a product with the
//! incoming weights of a block. (Helmberg, Rendl, Vanderbei and Wolkowicz 1996; Fujisawa, Kojima and Nakata 1997 for
//! the use of low rank.)

use faer::{Mat, MatMut, MatRef};

use crate::program::Program;
use crate::workspace::{SQUARE, Workspace};

/// `M V` and the lower triangle of `Vᵀ M V` for a symmetric `M`.
pub(crate) struct Grams {
    /// `M V`.
    pub product: Mat<f64>,
    /// `Vᵀ M V`, lower triangle.
    pub inner: Mat<f64>,
}

impl Grams {
    /// Buffers for matrices of one order.
    pub(crate) fn new(order: usize) -> Self {
        Self { product: Mat::zeros(order, order), inner: Mat::zeros(order, order) }
    }

    /// Those of `matrix`.
    pub(crate) fn form(&mut self, program: &Program, matrix: MatRef<'_, f64>, workspace: &Workspace) {
        self.product.fill(0.0);
        self.inner.fill(0.0);
        for incoming in &program.incoming {
            incoming.add_right(matrix, self.product.as_mut(), workspace.par);
        }
        for incoming in &program.incoming {
            // Columns to the right of the neurons lie in the upper triangle.
            let columns = incoming.target.end;
            let inner = self.inner.as_mut().subcols_mut(0, columns);
            incoming.add_left(self.product.as_ref().subcols(0, columns), inner, workspace.par);
        }
    }
}

/// A symmetric matrix with its Gram matrices.
#[derive(Clone, Copy)]
pub(crate) struct Form<'a> {
    /// The matrix.
    pub matrix: MatRef<'a, f64>,
    /// Its Gram matrices.
    pub grams: &'a Grams,
}

/// `M`, `M V` from both sides and `Vᵀ M V` at rows `rows` of one column, side by side in memory.
struct Column {
    plain: [f64; SQUARE],
    right: [f64; SQUARE],
    left: [f64; SQUARE],
    both: [f64; SQUARE],
}

impl Column {
    /// Nothing yet.
    const EMPTY: Self = Self { plain: [0.0; SQUARE], right: [0.0; SQUARE], left: [0.0; SQUARE], both: [0.0; SQUARE] };

    /// Rows from `first` on, `len` of them, of column `j`.
    fn read(&mut self, form: Form<'_>, first: usize, len: usize, j: usize) {
        let (product, inner) = (form.grams.product.as_ref(), form.grams.inner.as_ref());
        for k in 0..len {
            let i = first + k;
            self.plain[k] = form.matrix[(i, j)];
            self.right[k] = product[(i, j)];
            self.left[k] = product[(j, i)];
            self.both[k] = inner[(i, j)];
        }
    }

    /// `(e_i − s v_i)ᵀ M (e_j − t v_j)`.
    fn pair(&self, k: usize, s: f64, t: f64) -> f64 {
        self.plain[k] - t * self.right[k] - s * self.left[k] + s * t * self.both[k]
    }
}

/// `out ← O`, lower triangle, for `P` and `X` with their Gram matrices.
pub(crate) fn schur_matrix(program: &Program, inverse: Form<'_>, primal: Form<'_>, mut out: MatMut<'_, f64>) {
    out.fill(0.0);
    let (mut p, mut x) = (Column::EMPTY, Column::EMPTY);
    for first_column in (0..program.order).step_by(SQUARE) {
        for first_row in (first_column..program.order).step_by(SQUARE) {
            let len = SQUARE.min(program.order - first_row);
            for j in first_column..(first_column + SQUARE).min(program.order) {
                p.read(inverse, first_row, len, j);
                x.read(primal, first_row, len, j);
                let values = entries(program, &p, &x, (first_row, j));
                for (k, &value) in values.iter().enumerate().take(len).skip(j.saturating_sub(first_row)) {
                    add(program, (first_row + k, j), value, out.as_mut());
                }
            }
        }
    }
}

/// The entries of one column in the square of rows from `first` on.
fn entries(program: &Program, p: &Column, x: &Column, (first, j): (usize, usize)) -> [f64; SQUARE] {
    let mut values = [0.0; SQUARE];
    let len = SQUARE.min(program.order - first);
    let (lower, upper) = (&program.lower[first..first + len], &program.upper[first..first + len]);
    let (a, b) = (program.lower[j], program.upper[j]);
    for k in 0..len {
        let (s, t) = (lower[k], upper[k]);
        values[k] = p.pair(k, t, a) * x.pair(k, s, b)
            + p.pair(k, t, b) * x.pair(k, s, a)
            + p.pair(k, s, a) * x.pair(k, t, b)
            + p.pair(k, s, b) * x.pair(k, t, a);
    }
    values
}

/// Adds the entry of two coordinates, `i ≥ j`, to that of their variables.
fn add(program: &Program, (i, j): (usize, usize), value: f64, mut out: MatMut<'_, f64>) {
    let (v, w) = (program.variable[i], program.variable[j]);
    // Two different coordinates of one variable stand for two entries of the sum.
    let twice = if v == w && i != j { 2.0 } else { 1.0 };
    out[(v.max(w), v.min(w))] += twice * program.scale[i] * program.scale[j] * value;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{cases, coefficient, positive, trace_of_product};
    use crate::start::start;
    use faer::Side;
    use faer::prelude::Solve;

    /// The Schur matrix of `P` and `X`, lower triangle.
    fn schur(program: &Program, inverse: &Mat<f64>, primal: &Mat<f64>) -> Mat<f64> {
        let workspace = Workspace::new(program.order, 1);
        let (mut first, mut second) = (Grams::new(program.order), Grams::new(program.order));
        first.form(program, inverse.as_ref(), &workspace);
        second.form(program, primal.as_ref(), &workspace);
        let mut out = Mat::zeros(program.variables(), program.variables());
        let (inverse, primal) =
            (Form { matrix: inverse.as_ref(), grams: &first }, Form { matrix: primal.as_ref(), grams: &second });
        schur_matrix(program, inverse, primal, out.as_mut());
        out
    }

    #[test]
    fn every_entry_is_the_trace_it_stands_for() {
        for case in cases() {
            let program = Program::new(&case.pencil);
            let (p, x) = (positive(program.order + 1), positive(program.order));
            let p = p.as_ref().submatrix(1, 1, program.order, program.order).to_owned();
            let schur = schur(&program, &p, &x);
            let parts: Vec<Mat<f64>> = (0..program.variables()).map(|v| coefficient(&case.pencil, v)).collect();
            for v in 0..parts.len() {
                for w in 0..=v {
                    let wanted = trace_of_product(&(&parts[v] * &p), &(&parts[w] * &x));
                    let error = (schur[(v, w)] - wanted).abs();
                    assert!(error < 1e-11, "{}: ({v}, {w}): {}, want {wanted}", case.name, schur[(v, w)]);
                }
            }
        }
    }

    #[test]
    fn for_the_inverse_as_primal_it_is_the_hessian_of_the_barrier() {
        for case in cases() {
            let pencil = &case.pencil;
            let program = Program::new(pencil);
            let mut workspace = Workspace::new(program.order, 1);
            let y = start(&program, None, &mut workspace).expect("a start").y;
            let barrier = |v: usize, a: f64, w: usize, b: f64| {
                let mut y = y.clone();
                y[v] += a;
                y[w] += b;
                let factor = pencil.matrix(&y).llt(Side::Lower).expect("close to the start");
                -2.0 * (0..program.order).map(|i| factor.L()[(i, i)].ln()).sum::<f64>()
            };
            let identity = Mat::<f64>::identity(program.order, program.order);
            let inverse = pencil.matrix(&y).llt(Side::Lower).expect("strictly feasible").solve(identity);
            let schur = schur(&program, &inverse, &inverse);
            for v in 0..y.len() {
                for w in 0..=v {
                    let (h, k) = (1e-3 * y[v], 1e-3 * y[w]);
                    let mixed =
                        barrier(v, h, w, k) - barrier(v, h, w, -k) - barrier(v, -h, w, k) + barrier(v, -h, w, -k);
                    let second = mixed / (4.0 * h * k);
                    let size = (schur[(v, v)] * schur[(w, w)]).sqrt();
                    let error = (schur[(v, w)] - second).abs();
                    assert!(error < 2e-4 * size, "{}: ({v}, {w}): {}, want {second}", case.name, schur[(v, w)]);
                }
            }
        }
    }
}
