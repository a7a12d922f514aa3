//! What can be wrong with a program that is written, or with a file that comes back.

use std::io;

/// Errors of this crate. Each says what was found, where, and what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The writer failed.
    #[error("the program cannot be written: {0}")]
    Write(#[from] io::Error),
    /// A coefficient that no file can carry.
    #[error("{place} of the program is {value}: want finite numbers")]
    Coefficient {
        /// Where it stands.
        place: String,
        /// The coefficient.
        value: f64,
    },
    /// A file without content.
    #[error("the file is empty: want {wanted}")]
    Empty {
        /// What was to be read.
        wanted: &'static str,
    },
    /// A file that ends too early.
    #[error("the file is cut off {place}: want {wanted}")]
    Truncated {
        /// Where it ends.
        place: String,
        /// What should follow.
        wanted: &'static str,
    },
    /// A file of another kind.
    #[error("the file is {found}: want {wanted}")]
    Kind {
        /// What the content looks like.
        found: &'static str,
        /// What was to be read.
        wanted: &'static str,
    },
    /// Text that does not belong where it stands.
    #[error("line {line} has `{found}`: want {wanted}")]
    Syntax {
        /// Line of the file, from 1.
        line: usize,
        /// The text, shortened.
        found: String,
        /// What was wanted there.
        wanted: String,
    },
    /// A list whose length is not the announced one.
    #[error("line {line} has {found} {items}, {announced} were announced")]
    Count {
        /// Line of the file, from 1.
        line: usize,
        /// What the list holds.
        items: &'static str,
        /// Number found.
        found: usize,
        /// Number announced.
        announced: usize,
    },
    /// A matrix entry given twice.
    #[error("entry ({row}, {column}) of block {block} of matrix {matrix} is given twice: want each entry once")]
    Duplicate {
        /// Matrix, 0 for the constant one.
        matrix: usize,
        /// Block, from 1.
        block: usize,
        /// Row, from 1.
        row: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A solution of another program.
    #[error("the solution has {found} values, the program {wanted} variables: is it the solution of this program?")]
    SolutionLength {
        /// Values found.
        found: usize,
        /// Variables of the program.
        wanted: usize,
    },
    /// A value of a solution that is no finite number.
    #[error("value {index} of the solution is `{found}`: want a finite number")]
    SolutionValue {
        /// The variable, from 1 as in the file.
        index: usize,
        /// The text.
        found: String,
    },
    /// A program too large to be held.
    #[error("the program has {rows} rows, at most {most} are held in memory")]
    Rows {
        /// Rows of the program.
        rows: u128,
        /// The limit.
        most: usize,
    },
    /// A part of a JSON program that does not fit the rest.
    #[error("{what} is {found}: want {wanted}")]
    Shape {
        /// The part.
        what: String,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// A sidecar that belongs to another program.
    #[error("the sidecar has {what} {found}, here it is {wanted}: want the sidecar of this network and program")]
    Sidecar {
        /// The part that differs.
        what: String,
        /// What the sidecar says.
        found: String,
        /// What was built now.
        wanted: String,
    },
    /// JSON that cannot be read or written.
    #[error("not the JSON that was wanted: {0}")]
    Json(#[from] serde_json::Error),
}

/// Text of a file, short enough for a message.
pub(crate) fn shortened(text: &str) -> String {
    // Room for one number with its sign and exponent, and a little of what follows.
    const LONGEST: usize = 40;
    let text = text.trim();
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
