//! Coordinates with the same neighbours are one vertex: a chain of layers is a path, however wide the layers are.
//!
//! Two kinds: *adjacent* coordinates with the same closed neighbourhood (a clique), and *independent* ones with the same
//! open neighbourhood (neurons of a layer with slopes `[0, 1]` are not coupled with each other). Eliminating a vertex makes
//! its neighbours adjacent, within themselves too.

use std::collections::{BTreeSet, HashMap};

use super::Pattern;
use super::elimination::Elimination;

/// A pattern with coordinates put together.
pub(super) struct Quotient {
    vertices: Vec<Vertex>,
    /// Entries that were filled to put coordinates together that do not have the same neighbours.
    filled: usize,
}

/// Coordinates with the same neighbours.
#[derive(Clone)]
struct Vertex {
    coordinates: Vec<usize>,
    /// Whether they are coupled with each other.
    adjacent: bool,
    neighbours: BTreeSet<usize>,
}

impl Vertex {
    fn weight(&self) -> usize {
        self.coordinates.len()
    }

    /// Entries between its coordinates that are not there.
    fn missing_inside(&self) -> usize {
        if self.adjacent { 0 } else { self.weight() * (self.weight() - 1) / 2 }
    }
}

impl Quotient {
    pub(super) fn of(pattern: &Pattern) -> Self {
        let closed = |i: usize| {
            let mut around = pattern.neighbours(i).to_vec();
            around.insert(around.partition_point(|&j| j < i), i);
            around
        };
        let all: Vec<usize> = (0..pattern.order()).collect();
        let (adjacent, single): (Vec<_>, Vec<_>) =
            grouped(&all, closed).into_iter().partition(|coordinates| coordinates.len() > 1);
        let single: Vec<usize> = single.concat();
        let independent = grouped(&single, |i| pattern.neighbours(i).to_vec());
        let mut vertices: Vec<Vertex> = adjacent
            .into_iter()
            .map(|coordinates| (coordinates, true))
            .chain(independent.into_iter().map(|coordinates| (coordinates, false)))
            .map(|(coordinates, adjacent)| Vertex { coordinates, adjacent, neighbours: BTreeSet::new() })
            .collect();
        // Vertices in the order of their coordinates, so that ties are broken the same way for every network.
        vertices.sort_by_key(|vertex| vertex.coordinates[0]);
        let mut vertex_of = vec![0; pattern.order()];
        for (number, vertex) in vertices.iter().enumerate() {
            vertex.coordinates.iter().for_each(|&i| vertex_of[i] = number);
        }
        for (number, vertex) in vertices.iter_mut().enumerate() {
            let around = pattern.neighbours(vertex.coordinates[0]).iter().map(|&j| vertex_of[j]);
            vertex.neighbours = around.filter(|&other| other != number).collect();
        }
        Self { vertices, filled: 0 }.or_one_clique()
    }

    /// All coordinates as one vertex, where finding an order would take too long to be worth it.
    fn or_one_clique(self) -> Self {
        /// Looks at neighbours that an elimination by degree takes at most: about a second.
        const MOST_NEIGHBOURS: usize = 20_000_000;
        let looks = self.len().saturating_mul(self.vertices.iter().map(|vertex| vertex.neighbours.len()).sum());
        if looks <= MOST_NEIGHBOURS {
            return self;
        }
        let filled = self.missing_of_all();
        let mut coordinates: Vec<usize> = self.vertices.into_iter().flat_map(|vertex| vertex.coordinates).collect();
        coordinates.sort_unstable();
        Self { vertices: vec![Vertex { coordinates, adjacent: true, neighbours: BTreeSet::new() }], filled }
    }

    /// Number of vertices.
    pub(super) fn len(&self) -> usize {
        self.vertices.len()
    }

    /// Coordinates of a vertex.
    pub(super) fn coordinates(&self, vertex: usize) -> &[usize] {
        &self.vertices[vertex].coordinates
    }

    /// Entries that make all coordinates one clique.
    fn missing_of_all(&self) -> usize {
        let order: usize = self.vertices.iter().map(Vertex::weight).sum();
        let inside = |vertex: &Vertex| vertex.weight() * (vertex.weight() - 1) / 2 - vertex.missing_inside();
        let between = |vertex: &Vertex| {
            let around: usize = vertex.neighbours.iter().map(|&other| self.vertices[other].weight()).sum();
            vertex.weight() * around
        };
        let present = self.vertices.iter().map(|vertex| 2 * inside(vertex) + between(vertex)).sum::<usize>() / 2;
        order * order.saturating_sub(1) / 2 - present
    }

    /// Eliminates the vertices greedily.
    pub(super) fn eliminate(&self) -> Elimination {
        /// Looks at pairs of neighbours beyond which the fill of each vertex is too dear to know; then the degree decides.
        const MOST_PAIRS: usize = 10_000_000;
        let degrees = || self.vertices.iter().map(|vertex| vertex.neighbours.len());
        let by_fill = self.len() * degrees().map(|degree| degree * degree).sum::<usize>() <= MOST_PAIRS;
        let mut graph = self.vertices.clone();
        let mut left: BTreeSet<usize> = (0..self.len()).collect();
        let mut elimination = Elimination::of(self.len(), self.filled);
        while !left.is_empty() {
            let price = |&vertex: &usize| {
                let around: usize = graph[vertex].neighbours.iter().map(|&other| graph[other].weight()).sum();
                let own = if graph[vertex].adjacent { graph[vertex].weight() - 1 } else { 0 };
                (if by_fill { missing(&graph, vertex) } else { 0 }, around + own, vertex)
            };
            let Some(next) = left.iter().copied().min_by_key(price) else { break };
            let fill = missing(&graph, next);
            let around = std::mem::take(&mut graph[next].neighbours);
            for &one in &around {
                graph[one].neighbours.remove(&next);
                graph[one].neighbours.extend(around.iter().copied().filter(|&other| other != one));
                graph[one].adjacent = true;
            }
            left.remove(&next);
            elimination.eliminate(next, around, (fill, graph[next].adjacent));
        }
        elimination
    }
}

/// Coordinates with the same key, in the order of the first of each.
fn grouped(coordinates: &[usize], key: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &i in coordinates {
        let group = *known.entry(key(i)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(i);
    }
    groups
}

/// Entries that eliminating a vertex fills.
fn missing(graph: &[Vertex], vertex: usize) -> usize {
    let around: Vec<usize> = graph[vertex].neighbours.iter().copied().collect();
    let mut missing = 0;
    for (at, &one) in around.iter().enumerate() {
        missing += graph[one].missing_inside();
        for &other in around[at + 1..].iter().filter(|&&other| !graph[one].neighbours.contains(&other)) {
            missing += graph[one].weight() * graph[other].weight();
        }
    }
    missing
}
