//! The graph: its one input, its one output, and the nodes between them.

use std::collections::{HashMap, HashSet};

use super::super::fault::Fault;
use super::node::MAX_RANK;
use super::proto::{self, data_type};

/// A graph with one input and one output.
pub(super) struct Graph<'a> {
    pub input: &'a str,
    /// The input's shape, for one sample.
    pub shape: Vec<usize>,
    pub output: &'a str,
    /// The constants that matter.
    pub initializers: Vec<&'a proto::Tensor>,
    /// The values that are read by a node, or by whoever reads the output.
    pub read: HashSet<&'a str>,
    /// The nodes that the output depends on, in the order of the file.
    pub nodes: Vec<Node<'a>>,
}

/// A node as it is walked.
pub(super) struct Node<'a> {
    pub message: &'a proto::Node,
    /// The operator; that of a fused pair is not the message's own.
    pub op: &'a str,
    pub inputs: Vec<&'a str>,
}

impl Node<'_> {
    /// The node's name, or its value's if it has none.
    pub fn name(&self) -> &str {
        let message = self.message;
        if message.name.is_empty() { message.output.first().map_or("", String::as_str) } else { &message.name }
    }
}

/// The first operator set in which broadcasting and the optional inputs are those of today.
const OLDEST_OPSET: i64 = 8;

impl<'a> Graph<'a> {
    /// The graph of a model, after checks that need no walk.
    pub fn of_model(model: &'a proto::Model) -> Result<Self, Fault> {
        let graph =
            model.graph.as_ref().ok_or_else(|| Fault::new("this is not an ONNX model: there is no graph in it"))?;
        check_opset(&model.opset_import)?;
        let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let (input, shape) = single_input(graph, &constants)?;
        let output = single_output(graph)?;
        let producers = producers(graph, input, &constants)?;
        let live = live(graph, output, &producers);
        if let Some(sparse) = graph.sparse_initializer.iter().find_map(|tensor| tensor.values.as_ref()) {
            return Err(Fault::new(format!("the constant `{}` is stored as a sparse tensor", sparse.name))
                .advise("store it as a dense initializer"));
        }
        let nodes: Vec<Node> = (graph.node.iter())
            .zip(&live)
            .filter(|&(_, &live)| live)
            .map(|(message, _)| Node {
                message,
                op: &message.op_type,
                inputs: message.input.iter().map(String::as_str).collect(),
            })
            .collect();
        let mut read: HashSet<&str> = nodes.iter().flat_map(|node| node.inputs.iter().copied()).collect();
        // An optional input that is left out has an empty name.
        read.remove("");
        read.insert(output);
        let initializers = graph.initializer.iter().filter(|tensor| read.contains(tensor.name.as_str())).collect();
        Ok(Self { input, shape, output, initializers, read, nodes: fused(nodes, output) })
    }
}

/// Refuses models without the default operator set or with one that is too old.
fn check_opset(imports: &[proto::OperatorSet]) -> Result<(), Fault> {
    match imports.iter().find(|import| is_default_domain(&import.domain)) {
        Some(import) if import.version >= OLDEST_OPSET => Ok(()),
        Some(import) => {
            Err(Fault::new(format!("the model uses operator set {}: want {OLDEST_OPSET} or newer", import.version))
                .advise("convert it with onnx.version_converter.convert_version(model, 13)"))
        }
        None => Err(Fault::new("the model does not say which operator set it uses").advise("export it again")),
    }
}

/// The operators of ONNX itself have no domain, or this one.
pub(super) fn is_default_domain(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The input that is not an initializer, and its shape.
fn single_input<'a>(graph: &'a proto::Graph, constants: &HashSet<&str>) -> Result<(&'a str, Vec<usize>), Fault> {
    let inputs: Vec<&proto::ValueInfo> =
        graph.input.iter().filter(|input| !constants.contains(input.name.as_str())).collect();
    match inputs.as_slice() {
        [] => Err(Fault::new("the graph has no input")),
        [input] => Ok((&input.name, input_shape(input)?)),
        several => Err(Fault::new(format!("the graph has {} inputs ({}): want one", several.len(), names(several)))
            .advise("join them into one vector, or make all but one of them constants")),
    }
}

fn single_output(graph: &proto::Graph) -> Result<&str, Fault> {
    match graph.output.as_slice() {
        [] => Err(Fault::new("the graph has no output")),
        [output] => Ok(&output.name),
        several => {
            let several: Vec<&proto::ValueInfo> = several.iter().collect();
            Err(Fault::new(format!("the graph has {} outputs ({}): want one", several.len(), names(&several)))
                .advise("keep one of them: onnx.utils.extract_model(path, new_path, inputs, [output])"))
        }
    }
}

