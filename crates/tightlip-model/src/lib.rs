//! Networks, model files, norms, queries and the increment system that every bound speaks about.
//!
//! The way of the data: a model file becomes a [`Network`] (what was loaded), a [`Query`] selects norms and outputs,
//! and [`IncrementSystem::of_network`] gives the canonical form that every method and the verifier work on. A
//! [`Reduction`] is the smaller, well-scaled system that solvers prefer, with the way back for their multipliers.
//!
//! Not here: optimisation, proofs, printing.

pub use activation::{Activation, SlopeInterval};
pub use case::Case;
pub use error::{Error, UnsupportedNode};
pub use face::{End, Face};
pub use limits::Limits;
pub use map::LinearMap;
pub use multipliers::{Multipliers, Weight};
pub use network::{Affine, Layer, Network};
pub use outputs::Outputs;
pub use query::{Norm, OutputSelection, Query, Region};
pub use random::random_network;
pub use reduction::{Reduction, Scaling};
pub use relaxation_point::RelaxationPoint;
pub use spectrum::{leading_singular_value, spectral_norm, thin_svd};
pub use system::{Edge, IncrementSystem};

mod activation;
mod case;
mod error;
mod face;
pub mod file;
mod limits;
mod map;
mod multipliers;
mod network;
mod outputs;
mod query;
mod random;
mod reduction;
mod relaxation_point;
mod spectrum;
mod system;
