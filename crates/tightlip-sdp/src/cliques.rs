//! Chordal extension, cliques and clique tree of a sparsity pattern.
//!
//! A symmetric matrix whose pattern is chordal is positive semidefinite iff it is a sum of positive semidefinite matrices,
//! one on each maximal clique (Agler et al. 1988, Theorem 2.3), and two neighbouring cliques of a clique tree share their
//! separator only. So one cone of order `n` becomes several of the orders of the cliques. Any pattern becomes chordal by
//! the fill of an elimination order; the order decides how large the cliques are.
//!
//! - *Order*: greedy minimum fill (Yannakakis 1981 for why greedy: the minimum is NP-complete), ties by degree. Coordinates
//!   with the same neighbours are one vertex with a weight, so a chain of layers is a path however wide it is.
//! - *Cliques*: a vertex and its later neighbours, unless contained in another (Fulkerson and Gross 1965); the tree joins
//!   each clique with that of the first vertex of its separator (Blair and Peyton 1993, §4).
//! - *Merging*: a clique goes into its parent where one cone costs less than two (Nakata et al. 2003).
//!
//! Not here: what the entries are. A pencil says its pattern in `support.rs`.

use std::collections::{BTreeSet, HashMap};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        let mut tree = Self {
            fill: elimination.fill,
            elimination_order: elimination.order.iter().flat_map(|&g| quotient.groups[g].iter().copied()).collect(),
            cliques: elimination.cliques(&quotient),
        };
        if merging == Merging::ByCost {
            tree.merge();
        }
        tree
    }

    /// The cliques; children may stand before or after their parents.
    pub fn cliques(&self) -> &[Clique] {
        &self.cliques
    }

    /// The coordinates in the order of their elimination.
    pub fn elimination_order(&self) -> &[usize] {
        &self.elimination_order
    }

    /// Entries of the upper triangle that the extension adds to the pattern.
    pub fn fill(&self) -> usize {
        self.fill
    }

    /// Size of the largest clique.
    pub fn largest(&self) -> usize {
        self.cliques.iter().map(|clique| clique.members.len()).max().unwrap_or(0)
    }

    /// Merges cliques into their parents while that makes the cones cheaper.
    fn merge(&mut self) {
        while let Some((child, parent)) = self.worthwhile() {
            let gone = self.cliques.swap_remove(child);
            let moved = self.cliques.len();
            // The last clique now has the number of the one that is gone.
            let renumbered = |number: usize| if number == moved { child } else { number };
            let into = renumbered(parent);
            for clique in &mut self.cliques {
                clique.parent = clique.parent.map(|number| if number == child { into } else { renumbered(number) });
            }
            let members: BTreeSet<usize> = self.cliques[into].members.iter().chain(&gone.members).copied().collect();
            self.cliques[into].members = members.into_iter().collect();
        }
    }

    /// A clique and its parent that are cheaper as one; the pair that saves the most.
    fn worthwhile(&self) -> Option<(usize, usize)> {
        let saving = |child: usize| {
            let clique = &self.cliques[child];
            let parent = clique.parent?;
            let (one, other) = (clique.members.len(), self.cliques[parent].members.len());
            let both = one + other - clique.separator.len();
            let saving = cone_cost(one) + cone_cost(other) - cone_cost(both);
            (saving >= 0.0).then_some((saving, child, parent))
        };
        let best = (0..self.cliques.len()).filter_map(saving).max_by(|one, other| one.0.total_cmp(&other.0));
        best.map(|(_, child, parent)| (child, parent))
    }
}

/// What a semidefinite cone costs a solver that factorises a dense block of all its entries, up to a constant.
fn cone_cost(order: usize) -> f64 {
    let entries = (order * (order + 1) / 2) as f64;
    entries.powi(3)
}

/// The pattern with coordinates that have the same closed neighbourhood as one vertex.
struct Quotient {
    /// Coordinates of each vertex.
    groups: Vec<Vec<usize>>,
    /// Neighbouring vertices.
    neighbours: Vec<BTreeSet<usize>>,
}

impl Quotient {
    fn of(pattern: &Pattern) -> Self {
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut group_of = vec![0; pattern.order()];
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (i, own_group) in group_of.iter_mut().enumerate() {
            let mut closed = pattern.neighbours(i).to_vec();
            closed.insert(closed.partition_point(|&j| j < i), i);
            let group = *known.entry(closed).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(i);
            *own_group = group;
        }
        let neighbours = groups.iter().enumerate().map(|(group, members)| {
            let around = pattern.neighbours(members[0]).iter().map(|&j| group_of[j]);
            around.filter(|&other| other != group).collect()
        });
        Self { neighbours: neighbours.collect(), groups }
    }

