//! The trusted core of tightlip: proves Lipschitz bounds from multipliers, and checks witnesses and certificates.
//!
//! A method proposes, this crate disposes: only here can a [`Bound`] be constructed, and only after a proof. The
//! inequality is rebuilt from the increment system; no solver, pencil or assembly code of the other crates is used.
//!
//! Trusted: this crate, `IncrementSystem::of_network` and the model readers, IEEE 754 double arithmetic in round to
//! nearest, that faer's matrix products are sums of products (in any order, fused or not), and for lower bounds dashu's
//! integer arithmetic.

pub use bound::{Bound, BoundKind, Level};
pub use certificate::Certificate;
pub use proof::prove;
pub use refusal::Refusal;
pub use rounding::round_multipliers;
pub use segment::{Segment, prove_segments};
pub use witness::Witness;

mod ball;
mod bound;
mod certificate;
mod directed;
mod enclosure;
mod factor;
mod inequality;
mod proof;
mod refusal;
mod rounding;
mod segment;
mod signals;
mod witness;
