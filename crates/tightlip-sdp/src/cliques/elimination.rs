//! From an elimination of vertices to the maximal cliques and their tree.

use std::collections::BTreeSet;

use super::Clique;
use super::quotient::Quotient;

/// An elimination of the vertices of a quotient.
pub(super) struct Elimination {
    order: Vec<usize>,
    /// For each vertex its neighbours that are eliminated later.
    later: Vec<BTreeSet<usize>>,
    /// For each vertex whether its coordinates were coupled with each other when it was eliminated.
    adjacent: Vec<bool>,
    fill: usize,
}

/// A clique while its vertices are found.
struct Growing {
    coordinates: Vec<usize>,
    /// The vertex of it that is eliminated last.
    last: usize,
}

impl Elimination {
    /// Nothing eliminated yet, and this much filled before.
    pub(super) fn of(vertices: usize, fill: usize) -> Self {
        let later = vec![BTreeSet::new(); vertices];
        Self { order: Vec::with_capacity(vertices), later, adjacent: vec![true; vertices], fill }
    }

    /// Notes the elimination of a vertex with these neighbours left.
    pub(super) fn eliminate(&mut self, vertex: usize, around: BTreeSet<usize>, (fill, adjacent): (usize, bool)) {
        self.order.push(vertex);
        self.later[vertex] = around;
        self.adjacent[vertex] = adjacent;
        self.fill += fill;
    }

    /// Entries that were filled.
    pub(super) fn fill(&self) -> usize {
        self.fill
    }

    /// All coordinates in the order of their elimination.
    pub(super) fn coordinates(&self, quotient: &Quotient) -> Vec<usize> {
        self.order.iter().flat_map(|&vertex| quotient.coordinates(vertex).iter().copied()).collect()
    }

    /// The maximal cliques and their tree.
    pub(super) fn cliques(&self, quotient: &Quotient) -> Vec<Clique> {
        let mut place = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(at, &vertex)| place[vertex] = at);
        let first = |set: &BTreeSet<usize>| set.iter().copied().min_by_key(|&vertex| place[vertex]);
        let spread = |set: &BTreeSet<usize>| -> Vec<usize> {
            set.iter().flat_map(|&vertex| quotient.coordinates(vertex).iter().copied()).collect()
        };
        // The clique of each vertex: that of an earlier one that contains it, or a new one.
        let mut clique_of: Vec<Option<usize>> = vec![None; self.order.len()];
        let mut growing: Vec<Growing> = Vec::new();
        for &vertex in &self.order {
            let clique = clique_of[vertex].unwrap_or_else(|| {
                let around = spread(&self.later[vertex]);
                let own = quotient.coordinates(vertex);
                // Coordinates that are not coupled with each other have a clique each.
                let size = if self.adjacent[vertex] { own.len() } else { 1 };
                for part in own.chunks(size) {
                    growing.push(Growing { coordinates: [part, &around].concat(), last: vertex });
                }
                growing.len() - 1
            });
            clique_of[vertex] = Some(clique);
            growing[clique].last = vertex;
            // The next vertex of the clique belongs to it, unless it has neighbours of its own.
            if let Some(next) = first(&self.later[vertex])
                && clique_of[next].is_none()
                && self.later[next].len() + 1 == self.later[vertex].len()
            {
                clique_of[next] = Some(clique);
            }
        }
        let clique = |Growing { mut coordinates, last }: Growing| {
            coordinates.sort_unstable();
            let mut separator = spread(&self.later[last]);
            separator.sort_unstable();
            let parent = first(&self.later[last]).and_then(|vertex| clique_of[vertex]);
            Clique { members: coordinates, parent, separator }
        };
        growing.into_iter().map(clique).collect()
    }
}
