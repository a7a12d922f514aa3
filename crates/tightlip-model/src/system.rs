//! The increment system: the canonical form of every network, the thing a bound is about.
//!
//! For two inputs `x, x′` write `δ_0 = x − x′`, `δ_k` for the difference of the signals after hidden block `k`, and
//! `δ_out` for the difference of the outputs. Then
//!
//!   `s_k = Σ_{edges i→k} W_{k,i} δ_i`,   `α_j s_j ≤ δ_j ≤ β_j s_j` (in the sector sense),   `δ_out = Σ_{edges i→out} W_{out,i} δ_i`.
//!
//! A chain has one edge into each block; a residual network has more. Biases do not enter.

use crate::{Error, Layer, LinearMap, Network, OutputSelection, SlopeInterval};

/// A linear map from one block of signals to a later one.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// Block the signals come from: 0 is the input.
    pub from: usize,
    /// Block they go to: hidden blocks count from 1, the output is the last.
    pub to: usize,
    /// The map.
    pub map: LinearMap,
}

/// Blocks of signals (input, hidden, output), a slope interval for each hidden neuron, and edges between blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct IncrementSystem {
    inputs: usize,
    hidden: Vec<Vec<SlopeInterval>>,
    outputs: usize,
    edges: Vec<Edge>,
}

impl IncrementSystem {
    /// A system of `inputs`, hidden blocks with their neurons' slopes, `outputs`, and edges (at most one between two
    /// blocks). Edges are kept in the order of their targets, then sources.
    ///
    /// # Errors
    /// [`Error::System`] if an edge does not lead forward, does not fit its blocks, or stands twice.
    pub fn new(
        inputs: usize,
        hidden: Vec<Vec<SlopeInterval>>,
        outputs: usize,
        mut edges: Vec<Edge>,
    ) -> Result<Self, Error> {
        let reject = |reason: String| Err(Error::System { reason });
        edges.sort_by_key(|edge| (edge.to, edge.from));
        let system = Self { inputs, hidden, outputs, edges };
        for edge in &system.edges {
            let (from, to) = (edge.from, edge.to);
            if from >= to || to >= system.blocks() {
                return reject(format!(
                    "the edge {from} → {to} does not lead forward to one of {} blocks",
                    system.blocks()
                ));
            }
            if edge.map.cols() != system.len(from) || edge.map.rows() != system.len(to) {
                return reject(format!(
                    "the edge {from} → {to} is {} × {}, want {} × {}",
                    edge.map.rows(),
                    edge.map.cols(),
                    system.len(to),
                    system.len(from)
                ));
            }
        }
        if let Some(pair) =
            system.edges.windows(2).find(|pair| (pair[0].from, pair[0].to) == (pair[1].from, pair[1].to))
        {
            return reject(format!("two edges {} → {}: add their maps", pair[0].from, pair[0].to));
        }
        Ok(system)
    }

    /// The increments of `network` for the selected outputs. Exact: neighbouring affine maps are composed, not
    /// multiplied, and the selection is one more map.
    ///
    /// # Errors
    /// [`Error::Output`] if the network does not have the selected outputs.
    pub fn of_network(network: &Network, output: OutputSelection) -> Result<Self, Error> {
        let selection = output.validated(network.outputs())?.map(network.outputs());
        let mut hidden: Vec<Vec<SlopeInterval>> = Vec::new();
        let mut edges = Vec::new();
        let mut pending: Option<LinearMap> = None;
        let mut width = network.inputs();
        for layer in network.layers() {
            match layer {
                Layer::Affine(affine) => {
                    width = affine.map().rows();
                    pending = Some(composed(pending, affine.map().clone()));
                }
                Layer::Activation(activation) => {
                    let map = pending.take().unwrap_or_else(|| LinearMap::identity(width));
                    hidden.push(vec![activation.slope_interval(); width]);
                    edges.push(Edge { from: hidden.len() - 1, to: hidden.len(), map });
                }
            }
        }
        let last = hidden.len();
        let mut map = pending.unwrap_or_else(|| LinearMap::identity(width));
        if let OutputSelection::Difference(i, j) = output {
            map = without_common(map, i, j);
        }
        if let Some(selection) = selection {
            map = composed(Some(map), selection);
        }
        let outputs = map.rows();
        edges.push(Edge { from: last, to: last + 1, map });
        Self::new(network.inputs(), hidden, outputs, edges)
    }

