//! What is written reads back as the same network.

use std::fs;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tightlip_model::file::{ReadOptions, read, write};
use tightlip_model::{Activation, Affine, Layer, LinearMap, Network, random_network};

use crate::model_builder::floats;
use crate::{data, data_network, told, value_at, with};

/// Every activation; the second of two with a parameter is not a float32 number.
const ACTIVATIONS: [Activation; 14] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.25 },
    Activation::LeakyRelu { slope: 0.1 },
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Elu { scale: 1.5 },
    Activation::Softplus,
    Activation::Silu,
    Activation::Gelu,
    Activation::HardTanh { low: -1.0, high: 2.5 },
    Activation::HardTanh { low: 0.1, high: 0.7 },
    Activation::HardTanh { low: 0.0, high: 6.0 },
    Activation::Relu6,
    Activation::Abs,
];

/// A network of three to eight layers of every kind, with float32 or float64 numbers.
fn assorted_network(seed: u64) -> Network {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let single = generator.random_bool(0.5);
    let number = |generator: &mut ChaCha8Rng| -> f64 {
        let number: f64 = generator.random_range(-2.0..2.0);
        if single { f64::from(number as f32) } else { number }
    };
    let mut width = generator.random_range(1..5);
    let mut layers = Vec::new();
    for _ in 0..generator.random_range(3..8) {
        if generator.random_bool(0.4) {
            layers.push(Layer::Activation(ACTIVATIONS[generator.random_range(0..ACTIVATIONS.len())]));
            continue;
        }
        let rows = generator.random_range(1..5);
        let mut vector = |length: usize| -> Vec<f64> { (0..length).map(|_| number(&mut generator)).collect() };
        let map = match generator_choice(seed, layers.len()) {
            0 => LinearMap::Scale(vector(width)),
            1 => LinearMap::Divide(vector(width)),
            2 => LinearMap::identity(width),
            3 => LinearMap::from_triplets(rows, width, &[(0, 0, vector(1)[0]), (rows - 1, width - 1, 0.5)]),
            4 => LinearMap::Divide(vector(width)).then(dense(rows, &vector(rows * width))),
            _ => dense(rows, &vector(rows * width)),
        };
        let bias = if generator_choice(seed + 1, layers.len()) < 3 { Vec::new() } else { vector(map.rows()) };
        width = map.rows();
        layers.push(Layer::Affine(Affine::new(map, bias)));
    }
    if !layers.iter().any(|layer| matches!(layer, Layer::Affine(_))) {
        layers.push(Layer::Affine(Affine::new(LinearMap::identity(width), Vec::new())));
    }
    Network::new(layers).expect("fitting layers")
}

/// A choice among seven that depends on the seed and the place only.
fn generator_choice(seed: u64, place: usize) -> u64 {
    ChaCha8Rng::seed_from_u64(seed * 1000 + place as u64).random_range(0..7)
}

fn dense(rows: usize, values: &[f64]) -> LinearMap {
    LinearMap::from_rows(&values.chunks(values.len() / rows).map(<[f64]>::to_vec).collect::<Vec<_>>())
}

#[test]
fn every_network_survives_json_and_onnx() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for seed in 0..300 {
        let network = assorted_network(seed);
        for extension in ["json", "onnx"] {
            let path = folder.path().join(format!("net.{extension}"));
            write(&network, &path).unwrap_or_else(|error| panic!("{}", told(&error)));
            let back = read(&path, &ReadOptions::default()).unwrap_or_else(|error| panic!("{seed}: {}", told(&error)));
            assert_eq!(back.sha256(), network.sha256(), "{seed} {extension}");
            let x: Vec<f64> = (0..network.inputs()).map(|i| 0.3 - i as f64).collect();
            assert_eq!(value_at(&back, &x), value_at(&network, &x), "{seed} {extension}");
            if extension == "json" {
                assert_eq!(back, network, "{seed}");
            }
        }
    }
}

#[test]
fn plain_chains_survive_every_format_that_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (dims, seed) in [(&[3, 2][..], 1), (&[2, 5, 1], 2), (&[4, 1, 7, 3], 3)] {
        let network = random_network(dims, Activation::Relu, seed).expect("valid");
        for (extension, options) in [
            ("json", ReadOptions::default()),
            ("onnx", ReadOptions::default()),
            ("nnet", ReadOptions::default()),
            ("npz", with(Activation::Relu)),
        ] {
            let path = folder.path().join(format!("net.{extension}"));
            write(&network, &path).expect("a plain ReLU chain can be written");
            let first = fs::read(&path).expect("readable");
            assert_eq!(read(&path, &options).expect("valid"), network, "{dims:?} {extension}");
            write(&network, &path).expect("a file can be replaced");
            assert_eq!(fs::read(&path).expect("readable"), first, "{extension}: the same network gives the same bytes");
        }
    }
}

