//! What can be wrong with a network, a query or a model file.

use std::fmt;
use std::path::PathBuf;

/// Errors of this crate. Each says what was found, where, and what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slope interval that is not one.
    #[error("slope interval [{lower}, {upper}]: want finite ends with lower ≤ upper")]
    Slope {
        /// The lower end given.
        lower: f64,
        /// The upper end given.
        upper: f64,
    },
    /// An activation name or parameter that is not known.
    #[error(
        "unknown activation `{name}`: want one of relu, leaky:SLOPE, tanh, sigmoid, elu:SCALE, softplus, silu, gelu, \
         hardtanh:LOW:HIGH, relu6, abs, identity, with finite parameters"
    )]
    Activation {
        /// The text given.
        name: String,
    },
    /// Two neighbouring layers do not fit.
    #[error(
        "layer {layer} takes {wanted} inputs but the layer before it gives {found}: check the order and the orientation of the weights"
    )]
    Dimension {
        /// One-based position among the affine layers.
        layer: usize,
        /// Columns of the layer's weights.
        wanted: usize,
        /// Outputs of the layer before.
        found: usize,
    },
    /// A bias of the wrong length.
    #[error("layer {layer} has {rows} outputs but its bias has {bias} entries")]
    BiasLength {
        /// One-based position among the affine layers.
        layer: usize,
        /// Rows of the layer's weights.
        rows: usize,
        /// Length of the bias.
        bias: usize,
    },
    /// A weight or bias that is NaN or infinite.
    #[error("{what} of layer {layer} has the entry {value} at {place}: want finite numbers")]
    NotFinite {
        /// `weights` or `bias`.
        what: &'static str,
        /// One-based position among the affine layers.
        layer: usize,
        /// Where in the array.
        place: String,
        /// The entry.
        value: f64,
    },
    /// A network with nothing in it.
    #[error("{what}: want at least one layer with at least one input and one output")]
    Empty {
        /// What is empty.
        what: String,
    },
    /// A hand-made increment system whose blocks and edges do not fit.
    #[error("increment system: {reason}")]
    System {
        /// What is wrong.
        reason: String,
    },
    /// An output selection the network does not have.
    #[error("--output {selection}: want outputs from 0 to {last}, two different ones for a difference")]
    Output {
        /// The selection given.
        selection: String,
        /// The last valid output.
        last: usize,
    },
    /// An output selection or norm that cannot be read.
    #[error("cannot read `{text}`: want {wanted}")]
    Parse {
        /// The text given.
        text: String,
        /// What is understood.
        wanted: &'static str,
    },
    /// A model file that cannot be used; `what` names the place in the file.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was found, where in the file, and what was wanted.
        what: String,
        /// What the user can do about it, if anything is known.
        advice: Option<String>,
    },
    /// A model file with nodes that are understood but not supported; all of them, in the order of the file.
    #[error("{path}: {} not supported{}", count(nodes.len()), list(nodes))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The nodes.
        nodes: Vec<UnsupportedNode>,
    },
}

impl Error {
    /// What the user can do about it, where that is known and not part of the message.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::File { advice, .. } => advice.as_deref(),
            _ => None,
        }
    }
}

/// A node of a model file that stands in the way of reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedNode {
    /// The node's name, or the value it computes if it has no name.
    pub name: String,
    /// Its operator, such as `Conv`.
    pub op: String,
    /// Why it is not supported, with the shapes where they matter.
    pub reason: String,
    /// The nearest way around it.
    pub workaround: String,
}

impl fmt::Display for UnsupportedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, op, reason, workaround } = self;
        write!(f, "{op} `{name}`: {reason}; {workaround}")
    }
}

/// `1 node is`, `3 nodes are`.
fn count(nodes: usize) -> String {
    if nodes == 1 { "1 node is".to_owned() } else { format!("{nodes} nodes are") }
}

/// The nodes, each on a line of its own.
fn list(nodes: &[UnsupportedNode]) -> String {
    nodes.iter().fold(String::new(), |text, node| format!("{text}\n  {node}"))
}
