//! The walk through the graph, which turns nodes into layers.

use std::collections::HashMap;

use crate::{Affine, Layer, LinearMap, Network, UnsupportedNode};

use super::super::array::product;
use super::super::fault::Fault;
use super::external::Folder;
use super::graph::{self, Graph};
use super::node::{Node, Operand, Outcome, Trouble, elements};
use super::tensor::Tensor;
use super::{operator, proto, refusal};

/// What is known of a value.
#[derive(Clone)]
enum Value {
    Constant(Tensor),
    Signal(Vec<usize>),
    /// A node before it is not supported.
    Unknown {
        depends_on_data: bool,
    },
}

/// The state of the walk.
struct Walk<'a> {
    values: HashMap<&'a str, Value>,
    /// Which node read a value that depends on the data.
    readers: HashMap<&'a str, String>,
    layers: Vec<Layer>,
    unsupported: Vec<UnsupportedNode>,
    budget: usize,
}

/// The network of a graph from a file of `file_bytes` bytes.
pub(super) fn network(graph: &Graph, file_bytes: usize, folder: &mut Folder) -> Result<Network, Fault> {
    let mut walk = Walk::new(graph, file_bytes, folder)?;
    for node in &graph.nodes {
        walk.step(graph, node)?;
    }
    if !walk.unsupported.is_empty() {
        return Err(Fault::Unsupported(walk.unsupported));
    }
    match walk.values.get(graph.output) {
        Some(Value::Signal(_)) => {}
        Some(Value::Constant(_)) => return Err(Fault::new(format!("the output `{}` is constant", graph.output))),
        Some(Value::Unknown { .. }) | None => {
            return Err(Fault::new(format!("nothing computes the output `{}`", graph.output)));
        }
    }
    if !walk.layers.iter().any(|layer| matches!(layer, Layer::Affine(_))) {
        let inputs = elements(&graph.shape);
        walk.spend(inputs).map_err(Fault::new)?;
        walk.layers.insert(0, Layer::Affine(Affine::new(LinearMap::identity(inputs), Vec::new())));
    }
    Ok(Network::new(walk.layers)?)
}

impl<'a> Walk<'a> {
    /// Before the first node.
    fn new(graph: &Graph<'a>, file_bytes: usize, folder: &mut Folder) -> Result<Self, Fault> {
        /// Coefficients that a file may ask for without holding them, as one factor for a whole layer does. Beyond it
        /// they must be in proportion to its size.
        const ALLOWANCE: usize = 1 << 26;
        const COEFFICIENTS_PER_BYTE: usize = 4;
        let mut values = HashMap::new();
        let mut stored = 0usize;
        for message in &graph.initializers {
            let tensor = Tensor::decode(message, folder)
                .map_err(|fault| fault.within(&format!("the constant `{}`", message.name)))?;
            stored = stored.saturating_add(tensor.len());
            values.insert(message.name.as_str(), Value::Constant(tensor));
        }
        if product(&graph.shape).is_none() {
            return Err(Fault::new(format!("the size of the input `{}` overflows", graph.input)));
        }
        values.insert(graph.input, Value::Signal(graph.shape.clone()));
        let proportional = COEFFICIENTS_PER_BYTE.saturating_mul(file_bytes.saturating_add(stored));
        Ok(Self {
            values,
            readers: HashMap::new(),
            layers: Vec::new(),
            unsupported: Vec::new(),
            budget: ALLOWANCE.saturating_add(proportional),
        })
    }

    /// Takes one node.
    fn step(&mut self, graph: &Graph<'a>, node: &graph::Node<'a>) -> Result<(), Fault> {
        let values = self.read(graph, node)?;
        let depends_on_data = values.iter().any(|value| !matches!(value, Some(Value::Constant(_)) | None));
        let operands: Option<Vec<Operand>> = values
            .into_iter()
            .map(|value| match value {
                None => Some(Operand::Absent),
                Some(Value::Constant(tensor)) => Some(Operand::Constant(tensor)),
                Some(Value::Signal(shape)) => Some(Operand::Signal(shape)),
                Some(Value::Unknown { .. }) => None,
            })
            .collect();
        let value = match self.outcome(graph, node, operands) {
            Ok(Some(Outcome::Constant(tensor))) => Value::Constant(tensor),
            Ok(Some(Outcome::Signal { shape, .. })) if elements(&shape) == 0 => {
                return Err(Fault::new(format!("node `{}` ({}) gives no numbers at all", node.name(), node.op)));
            }
            Ok(Some(Outcome::Signal { layers, shape })) => {
                self.layers.extend(layers);
                Value::Signal(shape)
            }
            Ok(None) => Value::Unknown { depends_on_data },
            Err(Trouble::Unsupported { reason, workaround }) => {
                let (name, op) = (node.name().to_owned(), node.message.op_type.clone());
                self.unsupported.push(UnsupportedNode { name, op, reason, workaround });
                Value::Unknown { depends_on_data }
            }
            Err(Trouble::Broken(what)) => {
                return Err(Fault::new(format!("node `{}` ({}): {what}", node.name(), node.message.op_type)));
            }
        };
        for output in node.message.output.iter().filter(|output| !output.is_empty()) {
            self.values.insert(output, value.clone());
        }
        Ok(())
    }

