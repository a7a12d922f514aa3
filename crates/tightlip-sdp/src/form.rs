//! Conic programs of a pencil.
//!
//! A *form* says which coordinates are eliminated before the semidefinite constraint is written (`full.rs`, `bordered.rs`),
//! a *decomposition* whether that constraint is one cone or one for each clique of its sparsity pattern (`layout.rs`).

use serde::{Deserialize, Serialize};
use tightlip_model::Multipliers;

use crate::cliques::{CliqueTree, Merging};
use crate::conic::{Cone, ConicForm};
use crate::layout::Assembly;
use crate::pencil::{NeuronTerm, Pencil, Variable};
use crate::support::Support;

pub use banded::{Banded, assemble_banded};
pub(crate) use bordered::terminal;
pub use penalised::assemble_penalised;

mod banded;
mod bordered;
mod full;
mod penalised;

/// How a pencil becomes a conic program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// LipSDP as published: the output eliminated. Only for the uniform (ℓ2) output weight.
    Full,
    /// Terminal neurons eliminated.
    Bordered,
}

/// How the semidefinite constraint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decomposition {
    /// One cone.
    Whole,
    /// One cone for each clique of a chordal extension, with free variables on the separators.
    Cliques(Merging),
}

impl Decomposition {
    /// The cliques of a support; none if the constraint stays whole.
    pub fn tree(self, support: &Support) -> Option<CliqueTree> {
        match self {
            Self::Whole => None,
            Self::Cliques(merging) => Some(CliqueTree::new(&support.pattern, merging)),
        }
    }
}

/// What the objective of a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// The Lipschitz constant `L`.
    Constant,
    /// `L²`.
    Square,
}

impl Objective {
    /// The Lipschitz constant that a value stands for.
    pub fn constant(self, value: f64) -> f64 {
        match self {
            Self::Constant => value,
            // A tiny negative square is rounding of 0; NaN stays NaN.
            Self::Square if value <= 0.0 => 0.0,
            Self::Square => value.sqrt(),
        }
    }
}

/// What a variable of a conic program stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramVariable {
    /// A variable of the pencil.
    Pencil(Variable),
    /// `y ≥ 1/λ` for the multiplier of eliminated neurons.
    Inverse(Variable),
    /// The entry at these rows of the free symmetric matrix between a clique and its parent.
    Separator {
        /// The clique, in the order of its tree.
        clique: usize,
        /// Row of the matrix before decomposition.
        row: usize,
        /// Column.
        column: usize,
    },
}

/// A conic program together with the way back to the variables of its pencil.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The program.
    pub program: ConicForm,
    /// Order of the semidefinite constraint.
    pub order: usize,
    /// The cliques it is decomposed into, if it is.
    pub tree: Option<CliqueTree>,
    /// What each variable of the program stands for.
    pub variables: Vec<ProgramVariable>,
    /// What its objective is.
    pub objective: Objective,
    /// Number of pencil variables; they come first among the program's.
    pencil_variables: usize,
    pencil: Pencil,
}

impl Assembled {
    /// The multipliers in a solution vector of the program.
    ///
    /// # Panics
    /// If the vector does not have one entry for each variable of the program.
    pub fn multipliers(&self, solution: &[f64]) -> Multipliers {
        assert_eq!(solution.len(), self.program.variables(), "one value for each variable");
        let mut values = solution[..self.pencil_variables].to_vec();
        if self.objective == Objective::Square {
            // The eliminated output weight was 1.
            values.push(1.0);
        }
        self.pencil.multipliers(&values)
    }

    /// The Lipschitz constant that an objective value stands for.
    pub fn constant(&self, objective: f64) -> f64 {
        self.objective.constant(objective)
    }
}

/// Assembles the conic program of `pencil` in the given form.
///
/// # Panics
/// If [`Form::Full`] is asked for a pencil with one output weight per coordinate.
pub fn assemble(pencil: &Pencil, form: Form, decomposition: Decomposition) -> Assembled {
    let support = Support::new(pencil, form);
    let tree = decomposition.tree(&support);
    assemble_in(pencil, form, &support, tree)
}

