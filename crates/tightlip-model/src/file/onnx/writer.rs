//! Networks as ONNX graphs, operator set 13 (20 if there is a GELU).
//!
//! All numbers are float32 if every one of them is a float32 number, otherwise float64: nothing is rounded. A matrix
//! becomes a `Gemm` with `transB = 1`, a scaling `Mul`, a quotient `Div`, a translation `Add`. Attributes are float32 in
//! ONNX, so a leaky ReLU of another slope becomes a `PRelu`, and an ELU of another scale is refused. The same network
//! gives the same bytes.
//!
//! Float64 models are valid, but ONNX Runtime lacks float64 kernels for LeakyRelu, PRelu, Elu, Softplus and Gelu.

use faer::MatRef;
use prost::Message;

use crate::{Activation, Affine, Layer, LinearMap, Network};

use super::super::chain::filled;
use super::super::fault::Fault;
use super::proto::{self, attribute_type, data_type};

/// Protocol buffers end here, hence ONNX files without external data.
const MAX_BYTES: usize = 2 << 30;

/// Writes any network, apart from an ELU whose scale is not a float32 number.
pub(in crate::file) fn write(network: &Network) -> Result<Vec<u8>, Fault> {
    let mut graph = Builder::new(network);
    for layer in network.layers() {
        match layer {
            Layer::Affine(affine) => graph.affine(affine.map(), affine.bias())?,
            Layer::Activation(activation) => graph.activation(*activation)?,
        }
    }
    if graph.size > MAX_BYTES {
        return Err(Fault::new(format!("the weights take {} bytes, and ONNX files end at 2 GiB", graph.size))
            .advise("write .json, which has no limit"));
    }
    Ok(graph.finish(network).encode_to_vec())
}

/// A graph under construction.
struct Builder {
    nodes: Vec<proto::Node>,
    initializers: Vec<proto::Tensor>,
    data_type: i32,
    opset: i64,
    /// Bytes of the initializers.
    size: usize,
}

impl Builder {
    fn new(network: &Network) -> Self {
        let data_type = if is_single_precision(network) { data_type::FLOAT } else { data_type::DOUBLE };
        Self { nodes: Vec::new(), initializers: Vec::new(), data_type, opset: 13, size: 0 }
    }

    /// The name of the value computed last.
    fn current(&self) -> String {
        if self.nodes.is_empty() { "input".to_owned() } else { format!("v{}", self.nodes.len()) }
    }

    /// Appends a node that takes the current value and the named constants.
    fn node(&mut self, op: &str, constants: Vec<String>, attribute: Vec<proto::Attribute>) {
        let mut input = vec![self.current()];
        input.extend(constants);
        let place = self.nodes.len() + 1;
        self.nodes.push(proto::Node {
            input,
            output: vec![format!("v{place}")],
            name: format!("{op}_{place}"),
            op_type: op.to_owned(),
            attribute,
            domain: String::new(),
        });
    }

    /// Stores a constant and gives its name. Sizes beyond the limit are counted but not stored.
    fn constant(&mut self, letter: char, dims: &[usize], values: impl Iterator<Item = f64>) -> String {
        let name = format!("{letter}{}", self.nodes.len() + 1);
        let single = self.data_type == data_type::FLOAT;
        self.size = self.size.saturating_add(dims.iter().product::<usize>() * if single { 4 } else { 8 });
        let mut raw_data = Vec::new();
        if self.size <= MAX_BYTES {
            for value in values {
                if single {
                    raw_data.extend((value as f32).to_le_bytes());
                } else {
                    raw_data.extend(value.to_le_bytes());
                }
            }
        }
        self.initializers.push(proto::Tensor {
            dims: dims.iter().map(|dim| dim.cast_signed() as i64).collect(),
            data_type: self.data_type,
            name: name.clone(),
            raw_data,
            ..proto::Tensor::default()
        });
        name
    }

    fn affine(&mut self, map: &LinearMap, bias: &[f64]) -> Result<(), Fault> {
        match map {
            LinearMap::Dense(matrix) => self.gemm(matrix.as_ref(), bias),
            LinearMap::Sparse(_) => self.gemm(filled(map)?.as_ref(), bias),
            LinearMap::Scale(factors) => {
                if factors.iter().any(|&factor| factor != 1.0) {
                    self.elementwise("Mul", factors);
                }
                self.translation(bias);
            }
            LinearMap::Divide(divisors) => {
                self.elementwise("Div", divisors);
                self.translation(bias);
            }
            LinearMap::Chain(maps) => {
                let (last, first) = maps.split_last().expect("a chain has at least one map");
                first.iter().try_for_each(|map| self.affine(map, &[]))?;
                self.affine(last, bias)?;
            }
        }
        Ok(())
    }

    fn gemm(&mut self, matrix: MatRef<'_, f64>, bias: &[f64]) {
        let (rows, cols) = (matrix.nrows(), matrix.ncols());
        let weight = self.constant('W', &[rows, cols], matrix.row_iter().flat_map(|row| row.iter().copied()));
        let mut constants = vec![weight];
        if !bias.is_empty() {
            constants.push(self.constant('b', &[rows], bias.iter().copied()));
        }
        let transposed = proto::Attribute {
            name: "transB".to_owned(),
            i: Some(1),
            kind: attribute_type::INT,
            ..proto::Attribute::default()
        };
        self.node("Gemm", constants, vec![transposed]);
    }

    fn elementwise(&mut self, op: &str, values: &[f64]) {
        let constant = self.constant('c', &[values.len()], values.iter().copied());
        self.node(op, vec![constant], Vec::new());
    }

