//! The basis `Q`, the projected matrix `T` and the block that comes next: `A Q = Q T + N B Eᵀ`.
//!
//! `N` is the next block, `B` its coupling to the last `ncols(B)` columns of the basis. Random columns that join the next block
//! have no coupling, so the relation survives them; in an invariant space `N` is empty.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::LanczosError;
use crate::orthogonal::{divide, is_purified, orthonormalise, subtract_projection};
use crate::projected::Projected;

/// Rows that are compressed at once at a restart, in a buffer of their own.
const ROWS: usize = 256;
/// What a product and its projections leave of rounding, in multiples of `ε` times the scale of the operator, is below this
/// and four times the root of the order.
const ROUNDING: f64 = 16.0;

/// The relation `A Q = Q T + N B Eᵀ`.
pub(crate) struct Basis {
    vectors: Mat<f64>,
    made: usize,
    projected: Mat<f64>,
    next: Mat<f64>,
    width: usize,
    /// `B`, as many rows as the next block has columns with a coupling.
    coupling: Mat<f64>,
    along: Mat<f64>,
    scale: f64,
}

impl Basis {
    /// No vectors yet, room for `largest` of the given order, and for blocks of `width`.
    pub(crate) fn new(order: usize, largest: usize, width: usize) -> Self {
        Self {
            vectors: Mat::zeros(order, largest),
            made: 0,
            projected: Mat::zeros(largest, largest),
            next: Mat::zeros(order, width),
            width: 0,
            coupling: Mat::zeros(0, 0),
            along: Mat::zeros(largest, width),
            scale: 0.0,
        }
    }

    /// The order of the operator.
    pub(crate) fn order(&self) -> usize {
        self.vectors.nrows()
    }

    /// Vectors in the basis.
    pub(crate) fn made(&self) -> usize {
        self.made
    }

    /// Columns of the next block; zero where the basis spans an invariant space.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Most vectors.
    pub(crate) fn largest(&self) -> usize {
        self.vectors.ncols()
    }

    /// Whether the next block does not fit.
    pub(crate) fn is_full(&self) -> bool {
        self.made + self.width > self.largest()
    }

