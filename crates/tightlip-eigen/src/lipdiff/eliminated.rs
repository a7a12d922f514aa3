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

#[cfg(test)]
mod tests {
    use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query, random_network};

    use super::*;
    use crate::ScaledPencil;

    #[test]
    fn the_output_weight_is_the_smallest_that_is_feasible() {
        let network = random_network(&[3, 5, 4, 2], Activation::Relu, 7).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let query = Query::euclidean(OutputSelection::All);
        let (passes, variables) = (Passes::new(&system, 1), Variables::new(&system, &query));
        // Weights that fall off from block to block are feasible for some output weight.
        let mut packed = vec![1.0; variables.len()];
        for k in 0..2 {
            packed[variables.entries(k)].fill(if k == 0 { 400.0 } else { 20.0 });
        }
        let (bound, best) = best_output(&passes, &variables, packed.clone()).expect("feasible");
        let (input, output) = variables.weights(&best);
        assert!((bound / (input * output).sqrt() - 1.0).abs() < 1e-14 && input == 400.0);
        let pencil = ScaledPencil::new(&passes, variables.diagonal(&best));
        let mut dense = Mat::<f64>::zeros(passes.order(), passes.order());
        pencil.apply(Mat::identity(passes.order(), passes.order()).as_ref(), dense.as_mut());
        let smallest = dense.self_adjoint_eigenvalues(Side::Lower).expect("finite")[0];
        assert!(smallest.abs() < 1e-12, "{smallest:e} is not the edge of feasibility");
        // Inputs with too little weight are feasible for none.
        packed[0] = 1e-3;
        assert!(best_output(&passes, &variables, packed).is_none());
    }
}
