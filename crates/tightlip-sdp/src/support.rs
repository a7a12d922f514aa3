//! The pattern of the semidefinite cone of each form, from the pencil alone.
//!
//! A neuron with slopes `[α, β]` couples with what it reads unless `α + β = 0`, and couples what it reads unless `αβ = 0`. The
//! output, eliminated in the form as published, couples everything it reads; a neuron that is eliminated in the bordered
//! form couples what it reads, what it feeds, and both with each other (`form/bordered.rs` has the formulas).
//!
//! ℓ2 inputs and outputs may be rotated, and the reduction does, so that a triangle of the weights around them is zero by the choice
//! of a basis. Such zeros count as nonzero here: a chain of layers has neighbouring pairs of blocks as its cliques, whatever the
//! basis, and finding them takes no time.

use std::collections::HashSet;
use std::ops::Range;

use crate::cliques::Pattern;
use crate::form::{Form, terminal};
use crate::pencil::{NeuronTerm, Pencil, Variable};
use crate::triangle;

/// Which coordinates of a pencil a form keeps, and which pairs of them may be nonzero.
#[derive(Debug, Clone)]
pub struct Support {
    /// The pencil's coordinate of each row of the cone.
    pub coordinates: Vec<usize>,
    /// The pattern of the cone.
    pub pattern: Pattern,
    /// Variables of the program.
    pub variables: usize,
    /// Rows of the program beside the semidefinite cone: second-order cones of eliminated multipliers, signs.
    pub other_rows: usize,
}

impl Support {
    /// The support of `pencil` in a form.
    pub fn new(pencil: &Pencil, form: Form) -> Self {
        let gone: Vec<bool> = match form {
            Form::Full => (0..pencil.order()).map(|i| pencil.output_coordinates().contains(&i)).collect(),
            Form::Bordered => terminal(pencil),
        };
        let coordinates: Vec<usize> = (0..pencil.order()).filter(|&i| !gone[i]).collect();
        let whole = Rotated::of(pencil);
        let mut pairs = Pairs { row_of: vec![None; pencil.order()], found: Vec::new(), seen: HashSet::new() };
        coordinates.iter().enumerate().for_each(|(row, &i)| pairs.row_of[i] = Some(row));
        let mut feeds = vec![Vec::new(); pencil.order()];
        let mut reads = vec![Vec::new(); pencil.order()];
        for coupling in pencil.couplings() {
            feeds[coupling.source].push(coupling.output);
            reads[coupling.output].push(coupling.source);
        }
        whole.complete(&mut feeds, &mut reads);
        let mut inverses = HashSet::new();
        for term in pencil.neurons() {
            if gone[term.coordinate] {
                inverses.insert(term.variable);
                pairs.eliminated(term, &whole.sources(term), &feeds[term.coordinate]);
            } else {
                pairs.kept(term, &whole.sources(term));
            }
        }
        for output in pencil.output_coordinates() {
            if gone[output] {
                pairs.all(&reads[output]);
            } else {
                pairs.each(output, &reads[output]);
            }
        }
        let multipliers: HashSet<usize> = pencil.neurons().iter().map(|term| term.variable).collect();
        let signed = pencil.neurons().iter().any(|term| term.slope.lower() * term.slope.upper() > 0.0);
        Self {
            pattern: Pattern::new(coordinates.len(), pairs.found),
            coordinates,
            // The form as published has no weight of the output.
            variables: pencil.variables().len() + inverses.len() - usize::from(form == Form::Full),
            other_rows: 3 * inverses.len() + if signed { multipliers.len() } else { 0 },
        }
    }
}

impl Support {
    /// About how many coefficients the program of a form has, separators not counted: known without writing them.
    pub fn entries(pencil: &Pencil, form: Form) -> u64 {
        let pairs = |n: u64| triangle::length(n as usize) as u64;
        let gone = terminal(pencil);
        let mut feeds = vec![0_u64; pencil.order()];
        let mut reads = vec![0_u64; pencil.order()];
        for coupling in pencil.couplings() {
            feeds[coupling.source] += 1;
            reads[coupling.output] += 1;
        }
        let mut entries = pencil.order() as u64;
        for term in pencil.neurons() {
            let (sources, own) = (term.incoming.len() as u64, feeds[term.coordinate]);
            entries += if form == Form::Bordered && gone[term.coordinate] {
                pairs(sources) + pairs(own) + sources * own
            } else if term.slope.lower() * term.slope.upper() != 0.0 {
                1 + sources + pairs(sources)
            } else {
                1 + sources
            };
        }
        match form {
            Form::Full => entries + reads.iter().map(|&count| pairs(count)).sum::<u64>(),
            Form::Bordered => entries + reads.iter().sum::<u64>(),
        }
    }
}

/// ℓ2 inputs and outputs, whose basis is arbitrary: who reads one reads all, who feeds one feeds all.
struct Rotated {
    inputs: Range<usize>,
    outputs: Range<usize>,
}

impl Rotated {
    fn of(pencil: &Pencil) -> Self {
        let uniform = |variable: Option<&Variable>, kind: Variable, block: Range<usize>| {
            if variable == Some(&kind) { block } else { 0..0 }
        };
        let variables = pencil.variables();
        Self {
            inputs: uniform(variables.first(), Variable::InputUniform, pencil.blocks()[0].clone()),
            outputs: uniform(variables.last(), Variable::OutputUniform, pencil.output_coordinates()),
        }
    }

