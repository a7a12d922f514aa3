//! `.json`: the project's own format, which holds every network.
//!
//! ```json
//! {"format": "tightlip-network", "version": 1, "layers": [
//!   {"type": "affine", "weights": [[1, -2], [0.5, 3]], "bias": [0, 1]},
//!   {"type": "activation", "name": "leaky:0.1"},
//!   {"type": "sparse", "rows": 2, "cols": 2, "entries": [[0, 1, 2.5]]},
//!   {"type": "scale", "factors": [2, 3]},
//!   {"type": "divide", "divisors": [3, 7], "bias": [1, 1]}]}
//! ```
//!
//! `weights` has one row for each output; a bias may be left out. Numbers are the shortest decimals that give the same
//! float64 back, so nothing is lost. An unknown field is an error: it may be a misspelt one.

use std::fmt::Write;

use faer::Mat;
use serde::{Deserialize, Serialize};

use crate::{Activation, Affine, Layer, LinearMap, Network};

use super::Source;
use super::fault::Fault;

const NAME: &str = "tightlip-network";
const VERSION: u32 = 1;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    layers: Vec<Item>,
}

/// One layer of the file.
#[derive(Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Item {
    Affine {
        weights: Vec<Vec<f64>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bias: Vec<f64>,
    },
    Sparse {
        rows: usize,
        cols: usize,
        entries: Vec<(usize, usize, f64)>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bias: Vec<f64>,
    },
    Scale {
        factors: Vec<f64>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bias: Vec<f64>,
    },
    Divide {
        divisors: Vec<f64>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bias: Vec<f64>,
    },
    Activation {
        name: String,
    },
}

/// Reads any network.
pub(super) fn read(source: &Source) -> Result<Network, Fault> {
    let document: Document = serde_json::from_slice(source.bytes).map_err(|error| {
        Fault::new(format!("not a network: {error}")).advise(
            "want {\"format\": \"tightlip-network\", \"version\": 1, \"layers\": [{\"type\": \"affine\", \"weights\": \
             [[…], …], \"bias\": […]}, {\"type\": \"activation\", \"name\": \"relu\"}, …]}",
        )
    })?;
    if document.format != NAME {
        return Err(Fault::new(format!("the format is `{}`: want `{NAME}`", document.format)));
    }
    if document.version != VERSION {
        return Err(Fault::new(format!("version {} of the format: want {VERSION}", document.version))
            .advise("this file is for another version of tightlip"));
    }
    check_sparse_sizes(&document.layers, source.bytes.len())?;
    let read = |(position, item)| layer(item).map_err(|fault| fault.within(&format!("layer {}", position + 1)));
    Ok(Network::new(document.layers.into_iter().enumerate().map(read).collect::<Result<_, Fault>>()?)?)
}

/// The layer that an item stands for.
fn layer(item: Item) -> Result<Layer, Fault> {
    let (map, bias) = match item {
        Item::Affine { weights, bias } => (dense(&weights)?, bias),
        Item::Sparse { rows, cols, entries, bias } => (sparse(rows, cols, &entries)?, bias),
        Item::Scale { factors, bias } => (LinearMap::Scale(factors), bias),
        Item::Divide { divisors, bias } => (LinearMap::Divide(divisors), bias),
        Item::Activation { name } => return Ok(Layer::Activation(name.parse::<Activation>()?)),
    };
    Ok(Layer::Affine(Affine::new(map, bias)))
}

/// A matrix of rows, which must be equally long.
fn dense(rows: &[Vec<f64>]) -> Result<LinearMap, Fault> {
    let cols = rows.first().map_or(0, Vec::len);
    match rows.iter().position(|row| row.len() != cols) {
        Some(i) => Err(Fault::new(format!("row {i} of the weights has {} entries, row 0 has {cols}", rows[i].len()))),
        None => Ok(LinearMap::Dense(Mat::from_fn(rows.len(), cols, |i, j| rows[i][j]))),
    }
}

