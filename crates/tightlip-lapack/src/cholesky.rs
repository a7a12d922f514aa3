//! Cholesky: A = L Lᵀ for a symmetric positive definite A of which one half is stored.
//!
//! The half above the diagonal of A holds U with A = Uᵀ U, which is L = Uᵀ of the transposed view: the kernels know
//! the lower case only.
//!
//! The k-th pivot is the ratio of the leading minors of orders k and k − 1, so the first pivot that is not a positive
//! finite number names the order of the first leading minor that is not positive. NaN is not positive.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltError, LltParams, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::prelude::*;
use faer::{Auto, Mat, MatMut, MatRef, Spec};

use crate::threads::{parallelism, volume};

/// The leading minor of this order, counted from 1, is not positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotPositive {
    pub order: usize,
}

/// Puts L over the half of A on and below the diagonal. On failure A is left as it was.
pub(crate) fn factor(lower: MatMut<'_, f64>) -> Result<(), NotPositive> {
    let mut lower = lower;
    let n = lower.nrows();
    let parallelism = parallelism(volume(n, n, n) / 3);
    let parameters: Spec<LltParams, f64> = <LltParams as Auto<f64>>::auto().into();
    // faer's blocks spill over the diagonal, and the other half of A is not ours to write: work on a copy.
    let mut factor = Mat::zeros(n, n);
    factor.copy_from_triangular_lower(lower.rb());
    let mut buffer = MemBuffer::new(cholesky_in_place_scratch::<f64>(n, parallelism, parameters));
    cholesky_in_place(factor.as_mut(), default(), parallelism, MemStack::new(&mut buffer), parameters)
        .map_err(|LltError::NonPositivePivot { index }| NotPositive { order: index + 1 })?;
    lower.copy_from_triangular_lower(&factor);
    Ok(())
}

/// X ← A⁻¹ X given L on and below the diagonal of `lower`: forward substitution with L, then backward with Lᵀ.
pub(crate) fn solve(lower: MatRef<'_, f64>, x: MatMut<'_, f64>) {
    let mut x = x;
    let parallelism = parallelism(volume(x.nrows(), x.nrows(), x.ncols()));
    solve_lower_triangular_in_place(lower, x.rb_mut(), parallelism);
    solve_upper_triangular_in_place(lower.transpose(), x, parallelism);
}
