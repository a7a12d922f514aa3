//! What a run returns.

use faer::Mat;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The wanted pairs have converged.
    Converged,
    /// The caller had enough.
    Enough,
    /// Another block would exceed the products allowed.
    Products,
    /// The time was over.
    Deadline,
    /// The residuals no longer fall.
    Stalled,
}

/// Ritz pairs of a symmetric operator.
#[derive(Debug, Clone)]
pub struct RitzPairs {
    /// The Ritz values, best first: as many as were wanted, or as the basis had when the run ended.
    pub values: Vec<f64>,
    /// Their vectors, `order × values.len()`, orthonormal.
    pub vectors: Mat<f64>,
    /// `‖A v − θ v‖` up to rounding, a few `√order ε` times the scale of the operator.
    pub residuals: Vec<f64>,
    /// Products of the operator with one vector.
    pub products: usize,
    /// Restarts because the basis was full.
    pub restarts: usize,
    /// Whether all wanted residuals are within the tolerance.
    pub converged: bool,
    /// Why the run ended.
    pub stop: Stop,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LanczosError {
    /// The operator gave NaN or an infinite number, or its products overflow.
    #[error("after {products} products the operator gave a number that is not finite")]
    NotFinite {
        /// Products up to there.
        products: usize,
    },
    /// A starting vector has an entry that is not finite.
    #[error("starting vector {column} has an entry that is not finite")]
    StartNotFinite {
        /// The vector.
        column: usize,
    },
    /// Starting vectors of another length.
    #[error("starting vectors have {found} entries, the operator has order {order}")]
    StartOrder {
        /// Their length.
        found: usize,
        /// The order of the operator.
        order: usize,
    },
    /// No room beside the wanted pairs.
    #[error("a basis of at most {largest_basis} vectors is too small for {pairs} pairs, want {pairs} + 1 at least")]
    SmallBasis {
        /// The limit of the settings.
        largest_basis: usize,
        /// Wanted pairs, at most the order.
        pairs: usize,
    },
    /// The projected eigenproblem was not solved.
    #[error("the eigenvalues of the projected matrix of order {order} did not converge")]
    Projected {
        /// Its order.
        order: usize,
    },
}