/// The same with a support and a tree that are known already; one cone without a tree.
///
/// # Panics
/// As [`assemble`], and if support and tree are not of this pencil and form.
pub fn assemble_in(pencil: &Pencil, form: Form, support: &Support, tree: Option<CliqueTree>) -> Assembled {
    let mut assembly = Assembly::new(pencil.order(), &support.coordinates, tree.as_ref());
    // The form as published has no weight of the output.
    let pencil_variables = pencil.variables().len() - usize::from(form == Form::Full);
    let (kind, inverses, objective) = match form {
        Form::Full => (Objective::Square, Vec::new(), full::assemble(&mut assembly, pencil)),
        Form::Bordered => {
            let (inverses, objective) = bordered::assemble(&mut assembly, pencil);
            (Objective::Constant, inverses, objective)
        }
    };
    let named = |&variable: &usize| pencil.variables()[variable];
    let mut variables: Vec<ProgramVariable> =
        pencil.variables()[..pencil_variables].iter().copied().map(ProgramVariable::Pencil).collect();
    variables.extend(inverses.iter().map(named).map(ProgramVariable::Inverse));
    let separators = assembly.add_separators(variables.len());
    variables.extend(separators.into_iter().map(|(clique, row, column)| ProgramVariable::Separator {
        clique,
        row,
        column,
    }));
    Assembled {
        program: assembly.finish(objective, variables.len()),
        order: support.coordinates.len(),
        tree,
        variables,
        objective: kind,
        pencil_variables,
        pencil: pencil.clone(),
    }
}

/// The weight variables on the diagonal.
fn add_weights(assembly: &mut Assembly, pencil: &Pencil, variables: usize) {
    for variable in 0..variables {
        for i in pencil.weight_coordinates(variable) {
            assembly.add((i, i), variable, 1.0);
        }
    }
}

/// `λ (2 e eᵀ − (α+β)(e wᵀ + w eᵀ) + 2αβ w wᵀ)` in the semidefinite constraint.
fn add_neuron(assembly: &mut Assembly, term: &NeuronTerm) {
    let (alpha, beta) = (term.slope.lower(), term.slope.upper());
    let own = term.coordinate;
    assembly.add((own, own), term.variable, 2.0);
    if alpha + beta != 0.0 {
        for &(source, weight) in &term.incoming {
            assembly.add((own, source), term.variable, -(alpha + beta) * weight);
        }
    }
    if alpha * beta != 0.0 {
        add_outer(&term.incoming, &mut |i, j, product| {
            assembly.add((i, j), term.variable, 2.0 * alpha * beta * product);
        });
    }
}

/// Shows `visit` each pair of places of `x xᵀ` once.
fn add_outer(x: &[(usize, f64)], visit: &mut dyn FnMut(usize, usize, f64)) {
    for (at, &(i, a)) in x.iter().enumerate() {
        for &(j, b) in &x[at..] {
            visit(i, j, a * b);
        }
    }
}

/// `λ ≥ 0` where the cone does not imply it: with `αβ > 0` the diagonal of a neuron has other positive parts.
fn add_signs(assembly: &mut Assembly, pencil: &Pencil) {
    let mut needed: Vec<usize> = pencil.neurons().iter().map(|term| term.variable).collect();
    needed.dedup();
    if pencil.neurons().iter().any(|term| term.slope.lower() * term.slope.upper() > 0.0) {
        let first = assembly.cone(Cone::Nonnegative(needed.len()));
        for (row, variable) in needed.into_iter().enumerate() {
            assembly.add_row(first + row, variable, 1.0);
        }
    }
}

/// Cost of a variable in the weight of the input.
fn input_cost(variable: Variable) -> f64 {
    match variable {
        Variable::InputUniform | Variable::Input(_) => 1.0,
        Variable::Neuron { .. } | Variable::Layer { .. } | Variable::OutputUniform | Variable::Output(_) => 0.0,
    }
}

