//! The projected eigenproblem: all eigenpairs of the small symmetric matrix `T = QᵀAQ`.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, SelfAdjointEvdParams, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Auto, Mat, MatRef, Par, Spec};

use crate::LanczosError;
use crate::settings::End;

/// The buffers for orders up to some limit, and the last solution.
pub(crate) struct Projected {
    memory: MemBuffer,
    /// The matrix with entries of at most one.
    scaled: Mat<f64>,
    eigenvectors: Mat<f64>,
    /// Eigenvalues, best first.
    values: Vec<f64>,
    end: End,
}

impl Projected {
    /// For orders up to `largest`.
    pub(crate) fn new(largest: usize, end: End) -> Self {
        let scratch = self_adjoint_evd_scratch::<f64>(largest, ComputeEigenvectors::Yes, Par::Seq, parameters());
        Self {
            memory: MemBuffer::new(scratch),
            scaled: Mat::zeros(largest, largest),
            eigenvectors: Mat::zeros(largest, largest),
            values: Vec::with_capacity(largest),
            end,
        }
    }

    /// Solves for a matrix with finite entries.
    ///
    /// # Errors
    /// [`LanczosError::Projected`] if the QR steps do not converge.
    pub(crate) fn solve(&mut self, matrix: MatRef<'_, f64>) -> Result<(), LanczosError> {
        let n = matrix.nrows();
        let largest = matrix.norm_max();
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let mut scaled = self.scaled.as_mut().submatrix_mut(0, 0, n, n);
        for j in 0..n {
            for i in 0..n {
                scaled[(i, j)] = matrix[(i, j)] / unit;
            }
        }
        let mut eigenvalues = Diag::<f64>::zeros(n);
        let vectors = self.eigenvectors.as_mut().submatrix_mut(0, 0, n, n);
        let stack = MemStack::new(&mut self.memory);
        self_adjoint_evd(scaled.as_ref(), eigenvalues.as_mut(), Some(vectors), Par::Seq, stack, parameters())
            .map_err(|_| LanczosError::Projected { order: n })?;
        let end = self.end;
        let ascending = eigenvalues.column_vector();
        self.values.clear();
        self.values.extend((0..n).map(|i| ascending[place(end, i, n)] * unit));
        Ok(())
    }

    /// The eigenvalues, best first.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The entries from row `row` on of the eigenvector that is the `rank`-th best.
    pub(crate) fn tail(&self, rank: usize, row: usize) -> MatRef<'_, f64> {
        let n = self.values.len();
        self.eigenvectors.as_ref().submatrix(row, place(self.end, rank, n), n - row, 1)
    }

    /// The best `count` eigenvectors, best first.
    pub(crate) fn best(&self, count: usize) -> Mat<f64> {
        let n = self.values.len();
        Mat::from_fn(n, count, |i, j| self.eigenvectors[(i, place(self.end, j, n))])
    }
}

/// QR steps at every order: faer 0.24.4 divides and conquers from order 128 on and loses half of the digits there on some
/// matrices.
fn parameters() -> Spec<SelfAdjointEvdParams, f64> {
    SelfAdjointEvdParams { recursion_threshold: usize::MAX, ..<SelfAdjointEvdParams as Auto<f64>>::auto() }.into()
}

/// Where the `rank`-th best of `n` ascending numbers stands.
fn place(end: End, rank: usize, n: usize) -> usize {
    match end {
        End::Smallest => rank,
        End::Largest => n - 1 - rank,
    }
}
