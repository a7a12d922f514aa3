//! Mutated bytes of every format: readers refuse or read, and never panic.
//!
//! Every case is drawn from a seed, so a failure can be repeated; a panic fails the test.

#[allow(dead_code, reason = "this test builds models but does not evaluate them")]
#[path = "readers/model_builder.rs"]
mod model_builder;

use std::fs;
use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tightlip_model::file::{Format, Normalisation, ReadOptions, read, read_bytes, write};
use tightlip_model::{Activation, random_network};

use model_builder::Attribute::{Float, Int, Ints, Tensor};
use model_builder::{Model, floats, integers};

/// Over all samples together.
const CASES: usize = 10_000;

/// Bytes of a file, and how it is read.
struct Sample {
    format: Format,
    bytes: Vec<u8>,
}

/// The small files of the `data` folder and one of each format that is written.
fn samples() -> Vec<Sample> {
    const MAX_BYTES: usize = 20_000;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("the data folder").map(|entry| entry.expect("entry").path()).collect();
    let written = tempfile::tempdir().expect("a temporary folder");
    let network = random_network(&[2, 3, 1], Activation::Relu, 1).expect("valid");
    for extension in ["onnx", "json", "npz", "nnet"] {
        let path = written.path().join(format!("net.{extension}"));
        write(&network, &path).expect("writable");
        paths.push(path);
    }
    paths.sort();
    let mut samples: Vec<Sample> = paths
        .iter()
        .filter_map(|path| {
            Some(Sample { format: Format::of_path(path).ok()?, bytes: fs::read(path).expect("readable") })
        })
        .filter(|sample| sample.bytes.len() <= MAX_BYTES)
        .collect();
    let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n";
    let array =
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &[0x3f; 48]].concat();
    samples.push(Sample { format: Format::Npy, bytes: array });
    samples.extend((0..5).map(|_| Sample { format: Format::Onnx, bytes: winding_model() }));
    samples
}

/// An ONNX model that uses nearly every operator.
fn winding_model() -> Vec<u8> {
    Model::taking(&[-1, 2, 2])
        .constant("zero", &integers(&[], &[0]))
        .constant("first", &integers(&[1], &[0]))
        .constant("w", &floats(&[3, 4], &[0.5; 12]))
        .constant("b", &floats(&[3], &[1.0; 3]))
        .constant("low", &floats(&[], &[-1.0]))
        .constant("high", &floats(&[], &[6.0]))
        .constant("slope", &floats(&[1], &[0.25]))
        .node("Constant", &[], "rest", &[Tensor("value", integers(&[1], &[-1]))])
        .node("Transpose", &["x"], "turned", &[Ints("perm", &[0, 2, 1])])
        .node("Shape", &["turned"], "shape", &[])
        .node("Gather", &["shape", "zero"], "batch", &[Int("axis", 0)])
        .node("Unsqueeze", &["batch", "first"], "list", &[])
        .node("Concat", &["list", "rest"], "target", &[Int("axis", 0)])
        .node("Reshape", &["turned", "target"], "flat", &[])
        .node("Gemm", &["flat", "w", "b"], "h1", &[Int("transB", 1), Float("alpha", 0.5), Float("beta", 2.0)])
        .node("Clip", &["h1", "low", "high"], "h2", &[])
        .node("Unsqueeze", &["h2"], "h3", &[Ints("axes", &[1])])
        .node("Squeeze", &["h3", "first"], "h4", &[])
        .node("PRelu", &["h4", "slope"], "h5", &[])
        .node("Sigmoid", &["h5"], "s", &[])
        .node("Mul", &["h5", "s"], "h6", &[])
        .node("Div", &["h6", "b"], "h7", &[])
        .node("Sub", &["b", "h7"], "h8", &[])
        .node("Dropout", &["h8"], "h9", &[])
        .node("Cast", &["h9"], "h10", &[Int("to", 11)])
        .node("Flatten", &["h10"], "h11", &[Int("axis", 1)])
        .node("LeakyRelu", &["h11"], "h12", &[Float("alpha", 0.1)])
        .node("Transpose", &["w"], "t", &[])
        .node("MatMul", &["h12", "w"], "h13", &[])
        .node("MatMul", &["h13", "t"], "y", &[])
        .bytes()
}

/// One mutation or a few.
fn mutated(bytes: &[u8], other: &[u8], generator: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let count = if generator.random() { 1 } else { generator.random_range(2..=6) };
    for _ in 0..count {
        mutate(&mut bytes, other, generator);
    }
    bytes
}