/// Cost of a variable in the weight of the output.
fn output_cost(variable: Variable) -> f64 {
    match variable {
        Variable::OutputUniform | Variable::Output(_) => 1.0,
        Variable::Neuron { .. } | Variable::Layer { .. } | Variable::InputUniform | Variable::Input(_) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;
    use faer::prelude::Solve;
    use tightlip_model::{Activation, IncrementSystem, Norm, OutputSelection, Query, random_network};

    use crate::pencil::Tying;

    fn pencil(activation: Activation, tying: Tying, query: &Query) -> Pencil {
        let network = random_network(&[3, 4, 5, 2], activation, 11).expect("valid");
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        Pencil::new(&system, query, tying)
    }

    /// The expression `b − A x` of the program.
    fn expression(program: &ConicForm, x: &[f64]) -> Vec<f64> {
        let mut rows = program.offset.clone();
        for (&value, (row, variable)) in &program.constraints {
            rows[row] -= value * x[variable];
        }
        rows
    }

    /// The symmetric matrix whose scaled upper triangle begins the expression.
    fn matrix(rows: &[f64], order: usize) -> Mat<f64> {
        Mat::from_fn(order, order, |i, j| {
            let (place, scale) = crate::triangle::place(i, j, 1.0);
            rows[place] / scale
        })
    }

    /// `F_kk − F_ke F_ee^{−1} F_ek` for the coordinates to keep and to eliminate.
    fn schur(f: &Mat<f64>, keep: &[usize], gone: &[usize]) -> Mat<f64> {
        let part = |rows: &[usize], cols: &[usize]| Mat::from_fn(rows.len(), cols.len(), |i, j| f[(rows[i], cols[j])]);
        part(keep, keep) - part(keep, gone) * part(gone, gone).partial_piv_lu().solve(part(gone, keep))
    }

    fn values(pencil: &Pencil) -> Vec<f64> {
        (0..pencil.variables().len()).map(|v| 0.3 + 0.1 * v as f64).collect()
    }

    #[test]
    fn the_bordered_form_is_the_schur_complement_of_the_pencil() {
        let query = Query::euclidean(OutputSelection::All);
        let separable = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..query };
        for activation in
            [Activation::Relu, Activation::LeakyRelu { slope: 0.3 }, Activation::LeakyRelu { slope: -0.5 }]
        {
            for (tying, query) in [(Tying::Neuron, &query), (Tying::Layer, &query), (Tying::Neuron, &separable)] {
                let pencil = pencil(activation, tying, query);
                let y = values(&pencil);
                let assembled = assemble(&pencil, Form::Bordered, Decomposition::Whole);
                let gone: Vec<usize> = pencil.blocks()[2].clone().collect();
                let keep: Vec<usize> = (0..pencil.order()).filter(|i| !gone.contains(i)).collect();
                assert_eq!(assembled.order, keep.len());
                let mut x = y.clone();
                let mut inverses: Vec<usize> =
                    pencil.neurons().iter().rev().take(5).map(|term| term.variable).collect();
                inverses.reverse();
                inverses.dedup();
                x.extend(inverses.iter().map(|&v| y[v].recip()));
                let rows = expression(&assembled.program, &x);
                let difference = matrix(&rows, assembled.order) - schur(&pencil.matrix(&y), &keep, &gone);
                assert!(difference.norm_max() < 1e-13, "{activation} {tying:?}: off by {}", difference.norm_max());
                // With y = 1/λ the second-order cones are at their boundary.
                let cone = &rows[rows.len() - 3..];
                assert!((cone[0] - cone[1].hypot(cone[2])).abs() < 1e-14);
                let objective: f64 = assembled.program.objective.iter().zip(&x).map(|(c, x)| c * x).sum();
                let multipliers = assembled.multipliers(&x);
                let weights = 0.5 * (multipliers.input.total() + multipliers.output.total());
                assert!((objective - weights).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn the_full_form_is_lipsdp_with_the_output_eliminated() {
        let query = Query::euclidean(OutputSelection::Difference(0, 1));
        for activation in [Activation::Relu, Activation::LeakyRelu { slope: 0.3 }] {
            let pencil = pencil(activation, Tying::Neuron, &query);
            let mut y = values(&pencil);
            let last = y.len() - 1;
            y[last] = 1.0;
            let assembled = assemble(&pencil, Form::Full, Decomposition::Whole);
            let gone: Vec<usize> = pencil.output_coordinates().collect();
            let keep: Vec<usize> = (0..gone[0]).collect();
            let rows = expression(&assembled.program, &y[..last]);
            let difference = matrix(&rows, assembled.order) - schur(&pencil.matrix(&y), &keep, &gone);
            assert!(difference.norm_max() < 1e-13, "{activation}: off by {}", difference.norm_max());
            let multipliers = assembled.multipliers(&y[..last]);
            assert_eq!(multipliers.output.total(), 1.0);
            assert_eq!(multipliers.hidden[1][4], y[last - 1]);
            assert_eq!(assembled.constant(4.0), 2.0);
        }
    }
}
