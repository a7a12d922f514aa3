//! What must be said because the file does not say it, and what must not be said because it does.

use std::path::Path;

use tightlip_model::file::{Format, Normalisation, ReadOptions, read, read_bytes, write};
use tightlip_model::{Activation, Network, random_network};

use crate::{data, refusal, told, with};

/// A safetensors file of float64 tensors that count up from 1.
fn safetensors(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut entries, mut values) = (Vec::new(), Vec::new());
    for (name, dims) in tensors {
        let start = values.len();
        let count: usize = dims.iter().product();
        values.extend((0..count).flat_map(|k| (k as f64 + 1.0).to_le_bytes()));
        let place = format!("\"data_offsets\":[{start},{}]", values.len());
        entries.push(format!("\"{name}\":{{\"dtype\":\"F64\",\"shape\":{dims:?},{place}}}"));
    }
    let header = format!("{{{}}}", entries.join(","));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &values].concat()
}

fn ordered(names: &[&str]) -> ReadOptions {
    ReadOptions { layer_order: Some(names.iter().map(|&name| name.to_owned()).collect()), ..with(Activation::Relu) }
}

fn sizes(bytes: &[u8], options: &ReadOptions) -> Vec<usize> {
    let network: Network = read_bytes(Format::Safetensors, bytes, Path::new("net.safetensors"), options)
        .unwrap_or_else(|error| panic!("{}", told(&error)));
    let hidden = network.hidden().into_iter().map(|(_, width)| width);
    [network.inputs()].into_iter().chain(hidden).chain([network.outputs()]).collect()
}

#[test]
fn formats_without_a_graph_want_an_activation_if_there_is_something_between_layers() {
    for name in
        ["diabetes_10-16-1_tanh_std.npz", "digits_64-32-10_relu_std.mat", "digits_64-32-10_relu_std.safetensors"]
    {
        let error = told(&read(&data(name), &ReadOptions::default()).expect_err(name));
        assert!(
            error.contains(name) && error.contains("2 weight matrices") && error.contains("--activation relu"),
            "{error}"
        );
    }
    let single = random_network(&[3, 2], Activation::Relu, 1).expect("valid");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("single.npz");
    write(&single, &path).expect("writable");
    assert_eq!(read(&path, &ReadOptions::default()).expect("no activation needed"), single);
    assert_eq!(read(&path, &with(Activation::Tanh)).expect("none to place"), single);
}

#[test]
fn options_that_contradict_the_format_are_refused() {
    let skip = ReadOptions { normalisation: Normalisation::Skip, ..ReadOptions::default() };
    for (name, options, told_of) in [
        ("iris_4-5-3_relu_std.onnx", with(Activation::Tanh), "--activation tanh"),
        ("bc_30-16-8-2_relu_wd.onnx.gz", with(Activation::Relu), "--activation relu"),
        ("iris_4-5-3_relu_std.nnet", with(Activation::Relu), "--activation relu"),
        ("iris_4-16-16-3_tanh_std.json", with(Activation::Relu), "--activation relu"),
        ("iris_4-5-3_relu_std.onnx", skip, "no normalisation to skip"),
        ("iris_4-5-3_relu_std.npz", ordered(&["W0"]), "--layer-order: a .npz file has an order of its own"),
    ] {
        let error = told(&read(&data(name), &options).expect_err(name));
        assert!(error.contains(told_of) && error.contains(name), "{error}");
    }
}

#[test]
fn layers_of_safetensors_are_ordered_by_the_one_number_in_which_their_names_differ() {
    let file = |names: [&str; 3]| {
        let weights = names.map(|name| format!("{name}weight"));
        let biases = names.map(|name| format!("{name}bias"));
        safetensors(&[
            (&weights[0], &[2, 3]),
            (&biases[0], &[2]),
            (&weights[1], &[5, 2]),
            (&weights[2], &[1, 5]),
            (&biases[2], &[1]),
        ])
    };
    for names in
        [["0.", "2.", "10."], ["fc1.", "fc2.", "fc3."], ["net.layer9.lin.", "net.layer10.lin.", "net.layer11.lin."]]
    {
        assert_eq!(sizes(&file(names), &with(Activation::Relu)), [3, 2, 5, 1], "{names:?}");
    }
    for (names, reason) in [
        (["fc1.", "fc2.", "out."], "more than a number"),
        (["block1.fc1.", "block1.fc2.", "block2.fc1."], "several numbers"),
        (["fc1.", "fc01.", "fc2."], "a number stands twice"),
        (["1a.", "a1.", "a2."], "more than a number"),
        (["99999999999999999999.", "1.", "2."], "too large"),
    ] {
        let refused = refusal(Format::Safetensors, &file(names), &with(Activation::Relu));
        assert!(refused.contains(reason) && refused.contains("--layer-order"), "{refused}");
        let weights = names.map(|name| format!("{name}weight"));
        assert_eq!(sizes(&file(names), &ordered(&weights.each_ref().map(String::as_str))), [3, 2, 5, 1], "{names:?}");
    }
    assert_eq!(sizes(&safetensors(&[("weight", &[2, 3])]), &ReadOptions::default()), [3, 2]);
}

#[test]
fn a_layer_order_must_name_every_tensor_once() {
    let bytes = safetensors(&[("a.weight", &[2, 3]), ("a.bias", &[2]), ("b.weight", &[1, 2])]);
    assert_eq!(sizes(&bytes, &ordered(&["a.weight", "b.weight"])), [3, 2, 1]);
    for (order, reason) in [
        (&["a.weight"][..], "`b.weight` belongs to none"),
        (&["b.weight", "a.weight"], "layer 2 takes 3 inputs but the layer before it gives 1"),
        (&["a.weight", "b.weight", "c.weight"], "names `c.weight`"),
        (&["a.weight", "a.weight", "b.weight"], "named twice"),
        (&[], "belongs to none"),
    ] {
        let refused = refusal(Format::Safetensors, &bytes, &ordered(order));
        assert!(refused.contains(reason), "{refused}");
    }
    let normalised = safetensors(&[("0.weight", &[2, 3]), ("1.running_mean", &[2])]);
    assert!(refusal(Format::Safetensors, &normalised, &with(Activation::Relu)).contains("`1.running_mean`"));
    let nameless = safetensors(&[("W", &[2, 3])]);
    assert!(refusal(Format::Safetensors, &nameless, &with(Activation::Relu)).contains("NAME.weight"));
    assert_eq!(sizes(&nameless, &ordered(&["W"])), [3, 2]);
    let image = safetensors(&[("0.weight", &[2, 3, 4, 4])]);
    assert!(refusal(Format::Safetensors, &image, &with(Activation::Relu)).contains("0.weight: shape 2 × 3 × 4 × 4"));
}