/// Flips a bit, sets an extreme integer, cuts, repeats, splices or writes digits.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], generator: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        bytes.push(generator.random());
        return;
    }
    // Headers stand at the beginning, so half of the mutations go there.
    let near = if generator.random_bool(0.5) { bytes.len().min(256) } else { bytes.len() };
    let place = generator.random_range(0..near);
    match generator.random_range(0..8) {
        0 | 1 => bytes[place] ^= 1 << generator.random_range(0..8),
        2 => {
            const EXTREMES: [u64; 8] = [0, 1, 0x7f, 0x7fff_ffff, 0xffff_ffff, 1_000_000_000, i64::MAX as u64, u64::MAX];
            let extreme = EXTREMES[generator.random_range(0..EXTREMES.len())];
            let word = if generator.random() { extreme.to_le_bytes() } else { extreme.to_be_bytes() };
            let width = [1, 2, 4, 8][generator.random_range(0..4)];
            let from = if generator.random() { 0 } else { 8 - width };
            for (byte, &value) in bytes[place..].iter_mut().zip(&word[from..from + width]) {
                *byte = value;
            }
        }
        3 => bytes.truncate(place),
        4 => {
            let end = (place + generator.random_range(1..64)).min(bytes.len());
            let piece = bytes[place..end].to_vec();
            bytes.splice(place..place, piece);
        }
        5 => {
            let end = (place + generator.random_range(1..64)).min(bytes.len());
            bytes.drain(place..end);
        }
        6 => {
            let from = generator.random_range(0..other.len());
            let piece = other[from..(from + generator.random_range(1..64)).min(other.len())].to_vec();
            let end = (place + piece.len()).min(bytes.len());
            bytes.splice(place..end, piece);
        }
        _ => {
            const TEXTS: [&str; 8] = ["-1", "1000000000", "1e999", "NaN", "[[[[", "\"\\", ",,", "99999999999999999999"];
            let text = TEXTS[generator.random_range(0..TEXTS.len())];
            let end = (place + text.len()).min(bytes.len());
            bytes.splice(place..end, text.bytes());
        }
    }
}

#[test]
fn ten_thousand_mutated_files_are_read_or_refused_without_a_panic() {
    let samples = samples();
    let mut generator = ChaCha8Rng::seed_from_u64(20_261_121);
    let (mut accepted, mut refused) = (0, 0);
    for case in 0..CASES {
        let sample = &samples[case % samples.len()];
        let other = &samples[generator.random_range(0..samples.len())].bytes;
        let bytes = mutated(&sample.bytes, other, &mut generator);
        let mut options = ReadOptions::default();
        if !sample.format.carries_graph() {
            options.activation = Some(Activation::Tanh);
        }
        if sample.format == Format::Nnet && generator.random() {
            options.normalisation = Normalisation::Skip;
        }
        if sample.format == Format::Safetensors && generator.random() {
            options.layer_order = Some(vec!["0.weight".to_owned(), "2.weight".to_owned()]);
        }
        match read_bytes(sample.format, &bytes, Path::new("mutated"), &options) {
            Ok(network) => {
                accepted += 1;
                assert!(network.inputs() > 0 && network.outputs() > 0, "case {case}");
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().starts_with("mutated: "), "case {case}: {error}");
            }
        }
    }
    // Flipped bits of weights leave a valid file; if nearly none did, the samples would not be what they should be.
    assert!(accepted > CASES / 20 && refused > CASES / 4, "{accepted} accepted, {refused} refused");
}

#[test]
fn the_samples_are_valid_before_they_are_mutated() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut formats = Vec::new();
    for sample in samples() {
        let path = folder.path().join(format!("sample{}", sample.format));
        fs::write(&path, &sample.bytes).expect("writable");
        let activation = if sample.format.carries_graph() { None } else { Some(Activation::Relu) };
        let options = ReadOptions { activation, ..ReadOptions::default() };
        assert!(read(&path, &options).is_ok(), "{}", sample.format);
        formats.push(sample.format);
    }
    for format in [
        Format::Onnx,
        Format::OnnxGz,
        Format::Nnet,
        Format::Npz,
        Format::Npy,
        Format::Safetensors,
        Format::Mat,
        Format::Json,
    ] {
        assert!(formats.contains(&format), "{format}");
    }
}
