//! Nodes that apply a function to every entry.

use crate::{Activation, Layer};

use super::linear::broadcast;
use super::node::{Node, Operand, Outcome, Trouble};

/// The signal after an activation.
fn applied(node: &Node, activation: Activation) -> Result<Outcome, Trouble> {
    let activation = activation.validated().map_err(|error| Trouble::broken(error.to_string()))?;
    Ok(Outcome::Signal { layers: vec![Layer::Activation(activation)], shape: node.signal()?.to_vec() })
}

pub(super) fn relu(node: &Node) -> Result<Outcome, Trouble> {
    applied(node, Activation::Relu)
}

pub(super) fn tanh(node: &Node) -> Result<Outcome, Trouble> {
    applied(node, Activation::Tanh)
}

pub(super) fn sigmoid(node: &Node) -> Result<Outcome, Trouble> {
    applied(node, Activation::Sigmoid)
}

pub(super) fn softplus(node: &Node) -> Result<Outcome, Trouble> {
    applied(node, Activation::Softplus)
}

pub(super) fn abs(node: &Node) -> Result<Outcome, Trouble> {
    applied(node, Activation::Abs)
}

pub(super) fn leaky_relu(node: &Node) -> Result<Outcome, Trouble> {
    applied(node, Activation::LeakyRelu { slope: node.float("alpha", 0.01)? })
}

pub(super) fn elu(node: &Node) -> Result<Outcome, Trouble> {
    applied(node, Activation::Elu { scale: node.float("alpha", 1.0)? })
}

/// A leaky ReLU whose slopes are a tensor; one common slope is supported.
pub(super) fn prelu(node: &Node) -> Result<Outcome, Trouble> {
    let shape = node.signal()?;
    let Operand::Constant(slopes) = node.operand(1) else {
        return Err(Trouble::broken("its slopes are not constant"));
    };
    let slopes = broadcast(slopes, shape)?.numbers;
    match slopes.first() {
        Some(&slope) if slopes.iter().all(|&other| other == slope) => applied(node, Activation::LeakyRelu { slope }),
        _ => Err(Trouble::unsupported("its neurons have different slopes", "train with one slope for each layer")),
    }
}

/// `x · sigmoid(alpha · x)`, supported for `alpha = 1`.
pub(super) fn swish(node: &Node) -> Result<Outcome, Trouble> {
    let alpha = node.float("alpha", 1.0)?;
    if alpha == 1.0 {
        applied(node, Activation::Silu)
    } else {
        Err(Trouble::unsupported(format!("alpha is {alpha}"), "scale the layers around it so that alpha becomes 1"))
    }
}

/// The erf form is supported; the tanh form is another function.
pub(super) fn gelu(node: &Node) -> Result<Outcome, Trouble> {
    match node.attribute("approximate").and_then(|attribute| attribute.s.as_deref()) {
        None | Some(b"none") => applied(node, Activation::Gelu),
        Some(_) => Err(Trouble::unsupported("it approximates by tanh", "export with approximate=\"none\"")),
    }
}

/// Limits on both sides make a hard tanh, 0 below and nothing above a ReLU. Operator sets before 11 have the limits as
/// attributes, later ones as inputs.
pub(super) fn clip(node: &Node) -> Result<Outcome, Trouble> {
    let low = match node.scalar(1)? {
        Some(low) => low,
        None => node.float("min", f32::MIN)?,
    };
    let high = match node.scalar(2)? {
        Some(high) => high,
        None => node.float("max", f32::MAX)?,
    };
    if low.is_nan() || high.is_nan() || low > high {
        return Err(Trouble::broken(format!("it clips from {low} to {high}: want limits in order")));
    }
    // The extreme numbers of float32 are the defaults and mean, like infinities, that there is no limit.
    let low = Some(low).filter(|&low| low != f64::NEG_INFINITY && low != f64::from(f32::MIN));
    let high = Some(high).filter(|&high| high != f64::INFINITY && high != f64::from(f32::MAX));
    match (low, high) {
        (None, None) => applied(node, Activation::Identity),
        (Some(0.0), None) => applied(node, Activation::Relu),
        (Some(low), Some(high)) => applied(node, Activation::HardTanh { low, high }),
        (Some(low), None) => Err(Trouble::unsupported(
            format!("it clips at {low} from below only"),
            "write it as Sub, Relu, Add, or give an upper limit",
        )),
        (None, Some(high)) => Err(Trouble::unsupported(
            format!("it clips at {high} from above only"),
            "write it as Neg, Add, Relu, Sub, or give a lower limit",
        )),
    }
}
