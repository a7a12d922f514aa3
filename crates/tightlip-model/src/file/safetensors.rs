//! `.safetensors`: named tensors behind a JSON header, with the names PyTorch gives them.
//!
//! `NAME.weight` is a matrix with one row for each output, `NAME.bias` its bias. The file has no order of its own. If the
//! names differ in one number only (`0`, `2`, `4`; `fc1`, `fc2`; `net.0.linear`, `net.2.linear`), the numbers are the
//! order; otherwise the order must be given, because alphabetical order would be a guess.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use serde::Deserialize;

use crate::Network;

use super::array::{Array, Order};
use super::chain::Weights;
use super::element::{Element, Endian};
use super::fault::Fault;
use super::{Source, chain};

type Tensors<'a> = BTreeMap<String, TensorView<'a>>;

/// Reads a plain chain.
pub(super) fn read(source: &Source) -> Result<Network, Fault> {
    check_extents(source.bytes)?;
    let file = SafeTensors::deserialize(source.bytes).map_err(|error| unreadable(&error))?;
    let mut tensors: Tensors = file.tensors().into_iter().collect();
    let order = match &source.options.layer_order {
        Some(order) => order.clone(),
        None => numeric_order(&tensors)?,
    };
    let mut layers: Vec<Weights> = Vec::with_capacity(order.len());
    for name in &order {
        layers.push(layer(&mut tensors, name)?);
    }
    if let Some(name) = tensors.keys().next() {
        return Err(Fault::new(format!("the tensor `{name}` belongs to none of the layers {}", order.join(", ")))
            .advise("only fully connected layers can be read without a graph: export other models to .onnx"));
    }
    chain::network(layers, source.options.activation)
}

/// Takes the weight `name` and its bias, if there is one.
fn layer(tensors: &mut Tensors, name: &str) -> Result<Weights, Fault> {
    let weight = tensors.remove(name).ok_or_else(|| {
        Fault::new(format!("the layer order names `{name}`, which is not in the file or named twice"))
            .advise(format!("the tensors left are {}", tensors.keys().cloned().collect::<Vec<_>>().join(", ")))
    })?;
    let map = array(&weight).and_then(|array| array.to_map()).map_err(|fault| fault.within(name))?;
    let bias_name = name.strip_suffix("weight").map(|prefix| format!("{prefix}bias"));
    let bias = match bias_name.and_then(|name| tensors.remove_entry(&name)) {
        Some((name, bias)) => array(&bias).and_then(Array::into_vector).map_err(|fault| fault.within(&name))?,
        None => Vec::new(),
    };
    Ok((map, bias))
}

/// The elements of a tensor. The library has compared their number with the header.
fn array(tensor: &TensorView) -> Result<Array, Fault> {
    let element = match tensor.dtype() {
        Dtype::F64 => Element::F64,
        Dtype::F32 => Element::F32,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        other => {
            return Err(Fault::new(format!("elements of type {other:?}: want F64, F32, F16 or BF16"))
                .advise("convert the tensor to float32 before saving"));
        }
    };
    let values = element.decode(Endian::Little, tensor.data());
    Ok(Array { dims: tensor.shape().to_vec(), values, order: Order::RowMajor })
}

/// The names of the weights in the order of the one number in which they differ.
fn numeric_order(tensors: &Tensors) -> Result<Vec<String>, Fault> {
    let weights: Vec<&String> = tensors.keys().filter(|name| *name == "weight" || name.ends_with(".weight")).collect();
    let unordered = |reason: &str| {
        let names: Vec<&str> = weights.iter().map(|name| name.as_str()).collect();
        let advice = match names.as_slice() {
            [] => "tensors must be named NAME.weight and NAME.bias".to_owned(),
            _ => format!("say it with --layer-order, first layer first; the weights are {}", names.join(",")),
        };
        Fault::new(format!("the order of the layers is not clear: {reason}")).advise(advice)
    };
    let split: Vec<(String, Vec<u64>)> = weights
        .iter()
        .map(|name| split_numbers(name))
        .collect::<Option<_>>()
        .ok_or_else(|| unordered("a number in the names is too large"))?;
    let Some((pattern, numbers)) = split.first() else { return Err(unordered("no name ends in `.weight`")) };
    if split.iter().any(|(other, others)| other != pattern || others.len() != numbers.len()) {
        return Err(unordered("the names differ in more than a number"));
    }
    let varying: Vec<usize> =
        (0..numbers.len()).filter(|&place| split.iter().any(|(_, other)| other[place] != numbers[place])).collect();
    let place = match varying.as_slice() {
        [] if weights.len() == 1 => return Ok(vec![weights[0].clone()]),
        [place] => *place,
        _ => return Err(unordered("the names differ in several numbers or in none")),
    };
    let by_number: BTreeMap<u64, &String> =
        split.iter().zip(&weights).map(|((_, numbers), name)| (numbers[place], *name)).collect();
    if by_number.len() < weights.len() {
        return Err(unordered("a number stands twice"));
    }
    Ok(by_number.into_values().cloned().collect())
}

/// A name with every number replaced by a sign, and the numbers; `None` if one overflows.
fn split_numbers(name: &str) -> Option<(String, Vec<u64>)> {
    let mut pattern = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '0'..='9' if pattern.ends_with('#') => {}
            '0'..='9' => pattern.push('#'),
            _ => pattern.push(c),
        }
    }
    let numbers = name
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().ok())
        .collect::<Option<_>>()?;
    Some((pattern, numbers))
}

/// Refuses tensors that lie beyond the end of the file: the library adds their ends without checking for overflow.
fn check_extents(bytes: &[u8]) -> Result<(), Fault> {
    /// The part of a header entry that places a tensor; the entry of the free-form metadata has none.
    #[derive(Deserialize)]
    struct Entry {
        data_offsets: Option<(u64, u64)>,
    }
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(unreadable(&SafeTensorError::HeaderTooSmall));
    };
    let header = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length));
    let header = header.ok_or_else(|| unreadable(&SafeTensorError::InvalidHeaderLength))?;
    // A header that is not understood here is left to the library, whose message is better.
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(header).unwrap_or_default();
    let available = (rest.len() - header.len()) as u64;
    match entries.iter().find(|(_, entry)| entry.data_offsets.is_some_and(|(_, end)| end > available)) {
        Some((name, Entry { data_offsets: Some((start, end)) })) => Err(Fault::new(format!(
            "the header places `{name}` at bytes {start} to {end}, but only {available} bytes of data follow"
        ))
        .advise("the file is cut off or damaged: copy or download it again")),
        _ => Ok(()),
    }
}

fn unreadable(error: &SafeTensorError) -> Fault {
    let what = match error {
        SafeTensorError::HeaderTooLarge => "the header announces a length beyond all reason".to_owned(),
        SafeTensorError::HeaderTooSmall | SafeTensorError::InvalidHeaderLength => {
            "the file ends within its header".to_owned()
        }
        SafeTensorError::MetadataIncompleteBuffer => {
            "the header announces more or less data than the file holds".to_owned()
        }
        other => format!("the header cannot be read: {other}"),
    };
    Fault::new(what).advise("the file is cut off, damaged or not a safetensors file: copy or download it again")
}
