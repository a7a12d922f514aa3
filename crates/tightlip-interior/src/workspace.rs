//! Cholesky factors and inverses in buffers that are made once.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::cholesky::llt::inverse::{inverse, inverse_scratch};
use faer::{MatMut, MatRef, Par, Spec};

/// Scratch memory for matrices up to one order, and the parallelism.
pub(crate) struct Workspace {
    memory: MemBuffer,
    /// Parallelism of all dense products.
    pub par: Par,
}

impl Workspace {
    /// For matrices up to `order`.
    pub(crate) fn new(order: usize, threads: usize) -> Self {
        let par = if threads > 1 { Par::rayon(threads) } else { Par::Seq };
        let factor = cholesky_in_place_scratch::<f64>(order, par, Spec::default());
        Self { memory: MemBuffer::new(factor.or(inverse_scratch::<f64>(order, par))), par }
    }

    /// Replaces the lower triangle of `matrix` by its Cholesky factor. `false` if a pivot is not positive or not finite;
    /// the triangle is spoilt then.
    pub(crate) fn factor(&mut self, mut matrix: MatMut<'_, f64>) -> bool {
        let stack = MemStack::new(&mut self.memory);
        let done =
            cholesky_in_place(matrix.as_mut(), LltRegularization::default(), self.par, stack, Spec::default()).is_ok();
        done && (0..matrix.nrows()).all(|i| matrix[(i, i)].is_finite() && matrix[(i, i)] > 0.0)
    }

    /// `out ← (L Lᵀ)⁻¹`, both triangles, from the lower triangle of `factor`.
    pub(crate) fn inverse(&mut self, factor: MatRef<'_, f64>, mut out: MatMut<'_, f64>) {
        inverse(out.as_mut(), factor, self.par, MemStack::new(&mut self.memory));
        mirror(out);
    }
}

/// Copies the lower triangle of a matrix to the upper one.
pub(crate) fn mirror(mut matrix: MatMut<'_, f64>) {
    for_each_square(matrix.nrows(), &mut |i, j| matrix[(j, i)] = matrix[(i, j)]);
}

/// `M ← ½ (M + Mᵀ)`.
pub(crate) fn symmetrise(mut matrix: MatMut<'_, f64>) {
    for_each_square(matrix.nrows(), &mut |i, j| {
        let mean = 0.5 * (matrix[(i, j)] + matrix[(j, i)]);
        matrix[(i, j)] = mean;
        matrix[(j, i)] = mean;
    });
}

/// Shows all places below the diagonal, square by square, so that both triangles stay in the cache.
fn for_each_square(order: usize, visit: &mut dyn FnMut(usize, usize)) {
    for first_column in (0..order).step_by(SQUARE) {
        for first_row in (first_column..order).step_by(SQUARE) {
            for j in first_column..(first_column + SQUARE).min(order) {
                for i in first_row.max(j + 1)..(first_row + SQUARE).min(order) {
                    visit(i, j);
                }
            }
        }
    }
}

/// Two squares of this side fill a first cache.
pub(crate) const SQUARE: usize = 32;
