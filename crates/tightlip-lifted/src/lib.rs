//! The lifted power iteration: the optimum of LipSDP-Neuron and GeoLIP at the cost of network passes.
//!
//! # The relaxation behind the inequality
//!
//! For weights `D_in`, `D_out` and multipliers `λ ≥ 0`, `F(t, λ, q) ⪰ 0` (see `tightlip_model::Multipliers`) proves a
//! Lipschitz bound `L = ½(weight_in + weight_out)` at its best scaling. The dual of "minimise `L` over feasible
//! multipliers" has a matrix `X ⪰ 0` over all signals, input, hidden and output, with one condition for each multiplier:
//! `⟨X, ∂F/∂t⟩`, `⟨X, ∂F/∂λ_j⟩ ≤` their costs. Writing `X = V Vᵀ` with rows in `R^r` (Burer & Monteiro 2003) turns it into
//! a network whose increments are *vectors*:
//!
//!   maximise `⟨G, Σ_i W_{out,i} V_i⟩`   over `V_0`, `G` in the balls of input and (dual) output norm, and for every neuron
//!   `(v_j − α_j u_j)·(β_j u_j − v_j) ≥ 0`,   `u = Σ_i W_{k,i} V_i`,
//!
//! the ball whose diameter is the segment from `α_j u_j` to `β_j u_j`:
//!
//!   `v_j = m_j u_j + h_j ‖u_j‖ g_j`,   `‖g_j‖ ≤ 1`,   `m = (α+β)/2`,   `h = (β−α)/2`.
//!
//! | norm of the inputs | `V_0` | | norm of the outputs | `G` |
//! |---|---|---|---|---|
//! | ℓ2 | `‖V_0‖_F = 1` | | ℓ2 | `‖G‖_F = 1` |
//! | ℓ∞ | every vector of length 1 | | ℓ1 | every vector of length 1 |
//!
//! With `r = 1` this is the formal constant FGL (Wang et al. 2022): the best choice of slopes. Every feasible point gives
//! a value below the optimum of the relaxation, every feasible multiplier one above it.
//!
//! # The iteration
//!
//! *Sweep* (`sweep`): each unknown moves to the maximiser of the value linearised in it. One forward pass gives `u`, `V`,
//! the value and `G`; one backward pass `C_i = ∂value/∂V_i`, the new `g_j = C_j/‖C_j‖` and `V_0`. Nothing else touches the
//! weights, so any linear map will do, and values add at skip connections as gradients do.
//!
//! *Acceleration* (`iteration`, `quasi_newton`): L-BFGS on the spheres whose first metric is that of the sweep. Plain
//! sweeps need three to ten times as many passes, Nesterov's momentum two to three times, Anderson acceleration up to
//! twice (measured to a proved gap of 1e-5 on eighteen networks, median of three seeds).
//!
//! *Multipliers* (`multipliers`): by stationarity, `λ_j = ‖C_j‖ / (2 h_j ‖u_j‖)`, `t = ‖C_0‖`, `q = ‖O‖`. At a fixed point both
//! weights equal the value: no duality gap is left but for rounding.
//!
//! *Correction* (`null_space`): multipliers by stationarity are wrong to first order in the error of the iterate, which is
//! what a proof would see. Requiring that the pencil vanish on the range of `V` makes them wrong to second order only:
//! the gap closes with the value, in half the sweeps.
//!
//! *Escape* (`escape`): a point can be optimal for its rank and not for the relaxation. Then the pencil has a negative
//! direction, found by Lanczos (`tightlip_eigen`), which becomes a new row of every `V_k`; the rank doubles.
//!
//! *Patterns* (`pattern`): one column from many starts, a lower bound of FGL.
//!
//! # What makes it work
//!
//! The system is a `Reduction`: live signals, slopes of magnitude one, blocks of unit norm, thin QR at ℓ2 ends. The start is
//! random in every direction: from `g_j = u_j/‖u_j‖` the iteration never leaves the row space of `V_0`. Rank 16 suffices for all
//! but a few networks; 8 does for one hidden layer. Results depend on the seed alone, not on threads or the clock.
//!
//! Not here: proofs. What this crate returns are proposals; the judge of the facade has them proved.

pub use iteration::{Leverage, LiftedIteration};
pub use pattern::{Pattern, best_pattern};
pub use solve::{Companion, Row, Settings, Stop, Verdict, solve};

mod columns;
mod escape;
mod iteration;
mod long;
mod multipliers;
mod null_space;
mod pattern;
mod quasi_newton;
mod relaxation;
mod solve;
mod state;
mod sweep;