    /// The values that a node reads; an optional input that is left out is `None`.
    fn read(&self, graph: &Graph, node: &graph::Node<'a>) -> Result<Vec<Option<Value>>, Fault> {
        node.inputs
            .iter()
            .map(|&input| match (input, self.values.get(input)) {
                ("", _) => Ok(None),
                (_, Some(value)) => Ok(Some(value.clone())),
                (_, None) => Err(missing(graph, node, input)),
            })
            .collect()
    }

    /// What a node gives, `None` if it depends on one that is not supported.
    fn outcome(
        &mut self,
        graph: &Graph<'a>,
        node: &graph::Node<'a>,
        operands: Option<Vec<Operand>>,
    ) -> Result<Option<Outcome>, Trouble> {
        let message = node.message;
        if !graph::is_default_domain(&message.domain) {
            let reason = format!("it is an operator of the domain `{}`", message.domain);
            return Err(Trouble::unsupported(reason, "export with standard operators only"));
        }
        let shapes = |trouble: Trouble, node: &Node| match trouble {
            Trouble::Unsupported { reason, workaround } if !node.operands.is_empty() => {
                Trouble::Unsupported { reason: format!("{reason} (inputs {})", node.shapes()), workaround }
            }
            other => other,
        };
        let branching = self.occupy(node);
        let (operator, operands) = match (operator::find(node.op), operands) {
            (Some(operator), Some(operands)) => (operator, operands),
            (None, Some(operands)) => {
                let node = Node { message, operands };
                return Err(shapes(refusal::unsupported(&node), &node));
            }
            (None, None) => return Err(refusal::unsupported(&Node { message, operands: Vec::new() })),
            (Some(_), None) => return branching.map(|()| None),
        };
        branching?;
        check_outputs(graph, message)?;
        let node = Node { message, operands };
        let sizes = node.operands.iter().map(|operand| match operand {
            Operand::Absent => 0,
            Operand::Constant(tensor) => tensor.len(),
            Operand::Signal(shape) => elements(shape),
        });
        // Every operator makes at most as many numbers as its operands have, or as many as their product's matrix.
        self.spend(sizes.fold(0, usize::saturating_add)).map_err(Trouble::Broken)?;
        operator.apply(&node).map(Some).map_err(|trouble| shapes(trouble, &node))
    }

    /// Marks the values that depend on the data as read by `node`: each can be read once, because a chain has no
    /// branches. Asking for a shape does not count.
    fn occupy(&mut self, node: &graph::Node<'a>) -> Result<(), Trouble> {
        if node.op == "Shape" {
            return Ok(());
        }
        let mut branching = Ok(());
        for &input in &node.inputs {
            let counts = match self.values.get(input) {
                Some(Value::Signal(_) | Value::Unknown { depends_on_data: true }) => true,
                Some(Value::Constant(_) | Value::Unknown { depends_on_data: false }) | None => false,
            };
            let reader = if counts { self.readers.insert(input, node.name().to_owned()) } else { None };
            if let Some(reader) = reader {
                let reason = format!(
                    "`{input}` is also read by `{reader}`: skip connections and branches are not supported yet"
                );
                branching = Err(Trouble::unsupported(reason, "export a network without them"));
            }
        }
        branching
    }

    /// Takes coefficients from the budget.
    fn spend(&mut self, coefficients: usize) -> Result<(), String> {
        self.budget = self.budget.checked_sub(coefficients).ok_or_else(|| {
            format!("the graph asks for {coefficients} more coefficients, far beyond what a file of this size can hold")
        })?;
        Ok(())
    }
}

/// A value that is read before it is computed, or never computed.
fn missing(graph: &Graph, node: &graph::Node, input: &str) -> Fault {
    let place = format!("node `{}` ({}) reads `{input}`", node.name(), node.message.op_type);
    let later = graph.nodes.iter().find(|other| other.message.output.iter().any(|output| output == input));
    match later {
        Some(later) => {
            Fault::new(format!("{place}, which `{}` computes only after it: the graph is recurrent", later.name()))
                .advise("unroll the network for one fixed length")
        }
        None => Fault::new(format!("{place}, which nothing computes")).advise("the model is damaged: export it again"),
    }
}

/// No supported operator has a second output that is of use: the mask of a Dropout only matters in training.
fn check_outputs(graph: &Graph, message: &proto::Node) -> Result<(), Trouble> {
    match message.output.iter().skip(1).find(|value| graph.read.contains(value.as_str())) {
        Some(value) => Err(Trouble::unsupported(
            format!("its second output `{value}` is used"),
            "call model.eval() before exporting",
        )),
        None => Ok(()),
    }
}
