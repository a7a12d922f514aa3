//! `.npy`: one NumPy array, here one weight matrix.
//!
//! After the magic number and the version come the length of a header and the header, a Python dictionary
//! `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)}`; the elements follow.
//!
//! `npyz` reads the header, after a look at its text: a deeply nested one would exhaust its stack, and it multiplies the
//! sizes in the shape without checking for overflow.

use npyz::{DType, NpyHeader, TypeChar};

use crate::Network;

use super::array::{Array, Order, checked_elements};
use super::element::{Element, Endian};
use super::fault::Fault;
use super::{Source, chain};

/// NumPy itself refuses longer headers.
const MAX_HEADER_BYTES: usize = 10_000;

/// Reads a file that holds one weight matrix.
pub(super) fn read(source: &Source) -> Result<Network, Fault> {
    chain::network(vec![(array(source.bytes)?.to_map()?, Vec::new())], source.options.activation)
}

/// The array in `bytes`.
pub(super) fn array(bytes: &[u8]) -> Result<Array, Fault> {
    check_header(bytes)?;
    let mut rest = bytes;
    let header = NpyHeader::from_reader(&mut rest)
        .map_err(|error| Fault::new(format!("the header of the NumPy array cannot be read: {error}")))?;
    let (element, endian) = element(&header.dtype())?;
    let dims: Vec<usize> = header
        .shape()
        .iter()
        .map(|&dim| usize::try_from(dim).map_err(|_| Fault::new(format!("a dimension of {dim} is out of reach"))))
        .collect::<Result<_, Fault>>()?;
    let count = checked_elements(&dims, element.size(), rest.len())?;
    if count * element.size() != rest.len() {
        return Err(Fault::new(format!(
            "the header announces {} bytes of elements, but {} follow",
            count * element.size(),
            rest.len()
        )));
    }
    let order = match header.order() {
        npyz::Order::C => Order::RowMajor,
        npyz::Order::Fortran => Order::ColumnMajor,
    };
    Ok(Array { dims, values: element.decode(endian, rest), order })
}

/// Refuses headers that the parser behind it would not survive.
fn check_header(bytes: &[u8]) -> Result<(), Fault> {
    let cut_off = || Fault::new("the header of the NumPy array is cut off").advise("copy or download the file again");
    let Some(after_magic) = bytes.strip_prefix(b"\x93NUMPY") else {
        return Err(Fault::new("this is not a NumPy array: the magic number is missing"));
    };
    let (length, text) = match after_magic {
        [1, _, low, high, text @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), text),
        [2 | 3, _, a, b, c, d, text @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, text),
        [version, ..] if *version > 3 => {
            return Err(Fault::new(format!("version {version} of the NumPy format is not known: want 1, 2 or 3")));
        }
        _ => return Err(cut_off()),
    };
    if length > MAX_HEADER_BYTES {
        return Err(Fault::new(format!(
            "the header announces {length} bytes of text: want at most {MAX_HEADER_BYTES}"
        )));
    }
    check_literal(text.get(..length).ok_or_else(cut_off)?)
}

/// The header of a plain array opens two brackets, of the dictionary and of the shape, and its integers are the shape,
/// whose product must not overflow. Quotes are not looked at, so that no way of quoting can hide anything.
fn check_literal(text: &[u8]) -> Result<(), Fault> {
    let brackets = text.iter().filter(|byte| matches!(byte, b'(' | b'[' | b'{')).count();
    if brackets > 2 {
        return Err(Fault::new("the array has structured elements: want numbers")
            .advise("save plain arrays: numpy.savez(path, W0=W0, b0=b0, …)"));
    }
    text.split(|byte| !byte.is_ascii_digit())
        .filter(|digits| digits.iter().any(|&digit| digit != b'0'))
        .try_fold(1u64, |product, digits| {
            str::from_utf8(digits).ok()?.parse().ok().and_then(|n| product.checked_mul(n))
        })
        .map(drop)
        .ok_or_else(|| Fault::new("the shape in the header of the NumPy array overflows").advise("the file is damaged"))
}

/// The element type, if it is a floating-point number.
fn element(dtype: &DType) -> Result<(Element, Endian), Fault> {
    let refuse = || {
        Err(Fault::new(format!("the array has elements of type {}: want f2, f4 or f8", dtype.descr()))
            .advise("convert it first: array.astype(numpy.float64)"))
    };
    let DType::Plain(plain) = dtype else { return refuse() };
    let element = match (plain.type_char(), plain.size_field()) {
        (TypeChar::Float, 2) => Element::F16,
        (TypeChar::Float, 4) => Element::F32,
        (TypeChar::Float, 8) => Element::F64,
        _ => return refuse(),
    };
    match plain.endianness() {
        npyz::Endianness::Big => Ok((element, Endian::Big)),
        npyz::Endianness::Little | npyz::Endianness::Irrelevant => Ok((element, Endian::Little)),
    }
}
