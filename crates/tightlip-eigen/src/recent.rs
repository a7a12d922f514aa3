//! The last eigenvectors of a first-order method: near the optimum they span the dual solution, and so the relaxation.

use std::collections::VecDeque;

use faer::Mat;

/// Eigenvectors kept.
const RECENT: usize = 16;

/// The last eigenvectors as signals, the latest first; each `order × 1`.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<Mat<f64>>);

impl Recent {
    /// Adds one; the oldest goes where there are too many.
    pub(crate) fn add(&mut self, signals: Mat<f64>) {
        self.0.truncate(RECENT - 1);
        self.0.push_front(signals);
    }

    /// The latest.
    pub(crate) fn last(&self) -> Option<&Mat<f64>> {
        self.0.front()
    }

    /// All of them, a column each; no rows where there are none.
    pub(crate) fn vectors(&self) -> Mat<f64> {
        let order = self.last().map_or(0, Mat::nrows);
        Mat::from_fn(order, self.0.len(), |i, c| self.0[c][(i, 0)])
    }
}
