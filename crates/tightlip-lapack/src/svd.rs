//! Singular value decomposition A = U Σ Vᵀ, σ₁ ≥ σ₂ ≥ … ≥ 0.
//!
//! faer reduces A to bidiagonal form by Householder reflections and diagonalises that form by implicitly shifted QR
//! steps (Golub, Van Loan, Matrix Computations, section 8.6), as LAPACK's `dgesvd` does. Around it:
//!
//! - **No divide and conquer.** faer 0.24.4 switches to it at order 128, and there a matrix of order 150 with half of
//!   its singular values zero came back with ‖A − U Σ Vᵀ‖ > 1e−5 ‖A‖, where QR steps give 1e−13 in the same time.
//!   So `dgesdd` and `dgesvd` run the same algorithm here.
//! - **Scaling.** The steps square entries; A is brought into the range where squares neither overflow nor vanish, as
//!   `dgesdd` does, and Σ scaled back.
//! - **A second attempt.** The steps stop with an error after a fixed number of them, which other users of faer have met
//!   and 2.5 million random and degenerate matrices did not show. J A J, where J reverses the order, has another
//!   bidiagonal form and the same singular values: A = J (U Σ Vᵀ) J.

use faer::diag::DiagMut;
use faer::dyn_stack::{MemStack, StackReq};
use faer::linalg::svd::{self, ComputeSvdVectors, SvdError, SvdParams, svd_scratch};
use faer::prelude::*;
use faer::{Auto, MatMut, MatRef, Par, Spec};

use crate::arguments::Vectors;
use crate::threads::{parallelism, volume};

/// Below this modulus of the largest entry A is scaled up, above its inverse down: √(smallest normal) / ε, the bound
/// of `dgesdd`.
const SMALL: f64 = 1.491_668_146_240_041_3e-154 / f64::EPSILON;

/// Why there is no decomposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An entry of A is NaN or infinite.
    NotFinite,
    /// The QR steps did not converge, neither on A nor on A in reversed order.
    NotConverged,
}

/// Scratch memory for a decomposition of a `rows` × `columns` matrix.
pub(crate) fn scratch(rows: usize, columns: usize, left: Vectors, right: Vectors) -> StackReq {
    svd_scratch::<f64>(rows, columns, wanted(left), wanted(right), threads(rows, columns), parameters())
}

/// Decomposes A, which is overwritten. `u` is m × m or m × min(m, n), `v` is n × n or n × min(m, n), and `values` has
/// min(m, n) entries.
pub(crate) fn decompose(
    a: MatMut<'_, f64>,
    values: &mut [f64],
    u: Option<MatMut<'_, f64>>,
    v: Option<MatMut<'_, f64>>,
    stack: &mut MemStack,
) -> Result<(), Failure> {
    let (mut a, mut u, mut v) = (a, u, v);
    if !a.is_all_finite() {
        return Err(Failure::NotFinite);
    }
    let largest = a.norm_max();
    let factor = scale_factor(largest);
    if factor != 1.0 {
        for column in a.rb_mut().col_iter_mut() {
            column.iter_mut().for_each(|entry| *entry *= factor);
        }
    }
    attempt(a.rb(), values, u.rb_mut(), v.rb_mut(), stack)
        .or_else(|_| attempt_reversed(a.rb(), values, u, v, stack))
        .map_err(|SvdError::NoConvergence| Failure::NotConverged)?;
    if factor != 1.0 {
        for value in values.iter_mut() {
            *value /= factor;
        }
    }
    Ok(())
}

/// The factor that brings a matrix with this largest modulus into the range where squares are safe.
pub(crate) fn scale_factor(largest: f64) -> f64 {
    if largest > 0.0 && largest < SMALL {
        SMALL / largest
    } else if largest > 1.0 / SMALL {
        1.0 / (SMALL * largest)
    } else {
        1.0
    }
}

fn attempt(
    a: MatRef<'_, f64>,
    values: &mut [f64],
    u: Option<MatMut<'_, f64>>,
    v: Option<MatMut<'_, f64>>,
    stack: &mut MemStack,
) -> Result<(), SvdError> {
    let values = DiagMut::from_slice_mut(values);
    svd::svd(a, values, u, v, threads(a.nrows(), a.ncols()), stack, parameters())
}

fn attempt_reversed(
    a: MatRef<'_, f64>,
    values: &mut [f64],
    u: Option<MatMut<'_, f64>>,
    v: Option<MatMut<'_, f64>>,
    stack: &mut MemStack,
) -> Result<(), SvdError> {
    let u = u.map(MatMut::reverse_rows_mut);
    let v = v.map(MatMut::reverse_rows_mut);
    attempt(a.reverse_rows_and_cols(), values, u, v, stack)
}

fn wanted(vectors: Vectors) -> ComputeSvdVectors {
    match vectors {
        Vectors::Absent => ComputeSvdVectors::No,
        Vectors::Thin => ComputeSvdVectors::Thin,
        Vectors::Full => ComputeSvdVectors::Full,
    }
}

fn threads(rows: usize, columns: usize) -> Par {
    parallelism(volume(rows, columns, rows.min(columns)))
}

