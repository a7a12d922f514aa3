//! Eigenvalues of a symmetric matrix, A = Z Λ Zᵀ, λ₁ ≤ λ₂ ≤ ….
//!
//! faer reduces A to tridiagonal form by Householder reflections and diagonalises that form by implicitly shifted QR
//! steps (Golub, Van Loan, Matrix Computations, section 8.3). Around it, as in `svd.rs`: no divide and conquer, scaling,
//! and a second attempt on J A J = (J Z) Λ (J Z)ᵀ, where J reverses the order.
//!
//! Divide and conquer is refused here because its error was 1e−9 ‖A‖ at order 130 on spectra spread over sixteen orders
//! of magnitude, as soon as it recursed to small blocks, and all of ‖A‖ on entries of 1e−139, which scaling produces.
//! QR steps gave 1e−13 ‖A‖ on the same matrices in the same time.

use faer::diag::DiagMut;
use faer::dyn_stack::{MemStack, StackReq};
use faer::linalg::evd::{
    ComputeEigenvectors, EvdError, SelfAdjointEvdParams, self_adjoint_evd, self_adjoint_evd_scratch,
};
use faer::prelude::*;
use faer::{Auto, MatMut, MatRef, Par, Spec};

use crate::svd::{Failure, scale_factor};
use crate::threads::{parallelism, volume};

/// Scratch memory for a decomposition of order `n`.
pub(crate) fn scratch(n: usize, vectors: ComputeEigenvectors) -> StackReq {
    if n == 0 {
        // faer asks for n − 1 reflections.
        return StackReq::EMPTY;
    }
    self_adjoint_evd_scratch::<f64>(n, vectors, threads(n), parameters())
}

/// Decomposes the A whose half on and below the diagonal is `lower`, which is overwritten; the other half is neither
/// read nor written. `z` is n × n and `values` has n entries.
pub(crate) fn decompose(
    lower: MatMut<'_, f64>,
    values: &mut [f64],
    z: Option<MatMut<'_, f64>>,
    stack: &mut MemStack,
) -> Result<(), Failure> {
    let (mut lower, mut z) = (lower, z);
    let largest = largest_modulus(lower.rb()).ok_or(Failure::NotFinite)?;
    let factor = scale_factor(largest);
    if factor != 1.0 {
        for (j, column) in lower.rb_mut().col_iter_mut().enumerate() {
            column.iter_mut().skip(j).for_each(|entry| *entry *= factor);
        }
    }
    attempt(lower.rb(), values, z.rb_mut(), stack)
        .or_else(|_| attempt_reversed(lower.rb(), values, z, stack))
        .map_err(|EvdError::NoConvergence| Failure::NotConverged)?;
    if factor != 1.0 {
        for value in values.iter_mut() {
            *value /= factor;
        }
    }
    Ok(())
}

/// The largest modulus on and below the diagonal; `None` if an entry there is NaN or infinite.
fn largest_modulus(lower: MatRef<'_, f64>) -> Option<f64> {
    let mut largest: f64 = 0.0;
    let mut finite = true;
    for (j, column) in lower.col_iter().enumerate() {
        for entry in column.iter().skip(j) {
            largest = largest.max(entry.abs());
            finite &= entry.is_finite();
        }
    }
    finite.then_some(largest)
}

fn attempt(
    lower: MatRef<'_, f64>,
    values: &mut [f64],
    z: Option<MatMut<'_, f64>>,
    stack: &mut MemStack,
) -> Result<(), EvdError> {
    let values = DiagMut::from_slice_mut(values);
    self_adjoint_evd(lower, values, z, threads(lower.nrows()), stack, parameters())
}

/// Reversing the order moves the stored half above the diagonal; the transpose brings it back below.
fn attempt_reversed(
    lower: MatRef<'_, f64>,
    values: &mut [f64],
    z: Option<MatMut<'_, f64>>,
    stack: &mut MemStack,
) -> Result<(), EvdError> {
    let z = z.map(MatMut::reverse_rows_mut);
    attempt(lower.reverse_rows_and_cols().transpose(), values, z, stack)
}

