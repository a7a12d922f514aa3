//! Norms that reduce to others: ℓ1 inputs and ℓ∞ outputs, case by case.
//!
//! The unit ball of ℓ1 is the convex hull of the vectors `± e_i`, so the largest gain from ℓ1 is the largest over single
//! input coordinates; the ℓ∞ norm is the largest over single outputs. A question with ℓ1 inputs or ℓ∞ outputs is the
//! maximum of its cases, each about one input coordinate or one output, where all norms are the absolute value.
//! (For the increments of a network: a segment from `x` to `x′` is a path along the coordinates of the same ℓ1 length.)

use serde::{Deserialize, Serialize};

use crate::{Edge, IncrementSystem, LinearMap, Norm, Query};

/// One case: which input coordinate and which output, where they are single.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The only input that moves, for ℓ1 inputs.
    pub input: Option<usize>,
    /// The only output that is looked at, for ℓ∞ outputs.
    pub output: Option<usize>,
}

impl Case {
    /// The cases of a question about `system`, all of which have to be bounded. A single one without restriction if the
    /// norms need none.
    pub fn all(system: &IncrementSystem, query: &Query) -> Vec<Self> {
        let singles = |reduced: bool, n: usize| -> Vec<Option<usize>> {
            if reduced { (0..n).map(Some).collect() } else { vec![None] }
        };
        let inputs = singles(query.input_norm == Norm::L1, system.len(0));
        let outputs = singles(query.output_norm == Norm::LInf, system.len(system.output_block()));
        inputs.iter().flat_map(|&input| outputs.iter().map(move |&output| Self { input, output })).collect()
    }

    /// The number of cases of a question about `system`.
    pub fn count(system: &IncrementSystem, query: &Query) -> usize {
        let inputs = if query.input_norm == Norm::L1 { system.len(0) } else { 1 };
        let outputs = if query.output_norm == Norm::LInf { system.len(system.output_block()) } else { 1 };
        inputs.saturating_mul(outputs)
    }

    /// The question of a case: ℓ1 inputs and ℓ∞ outputs are single there, and ℓ2 measures them.
    pub fn query(query: &Query) -> Query {
        let single = |norm: Norm, reduced: Norm| if norm == reduced { Norm::L2 } else { norm };
        Query {
            input_norm: single(query.input_norm, Norm::L1),
            output_norm: single(query.output_norm, Norm::LInf),
            ..*query
        }
    }

    /// The system of this case; no coefficient is rounded.
    ///
    /// # Panics
    /// If the system has no such input or output.
    pub fn system(self, system: &IncrementSystem) -> IncrementSystem {
        let last = system.output_block();
        let edges = system
            .edges()
            .iter()
            .map(|edge| {
                let mut map = edge.map.clone();
                if let Some(input) = self.input.filter(|_| edge.from == 0) {
                    map = column_of(map, input);
                }
                if let Some(output) = self.output.filter(|_| edge.to == last) {
                    let outputs = map.rows();
                    map = map.then(LinearMap::from_triplets(1, outputs, &[(0, output, 1.0)]));
                }
                Edge { from: edge.from, to: edge.to, map }
            })
            .collect();
        let hidden = (1..last).map(|k| system.slopes(k).to_vec()).collect();
        let inputs = if self.input.is_some() { 1 } else { system.len(0) };
        let outputs = if self.output.is_some() { 1 } else { system.len(last) };
        IncrementSystem::new(inputs, hidden, outputs, edges).expect("a case keeps the shape of its system")
    }
}

/// The map of one input coordinate, exactly.
fn column_of(map: LinearMap, input: usize) -> LinearMap {
    let (rows, cols) = (map.rows(), map.cols());
    match map {
        LinearMap::Dense(matrix) => LinearMap::Dense(matrix.as_ref().subcols(input, 1).to_owned()),
        LinearMap::Sparse(matrix) => {
            let column: Vec<_> =
                matrix.iter().filter(|(_, (_, j))| *j == input).map(|(&value, (i, _))| (i, 0, value)).collect();
            LinearMap::from_triplets(rows, 1, &column)
        }
        LinearMap::Scale(factors) => LinearMap::from_triplets(rows, 1, &[(input, 0, factors[input])]),
        // The quotient is not a float: select first, divide then.
        LinearMap::Divide(_) => LinearMap::from_triplets(cols, 1, &[(input, 0, 1.0)]).then(map),
        LinearMap::Chain(maps) => {
            let mut maps = maps.into_iter();
            let first = column_of(maps.next().expect("a chain has at least one map"), input);
            maps.fold(first, LinearMap::then)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OutputSelection, SlopeInterval};

    #[test]
    fn a_case_has_the_column_and_the_row_of_every_kind_of_map() {
        let dense = LinearMap::from_rows(&[vec![1.0, 2.0], vec![3.0, 4.0]]);
        let firsts = [
            dense.clone(),
            LinearMap::from_triplets(2, 2, &[(0, 0, 5.0), (1, 1, 6.0), (0, 1, 7.0)]),
            LinearMap::Scale(vec![2.0, 3.0]),
            LinearMap::Divide(vec![2.0, 3.0]),
            LinearMap::Divide(vec![2.0, 3.0]).then(dense.clone()),
        ];
        for first in firsts {
            let edges = vec![
                Edge { from: 0, to: 1, map: first.clone() },
                Edge { from: 0, to: 2, map: dense.clone() },
                Edge { from: 1, to: 2, map: dense.clone() },
            ];
            let system = IncrementSystem::new(2, vec![vec![SlopeInterval::UNIT; 2]], 2, edges).expect("valid");
            for (input, output) in [(0, 1), (1, 0)] {
                let case = Case { input: Some(input), output: Some(output) }.system(&system);
                assert_eq!((case.len(0), case.len(2)), (1, 1));
                let full = first.to_dense();
                assert_eq!(case.edges()[0].map.to_dense(), full.as_ref().subcols(input, 1).to_owned());
                let entry = |edge: usize| case.edges()[edge].map.to_dense()[(0, 0)];
                assert_eq!(entry(1), dense.to_dense()[(output, input)]);
                assert_eq!(case.edges()[2].map.to_dense(), dense.to_dense().as_ref().subrows(output, 1).to_owned());
            }
        }
    }

    #[test]
    fn cases_are_counted_by_the_norms_that_reduce() {
        let map = LinearMap::from_rows(&[vec![1.0, 2.0, 3.0], vec![3.0, 4.0, 5.0]]);
        let system = IncrementSystem::new(3, vec![], 2, vec![Edge { from: 0, to: 1, map }]).expect("valid");
        let count = |input_norm, output_norm| {
            let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
            let direct = Case::query(&query);
            assert!(direct.input_norm != Norm::L1 && direct.output_norm != Norm::LInf);
            let all = Case::all(&system, &query).len();
            assert_eq!(all, Case::count(&system, &query));
            all
        };
        assert_eq!(count(Norm::L2, Norm::L2), 1);
        assert_eq!(count(Norm::L1, Norm::L2), 3);
        assert_eq!(count(Norm::LInf, Norm::LInf), 2);
        assert_eq!(count(Norm::L1, Norm::LInf), 6);
    }
}
