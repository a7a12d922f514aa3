//! Vectors in `R^r`, one for each signal, as the columns of an `r × n` matrix.

use faer::{Mat, MatMut, MatRef};

/// Shorter vectors have no direction: products of their entries underflow.
pub(crate) const SHORTEST: f64 = 1e-140;

/// `⟨a, b⟩`; four partial sums, so that the compiler may use vector registers, in an order that never varies.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (long_a, rest_a) = a.as_chunks::<4>();
    let (long_b, rest_b) = b.as_chunks::<4>();
    for (x, y) in long_a.iter().zip(long_b) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Column `j` as a slice.
pub(crate) fn column(matrix: MatRef<'_, f64>, j: usize) -> &[f64] {
    matrix.col(j).try_as_col_major().expect("columns of an owned matrix are contiguous").as_slice()
}

/// Column `j` as a mutable slice.
pub(crate) fn column_mut(matrix: MatMut<'_, f64>, j: usize) -> &mut [f64] {
    matrix.col_mut(j).try_as_col_major_mut().expect("columns of an owned matrix are contiguous").as_slice_mut()
}

/// The length of every column.
pub(crate) fn lengths(matrix: MatRef<'_, f64>, out: &mut [f64]) {
    for (j, length) in out.iter_mut().enumerate() {
        let x = column(matrix, j);
        *length = dot(x, x).sqrt();
    }
}

/// What has norm one: the input (or output) as a whole, or each of its signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ball {
    /// ℓ2: the Frobenius norm of the matrix.
    Whole,
    /// ℓ∞ inputs, ℓ1 outputs: the norm of each column.
    EachColumn,
}

impl Ball {
    /// Scales `matrix`, whose columns have the given lengths, to the sphere. A column (or matrix) of length zero stays.
    pub(crate) fn normalise(self, matrix: &mut Mat<f64>, lengths: &[f64]) {
        let whole = dot(lengths, lengths).sqrt();
        for (j, &own) in lengths.iter().enumerate() {
            let length = if self == Self::Whole { whole } else { own };
            if length > SHORTEST {
                let factor = length.recip();
                for x in column_mut(matrix.as_mut(), j).iter_mut() {
                    *x *= factor;
                }
            }
        }
    }

    /// The support function: the largest inner product of a matrix with columns of these lengths and one of the ball.
    pub(crate) fn support(self, lengths: &[f64]) -> f64 {
        match self {
            Self::Whole => dot(lengths, lengths).sqrt(),
            Self::EachColumn => lengths.iter().sum(),
        }
    }
}
