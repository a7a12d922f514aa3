//! Conic programs with one semidefinite cone for a pencil.
//!
//! [`Form::Full`] is LipSDP as published, for the ℓ2 output norm: the output block is eliminated with `q = 1`,
//!
//!   minimise `t` subject to `F_rest(t, λ) − Σ_o c_o c_oᵀ ⪰ 0`,   `L = √t`, order `n_0 + N`.
//!
//! [`Form::Bordered`] keeps the output and eliminates every *terminal* neuron instead, one that no other neuron reads:
//! its coordinate stands on the diagonal only (`2λ_j`) and couples through `g_j = −λ_j(α_j+β_j) w_j − c_j` (`c_j` its
//! weights into the outputs). The Schur complement of one coordinate is
//!
//!   `−½ λ_j (β_j−α_j)² w_j w_jᵀ − ½ (α_j+β_j)(w_j c_jᵀ + c_j w_jᵀ) − ½ y_j c_j c_jᵀ`,   `y_j = 1/λ_j`,
//!
//! and `y_j ≥ 1/λ_j` is the second-order cone `y + λ ≥ ‖(y − λ, 2)‖`. Objective `½(weight_in + weight_out) = L`.
//! For a chain the order drops by the last hidden layer and gains the outputs; the work of an interior-point method
//! that stores the cone densely falls with the sixth power.

use serde::{Deserialize, Serialize};
use tightlip_model::Multipliers;

use crate::conic::{Cone, ConicBuilder, ConicForm};
use crate::pencil::{NeuronTerm, Pencil, Variable};

/// How a pencil becomes a conic program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// LipSDP as published: the output eliminated. Only for the uniform (ℓ2) output weight.
    Full,
    /// Terminal neurons eliminated.
    Bordered,
}

/// A conic program together with the way back to the variables of its pencil.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The program.
    pub program: ConicForm,
    /// Order of its semidefinite cone.
    pub order: usize,
    /// Whether the objective is `L²` instead of `L`.
    squared: bool,
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
        if self.squared {
            // The eliminated output weight was 1.
            values.push(1.0);
        }
        self.pencil.multipliers(&values)
    }

    /// Number of pencil variables; they come first among the program's.
    pub fn pencil_variables(&self) -> usize {
        self.pencil_variables
    }

    /// Whether the objective is `L²` instead of `L`.
    pub fn is_squared(&self) -> bool {
        self.squared
    }

    /// The Lipschitz constant that an objective value stands for.
    pub fn constant(&self, objective: f64) -> f64 {
        if self.squared { objective.max(0.0).sqrt() } else { objective }
    }
}

/// Assembles the conic program of `pencil` in the given form.
///
/// # Panics
/// If [`Form::Full`] is asked for a pencil with one output weight per coordinate.
pub fn assemble(pencil: &Pencil, form: Form) -> Assembled {
    match form {
        Form::Full => full(pencil),
        Form::Bordered => bordered(pencil),
    }
}

/// LipSDP as published.
fn full(pencil: &Pencil) -> Assembled {
    let variables = pencil.variables().len() - 1;
    assert!(pencil.variables().last() == Some(&Variable::OutputUniform), "the full form is for the ℓ2 output norm");
    let order = pencil.order() - pencil.output_coordinates().len();
    let mut builder = ConicBuilder::new();
    let cone = builder.cone(Cone::PositiveSemidefinite(order));
    for variable in 0..variables {
        for i in pencil.weight_coordinates(variable) {
            builder.add_symmetric(cone, (i, i), variable, 1.0);
        }
    }
    let place: Vec<Option<usize>> = (0..pencil.order()).map(|i| (i < order).then_some(i)).collect();
    for term in pencil.neurons() {
        add_neuron(&mut builder, cone, term, &place);
    }
    for output in pencil.output_coordinates() {
        let row: Vec<(usize, f64)> =
            pencil.couplings().iter().filter(|c| c.output == output).map(|c| (c.source, c.weight)).collect();
        add_outer(&row, &mut |i, j, product| builder.add_symmetric_constant(cone, (i, j), -product));
    }
    add_signs(&mut builder, pencil);
    let objective = (0..variables).map(|v| input_cost(pencil.variables()[v])).collect();
    Assembled {
        program: builder.finish(objective),
        order,
        squared: true,
        pencil_variables: variables,
        pencil: pencil.clone(),
    }
}

