//! Where the entries of the semidefinite constraint stand: in one cone, or spread over cliques.
//!
//! With the cliques `C_k` of a chordal pattern and a clique tree, `Z ⪰ 0` iff `Z = Σ_k E_kᵀ Z_k E_k` with `Z_k ⪰ 0` (Agler et
//! al. 1988). All such sums are reached, each once, by
//!
//!   `Z_k = (entries of Z that clique k owns) + P_k on its separator − Σ_{children c} P_c on theirs`,
//!
//! with a free symmetric `P_k` for each edge of the tree and every entry owned by one clique, here the one nearest to the
//! root among those that hold it. No equality constraints are left (for a chain of layers: `sdp-systems` of this project's
//! documents, 2.4; Chordal-LipSDP, Xue et al. 2022, states it with one matrix for each clique and an equality for each entry).

use crate::cliques::{Clique, CliqueTree};
use crate::conic::{Cone, ConicBuilder, ConicForm};

/// A program in the making, addressed by the coordinates of the pencil.
#[derive(Debug)]
pub(crate) struct Assembly {
    builder: ConicBuilder,
    /// The row of the constraint for each coordinate; `None` for eliminated ones.
    row_of: Vec<Option<usize>>,
    cones: Vec<Part>,
    /// For each row the clique nearest to the root that holds it.
    top: Vec<usize>,
}

/// One cone of the constraint.
#[derive(Debug)]
struct Part {
    clique: Clique,
    /// First row of the program that it takes.
    first: usize,
}

impl Part {
    /// Place of a row of the constraint in this cone.
    fn local(&self, row: usize) -> Option<usize> {
        self.clique.members.binary_search(&row).ok()
    }
}

impl Assembly {
    /// A program whose constraint keeps these coordinates of `all`, in the cliques of a tree or in one cone.
    pub(crate) fn new(all: usize, kept: &[usize], tree: Option<&CliqueTree>) -> Self {
        let mut row_of = vec![None; all];
        kept.iter().enumerate().for_each(|(row, &coordinate)| row_of[coordinate] = Some(row));
        let whole = || vec![Clique { members: (0..kept.len()).collect(), parent: None, separator: Vec::new() }];
        let cliques = tree.map_or_else(whole, |tree| tree.cliques().to_vec());
        let mut top = vec![0; kept.len()];
        for (number, clique) in cliques.iter().enumerate() {
            for &row in clique.members.iter().filter(|row| clique.separator.binary_search(row).is_err()) {
                top[row] = number;
            }
        }
        let mut builder = ConicBuilder::new();
        let cones = cliques
            .into_iter()
            .map(|clique| {
                let first = builder.cone(Cone::PositiveSemidefinite(clique.members.len()));
                Part { clique, first }
            })
            .collect();
        Self { builder, row_of, cones, top }
    }

    /// Adds `value · x_variable` to the entries at two coordinates and its mirror.
    pub(crate) fn add(&mut self, place: (usize, usize), variable: usize, value: f64) {
        let (first, local) = self.owner(place);
        self.builder.add_symmetric(first, local, variable, value);
    }

    /// Adds a constant to the entries at two coordinates and its mirror.
    pub(crate) fn add_constant(&mut self, place: (usize, usize), value: f64) {
        let (first, local) = self.owner(place);
        self.builder.add_symmetric_constant(first, local, value);
    }

    /// Appends another cone; returns its first row.
    pub(crate) fn cone(&mut self, cone: Cone) -> usize {
        self.builder.cone(cone)
    }

    /// Adds `value · x_variable` to a row of another cone.
    pub(crate) fn add_row(&mut self, row: usize, variable: usize, value: f64) {
        self.builder.add(row, variable, value);
    }

    /// Adds a constant to a row of another cone.
    pub(crate) fn add_row_constant(&mut self, row: usize, value: f64) {
        self.builder.add_constant(row, value);
    }

