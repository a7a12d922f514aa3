//! A node with its operands, as the operators see it.

use crate::Layer;

use super::super::array::shape;
use super::proto;
use super::tensor::{Tensor, Values};

/// Far above the ranks of real networks; damaged files would otherwise take time for millions of dimensions.
pub(super) const MAX_RANK: usize = 64;

/// A node about to be applied.
pub(super) struct Node<'a> {
    pub message: &'a proto::Node,
    pub operands: Vec<Operand>,
}

/// An input of a node.
pub(super) enum Operand {
    /// Optional and left out.
    Absent,
    Constant(Tensor),
    /// The signal, by its shape.
    Signal(Vec<usize>),
}

/// What a node gives.
pub(super) enum Outcome {
    Constant(Tensor),
    /// The signal after some more layers, in a new shape.
    Signal {
        layers: Vec<Layer>,
        shape: Vec<usize>,
    },
}

/// Why a node cannot be applied.
pub(super) enum Trouble {
    /// It is valid, but not supported.
    Unsupported { reason: String, workaround: String },
    /// It contradicts its operands or its operator's definition.
    Broken(String),
}

impl Trouble {
    pub fn unsupported(reason: impl Into<String>, workaround: impl Into<String>) -> Self {
        Self::Unsupported { reason: reason.into(), workaround: workaround.into() }
    }

    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }

    /// For operators that compute with constants only, which would round.
    pub fn constant_arithmetic() -> Self {
        Self::unsupported("it computes with constants only", "fold the constants first: onnxsim model.onnx folded.onnx")
    }
}

impl Node<'_> {
    /// The operand at `place`; one beyond the last is absent.
    pub fn operand(&self, place: usize) -> &Operand {
        self.operands.get(place).unwrap_or(&Operand::Absent)
    }

    /// The dimensions of the operand at `place`.
    pub fn dims(&self, place: usize) -> Result<&[usize], Trouble> {
        match self.operand(place) {
            Operand::Constant(tensor) => Ok(&tensor.dims),
            Operand::Signal(shape) => Ok(shape),
            Operand::Absent => Err(Trouble::broken(format!("input {place} is missing"))),
        }
    }

    /// The shape of the signal, which must be the first operand.
    pub fn signal(&self) -> Result<&[usize], Trouble> {
        match self.operand(0) {
            Operand::Signal(shape) => Ok(shape),
            Operand::Constant(_) => Err(Trouble::constant_arithmetic()),
            Operand::Absent => Err(Trouble::broken("its input is missing")),
        }
    }

    /// The integers of the operand at `place`, if it is given; they must be constants.
    pub fn integers(&self, place: usize) -> Result<Option<&[i64]>, Trouble> {
        match self.operand(place) {
            Operand::Absent => Ok(None),
            Operand::Constant(Tensor { values: Values::Integer(integers), .. }) => Ok(Some(integers)),
            Operand::Constant(_) => Err(Trouble::broken(format!("input {place} holds fractions: want integers"))),
            Operand::Signal(_) => {
                Err(Trouble::unsupported(format!("input {place} depends on the data"), "make it a constant"))
            }
        }
    }

    /// The one number in the operand at `place`, if it is given; it must be a constant.
    pub fn scalar(&self, place: usize) -> Result<Option<f64>, Trouble> {
        match self.operand(place) {
            Operand::Absent => Ok(None),
            Operand::Constant(Tensor { values: Values::Real(numbers), .. }) if numbers.len() == 1 => {
                Ok(Some(numbers[0]))
            }
            Operand::Constant(tensor) => Err(Trouble::broken(format!(
                "input {place} has the shape {}: want one number with a fraction",
                shape(&tensor.dims)
            ))),
            Operand::Signal(_) => {
                Err(Trouble::unsupported(format!("input {place} depends on the data"), "make it a constant"))
            }
        }
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&proto::Attribute> {
        self.message.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// An integer attribute.
    pub fn int(&self, name: &str) -> Result<Option<i64>, Trouble> {
        self.attribute(name)
            .map(|attribute| attribute.i.ok_or_else(|| Trouble::broken(format!("attribute {name} is not an integer"))))
            .transpose()
    }

    /// A yes-or-no attribute, no if it is left out.
    pub fn flag(&self, name: &str) -> Result<bool, Trouble> {
        Ok(self.int(name)?.is_some_and(|value| value != 0))
    }

    /// A float attribute, widened; ONNX defines the defaults as float32 too.
    pub fn float(&self, name: &str, default: f32) -> Result<f64, Trouble> {
        let value = match self.attribute(name) {
            None => default,
            Some(attribute) => {
                attribute.f.ok_or_else(|| Trouble::broken(format!("attribute {name} is not a number")))?
            }
        };
        Ok(f64::from(value))
    }

    /// The shapes of the operands, for messages.
    pub fn shapes(&self) -> String {
        let shapes: Vec<String> = self
            .operands
            .iter()
            .filter_map(|operand| match operand {
                Operand::Absent => None,
                Operand::Constant(tensor) => Some(shape(&tensor.dims)),
                Operand::Signal(dims) => Some(shape(dims)),
            })
            .collect();
        shapes.join(" and ")
    }

    /// The first operand in another shape of the same size.
    pub fn reshaped(&self, dims: Vec<usize>) -> Result<Outcome, Trouble> {
        match self.operand(0) {
            Operand::Constant(tensor) => Ok(Outcome::Constant(tensor.reshaped(dims))),
            Operand::Signal(_) => Ok(Outcome::Signal { layers: Vec::new(), shape: dims }),
            Operand::Absent => Err(Trouble::broken("its input is missing")),
        }
    }
}

/// The number of elements of a shape whose product is known not to overflow.
pub(super) fn elements(dims: &[usize]) -> usize {
    dims.iter().product()
}
