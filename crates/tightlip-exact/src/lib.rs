//! Lower bounds of Lipschitz constants: pairs of inputs between which the network is steep.
//!
//! Wherever `f` is differentiable, `‖S J(x)‖_{p→q}` is a lower bound of the constant, and the largest one over all `x` is
//! the constant itself. [`steep_pair`] looks for a point where it is large and returns two points near it whose
//! difference quotient (nearly) attains it. What is returned is a proposal: the proof is a `Witness` of
//! `tightlip-certify`.
//!
//! Not here: upper bounds; proofs.

pub use quasi_newton::Curvature;
pub use steep::{SteepPair, steep_pair, steep_pairs};

mod budget;
mod climb;
mod flips;
mod linearised;
mod moves;
mod norms;
mod pair;
mod quasi_newton;
mod starts;
mod steep;