#[test]
fn an_archive_does_not_hold_the_time_of_writing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("net.npz");
    write(&random_network(&[2, 1], Activation::Relu, 1).expect("valid"), &path).expect("writable");
    // Time and date of the first member: midnight on the first day that zip archives know.
    assert_eq!(fs::read(&path).expect("readable")[10..14], [0, 0, 0x21, 0]);
}

#[test]
fn committed_networks_survive_conversion() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["iris_4-5-3_relu_std.npz", "digits_64-32-10_relu_std.safetensors", "iris_4-5-3_relu_std_raw.nnet"] {
        let network = data_network(name);
        for extension in ["json", "onnx"] {
            let path = folder.path().join(format!("net.{extension}"));
            write(&network, &path).expect("every network can be written");
            assert_eq!(read(&path, &ReadOptions::default()).expect("valid").sha256(), network.sha256());
        }
    }
}

#[test]
fn onnx_files_are_float32_only_if_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("net.onnx");
    let has_float32 = |weight: f64| {
        let map = LinearMap::from_rows(&[vec![weight]]);
        let network = Network::new(vec![Layer::Affine(Affine::new(map, Vec::new()))]).expect("valid");
        write(&network, &path).expect("writable");
        // The raw data of the weight, with the tag of the field before it.
        let raw = floats(&[], &[weight as f32]).0;
        fs::read(&path).expect("readable").windows(6).any(|window| raw.ends_with(window))
    };
    assert!(has_float32(0.5));
    assert!(has_float32(f64::from(0.1f32)));
    assert!(!has_float32(0.1));
}

#[test]
fn networks_that_a_format_cannot_hold_are_refused_with_one_that_can() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let affine = |map: LinearMap| Layer::Affine(Affine::new(map, Vec::new()));
    let square = || affine(LinearMap::from_rows(&[vec![1.0, 2.0], vec![3.0, 4.0]]));
    let (relu, tanh) = (Layer::Activation(Activation::Relu), Layer::Activation(Activation::Tanh));
    let network = |layers: Vec<Layer>| Network::new(layers).expect("valid");
    for (extension, network, reason) in [
        ("npz", network(vec![square(), relu.clone()]), "does not stand between"),
        ("npz", network(vec![relu.clone(), square()]), "does not stand between"),
        ("npz", network(vec![square(), relu.clone(), tanh.clone(), square()]), "does not stand between"),
        ("npz", network(vec![square(), square()]), "nothing between them"),
        ("npz", network(vec![square(), relu.clone(), square(), tanh.clone(), square()]), "relu and tanh"),
        ("npz", network(vec![affine(LinearMap::Scale(vec![2.0, 3.0]))]), "not given by one matrix"),
        ("nnet", network(vec![affine(LinearMap::Divide(vec![2.0, 3.0]))]), "not given by one matrix"),
        ("nnet", network(vec![square(), tanh.clone(), square()]), "ReLU by definition"),
        ("onnx", network(vec![square(), Layer::Activation(Activation::Elu { scale: 0.1 })]), "elu:0.1"),
    ] {
        let path = folder.path().join(format!("net.{extension}"));
        let error = told(&write(&network, &path).expect_err(reason));
        assert!(error.contains(reason) && error.contains(".json"), "{error}");
        assert!(!path.exists(), "nothing is written");
    }
    let plain = network(vec![square(), relu, square()]);
    for name in ["net.safetensors", "net.mat", "net.npy", "net.onnx.gz"] {
        let error = told(&write(&plain, &folder.path().join(name)).expect_err(name));
        assert!(error.contains("cannot be written") && error.contains("write .onnx, .nnet, .npz, .json"), "{error}");
    }
    let huge = network(vec![affine(LinearMap::from_triplets(100_000, 100_000, &[(0, 0, 1.0)]))]);
    assert!(told(&write(&huge, &folder.path().join("net.onnx")).expect_err("80 GB")).contains("too large"));
    assert!(write(&huge, &folder.path().join("net.json")).is_ok());
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let network = random_network(&[2, 2, 1], Activation::Tanh, 1).expect("valid");
    let path = folder.path().join("net.nnet");
    fs::write(&path, "precious").expect("writable");
    assert!(write(&network, &path).is_err());
    assert_eq!(fs::read_to_string(&path).expect("readable"), "precious");

    let directory = folder.path().join("net.json");
    fs::create_dir(&directory).expect("writable");
    assert!(told(&write(&network, &directory).expect_err("a directory")).contains("this is a directory"));
    let nowhere = folder.path().join("missing/net.json");
    assert!(told(&write(&network, &nowhere).expect_err("no directory")).contains("no such directory"));
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("readable").map(|entry| entry.expect("entry").path()).collect();
    assert_eq!(left.len(), 2, "no partial file is left: {left:?}");
}

#[test]
fn json_keeps_the_numbers_of_the_committed_files() {
    let name = "diabetes_10-16-16-1_leaky_std.json";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    write(&read(&data(name), &ReadOptions::default()).expect("valid"), &path).expect("writable");
    let numbers = |path: &std::path::Path| -> serde_json::Value {
        serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON")
    };
    assert_eq!(numbers(&path), numbers(&data(name)));
}
