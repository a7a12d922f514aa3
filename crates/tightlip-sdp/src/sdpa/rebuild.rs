//! A conic form from a semidefinite program.

use super::{SdpaBlock, SdpaProgram};
use crate::conic::{Cone, ConicBuilder, ConicForm};
use crate::error::Error;

/// Rows that are held at most: the offset alone takes a gibibyte then. A block may be announced with any order, so
/// without a limit a file of five lines could ask for all memory.
const MOST_ROWS: usize = 1 << 27;

/// Diagonal blocks become nonnegative cones, the others semidefinite ones.
pub(super) fn conic_form(program: &SdpaProgram) -> Result<ConicForm, Error> {
    let rows = program.blocks.iter().map(|block| match *block {
        SdpaBlock::Diagonal(order) => order as u128,
        SdpaBlock::Symmetric(order) => order as u128 * (order as u128 + 1) / 2,
    });
    let rows = rows.sum::<u128>();
    if rows > MOST_ROWS as u128 {
        return Err(Error::Rows { rows, most: MOST_ROWS });
    }
    let mut builder = ConicBuilder::new();
    let mut first = Vec::with_capacity(program.blocks.len());
    for block in &program.blocks {
        first.push(builder.cone(match *block {
            SdpaBlock::Diagonal(order) => Cone::Nonnegative(order),
            SdpaBlock::Symmetric(order) => Cone::PositiveSemidefinite(order),
        }));
    }
    for entry in &program.entries {
        let (start, i, j) = (first[entry.block - 1], entry.row - 1, entry.column - 1);
        match (program.blocks[entry.block - 1], entry.matrix.checked_sub(1)) {
            (SdpaBlock::Diagonal(_), Some(variable)) => builder.add(start + i, variable, entry.value),
            (SdpaBlock::Diagonal(_), None) => builder.add_constant(start + i, -entry.value),
            (SdpaBlock::Symmetric(_), Some(variable)) => {
                builder.add_symmetric(start, (i, j), variable, entry.value);
            }
            (SdpaBlock::Symmetric(_), None) => builder.add_symmetric_constant(start, (i, j), -entry.value),
        }
    }
    Ok(builder.finish(program.objective.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuilt_program_has_the_slack_of_the_text() {
        let text =
            "2\n2\n-2 4\n1 2\n0 1 2 2 -0.1\n0 2 1 4 0.7\n0 2 3 3 -0.2\n1 1 1 1 3\n1 2 2 4 0.3\n2 1 2 2 -5\n2 2 4 4 9\n";
        let program = SdpaProgram::read(text).expect("valid");
        let rebuilt = program.conic_form().expect("small");
        assert_eq!(rebuilt.cones, [Cone::Nonnegative(2), Cone::PositiveSemidefinite(4)]);
        assert_eq!(rebuilt.objective, [1.0, 2.0]);
        let again = SdpaProgram::of(&rebuilt).expect("finite");
        let x = [0.9, -1.7];
        for (slack, again) in program.slack(&x).iter().zip(again.slack(&x)) {
            assert!((slack - again).norm_max() <= 4.0 * f64::EPSILON * slack.norm_max());
        }
        assert_eq!(program.slack(&x)[0][(1, 1)], -5.0 * x[1] + 0.1);
    }
}
