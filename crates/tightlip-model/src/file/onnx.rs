//! `.onnx`: Open Neural Network Exchange, operator sets 8 and up.
//!
//! A graph of nodes is walked once, in its order. Every value is a constant or *the signal*: an affine image of the input
//! with activations applied, remembered by its shape, flattened in row-major order. The leading dimension of the input is
//! the batch and counts as one sample, whatever its name. Nodes append layers to the network; those that only rearrange
//! constants (a transposed weight, the computed shape of a Reshape) are folded.
//!
//! - Exactness: real arithmetic with the stored numbers is meant. `Mul` and `Div` become maps of their own, `alpha` and
//!   `beta` of `Gemm` are multiplied in where the products are float64 numbers (for float32 weights they always are).
//! - A node that is not supported does not end the walk, so that all of them can be told at once.
//! - Not here: convolutions, pooling, normalisation, skip connections, control flow.
//!
//! Reference: the operator and protocol documents of the ONNX project, <https://onnx.ai>.

use flate2::read::MultiGzDecoder;
use prost::Message;

use crate::Network;

use super::Source;
use super::fault::Fault;
use super::inflate::Budget;

pub(super) use writer::write;

mod activation;
mod constant;
mod exact;
mod external;
mod graph;
mod linear;
mod node;
mod operator;
mod proto;
mod refusal;
mod shape;
mod tensor;
mod walk;
mod writer;

/// Reads a feed-forward graph.
pub(super) fn read(source: &Source) -> Result<Network, Fault> {
    let model = proto::Model::decode(source.bytes).map_err(|error| {
        Fault::new(format!("not an ONNX model, or one that is cut off: {error}"))
            .advise("export or download it again, and check that it is no Git LFS pointer")
    })?;
    let mut external = external::Folder::beside(source.path);
    let graph = graph::Graph::of_model(&model)?;
    walk::network(&graph, source.bytes.len(), &mut external)
}

/// Reads a graph from a file compressed with gzip.
pub(super) fn read_gz(source: &Source) -> Result<Network, Fault> {
    let unpacked = Budget::of_file(source.bytes.len()).read(MultiGzDecoder::new(source.bytes))?;
    read(&Source { bytes: &unpacked, path: source.path, options: source.options })
}
