//! Products of weights and slopes, with bounds of their errors.
//!
//! One factor more takes `X` to `(X ∘ y) A`. If `X̂` is off by at most `E` entrywise and `A` is known up to a radius `R`, the
//! computed `fl((X̂ ∘ y) A)`, whose inner length is `n`, is off by at most
//!
//!   `(E ∘ |y|)(|A| + R) + (|X̂| ∘ |y|)(R + γ_{n+2} |A|)`.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use tightlip_model::SlopeInterval;

use crate::directed::{UNDERFLOW, gamma, inflated};
use crate::enclosure::Enclosure;

/// Factors `A_0, A_1, …` with slopes between them.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    factors: Vec<Enclosure>,
    /// The layer whose slopes stand after each factor but the last.
    layers: Vec<usize>,
}

/// A matrix that is known up to an entrywise error.
#[derive(Debug, Clone)]
pub(super) struct Approximate {
    pub(super) mid: Mat<f64>,
    pub(super) error: Mat<f64>,
}

/// Entrywise bounds that hold for every pattern.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// Of the exact product and of the computed one.
    pub(super) size: Mat<f64>,
    /// Of their difference.
    pub(super) error: Mat<f64>,
}

impl Arm {
    /// The product of these factors with the slopes of these layers between them.
    pub(super) fn new(factors: Vec<Enclosure>, layers: Vec<usize>) -> Self {
        assert_eq!(factors.len(), layers.len() + 1, "slopes stand between the factors");
        Self { factors, layers }
    }

    /// The same for layers that begin so much later.
    pub(super) fn moved(mut self, layers: usize) -> Self {
        self.layers.iter_mut().for_each(|layer| *layer += layers);
        self
    }

    /// Rows of the product.
    pub(super) fn rows(&self) -> usize {
        self.factors[0].mid.nrows()
    }

    /// The product in floating point, for slopes of all layers.
    pub(super) fn product(&self, slopes: &[Vec<f64>]) -> Mat<f64> {
        let mut product = self.factors[0].mid.clone();
        for (factor, &layer) in self.factors[1..].iter().zip(&self.layers) {
            product = times(&weighed(&product, &slopes[layer]), &factor.mid);
        }
        product
    }

    /// The product with a bound of its error.
    pub(super) fn evaluate(&self, slopes: &[Vec<f64>]) -> Approximate {
        let mut mid = self.factors[0].mid.clone();
        let mut error = self.first_error();
        for (factor, &layer) in self.factors[1..].iter().zip(&self.layers) {
            let magnitudes: Vec<f64> = slopes[layer].iter().map(|y| y.abs()).collect();
            error = error_after(&absolute(&mid), &error, &magnitudes, factor);
            mid = times(&weighed(&mid, &slopes[layer]), &factor.mid);
        }
        Approximate { mid, error }
    }

    /// Bounds for all slopes of all layers.
    pub(super) fn reach(&self, slopes: &[Vec<SlopeInterval>]) -> Reach {
        let mut error = self.first_error();
        let mut size = sum_up(&absolute(&self.factors[0].mid), &error);
        for (factor, &layer) in self.factors[1..].iter().zip(&self.layers) {
            let magnitudes: Vec<f64> = slopes[layer].iter().map(|slope| slope.magnitude()).collect();
            error = error_after(&size, &error, &magnitudes, factor);
            let exact = times(&weighed(&size, &magnitudes), &with_radius(factor));
            let terms = magnitudes.len();
            size = sum_up(&map(&exact, |x| inflated(x, terms + 4) + UNDERFLOW), &error);
        }
        Reach { size, error }
    }

    /// The error of the first factor.
    fn first_error(&self) -> Mat<f64> {
        let first = &self.factors[0];
        first.radius.clone().unwrap_or_else(|| Mat::zeros(first.mid.nrows(), first.mid.ncols()))
    }
}

/// The error of one factor more, see the head of this file.
fn error_after(size: &Mat<f64>, error: &Mat<f64>, magnitudes: &[f64], factor: &Enclosure) -> Mat<f64> {
    let n = magnitudes.len();
    let rounding = gamma(n + 2);
    let own = Mat::from_fn(factor.mid.nrows(), factor.mid.ncols(), |i, j| {
        factor.radius_at(i, j) + rounding * factor.mid[(i, j)].abs()
    });
    let mut sum = times(&weighed(size, magnitudes), &own);
    sum += times(&weighed(error, magnitudes), &with_radius(factor));
    map(&sum, |x| inflated(x, 2 * n + 8) + UNDERFLOW)
}

/// `|A| + R`, with one rounding.
fn with_radius(factor: &Enclosure) -> Mat<f64> {
    Mat::from_fn(factor.mid.nrows(), factor.mid.ncols(), |i, j| factor.mid[(i, j)].abs() + factor.radius_at(i, j))
}

/// Entrywise upper bounds of `a + b ≥ 0`.
fn sum_up(a: &Mat<f64>, b: &Mat<f64>) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| inflated(a[(i, j)] + b[(i, j)], 2))
}

/// `X ∘ y`: columns times slopes.
pub(super) fn weighed(matrix: &Mat<f64>, slopes: &[f64]) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)] * slopes[j])
}

/// `a b`, on this thread.
fn times(a: &Mat<f64>, b: &Mat<f64>) -> Mat<f64> {
    times_view(a.as_ref(), b.as_ref())
}

/// `a b` of views, on this thread: the patterns are what the threads share out.
pub(crate) fn times_view(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(a.nrows(), b.ncols());
    matmul(&mut product, Accum::Replace, a, b, 1.0, Par::Seq);
    product
}

/// Entrywise absolute values.
fn absolute(matrix: &Mat<f64>) -> Mat<f64> {
    map(matrix, f64::abs)
}

/// `f` of every entry.
fn map(matrix: &Mat<f64>, f: impl Fn(f64) -> f64) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| f(matrix[(i, j)]))
}
