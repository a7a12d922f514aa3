//! Branch and bound on slopes: the exact formal constant FGL of networks with hundreds of neurons.
//!
//! FGL (Wang et al. 2022) is the largest norm of `W_{H+1} Y_H W_H ⋯ Y_1 W_1` over diagonal `Y_k` with every slope at one of its
//! ends: NP-hard (Virmaux & Scaman 2018), enumerated so far up to some twenty neurons. Here it is searched:
//!
//! - *Node*: a [`Face`](tightlip_model::Face), some slopes fixed. Its bound is the vector relaxation of its system, by the lifted
//!   iteration of `tightlip-lifted` from the point of its parent, which is off by one neuron only: ten sweeps or so.
//! - *Closing*: the iteration's value bounds the relaxation from below, so it closes nothing. A node is closed when its
//!   multipliers are proved, by the [`Verifier`], to bound it below the incumbent. The same multipliers bound every node below
//!   it, so a node without a proof of its own has that of its parent.
//! - *Splitting*: at the neuron where fixing the slope costs most at either end, to first order: the largest product of both
//!   losses `½ (β − α) ‖u‖ ‖C‖ (1 ± cos∠(u, C))`. (Measured: a quarter to a third fewer nodes than by `1 − cos²`; trying some
//!   candidates with a few sweeps each saves at most a tenth of the nodes and costs more.) Where the norm is itself a maximum
//!   over signs — ℓ∞ inputs with several outputs, ℓ1 outputs — a pair of signs, equal or opposite.
//! - *Incumbent* (`pattern`): the vectors of the relaxation rounded by random hyperplanes, then single flips.
//! - *Order*: the node with the largest proved bound first, so that the bound of everything falls as fast as it can; it and the
//!   incumbent are an answer at any time.
//!
//! Nodes are split in batches, whose children are bounded by all threads at the same time: the tree does not depend on their
//! number. The tree is the certificate: multipliers at its leaves, which cover all vertices by its shape.
//!
//! Not here: proofs, certificates, units of the original network.

pub use node::{Proof, Verifier};
pub use pattern::{Pattern, best_pattern};
pub use search::{Progress, Question, Search, Settings, Stop, search};
pub use split::Split;
pub use tree::{Branch, Tree};

mod chain;
mod node;
mod pattern;
mod search;
mod split;
mod tree;