/// Rows and columns of a sparse matrix take memory even if they are empty: beyond an allowance there may be no more of
/// them than bytes in the file.
fn check_sparse_sizes(items: &[Item], file_bytes: usize) -> Result<(), Fault> {
    const ALLOWANCE: usize = 1 << 24;
    let announced = items.iter().fold(0usize, |sum, item| match item {
        Item::Sparse { rows, cols, .. } => sum.saturating_add(*rows).saturating_add(*cols),
        Item::Affine { .. } | Item::Scale { .. } | Item::Divide { .. } | Item::Activation { .. } => sum,
    });
    if announced > ALLOWANCE + file_bytes {
        return Err(Fault::new(format!(
            "the sparse matrices announce {announced} rows and columns, far more than entries"
        ))
        .advise("leave out signals that nothing depends on"));
    }
    Ok(())
}

/// A sparse matrix; its entries must lie inside and at different places.
fn sparse(rows: usize, cols: usize, entries: &[(usize, usize, f64)]) -> Result<LinearMap, Fault> {
    if let Some((i, j, _)) = entries.iter().find(|&&(i, j, _)| i >= rows || j >= cols) {
        return Err(Fault::new(format!("the entry [{i}, {j}] lies outside the {rows} × {cols} matrix")));
    }
    let mut places: Vec<(usize, usize)> = entries.iter().map(|&(i, j, _)| (i, j)).collect();
    places.sort_unstable();
    match places.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Fault::new(format!("the entry [{}, {}] is given twice", pair[0].0, pair[0].1))),
        None => Ok(LinearMap::from_triplets(rows, cols, entries)),
    }
}

/// Writes any network: one line for each row of weights.
pub(super) fn write(network: &Network) -> Result<Vec<u8>, Fault> {
    let mut text = format!("{{\"format\": \"{NAME}\", \"version\": {VERSION},\n  \"layers\": [");
    for (position, layer) in network.layers().iter().enumerate() {
        text.push_str(if position == 0 { "\n    " } else { ",\n    " });
        match layer {
            Layer::Affine(affine) => write_map(&mut text, affine.map(), affine.bias())?,
            Layer::Activation(activation) => push(&mut text, &Item::Activation { name: activation.to_string() })?,
        }
    }
    text.push_str("\n  ]}\n");
    Ok(text.into_bytes())
}

/// Writes an affine layer; a chain becomes one layer for each of its maps, the last of which has the bias.
fn write_map(text: &mut String, map: &LinearMap, bias: &[f64]) -> Result<(), Fault> {
    let bias = if bias.iter().all(|&b| b == 0.0) { Vec::new() } else { bias.to_vec() };
    match map {
        LinearMap::Dense(matrix) => return write_dense(text, matrix, &bias),
        LinearMap::Sparse(matrix) => {
            let entries = matrix.to_csr().iter().map(|(&value, (i, j))| (i, j, value)).collect();
            push(text, &Item::Sparse { rows: matrix.rows(), cols: matrix.cols(), entries, bias })?;
        }
        LinearMap::Scale(factors) => push(text, &Item::Scale { factors: factors.clone(), bias })?,
        LinearMap::Divide(divisors) => push(text, &Item::Divide { divisors: divisors.clone(), bias })?,
        LinearMap::Chain(maps) => {
            let (last, first) = maps.split_last().expect("a chain has at least one map");
            for map in first {
                write_map(text, map, &[])?;
                text.push_str(",\n    ");
            }
            write_map(text, last, &bias)?;
        }
    }
    Ok(())
}

/// Writes a dense layer with its rows on lines of their own, for people who look into the file.
fn write_dense(text: &mut String, matrix: &Mat<f64>, bias: &[f64]) -> Result<(), Fault> {
    text.push_str("{\"type\": \"affine\", \"weights\": [");
    for (i, row) in matrix.row_iter().enumerate() {
        text.push_str(if i == 0 { "\n      " } else { ",\n      " });
        push(text, &row.iter().collect::<Vec<_>>())?;
    }
    text.push(']');
    if !bias.is_empty() {
        text.push_str(",\n      \"bias\": ");
        push(text, bias)?;
    }
    text.push('}');
    Ok(())
}

/// Appends the compact JSON of a value.
fn push<T: Serialize + ?Sized>(text: &mut String, value: &T) -> Result<(), Fault> {
    let json =
        serde_json::to_string(value).map_err(|error| Fault::new(format!("cannot be written as JSON: {error}")))?;
    write!(text, "{json}").expect("writing to a string cannot fail");
    Ok(())
}
