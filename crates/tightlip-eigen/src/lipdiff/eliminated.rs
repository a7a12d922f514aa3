//! The best output weight for the direction of the other multipliers.
//!
//! `F ⪰ 0` with the block `M` of inputs and hidden neurons positive definite and the couplings `C` into the outputs says
//! `q ≥ λ_max(Cᵀ M^{−1} C)`: with `M = LLᵀ` and `Y = L^{−1}C` the smallest is `λ_max(YᵀY)`, and the bound `√(weight_in · q)`.

use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, Par, Side};
use tightlip_model::spectral_norm;

use crate::scaled_pencil::Passes;
use crate::variables::Variables;

/// The bound and the multipliers with the weight of inputs and hidden neurons of `packed`; `None` where these are not feasible
/// for any output weight.
pub(super) fn best_output(passes: &Passes<'_>, variables: &Variables, mut packed: Vec<f64>) -> Option<(f64, Vec<f64>)> {
    let order = passes.order();
    let inner = passes.block(variables.blocks() - 1).start;
    let mut pencil = Mat::<f64>::identity(order, order);
    passes.apply_form(&variables.diagonal(&packed), pencil.as_mut());
    let factor = pencil.as_ref().submatrix(0, 0, inner, inner).llt(Side::Lower).ok()?;
    let mut couplings = pencil.as_ref().submatrix(0, inner, inner, order - inner).to_owned();
    solve_lower_triangular_in_place(factor.L(), couplings.as_mut(), Par::Seq);
    let weight = spectral_norm(couplings.as_ref()).powi(2);
    let last = packed.len() - 1;
    packed[last] = weight;
    let (input, _) = variables.weights(&packed);
    let bound = input.sqrt() * weight.sqrt();
    (bound.is_finite() && bound > 0.0).then_some((bound, packed))
}
