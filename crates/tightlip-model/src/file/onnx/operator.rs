//! The operators that are supported, one line each.

use super::node::{Node, Outcome, Trouble};
use super::{activation, constant, linear, shape};

/// An operator: how many inputs it takes, which attributes it knows, and what it does.
pub(super) struct Operator {
    name: &'static str,
    inputs: (usize, usize),
    attributes: &'static [&'static str],
    apply: fn(&Node) -> Result<Outcome, Trouble>,
}

const MANY: usize = usize::MAX;

#[rustfmt::skip]
const OPERATORS: [Operator; 30] = [
    Operator { name: "Abs", inputs: (1, 1), attributes: &[], apply: activation::abs },
    Operator { name: "Add", inputs: (2, 2), attributes: &[], apply: linear::add },
    Operator { name: "Cast", inputs: (1, 1), attributes: &["to", "saturate", "round_mode"], apply: constant::cast },
    Operator { name: "Clip", inputs: (1, 3), attributes: &["min", "max"], apply: activation::clip },
    Operator { name: "Concat", inputs: (1, MANY), attributes: &["axis"], apply: constant::concat },
    Operator { name: "Constant", inputs: (0, 0), attributes: &["value", "value_float", "value_floats", "value_int", "value_ints"], apply: constant::constant },
    Operator { name: "Div", inputs: (2, 2), attributes: &[], apply: linear::div },
    Operator { name: "Dropout", inputs: (1, 3), attributes: &["ratio", "seed"], apply: shape::dropout },
    Operator { name: "Elu", inputs: (1, 1), attributes: &["alpha"], apply: activation::elu },
    Operator { name: "Flatten", inputs: (1, 1), attributes: &["axis"], apply: shape::flatten },
    Operator { name: "Gather", inputs: (2, 2), attributes: &["axis"], apply: constant::gather },
    Operator { name: "Gelu", inputs: (1, 1), attributes: &["approximate"], apply: activation::gelu },
    Operator { name: "Gemm", inputs: (2, 3), attributes: &["alpha", "beta", "transA", "transB"], apply: linear::gemm },
    Operator { name: "Identity", inputs: (1, 1), attributes: &[], apply: shape::identity },
    Operator { name: "LeakyRelu", inputs: (1, 1), attributes: &["alpha"], apply: activation::leaky_relu },
    Operator { name: "MatMul", inputs: (2, 2), attributes: &[], apply: linear::matmul },
    Operator { name: "Mul", inputs: (2, 2), attributes: &[], apply: linear::mul },
    Operator { name: "Neg", inputs: (1, 1), attributes: &[], apply: linear::neg },
    Operator { name: "PRelu", inputs: (2, 2), attributes: &[], apply: activation::prelu },
    Operator { name: "Relu", inputs: (1, 1), attributes: &[], apply: activation::relu },
    Operator { name: "Reshape", inputs: (2, 2), attributes: &["allowzero"], apply: shape::reshape },
    Operator { name: "Shape", inputs: (1, 1), attributes: &["start", "end"], apply: constant::shape },
    Operator { name: "Sigmoid", inputs: (1, 1), attributes: &[], apply: activation::sigmoid },
    Operator { name: "Softplus", inputs: (1, 1), attributes: &[], apply: activation::softplus },
    Operator { name: "Squeeze", inputs: (1, 2), attributes: &["axes"], apply: shape::squeeze },
    Operator { name: "Sub", inputs: (2, 2), attributes: &[], apply: linear::sub },
    Operator { name: "Swish", inputs: (1, 1), attributes: &["alpha"], apply: activation::swish },
    Operator { name: "Tanh", inputs: (1, 1), attributes: &[], apply: activation::tanh },
    Operator { name: "Transpose", inputs: (1, 1), attributes: &["perm"], apply: shape::transpose },
    Operator { name: "Unsqueeze", inputs: (1, 2), attributes: &["axes"], apply: shape::unsqueeze },
];

/// The operator of a name.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    const ALL: &[Operator] = &OPERATORS;
    ALL.iter().find(|operator| operator.name == name)
}

impl Operator {
    /// Applies the operator after checking what it is given: an attribute that is not known could change its meaning.
    pub fn apply(&self, node: &Node) -> Result<Outcome, Trouble> {
        let (least, most) = self.inputs;
        let given = node.operands.len();
        if given < least || given > most {
            return Err(Trouble::broken(format!("it has {given} inputs: want {least} to {most}")));
        }
        match node.message.attribute.iter().find(|attribute| !self.attributes.contains(&attribute.name.as_str())) {
            Some(unknown) => Err(Trouble::unsupported(
                format!("its attribute `{}` is not known", unknown.name),
                "export with a standard operator set",
            )),
            None => (self.apply)(node),
        }
    }
}
