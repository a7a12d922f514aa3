//! LipDiff's exact penalty as a conic program (Wang et al. 2024): its minimum, for any weight of the penalty.
//!
//!   minimise `½ (κ_0 + ρ δ)` subject to `F(t, λ, q) + Diag(κ_h) + δ I ⪰ 0`,   `κ_0 = weight_in + q + bᵀκ_h ≥ 0`,   `t, λ, κ_h, δ ≥ 0`,
//!
//! where `q` is what is left of `κ_0` and may be negative. For `ρ` at least the trace of the optimal primal matrix the optimum is
//! LipSDP-Neuron; for smaller ones it falls below, and bounds nothing.

use super::{add_neuron, add_weights, input_cost};
use crate::conic::{Cone, ConicForm};
use crate::layout::Assembly;
use crate::pencil::{Pencil, Variable};

/// The program with the penalty's weight `rho` and redundant constraints `δ_j² ≤ b_j` of the neurons; none if `bounds` is empty.
///
/// # Panics
/// If the pencil has one output weight per coordinate or ties multipliers, or there are some bounds but not one for each neuron.
pub fn assemble_penalised(pencil: &Pencil, rho: f64, bounds: &[f64]) -> ConicForm {
    let variables = pencil.variables();
    let (surplus, output) = (variables.len() + bounds.len(), variables.len() - 1);
    assert!(variables[output] == Variable::OutputUniform, "published for the ℓ2 output norm");
    assert!(bounds.is_empty() || bounds.len() == pencil.neurons().len(), "one bound for each neuron");
    let kept: Vec<usize> = (0..pencil.order()).collect();
    let mut assembly = Assembly::new(pencil.order(), &kept, None);
    add_weights(&mut assembly, pencil, variables.len());
    for term in pencil.neurons() {
        add_neuron(&mut assembly, term);
    }
    for coupling in pencil.couplings() {
        assembly.add_constant((coupling.output, coupling.source), -coupling.weight);
    }
    for (j, term) in pencil.neurons().iter().take(bounds.len()).enumerate() {
        assembly.add((term.coordinate, term.coordinate), variables.len() + j, 1.0);
    }
    for coordinate in kept {
        assembly.add((coordinate, coordinate), surplus, 1.0);
    }
    // κ_0 with δ in the place of the last: first the costs, then the signs of all but q, and of κ_0.
    let mut objective: Vec<f64> = variables.iter().map(|&variable| input_cost(variable)).collect();
    objective[output] = 1.0;
    objective.extend(bounds);
    let first = assembly.cone(Cone::Nonnegative(surplus + 1));
    for (row, variable) in (0..=surplus).filter(|&variable| variable != output).enumerate() {
        assembly.add_row(first + row, variable, 1.0);
    }
    for (variable, &cost) in objective.iter().enumerate().filter(|(_, cost)| **cost != 0.0) {
        assembly.add_row(first + surplus, variable, cost);
    }
    objective.push(rho);
    let halves = objective.iter().map(|cost| 0.5 * cost).collect();
    assembly.finish(halves, surplus + 1)
}
