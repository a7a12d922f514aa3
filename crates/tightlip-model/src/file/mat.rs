//! `.mat`: MATLAB files of version 5 (saved with `-v6` or `-v7`), as LipSDP and `scipy.io` use them.
//!
//! Layers are the cells of a variable `weights` (1 × L or L × 1, matrices with one row for each output) with an optional
//! `biases` beside it, or variables `W0, b0, W1, b1, …`. Texts, structures and functions are passed over; any other
//! variable is an error, because it may be a misspelt one. Version 7.3 is HDF5 and is refused with the way to save
//! version 7.
//!
//! Reference: MathWorks, *MAT-File Format*, chapter 1, level 5.

use crate::Network;

use super::array::Array;
use super::chain::Weights;
use super::element::Endian;
use super::fault::Fault;
use super::inflate::Budget;
use super::{Source, chain, indexed};

use matrix::{Content, Variable};
use tag::{Elements, Kind};

mod matrix;
mod tag;

/// Text, version and byte order stand before the first element.
const HEADER_BYTES: usize = 128;

/// Reads a plain chain.
pub(super) fn read(source: &Source) -> Result<Network, Fault> {
    let endian = byte_order(source.bytes)?;
    chain::network(layers(variables(source.bytes, endian)?)?, source.options.activation)
}

/// The byte order that the header states, if it is one of a version 5 file.
fn byte_order(bytes: &[u8]) -> Result<Endian, Fault> {
    if bytes.starts_with(b"MATLAB 7.3") || bytes.get(512..516) == Some(b"\x89HDF") {
        return Err(Fault::new("this is a MATLAB 7.3 file, which is HDF5")
            .advise("save it as version 7: save('net.mat', 'weights', '-v7')"));
    }
    let Some(header) = bytes.get(..HEADER_BYTES) else {
        return Err(Fault::new(format!("the file has {} bytes: want a header of {HEADER_BYTES}", bytes.len()))
            .advise("the file is cut off or not a MATLAB file"));
    };
    match &header[124..] {
        [0, 1, b'I', b'M'] => Ok(Endian::Little),
        [1, 0, b'M', b'I'] => Ok(Endian::Big),
        _ => Err(Fault::new("the header is not that of a MATLAB file of version 5")
            .advise("save it as version 7: save('net.mat', 'weights', '-v7')")),
    }
}

/// The variables of the file.
fn variables(bytes: &[u8], endian: Endian) -> Result<Vec<Variable>, Fault> {
    let mut budget = Budget::of_file(bytes.len());
    let mut variables = Vec::new();
    let mut elements = Elements::new(&bytes[HEADER_BYTES..], endian);
    while let Some(element) = elements.next()? {
        match element.kind {
            Kind::Matrix => variables.push(matrix::variable(element.data, endian)?),
            Kind::Compressed => {
                let unpacked = budget.read(flate2::read::ZlibDecoder::new(element.data))?;
                match Elements::new(&unpacked, endian).next()? {
                    Some(inner) if inner.kind == Kind::Matrix => {
                        variables.push(matrix::variable(inner.data, endian)?);
                    }
                    _ => return Err(Fault::new("a compressed element of the file is not a variable")),
                }
            }
            Kind::Numeric(_) | Kind::Text => {
                return Err(Fault::new("an element of the file is not a variable").advise("the file is damaged"));
            }
        }
    }
    Ok(variables)
}

/// The layers held by the variables.
fn layers(variables: Vec<Variable>) -> Result<Vec<Weights>, Fault> {
    let mut cells: Vec<(String, Vec<Array>)> = Vec::new();
    let mut arrays = Vec::new();
    for variable in variables {
        match variable.content {
            Content::Numeric(array) => arrays.push((variable.name, array)),
            Content::Cell(entries) => cells.push((variable.name, entries)),
            Content::PassedOver => {}
        }
    }
    if cells.is_empty() {
        return indexed::layers(arrays);
    }
    if let Some((name, _)) = arrays.first() {
        return Err(unknown(name));
    }
    cells.sort_by(|(left, _), (right, _)| right.cmp(left));
    let mut cells = cells.into_iter();
    let (weights, biases) = match (cells.next(), cells.next(), cells.next()) {
        (Some((first, weights)), None, _) if first == "weights" => (weights, Vec::new()),
        (Some((first, weights)), Some((second, biases)), None) if first == "weights" && second == "biases" => {
            (weights, biases)
        }
        (Some((first, _)), second, _) => {
            let odd = if first == "weights" { second.map_or(first, |(name, _)| name) } else { first };
            return Err(unknown(&odd));
        }
        (None, _, _) => return indexed::layers(Vec::new()),
    };
    paired(weights, biases)
}

/// Matrices with their biases, which may be missing altogether.
fn paired(weights: Vec<Array>, biases: Vec<Array>) -> Result<Vec<Weights>, Fault> {
    if !biases.is_empty() && biases.len() != weights.len() {
        return Err(Fault::new(format!("there are {} weights but {} biases", weights.len(), biases.len())));
    }
    let mut biases = biases.into_iter();
    let mut layers = Vec::with_capacity(weights.len());
    for (index, weight) in weights.into_iter().enumerate() {
        let cell = index + 1;
        let map = weight.to_map().map_err(|fault| fault.within(&format!("weights{{{cell}}}")))?;
        let bias = match biases.next() {
            Some(bias) => bias.into_vector().map_err(|fault| fault.within(&format!("biases{{{cell}}}")))?,
            None => Vec::new(),
        };
        layers.push((map, bias));
    }
    Ok(layers)
}

fn unknown(name: &str) -> Fault {
    Fault::new(format!("the variable `{name}` has no known meaning")).advise(
        "save a cell array `weights` of matrices, optionally one `biases` of vectors, and nothing else: \
         save('net.mat', 'weights', 'biases', '-v7')",
    )
}
