//! SeqLip (Virmaux & Scaman, NeurIPS 2018): a factor for each hidden layer, and multipliers for their product.
//!
//! With the singular value decompositions `W_k = U_k Σ_k V_kᵀ`, and `Σ̃ = Σ` for the first and the last map, `Σ̃ = Σ^{1/2}` for
//! those between, let `A_k = Σ̃_{k+1} V_{k+1}ᵀ` and `B_k = U_k Σ̃_k`. The Jacobian of a chain is a product of `A_k Y_k B_k` and of
//! isometries, so
//!
//!   `L ≤ Π_k φ_k`,   `φ_k = max_Y ‖A_k Y B_k‖₂` over diagonal `Y` with entries in `[α_j, β_j]`.
//!
//! - `factor`: the matrices of every layer;
//! - `triangle`: a bound of `φ_k` in closed form;
//! - `telescope`: bounds of all `φ_k` by multipliers, put together as multipliers of the whole network;
//! - `flips`: patterns by single flips, which bound nothing: the published heuristics.
//!
//! The exact maximum is the verifier's (`tightlip_certify::LayerEnumeration`). The closed bound of the publication by the leading
//! singular vectors is not here: it does not come from multipliers, and the program of a factor with one multiplier for each
//! neuron has the same use.

pub use factor::{LayerFactor, Unfactored, layer_factors};
pub use flips::{by_best_flips, by_leading_triplets};
pub use telescope::{FactorMultipliers, telescoped};

mod factor;
mod flips;
mod telescope;
mod triangle;
