//! ONNX models put together field by field, from the numbers in `onnx.proto` and without the code under test.

use std::path::Path;

use faer::Mat;
use tightlip_model::file::{Format, ReadOptions, read_bytes};
use tightlip_model::{Error, Network};

/// The bytes of a protocol buffer message.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    fn number(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    /// A field of an integer type.
    pub fn int(self, field: u64, value: i64) -> Self {
        self.number(field << 3).number(value.cast_unsigned())
    }

    /// A field of type float.
    pub fn float(self, field: u64, value: f32) -> Self {
        let mut message = self.number(field << 3 | 5);
        message.0.extend(value.to_le_bytes());
        message
    }

    /// A field of type string or bytes, or a packed repeated field.
    pub fn bytes(self, field: u64, value: &[u8]) -> Self {
        let mut message = self.number(field << 3 | 2).number(value.len() as u64);
        message.0.extend(value);
        message
    }

    /// A field of type string.
    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// A field that is a message.
    pub fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

/// `TensorProto` with its dimensions and type.
pub fn tensor(data_type: i64, dims: &[i64]) -> Message {
    dims.iter().fold(Message::default().int(2, data_type), |message, &dim| message.int(1, dim))
}

/// A float32 tensor in raw data.
pub fn floats(dims: &[i64], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(1, dims).bytes(9, &raw)
}

/// A float64 tensor in raw data.
pub fn doubles(dims: &[i64], values: &[f64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(11, dims).bytes(9, &raw)
}

/// An int64 tensor in raw data.
pub fn integers(dims: &[i64], values: &[i64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(7, dims).bytes(9, &raw)
}

/// `AttributeProto`.
pub enum Attribute<'a> {
    Int(&'a str, i64),
    Float(&'a str, f32),
    Ints(&'a str, &'a [i64]),
    Floats(&'a str, &'a [f32]),
    Text(&'a str, &'a str),
    Tensor(&'a str, Message),
}

impl Attribute<'_> {
    fn message(&self) -> Message {
        let named = |name: &str| Message::default().text(1, name);
        match self {
            Self::Int(name, value) => named(name).int(3, *value).int(20, 2),
            Self::Float(name, value) => named(name).float(2, *value).int(20, 1),
            Self::Ints(name, values) => values.iter().fold(named(name), |m, &value| m.int(8, value)).int(20, 7),
            Self::Floats(name, values) => values.iter().fold(named(name), |m, &value| m.float(7, value)).int(20, 6),
            Self::Text(name, value) => named(name).text(4, value).int(20, 3),
            Self::Tensor(name, value) => named(name).message(5, value).int(20, 4),
        }
    }
}

/// `ModelProto` under construction.
#[derive(Clone)]
pub struct Model {
    graph: Message,
    opset: Message,
}

impl Model {
    /// A model with no input yet, of operator set 13.
    pub fn new() -> Self {
        Self { graph: Message::default(), opset: Message::default() }.opset("", 13)
    }

    /// A model with the float input `x` and the output `y`; a dimension of −1 has a name instead of a size.
    pub fn taking(dims: &[i64]) -> Self {
        Self::new().input("x", dims).output("y")
    }

    /// Replaces the operator sets by one.
    pub fn opset(mut self, domain: &str, version: i64) -> Self {
        self.opset = Message::default().text(1, domain).int(2, version);
        self
    }

    /// Adds an input.
    pub fn input(mut self, name: &str, dims: &[i64]) -> Self {
        let shape = dims.iter().fold(Message::default(), |shape, &dim| {
            let size = if dim == -1 { Message::default().text(2, "N") } else { Message::default().int(1, dim) };
            shape.message(1, &size)
        });
        let tensor = Message::default().int(1, 1).message(2, &shape);
        let value = Message::default().text(1, name).message(2, &Message::default().message(1, &tensor));
        self.graph = self.graph.message(11, &value);
        self
    }

    /// Adds an output.
    pub fn output(mut self, name: &str) -> Self {
        self.graph = self.graph.message(12, &Message::default().text(1, name));
        self
    }

    /// Adds an initializer.
    pub fn constant(mut self, name: &str, tensor: &Message) -> Self {
        self.graph = self.graph.message(5, &tensor.clone().text(8, name));
        self
    }

    /// Adds a field to the graph.
    pub fn field(mut self, field: u64, message: &Message) -> Self {
        self.graph = self.graph.message(field, message);
        self
    }

    /// Adds a node whose name is its operator and output; an operator of another domain is written `domain:operator`.
    pub fn node(self, op: &str, inputs: &[&str], output: &str, attributes: &[Attribute]) -> Self {
        self.node_with(op, inputs, &[output], attributes)
    }

    /// Adds a node with several outputs.
    pub fn node_with(mut self, op: &str, inputs: &[&str], outputs: &[&str], attributes: &[Attribute]) -> Self {
        let (domain, op) = op.split_once(':').unwrap_or(("", op));
        let mut node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        node = outputs.iter().fold(node, |node, output| node.text(2, output));
        node = node.text(3, &format!("{op}_{}", outputs[0])).text(4, op).text(7, domain);
        node = attributes.iter().fold(node, |node, attribute| node.message(5, &attribute.message()));
        self.graph = self.graph.message(1, &node);
        self
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        Message::default().int(1, 8).message(7, &self.graph).message(8, &self.opset).0
    }

    /// Reads the model.
    pub fn read(&self) -> Result<Network, Error> {
        read_bytes(Format::Onnx, &self.bytes(), Path::new("model.onnx"), &ReadOptions::default())
    }

    /// The network, which must be readable.
    pub fn network(&self) -> Network {
        self.read().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The function at one point.
    pub fn at(&self, x: &[f64]) -> Vec<f64> {
        value_at(&self.network(), x)
    }

    /// What is told about a model that cannot be read.
    pub fn refusal(&self) -> String {
        match self.read() {
            Ok(_) => panic!("the model must be refused"),
            Err(error) => told(&error),
        }
    }
}

/// `network` at one point.
pub fn value_at(network: &Network, x: &[f64]) -> Vec<f64> {
    let y = network.evaluate(Mat::from_fn(x.len(), 1, |i, _| x[i]).as_ref());
    (0..y.nrows()).map(|i| y[(i, 0)]).collect()
}

/// An error with its advice.
pub fn told(error: &Error) -> String {
    match error {
        Error::File { advice: Some(advice), .. } => format!("{error}; {advice}"),
        other => other.to_string(),
    }
}
