//! Plain chains: what formats without a graph can hold.
//!
//! `x ↦ W_L φ(… φ(W_1 x + b_1) …) + b_L` with one activation φ, dense matrices and nothing else.

use faer::Mat;

use crate::{Activation, Affine, Layer, LinearMap, Network};

use super::fault::Fault;

/// A weight matrix and its bias; an empty bias stands for zeros.
pub(super) type Weights = (LinearMap, Vec<f64>);

/// The chain of `weights` with `activation` between its layers; a single layer needs none.
pub(super) fn network(weights: Vec<Weights>, activation: Option<Activation>) -> Result<Network, Fault> {
    if weights.is_empty() {
        return Err(Fault::new("the file holds no weight matrix"));
    }
    if weights.len() > 1 && activation.is_none() {
        return Err(Fault::new(format!(
            "the file holds {} weight matrices but not the activation between them",
            weights.len()
        ))
        .advise("say it with --activation, for example --activation relu"));
    }
    let mut layers = Vec::new();
    for (map, bias) in weights {
        if let (Some(activation), false) = (activation, layers.is_empty()) {
            layers.push(Layer::Activation(activation));
        }
        layers.push(Layer::Affine(Affine::new(map, bias)));
    }
    Ok(Network::new(layers)?)
}

/// A network taken apart into the matrices and biases of a plain chain.
pub(super) struct Plain<'a> {
    /// Matrix and bias of each layer.
    pub layers: Vec<(Mat<f64>, &'a [f64])>,
    /// The activation between them; `None` for a single layer.
    pub activation: Option<Activation>,
}

/// Takes a plain chain apart; other networks are refused with the formats that can hold them.
pub(super) fn plain<'a>(network: &'a Network, format: &str) -> Result<Plain<'a>, Fault> {
    let refuse = |reason: String| {
        Err(Fault::new(format!("{format} files hold affine layers with one activation between them, but {reason}"))
            .advise("write .json or .onnx, which hold every network"))
    };
    let mut plain = Plain { layers: Vec::new(), activation: None };
    for (position, layer) in network.layers().iter().enumerate() {
        let place = position + 1;
        match layer {
            Layer::Affine(_) if position % 2 == 1 => {
                return refuse(format!("layers {position} and {place} are affine with nothing between them"));
            }
            Layer::Affine(affine) => match affine.map() {
                LinearMap::Dense(_) | LinearMap::Sparse(_) => {
                    plain.layers.push((filled(affine.map())?, affine.bias()));
                }
                LinearMap::Scale(_) | LinearMap::Divide(_) | LinearMap::Chain(_) => {
                    return refuse(format!("layer {place} is not given by one matrix"));
                }
            },
            Layer::Activation(_) if position % 2 == 0 || place == network.layers().len() => {
                return refuse(format!("the activation at layer {place} does not stand between two affine layers"));
            }
            Layer::Activation(activation) => match plain.activation {
                Some(first) if first != *activation => {
                    return refuse(format!("this network has {first} and {activation}"));
                }
                _ => plain.activation = Some(*activation),
            },
        }
    }
    Ok(plain)
}

/// The matrix of a map that is one, with its zeros; refused where they would fill the memory.
pub(super) fn filled(map: &LinearMap) -> Result<Mat<f64>, Fault> {
    /// The largest message of protocol buffers, hence of ONNX files.
    const MAX_BYTES: usize = 2 << 30;
    let (rows, cols) = (map.rows(), map.cols());
    match rows.checked_mul(cols).and_then(|entries| entries.checked_mul(size_of::<f64>())) {
        Some(bytes) if bytes <= MAX_BYTES => Ok(map.to_dense()),
        _ => Err(Fault::new(format!("a sparse matrix of {rows} × {cols} is too large to be written with its zeros"))
            .advise("write .json, which keeps it sparse")),
    }
}
