//! Which signals take part in the inequality, found without the matrices of the maps: by following which signals reach
//! which. A signal that never moves (`δ_j = 0`) or that nothing reads may be left out, see `signals.rs`.

use tightlip_model::{IncrementSystem, Multipliers, Weight};

use super::passes::{Direction, Weighing, pass};
use crate::Refusal;

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
    pub(super) fn check(&self, system: &IncrementSystem, multipliers: &Multipliers) -> Result<(), Refusal> {
        let last = system.output_block();
        if multipliers.hidden.len() != system.hidden_blocks() {
            return Err(Refusal::Shape {
                what: "hidden layers of multipliers".to_owned(),
                found: multipliers.hidden.len(),
                wanted: system.hidden_blocks(),
            });
        }
        self.check_weight("input", 0, &multipliers.input)?;
        for (k, values) in (1..last).zip(&multipliers.hidden) {
            self.check_values(&format!("hidden layer {k}"), k, values)?;
        }
        self.check_weight("output", last, &multipliers.output)
    }

    /// Checks one of the two weights.
    fn check_weight(&self, name: &str, block: usize, weight: &Weight) -> Result<(), Refusal> {
        match weight {
            Weight::Uniform(value) => self.check_values(name, block, &vec![*value; self.of(block).len()]),
            Weight::PerCoordinate(values) => self.check_values(name, block, values),
        }
    }

    /// Checks the multipliers of one block.
    fn check_values(&self, name: &str, block: usize, values: &[f64]) -> Result<(), Refusal> {
        let live = self.of(block);
        if values.len() != live.len() {
            return Err(Refusal::Shape {
                what: format!("multipliers of the {name}"),
                found: values.len(),
                wanted: live.len(),
            });
        }
        if let Some(i) = values.iter().position(|v| !(v.is_finite() && *v >= 0.0)) {
            return Err(Refusal::Multiplier { place: format!("the {name}, entry {i}"), value: values[i] });
        }
        match values.iter().zip(live).position(|(&value, &live)| live && value == 0.0) {
            Some(i) => Err(Refusal::Zero { place: format!("the {name}, entry {i}") }),
            None => Ok(()),
        }
    }
}

/// Marks what is marked in `more`.
fn add(marks: &mut [f64], more: &[f64]) {
    marks.iter_mut().zip(more).for_each(|(mark, &more)| *mark = mark.max(more));
}
