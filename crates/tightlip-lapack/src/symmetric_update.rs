//! Symmetric updates of which one half is stored: C ← α A Aᵀ + β C and C ← α (A Bᵀ + B Aᵀ) + β C.
//!
//! Both products are symmetric, so the half above the diagonal of C is the half below the diagonal of Cᵀ: the kernels
//! know only "below", and the caller passes Cᵀ for "above". The other half of C is neither read nor written.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::prelude::*;
use faer::{Accum, MatMut, MatRef};

use crate::arguments::Scaling;
use crate::threads::{parallelism, volume};

/// C ← α A Aᵀ + β C on and below the diagonal of C (n × n), with A of shape n × k.
pub(crate) fn rank_k(lower: MatMut<'_, f64>, a: MatRef<'_, f64>, scaling: Scaling) {
    let mut lower = lower;
    if let Some(accumulation) = prepare(lower.rb_mut(), a.ncols(), scaling) {
        add_product(lower, a, a, (accumulation, scaling.alpha));
    }
}

/// C ← α (A Bᵀ + B Aᵀ) + β C on and below the diagonal of C (n × n), with A and B of shape n × k.
pub(crate) fn rank_2k(lower: MatMut<'_, f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>, scaling: Scaling) {
    let mut lower = lower;
    if let Some(accumulation) = prepare(lower.rb_mut(), a.ncols(), scaling) {
        add_product(lower.rb_mut(), a, b, (accumulation, scaling.alpha));
        add_product(lower, b, a, (Accum::Add, scaling.alpha));
    }
}

/// C ← β C where the product cannot do it itself; `None` when there is no product to add.
fn prepare(lower: MatMut<'_, f64>, depth: usize, scaling: Scaling) -> Option<Accum> {
    let has_product = depth > 0 && scaling.alpha != 0.0 && lower.nrows() > 0;
    if has_product && scaling.beta == 0.0 {
        return Some(Accum::Replace);
    }
    scale_lower(lower, scaling.beta);
    has_product.then_some(Accum::Add)
}

/// Adds α A Bᵀ to, or puts it into, the half on and below the diagonal.
fn add_product(lower: MatMut<'_, f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>, (accumulation, alpha): (Accum, f64)) {
    let parallelism = parallelism(volume(a.nrows(), a.nrows(), a.ncols()) / 2);
    matmul(
        lower,
        BlockStructure::TriangularLower,
        accumulation,
        a,
        BlockStructure::Rectangular,
        b.transpose(),
        BlockStructure::Rectangular,
        alpha,
        parallelism,
    );
}

/// C ← β C on and below the diagonal, where β = 0 clears even NaN.
fn scale_lower(lower: MatMut<'_, f64>, beta: f64) {
    if beta == 1.0 {
        return;
    }
    for (j, column) in lower.col_iter_mut().enumerate() {
        column.iter_mut().skip(j).for_each(|entry| *entry = if beta == 0.0 { 0.0 } else { beta * *entry });
    }
}
