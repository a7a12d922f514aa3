//! Which signals take part in the inequality, found without the matrices of the maps: by following which signals reach
//! which. A signal that never moves (`δ_j = 0`) or that nothing reads may be left out, see `signals.rs`.

use tightlip_model::{IncrementSystem, Multipliers};

use super::passes::{Direction, Weighing, pass};
use crate::{Refusal, claim};

/// For every block and signal, whether it moves and is seen.
#[derive(Debug, Clone)]
pub(super) struct LiveMask(Vec<Vec<bool>>);

impl LiveMask {
    /// Finds the signals that the input moves and the output sees.
    pub(super) fn new(system: &IncrementSystem) -> Self {
        let last = system.output_block();
        let marks = |marked: usize| -> Vec<Vec<f64>> {
            (0..=last).map(|k| vec![f64::from(u8::from(k == marked)); system.len(k)]).collect()
        };
        let mut moves = marks(0);
        for edge in system.edges() {
            let reached = pass(&edge.map, &moves[edge.from], Direction::Forward, Weighing::Presence);
            add(&mut moves[edge.to], &reached);
        }
        let mut seen = marks(last);
        for edge in system.edges().iter().rev() {
            let live: Vec<f64> = seen[edge.to].iter().zip(&moves[edge.to]).map(|(s, m)| s * m).collect();
            let reached = pass(&edge.map, &live, Direction::Backward, Weighing::Presence);
            add(&mut seen[edge.from], &reached);
        }
        let both = |(s, m): (&Vec<f64>, &Vec<f64>)| s.iter().zip(m).map(|(s, m)| s * m != 0.0).collect();
        Self(seen.iter().zip(&moves).map(both).collect())
    }

    /// Whether the output does not depend on the input at all.
    pub(super) fn none(&self) -> bool {
        !self.0.iter().flatten().any(|&live| live)
    }

    /// The signals of block `k`.
    pub(super) fn of(&self, k: usize) -> &[bool] {
        &self.0[k]
    }

    /// Checks lengths and signs: every multiplier finite and ≥ 0, those of live signals > 0.
    pub(super) fn check(&self, multipliers: &Multipliers) -> Result<(), Refusal> {
        let lengths: Vec<usize> = self.0.iter().map(Vec::len).collect();
        claim::check(multipliers, &lengths, &|k, i| self.0[k][i])
    }
}

/// Marks what is marked in `more`.
fn add(marks: &mut [f64], more: &[f64]) {
    marks.iter_mut().zip(more).for_each(|(mark, &more)| *mark = mark.max(more));
}
