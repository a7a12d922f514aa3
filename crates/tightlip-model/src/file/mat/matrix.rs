//! Variables: arrays with a class, dimensions, a name and, by class, their content.

use super::super::array::{Array, Order, checked_elements, shape};
use super::super::element::Endian;
use super::super::fault::Fault;
use super::tag::{Elements, Kind};

/// A variable of the file.
pub(super) struct Variable {
    pub name: String,
    pub content: Content,
}

/// What a variable holds.
pub(super) enum Content {
    Numeric(Array),
    /// A cell array of numeric arrays.
    Cell(Vec<Array>),
    /// Texts, structures, objects and functions hold no weights.
    PassedOver,
}

/// Classes by their numbers in the reference.
mod class {
    pub const CELL: u8 = 1;
    pub const SPARSE: u8 = 5;
    pub const FIRST_NUMERIC: u8 = 6;
    pub const LAST_NUMERIC: u8 = 15;
}

/// The parts that every array has.
struct Head<'a> {
    class: u8,
    complex: bool,
    dims: Vec<usize>,
    name: String,
    content: Elements<'a>,
}

/// The variable in the data of a matrix element.
pub(super) fn variable(data: &[u8], endian: Endian) -> Result<Variable, Fault> {
    let mut head = head(data, endian)?;
    let content = match head.class {
        class::CELL => cells(&mut head, endian).map(Content::Cell),
        class::SPARSE..=class::LAST_NUMERIC if !head.name.is_empty() => {
            numeric(&mut head, endian).map(Content::Numeric)
        }
        // A numeric array without a name is MATLAB's own data for objects.
        _ => Ok(Content::PassedOver),
    };
    let content = content.map_err(|fault| fault.within(&head.name))?;
    Ok(Variable { name: head.name, content })
}

/// Flags, dimensions and name.
fn head(data: &[u8], endian: Endian) -> Result<Head<'_>, Fault> {
    let mut content = Elements::new(data, endian);
    let damaged =
        |part: &str| Fault::new(format!("the {part} of a variable cannot be read")).advise("the file is damaged");
    let flags = numbers(&mut content, endian, "flags")?;
    let flags = match flags.as_slice() {
        [flags, _] => *flags as u32,
        _ => return Err(damaged("flags")),
    };
    let dims = numbers(&mut content, endian, "dimensions")?;
    if dims.iter().any(|&dim| dim < 0.0) {
        return Err(damaged("dimensions"));
    }
    let name = content.expect("name")?;
    if name.kind == Kind::Matrix || name.kind == Kind::Compressed {
        return Err(damaged("name"));
    }
    Ok(Head {
        class: (flags & 0xff) as u8,
        complex: flags & 0x0800 != 0,
        dims: dims.iter().map(|&dim| dim as usize).collect(),
        name: String::from_utf8_lossy(name.data).into_owned(),
        content,
    })
}

/// The numbers of the next element.
fn numbers(elements: &mut Elements, endian: Endian, content: &str) -> Result<Vec<f64>, Fault> {
    let item = elements.expect(content)?;
    match item.kind {
        Kind::Numeric(number) => number.decode(endian, item.data),
        Kind::Text | Kind::Matrix | Kind::Compressed => {
            Err(Fault::new(format!("the {content} of a variable are not numbers")).advise("the file is damaged"))
        }
    }
}

/// The array of a variable or a cell.
fn numeric(head: &mut Head, endian: Endian) -> Result<Array, Fault> {
    if head.class == class::SPARSE {
        return Err(Fault::new("the matrix is sparse").advise("save it filled: W = full(W)"));
    }
    if head.complex {
        return Err(Fault::new("the matrix is complex: want real weights"));
    }
    let item = head.content.expect("elements")?;
    let Kind::Numeric(number) = item.kind else {
        return Err(Fault::new("the elements are not numbers").advise("the file is damaged"));
    };
    let count = checked_elements(&head.dims, number.size(), item.data.len())?;
    if count * number.size() != item.data.len() {
        return Err(Fault::new(format!("{} bytes do not make an array of {}", item.data.len(), shape(&head.dims))));
    }
    Ok(Array { dims: head.dims.clone(), values: number.decode(endian, item.data)?, order: Order::ColumnMajor })
}

/// The cells of a cell array that is a row or a column. Cells inside cells are refused, so nothing here recurses.
fn cells(head: &mut Head, endian: Endian) -> Result<Vec<Array>, Fault> {
    if head.dims.iter().filter(|&&dim| dim != 1).count() > 1 {
        return Err(Fault::new(format!("the cell array is {}: want a row or a column", shape(&head.dims))));
    }
    // Every cell takes at least a tag, so damaged dimensions end the loop early.
    let count: usize = head.dims.iter().product();
    let mut arrays = Vec::new();
    for cell in 1..=count {
        let place = format!("cell {cell}");
        let item = head.content.expect(&place)?;
        let wrong = |found: &str| {
            Err(Fault::new(format!("{place} is {found}: want a matrix"))
                .advise("put the weights into the cells, one matrix for each layer"))
        };
        if item.kind != Kind::Matrix || item.data.is_empty() {
            return wrong("empty");
        }
        let mut inner = self::head(item.data, endian).map_err(|fault| fault.within(&place))?;
        match inner.class {
            class::SPARSE | class::FIRST_NUMERIC..=class::LAST_NUMERIC => {
                arrays.push(numeric(&mut inner, endian).map_err(|fault| fault.within(&place))?);
            }
            class::CELL => return wrong("itself a cell array"),
            _ => return wrong("a text, a structure or a function"),
        }
    }
    Ok(arrays)
}
