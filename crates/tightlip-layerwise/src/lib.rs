//! Bounds that go through the network layer by layer: products of norms, AutoLip, CP-Lip.
//!
//! Each is written as feasible multipliers of the matrix inequality that LipSDP minimises over, so that the verifier
//! proves it like any other proposal. Nothing here is trusted.
//!
//! Not here: proofs, optimisation over multipliers, units of the original network.

pub use autolip::autolip;
pub use cp_lip::cp_lip;
pub use path_sums::{Feasible, FixedSlope};
pub use products::{Cuts, Effort, LayerNorm, Product, product_of_norms};

mod autolip;
mod cp_lip;
mod path_sums;
mod products;
