//! Data elements: a tag with type and length, then the data.
//!
//! The tag has 8 bytes, `type` and `length` of 4 each, and the data is padded to a multiple of 8; a compressed element is
//! not padded. Data of up to 4 bytes may stand inside the tag, whose first half is then `length · 2^16 + type`.

use super::super::element::{Element, Endian, words};
use super::super::fault::Fault;

/// The type of an element, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers.
    Numeric(Number),
    /// UTF-8, UTF-16 or UTF-32.
    Text,
    /// An array with its flags, dimensions and name.
    Matrix,
    /// Another element, compressed.
    Compressed,
}

/// How numbers are stored, which need not be how MATLAB holds them: it stores small integers in few bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Float(Element),
    Signed(u8),
    Unsigned(u8),
}

impl Number {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::Float(element) => element.size(),
            Self::Signed(size) | Self::Unsigned(size) => usize::from(size),
        }
    }

    /// The numbers in `data`; an integer beyond 2^53 that a float64 cannot hold is refused.
    pub fn decode(self, endian: Endian, data: &[u8]) -> Result<Vec<f64>, Fault> {
        Ok(match self {
            Self::Float(element) => element.decode(endian, data),
            Self::Signed(1) => words(data, endian, i8::from_le_bytes, f64::from),
            Self::Signed(2) => words(data, endian, i16::from_le_bytes, f64::from),
            Self::Signed(4) => words(data, endian, i32::from_le_bytes, f64::from),
            Self::Signed(_) => exactly(words(data, endian, i64::from_le_bytes, i128::from))?,
            Self::Unsigned(1) => words(data, endian, u8::from_le_bytes, f64::from),
            Self::Unsigned(2) => words(data, endian, u16::from_le_bytes, f64::from),
            Self::Unsigned(4) => words(data, endian, u32::from_le_bytes, f64::from),
            Self::Unsigned(_) => exactly(words(data, endian, u64::from_le_bytes, i128::from))?,
        })
    }
}

/// 64-bit integers as float64 of the same value.
fn exactly(integers: Vec<i128>) -> Result<Vec<f64>, Fault> {
    integers
        .into_iter()
        .map(|integer| {
            let float = integer as f64;
            if float as i128 == integer {
                Ok(float)
            } else {
                Err(Fault::new(format!("the integer {integer} is not a float64")).advise("save the array as double"))
            }
        })
        .collect()
}

/// An element of the file.
pub(super) struct Item<'a> {
    pub kind: Kind,
    pub data: &'a [u8],
}

/// The elements in a stretch of bytes.
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    endian: Endian,
}

impl<'a> Elements<'a> {
    pub fn new(bytes: &'a [u8], endian: Endian) -> Self {
        Self { rest: bytes, endian }
    }

    /// The next element, if there is one.
    pub fn next(&mut self) -> Result<Option<Item<'a>>, Fault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (tag, after) = self.rest.split_first_chunk::<8>().ok_or_else(|| cut_off(8, self.rest.len()))?;
        let [first, second] = [0, 4].map(|at| word(&tag[at..at + 4], self.endian));
        let short = (first >> 16) as usize;
        if short > 0 {
            let data = self.rest.get(4..4 + short).filter(|_| short <= 4).ok_or_else(|| cut_off(short, 4))?;
            self.rest = after;
            return Ok(Some(Item { kind: kind(first & 0xffff)?, data }));
        }
        let kind = kind(first)?;
        let length = second as usize;
        let data = after.get(..length).ok_or_else(|| cut_off(length, after.len()))?;
        let padded = if kind == Kind::Compressed { length } else { length.next_multiple_of(8) };
        // The padding of the last element may be missing.
        self.rest = after.get(padded..).unwrap_or_default();
        Ok(Some(Item { kind, data }))
    }

    /// The next element, which must be there.
    pub fn expect(&mut self, content: &str) -> Result<Item<'a>, Fault> {
        self.next()?.ok_or_else(|| {
            Fault::new(format!("a variable ends before its {content}")).advise("the file is cut off or damaged")
        })
    }
}

fn word(bytes: &[u8], endian: Endian) -> u32 {
    words(bytes, endian, u32::from_le_bytes, |word| word).first().copied().unwrap_or_default()
}

/// The kinds by their numbers in the reference.
fn kind(number: u32) -> Result<Kind, Fault> {
    Ok(match number {
        1 => Kind::Numeric(Number::Signed(1)),
        2 => Kind::Numeric(Number::Unsigned(1)),
        3 => Kind::Numeric(Number::Signed(2)),
        4 => Kind::Numeric(Number::Unsigned(2)),
        5 => Kind::Numeric(Number::Signed(4)),
        6 => Kind::Numeric(Number::Unsigned(4)),
        7 => Kind::Numeric(Number::Float(Element::F32)),
        9 => Kind::Numeric(Number::Float(Element::F64)),
        12 => Kind::Numeric(Number::Signed(8)),
        13 => Kind::Numeric(Number::Unsigned(8)),
        14 => Kind::Matrix,
        15 => Kind::Compressed,
        16..=18 => Kind::Text,
        _ => {
            return Err(Fault::new(format!("an element has the unknown type {number}"))
                .advise("the file is damaged: copy or download it again"));
        }
    })
}

fn cut_off(announced: usize, found: usize) -> Fault {
    Fault::new(format!("an element announces {announced} bytes, but {found} follow"))
        .advise("the file is cut off or damaged: copy or download it again")
}