    /// Coordinates of a vertex.
    fn weight(&self, group: usize) -> usize {
        self.groups[group].len()
    }

    /// Eliminates the vertices greedily.
    fn eliminate(&self) -> Elimination {
        /// With more vertices than this the fill of each is too dear to know; then the degree decides.
        const FILL_IS_KNOWN: usize = 400;
        let count = self.groups.len();
        let by_fill = count <= FILL_IS_KNOWN;
        let mut graph = self.neighbours.clone();
        let mut left: BTreeSet<usize> = (0..count).collect();
        let mut elimination = Elimination { order: Vec::new(), later: vec![BTreeSet::new(); count], fill: 0 };
        while !left.is_empty() {
            let price = |&group: &usize| {
                let degree: usize = graph[group].iter().map(|&other| self.weight(other)).sum();
                (if by_fill { self.missing(&graph, group) } else { 0 }, degree, group)
            };
            let Some(next) = left.iter().copied().min_by_key(price) else { break };
            elimination.fill += self.missing(&graph, next);
            let around = std::mem::take(&mut graph[next]);
            for &one in &around {
                graph[one].remove(&next);
                graph[one].extend(around.iter().copied().filter(|&other| other != one));
            }
            left.remove(&next);
            elimination.order.push(next);
            elimination.later[next] = around;
        }
        elimination
    }

    /// Entries that eliminating a vertex fills.
    fn missing(&self, graph: &[BTreeSet<usize>], group: usize) -> usize {
        let around: Vec<usize> = graph[group].iter().copied().collect();
        let mut missing = 0;
        for (at, &one) in around.iter().enumerate() {
            for &other in around[at + 1..].iter().filter(|&&other| !graph[one].contains(&other)) {
                missing += self.weight(one) * self.weight(other);
            }
        }
        missing
    }
}

/// An elimination of the vertices of a quotient.
struct Elimination {
    order: Vec<usize>,
    /// For each vertex its neighbours that are eliminated later.
    later: Vec<BTreeSet<usize>>,
    fill: usize,
}

impl Elimination {
    /// The maximal cliques and their tree.
    fn cliques(&self, quotient: &Quotient) -> Vec<Clique> {
        let mut place = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(at, &vertex)| place[vertex] = at);
        let first = |set: &BTreeSet<usize>| set.iter().copied().min_by_key(|&vertex| place[vertex]);
        // The clique of each vertex: that of an earlier one that contains it, or a new one.
        let mut clique_of: Vec<Option<usize>> = vec![None; self.order.len()];
        let mut members: Vec<BTreeSet<usize>> = Vec::new();
        let mut last: Vec<usize> = Vec::new();
        for &vertex in &self.order {
            let clique = clique_of[vertex].unwrap_or_else(|| {
                members.push(self.later[vertex].iter().copied().chain([vertex]).collect());
                last.push(vertex);
                members.len() - 1
            });
            clique_of[vertex] = Some(clique);
            last[clique] = vertex;
            // The next vertex of the clique belongs to it, unless it has neighbours of its own.
            if let Some(next) = first(&self.later[vertex])
                && clique_of[next].is_none()
                && self.later[next].len() + 1 == self.later[vertex].len()
            {
                clique_of[next] = Some(clique);
            }
        }
        let spread = |set: &BTreeSet<usize>| {
            let mut all: Vec<usize> = set.iter().flat_map(|&group| quotient.groups[group].iter().copied()).collect();
            all.sort_unstable();
            all
        };
        let clique = |(members, &last): (&BTreeSet<usize>, &usize)| {
            let separator = &self.later[last];
            let parent = first(separator).and_then(|vertex| clique_of[vertex]);
            Clique { members: spread(members), parent, separator: spread(separator) }
        };
        members.iter().zip(&last).map(clique).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..300 {
            let order = 1 + draw(14) as usize;
            let density = 1 + draw(9);
            let pairs: Vec<(usize, usize)> =
                (0..order).flat_map(|i| (i + 1..order).map(move |j| (i, j))).filter(|_| draw(10) < density).collect();
            let pattern = Pattern::new(order, pairs);
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
}
