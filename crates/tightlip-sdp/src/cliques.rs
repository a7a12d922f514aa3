//! Chordal extension, cliques and clique tree of a sparsity pattern.
//!
//! A symmetric matrix whose pattern is chordal is positive semidefinite iff it is a sum of positive semidefinite matrices,
//! one on each maximal clique (Agler et al. 1988, Theorem 2.3), and two neighbouring cliques of a clique tree share their
//! separator only. So one cone of order `n` becomes several of the orders of the cliques. Any pattern becomes chordal by
//! the fill of an elimination order; the order decides how large the cliques are.
//!
//! - *Order*: greedy minimum fill (Yannakakis 1981 for why greedy: the minimum is NP-complete), ties by degree; coordinates
//!   with the same neighbours go together (`quotient.rs`).
//! - *Cliques*: a vertex and its later neighbours, unless contained in another (Fulkerson and Gross 1965); the tree joins
//!   each clique with that of the first vertex of its separator (Blair and Peyton 1993, §4) (`elimination.rs`).
//! - *Merging*: two cliques become one where one cone costs less than two (Nakata et al. 2003) (`merging.rs`).
//!
//! Not here: what the entries are. A pencil says its pattern in `support.rs`.

use serde::{Deserialize, Serialize};

use self::merging::merge;
use self::quotient::Quotient;
use crate::triangle;

mod elimination;
mod merging;
mod quotient;

/// Which pairs of coordinates of a symmetric matrix may be nonzero; the diagonal always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Sorted neighbours of each coordinate, without itself.
    neighbours: Vec<Vec<usize>>,
}

/// The cliques of a chordal extension, as a forest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliqueTree {
    cliques: Vec<Clique>,
    elimination_order: Vec<usize>,
    fill: usize,
}

/// One maximal clique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clique {
    /// Its coordinates, sorted.
    pub members: Vec<usize>,
    /// The clique it hangs on; `None` for a root.
    pub parent: Option<usize>,
    /// What it shares with its parent, sorted; empty for a root.
    pub separator: Vec<usize>,
}

/// Whether cliques are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merging {
    /// Maximal cliques as they are.
    Off,
    /// Where one cone costs less than two.
    ByCost,
}

impl Pattern {
    /// The pattern of order `order` with these nonzero pairs; a pair may stand there more than once.
    ///
    /// # Panics
    /// If a coordinate is not below the order.
    pub fn new(order: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut neighbours = vec![Vec::new(); order];
        for (i, j) in pairs {
            assert!(i < order && j < order, "coordinates are below the order");
            if i != j {
                neighbours[i].push(j);
                neighbours[j].push(i);
            }
        }
        for list in &mut neighbours {
            list.sort_unstable();
            list.dedup();
        }
        Self { neighbours }
    }

    /// Order of the matrix.
    pub fn order(&self) -> usize {
        self.neighbours.len()
    }

    /// Nonzero entries of the upper triangle, the diagonal included.
    pub fn nonzeros(&self) -> usize {
        self.order() + self.neighbours.iter().map(Vec::len).sum::<usize>() / 2
    }

    /// Sorted coordinates beside `i` in whose column its row may be nonzero.
    pub fn neighbours(&self, i: usize) -> &[usize] {
        &self.neighbours[i]
    }
}

impl CliqueTree {
    /// The cliques of a greedy chordal extension of `pattern`.
    pub fn new(pattern: &Pattern, merging: Merging) -> Self {
        let quotient = Quotient::of(pattern);
        let elimination = quotient.eliminate();
        let elimination_order = elimination.coordinates(&quotient);
        let mut cliques = elimination.cliques(&quotient);
        if merging == Merging::ByCost {
            merge(&mut cliques);
        }
        Self { fill: elimination.fill(), elimination_order, cliques }
    }

    /// The cliques; children may stand before or after their parents.
    pub fn cliques(&self) -> &[Clique] {
        &self.cliques
    }

    /// The coordinates in the order of their elimination.
    pub fn elimination_order(&self) -> &[usize] {
        &self.elimination_order
    }

    /// Entries of the upper triangle that the elimination adds to the pattern; merging may add more.
    pub fn fill(&self) -> usize {
        self.fill
    }

