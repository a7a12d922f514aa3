//! What the letters and integers of a Fortran call mean, and which of them are refused.
//!
//! The k-th argument of a routine, counted from 1, is illegal ⇒ LAPACK returns info = −k; BLAS has no info and stops.

use std::ffi::{c_char, c_int};

use faer::{MatMut, MatRef};

/// The position, counted from 1, of an argument with an illegal value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Illegal(pub c_int);

/// The factors of an update C ← α (product) + β C. β = 0 means C is overwritten unread, NaN or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaling {
    pub alpha: f64,
    pub beta: f64,
}

/// op(A) = A or Aᵀ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    AsStored,
    Transposed,
}

impl Operand {
    /// Reads `N`, `T` or `C`, in either case: for real matrices the conjugate transpose is the transpose.
    pub fn read(position: c_int, letter: c_char) -> Result<Self, Illegal> {
        match upper_case(letter) {
            b'N' => Ok(Self::AsStored),
            b'T' | b'C' => Ok(Self::Transposed),
            _ => Err(Illegal(position)),
        }
    }

    /// The shape A is stored in when op(A) is `rows` × `columns`.
    pub fn stored_shape(self, rows: usize, columns: usize) -> (usize, usize) {
        match self {
            Self::AsStored => (rows, columns),
            Self::Transposed => (columns, rows),
        }
    }

    /// op(A).
    pub fn of(self, stored: MatRef<'_, f64>) -> MatRef<'_, f64> {
        match self {
            Self::AsStored => stored,
            Self::Transposed => stored.transpose(),
        }
    }
}

/// Which half of a symmetric matrix is stored; the other half is neither read nor written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Triangle {
    Lower,
    Upper,
}

impl Triangle {
    /// Reads `L` or `U`, in either case.
    pub fn read(position: c_int, letter: c_char) -> Result<Self, Illegal> {
        match upper_case(letter) {
            b'L' => Ok(Self::Lower),
            b'U' => Ok(Self::Upper),
            _ => Err(Illegal(position)),
        }
    }

    /// The same symmetric matrix with its stored half below the diagonal, so that kernels know one case only.
    pub fn as_lower(self, stored: MatRef<'_, f64>) -> MatRef<'_, f64> {
        match self {
            Self::Lower => stored,
            Self::Upper => stored.transpose(),
        }
    }

    /// [`Self::as_lower`] for a matrix to be written.
    pub fn as_lower_mut(self, stored: MatMut<'_, f64>) -> MatMut<'_, f64> {
        match self {
            Self::Lower => stored,
            Self::Upper => stored.transpose_mut(),
        }
    }
}

/// How many singular vectors of one side are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vectors {
    /// None.
    Absent,
    /// One for each singular value.
    Thin,
    /// A basis of the whole space.
    Full,
}

impl Vectors {
    /// Reads `N`, `S` or `A`, in either case. `O` (vectors written over the matrix) is refused: Clarabel never asks.
    pub fn read(position: c_int, letter: c_char) -> Result<Self, Illegal> {
        match upper_case(letter) {
            b'N' => Ok(Self::Absent),
            b'S' => Ok(Self::Thin),
            b'A' => Ok(Self::Full),
            _ => Err(Illegal(position)),
        }
    }

    /// The number of vectors of length `dimension` when there are `values` singular values.
    pub fn count(self, dimension: usize, values: usize) -> usize {
        match self {
            Self::Absent => 0,
            Self::Thin => values,
            Self::Full => dimension,
        }
    }
}

/// A letter of a call as an upper-case byte.
pub(crate) fn upper_case(letter: c_char) -> u8 {
    // `c_char` is signed on some targets and unsigned on others; every letter is ASCII, the rest is refused later.
    u8::try_from(letter).map_or(0, |byte| byte.to_ascii_uppercase())
}

/// A dimension: not negative.
pub(crate) fn size(position: c_int, value: c_int) -> Result<usize, Illegal> {
    usize::try_from(value).map_err(|_| Illegal(position))
}

/// A leading dimension: the distance between columns of `rows` entries, at least max(1, `rows`).
pub(crate) fn leading(position: c_int, value: c_int, rows: usize) -> Result<usize, Illegal> {
    size(position, value).ok().filter(|&leading| leading >= rows.max(1)).ok_or(Illegal(position))
}

/// An increment of a vector: positive walks forwards, negative backwards from the far end, zero is illegal.
pub(crate) fn increment(position: c_int, value: c_int) -> Result<isize, Illegal> {
    if value == 0 {
        return Err(Illegal(position));
    }
    isize::try_from(value).map_err(|_| Illegal(position))
}