    fn translation(&mut self, bias: &[f64]) {
        if bias.iter().any(|&b| b != 0.0) {
            self.elementwise("Add", bias);
        }
    }

    fn activation(&mut self, activation: Activation) -> Result<(), Fault> {
        match activation {
            Activation::Relu => self.node("Relu", Vec::new(), Vec::new()),
            Activation::Tanh => self.node("Tanh", Vec::new(), Vec::new()),
            Activation::Sigmoid => self.node("Sigmoid", Vec::new(), Vec::new()),
            Activation::Softplus => self.node("Softplus", Vec::new(), Vec::new()),
            Activation::Abs => self.node("Abs", Vec::new(), Vec::new()),
            Activation::Identity => self.node("Identity", Vec::new(), Vec::new()),
            Activation::LeakyRelu { slope } if is_single(slope) => self.node("LeakyRelu", Vec::new(), alpha(slope)),
            Activation::LeakyRelu { slope } => {
                let slope = self.constant('s', &[1], std::iter::once(slope));
                self.node("PRelu", vec![slope], Vec::new());
            }
            Activation::Elu { scale } if is_single(scale) => self.node("Elu", Vec::new(), alpha(scale)),
            Activation::Elu { scale } => {
                return Err(Fault::new(format!("elu:{scale}: ONNX keeps this number as a float32, which it is not"))
                    .advise("write .json, which keeps every number"));
            }
            Activation::HardTanh { low, high } => self.clip(low, high),
            Activation::Relu6 => self.clip(0.0, 6.0),
            Activation::Gelu => {
                self.opset = 20;
                self.node("Gelu", Vec::new(), Vec::new());
            }
            Activation::Silu => {
                let value = self.current();
                self.node("Sigmoid", Vec::new(), Vec::new());
                self.node("Mul", vec![value], Vec::new());
            }
        }
        Ok(())
    }

    fn clip(&mut self, low: f64, high: f64) {
        let limits =
            vec![self.constant('l', &[], std::iter::once(low)), self.constant('h', &[], std::iter::once(high))];
        self.node("Clip", limits, Vec::new());
    }

    /// The model around the graph, with a batch of any size.
    fn finish(mut self, network: &Network) -> proto::Model {
        /// The first versions of the file format in which the operator sets 13 and 20 are defined.
        const IR_OF_OPSET_13: i64 = 7;
        const IR_OF_OPSET_20: i64 = 9;
        if self.nodes.is_empty() {
            self.node("Identity", Vec::new(), Vec::new());
        }
        if let Some(last) = self.nodes.last_mut() {
            last.output = vec!["output".to_owned()];
        }
        proto::Model {
            ir_version: if self.opset < 20 { IR_OF_OPSET_13 } else { IR_OF_OPSET_20 },
            producer_name: "tightlip".to_owned(),
            graph: Some(proto::Graph {
                node: self.nodes,
                name: "network".to_owned(),
                initializer: self.initializers,
                input: vec![value("input", self.data_type, network.inputs())],
                output: vec![value("output", self.data_type, network.outputs())],
                sparse_initializer: Vec::new(),
            }),
            opset_import: vec![proto::OperatorSet { domain: String::new(), version: self.opset }],
        }
    }
}

/// The declaration of a value of `N × size`.
fn value(name: &str, elem_type: i32, size: usize) -> proto::ValueInfo {
    let batch = proto::Dimension { value: None, param: Some("N".to_owned()) };
    let entries = proto::Dimension { value: Some(size.cast_signed() as i64), param: None };
    let shape = Some(proto::Shape { dim: vec![batch, entries] });
    let tensor = Some(proto::TensorType { elem_type, shape });
    proto::ValueInfo { name: name.to_owned(), kind: Some(proto::Type { tensor }) }
}

/// The attribute `alpha`.
fn alpha(value: f64) -> Vec<proto::Attribute> {
    let name = "alpha".to_owned();
    vec![proto::Attribute { name, f: Some(value as f32), kind: attribute_type::FLOAT, ..proto::Attribute::default() }]
}

/// Whether every number of the network is a float32 number.
fn is_single_precision(network: &Network) -> bool {
    network.layers().iter().all(|layer| match layer {
        Layer::Affine(affine) => is_single_affine(affine),
        Layer::Activation(activation) => match *activation {
            Activation::LeakyRelu { slope } => is_single(slope),
            Activation::HardTanh { low, high } => is_single(low) && is_single(high),
            Activation::Relu
            | Activation::Tanh
            | Activation::Sigmoid
            | Activation::Elu { .. }
            | Activation::Softplus
            | Activation::Silu
            | Activation::Gelu
            | Activation::Relu6
            | Activation::Abs
            | Activation::Identity => true,
        },
    })
}

fn is_single_affine(affine: &Affine) -> bool {
    fn map(linear: &LinearMap) -> bool {
        match linear {
            LinearMap::Dense(matrix) => matrix.col_iter().all(|col| col.iter().all(|&weight| is_single(weight))),
            LinearMap::Sparse(matrix) => matrix.iter().all(|(&weight, _)| is_single(weight)),
            LinearMap::Scale(diagonal) | LinearMap::Divide(diagonal) => diagonal.iter().all(|&entry| is_single(entry)),
            LinearMap::Chain(maps) => maps.iter().all(map),
        }
    }
    map(affine.map()) && affine.bias().iter().all(|&b| is_single(b))
}

fn is_single(number: f64) -> bool {
    f64::from(number as f32) == number
}
