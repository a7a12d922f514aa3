//! Which signals take part in the inequality.
//!
//! A hidden neuron whose incoming weights vanish has `δ_j = 0` for every pair of inputs (`φ(c) − φ(c) = 0`), so its
//! coordinate may be left out; likewise a signal that nothing reads. Found anew here, from the enclosures of the maps,
//! so that a wrong idea of "dead" elsewhere cannot remove anything.

use tightlip_model::{IncrementSystem, Multipliers};

use crate::enclosure::Enclosure;
use crate::{Refusal, claim};

/// Indices of the live signals of every block.
#[derive(Debug, Clone)]
pub(crate) struct LiveSignals {
    /// In increasing order.
    indices: Vec<Vec<usize>>,
    /// Signals of every block, dead ones included.
    lengths: Vec<usize>,
}

impl LiveSignals {
    /// Finds the signals that move and are seen; `enclosures` are those of the edges.
    pub(crate) fn new(system: &IncrementSystem, enclosures: &[Enclosure]) -> Self {
        let last = system.output_block();
        let mut moves: Vec<Vec<bool>> = (0..=last).map(|k| vec![k == 0; system.len(k)]).collect();
        for (edge, weights) in system.edges().iter().zip(enclosures) {
            for i in 0..system.len(edge.to) {
                moves[edge.to][i] = moves[edge.to][i]
                    || (0..system.len(edge.from)).any(|j| moves[edge.from][j] && weights.may_differ_from_zero(i, j));
            }
        }
        let mut seen: Vec<Vec<bool>> = (0..=last).map(|k| vec![k == last; system.len(k)]).collect();
        for (edge, weights) in system.edges().iter().zip(enclosures).rev() {
            for j in 0..system.len(edge.from) {
                seen[edge.from][j] = seen[edge.from][j]
                    || (0..system.len(edge.to))
                        .any(|i| moves[edge.to][i] && seen[edge.to][i] && weights.may_differ_from_zero(i, j));
            }
        }
        let both = |k: usize| (0..system.len(k)).filter(|&i| moves[k][i] && seen[k][i]).collect();
        Self { indices: (0..=last).map(both).collect(), lengths: (0..=last).map(|k| system.len(k)).collect() }
    }

    /// The live signals of block `k`.
    pub(crate) fn of(&self, k: usize) -> &[usize] {
        &self.indices[k]
    }

    /// Whether the output does not depend on the input at all.
    pub(crate) fn none(&self) -> bool {
        self.indices.iter().all(Vec::is_empty)
    }

    /// Checks lengths and signs: every multiplier finite and ≥ 0, those of live signals > 0.
    pub(crate) fn check(&self, multipliers: &Multipliers) -> Result<(), Refusal> {
        claim::check(multipliers, &self.lengths, &|k, i| self.indices[k].binary_search(&i).is_ok())
    }
}
