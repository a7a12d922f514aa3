//! Layers whose place is in the name of their arrays.
//!
//! Either `W0, b0, W1, b1, …` (counting from 0 or from 1), or `arr_0, arr_1, …` as `numpy.savez` names arrays given
//! without a name: a matrix begins a layer, a vector is the bias of the layer before it. Biases may be missing.

use std::collections::BTreeMap;

use super::array::{Array, shape};
use super::chain::Weights;
use super::fault::Fault;

/// What the name of an array says.
enum Role {
    Weight(u32),
    Bias(u32),
    Positional(u32),
}

/// The layers held by the named arrays.
pub(super) fn layers(arrays: Vec<(String, Array)>) -> Result<Vec<Weights>, Fault> {
    let mut weights = BTreeMap::new();
    let mut biases = BTreeMap::new();
    let mut positional = BTreeMap::new();
    let mut unknown = Vec::new();
    for (name, array) in arrays {
        match role(&name) {
            Some(Role::Weight(index)) => weights.insert(index, (name, array)),
            Some(Role::Bias(index)) => biases.insert(index, (name, array)),
            Some(Role::Positional(index)) => positional.insert(index, (name, array)),
            None => {
                unknown.push(name);
                None
            }
        };
    }
    if !unknown.is_empty() {
        return Err(misnamed(&format!("the arrays {} have names of no known meaning", unknown.join(", "))));
    }
    match (weights.is_empty() && biases.is_empty(), positional.is_empty()) {
        (false, true) => named_layers(weights, biases),
        (true, false) => positional_layers(positional),
        (false, false) => Err(misnamed("the file mixes W0, b0, … with arr_0, arr_1, …")),
        (true, true) => Err(misnamed("the file holds no arrays")),
    }
}

/// `W12` is the weight of layer 12, `b12` its bias, `arr_12` the array of place 12. Leading zeros are not numbers, or
/// `W1` and `W01` would be one layer.
fn role(name: &str) -> Option<Role> {
    let index = |digits: &str| -> Option<u32> {
        let canonical = digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
        canonical.then(|| digits.parse().ok()).flatten()
    };
    if let Some(digits) = name.strip_prefix("arr_") {
        return index(digits).map(Role::Positional);
    }
    if let Some(digits) = name.strip_prefix('W') {
        return index(digits).map(Role::Weight);
    }
    name.strip_prefix('b').and_then(index).map(Role::Bias)
}

type Numbered = BTreeMap<u32, (String, Array)>;

/// Pairs `W_k` with `b_k`.
fn named_layers(weights: Numbered, mut biases: Numbered) -> Result<Vec<Weights>, Fault> {
    check_consecutive(&weights, 1)?;
    let mut layers = Vec::with_capacity(weights.len());
    for (index, (name, weight)) in weights {
        let map = weight.to_map().map_err(|fault| fault.within(&name))?;
        let bias = match biases.remove(&index) {
            Some((name, bias)) => bias.into_vector().map_err(|fault| fault.within(&name))?,
            None => Vec::new(),
        };
        layers.push((map, bias));
    }
    match biases.first_key_value() {
        Some((index, (name, _))) => Err(misnamed(&format!("there is a bias {name} but no W{index}"))),
        None => Ok(layers),
    }
}

/// A matrix begins a layer, a vector ends it.
fn positional_layers(arrays: Numbered) -> Result<Vec<Weights>, Fault> {
    check_consecutive(&arrays, 0)?;
    let mut layers: Vec<Weights> = Vec::new();
    let mut bias_may_follow = false;
    for (_, (name, array)) in arrays {
        if array.dims.len() == 1 {
            if !bias_may_follow {
                return Err(misnamed(&format!("{name} is a vector of {} that follows no matrix", shape(&array.dims))));
            }
            if let Some(layer) = layers.last_mut() {
                layer.1 = array.into_vector()?;
            }
            bias_may_follow = false;
        } else {
            layers.push((array.to_map().map_err(|fault| fault.within(&name))?, Vec::new()));
            bias_may_follow = true;
        }
    }
    Ok(layers)
}

