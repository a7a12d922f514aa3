//! The strict reader of the sparse text. Nothing is allocated by an announced number, only by what stands in the text.

use super::{SdpaBlock, SdpaEntry, SdpaProgram};
use crate::error::{Error, shortened};

/// What the reader takes, for messages.
const WANTED: &str = "a semidefinite program in SDPA's sparse text";

/// Largest order of a block; far above what any solver holds, and small enough that no product overflows.
const LARGEST_ORDER: u64 = 1 << 31;

/// The lines that carry data, with their numbers from 1.
type Lines<'a> = dyn Iterator<Item = (usize, &'a str)> + 'a;

/// Reads a program.
pub(super) fn program(text: &str) -> Result<SdpaProgram, Error> {
    if text.trim().is_empty() {
        return Err(Error::Empty { wanted: WANTED });
    }
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let mut lines =
        numbered.skip_while(|(_, line)| line.starts_with(['"', '*'])).filter(|(_, line)| !line.trim().is_empty());
    let variables = count(&mut lines, "the number of variables")?;
    let blocks = count(&mut lines, "the number of blocks")?;
    let blocks = sizes(&mut lines, blocks)?;
    let objective = objective(&mut lines, variables)?;
    let mut entries = Vec::new();
    for (line, text) in lines {
        let entry = entry(line, text, (variables, &blocks))?;
        if entry.value != 0.0 {
            entries.push(entry);
        }
    }
    if !text.ends_with('\n') {
        // The last number may have lost digits and would still be read as a number.
        return Err(Error::Truncated { place: "in its last line".to_owned(), wanted: "a line that is complete" });
    }
    entries.sort_by_key(SdpaEntry::place);
    match entries.windows(2).find(|pair| pair[0].place() == pair[1].place()) {
        Some(&[SdpaEntry { matrix, block, row, column, .. }, _]) => {
            Err(Error::Duplicate { matrix, block, row, column })
        }
        _ => Ok(SdpaProgram { objective, blocks, entries }),
    }
}

/// The next line of the head.
fn next<'a>(lines: &mut Lines<'a>, wanted: &'static str) -> Result<(usize, &'a str), Error> {
    lines.next().ok_or_else(|| Error::Truncated { place: "in its head".to_owned(), wanted })
}

/// The numbers a line begins with; SDPA lets text follow them, and brackets and commas stand between them.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let separates = |c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '{' | '}');
    let is_number = |field: &&str| field.parse::<f64>().is_ok();
    line.split(separates).filter(|field| !field.is_empty()).take_while(is_number)
}

/// A positive number on its own line.
fn count(lines: &mut Lines<'_>, what: &'static str) -> Result<usize, Error> {
    let (line, text) = next(lines, what)?;
    let mut fields = fields(text);
    let number = fields.next().and_then(|field| field.parse().ok()).filter(|&number: &usize| number > 0);
    match (number, fields.next()) {
        (Some(number), None) => Ok(number),
        _ => Err(Error::Syntax { line, found: shortened(text), wanted: format!("{what}, one positive integer") }),
    }
}

/// The line of block sizes.
fn sizes(lines: &mut Lines<'_>, announced: usize) -> Result<Vec<SdpaBlock>, Error> {
    let (line, text) = next(lines, "the block sizes")?;
    let found = fields(text).count();
    if found != announced {
        return Err(Error::Count { line, items: "block sizes", found, announced });
    }
    let block = |field: &str| {
        let size = field.parse::<i64>().ok().filter(|size| (1..=LARGEST_ORDER).contains(&size.unsigned_abs()));
        let order = size.map(|size| size.unsigned_abs() as usize);
        match (size, order) {
            (Some(1..), Some(order)) => Ok(SdpaBlock::Symmetric(order)),
            (Some(_), Some(order)) => Ok(SdpaBlock::Diagonal(order)),
            _ => {
                let wanted = format!("block sizes from 1 to {LARGEST_ORDER}, negative for diagonal blocks");
                Err(Error::Syntax { line, found: shortened(field), wanted })
            }
        }
    };
    fields(text).map(block).collect()
}

/// The line of costs.
fn objective(lines: &mut Lines<'_>, announced: usize) -> Result<Vec<f64>, Error> {
    let (line, text) = next(lines, "the objective")?;
    let found = fields(text).count();
    if found != announced {
        return Err(Error::Count { line, items: "costs", found, announced });
    }
    fields(text).map(|field| finite(line, field)).collect()
}

/// A finite number.
fn finite(line: usize, field: &str) -> Result<f64, Error> {
    let wanted = || Error::Syntax { line, found: shortened(field), wanted: "a finite number".to_owned() };
    field.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(wanted)
}