    /// Number of blocks: input, hidden blocks, output.
    pub fn blocks(&self) -> usize {
        self.hidden.len() + 2
    }

    /// The index of the output block.
    pub fn output_block(&self) -> usize {
        self.hidden.len() + 1
    }

    /// Number of signals of a block.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn len(&self, block: usize) -> usize {
        match block {
            0 => self.inputs,
            _ if block <= self.hidden.len() => self.hidden[block - 1].len(),
            _ => {
                assert_eq!(block, self.output_block(), "blocks count to the output");
                self.outputs
            }
        }
    }

    /// Slope intervals of the neurons of hidden block `k`, which counts from 1.
    ///
    /// # Panics
    /// If `k` is not a hidden block.
    pub fn slopes(&self, k: usize) -> &[SlopeInterval] {
        &self.hidden[k - 1]
    }

    /// Number of hidden blocks `H`.
    pub fn hidden_blocks(&self) -> usize {
        self.hidden.len()
    }

    /// Number of hidden neurons `N`.
    pub fn neurons(&self) -> usize {
        self.hidden.iter().map(Vec::len).sum()
    }

    /// Whether there is one edge into each block, from the block before: no skip connection.
    pub fn is_chain(&self) -> bool {
        self.edges.len() == self.output_block() && self.edges.iter().all(|edge| edge.to == edge.from + 1)
    }

    /// The edges, in the order of their targets, then sources.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Entries of all maps as dense matrices.
    pub fn weights(&self) -> u64 {
        self.edges.iter().map(|edge| edge.map.rows() as u64 * edge.map.cols() as u64).sum()
    }

    /// The edges into a block.
    pub fn edges_into(&self, block: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == block)
    }

    /// For every block, which of its signals matter: a signal whose incoming coefficients all vanish never moves, a
    /// signal that reaches no output is never seen; both are *dead* and can be left out of a program. Found by one
    /// forward and one backward pass over the patterns of the maps.
    pub fn live(&self) -> Vec<Vec<bool>> {
        let mut moves: Vec<Vec<bool>> = (0..self.blocks()).map(|k| vec![k == 0; self.len(k)]).collect();
        for edge in &self.edges {
            let (sources, targets) = moves.split_at_mut(edge.to);
            edge.map.for_each_nonzero(&mut |i, j| targets[0][i] |= sources[edge.from][j]);
        }
        let mut seen: Vec<Vec<bool>> = moves.clone();
        for block in seen.iter_mut().take(self.output_block()) {
            block.fill(false);
        }
        for edge in self.edges.iter().rev() {
            let (sources, targets) = seen.split_at_mut(edge.to);
            edge.map.for_each_nonzero(&mut |i, j| sources[edge.from][j] |= targets[0][i]);
        }
        for (block, reach) in seen.iter_mut().zip(&moves) {
            for (live, &moving) in block.iter_mut().zip(reach) {
                *live &= moving;
            }
        }
        seen
    }
}

/// The map with zeros where rows `i` and `j` are equal: their difference is the same number, and the signals that cancel in
/// it are seen to take no part. (As neurons with an exactly zero outgoing weight they would have unbounded multipliers.)
fn without_common(map: LinearMap, i: usize, j: usize) -> LinearMap {
    match map {
        LinearMap::Dense(mut matrix) => {
            for k in (0..matrix.ncols()).filter(|&k| matrix[(i, k)] == matrix[(j, k)]).collect::<Vec<_>>() {
                matrix[(i, k)] = 0.0;
                matrix[(j, k)] = 0.0;
            }
            LinearMap::Dense(matrix)
        }
        LinearMap::Chain(mut maps) => {
            let last = maps.pop().expect("a chain has a map");
            maps.push(without_common(last, i, j));
            LinearMap::Chain(maps)
        }
        // No format brings a last layer of these.
        other @ (LinearMap::Sparse(_) | LinearMap::Scale(_) | LinearMap::Divide(_)) => other,
    }
}