    /// The largest `‖A q‖` so far: a lower bound of the norm of the operator.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    /// The projected matrix.
    pub(crate) fn projected(&self) -> MatRef<'_, f64> {
        self.projected.as_ref().submatrix(0, 0, self.made, self.made)
    }

    /// `‖B Eᵀ y‖` for the eigenvector of the given rank.
    pub(crate) fn residual(&self, solved: &Projected, rank: usize) -> f64 {
        if self.coupling.nrows() == 0 {
            return 0.0;
        }
        (&self.coupling * solved.tail(rank, self.made - self.coupling.ncols())).norm_l2()
    }

    /// The Ritz vectors of the best `count` eigenvectors.
    pub(crate) fn ritz_vectors(&self, solved: &Projected, count: usize) -> Mat<f64> {
        self.vectors.as_ref().subcols(0, self.made) * solved.best(count)
    }

    /// Adds columns to the next block: given ones first, without their part in the space so far, then Gaussian ones in place
    /// of those that are dependent and up to `count` more columns altogether.
    pub(crate) fn join(&mut self, given: Option<MatRef<'_, f64>>, count: usize, random: &mut ChaCha8Rng) {
        let order = self.vectors.nrows();
        let room = order - self.made - self.width;
        let wanted = self.width + count.min(room);
        self.reserve(wanted);
        for vector in given.iter().flat_map(|vectors| vectors.col_iter()) {
            if self.width < wanted {
                self.next.as_mut().col_mut(self.width).copy_from(vector);
                self.join_last();
            }
        }
        // A Gaussian vector is in the space with probability zero; the count ends the loop whatever the generator gives.
        for _ in 0..2 * count {
            if self.width < wanted {
                self.next.as_mut().col_mut(self.width).iter_mut().for_each(|x| *x = random.sample(StandardNormal));
                self.join_last();
            }
        }
    }

    /// Makes the column after the next block orthonormal to everything and part of the block, if there is anything left.
    fn join_last(&mut self) {
        let threshold = self.rounding();
        let known = self.vectors.as_ref().subcols(0, self.made);
        let (accepted, rest) = self.next.as_mut().split_at_col_mut(self.width);
        let mut column = rest.subcols_mut(0, 1);
        let length = column.norm_l2();
        if length > 0.0 {
            divide(column.as_mut().col_mut(0), length);
            self.width += usize::from(is_purified(known, accepted.as_ref(), column, threshold));
        }
    }

    /// What counts as rounding, relative to the scale.
    fn rounding(&self) -> f64 {
        (ROUNDING + 4.0 * (self.vectors.nrows() as f64).sqrt()) * f64::EPSILON
    }

    /// Moves the next block into the basis, multiplies it by the operator, extends `T`, and leaves the part of the images
    /// outside the basis as the next block. The block must fit, and must not be empty.
    ///
    /// # Errors
    /// [`LanczosError::NotFinite`], with no count of products yet.
    pub(crate) fn expand(
        &mut self,
        apply: &mut dyn FnMut(MatRef<'_, f64>, MatMut<'_, f64>),
    ) -> Result<(), LanczosError> {
        let (from, width) = (self.made, self.width);
        self.made += width;
        let mut image = self.next.as_mut().subcols_mut(0, width);
        self.vectors.as_mut().subcols_mut(from, width).copy_from(image.as_ref());
        apply(self.vectors.as_ref().subcols(from, width), image.as_mut());
        let scale = image.as_ref().col_iter().map(|column| column.norm_l2()).fold(self.scale, f64::max);
        let known = self.vectors.as_ref().subcols(0, self.made);
        let mut along = self.along.as_mut().submatrix_mut(0, 0, self.made, width);
        subtract_projection(known, image.as_mut(), along.as_mut());
        // A number that is not finite spoils every inner product of its column.
        let finite = along.as_ref().col_iter().all(|column| column.iter().all(|x| x.is_finite()));
        if !(finite && scale.is_finite()) {
            return Err(LanczosError::NotFinite { products: 0 });
        }
        self.scale = scale;
        for j in 0..width {
            for i in 0..=from + j {
                let entry =
                    if i < from { along[(i, j)] } else { f64::midpoint(along[(i, j)], along[(from + j, i - from)]) };
                self.projected[(i, from + j)] = entry;
                self.projected[(from + j, i)] = entry;
            }
        }
        let lengths: Vec<f64> = image.as_ref().col_iter().map(|column| column.norm_l2()).collect();
        subtract_projection(known, image.as_mut(), along);
        let threshold = self.rounding() * scale;
        let image = self.next.as_mut().subcols_mut(0, width);
        let (kept, coefficients) = orthonormalise(known, image, &lengths, threshold);
        // No more than what is left of the whole space: the rest is rounding.
        self.width = kept.min(self.vectors.nrows() - self.made);
        self.coupling = coefficients.subrows(0, self.width).to_owned();
        Ok(())
    }

    /// The thick restart: the best `count` Ritz vectors of `solved` become the basis, the next block stays.
    pub(crate) fn compress(&mut self, solved: &Projected, count: usize) {
        let best = solved.best(count);
        let coupled = self.coupling.ncols();
        if self.coupling.nrows() > 0 {
            self.coupling = &self.coupling * best.as_ref().subrows(self.made - coupled, coupled);
        }
        let order = self.vectors.nrows();
        let mut panel = Mat::<f64>::zeros(ROWS.min(order), self.made);
        for from in (0..order).step_by(ROWS) {
            let rows = ROWS.min(order - from);
            let mut panel = panel.as_mut().subrows_mut(0, rows);
            panel.copy_from(self.vectors.as_ref().submatrix(from, 0, rows, self.made));
            let target = self.vectors.as_mut().submatrix_mut(from, 0, rows, count);
            matmul(target, Accum::Replace, panel.as_ref(), &best, 1.0, Par::Seq);
        }
        self.projected.fill(0.0);
        for (i, &value) in solved.values().iter().take(count).enumerate() {
            self.projected[(i, i)] = value;
        }
        self.made = count;
    }

    /// Makes a basis that is orthonormal but for rounding so to the last digits.
    pub(crate) fn straighten(&mut self) {
        let known = self.vectors.as_mut().subcols_mut(0, self.made);
        let none = Mat::<f64>::zeros(known.nrows(), 0);
        orthonormalise(none.as_ref(), known, &vec![1.0; self.made], 0.0);
    }

    /// Room for blocks of `width`.
    fn reserve(&mut self, width: usize) {
        if width > self.next.ncols() {
            self.next.resize_with(self.vectors.nrows(), width, |_, _| 0.0);
            self.along.resize_with(self.vectors.ncols(), width, |_, _| 0.0);
        }
    }
}