    /// Sizes of the cliques: the orders of their cones.
    pub fn orders(&self) -> Vec<usize> {
        self.cliques.iter().map(|clique| clique.members.len()).collect()
    }

    /// Entries of the free symmetric matrices on all separators.
    pub fn separator_entries(&self) -> usize {
        self.cliques.iter().map(|clique| triangle::length(clique.separator.len())).sum()
    }

    /// Size of the largest clique.
    pub fn largest(&self) -> usize {
        self.orders().into_iter().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random_pattern::random_patterns;

    /// Blocks of these sizes, each coupled with the next and dense in itself.
    fn chain(sizes: &[usize]) -> Pattern {
        let mut pairs = Vec::new();
        let mut start = 0;
        let total: usize = sizes.iter().sum();
        for (k, &size) in sizes.iter().enumerate() {
            let end = start + size + sizes.get(k + 1).copied().unwrap_or(0);
            for i in start..start + size {
                pairs.extend((i + 1..end).map(|j| (i, j)));
            }
            start += size;
        }
        Pattern::new(total, pairs)
    }

    /// Every pair of the pattern is in a clique; cliques that hold a coordinate are connected; separators are the
    /// intersections; nothing is contained in another.
    fn check(pattern: &Pattern, tree: &CliqueTree) {
        let cliques = tree.cliques();
        let holds = |clique: &Clique, i: usize| clique.members.binary_search(&i).is_ok();
        for i in 0..pattern.order() {
            for &j in pattern.neighbours(i) {
                assert!(cliques.iter().any(|clique| holds(clique, i) && holds(clique, j)), "{i}, {j} are in no clique");
            }
            let with: Vec<usize> = (0..cliques.len()).filter(|&k| holds(&cliques[k], i)).collect();
            let linked = with.iter().filter(|&&k| cliques[k].parent.is_some_and(|parent| holds(&cliques[parent], i)));
            assert_eq!(linked.count() + 1, with.len(), "the cliques with {i} are a subtree");
        }
        for (k, clique) in cliques.iter().enumerate() {
            if let Some(parent) = clique.parent {
                let common = clique.members.iter().copied().filter(|&i| holds(&cliques[parent], i));
                assert_eq!(common.collect::<Vec<_>>(), clique.separator);
            } else {
                assert!(clique.separator.is_empty());
            }
            let contained = cliques
                .iter()
                .enumerate()
                .any(|(other, larger)| other != k && clique.members.iter().all(|&i| holds(larger, i)));
            assert!(!contained, "clique {k} is contained in another");
        }
        let mut order = tree.elimination_order().to_vec();
        order.sort_unstable();
        assert!(order.into_iter().eq(0..pattern.order()));
    }

    #[test]
    fn a_chain_has_pairs_of_neighbouring_layers_and_no_fill() {
        let pattern = chain(&[2, 3, 4, 3, 2]);
        let tree = CliqueTree::new(&pattern, Merging::Off);
        check(&pattern, &tree);
        let mut sizes: Vec<usize> = tree.cliques().iter().map(|clique| clique.members.len()).collect();
        sizes.sort_unstable();
        assert_eq!((tree.fill(), sizes, tree.largest()), (0, vec![5, 5, 7, 7], 7));
    }

    #[test]
    fn a_cycle_is_filled_with_the_fewest_chords() {
        for n in 4..12 {
            let pattern = Pattern::new(n, (0..n).map(|i| (i, (i + 1) % n)));
            let tree = CliqueTree::new(&pattern, Merging::Off);
            check(&pattern, &tree);
            // A triangulated polygon.
            assert_eq!((tree.fill(), tree.cliques().len(), tree.largest()), (n - 3, n - 2, 3));
        }
    }

    #[test]
    fn a_full_pattern_is_one_clique_and_an_empty_one_is_its_coordinates() {
        let full = chain(&[7]);
        let tree = CliqueTree::new(&full, Merging::ByCost);
        assert_eq!((tree.cliques().len(), tree.largest(), tree.fill()), (1, 7, 0));
        let empty = Pattern::new(3, []);
        assert_eq!(CliqueTree::new(&empty, Merging::Off).cliques().len(), 3);
        check(&empty, &CliqueTree::new(&empty, Merging::Off));
        assert!(CliqueTree::new(&Pattern::new(0, []), Merging::Off).cliques().is_empty());
    }

    #[test]
    fn random_patterns_have_clique_trees_merged_or_not() {
        for (pattern, _) in random_patterns(300, 14) {
            check(&pattern, &CliqueTree::new(&pattern, Merging::Off));
            let merged = CliqueTree::new(&pattern, Merging::ByCost);
            check(&pattern, &merged);
        }
    }

    #[test]
    fn cliques_that_nearly_coincide_are_merged_and_neighbouring_layers_are_not() {
        let band = Pattern::new(30, (0..30).flat_map(|i| (i + 1..(i + 11).min(30)).map(move |j| (i, j))));
        let (apart, merged) = (CliqueTree::new(&band, Merging::Off), CliqueTree::new(&band, Merging::ByCost));
        assert_eq!(apart.cliques().len(), 20);
        assert!(merged.cliques().len() <= 10, "{}", merged.cliques().len());
        let layers = chain(&[10; 6]);
        assert_eq!(CliqueTree::new(&layers, Merging::ByCost).cliques().len(), 5);
    }

    #[test]
    fn inputs_that_only_one_layer_reads_share_a_clique_where_that_is_cheaper() {
        // Five inputs, coupled with each of eight neurons and not with each other.
        let layer = (5..13).flat_map(|i| (i + 1..13).map(move |j| (i, j)));
        let pattern = Pattern::new(13, (0..5).flat_map(|i| (5..13).map(move |j| (i, j))).chain(layer));
        let apart = CliqueTree::new(&pattern, Merging::Off);
        check(&pattern, &apart);
        assert!(apart.cliques().iter().all(|clique| clique.members.len() == 9) && apart.cliques().len() == 5);
        let merged = CliqueTree::new(&pattern, Merging::ByCost);
        check(&pattern, &merged);
        assert_eq!((merged.cliques().len(), merged.largest()), (1, 13));
    }

    #[test]
    fn a_pattern_without_structure_becomes_one_clique_before_it_takes_long() {
        let mut state = 7_u64;
        let order = 900;
        let mut pairs = Vec::new();
        for i in 0..order {
            for j in i + 1..order {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if state >> 62 == 0 {
                    pairs.push((i, j));
                }
            }
        }
        let pattern = Pattern::new(order, pairs);
        let tree = CliqueTree::new(&pattern, Merging::ByCost);
        assert_eq!((tree.cliques().len(), tree.largest()), (1, order));
        assert_eq!(pattern.nonzeros() + tree.fill(), order * (order + 1) / 2);
    }

    #[test]
    fn merging_joins_siblings_that_are_not_worth_joining_with_their_parent() {
        // Six inputs on the same four neurons, whose own clique is large.
        let layer = (0..4).flat_map(|i| (i + 1..40).map(move |j| (i, j)));
        let rest = (4..40).flat_map(|i| (i + 1..40).map(move |j| (i, j)));
        let inputs = (40..46).flat_map(|input| (0..4).map(move |i| (i, input)));
        let pattern = Pattern::new(46, layer.chain(rest).chain(inputs));
        let tree = CliqueTree::new(&pattern, Merging::ByCost);
        check(&pattern, &tree);
        let mut sizes: Vec<usize> = tree.cliques().iter().map(|clique| clique.members.len()).collect();
        sizes.sort_unstable();
        assert!(sizes.len() < 7 && sizes.len() > 1 && sizes.last() == Some(&40), "{sizes:?}");
    }

    #[test]
    fn layers_whose_neurons_are_not_coupled_are_filled_when_the_layer_before_goes() {
        let between =
            |a: std::ops::Range<usize>, b: std::ops::Range<usize>| a.flat_map(move |i| b.clone().map(move |j| (i, j)));
        let pattern = Pattern::new(11, between(0..2, 2..6).chain(between(2..6, 6..9)).chain(between(6..9, 9..11)));
        let tree = CliqueTree::new(&pattern, Merging::Off);
        check(&pattern, &tree);
        let inside = |n: usize| n * (n - 1) / 2;
        assert_eq!(
            tree.fill(),
            inside(4) + inside(3),
            "one end stays unfilled, its neighbours and the middle are filled"
        );
    }
}