fn threads(n: usize) -> Par {
    parallelism(volume(n, n, n))
}

fn parameters() -> Spec<SelfAdjointEvdParams, f64> {
    SelfAdjointEvdParams { recursion_threshold: usize::MAX, ..<SelfAdjointEvdParams as Auto<f64>>::auto() }.into()
}

#[cfg(test)]
mod tests {
    use faer::Mat;
    use faer::dyn_stack::MemBuffer;

    use super::*;
    use crate::test_matrices::{Draw, spectra};

    /// Orders on both sides of faer's own switch to divide and conquer, which must not happen.
    const ORDERS: [usize; 7] = [1, 2, 5, 40, 127, 128, 150];

    /// ‖A − Z Λ Zᵀ‖ ≤ this · ‖A‖ in the Frobenius norm, at order ≤ 150.
    const TOLERANCE: f64 = 1e-12;

    /// Panics unless Z Λ Zᵀ = A with ascending eigenvalues.
    fn assert_decomposition(a: &Mat<f64>, values: &[f64], z: &Mat<f64>, name: &str) {
        let n = a.nrows();
        // Divided by the largest entry first: the squares in the norms must not overflow or vanish.
        let largest = a.norm_max().max(f64::MIN_POSITIVE);
        let scaled = Mat::from_fn(n, n, |i, j| z[(i, j)] * (values[j] / largest));
        let a = Mat::from_fn(n, n, |i, j| a[(i, j)] / largest);
        let error = (scaled * z.transpose() - &a).norm_l2();
        assert!(error <= TOLERANCE * a.norm_l2(), "{name}, order {n}: residual {error}");
        let error = (z.transpose() * z - Mat::<f64>::identity(n, n)).norm_l2();
        assert!(error <= TOLERANCE, "{name}, order {n}: orthogonality {error}");
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{name}: {values:?}");
    }

    #[test]
    fn every_kind_of_spectrum_is_decomposed_at_every_order() {
        let mut draw = Draw::seeded(41);
        for n in ORDERS {
            for (name, mut planted) in spectra(n) {
                // Both signs, as in the steps of an interior-point method.
                planted.iter_mut().step_by(2).for_each(|value| *value = -*value);
                let a = draw.symmetric(&planted);
                let (mut values, mut z) = (vec![f64::NAN; n], Mat::zeros(n, n));
                let mut memory = MemBuffer::new(scratch(n, ComputeEigenvectors::Yes));
                decompose(a.clone().as_mut(), &mut values, Some(z.as_mut()), MemStack::new(&mut memory))
                    .expect("every test matrix is finite");
                assert_decomposition(&a, &values, &z, name);

                let mut alone = vec![f64::NAN; n];
                let mut memory = MemBuffer::new(scratch(n, ComputeEigenvectors::No));
                decompose(a.clone().as_mut(), &mut alone, None, MemStack::new(&mut memory))
                    .expect("every test matrix is finite");
                planted.sort_by(f64::total_cmp);
                let bound = TOLERANCE * planted.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
                for i in 0..n {
                    let error = (values[i] - planted[i]).abs().max((alone[i] - planted[i]).abs());
                    assert!(error <= bound, "{name}, order {n}: value {i} is off by {error}");
                }
            }
        }
    }

    #[test]
    fn the_second_attempt_decomposes_too() {
        let mut draw = Draw::seeded(42);
        for n in ORDERS {
            let planted = draw.numbers(n);
            let a = draw.symmetric(&planted);
            let (mut values, mut z) = (vec![f64::NAN; n], Mat::zeros(n, n));
            let mut memory = MemBuffer::new(scratch(n, ComputeEigenvectors::Yes));
            // Only the half below the diagonal may matter.
            let lower = Mat::from_fn(n, n, |i, j| if i >= j { a[(i, j)] } else { f64::NAN });
            attempt_reversed(lower.as_ref(), &mut values, Some(z.as_mut()), MemStack::new(&mut memory))
                .expect("a random matrix converges");
            assert_decomposition(&a, &values, &z, "reversed");
        }
    }
}
