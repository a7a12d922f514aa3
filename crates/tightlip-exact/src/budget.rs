//! How much a search may compute: counted in passes, not in seconds, so that a seed reproduces its answer.

use tightlip_model::{Activation, Limits, Network};

/// Multiplications that a search may spend: about half a second on one core for large layers.
const MULTIPLICATIONS: usize = 2_000_000_000;
/// More passes than this hardly improve small networks; they take some 30 ms.
const MOST_PASSES: usize = 80_000;
/// Enough to rank some starting points, however large the network is.
const LEAST_PASSES: usize = 600;

/// What is left of a search's budget. One pass is one column sent through all layers, forward or backward.
#[derive(Debug)]
pub(crate) struct Budget<'a> {
    passes_left: usize,
    limits: &'a Limits,
}

impl<'a> Budget<'a> {
    /// The budget for one of `questions` questions about `network`, which share that of one.
    pub(crate) fn new(network: &Network, questions: usize, limits: &'a Limits) -> Self {
        let activations: usize =
            network.hidden().iter().map(|&(activation, width)| multiplications(activation) * width).sum();
        let pass = network.parameters() + activations + 1;
        let all = (MULTIPLICATIONS / pass).min(MOST_PASSES);
        Self { passes_left: (all / questions).max(LEAST_PASSES), limits }
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

/// Multiplications that one value and one slope of an activation are worth, spread over the passes of a point
/// (measured: an exponential is some 10 ns, the series of GELU some 300 ns).
fn multiplications(activation: Activation) -> usize {
    match activation {
        Activation::Gelu => 1500,
        piecewise_linear if piecewise_linear.is_piecewise_linear() => 10,
        _ => 60,
    }
}
