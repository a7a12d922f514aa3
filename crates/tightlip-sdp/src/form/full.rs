//! LipSDP as published (Fazlyab et al. 2019, Theorem 2), for the ℓ2 output norm: the output block is eliminated with `q = 1`,
//!
//!   minimise `t` subject to `F_rest(t, λ) − Σ_o c_o c_oᵀ ⪰ 0`,   `L = √t`, order `n_0 + N`.

use super::{add_neuron, add_outer, add_signs, add_weights, input_cost};
use crate::layout::Assembly;
use crate::pencil::{Pencil, Variable};

/// Fills the program; returns the objective.
pub(super) fn assemble(assembly: &mut Assembly, pencil: &Pencil) -> Vec<f64> {
    let variables = pencil.variables().len() - 1;
    assert!(pencil.variables().last() == Some(&Variable::OutputUniform), "the full form is for the ℓ2 output norm");
    add_weights(assembly, pencil, variables);
    for term in pencil.neurons() {
        add_neuron(assembly, term);
    }
    add_outputs(assembly, pencil);
    add_signs(assembly, pencil);
    pencil.variables()[..variables].iter().map(|&variable| input_cost(variable)).collect()
}

/// `−Σ_o c_o c_oᵀ`.
pub(super) fn add_outputs(assembly: &mut Assembly, pencil: &Pencil) {
    let outputs = pencil.output_coordinates();
    let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); outputs.len()];
    for coupling in pencil.couplings() {
        rows[coupling.output - outputs.start].push((coupling.source, coupling.weight));
    }
    for row in rows {
        add_outer(&row, &mut |i, j, product| assembly.add_constant((i, j), -product));
    }
}
