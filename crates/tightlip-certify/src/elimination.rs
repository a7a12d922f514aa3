//! The order in which blocks are eliminated.
//!
//! A proof holds for any symmetric permutation of the inequality, so the order is chosen for speed. What decides is
//! that a hidden block starts as a diagonal block (`2Λ`), and eliminating a diagonal block costs neither a Cholesky
//! factorisation nor a triangular solve: in `10–1000–1000–10` the second hidden block goes first, and only the first one is
//! ever factorised, at `0.8` instead of `2.2` billion multiplications.
//!
//! The order comes from a rollout (Bertsekas, Tsitsiklis, Wu 1997): the next block is the one with the cheapest
//! elimination of everything, if all others followed in their natural order; so it is never worse than that order.

use std::collections::BTreeSet;

/// Positions of blocks in the elimination.
#[derive(Debug, Clone)]
pub(crate) struct Elimination {
    order: Vec<usize>,
    positions: Vec<usize>,
    work: Work,
    widest: usize,
}

/// The blocks that are left: a graph with an edge for each pair that is coupled.
#[derive(Debug, Clone)]
pub(crate) struct BlockGraph {
    sizes: Vec<usize>,
    neighbours: Vec<BTreeSet<usize>>,
    /// Whether the diagonal block is more than a diagonal.
    dense: Vec<bool>,
    left: BTreeSet<usize>,
}

impl BlockGraph {
    /// Blocks of these orders with nothing but diagonals.
    pub(crate) fn new(sizes: Vec<usize>) -> Self {
        let blocks = sizes.len();
        Self {
            sizes,
            neighbours: vec![BTreeSet::new(); blocks],
            dense: vec![false; blocks],
            left: (0..blocks).collect(),
        }
    }

    /// Couples two blocks, or a block with itself: then it is dense.
    pub(crate) fn couple(&mut self, i: usize, j: usize) {
        if i == j {
            self.dense[i] = true;
        } else {
            self.neighbours[i].insert(j);
            self.neighbours[j].insert(i);
        }
    }

    /// Eliminates block `k`, which couples its neighbours with each other and with themselves.
    fn eliminate(&mut self, k: usize) -> Work {
        let n = self.sizes[k] as f64;
        let neighbours = std::mem::take(&mut self.neighbours[k]);
        let mut work = Work::default();
        if self.dense[k] {
            // The factorisation and its residual, each n³/6.
            work.multiplications += n * n * n / 3.0;
            work.filled += self.sizes[k] as u64 * self.sizes[k] as u64;
        }
        for &i in &neighbours {
            let m = self.sizes[i] as f64;
            // The solve and its residual, with a triangle or with a diagonal.
            work.multiplications += if self.dense[k] { m * n * n } else { 2.0 * m * n };
            work.filled += self.sizes[i] as u64 * self.sizes[k] as u64;
            self.neighbours[i].remove(&k);
            for &j in neighbours.range(..=i) {
                let products = m * self.sizes[j] as f64 * n;
                work.multiplications += if i == j { 0.5 * products } else { products };
                self.couple(i, j);
            }
        }
        self.left.remove(&k);
        work
    }

    /// Eliminates all that is left in natural order.
    fn finish(mut self) -> Work {
        let mut work = Work::default();
        while let Some(&k) = self.left.first() {
            work.add(&self.eliminate(k));
        }
        work
    }

    /// The block with which to go on.
    fn best(&self) -> Option<usize> {
        let total = |k: usize| {
            let mut after = self.clone();
            after.eliminate(k).multiplications + after.finish().multiplications
        };
        let candidates = self.left.iter().map(|&k| (k, total(k)));
        candidates.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(k, _)| k)
    }
}

/// What an elimination needs.
#[derive(Debug, Clone, Default)]
struct Work {
    multiplications: f64,
    /// Entries of the factor.
    filled: u64,
}

impl Work {
    /// Adds what a further elimination needs.
    fn add(&mut self, more: &Self) {
        self.multiplications += more.multiplications;
        self.filled += more.filled;
    }
}

impl Elimination {
    /// The order for a graph of which no block has been eliminated.
    pub(crate) fn new(mut graph: BlockGraph) -> Self {
        /// Rollouts take a time that grows with the cube of the blocks; in deep chains there is little to gain.
        const MOST_BLOCKS: usize = 16;
        let blocks = graph.sizes.len();
        let mut order = Vec::with_capacity(blocks);
        let (mut all, mut widest) = (Work::default(), 0);
        while let Some(k) = if blocks <= MOST_BLOCKS { graph.best() } else { graph.left.first().copied() } {
            if graph.dense[k] {
                widest = widest.max(graph.sizes[k]);
            }
            all.add(&graph.eliminate(k));
            order.push(k);
        }
        let mut positions = vec![0; blocks];
        order.iter().enumerate().for_each(|(position, &k)| positions[k] = position);
        Self { order, positions, work: all, widest }
    }

    /// The blocks in the order of their elimination.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// When block `k` is eliminated.
    pub(crate) fn position(&self, k: usize) -> usize {
        self.positions[k]
    }

    /// Order of the largest block that is not diagonal when it is eliminated.
    pub(crate) fn widest(&self) -> usize {
        self.widest
    }

    /// Entries of the blocks of the factor, without diagonal pivots.
    pub(crate) fn filled(&self) -> u64 {
        self.work.filled
    }

    /// Multiplications of the factorisation, about.
    pub(crate) fn multiplications(&self) -> f64 {
        self.work.multiplications
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(sizes: &[usize]) -> BlockGraph {
        let mut graph = BlockGraph::new(sizes.to_vec());
        (1..sizes.len()).for_each(|k| graph.couple(k, k - 1));
        graph
    }

    /// Work of eliminating in the given order.
    fn work(mut graph: BlockGraph, order: &[usize]) -> f64 {
        order.iter().map(|&k| graph.eliminate(k).multiplications).sum()
    }

    #[test]
    fn only_one_of_two_wide_blocks_is_factorised() {
        let graph = chain(&[10, 1000, 1000, 10]);
        let elimination = Elimination::new(graph.clone());
        let first_wide = elimination.order().iter().find(|&&k| k == 1 || k == 2);
        assert_eq!(first_wide, Some(&2), "{elimination:?}");
        assert!(work(graph.clone(), elimination.order()) < 0.9e9);
        assert!(work(graph, &[0, 1, 2, 3]) > 2.1e9);
    }

    #[test]
    fn every_block_has_its_place_and_the_order_is_never_worse_than_the_natural_one() {
        for sizes in [vec![3, 4], vec![784, 50, 10], vec![5; 12], vec![2; 40], vec![100, 900, 100, 900, 100]] {
            let graph = chain(&sizes);
            let elimination = Elimination::new(graph.clone());
            for (position, &k) in elimination.order().iter().enumerate() {
                assert_eq!(elimination.position(k), position);
            }
            assert_eq!(elimination.order().iter().collect::<BTreeSet<_>>().len(), sizes.len());
            let natural: Vec<usize> = (0..sizes.len()).collect();
            assert!(work(graph.clone(), elimination.order()) <= work(graph, &natural), "{sizes:?}");
        }
    }

    #[test]
    fn the_factor_of_a_chain_in_natural_order_has_its_couplings_and_all_pivots_but_the_first() {
        let mut graph = chain(&[7; 20]);
        let elimination = Elimination::new(graph.clone());
        assert_eq!(elimination.filled(), 49 * (19 + 19));
        graph.couple(0, 0);
        assert_eq!(Elimination::new(graph).filled(), 49 * (19 + 20));
    }
}
