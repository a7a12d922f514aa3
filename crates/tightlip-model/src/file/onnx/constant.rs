//! Nodes that make constants: literals, and the arithmetic of shapes that exporters write around a Reshape.

use super::super::fault::Fault;
use super::external::Folder;
use super::node::{Node, Operand, Outcome, Trouble};
use super::proto::data_type;
use super::tensor::{Tensor, Values};

/// A literal in one of the attributes that exist for it.
pub(super) fn constant(node: &Node) -> Result<Outcome, Trouble> {
    let [attribute] = node.message.attribute.as_slice() else {
        return Err(Trouble::broken("it has no value, or several"));
    };
    let missing = || Trouble::broken(format!("its attribute {} is empty", attribute.name));
    let tensor = match attribute.name.as_str() {
        "value" => {
            let message = attribute.t.as_ref().ok_or_else(missing)?;
            // Constants in nodes are small: external data is for initializers.
            if message.data_location != 0 {
                return Err(Trouble::unsupported("its value is in another file", "make it an initializer"));
            }
            Tensor::decode(message, &mut Folder::beside("".as_ref())).map_err(|fault| match fault {
                Fault::Content { what, .. } => Trouble::broken(what),
                Fault::Unsupported(_) => Trouble::broken("its value cannot be read"),
            })?
        }
        "value_float" => Tensor::of_reals(Vec::new(), vec![attribute.f.map(f64::from).ok_or_else(missing)?]),
        "value_int" => Tensor::of_integers(Vec::new(), vec![attribute.i.ok_or_else(missing)?]),
        "value_ints" => Tensor::of_integers(vec![attribute.ints.len()], attribute.ints.clone()),
        _ => {
            let numbers: Vec<f64> = attribute.floats.iter().copied().map(f64::from).collect();
            Tensor::of_reals(vec![numbers.len()], numbers)
        }
    };
    Ok(Outcome::Constant(tensor))
}

/// The dimensions of a value, from `start` to `end`; the batch counts as 1.
pub(super) fn shape(node: &Node) -> Result<Outcome, Trouble> {
    let dims = node.dims(0)?;
    let rank = dims.len().cast_signed() as i64;
    let clamped = |axis: i64| (if axis < 0 { axis.saturating_add(rank) } else { axis }).clamp(0, rank) as usize;
    let start = clamped(node.int("start")?.unwrap_or(0));
    let end = clamped(node.int("end")?.unwrap_or(rank)).max(start);
    let slice: Vec<i64> = dims[start..end].iter().map(|dim| dim.cast_signed() as i64).collect();
    Ok(Outcome::Constant(Tensor::of_integers(vec![slice.len()], slice)))
}

/// Entries of a shape, by their places.
pub(super) fn gather(node: &Node) -> Result<Outcome, Trouble> {
    let (data, places) = (list(node, 0)?, list(node, 1)?);
    if node.dims(0)?.len() != 1 || !matches!(node.int("axis")?, None | Some(0 | -1)) {
        return Err(Trouble::constant_arithmetic());
    }
    let gathered: Vec<i64> = places
        .iter()
        .map(|&place| {
            let shifted = if place < 0 { place.checked_add_unsigned(data.len() as u64) } else { Some(place) };
            shifted
                .and_then(|place| usize::try_from(place).ok())
                .and_then(|place| data.get(place).copied())
                .ok_or_else(|| Trouble::broken(format!("it takes entry {place} of {}", data.len())))
        })
        .collect::<Result<_, Trouble>>()?;
    Ok(Outcome::Constant(Tensor::of_integers(node.dims(1)?.to_vec(), gathered)))
}

/// Shapes one after another.
pub(super) fn concat(node: &Node) -> Result<Outcome, Trouble> {
    let mut joined = Vec::new();
    for place in 0..node.operands.len() {
        joined.extend_from_slice(list(node, place)?);
        if node.dims(place)?.len() != 1 {
            return Err(Trouble::constant_arithmetic());
        }
    }
    Ok(Outcome::Constant(Tensor::of_integers(vec![joined.len()], joined)))
}

/// The integers of an operand that must be a constant.
fn list<'a>(node: &'a Node, place: usize) -> Result<&'a [i64], Trouble> {
    match node.operand(place) {
        Operand::Constant(Tensor { values: Values::Real(_), .. }) => Err(Trouble::constant_arithmetic()),
        Operand::Signal(_) => Err(Trouble::unsupported(
            "it takes the data apart or joins it",
            "write it as a MatMul with a constant matrix of zeros and ones",
        )),
        Operand::Absent | Operand::Constant(_) => {
            node.integers(place)?.ok_or_else(|| Trouble::broken(format!("input {place} is missing")))
        }
    }
}

/// Another type for the same numbers. On the signal it must be one that does not round in a way that matters: real
/// arithmetic is meant. A constant is converted as the type demands.
pub(super) fn cast(node: &Node) -> Result<Outcome, Trouble> {
    let to =
        node.int("to")?.and_then(|to| i32::try_from(to).ok()).ok_or_else(|| Trouble::broken("its type is missing"))?;
    let refuse = || {
        let reason = format!("it converts to {}", data_type::name(to));
        Err(Trouble::unsupported(reason, "export the model in float32 throughout"))
    };
    let tensor = match (node.operand(0), to) {
        (Operand::Absent, _) => return Err(Trouble::broken("its input is missing")),
        (Operand::Signal(_), data_type::FLOAT | data_type::DOUBLE) => return node.reshaped(node.dims(0)?.to_vec()),
        (Operand::Signal(_), _) => return refuse(),
        (Operand::Constant(tensor), _) => tensor,
    };
    let dims = tensor.dims.clone();
    let converted = match (&tensor.values, to) {
        (Values::Real(_), data_type::DOUBLE) | (Values::Integer(_), data_type::INT64) => tensor.clone(),
        (Values::Real(numbers), data_type::FLOAT) => {
            Tensor::of_reals(dims, numbers.iter().map(|&number| f64::from(number as f32)).collect())
        }
        (Values::Integer(numbers), data_type::FLOAT) => {
            Tensor::of_reals(dims, numbers.iter().map(|&number| f64::from(number as f32)).collect())
        }
        (Values::Integer(numbers), data_type::DOUBLE) => {
            Tensor::of_reals(dims, numbers.iter().map(|&number| number as f64).collect())
        }
        (Values::Real(numbers), data_type::INT64) if numbers.iter().all(|number| number.abs() < 2f64.powi(63)) => {
            Tensor::of_integers(dims, numbers.iter().map(|&number| number as i64).collect())
        }
        (Values::Integer(numbers), data_type::INT32) if numbers.iter().all(|&number| i32::try_from(number).is_ok()) => {
            tensor.clone()
        }
        _ => return refuse(),
    };
    Ok(Outcome::Constant(converted))
}
