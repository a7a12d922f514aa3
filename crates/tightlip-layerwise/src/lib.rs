//! Layerwise bounds: multipliers of the one matrix inequality, chosen by eliminating one layer after the other.
//!
//! Notation: a chain with maps `W_1 … W_{H+1}` and slopes `[α_j, β_j]`; `A = Diag(α)`, `B = Diag(β)`, `S = A + B` of a layer;
//! one multiplier `λ_j > 0` for each neuron, `Λ = Diag(λ)`. Eliminating the blocks of the inequality from the input on (block
//! Cholesky; Xu and Sivaranjani 2024, ECLipsE, §3) gives
//!
//!   `M_0 = I`,   `X_{k−1} = M_{k−1} + 2 W_kᵀ ΛAB W_k`,   `M_k = 2Λ − ΛS (W_k X_{k−1}⁻¹ W_kᵀ) SΛ`,
//!
//! and whenever every `X` and `M` is positive definite, `L² = λ_max(W_{H+1} M_H⁻¹ W_{H+1}ᵀ)` is a bound. For slopes `[0, 1]` the
//! middle is `Γ_k = W_k M_{k−1}⁻¹ W_kᵀ` itself and the condition reads `Λ⁻¹ ≻ ½ Γ_k`.
//!
//! Every method here is a choice of `Λ_1, Λ_2, …`; jointly optimal ones are LipSDP-Neuron. The recursions on norms (AutoLip, CP-Lip)
//! are choices, too, by `path_sums`, and for any graph of layers; the factors of SeqLip telescope to one. Nothing here is trusted.
//!
//! Not here: proofs, units of the original network.

pub use autolip::autolip;
pub use chain::{Chain, Unsuitable, check_slopes};
pub use cp_lip::cp_lip;
pub use descent::{Descended, Ending, Progress, Settings, descend};
pub use eclipse::{Eclipse, INWARDS, Stage, eliminate_fast, eliminate_inwards};
pub use forward::{Eliminated, Forward, NotFeasible};
pub use greedy_shape::greedy_shape;
pub use path_sums::Feasible;
pub use products::{Cuts, LayerNorm, Product, product_of_norms};
pub use rules::Rule;
pub use tied::{Tied, TiedEnd, TiedProgress};

pub mod seqlip;

mod autolip;
mod barrier;
mod chain;
mod cp_lip;
mod descent;
mod eclipse;
mod forward;
mod greedy_shape;
mod path_sums;
mod products;
mod rules;
mod tied;
