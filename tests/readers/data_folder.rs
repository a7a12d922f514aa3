//! The committed networks: all files of one network agree.

use tightlip_model::file::{Normalisation, ReadOptions, read};
use tightlip_model::{Activation, Layer, Network};

use crate::{data, data_network, value_at};

/// Points in the input space, the same on every machine.
fn points(inputs: usize) -> impl Iterator<Item = Vec<f64>> {
    (0..20).map(move |k| (0..inputs).map(|i| (((7 * k + 3 * i) % 11) as f64 - 5.0) / 4.0).collect())
}

#[test]
fn files_of_one_network_have_one_digest() {
    for files in [
        &["iris_4-5-3_relu_std.onnx", "iris_4-5-3_relu_std.npz", "iris_4-5-3_relu_std.nnet"][..],
        &["iris_4-16-16-3_tanh_std.onnx", "iris_4-16-16-3_tanh_std.json"],
        &["diabetes_10-16-1_tanh_std.onnx", "diabetes_10-16-1_tanh_std.npz"],
        &["digits_64-32-10_relu_std.onnx", "digits_64-32-10_relu_std.safetensors"],
        &["planted_nonnegative_6-12-8-3.json", "planted_nonnegative_6-12-8-3.npz"],
    ] {
        let digests: Vec<String> = files.iter().map(|file| data_network(file).sha256()).collect();
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{files:?} {digests:?}");
    }
}

#[test]
fn every_file_has_the_sizes_and_the_activation_of_its_name() {
    let mut files = 0;
    for entry in std::fs::read_dir(data("")).expect("the data folder") {
        let name = entry.expect("readable").file_name().into_string().expect("plain names");
        let Some(dims) = name.split('_').find(|part| part.contains('-')) else { continue };
        let dims = dims.split('.').next().unwrap_or_default();
        let sizes = tightlip_bench::sizes(dims).expect("sizes");
        let network = data_network(&name);
        assert_eq!((network.inputs(), network.outputs()), (sizes[0], sizes[sizes.len() - 1]), "{name}");
        let hidden = network.hidden();
        let widths: Vec<usize> = hidden.iter().map(|(_, width)| *width).collect();
        assert_eq!(widths, sizes[1..sizes.len() - 1], "{name}");
        let said = ["tanh", "sigmoid", "leaky"].into_iter().find(|word| name.contains(word)).unwrap_or("relu");
        assert!(hidden.iter().all(|(activation, _)| activation.to_string().starts_with(said)), "{name}");
        files += 1;
    }
    assert_eq!(files, 27, "files in data/");
}

#[test]
fn a_mat_file_without_biases_holds_the_weights_of_the_network() {
    let weights = |network: &Network| -> Vec<_> {
        let maps = network.layers().iter().filter_map(|layer| match layer {
            Layer::Affine(affine) => Some(affine.map().to_dense()),
            Layer::Activation(_) => None,
        });
        maps.collect()
    };
    let mat = data_network("digits_64-32-10_relu_std.mat");
    assert_eq!(weights(&mat), weights(&data_network("digits_64-32-10_relu_std.onnx")));
    assert_ne!(mat.sha256(), data_network("digits_64-32-10_relu_std.onnx").sha256(), "the biases differ");
}

#[test]
fn an_onnx_attribute_is_a_float32_and_a_factor_of_one_half_is_multiplied_in() {
    let (onnx, json) =
        (data_network("diabetes_10-16-16-1_leaky_std.onnx"), data_network("diabetes_10-16-16-1_leaky_std.json"));
    let affine = |network: &Network| -> Vec<Layer> {
        network.layers().iter().filter(|layer| matches!(layer, Layer::Affine(_))).cloned().collect()
    };
    assert_eq!(affine(&onnx), affine(&json));
    assert_eq!(onnx.hidden()[0].0, Activation::LeakyRelu { slope: f64::from(0.1f32) });
    assert_eq!(json.hidden()[0].0, Activation::LeakyRelu { slope: 0.1 });
    for x in points(10) {
        assert!((value_at(&onnx, &x)[0] - value_at(&json, &x)[0]).abs() < 1e-7);
    }
}

#[test]
fn the_normalisation_of_a_nnet_file_is_applied_or_skipped() {
    let path = data("iris_4-5-3_relu_std_raw.nnet");
    let standardised = data_network("iris_4-5-3_relu_std.nnet");
    let applied = read(&path, &ReadOptions::default()).expect("valid");
    let skip = ReadOptions { normalisation: Normalisation::Skip, ..ReadOptions::default() };
    let skipped = read(&path, &skip).expect("valid");
    // The numbers that the file holds, as printed in it.
    let means = [5.866_071_428_571_43, 3.039_285_714_285_713_7, 3.770_535_714_285_713_4, 1.209_821_428_571_428_6];
    let ranges = [0.856_649_783_774_452_2, 0.451_852_761_823_303_6, 1.785_839_058_140_915_8, 0.760_634_112_978_461_2];
    for z in points(4) {
        let x: Vec<f64> = (0..4).map(|i| means[i] + ranges[i] * z[i]).collect();
        let (raw, wanted, inner) = (value_at(&applied, &x), value_at(&standardised, &z), value_at(&skipped, &z));
        for k in 0..3 {
            assert!((raw[k] - wanted[k]).abs() < 1e-9, "{raw:?} {wanted:?}");
            assert!((2.0 * inner[k] + 0.5 - wanted[k]).abs() < 1e-9, "{inner:?} {wanted:?}");
        }
    }
}