fn names(values: &[&proto::ValueInfo]) -> String {
    values.iter().map(|value| format!("`{}`", value.name)).collect::<Vec<_>>().join(", ")
}

/// The shape of one sample. The leading of several dimensions is the batch; if it is not fixed it counts as 1.
fn input_shape(input: &proto::ValueInfo) -> Result<Vec<usize>, Fault> {
    let unknown = |what: &str| {
        Fault::new(format!("the input `{}` {what}", input.name))
            .advise("export the model with a fixed number of inputs")
    };
    let tensor = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref()).ok_or_else(|| unknown("is not a tensor"))?;
    match tensor.elem_type {
        data_type::FLOAT | data_type::DOUBLE | data_type::FLOAT16 | data_type::BFLOAT16 => {}
        other => return Err(unknown(&format!("is of type {}: want numbers with fractions", data_type::name(other)))),
    }
    let dims = &tensor.shape.as_ref().ok_or_else(|| unknown("has no shape"))?.dim;
    if dims.is_empty() || dims.len() > MAX_RANK {
        return Err(unknown(&format!("has {} dimensions: want 1 to {MAX_RANK}", dims.len())));
    }
    dims.iter()
        .enumerate()
        .map(|(place, dim)| match dim.value.and_then(|value| usize::try_from(value).ok()).filter(|&value| value > 0) {
            Some(value) => Ok(value),
            None if place == 0 && dims.len() > 1 => Ok(1),
            None => Err(unknown(&format!("has no fixed size in dimension {place}"))),
        })
        .collect()
}

/// Which node computes each value; no value may be computed twice, or given and computed.
fn producers<'a>(
    graph: &'a proto::Graph,
    input: &str,
    constants: &HashSet<&str>,
) -> Result<HashMap<&'a str, usize>, Fault> {
    let mut producers = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for value in node.output.iter().filter(|value| !value.is_empty()) {
            let given = value == input || constants.contains(value.as_str());
            if given || producers.insert(value.as_str(), index).is_some() {
                return Err(Fault::new(format!("`{value}` is defined twice: the graph is recurrent or damaged"))
                    .advise("unroll the network for one fixed length, and export it again"));
            }
        }
    }
    Ok(producers)
}

/// The nodes that the output depends on.
fn live(graph: &proto::Graph, output: &str, producers: &HashMap<&str, usize>) -> Vec<bool> {
    let mut live = vec![false; graph.node.len()];
    let mut pending: Vec<usize> = producers.get(output).copied().into_iter().collect();
    while let Some(index) = pending.pop() {
        if !live[index] {
            live[index] = true;
            pending.extend(graph.node[index].input.iter().filter_map(|value| producers.get(value.as_str())));
        }
    }
    live
}

/// The nodes with `x · sigmoid(x)`, which exporters write for SiLU, as one node `Swish`.
fn fused<'a>(nodes: Vec<Node<'a>>, output: &str) -> Vec<Node<'a>> {
    let mut uses: HashMap<&str, usize> = HashMap::from([(output, 1)]);
    for input in nodes.iter().flat_map(|node| &node.inputs) {
        *uses.entry(input).or_default() += 1;
    }
    let sigmoids: HashMap<&str, &str> = nodes
        .iter()
        .filter(|node| node.op == "Sigmoid")
        .filter_map(|node| Some((node.message.output.first()?.as_str(), *node.inputs.first()?)))
        .filter(|(value, _)| uses.get(value) == Some(&1))
        .collect();
    // The sigmoid must come first, as it does in a sorted graph.
    let mut seen = HashSet::new();
    let mut absorbed = HashSet::new();
    let mut kept: Vec<Node<'a>> = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        let pairs = match (node.op, node.inputs.as_slice()) {
            ("Mul", &[a, b]) => vec![(a, b), (b, a)],
            _ => Vec::new(),
        };
        if let Some((x, s)) = pairs.into_iter().find(|(x, s)| sigmoids.get(s) == Some(x) && seen.contains(s)) {
            (node.op, node.inputs) = ("Swish", vec![x]);
            absorbed.insert(s);
        }
        seen.extend(node.message.output.iter().map(String::as_str));
        kept.push(node);
    }
    kept.retain(|node| {
        !(node.op == "Sigmoid" && node.message.output.first().is_some_and(|s| absorbed.contains(s.as_str())))
    });
    kept
}
