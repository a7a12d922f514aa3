//! What is asked for: which pairs, how exactly, with how much memory and how many products.

use faer::MatRef;
use rand_chacha::ChaCha8Rng;

/// Which end of the spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The smallest eigenvalues; the best is the smallest.
    Smallest,
    /// The largest eigenvalues; the best is the largest.
    Largest,
}

/// How often the projected eigenproblem is solved, which is when a run can end, but for its limits on products and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// After every block: where a product costs much more than the cube of the length of the basis.
    EveryBlock,
    /// When the basis has grown by half since the last time, and when it is full.
    Rising,
    /// Only when the basis is full.
    FullBasis,
}

/// When random vectors join in, to find what the Krylov space of the start cannot hold: vectors orthogonal to the start, and
/// more copies of a multiple eigenvalue than the block has columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookAgain {
    /// When the space found is invariant, until nothing better turns up.
    AfterBreakdown,
    /// Also when the wanted pairs have converged, until nothing better turns up: at least as many steps again. Needs room in
    /// the basis for blocks wider by `block` columns each time.
    AfterConvergence,
}

/// Settings of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LanczosSettings {
    /// Wanted pairs; no more than the order are looked for.
    pub pairs: usize,
    /// Where in the spectrum.
    pub end: End,
    /// Most vectors of the basis: the memory of a run is this many vectors and two blocks. More than `pairs`, unless it is the
    /// order or beyond.
    pub largest_basis: usize,
    /// Columns of a block, at least one; more than one finds multiple eigenvalues sooner and uses products with matrices.
    /// Fewer where the basis is too small for them.
    pub block: usize,
    /// Most products of the operator with one vector.
    pub most_products: usize,
    /// Residuals of converged pairs relative to the scale of the operator, the largest `|θ|` or `‖A q‖` seen. Residuals cannot
    /// be told from rounding below about `4 √order ε`.
    pub tolerance: f64,
    /// When to look at the Ritz values.
    pub checks: Checks,
    /// When to start again from random vectors.
    pub look_again: LookAgain,
}

impl LanczosSettings {
    /// Single vectors, a basis of `2 pairs + 40`, at most ten thousand products, a tolerance of `1e-10`.
    pub fn new(pairs: usize, end: End) -> Self {
        Self {
            pairs,
            end,
            largest_basis: pairs.saturating_mul(2).saturating_add(40),
            block: 1,
            most_products: 10_000,
            tolerance: 1e-10,
            checks: Checks::Rising,
            look_again: LookAgain::AfterBreakdown,
        }
    }
}

/// Where a run begins, and the source of all its random numbers.
#[derive(Debug)]
pub struct Start<'a> {
    /// Vectors to begin with.
    pub(crate) vectors: Option<MatRef<'a, f64>>,
    /// The generator.
    pub(crate) random: &'a mut ChaCha8Rng,
}

impl<'a> Start<'a> {
    /// A block of Gaussian vectors.
    pub fn random(random: &'a mut ChaCha8Rng) -> Self {
        Self { vectors: None, random }
    }

    /// The columns of an `order × k` matrix, of any length, filled up with Gaussian vectors to a full block. With `k` larger
    /// than `block` all blocks have up to `k` columns. Zero and dependent columns are replaced by Gaussian ones.
    pub fn given(vectors: MatRef<'a, f64>, random: &'a mut ChaCha8Rng) -> Self {
        Self { vectors: Some(vectors), random }
    }
}

/// The state of a run when the projected eigenproblem has been solved.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The Ritz values, best first: as many as wanted, or as the basis has so far.
    pub values: &'a [f64],
    /// The residuals of these pairs; zero where the space is invariant.
    pub residuals: &'a [f64],
    /// Vectors in the basis.
    pub basis: usize,
    /// Products with one vector so far.
    pub products: usize,
}

/// Questions a run asks its caller.
#[derive(Default)]
pub struct Watch<'w> {
    /// Whether the time is over: asked before each block of products.
    pub deadline: Option<&'w mut dyn FnMut() -> bool>,
    /// Whether the state is good enough, or hopeless: asked at each check.
    pub enough: Option<&'w mut dyn FnMut(&Progress<'_>) -> bool>,
}

impl Watch<'_> {
    /// Whether the time is over.
    pub(crate) fn is_over(&mut self) -> bool {
        self.deadline.as_mut().is_some_and(|deadline| deadline())
    }

    /// Whether the caller has enough.
    pub(crate) fn has_enough(&mut self, progress: &Progress<'_>) -> bool {
        self.enough.as_mut().is_some_and(|enough| enough(progress))
    }
}
