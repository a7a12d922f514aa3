//! Products with a full result: C ← α A B + β C and y ← α A x + β y.
//!
//! Transposed operands arrive as transposed views, so there is one product. A symmetric A is given by the half L + D
//! on and below its diagonal, A = L + D + Lᵀ, and a column of L serves twice:
//! y += α x_j L_j (as a column of A) and y_j += α L_jᵀ x (as a row of A).

use faer::linalg::matmul::matmul;
use faer::prelude::*;
use faer::{Accum, ColMut, ColRef, MatMut, MatRef};

use crate::arguments::Scaling;
use crate::threads::{parallelism, volume};

/// C ← α A B + β C, with C of shape m × n, A of m × k, B of k × n.
pub(crate) fn general(c: MatMut<'_, f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>, scaling: Scaling) {
    let mut c = c;
    let (m, n) = c.shape();
    let k = a.ncols();
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 || scaling.alpha == 0.0 {
        // A and B must not be read here: the reference allows them to be garbage when α = 0.
        scale(c, scaling.beta);
        return;
    }
    let accumulation = if scaling.beta == 0.0 {
        Accum::Replace
    } else {
        scale(c.rb_mut(), scaling.beta);
        Accum::Add
    };
    matmul(c, accumulation, a, b, scaling.alpha, parallelism(volume(m, n, k)));
}

/// y ← α A x + β y for the symmetric A whose half on and below the diagonal is `lower`.
pub(crate) fn symmetric(y: ColMut<'_, f64>, lower: MatRef<'_, f64>, x: ColRef<'_, f64>, scaling: Scaling) {
    let mut y = y;
    let n = y.nrows();
    scale(y.rb_mut().as_mat_mut(), scaling.beta);
    if scaling.alpha == 0.0 {
        return;
    }
    for j in 0..n {
        let from_column = scaling.alpha * x[j];
        let mut row_sum = lower[(j, j)] * x[j];
        for i in j + 1..n {
            let entry = lower[(i, j)];
            y[i] += from_column * entry;
            row_sum += entry * x[i];
        }
        y[j] += scaling.alpha * row_sum;
    }
}

/// C ← β C, where β = 0 clears C even of NaN.
fn scale(c: MatMut<'_, f64>, beta: f64) {
    let mut c = c;
    if beta == 0.0 {
        c.fill(0.0);
    } else if beta != 1.0 {
        for column in c.col_iter_mut() {
            column.iter_mut().for_each(|entry| *entry *= beta);
        }
    }
}
