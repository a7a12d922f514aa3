//! Which matrix entries the rows of a conic form become; the table of the parent module.

use super::{SdpaBlock, SdpaEntry};
use crate::conic::Cone;
use crate::triangle;

/// Cones and their blocks. Cones without rows have none.
pub(super) struct Layout {
    pub(super) blocks: Vec<SdpaBlock>,
    /// The cones that have rows, one for each block.
    cones: Vec<Cone>,
    /// First row of each of them.
    first: Vec<usize>,
}

impl Layout {
    /// The blocks of `cones`.
    pub(super) fn of(cones: &[Cone]) -> Self {
        let mut layout = Self { blocks: Vec::new(), cones: Vec::new(), first: Vec::new() };
        let mut row = 0;
        for &cone in cones.iter().filter(|cone| cone.rows() > 0) {
            layout.blocks.push(match cone {
                Cone::Nonnegative(n) => SdpaBlock::Diagonal(n),
                Cone::SecondOrder(3) => SdpaBlock::Symmetric(2),
                Cone::SecondOrder(n) | Cone::PositiveSemidefinite(n) => SdpaBlock::Symmetric(n),
            });
            layout.cones.push(cone);
            layout.first.push(row);
            row += cone.rows();
        }
        layout
    }

    /// Appends the sorted entries of one matrix, given the rows of `A` or `b` that make it.
    pub(super) fn collect<'a>(
        &self,
        matrix: usize,
        rows: impl Iterator<Item = (usize, &'a f64)>,
        entries: &mut Vec<SdpaEntry>,
    ) {
        let start = entries.len();
        for (row, &value) in rows {
            // The file has F = −A and F_0 = −b.
            self.spread(row, -value, &mut |block, (row, column), value| {
                entries.push(SdpaEntry { matrix, block, row, column, value });
            });
        }
        entries[start..].sort_by_key(SdpaEntry::place);
        // Rows of a second-order cone meet on the diagonal: add up, and drop what cancelled.
        let mut kept = start;
        for at in start..entries.len() {
            let entry = entries[at];
            if kept > start && entries[kept - 1].place() == entry.place() {
                entries[kept - 1].value += entry.value;
            } else {
                entries[kept] = entry;
                kept += 1;
            }
        }
        entries.truncate(kept);
        let mut nonzero = start;
        for at in start..entries.len() {
            if entries[at].value != 0.0 {
                entries[nonzero] = entries[at];
                nonzero += 1;
            }
        }
        entries.truncate(nonzero);
    }

    /// Shows `visit` the entries `(block, (row, column), value)` to which `value` at a row contributes.
    fn spread(&self, row: usize, value: f64, visit: &mut dyn FnMut(usize, (usize, usize), f64)) {
        // The block counts from 1, so the number of cones that begin at or before the row is its name.
        let block = self.first.partition_point(|&first| first <= row);
        let k = row - self.first[block - 1];
        match self.cones[block - 1] {
            Cone::Nonnegative(_) => visit(block, (k + 1, k + 1), value),
            Cone::PositiveSemidefinite(_) => {
                let ((i, j), value) = triangle::entry(k, value);
                visit(block, (i + 1, j + 1), value);
            }
            Cone::SecondOrder(3) if k == 2 => visit(block, (1, 2), value),
            Cone::SecondOrder(3) => {
                visit(block, (1, 1), value);
                visit(block, (2, 2), if k == 0 { value } else { -value });
            }
            Cone::SecondOrder(_) if k > 0 => visit(block, (1, k + 1), value),
            Cone::SecondOrder(n) => (1..=n).for_each(|i| visit(block, (i, i), value)),
        }
    }
}
