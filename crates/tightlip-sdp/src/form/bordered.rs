//! The output stays, and every *terminal* neuron is eliminated, one that no other neuron reads.
//!
//! Its coordinate stands on the diagonal only (`2λ_j`) and couples through `g_j = −λ_j(α_j+β_j) w_j − c_j` (`c_j` its
//! weights into the outputs). The Schur complement of one coordinate is
//!
//!   `−½ λ_j (β_j−α_j)² w_j w_jᵀ − ½ (α_j+β_j)(w_j c_jᵀ + c_j w_jᵀ) − ½ y_j c_j c_jᵀ`,   `y_j = 1/λ_j`,
//!
//! and `y_j ≥ 1/λ_j` is the second-order cone `y + λ ≥ ‖(y − λ, 2)‖`. Objective `½(weight_in + weight_out) = L`.
//! For a chain the order drops by the last hidden layer and gains the outputs; the work of an interior-point method
//! that stores the cone densely falls with the sixth power.

use super::{add_neuron, add_outer, add_signs, add_weights, input_cost, output_cost};
use crate::conic::Cone;
use crate::layout::Assembly;
use crate::pencil::{NeuronTerm, Pencil};

/// Fills the program; returns the multipliers that have an inverse as a further variable, in order, and the objective.
pub(super) fn assemble(assembly: &mut Assembly, pencil: &Pencil) -> (Vec<usize>, Vec<f64>) {
    let eliminated = terminal(pencil);
    add_weights(assembly, pencil, pencil.variables().len());
    let mut inverses = Inverses::new(pencil);
    let mut feeds: Vec<Vec<(usize, f64)>> = vec![Vec::new(); pencil.order()];
    for coupling in pencil.couplings() {
        feeds[coupling.source].push((coupling.output, coupling.weight));
    }
    for term in pencil.neurons() {
        if eliminated[term.coordinate] {
            let inverse = inverses.of(term.variable);
            add_eliminated(assembly, term, inverse, &feeds[term.coordinate]);
        } else {
            add_neuron(assembly, term);
        }
    }
    for coupling in pencil.couplings().iter().filter(|coupling| !eliminated[coupling.source]) {
        assembly.add_constant((coupling.output, coupling.source), -coupling.weight);
    }
    add_signs(assembly, pencil);
    inverses.add_cones(assembly);
    let mut objective: Vec<f64> = pencil.variables().iter().map(|&v| 0.5 * (input_cost(v) + output_cost(v))).collect();
    objective.resize(objective.len() + inverses.multipliers.len(), 0.0);
    (inverses.multipliers, objective)
}

/// The extra variables `y = 1/λ` of eliminated neurons, one for each multiplier that has any.
struct Inverses {
    of_variable: Vec<Option<usize>>,
    /// The multipliers that have one, in the order of their inverses.
    multipliers: Vec<usize>,
}

impl Inverses {
    /// None yet.
    fn new(pencil: &Pencil) -> Self {
        Self { of_variable: vec![None; pencil.variables().len()], multipliers: Vec::new() }
    }

    /// The inverse of a multiplier.
    fn of(&mut self, variable: usize) -> usize {
        let first = self.of_variable.len();
        *self.of_variable[variable].get_or_insert_with(|| {
            self.multipliers.push(variable);
            first + self.multipliers.len() - 1
        })
    }

    /// `y + λ ≥ ‖(y − λ, 2)‖` for each, which is `y λ ≥ 1`.
    fn add_cones(&self, assembly: &mut Assembly) {
        for (at, &multiplier) in self.multipliers.iter().enumerate() {
            let inverse = self.of_variable.len() + at;
            let first = assembly.cone(Cone::SecondOrder(3));
            assembly.add_row(first, inverse, 1.0);
            assembly.add_row(first, multiplier, 1.0);
            assembly.add_row(first + 1, inverse, 1.0);
            assembly.add_row(first + 1, multiplier, -1.0);
            assembly.add_row_constant(first + 2, 2.0);
        }
    }
}

/// Which coordinates are neurons that no other neuron reads.
pub(crate) fn terminal(pencil: &Pencil) -> Vec<bool> {
    let mut terminal = vec![false; pencil.order()];
    for term in pencil.neurons() {
        terminal[term.coordinate] = true;
    }
    for term in pencil.neurons() {
        for &(source, _) in &term.incoming {
            terminal[source] = false;
        }
    }
    terminal
}

/// The Schur complement of one eliminated neuron; see the module's formula.
fn add_eliminated(assembly: &mut Assembly, term: &NeuronTerm, inverse: usize, couplings: &[(usize, f64)]) {
    let (alpha, beta) = (term.slope.lower(), term.slope.upper());
    let width = beta - alpha;
    if width != 0.0 {
        add_outer(&term.incoming, &mut |i, j, product| {
            assembly.add((i, j), term.variable, -0.5 * width * width * product);
        });
    }
    add_outer(couplings, &mut |i, j, product| assembly.add((i, j), inverse, -0.5 * product));
    if alpha + beta != 0.0 {
        for &(i, w) in &term.incoming {
            for &(j, c) in couplings {
                // Inputs and outputs of a terminal neuron are different coordinates, so each pair stands once.
                assembly.add_constant((i, j), -0.5 * (alpha + beta) * w * c);
            }
        }
    }
}