/// Terminal neurons eliminated.
fn bordered(pencil: &Pencil) -> Assembled {
    let eliminated = terminal(pencil);
    let mut place = vec![None; pencil.order()];
    let mut order = 0;
    for (slot, _) in place.iter_mut().zip(&eliminated).filter(|(_, gone)| !**gone) {
        *slot = Some(order);
        order += 1;
    }
    let mut builder = ConicBuilder::new();
    let cone = builder.cone(Cone::PositiveSemidefinite(order));
    for variable in 0..pencil.variables().len() {
        for i in pencil.weight_coordinates(variable) {
            let at = place[i].expect("weights stand on inputs and outputs, which stay");
            builder.add_symmetric(cone, (at, at), variable, 1.0);
        }
    }
    let mut inverses = Inverses::new(pencil);
    for term in pencil.neurons() {
        if eliminated[term.coordinate] {
            let inverse = inverses.of(term.variable);
            add_eliminated(&mut builder, cone, (term, inverse), (pencil, &place));
        } else {
            add_neuron(&mut builder, cone, term, &place);
        }
    }
    for coupling in pencil.couplings() {
        if let (Some(i), Some(j)) = (place[coupling.output], place[coupling.source]) {
            builder.add_symmetric_constant(cone, (i, j), -coupling.weight);
        }
    }
    add_signs(&mut builder, pencil);
    inverses.add_cones(&mut builder);
    let mut objective: Vec<f64> = pencil.variables().iter().map(|&v| 0.5 * (input_cost(v) + output_cost(v))).collect();
    objective.resize(inverses.next, 0.0);
    Assembled {
        program: builder.finish(objective),
        order,
        squared: false,
        pencil_variables: pencil.variables().len(),
        pencil: pencil.clone(),
    }
}

/// The extra variables `y = 1/λ` of eliminated neurons, one for each multiplier that has any.
struct Inverses {
    of_variable: Vec<Option<usize>>,
    next: usize,
}

impl Inverses {
    /// None yet.
    fn new(pencil: &Pencil) -> Self {
        let variables = pencil.variables().len();
        Self { of_variable: vec![None; variables], next: variables }
    }

    /// The inverse of a multiplier.
    fn of(&mut self, variable: usize) -> usize {
        *self.of_variable[variable].get_or_insert_with(|| {
            self.next += 1;
            self.next - 1
        })
    }

    /// `y + λ ≥ ‖(y − λ, 2)‖` for each, which is `y λ ≥ 1`.
    fn add_cones(&self, builder: &mut ConicBuilder) {
        for (multiplier, inverse) in self.of_variable.iter().enumerate() {
            if let Some(inverse) = *inverse {
                let first = builder.cone(Cone::SecondOrder(3));
                builder.add(first, inverse, 1.0);
                builder.add(first, multiplier, 1.0);
                builder.add(first + 1, inverse, 1.0);
                builder.add(first + 1, multiplier, -1.0);
                builder.add_constant(first + 2, 2.0);
            }
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

/// `λ (2 e eᵀ − (α+β)(e wᵀ + w eᵀ) + 2αβ w wᵀ)` in the semidefinite cone.
fn add_neuron(builder: &mut ConicBuilder, cone: usize, term: &NeuronTerm, place: &[Option<usize>]) {
    let (alpha, beta) = (term.slope.lower(), term.slope.upper());
    let at = |i: usize| place[i].expect("signals that a neuron reads stay");
    let own = at(term.coordinate);
    builder.add_symmetric(cone, (own, own), term.variable, 2.0);
    for &(source, weight) in &term.incoming {
        builder.add_symmetric(cone, (own, at(source)), term.variable, -(alpha + beta) * weight);
    }
    if alpha * beta != 0.0 {
        add_outer(&term.incoming, &mut |i, j, product| {
            builder.add_symmetric(cone, (at(i), at(j)), term.variable, 2.0 * alpha * beta * product);
        });
    }
}

/// The Schur complement of one eliminated neuron; see the module's formula.
fn add_eliminated(
    builder: &mut ConicBuilder,
    cone: usize,
    (term, inverse): (&NeuronTerm, usize),
    (pencil, place): (&Pencil, &[Option<usize>]),
) {
    let (alpha, beta) = (term.slope.lower(), term.slope.upper());
    let at = |i: usize| place[i].expect("signals that a terminal neuron touches stay");
    let couplings: Vec<(usize, f64)> =
        pencil.couplings().iter().filter(|c| c.source == term.coordinate).map(|c| (c.output, c.weight)).collect();
    let width = beta - alpha;
    add_outer(&term.incoming, &mut |i, j, product| {
        builder.add_symmetric(cone, (at(i), at(j)), term.variable, -0.5 * width * width * product);
    });
    add_outer(&couplings, &mut |i, j, product| {
        builder.add_symmetric(cone, (at(i), at(j)), inverse, -0.5 * product);
    });
    for &(i, w) in &term.incoming {
        for &(j, c) in &couplings {
            // Inputs and outputs of a terminal neuron are different coordinates, so each pair stands once.
            builder.add_symmetric_constant(cone, (at(i), at(j)), -0.5 * (alpha + beta) * w * c);
        }
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
fn add_signs(builder: &mut ConicBuilder, pencil: &Pencil) {
    let mut needed: Vec<usize> = pencil.neurons().iter().map(|term| term.variable).collect();
    needed.dedup();
    if pencil.neurons().iter().any(|term| term.slope.lower() * term.slope.upper() > 0.0) {
        let first = builder.cone(Cone::Nonnegative(needed.len()));
        for (row, variable) in needed.into_iter().enumerate() {
            builder.add(first + row, variable, 1.0);
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
                let assembled = assemble(&pencil, Form::Bordered);
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
            let assembled = assemble(&pencil, Form::Full);
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