    /// Adds the free matrices of the separators, with variables from `next` on: the clique, row and column of each.
    pub(crate) fn add_separators(&mut self, next: usize) -> Vec<(usize, usize, usize)> {
        let mut variables = Vec::new();
        for (number, child) in self.cones.iter().enumerate() {
            let Some(parent) = child.clique.parent.map(|parent| &self.cones[parent]) else { continue };
            let separator = &child.clique.separator;
            for (at, &column) in separator.iter().enumerate() {
                for &row in &separator[..=at] {
                    for (part, sign) in [(child, 1.0), (parent, -1.0)] {
                        let local = part.local(row).zip(part.local(column)).expect("both hold the separator");
                        self.builder.add_symmetric(part.first, local, next + variables.len(), sign);
                    }
                    variables.push((number, row, column));
                }
            }
        }
        variables
    }

    /// The finished program; variables beyond the objective's cost nothing.
    pub(crate) fn finish(self, mut objective: Vec<f64>, variables: usize) -> ConicForm {
        objective.resize(variables, 0.0);
        self.builder.finish(objective)
    }

    /// First row of the cone that owns an entry, and the entry's place in it.
    fn owner(&self, (i, j): (usize, usize)) -> (usize, (usize, usize)) {
        let row = |coordinate: usize| self.row_of[coordinate].expect("the form keeps what it writes to");
        let (i, j) = (row(i), row(j));
        // The cliques that hold both are a subtree, and its root is the root of one of the two subtrees it is cut from.
        let place = |part: &Part| Some((part.first, part.local(i).zip(part.local(j))?));
        let candidates = [self.top[i], self.top[j]];
        candidates.iter().find_map(|&top| place(&self.cones[top])).expect("a clique holds every entry of the pattern")
    }
}

#[cfg(test)]
mod tests {
    use faer::Mat;
    use tightlip_model::{
        Activation, Edge, IncrementSystem, LinearMap, Norm, OutputSelection, Query, SlopeInterval, random_network,
    };

    use super::*;
    use crate::cliques::Merging;
    use crate::form::{Assembled, Decomposition, Form, ProgramVariable, assemble};
    use crate::pencil::{Pencil, Tying};
    use crate::random_pattern::random_patterns;
    use crate::triangle;

    /// `Σ_k E_kᵀ Z_k E_k` of the expression `b − A x`, and the rows of the other cones.
    fn sum_of_cones(assembled: &Assembled, x: &[f64]) -> (Mat<f64>, Vec<f64>) {
        let program = &assembled.program;
        let mut rows = program.offset.clone();
        for (&value, (row, variable)) in &program.constraints {
            rows[row] -= value * x[variable];
        }
        let whole = vec![(0..assembled.order).collect::<Vec<_>>()];
        let members = assembled
            .tree
            .as_ref()
            .map_or(whole, |tree| tree.cliques().iter().map(|clique| clique.members.clone()).collect());
        let mut sum = Mat::zeros(assembled.order, assembled.order);
        let mut first = 0;
        for clique in members {
            for (b, &j) in clique.iter().enumerate() {
                for (a, &i) in clique[..=b].iter().enumerate() {
                    let (place, scale) = triangle::place(a, b, 1.0);
                    sum[(i, j)] += rows[first + place] / scale;
                }
            }
            first += triangle::length(clique.len());
        }
        (sum, rows.split_off(first))
    }

    /// Values without a pattern.
    fn value(at: usize) -> f64 {
        (1.3 * at as f64 + 0.2).sin()
    }

