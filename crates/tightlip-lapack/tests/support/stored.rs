//! Matrices and vectors as Fortran stores them, with poison wherever a routine has no business.
//!
//! Everything outside of the stored entries is NaN with a payload: reading it spoils the result, writing it is seen.

use crate::test_matrices::Draw;

/// A NaN no computation produces.
pub const POISON: f64 = f64::from_bits(0x7FF8_0000_DEAD_BEEF);

/// Whether a number is exactly the poison.
pub fn is_poison(number: f64) -> bool {
    number.to_bits() == POISON.to_bits()
}

/// A column-major matrix with `leading` ≥ `rows`.
#[derive(Clone)]
pub struct Stored {
    pub data: Vec<f64>,
    pub rows: usize,
    pub columns: usize,
    pub leading: usize,
}

impl Stored {
    /// A matrix of the given entries, `padding` poisoned numbers below each column.
    pub fn of(rows: usize, columns: usize, padding: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let leading = (rows + padding).max(1);
        let mut data = vec![POISON; leading * columns];
        for j in 0..columns {
            for i in 0..rows {
                data[i + j * leading] = entry(i, j);
            }
        }
        Self { data, rows, columns, leading }
    }

    /// A random matrix.
    pub fn drawn(draw: &mut Draw, rows: usize, columns: usize, padding: usize) -> Self {
        let numbers = draw.numbers(rows * columns);
        Self::of(rows, columns, padding, |i, j| numbers[i + j * rows])
    }

    /// A matrix of nothing but poison.
    pub fn poisoned(rows: usize, columns: usize, padding: usize) -> Self {
        Self::of(rows, columns, padding, |_, _| POISON)
    }

    /// Entry (i, j).
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.data[i + j * self.leading]
    }

    /// Entry (i, j) of the matrix or, for the letter `T` or `C`, of its transpose.
    pub fn op(&self, letter: u8, i: usize, j: usize) -> f64 {
        if letter.eq_ignore_ascii_case(&b'N') { self.at(i, j) } else { self.at(j, i) }
    }

    /// Poisons the half that `uplo` does not name.
    pub fn with_half_poisoned(mut self, uplo: u8) -> Self {
        for j in 0..self.columns {
            for i in 0..self.rows {
                if !in_half(uplo, i, j) {
                    self.data[i + j * self.leading] = POISON;
                }
            }
        }
        self
    }

    /// Entry (i, j) of the symmetric matrix of which `uplo` names the stored half.
    pub fn symmetric_at(&self, uplo: u8, i: usize, j: usize) -> f64 {
        if in_half(uplo, i, j) { self.at(i, j) } else { self.at(j, i) }
    }

    /// Panics unless the poison below the columns is where it was.
    pub fn assert_padding_untouched(&self) {
        for j in 0..self.columns {
            for i in self.rows..self.leading {
                assert!(is_poison(self.data[i + j * self.leading]), "padding ({i}, {j}) was written");
            }
        }
    }

    /// Panics unless the poison in the half that `uplo` does not name, and below the columns, is where it was.
    pub fn assert_other_half_untouched(&self, uplo: u8) {
        self.assert_padding_untouched();
        for j in 0..self.columns {
            for i in 0..self.rows {
                assert!(in_half(uplo, i, j) || is_poison(self.at(i, j)), "({i}, {j}) outside of {uplo} was written");
            }
        }
    }

    /// Panics unless every entry that `uplo` names (every one for another letter) is within `tolerance` of `wanted`.
    pub fn assert_close(&self, uplo: u8, tolerance: f64, wanted: impl Fn(usize, usize) -> f64) {
        for j in 0..self.columns {
            for i in 0..self.rows {
                let error = (self.at(i, j) - wanted(i, j)).abs();
                assert!(!in_half(uplo, i, j) || error <= tolerance, "({i}, {j}) is off by {error}");
            }
        }
    }

    /// The number of rows as Fortran takes it, and so on.
    pub fn leading_i32(&self) -> i32 {
        i32::try_from(self.leading).expect("a test matrix is small")
    }
}

/// Whether (i, j) is in the half `uplo` names; any other letter names everything.
pub fn in_half(uplo: u8, i: usize, j: usize) -> bool {
    match uplo.to_ascii_uppercase() {
        b'U' => i <= j,
        b'L' => i >= j,
        _ => true,
    }
}

/// A vector with an increment, poison in the gaps.
#[derive(Clone)]
pub struct Strided {
    pub data: Vec<f64>,
    pub length: usize,
    pub increment: i32,
}

impl Strided {
    /// A vector of the given entries.
    pub fn of(length: usize, increment: i32, entry: impl Fn(usize) -> f64) -> Self {
        let step = increment.unsigned_abs() as usize;
        let mut vector = Self { data: vec![POISON; length.max(1) * step], length, increment };
        for i in 0..length {
            let position = vector.position(i);
            vector.data[position] = entry(i);
        }
        vector
    }

    /// A random vector.
    pub fn drawn(draw: &mut Draw, length: usize, increment: i32) -> Self {
        let numbers = draw.numbers(length);
        Self::of(length, increment, |i| numbers[i])
    }

    fn position(&self, i: usize) -> usize {
        let step = self.increment.unsigned_abs() as usize;
        if self.increment > 0 { i * step } else { (self.length - 1 - i) * step }
    }

    /// Entry i.
    pub fn at(&self, i: usize) -> f64 {
        self.data[self.position(i)]
    }

    /// Panics unless the poison in the gaps is where it was.
    pub fn assert_gaps_untouched(&self) {
        let step = self.increment.unsigned_abs() as usize;
        for (position, &number) in self.data.iter().enumerate() {
            let is_gap = position % step != 0 || position / step >= self.length;
            assert!(!is_gap || is_poison(number), "gap at {position} was written");
        }
    }
}