    /// What a neuron reads.
    fn sources(&self, term: &NeuronTerm) -> Vec<usize> {
        let mut sources: Vec<usize> = term.incoming.iter().map(|&(source, _)| source).collect();
        complete_list(&mut sources, &self.inputs);
        sources
    }

    /// Completes what signals feed and outputs read.
    fn complete(&self, feeds: &mut [Vec<usize>], reads: &mut [Vec<usize>]) {
        for list in feeds.iter_mut() {
            complete_list(list, &self.outputs);
        }
        let mut all: Vec<usize> = self.outputs.clone().flat_map(|output| reads[output].iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        complete_list(&mut all, &self.inputs);
        for output in self.outputs.clone() {
            reads[output].clone_from(&all);
        }
    }
}

/// The whole range where a list has one of it.
fn complete_list(list: &mut Vec<usize>, range: &Range<usize>) {
    if list.iter().any(|i| range.contains(i)) {
        list.retain(|i| !range.contains(i));
        list.extend(range.clone());
    }
}

/// Collects pairs of rows; layers of neurons that read the same signals say so once.
struct Pairs {
    row_of: Vec<Option<usize>>,
    found: Vec<(usize, usize)>,
    seen: HashSet<Vec<usize>>,
}

impl Pairs {
    /// The term of a neuron that stays.
    fn kept(&mut self, term: &NeuronTerm, sources: &[usize]) {
        let (alpha, beta) = (term.slope.lower(), term.slope.upper());
        if alpha + beta != 0.0 {
            self.each(term.coordinate, sources);
        }
        if alpha * beta != 0.0 {
            self.all(sources);
        }
    }

    /// The Schur complement of a neuron that is eliminated.
    fn eliminated(&mut self, term: &NeuronTerm, sources: &[usize], feeds: &[usize]) {
        let (alpha, beta) = (term.slope.lower(), term.slope.upper());
        if beta > alpha {
            self.all(sources);
        }
        self.all(feeds);
        if alpha + beta != 0.0 {
            let mut around = sources.to_vec();
            around.push(usize::MAX);
            around.extend(feeds);
            if self.seen.insert(around) {
                for &output in feeds {
                    self.each(output, sources);
                }
            }
        }
    }

    /// One coordinate with each of the others.
    fn each(&mut self, one: usize, others: &[usize]) {
        let Some(row) = self.row_of[one] else { return };
        self.found.extend(others.iter().filter_map(|&other| Some((row, self.row_of[other]?))));
    }

    /// Each with each.
    fn all(&mut self, coordinates: &[usize]) {
        if !self.seen.insert(coordinates.to_vec()) {
            return;
        }
        for (at, &one) in coordinates.iter().enumerate() {
            self.each(one, &coordinates[at + 1..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tightlip_model::{Activation, IncrementSystem, Norm, OutputSelection, Query, random_network};

    use crate::conic::Cone;
    use crate::form::{Assembled, Decomposition, assemble};
    use crate::pencil::Tying;
    use crate::triangle;

    /// The pattern of the cone as the assembled program has it.
    fn pattern_of(assembled: &Assembled) -> Pattern {
        let program = &assembled.program;
        let mut nonzero: Vec<bool> = program.offset.iter().map(|&value| value != 0.0).collect();
        program.constraints.iter().filter(|(value, _)| **value != 0.0).for_each(|(_, (row, _))| nonzero[row] = true);
        let order = assembled.order;
        assert_eq!(program.cones[0], Cone::PositiveSemidefinite(order));
        let pairs = (0..order).flat_map(|i| (i..order).map(move |j| (i, j)));
        Pattern::new(order, pairs.filter(|&(i, j)| nonzero[triangle::place(i, j, 1.0).0]))
    }

    #[test]
    fn the_support_is_where_the_assembled_program_has_entries() {
        let query = Query::euclidean(OutputSelection::All);
        let separable = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..query };
        let slopes = [0.3, -0.5, -1.0].map(|slope| Activation::LeakyRelu { slope });
        for activation in slopes.into_iter().chain([Activation::Relu]) {
            for dims in [&[3, 4, 2][..], &[3, 4, 5, 2], &[2, 3, 3, 3, 3, 2]] {
                let network = random_network(dims, activation, 5).expect("valid");
                let system = IncrementSystem::of_network(&network, query.output).expect("valid");
                for (form, query) in [(Form::Full, &query), (Form::Bordered, &query), (Form::Bordered, &separable)] {
                    let pencil = Pencil::new(&system, query, Tying::Neuron);
                    let support = Support::new(&pencil, form);
                    let assembled = assemble(&pencil, form, Decomposition::Whole);
                    assert_eq!(support.pattern, pattern_of(&assembled), "{activation} {dims:?} {form:?}");
                    let order = assembled.order;
                    let rows = order * (order + 1) / 2 + support.other_rows;
                    let program = &assembled.program;
                    assert_eq!((support.variables, rows), (program.variables(), program.rows()));
                    assert_eq!(support.coordinates.len(), support.pattern.order());
                    let coefficients = program.constraints.nnz() + program.offset.len();
                    assert!(Support::entries(&pencil, form) as usize <= 2 * coefficients);
                    assert!(Support::entries(&pencil, form) as usize >= program.constraints.nnz() / 2);
                }
            }
        }
    }
}