fn parameters() -> Spec<SvdParams, f64> {
    SvdParams { recursion_threshold: usize::MAX, ..<SvdParams as Auto<f64>>::auto() }.into()
}

#[cfg(test)]
mod tests {
    use faer::Mat;
    use faer::dyn_stack::MemBuffer;

    use super::*;
    use crate::test_matrices::{Draw, spectra};

    /// Orders on both sides of faer's own switch to divide and conquer, which must not happen.
    const ORDERS: [usize; 7] = [1, 2, 5, 40, 127, 128, 150];

    /// ‖A − U Σ Vᵀ‖ ≤ this · ‖A‖ in the Frobenius norm, at order ≤ 150.
    const TOLERANCE: f64 = 1e-12;

    struct Decomposed {
        u: Mat<f64>,
        values: Vec<f64>,
        v: Mat<f64>,
    }

    impl Decomposed {
        fn room_for(a: &Mat<f64>) -> Self {
            let values = vec![f64::NAN; a.nrows().min(a.ncols())];
            Self { u: Mat::zeros(a.nrows(), values.len()), v: Mat::zeros(a.ncols(), values.len()), values }
        }

        /// Panics unless this is a decomposition of A.
        fn assert_of(&self, a: &Mat<f64>, name: &str) {
            let k = self.values.len();
            // Divided by the largest entry first: the squares in the norms must not overflow or vanish.
            let largest = a.norm_max().max(f64::MIN_POSITIVE);
            let scaled = Mat::from_fn(self.u.nrows(), k, |i, j| self.u[(i, j)] * (self.values[j] / largest));
            let a = Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] / largest);
            let error = (scaled * self.v.transpose() - &a).norm_l2();
            assert!(error <= TOLERANCE * a.norm_l2(), "{name}, {:?}: residual {error}", a.shape());
            for side in [&self.u, &self.v] {
                let error = (side.transpose() * side - Mat::<f64>::identity(k, k)).norm_l2();
                assert!(error <= TOLERANCE, "{name}, {:?}: orthogonality {error}", a.shape());
            }
            let descends = self.values.windows(2).all(|pair| pair[0] >= pair[1]);
            assert!(descends && self.values.iter().all(|&value| value >= 0.0), "{name}: {:?}", self.values);
        }
    }

    fn memory(a: &Mat<f64>) -> MemBuffer {
        MemBuffer::new(scratch(a.nrows(), a.ncols(), Vectors::Thin, Vectors::Thin))
    }

    fn decomposed(a: &Mat<f64>) -> Decomposed {
        let mut found = Decomposed::room_for(a);
        let (mut overwritten, mut memory) = (a.clone(), memory(a));
        let Decomposed { u, values, v } = &mut found;
        decompose(overwritten.as_mut(), values, Some(u.as_mut()), Some(v.as_mut()), MemStack::new(&mut memory))
            .expect("every test matrix is finite");
        found
    }

    #[test]
    fn every_kind_of_spectrum_is_decomposed_at_every_order() {
        let mut draw = Draw::seeded(31);
        for n in ORDERS {
            for (name, values) in spectra(n) {
                let left = draw.orthogonal(n);
                let a = Mat::from_fn(n, n, |i, j| left[(i, j)] * values[j]) * draw.orthogonal(n);
                decomposed(&a).assert_of(&a, name);
            }
        }
    }

    #[test]
    fn planted_values_are_found() {
        let mut draw = Draw::seeded(32);
        let planted: Vec<f64> = (0..60).map(|i| 60.0 - f64::from(i)).collect();
        let left = draw.orthogonal(60);
        let a = Mat::from_fn(60, 60, |i, j| left[(i, j)] * planted[j]) * draw.orthogonal(60);
        let found = decomposed(&a).values;
        let error = found.iter().zip(&planted).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
        assert!(error < 1e-11, "{error}");
    }

    #[test]
    fn products_of_triangular_factors_are_decomposed() {
        // What Clarabel passes: L₂ᵀ L₁ for the Cholesky factors of a nearly complementary pair.
        let mut draw = Draw::seeded(33);
        for n in ORDERS {
            let mut factor = |sign: f64| {
                let grade = |i: usize| 10f64.powf(sign * 8.0 * (i as f64 / n as f64 - 0.5));
                let full = draw.matrix(n, n);
                Mat::from_fn(n, n, |i, j| match i.cmp(&j) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => grade(i),
                    std::cmp::Ordering::Greater => 0.1 * full[(i, j)] * grade(i),
                })
            };
            let a = factor(1.0).transpose() * factor(-1.0);
            decomposed(&a).assert_of(&a, "product of factors");
        }
    }

    #[test]
    fn the_second_attempt_decomposes_too() {
        let mut draw = Draw::seeded(34);
        for (rows, columns) in [(1, 1), (5, 5), (30, 4), (4, 30), (130, 130)] {
            let a = draw.matrix(rows, columns);
            let (mut found, mut memory) = (Decomposed::room_for(&a), memory(&a));
            let Decomposed { u, values, v } = &mut found;
            attempt_reversed(a.as_ref(), values, Some(u.as_mut()), Some(v.as_mut()), MemStack::new(&mut memory))
                .expect("a random matrix converges");
            found.assert_of(&a, "reversed");
        }
    }
}