/// One line `matrix block row column value`.
fn entry(line: usize, text: &str, (variables, blocks): (usize, &[SdpaBlock])) -> Result<SdpaEntry, Error> {
    let wrong = |found: &str, wanted: String| Error::Syntax { line, found: shortened(found), wanted };
    let mut fields = [""; 5];
    let mut given = text.split_whitespace();
    for field in &mut fields {
        let five = || wrong(text, "the five fields `matrix block row column value`".to_owned());
        *field = given.next().ok_or_else(five)?;
    }
    if given.next().is_some() {
        return Err(wrong(text, "the five fields `matrix block row column value`, nothing more".to_owned()));
    }
    let index = |field: &str, what: &str, least: usize, most: usize| {
        let number = field.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| wrong(field, format!("{what} from {least} to {most}")))
    };
    let matrix = index(fields[0], "a matrix", 0, variables)?;
    let block = index(fields[1], "a block", 1, blocks.len())?;
    let kind = blocks[block - 1];
    let row = index(fields[2], "a row", 1, kind.order())?;
    let last = match kind {
        SdpaBlock::Symmetric(order) => order,
        SdpaBlock::Diagonal(_) => row,
    };
    let column = index(fields[3], "a column of the upper triangle", row, last)?;
    Ok(SdpaEntry { matrix, block, row, column, value: finite(line, fields[4])? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\"a remark\n* another\n2 = mDIM\n2 = nBLOCK\n(2, -2) = bLOCKsTRUCT\n{1.0, -2.5e0}\n\
                         0 1 1 2 -1\n2 1 2 2 +1.0E+00\n1 1 1 1 0.1\n1 2 2 2 3\n2 2 1 1 0\n";

    #[test]
    fn the_decorations_of_sdpas_own_examples_are_read_and_zeros_left_out() {
        let program = program(SMALL).expect("valid");
        assert_eq!(program.objective, [1.0, -2.5]);
        assert_eq!(program.blocks, [SdpaBlock::Symmetric(2), SdpaBlock::Diagonal(2)]);
        let places: Vec<_> = program.entries.iter().map(|e| (e.place(), e.value)).collect();
        assert_eq!(places, [((0, 1, 1, 2), -1.0), ((1, 1, 1, 1), 0.1), ((1, 2, 2, 2), 3.0), ((2, 1, 2, 2), 1.0)]);
        let slack = program.slack(&[10.0, 2.0]);
        assert_eq!([slack[0][(0, 0)], slack[0][(0, 1)], slack[0][(1, 0)], slack[0][(1, 1)]], [1.0, 1.0, 1.0, 2.0]);
        assert_eq!([slack[1][(0, 0)], slack[1][(1, 1)]], [0.0, 30.0]);
    }

    #[test]
    fn hostile_text_is_refused_with_its_place() {
        let cases = [
            ("", "the file is empty"),
            ("\"only a remark\n", "cut off in its head: want the number of variables"),
            ("2\n", "the number of blocks"),
            ("two\n1\n", "line 1 has `two`: want the number of variables"),
            ("0\n1\n2\n\n", "line 1 has `0`"),
            ("1 2\n1\n2\n1\n", "line 1 has `1 2`"),
            ("2\n99999999999\n2 -2\n1 1\n", "line 3 has 2 block sizes, 99999999999 were announced"),
            ("99999999999\n1\n2\n1 1\n", "line 4 has 2 costs, 99999999999 were announced"),
            ("1\n1\n99999999999\n1\n", "line 3 has `99999999999`: want block sizes from 1 to 2147483648"),
            ("1\n1\n2.5\n1\n", "line 3 has `2.5`"),
            ("1\n1\n0\n1\n", "line 3 has `0`"),
            ("1\n1\n2\nnan\n", "line 4 has `nan`: want a finite number"),
            ("1\n1\n2\n1\n1 1 1 1\n", "line 5 has `1 1 1 1`: want the five fields"),
            ("1\n1\n2\n1\n1 1 1 1 2 3\n", "nothing more"),
            ("1\n1\n2\n1\n2 1 1 1 5\n", "line 5 has `2`: want a matrix from 0 to 1"),
            ("1\n1\n2\n1\n-1 1 1 1 5\n", "line 5 has `-1`: want a matrix from 0 to 1"),
            ("1\n1\n2\n1\n1 2 1 1 5\n", "line 5 has `2`: want a block from 1 to 1"),
            ("1\n1\n2\n1\n1 1 3 3 5\n", "line 5 has `3`: want a row from 1 to 2"),
            ("1\n1\n2\n1\n1 1 2 1 5\n", "line 5 has `1`: want a column of the upper triangle from 2 to 2"),
            ("1\n1\n-2\n1\n1 1 1 2 5\n", "line 5 has `2`: want a column of the upper triangle from 1 to 1"),
            ("1\n1\n2\n1\n1 1 1 1 inf\n", "line 5 has `inf`: want a finite number"),
            ("1\n1\n2\n1\n1 1 1 1 5\n1 1 1 1 5\n", "entry (1, 1) of block 1 of matrix 1 is given twice"),
            ("1\n1\n2\n1\n1 1 1 1 5.12", "cut off in its last line"),
        ];
        for (text, wanted) in cases {
            let message = program(text).expect_err(text).to_string();
            assert!(message.contains(wanted), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_block_of_absurd_order_is_read_but_not_held() {
        let program = program("1\n1\n2000000000\n1\n1 1 1 1 5\n").expect("valid");
        let message = program.conic_form().expect_err("too large").to_string();
        assert!(message.contains("2000000001000000000 rows"), "{message}");
    }
}
