//! MATLAB files put together byte by byte, in both byte orders.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tightlip_model::file::{Format, ReadOptions, read_bytes};
use tightlip_model::{Activation, Network};

use crate::{refusal, told, value_at, with};

/// Writes elements in one byte order.
#[derive(Clone, Copy)]
pub struct Mat {
    pub big_endian: bool,
}

/// Numbers of the types of elements.
pub const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT16: u32 = 3;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
pub const DOUBLE: u32 = 9;
const INT64: u32 = 12;
pub const MATRIX: u32 = 14;
pub const COMPRESSED: u32 = 15;

impl Mat {
    fn word(self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// The file of some elements.
    pub fn file(self, elements: &[Vec<u8>]) -> Vec<u8> {
        let mut header = b"MATLAB 5.0 MAT-file".to_vec();
        header.resize(124, b' ');
        header.extend(if self.big_endian { *b"\x01\x00MI" } else { *b"\x00\x01IM" });
        [&[header][..], elements].concat().concat()
    }

    /// An element with its padding; small ones go into the tag.
    pub fn element(self, kind: u32, data: &[u8]) -> Vec<u8> {
        let length = data.len() as u32;
        let mut bytes = if (1..=4).contains(&length) {
            [&self.word(length << 16 | kind)[..], data].concat()
        } else {
            [&self.word(kind)[..], &self.word(length), data].concat()
        };
        if kind != COMPRESSED {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        bytes
    }

    /// A matrix element with class, dimensions, name and content.
    pub fn matrix(self, class: u32, dims: &[u32], name: &str, content: &[Vec<u8>]) -> Vec<u8> {
        let flags = self.element(UINT32, &[self.word(class), self.word(0)].concat());
        let dims = self.element(INT32, &dims.iter().flat_map(|&dim| self.word(dim)).collect::<Vec<_>>());
        let name = self.element(INT8, name.as_bytes());
        self.element(MATRIX, &[&[flags, dims, name][..], content].concat().concat())
    }

    /// A double matrix of `rows`, stored as numbers of some type.
    fn numbers(self, name: &str, rows: &[&[f64]], kind: u32) -> Vec<u8> {
        let cols = rows[0].len();
        let values = (0..cols).flat_map(|j| rows.iter().map(move |row| row[j]));
        let bytes: Vec<u8> = values.flat_map(|value| self.number(value, kind)).collect();
        self.matrix(6, &[rows.len() as u32, cols as u32], name, &[self.element(kind, &bytes)])
    }

    fn number(self, value: f64, kind: u32) -> Vec<u8> {
        let mut bytes = match kind {
            INT8 => (value as i8).to_le_bytes().to_vec(),
            UINT8 => (value as u8).to_le_bytes().to_vec(),
            INT16 => (value as i16).to_le_bytes().to_vec(),
            INT32 => (value as i32).to_le_bytes().to_vec(),
            SINGLE => (value as f32).to_le_bytes().to_vec(),
            INT64 => (value as i64).to_le_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        };
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// A row of cells.
    pub fn cell(self, name: &str, cells: &[Vec<u8>]) -> Vec<u8> {
        self.matrix(1, &[1, cells.len() as u32], name, cells)
    }

    pub fn compressed(self, element: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(element).expect("memory");
        self.element(COMPRESSED, &encoder.finish().expect("memory"))
    }
}

const LITTLE: Mat = Mat { big_endian: false };
const BIG: Mat = Mat { big_endian: true };

/// `x ↦ 2 relu(first row) − 3 relu(second row)` for the rows `1 2 3` and `4 5 −6`.
const FIRST: [&[f64]; 2] = [&[1.0, 2.0, 3.0], &[4.0, 5.0, -6.0]];
const LAST: [&[f64]; 1] = [&[2.0, -3.0]];

fn network(bytes: &[u8]) -> Network {
    read_bytes(Format::Mat, bytes, Path::new("net.mat"), &with(Activation::Relu))
        .unwrap_or_else(|error| panic!("{}", told(&error)))
}

#[test]
fn cells_of_weights_are_read_in_both_byte_orders_and_all_number_types() {
    for mat in [LITTLE, BIG] {
        for kind in [INT8, INT16, INT32, INT64, SINGLE, DOUBLE] {
            let cells = [mat.numbers("", &FIRST, kind), mat.numbers("", &LAST, kind)];
            let weights = mat.cell("weights", &cells);
            for element in [weights.clone(), mat.compressed(&weights)] {
                let network = network(&mat.file(&[element]));
                assert_eq!(value_at(&network, &[1.0, 1.0, 1.0]), [2.0 * 6.0 - 3.0 * 3.0], "type {kind}");
            }
        }
    }
}

#[test]
fn compressed_variables_follow_each_other_without_padding() {
    let elements = [LITTLE.numbers("W0", &FIRST, DOUBLE), LITTLE.numbers("W1", &LAST, DOUBLE)];
    let compressed = elements.map(|element| LITTLE.compressed(&element));
    assert!(compressed.iter().any(|element| element.len() % 8 != 0), "a padded element would not show the difference");
    assert_eq!(value_at(&network(&LITTLE.file(&compressed)), &[1.0, 1.0, 1.0]), [3.0]);
}

#[test]
fn biases_stand_in_a_second_cell_array_or_in_variables() {
    let (w0, w1) = (|name| LITTLE.numbers(name, &FIRST, DOUBLE), |name| LITTLE.numbers(name, &LAST, INT8));
    let b0 = |name| LITTLE.numbers(name, &[&[0.5], &[1.0]], DOUBLE);
    let b1 = |name| LITTLE.numbers(name, &[&[7.0]], UINT8);
    let cells = LITTLE.file(&[LITTLE.cell("biases", &[b0(""), b1("")]), LITTLE.cell("weights", &[w0(""), w1("")])]);
    let named = LITTLE.file(&[w0("W0"), b0("b0"), w1("W1"), b1("b1")]);
    let from_one = LITTLE.file(&[w1("W2"), LITTLE.numbers("b1", &[&[0.5, 1.0]], DOUBLE), w0("W1"), b1("b2")]);
    for bytes in [cells, named, from_one] {
        assert_eq!(value_at(&network(&bytes), &[1.0, 1.0, 1.0]), [2.0 * 6.5 - 3.0 * 4.0 + 7.0]);
    }
}

#[test]
fn texts_and_structures_are_passed_over() {
    let text = LITTLE.matrix(4, &[1, 3], "activation", &[LITTLE.element(16, b"abc")]);
    let structure = LITTLE.matrix(2, &[1, 1], "options", &[LITTLE.element(INT32, &4u32.to_le_bytes()), vec![0; 24]]);
    let objects = LITTLE.matrix(9, &[1, 8], "", &[LITTLE.element(UINT8, &[0; 8])]);
    let weights = LITTLE.cell("weights", &[LITTLE.numbers("", &LAST, DOUBLE)]);
    assert_eq!(value_at(&network(&LITTLE.file(&[text, structure, weights, objects])), &[1.0, 1.0]), [-1.0]);
}

#[test]
fn what_a_mat_file_should_not_hold_is_told_by_name() {
    let weights = || LITTLE.numbers("", &LAST, DOUBLE);
    let text = LITTLE.matrix(4, &[1, 3], "", &[LITTLE.element(16, b"abc")]);
    let sparse = LITTLE.matrix(5, &[1, 3], "", &[]);
    let complex = [LITTLE.element(UINT32, &[0x0806u32.to_le_bytes(), [0; 4]].concat()), Vec::new()].concat();
    let complex =
        [complex, LITTLE.element(INT32, &[1u32.to_le_bytes(), 1u32.to_le_bytes()].concat()), LITTLE.element(INT8, b"")];
    let complex = LITTLE.element(MATRIX, &[&complex[..], &[LITTLE.element(DOUBLE, &[0; 8])]].concat().concat());
    let cell = |content: Vec<u8>| LITTLE.file(&[LITTLE.cell("weights", &[content])]);
    let huge = LITTLE.matrix(6, &[1, 1], "W0", &[LITTLE.element(INT64, &(1i64 << 53 | 1).to_le_bytes())]);
    for (bytes, reasons) in [
        (cell(text), ["weights", "cell 1 is a text"]),
        (cell(sparse), ["weights: cell 1", "full(W)"]),
        (cell(complex), ["weights: cell 1", "complex"]),
        (cell(LITTLE.element(MATRIX, &[])), ["weights", "cell 1 is empty"]),
        (cell(LITTLE.cell("", &[weights()])), ["weights", "itself a cell array"]),
        (LITTLE.file(&[LITTLE.matrix(1, &[2, 2], "weights", &[])]), ["weights", "row or a column"]),
        (LITTLE.file(&[LITTLE.matrix(1, &[1, 2], "weights", &[weights()])]), ["weights", "ends before its cell 2"]),
        (LITTLE.file(&[LITTLE.cell("wieghts", &[weights()])]), ["`wieghts`", "save('net.mat'"]),
        (LITTLE.file(&[LITTLE.cell("weights", &[weights()]), LITTLE.numbers("c", &LAST, DOUBLE)]), ["`c`", "save("]),
        (LITTLE.file(&[LITTLE.numbers("A", &LAST, DOUBLE)]), ["A", "W0, b0"]),
        (LITTLE.file(&[]), ["no arrays", "W0, b0"]),
        (LITTLE.file(&[huge]), ["9007199254740993", "save the array as double"]),
        (
            LITTLE.file(&[LITTLE.cell("weights", &[weights()]), LITTLE.cell("biases", &[weights(), weights()])]),
            ["1 weights", "2 biases"],
        ),
    ] {
        let refused = refusal(Format::Mat, &bytes, &ReadOptions::default());
        assert!(reasons.iter().all(|reason| refused.contains(reason)), "{refused}");
    }
}

#[test]
fn version_7_3_is_refused_with_the_way_to_save_version_7() {
    let mut bytes = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".to_vec();
    bytes.resize(512, 0);
    bytes.extend(b"\x89HDF\r\n\x1a\n");
    let refused = refusal(Format::Mat, &bytes, &ReadOptions::default());
    assert!(refused.contains("MATLAB 7.3") && refused.contains("-v7"), "{refused}");
}
