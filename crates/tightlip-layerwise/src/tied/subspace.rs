//! The columns to which the program is projected.

use faer::{Mat, MatRef};

use super::evaluation::Direction;
use crate::Chain;

/// Directions, whole and in pieces.
pub(super) struct Subspace {
    sizes: Vec<usize>,
    columns: Vec<Direction>,
    /// Columns ever added.
    added: usize,
}

/// Pieces a direction is cut into: the projection of each to its own blocks. More pieces close the gap in fewer eliminations and make
/// the projected program larger.
const PIECES: usize = 12;
/// The latest columns that are kept: the order of the projected matrices.
pub(super) const MOST_COLUMNS: usize = 120;

impl Subspace {
    /// No columns.
    pub(super) fn new(chain: &Chain) -> Self {
        let hidden = (1..=chain.hidden_layers()).map(|k| chain.slopes(k).len());
        Self { sizes: std::iter::once(chain.map(1).ncols()).chain(hidden).collect(), columns: Vec::new(), added: 0 }
    }

    /// How many were added so far.
    pub(super) fn columns(&self) -> usize {
        self.added
    }

    /// Adds the pieces of directions.
    pub(super) fn add(&mut self, directions: &[Direction]) {
        let blocks = self.sizes.len();
        let pieces = PIECES.min(blocks);
        for direction in directions {
            for piece in 0..pieces {
                let range = piece * blocks / pieces..(piece + 1) * blocks / pieces;
                let part: Direction = direction
                    .iter()
                    .enumerate()
                    .map(|(k, block)| if range.contains(&k) { block.clone() } else { Vec::new() })
                    .collect();
                let largest = part.iter().flatten().fold(0.0_f64, |largest, entry| largest.max(entry.abs()));
                if largest.is_normal() && part.iter().flatten().all(|entry| entry.is_finite()) {
                    self.columns.push(part);
                    self.added += 1;
                }
            }
        }
        let excess = self.columns.len().saturating_sub(MOST_COLUMNS);
        self.columns.drain(..excess);
    }

    /// `V_k`.
    pub(super) fn block(&self, k: usize) -> Mat<f64> {
        Mat::from_fn(self.sizes[k], self.columns.len(), |i, j| self.columns[j][k].get(i).copied().unwrap_or(0.0))
    }

    /// `W V_k` for a map that reads block `k`.
    pub(super) fn mapped(&self, map: MatRef<'_, f64>, k: usize) -> Mat<f64> {
        map * self.block(k)
    }
}
