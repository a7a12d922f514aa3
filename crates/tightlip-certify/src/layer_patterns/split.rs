//! A map split in two, with bounds of what the split leaves over.

use faer::Mat;
use tightlip_model::{IncrementSystem, thin_svd};

use crate::Refusal;
use crate::directed::{UNDERFLOW, gamma, inflated, mul_up, sqrt_up};
use crate::enclosure::Enclosure;
use crate::enumeration::{frobenius_up, times_view};
use crate::signals::LiveSignals;

/// Both parts of a map, or the map whole, with upper bounds of Frobenius norms.
#[derive(Debug, Clone)]
pub(super) struct Split {
    /// `P` and `Q`; none for a map that is not split.
    pub(super) parts: Option<(Mat<f64>, Mat<f64>)>,
    /// `‖P‖`, of a whole map its own norm.
    pub(super) left_norm: f64,
    /// `‖Q‖`, of a whole map its own norm.
    pub(super) right_norm: f64,
    /// `η`; 0 for a whole map.
    pub(super) eta: f64,
    /// `‖E‖/η`; 0 for a whole map.
    pub(super) left_over: f64,
}

impl Split {
    /// A map as it is.
    pub(super) fn whole(map: &Enclosure) -> Self {
        let size = Mat::from_fn(map.mid.nrows(), map.mid.ncols(), |i, j| {
            inflated(map.mid[(i, j)].abs() + map.radius_at(i, j), 1)
        });
        let norm = frobenius_up(&size);
        Self { parts: None, left_norm: norm, right_norm: norm, eta: 0.0, left_over: 0.0 }
    }

    /// `P = U Σ^{1/2}`, `Q = Σ^{1/2} Vᵀ`, as far as floating point goes.
    ///
    /// # Errors
    /// [`Refusal::Range`] if the decomposition does not converge.
    pub(super) fn in_two(map: &Enclosure) -> Result<Self, Refusal> {
        let (left, right) = roots(&map.mid)?;
        Self::of_parts(map, left, right)
    }

    /// Any `P` and `Q`: what they leave over, `E = W − PQ`, is bounded entry by entry.
    ///
    /// # Errors
    /// [`Refusal::Range`] if a number leaves its range.
    pub(super) fn of_parts(map: &Enclosure, left: Mat<f64>, right: Mat<f64>) -> Result<Self, Refusal> {
        let (rows, columns, rank) = (left.nrows(), right.ncols(), right.nrows());
        let product = times_view(left.as_ref(), right.as_ref());
        let (left_size, right_size) = (absolute(&left), absolute(&right));
        let sizes = times_view(left_size.as_ref(), right_size.as_ref());
        let error = Mat::from_fn(rows, columns, |i, j| {
            let rounding = gamma(rank + 2) * sizes[(i, j)];
            inflated((map.mid[(i, j)] - product[(i, j)]).abs() + rounding + map.radius_at(i, j), 2 * rank + 8)
                + UNDERFLOW * (rank + 1) as f64
        });
        let (left_norm, right_norm) = (frobenius_up(&left_size), frobenius_up(&right_size));
        let error = frobenius_up(&error);
        let ratio = if left_norm > 0.0 && right_norm > 0.0 { right_norm / left_norm } else { 1.0 };
        // Any positive number is right; the error is at least an underflow.
        let eta = sqrt_up(mul_up(error, ratio));
        let left_over = (error / eta).next_up();
        if !(left_over.is_finite() && eta > 0.0) {
            return Err(range());
        }
        Ok(Self { parts: Some((left, right)), left_norm, right_norm, eta, left_over })
    }

    /// The parts among all neurons of block `k` and of the next, with zeros for those that play no part.
    pub(super) fn between(mut self, system: &IncrementSystem, live: &LiveSignals, k: usize) -> Self {
        self.parts = self.parts.map(|(left, right)| {
            let mut all_left = Mat::zeros(system.len(k + 1), left.ncols());
            let mut all_right = Mat::zeros(right.nrows(), system.len(k));
            for (place, &row) in live.of(k + 1).iter().enumerate() {
                all_left.row_mut(row).copy_from(left.row(place));
            }
            for (place, &column) in live.of(k).iter().enumerate() {
                all_right.col_mut(column).copy_from(right.col(place));
            }
            (all_left, all_right)
        });
        self
    }
}

/// `U Σ^{1/2}` and `Σ^{1/2} Vᵀ`.
fn roots(matrix: &Mat<f64>) -> Result<(Mat<f64>, Mat<f64>), Refusal> {
    let (u, values, v) = thin_svd(matrix.as_ref()).ok_or_else(range)?;
    let left = Mat::from_fn(u.nrows(), u.ncols(), |i, r| u[(i, r)] * values[r].sqrt());
    let right = Mat::from_fn(v.ncols(), v.nrows(), |r, j| values[r].sqrt() * v[(j, r)]);
    Ok((left, right))
}

/// Entrywise absolute values.
fn absolute(matrix: &Mat<f64>) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)].abs())
}

/// The refusal of weights that cannot be split.
fn range() -> Refusal {
    Refusal::Range { what: "the singular value decomposition of a layer".to_owned() }
}
