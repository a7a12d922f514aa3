//! The trusted core of tightlip: proves Lipschitz bounds from multipliers or by enumeration, and checks witnesses and certificates.
//!
//! A method proposes, this crate disposes: only here can a [`Bound`] be constructed, and only after a proof. The
//! inequality is rebuilt from the increment system; no solver, pencil or assembly code of the other crates is used.
//!
//! Trusted: this crate, `IncrementSystem::of_network` and the model readers, IEEE 754 double arithmetic in round to
//! nearest, that faer's matrix products are sums of products (in any order, fused or not), and for lower bounds dashu's
//! integer arithmetic. Bounds of the level `probabilistic` moreover trust that ChaCha20 and SHA-256 are as good as random.

pub use bound::{Bound, BoundKind, Level};
pub use branching::{BranchNode, BranchTree, CaseTree, FaceProof, FaceProver, TreeLedger, prove_trees};
pub use certificate::{Certificate, PatternProof, Proof};
pub use enumeration::{Enumerated, Enumeration, Unfinished};
pub use layer_patterns::{LayerEnumeration, LayerPatternProof, LayersEnumerated};
pub use ledger::{CaseLedger, CaseProof};
pub use probabilistic::{Draw, prove_probably};
pub use proof::{Prover, prove};
pub use refusal::{Refusal, rough_time};
pub use relaxation::relaxation_value;
pub use rounding::round_multipliers;
pub use segment::{Segment, prove_segments, prove_segments_probably};
pub use witness::Witness;

mod ball;
mod bound;
mod branching;
mod certificate;
mod claim;
mod directed;
mod dominance;
mod elimination;
mod enclosure;
mod enumeration;
mod factor;
mod gram;
mod induced;
mod inequality;
mod layer_patterns;
mod ledger;
mod probabilistic;
mod proof;
mod refusal;
mod relaxation;
mod residual;
mod rounding;
mod scaled_product;
mod segment;
mod signals;
mod skeleton;
mod sums;
mod witness;
