//! Model files: a [`Network`] read from, and written to, the formats the field uses.
//!
//! Weights are read exactly: float16, bfloat16 and float32 widen to the float64 of the same value, and the readers never
//! add or multiply weights unless the result is exact. Every number a header announces is compared with what the file
//! holds before memory is taken for it, so a damaged or hostile file costs an error and nothing else.
//!
//! | extension | graph | written | see |
//! |---|---|---|---|
//! | `.onnx`, `.onnx.gz` | in the file | `.onnx` | `file/onnx.rs` |
//! | `.json` | in the file | yes | `file/json.rs` |
//! | `.nnet` | ReLU by definition | yes | `file/nnet.rs` |
//! | `.npz`, `.npy` | none | `.npz` | `file/npz.rs` |
//! | `.safetensors` | none | no | `file/safetensors.rs` |
//! | `.mat` (v5) | none | no | `file/mat.rs` |
//!
//! A format without a graph holds weights and biases only: the activation between the layers must be given, and is
//! refused where the file already says it. Nothing is ever guessed.

use std::path::Path;

use crate::{Activation, Error, Network, UnsupportedNode};

use fault::Fault;
pub use format::Format;

mod array;
mod chain;
mod disk;
mod element;
mod fault;
mod format;
mod indexed;
mod inflate;
mod json;
mod mat;
mod nnet;
mod npy;
mod npz;
mod onnx;
mod safetensors;
mod signature;

/// What a reader must be told because the file does not say it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadOptions {
    /// The activation between the layers, for formats without a graph; a file with a single layer needs none.
    pub activation: Option<Activation>,
    /// What to do with the normalisation that `.nnet` files carry.
    pub normalisation: Normalisation,
    /// The names of the weight tensors of a `.safetensors` file from the first layer to the last, where the numbers in
    /// the names do not give their order.
    pub layer_order: Option<Vec<String>>,
}

/// The affine maps before and after the layers of a `.nnet` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalisation {
    /// The network takes raw inputs and gives raw outputs: the maps are its first and last layers.
    #[default]
    Apply,
    /// The network is the one between the maps.
    Skip,
}

/// What is known of a model file, for `tightlip info`.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The format.
    pub format: Format,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// The network, or every node that stands in the way of reading it.
    pub content: Result<Network, Vec<UnsupportedNode>>,
}

/// Reads the network in the file at `path`; its extension says the format.
///
/// # Errors
/// [`Error::File`] if the file cannot be read or does not hold a network, [`Error::Unsupported`] with every node that is
/// not supported.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Network, Error> {
    let format = Format::of_path(path)?;
    let bytes = disk::load(path).map_err(|fault| fault.at(path))?;
    read_bytes(format, &bytes, path, options)
}

/// Reads a network from the bytes of a file. The path is named in errors, and an ONNX model's external data is looked
/// for beside it.
///
/// # Errors
/// As for [`read`].
pub fn read_bytes(format: Format, bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Network, Error> {
    let source = Source { bytes, path, options };
    check_options(format, options)
        .and_then(|()| if bytes.is_empty() { Err(Fault::new("the file is empty")) } else { format.reader()(&source) })
        .map_err(|fault| signature::explained(fault, bytes, format).at(path))
}

/// Reads the file at `path` as far as it can be read.
///
/// # Errors
/// As for [`read`], but nodes that are not supported are part of the answer.
pub fn inspect(path: &Path, options: &ReadOptions) -> Result<Inspection, Error> {
    let format = Format::of_path(path)?;
    let bytes = disk::load(path).map_err(|fault| fault.at(path))?;
    let content = match read_bytes(format, &bytes, path, options) {
        Ok(network) => Ok(network),
        Err(Error::Unsupported { nodes, .. }) => Err(nodes),
        Err(error) => return Err(error),
    };
    Ok(Inspection { format, size_bytes: bytes.len() as u64, content })
}

/// Writes the network to `path` in the format of its extension. The file is written beside its place and renamed, so
/// that a failure leaves whatever was there. Reading the file back gives a network of the same [`Network::sha256`].
///
/// # Errors
/// [`Error::File`] if the format cannot be written or cannot hold the network, or the disk refuses.
pub fn write(network: &Network, path: &Path) -> Result<(), Error> {
    let writer = Format::of_path(path)?.writer().map_err(|fault| fault.at(path))?;
    writer(network).and_then(|bytes| disk::store(path, &bytes)).map_err(|fault| fault.at(path))
}

/// Writes any file the way [`write()`] does: beside its place, then renamed.
///
/// # Errors
/// [`Error::File`] if the disk refuses.
pub fn store(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    disk::store(path, bytes).map_err(|fault| fault.at(path))
}

/// What a reader gets.
struct Source<'a> {
    bytes: &'a [u8],
    path: &'a Path,
    options: &'a ReadOptions,
}

/// Refuses options that say what the file says itself, or that mean nothing for its format.
fn check_options(format: Format, options: &ReadOptions) -> Result<(), Fault> {
    if let (Some(activation), true) = (options.activation, format.carries_graph()) {
        return Err(Fault::new(format!("--activation {activation}: a {format} file says its activations itself"))
            .advise("leave --activation out"));
    }
    if options.normalisation == Normalisation::Skip && format != Format::Nnet {
        return Err(Fault::new(format!("--skip-normalisation: a {format} file has no normalisation to skip"))
            .advise("leave --skip-normalisation out"));
    }
    if options.layer_order.is_some() && format != Format::Safetensors {
        return Err(Fault::new(format!("--layer-order: a {format} file has an order of its own"))
            .advise("leave --layer-order out"));
    }
    Ok(())
}
