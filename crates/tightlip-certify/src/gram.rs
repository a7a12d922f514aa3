//! Products `2 W_iᵀ ΛAB W_{i′}` between the sources of a hidden block, scaled, with bounds of their errors.
//!
//! Let `X` and `Y` be the weights with the scales and `√|2λαβ|` multiplied in, the signs in `X`, and `R_X`, `R_Y` what
//! the radii of the weights become. Entry by entry the error of `fl(Xᵀ Y)` is at most
//!
//!   `γ_{n+12} |X|ᵀ|Y| + R_Xᵀ (|Y| + R_Y) + |X|ᵀ R_Y`,
//!
//! for `n` neurons: the sum has `n` terms, and each of them up to ten roundings beside: two of `2λαβ`, then root (halved,
//! but squared again), product and weight on both sides. Only sums of errors are needed, so with `1` the vector of ones
//! the row sums are `|X|ᵀ(γb + σ) + R_Xᵀ(b + σ)` with `b = |Y|1`, `σ = R_Y 1`, and the column sums the same with `X` and
//! `Y` exchanged: products with vectors only.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par};

use crate::directed::{GRAM_UNDERFLOW, gamma, inflated};
use crate::skeleton::{Coupling, Layout};
use crate::sums::{Sums, absolute_transpose_times, add_absolute_times, map_entries};

/// A computed product and the sums of its entries' errors.
pub(crate) struct Gram {
    /// The product; of a symmetric one the lower triangle.
    pub(crate) mid: Mat<f64>,
    /// Upper bounds of the row sums and of the column sums of the errors.
    pub(crate) error: Sums,
}

/// One factor, stored like its coupling.
struct Side {
    mid: Mat<f64>,
    radius: Option<Mat<f64>>,
    layout: Layout,
}

impl Side {
    /// `neuron_i · (w_{ij} · signal_j)`. The scales of the signals go in first, so that nothing leaves the range of
    /// floating point on the way.
    fn new(coupling: &Coupling, neurons: &[f64], signals: &[f64]) -> Self {
        let weigh = |matrix: &Mat<f64>, neurons: &[f64]| match coupling.layout {
            Layout::TargetsBySources => map_entries(matrix, (neurons, signals), |w, i, j| i * (w * j)),
            Layout::SourcesByTargets => map_entries(matrix, (signals, neurons), |w, j, i| i * (w * j)),
        };
        let magnitudes: Vec<f64> = neurons.iter().map(|x| x.abs()).collect();
        let radius = coupling.weights.radius.as_ref().map(|radius| weigh(radius, &magnitudes));
        Self { mid: weigh(&coupling.weights.mid, neurons), radius, layout: coupling.layout }
    }

    /// Neurons by signals.
    fn view(&self) -> MatRef<'_, f64> {
        match self.layout {
            Layout::TargetsBySources => self.mid.as_ref(),
            Layout::SourcesByTargets => self.mid.transpose(),
        }
    }

    /// Sums over the signals of `|X|` and of `R_X`, for each neuron.
    fn sums(&self) -> (Vec<f64>, Vec<f64>) {
        let ones = vec![1.0; self.view().ncols()];
        let neurons = self.view().nrows();
        let times = |matrix: &Mat<f64>| match self.layout {
            Layout::TargetsBySources => {
                let mut y = vec![0.0; neurons];
                add_absolute_times(matrix, &ones, &mut y);
                y
            }
            Layout::SourcesByTargets => absolute_transpose_times(matrix, &ones),
        };
        (times(&self.mid), self.radius.as_ref().map_or_else(|| vec![0.0; neurons], times))
    }

    /// `|X|ᵀ v + R_Xᵀ w`.
    fn transpose_times(&self, v: &[f64], w: &[f64]) -> Vec<f64> {
        let times = |matrix: &Mat<f64>, v: &[f64]| match self.layout {
            Layout::TargetsBySources => absolute_transpose_times(matrix, v),
            Layout::SourcesByTargets => {
                let mut y = vec![0.0; matrix.nrows()];
                add_absolute_times(matrix, v, &mut y);
                y
            }
        };
        let mut product = times(&self.mid, v);
        if let Some(radius) = &self.radius {
            product.iter_mut().zip(times(radius, w)).for_each(|(sum, more)| *sum += more);
        }
        product
    }

    /// Row sums of the error of a product with the transpose of this side on the left, and the other side's sums.
    fn error(&self, (magnitudes, radii): &(Vec<f64>, Vec<f64>), others: usize) -> Vec<f64> {
        let n = magnitudes.len();
        let rounding = gamma(n + 12);
        let (mut v, mut w) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for (b, sigma) in magnitudes.iter().zip(radii) {
            v.push(rounding * b + sigma);
            w.push(b + sigma);
        }
        let floor = GRAM_UNDERFLOW * ((n + 1) * others) as f64;
        // Every term goes through the additions of one sum over the other signals and of one over the neurons.
        self.transpose_times(&v, &w).into_iter().map(|sum| inflated(sum, n + others + 16) + floor).collect()
    }
}

/// `S W_iᵀ Diag(products) W_{i′} S′` for two edges into the same block; the same edge twice gives a lower triangle.
pub(crate) fn weighted_gram(
    (left, left_scales): (&Coupling, &[f64]),
    (right, right_scales): (&Coupling, &[f64]),
    products: &[f64],
    par: Par,
) -> Gram {
    // Each side gets the square root of |product| so that both stay near one.
    let roots: Vec<f64> = products.iter().map(|product| product.abs().sqrt()).collect();
    let signed: Vec<f64> = roots.iter().zip(products).map(|(root, product)| root * product.signum()).collect();
    let (x, y) = (Side::new(left, &signed, left_scales), Side::new(right, &roots, right_scales));
    let (rows, columns) = (left_scales.len(), right_scales.len());
    let mut mid = Mat::zeros(rows, columns);
    let full = BlockStructure::Rectangular;
    if left.from == right.from {
        let lower = BlockStructure::TriangularLower;
        triangular::matmul(&mut mid, lower, Accum::Add, x.view().transpose(), full, y.view(), full, 1.0, par);
    } else {
        matmul(&mut mid, Accum::Add, x.view().transpose(), y.view(), 1.0, par);
    }
    let error = Sums { rows: x.error(&y.sums(), columns), columns: y.error(&x.sums(), rows) };
    Gram { mid, error }
}
