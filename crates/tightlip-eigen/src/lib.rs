//! LipSDP-Neuron as eigenvalue optimisation: first-order methods that see the pencil through its products with vectors alone, and
//! the extreme eigenpairs they need.
//!
//! | method | | |
//! |---|---|---|
//! | [`lipdiff`] | LipDiff (Wang et al. 2024): Adam on an exact penalty, as published but for its errors | `penalty`: why every point of it is a bound |
//! | [`projected_subgradient`] | subgradient with level control (Goffin and Kiwiel 1999) in relative multipliers | |
//! | [`spectral_bundle`] | spectral bundle (Helmberg and Rendl 2000) in the metric of the multipliers: the best of them | `bundle`, `retraction` |
//!
//! All run on any `IncrementSystem` ([`Passes`]: one product is one pass of the network forward and one back) and show what they hold
//! for feasible to a [`Companion`], who has it proved; nothing here is a proof.
//!
//! # Eigenpairs
//!
//! Block Lanczos (Golub and Underwood 1977): an orthonormal basis `Q` of the Krylov space of a block of starting vectors,
//! `A Q = Q T + R Eᵀ` with `T = QᵀAQ` and `R` the part of the last images outside the basis. Eigenpairs `(θ, y)` of `T`
//! give Ritz pairs `(θ, Q y)`, whose residual `‖A Q y − θ Q y‖ = ‖R Eᵀ y‖` needs no further product.
//!
//! * *Orthogonality*: every new block is orthogonalised against the whole basis, twice (Giraud, Langou, Rozložník and van den
//!   Eshof 2005). `T` is taken from those inner products, all of them, so that it holds for any basis.
//! * *Memory*: a full basis is compressed to its best Ritz vectors, next to which the block that was to come remains the
//!   residual of all of them: the thick restart (Wu and Simon 2000).
//! * *Invariant spaces*: what is found in one is exact within it. A block of random vectors orthogonal to it shows what it
//!   lacks: see [`LookAgain`].
//!
//! A Ritz value is a Rayleigh quotient, so up to rounding the smallest Ritz value is never below the smallest eigenvalue, and
//! the largest never above the largest: inner bounds. They can show that a proof must fail, and never that one will succeed.
//! A small residual says that there is an eigenvalue nearby and not which one. Nothing here is a proof.
//!
//! Results depend on the arguments alone: one thread, and every random number from the generator that is passed in.

pub use bundle::{BundleSettings, spectral_bundle};
pub use companion::{Candidate, Companion, Ending, Run, Step, Verdict};
pub use lanczos::extreme_pairs;
pub use lipdiff::{Kappa, LipDiffSettings, lipdiff};
pub use pairs::{LanczosError, RitzPairs, Stop};
pub use penalty::starts::Init;
pub use penalty::{PenaltyWeight, Redundant};
pub use reach::TraceBounds;
pub use scaled_pencil::{Passes, ScaledPencil};
pub use settings::{Checks, End, LanczosSettings, LookAgain, Progress, Start, Watch};
pub use subgradient::{SubgradientSettings, projected_subgradient};
pub use variables::Variables;

mod basis;
mod bundle;
mod companion;
mod lanczos;
mod lipdiff;
mod orthogonal;
mod pairs;
mod penalty;
mod projected;
mod reach;
mod recent;
mod retraction;
mod scaled_pencil;
mod search;
mod settings;
mod subgradient;
mod variables;