/// No layer may be missing between the first, which counts from 0 or at most `latest_start`, and the last.
fn check_consecutive(arrays: &Numbered, latest_start: u32) -> Result<(), Fault> {
    let first = match arrays.first_key_value() {
        Some((&first, _)) if first <= latest_start => first,
        Some((_, (name, _))) => {
            return Err(misnamed(&format!("the first matrix is {name}, so one before it is missing")));
        }
        None => return Err(misnamed("there are biases but no weights")),
    };
    match arrays.iter().zip(first..).find(|((index, _), expected)| *index != expected) {
        Some(((_, (name, _)), expected)) => {
            Err(misnamed(&format!("before {name}, an array with index {expected} is missing")))
        }
        None => Ok(()),
    }
}

fn misnamed(what: &str) -> Fault {
    Fault::new(what).advise("name the arrays W0, b0, W1, b1, … (or arr_0, arr_1, … in the same order), nothing else")
}

#[cfg(test)]
mod tests {
    use super::super::array::Order;
    use super::*;

    fn array(name: &str, dims: &[usize]) -> (String, Array) {
        let count = dims.iter().product();
        (name.to_owned(), Array { dims: dims.to_vec(), values: vec![1.0; count], order: Order::RowMajor })
    }

    fn sizes(arrays: Vec<(String, Array)>) -> Result<Vec<(usize, usize, usize)>, String> {
        match layers(arrays) {
            Ok(layers) => Ok(layers.iter().map(|(map, bias)| (map.rows(), map.cols(), bias.len())).collect()),
            Err(Fault::Content { what, .. }) => Err(what),
            Err(Fault::Unsupported(_)) => Err("unsupported".to_owned()),
        }
    }

    #[test]
    fn layers_are_ordered_by_number_not_by_text_and_may_lack_biases() {
        let mut arrays: Vec<(String, Array)> = (0..12).map(|k| array(&format!("W{k}"), &[k + 2, k + 1])).collect();
        arrays.push(array("b10", &[12]));
        let read = sizes(arrays).expect("valid");
        assert_eq!(read[9], (11, 10, 0));
        assert_eq!(read[10], (12, 11, 12));
        assert_eq!(sizes(vec![array("W1", &[2, 3]), array("b1", &[1, 2])]).expect("valid"), [(2, 3, 2)]);
    }

    #[test]
    fn a_vector_is_the_bias_of_the_matrix_before_it() {
        let arrays = vec![array("arr_2", &[1, 2]), array("arr_0", &[2, 3]), array("arr_1", &[2])];
        assert_eq!(sizes(arrays).expect("valid"), [(2, 3, 2), (1, 2, 0)]);
        assert!(sizes(vec![array("arr_0", &[2])]).expect_err("no matrix").contains("arr_0"));
        let twice = vec![array("arr_0", &[2, 3]), array("arr_1", &[2]), array("arr_2", &[2])];
        assert!(sizes(twice).expect_err("two biases").contains("arr_2"));
    }

    #[test]
    fn every_way_of_misnaming_is_told_by_name() {
        let matrix = |name: &str| array(name, &[2, 2]);
        for (arrays, told) in [
            (vec![matrix("W0"), matrix("Q")], "Q"),
            (vec![matrix("W0"), matrix("W01")], "W01"),
            (vec![matrix("W0"), matrix("W+1")], "W+1"),
            (vec![matrix("W0"), matrix("W2")], "index 1"),
            (vec![matrix("W2")], "W2"),
            (vec![matrix("arr_1")], "arr_1"),
            (vec![matrix("W0"), matrix("arr_0")], "mixes"),
            (vec![matrix("W0"), array("b1", &[2])], "b1"),
            (vec![array("b0", &[2])], "no weights"),
            (vec![array("W0", &[4])], "W0"),
            (vec![matrix("W0"), matrix("b0")], "b0"),
            (vec![matrix("W99999999999")], "W99999999999"),
            (vec![], "no arrays"),
        ] {
            let what = sizes(arrays).expect_err(told);
            assert!(what.contains(told), "{what} does not tell {told}");
        }
    }
}
