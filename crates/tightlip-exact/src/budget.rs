//! How much a search may compute: counted in passes, not in seconds, so that a seed reproduces its answer.

use tightlip_model::{Limits, Network};

/// Multiplications by weights that a search may spend: below a second on one core for large layers.
const MULTIPLICATIONS: usize = 4_000_000_000;
/// Multiplications that an activation counts for.
const NEURON: usize = 20;
/// More passes than this do not improve tiny networks; they take some 30 ms.
const MOST_PASSES: usize = 120_000;
/// Enough to rank some starting points, however large the network is.
const LEAST_PASSES: usize = 600;

/// What is left of a search's budget. One pass is one column sent through all layers, forward or backward.
#[derive(Debug)]
pub(crate) struct Budget<'a> {
    passes_left: usize,
    limits: &'a Limits,
}

impl<'a> Budget<'a> {
    /// The budget for `network`.
    pub(crate) fn new(network: &Network, limits: &'a Limits) -> Self {
        let neurons: usize = network.hidden().iter().map(|(_, width)| width).sum();
        let pass = network.parameters() + NEURON * neurons + 1;
        Self { passes_left: (MULTIPLICATIONS / pass).clamp(LEAST_PASSES, MOST_PASSES), limits }
    }

    /// Takes `passes` off.
    pub(crate) fn spend(&mut self, passes: usize) {
        self.passes_left = self.passes_left.saturating_sub(passes);
    }

    /// Passes left; none when the computation was asked to stop.
    pub(crate) fn left(&self) -> usize {
        if self.limits.stop_requested() { 0 } else { self.passes_left }
    }
}
