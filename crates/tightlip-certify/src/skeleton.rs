//! What the inequalities of all multipliers for one system have in common: the live signals, the enclosures of the maps
//! between them, the slopes of the live neurons, and the order of elimination. Computed once, see `proof::Prover`.

use tightlip_model::{Edge, IncrementSystem, Limits, LinearMap, SlopeInterval};

use crate::Refusal;
use crate::elimination::{BlockGraph, Elimination};
use crate::enclosure::Enclosure;
use crate::signals::LiveSignals;
use crate::sums::column;

/// An edge between live signals.
#[derive(Debug, Clone)]
pub(crate) struct Coupling {
    /// The block the signals come from.
    pub(crate) from: usize,
    /// The block they go to.
    pub(crate) to: usize,
    /// How `weights` are stored.
    pub(crate) layout: Layout,
    /// The weights between live signals.
    pub(crate) weights: Enclosure,
}

/// How the weights of an edge are stored: the way the edge's block stands in the inequality, where the rows belong to
/// the block that is eliminated later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Rows are the targets of the edge.
    TargetsBySources,
    /// Rows are the sources of the edge.
    SourcesByTargets,
}

/// The part of the inequality that does not depend on the multipliers.
#[derive(Debug, Clone)]
pub(crate) struct Skeleton {
    pub(crate) live: LiveSignals,
    pub(crate) elimination: Elimination,
    /// In the order of the edges: by targets, then by sources.
    pub(crate) couplings: Vec<Coupling>,
    /// Slopes of the live neurons of every block; none for input and output.
    pub(crate) slopes: Vec<Vec<SlopeInterval>>,
}

/// Larger weights could underflow beside small multipliers by more than `UNDERFLOW` covers.
const LARGEST_WEIGHT: f64 = 1e60;

impl Skeleton {
    /// Encloses the maps of `system` and finds its live signals.
    ///
    /// # Errors
    /// [`Refusal::Memory`] if a proof would not fit, [`Refusal::Range`] if a weight is too large.
    pub(crate) fn new(system: &IncrementSystem, limits: &Limits) -> Result<Self, Refusal> {
        let elimination = Elimination::new(block_graph(system));
        check_memory(system, &elimination, limits)?;
        let enclosures: Vec<Enclosure> = system.edges().iter().map(|edge| Enclosure::of(&edge.map)).collect();
        let live = LiveSignals::new(system, &enclosures);
        let hidden = 1..system.output_block();
        let slopes =
            (0..system.blocks())
                .map(|k| {
                    if hidden.contains(&k) { live.of(k).iter().map(|&i| system.slopes(k)[i]).collect() } else { vec![] }
                })
                .collect();
        let edges = system.edges().iter().zip(enclosures);
        let couplings = if live.none() {
            // Nothing is going to be proved about the weights.
            Vec::new()
        } else {
            edges.map(|(edge, weights)| coupling(edge, weights, &live, &elimination)).collect::<Result<_, _>>()?
        };
        Ok(Self { live, elimination, couplings, slopes })
    }

    /// Edges into block `k`.
    pub(crate) fn into(&self, k: usize) -> impl Iterator<Item = &Coupling> {
        self.couplings.iter().filter(move |coupling| coupling.to == k)
    }
}

/// The live part of an edge, turned the way it is needed.
///
/// # Errors
/// [`Refusal::Range`] if a weight is too large.
fn coupling(
    edge: &Edge,
    weights: Enclosure,
    live: &LiveSignals,
    elimination: &Elimination,
) -> Result<Coupling, Refusal> {
    let &Edge { from, to, .. } = edge;
    // Written so that a NaN is refused.
    if !(0..weights.mid.ncols()).all(|c| column(&weights.mid, c).iter().all(|w| w.abs() <= LARGEST_WEIGHT)) {
        return Err(Refusal::Range {
            what: format!("a weight from block {from} to block {to} (want at most {LARGEST_WEIGHT:e} in magnitude)"),
        });
    }
    let weights = weights.into_part(live.of(to), live.of(from));
    Ok(if elimination.position(to) > elimination.position(from) {
        Coupling { from, to, layout: Layout::TargetsBySources, weights }
    } else {
        Coupling { from, to, layout: Layout::SourcesByTargets, weights: weights.transposed() }
    })
}

/// Which blocks of the inequality may differ from zero.
fn block_graph(system: &IncrementSystem) -> BlockGraph {
    let mut graph = BlockGraph::new((0..system.blocks()).map(|k| system.len(k)).collect());
    for edge in system.edges() {
        graph.couple(edge.to, edge.from);
    }
    let with_products = |k: &usize| system.slopes(*k).iter().any(|slope| slope.lower() * slope.upper() != 0.0);
    for k in (1..system.output_block()).filter(with_products) {
        let sources = || system.edges().iter().filter(|edge| edge.to == k).map(|edge| edge.from);
        for (i, j) in sources().flat_map(|i| sources().map(move |j| (i, j))) {
            graph.couple(i, j);
        }
    }
    graph
}

/// Declines a proof that would not fit into memory: the matrix, its factor, and one block of work.
fn check_memory(system: &IncrementSystem, elimination: &Elimination, limits: &Limits) -> Result<(), Refusal> {
    const MIB: u64 = 1 << 20;
    let size = |k: usize| system.len(k) as u64;
    let couplings: u64 = system.edges().iter().map(|edge| size(edge.from) * size(edge.to)).sum();
    // Composed maps are multiplied out one after another, from the input side.
    let inner = |map: &LinearMap| match map {
        LinearMap::Chain(maps) => maps.iter().map(|part| part.rows() as u64).sum::<u64>() * map.cols() as u64,
        _ => 0,
    };
    let composed: u64 = system.edges().iter().map(|edge| inner(&edge.map)).sum();
    // Enclosure, its live part turned, and the scaled block for couplings; factor, remainder and work for what is filled.
    let needed = 8 * (5 * couplings + 4 * composed + 3 * elimination.filled());
    if needed <= limits.memory_bytes {
        Ok(())
    } else {
        Err(Refusal::Memory { needed_mib: needed / MIB, limit_mib: limits.memory_bytes / MIB })
    }
}