/// `first` followed by `second`; identities vanish.
fn composed(first: Option<LinearMap>, second: LinearMap) -> LinearMap {
    let is_identity = |map: &LinearMap| matches!(map, LinearMap::Scale(d) if d.iter().all(|&f| f == 1.0));
    match first {
        None => second,
        Some(first) if is_identity(&second) => first,
        Some(first) if is_identity(&first) => second,
        Some(first) => first.then(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Affine};

    fn affine(rows: &[Vec<f64>]) -> Layer {
        Layer::Affine(Affine::new(LinearMap::from_rows(rows), Vec::new()))
    }

    #[test]
    fn dead_neurons_are_those_that_never_move_or_are_never_seen() {
        // Neuron 0 of layer 1 has a zero row; neuron 0 of layer 2 listens only to it; neuron 2 of layer 2 is not read.
        let network = Network::new(vec![
            affine(&[vec![0.0, 0.0], vec![1.0, 0.0]]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![5.0, 0.0], vec![0.0, 1.0], vec![1.0, 1.0]]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![1.0, 1.0, 0.0]]),
        ])
        .expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let live = system.live();
        assert_eq!(live[0], [true, false]);
        assert_eq!(live[1], [false, true]);
        assert_eq!(live[2], [false, true, false]);
        assert_eq!(live[3], [true]);
    }

    #[test]
    fn a_network_that_ends_in_an_activation_gets_an_identity_edge_and_a_selection_a_row() {
        let network =
            Network::new(vec![affine(&[vec![1.0], vec![2.0]]), Layer::Activation(Activation::Tanh)]).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::Difference(1, 0)).expect("valid");
        assert_eq!((system.blocks(), system.neurons(), system.len(2)), (3, 2, 1));
        assert_eq!(system.edges()[1].map.to_dense(), LinearMap::from_rows(&[vec![-1.0, 1.0]]).to_dense());
    }

    #[test]
    fn neurons_whose_weights_cancel_in_a_difference_take_no_part_in_it() {
        let layers = |last: &[Vec<f64>]| {
            let first = affine(&[vec![1.0], vec![2.0], vec![3.0]]);
            Network::new(vec![first, Layer::Activation(Activation::Relu), affine(last)]).expect("valid")
        };
        let network = layers(&[vec![0.1, 0.2, 0.3], vec![0.5, 0.5, 0.5], vec![0.1, 0.3, 0.3]]);
        let system = IncrementSystem::of_network(&network, OutputSelection::Difference(0, 2)).expect("valid");
        assert_eq!(system.live()[1], [false, true, false]);
        let expected = LinearMap::from_rows(&[vec![0.0, 0.2 - 0.3, 0.0]]);
        assert_eq!(system.edges()[1].map.to_dense(), expected.to_dense());
        let equal = layers(&[vec![0.1, 0.2, 0.3], vec![0.1, 0.2, 0.3]]);
        let system = IncrementSystem::of_network(&equal, OutputSelection::Difference(1, 0)).expect("valid");
        assert_eq!(
            (system.live()[0].as_slice(), system.live()[1].as_slice()),
            ([false].as_slice(), [false; 3].as_slice())
        );
    }

    #[test]
    fn edges_that_do_not_fit_are_refused() {
        let edge = |from, to, n: usize| Edge { from, to, map: LinearMap::identity(n) };
        let slopes = vec![vec![SlopeInterval::UNIT; 2]];
        for edges in [vec![edge(1, 1, 2)], vec![edge(0, 3, 2)], vec![edge(0, 1, 3)], vec![edge(0, 1, 2), edge(0, 1, 2)]]
        {
            assert!(IncrementSystem::new(2, slopes.clone(), 2, edges).is_err());
        }
    }
}