    /// Input, two blocks and output, every block read by all later ones.
    fn residual(slope: SlopeInterval) -> IncrementSystem {
        let sizes = [2, 3, 2, 2];
        let edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)].map(|(from, to): (usize, usize)| {
            let row = |i: usize| (0..sizes[from]).map(|j| value(7 * from + 3 * to + 11 * i + 5 * j)).collect();
            Edge { from, to, map: LinearMap::from_rows(&(0..sizes[to]).map(row).collect::<Vec<_>>()) }
        });
        IncrementSystem::new(2, vec![vec![slope; 3], vec![slope; 2]], 2, edges.to_vec()).expect("valid")
    }

    fn systems(slope: f64) -> Vec<IncrementSystem> {
        let chain = |dims: &[usize]| {
            let network = random_network(dims, Activation::LeakyRelu { slope }, 5).expect("valid");
            IncrementSystem::of_network(&network, OutputSelection::All).expect("valid")
        };
        let mut systems: Vec<_> = [&[3, 4, 2][..], &[3, 4, 5, 2], &[2, 3, 3, 3, 3, 2]].map(chain).into();
        systems.push(residual(SlopeInterval::new(slope, 1.0).expect("an interval")));
        systems
    }

    #[test]
    fn the_cones_of_the_cliques_sum_up_to_the_one_cone_whatever_the_separators_are() {
        let query = Query::euclidean(OutputSelection::All);
        let separable = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..query };
        for system in [0.0, 0.3, -0.5, -1.0].into_iter().flat_map(systems) {
            for (form, query, tying) in [
                (Form::Full, &query, Tying::Neuron),
                (Form::Bordered, &query, Tying::Layer),
                (Form::Bordered, &separable, Tying::Neuron),
            ] {
                let pencil = Pencil::new(&system, query, tying);
                let whole = assemble(&pencil, form, Decomposition::Whole);
                let x: Vec<f64> = (0..whole.program.variables()).map(value).collect();
                let (expected, others) = sum_of_cones(&whole, &x);
                for merging in [Merging::Off, Merging::ByCost] {
                    let apart = assemble(&pencil, form, Decomposition::Cliques(merging));
                    let mut y = x.clone();
                    y.extend((x.len()..apart.program.variables()).map(|at| 10.0 * value(at)));
                    let (sum, rest) = sum_of_cones(&apart, &y);
                    assert!((&sum - &expected).norm_max() < 1e-13);
                    assert_eq!(rest, others);
                    assert_eq!(apart.multipliers(&y), whole.multipliers(&x));
                }
            }
        }
    }

    #[test]
    fn every_entry_of_a_random_pattern_has_one_owner_the_clique_nearest_to_the_root_that_holds_it() {
        for (pattern, pairs) in random_patterns(300, 14) {
            let order = pattern.order();
            let kept: Vec<usize> = (0..order).collect();
            for merging in [Merging::Off, Merging::ByCost] {
                let tree = CliqueTree::new(&pattern, merging);
                let assembly = Assembly::new(order, &kept, Some(&tree));
                let depth = |mut clique: usize| {
                    let mut depth = 0;
                    while let Some(parent) = tree.cliques()[clique].parent {
                        (clique, depth) = (parent, depth + 1);
                    }
                    depth
                };
                for &(i, j) in pairs.iter().chain(&kept.iter().map(|&i| (i, i)).collect::<Vec<_>>()) {
                    let holds = |clique: &Clique| clique.members.contains(&i) && clique.members.contains(&j);
                    let holders = (0..tree.cliques().len()).filter(|&k| holds(&tree.cliques()[k]));
                    let highest = holders.min_by_key(|&k| depth(k)).expect("a clique holds every entry");
                    for place in [(i, j), (j, i)] {
                        let (first, (a, b)) = assembly.owner(place);
                        let part = assembly.cones.iter().find(|part| part.first == first).expect("a cone");
                        assert_eq!(part.clique.members, tree.cliques()[highest].members);
                        assert_eq!((part.clique.members[a], part.clique.members[b]), place);
                    }
                }
            }
        }
    }

    #[test]
    fn every_entry_of_a_separator_is_one_free_variable_between_two_cones() {
        let query = Query::euclidean(OutputSelection::All);
        for system in systems(0.0) {
            let pencil = Pencil::new(&system, &query, Tying::Neuron);
            let assembled = assemble(&pencil, Form::Bordered, Decomposition::Cliques(Merging::Off));
            let tree = assembled.tree.as_ref().expect("cliques");
            let entries = tree.cliques().iter().map(|clique| triangle::length(clique.separator.len()));
            let free: Vec<usize> = (0..assembled.variables.len())
                .filter(|&variable| matches!(assembled.variables[variable], ProgramVariable::Separator { .. }))
                .collect();
            assert_eq!(free.len(), entries.sum::<usize>());
            for &variable in &free {
                let column = assembled.program.constraints.outer_view(variable).expect("by columns");
                let values: Vec<f64> = column.iter().map(|(_, value)| *value).collect();
                // The same weight on both sides, with opposite signs.
                assert!(matches!(values[..], [a, b] if a == -b && a != 0.0), "{values:?}");
                assert_eq!(assembled.program.objective[variable], 0.0);
            }
        }
    }
}
