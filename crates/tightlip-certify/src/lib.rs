//! The trusted core of tightlip: proves Lipschitz bounds from multipliers, and checks witnesses and certificates.

pub use bound::{Bound, BoundKind, Level};
pub use refusal::Refusal;

mod bound;
mod refusal;
