//! Files that are damaged, hostile or something else. Each is told what it is, and none takes memory for what it only
//! announces.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tightlip_model::Activation;
use tightlip_model::file::{Format, ReadOptions, read, read_bytes};

use crate::mat_files::{COMPRESSED, DOUBLE, MATRIX, Mat};
use crate::model_builder::{Model, floats, tensor};
use crate::{data, refusal, told, with};

/// A file of every format.
const SAMPLES: [(Format, &str); 7] = [
    (Format::Onnx, "iris_4-5-3_relu_std.onnx"),
    (Format::OnnxGz, "bc_30-16-8-2_relu_wd.onnx.gz"),
    (Format::Nnet, "iris_4-5-3_relu_std.nnet"),
    (Format::Npz, "iris_4-5-3_relu_std.npz"),
    (Format::Safetensors, "digits_64-32-10_relu_std.safetensors"),
    (Format::Mat, "digits_64-32-10_relu_std.mat"),
    (Format::Json, "iris_4-16-16-3_tanh_std.json"),
];

fn options(format: Format) -> ReadOptions {
    if format.carries_graph() { ReadOptions::default() } else { with(Activation::Relu) }
}

/// A NumPy array whose header says `header`.
fn npy(header: &str, content: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), content].concat()
}

fn npy_of_shape(shape: &str, content: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"), content)
}

/// A zip archive with one stored member.
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(content);
    let sizes = [checksum.sum(), content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
    let name_length = (name.len() as u16).to_le_bytes();
    let common = [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0], &sizes[..], &name_length, &[0, 0]].concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), content].concat();
    let directory = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], name.as_bytes()].concat();
    let places = [directory.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    let end = [b"PK\x05\x06", &[0, 0, 0, 0, 1, 0, 1, 0][..], &places, &[0, 0]].concat();
    [local, directory, end].concat()
}

#[test]
fn an_empty_file_says_so_in_every_format() {
    for (format, _) in SAMPLES.into_iter().chain([(Format::Npy, "")]) {
        assert!(refusal(format, b"", &options(format)).contains("the file is empty"), "{format}");
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    for (format, name) in SAMPLES {
        let bytes = fs::read(data(name)).expect("committed");
        // A decimal number without its last digits is still one, and the last padding of a .mat file may be missing.
        let tolerated = match format {
            Format::Nnet => 30,
            Format::Mat => 7,
            _ => 0,
        };
        for length in (1..bytes.len() - tolerated).step_by(1 + bytes.len() / 600) {
            let cut = read_bytes(format, &bytes[..length], Path::new(name), &options(format));
            assert!(cut.is_err(), "{name} cut to {length} of {} bytes", bytes.len());
        }
        let half = refusal(format, &bytes[..bytes.len() / 2], &options(format));
        let reasons = ["cut off", "ends before", "EOF", "bytes", "line 14 has 1 numbers: want 4"];
        assert!(reasons.iter().any(|reason| half.contains(reason)), "{half}");
    }
}

#[test]
fn a_file_of_another_kind_is_recognised_whatever_its_name() {
    let npz = fs::read(data("iris_4-5-3_relu_std.npz")).expect("committed");
    for (format, _) in SAMPLES.into_iter().chain([(Format::Npy, "")]) {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0"[..], "a PNG image"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
            (b"\x80\x02}q\0(X\x05\0\0\0epochq\x01K\nu.", "a Python pickle"),
            (b"<!DOCTYPE html><html>404</html>", "a web page"),
        ] {
            let refused = refusal(format, bytes, &options(format));
            assert!(refused.contains(&format!("not a {format} file")) && refused.contains(kind), "{refused}");
        }
        let refused = refusal(format, b"x", &options(format));
        assert!(refused.starts_with(&format!("net{format}: ")), "{refused}");
    }
    let refused = refusal(Format::Onnx, &npz, &ReadOptions::default());
    assert!(refused.contains("a zip archive") && refused.contains("ends in .npz"), "{refused}");
    let gz = fs::read(data("bc_30-16-8-2_relu_wd.onnx.gz")).expect("committed");
    assert!(refusal(Format::Onnx, &gz, &ReadOptions::default()).contains("ends in .onnx.gz"));
}

#[test]
fn paths_that_are_no_model_files_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let directory = folder.path().join("net.onnx");
    fs::create_dir(&directory).expect("writable");
    let empty = folder.path().join("net.npz");
    fs::write(&empty, b"").expect("writable");
    for (path, reason) in [
        (directory.as_path(), "this is a directory"),
        (&empty, "the file is empty"),
        (&folder.path().join("missing.onnx"), "there is no such file"),
        (Path::new("/dev/null/net.json"), "cannot be read"),
        (Path::new("net.txt"), "want one that ends in .onnx, .onnx.gz, .nnet, .npz"),
        (Path::new("net"), "does not say the format"),
        (Path::new("net.pth"), "torch.onnx.export(model, torch.zeros(1, INPUTS)"),
        (Path::new("net.h5"), "tf2onnx.convert.from_keras"),
        (Path::new("net.keras"), "tf2onnx.convert.from_keras"),
        (Path::new("net.tflite"), "--tflite"),
        (Path::new("net.pb"), "--saved-model"),
    ] {
        let error = told(&read(path, &ReadOptions::default()).expect_err(reason));
        assert!(error.contains(reason) && error.contains(&path.display().to_string()), "{error}");
    }
    let sparse = folder.path().join("huge.onnx");
    fs::File::create(&sparse).and_then(|file| file.set_len((8 << 30) + 1)).expect("a sparse file");
    let error = told(&read(&sparse, &ReadOptions::default()).expect_err("9 GB"));
    assert!(error.contains("above 8589934592 bytes (8 GiB) are declined"), "{error}");
}

#[test]
fn a_thousand_million_announced_parameters_are_not_believed() {
    let mat = Mat { big_endian: false };
    let weights = |dims: &[u32]| mat.file(&[mat.matrix(6, dims, "W0", &[mat.element(DOUBLE, &[0; 64])])]);
    let gemm = |dims: &[i64]| {
        Model::taking(&[1, 100_000])
            .constant("w", &tensor(1, dims).bytes(9, &[0; 64]))
            .node("Gemm", &["x", "w"], "y", &[])
            .bytes()
    };
    let scale = Model::taking(&[1, 1_000_000_000])
        .constant("c", &floats(&[], &[2.0]))
        .node("Mul", &["x", "c"], "y", &[])
        .bytes();
    let header = |end: u64| {
        let text =
            format!("{{\"0.weight\":{{\"dtype\":\"F32\",\"shape\":[100000,10000],\"data_offsets\":[0,{end}]}}}}");
        [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &[0; 64]].concat()
    };
    let sparse = |sizes: &str| {
        format!(
            "{{\"format\":\"tightlip-network\",\"version\":1,\"layers\":[{{\"type\":\"sparse\",{sizes},\"entries\":[]}}]}}"
        )
    };
    for (format, bytes, reason) in [
        (Format::Onnx, gemm(&[100_000, 10_000]), "the header announces 100000 × 10000"),
        (Format::Onnx, gemm(&[i64::MAX, i64::MAX]), "the header announces"),
        (Format::Onnx, gemm(&[-1, 10]), "the dimension -1"),
        (Format::Onnx, scale, "1000000001 more coefficients"),
        (Format::Npy, npy_of_shape("(100000, 10000)", &[0; 64]), "the header announces 100000 × 10000"),
        (Format::Npz, zip("W0.npy", &npy_of_shape("(100000, 10000)", &[0; 64])), "W0: the header announces"),
        (Format::Npz, zip("W0.npy", &npy_of_shape("(4294967296, 4294967296)", &[])), "overflows"),
        (Format::Safetensors, header(4_000_000_000), "at bytes 0 to 4000000000, but only 64"),
        (Format::Safetensors, header(64), "invalid shape"),
        (Format::Safetensors, header(u64::MAX), "but only 64"),
        (Format::Mat, weights(&[100_000, 10_000]), "W0: the header announces 100000 × 10000"),
        (Format::Mat, mat.file(&[mat.matrix(1, &[1, 1_000_000_000], "weights", &[])]), "ends before its cell 1"),
        (Format::Nnet, b"2,100000,10000,100000,\n100000,10000,10000,\n0,\n1,\n".to_vec(), "want 100000, the minima"),
        (Format::Nnet, b"1000000000,5,5,5,\n5,5,\n".to_vec(), "want 1000000001"),
        (Format::Json, sparse("\"rows\":1000000000,\"cols\":1").into_bytes(), "announce 1000000001 rows and columns"),
    ] {
        let refused = refusal(format, &bytes, &options(format));
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn compressed_data_that_unpacks_without_end_is_stopped() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..400 {
        encoder.write_all(&zeros).expect("memory");
    }
    let refused = refusal(Format::OnnxGz, &encoder.finish().expect("memory"), &ReadOptions::default());
    assert!(refused.contains("more than 64 times its size"), "{refused}");
}

#[test]
fn deeply_nested_input_does_not_exhaust_the_stack() {
    let mat = Mat { big_endian: false };
    let cells = (0..200).fold(Vec::new(), |inner, _| mat.matrix(1, &[1, 1], "weights", &[inner]));
    let packed = (0..200).fold(mat.element(MATRIX, &[]), |inner, _| mat.compressed(&inner));
    for (format, bytes) in [
        (Format::Json, "[".repeat(1_000_000).into_bytes()),
        (Format::Json, "{\"layers\":".repeat(100_000).into_bytes()),
        (Format::Npy, npy(&"(".repeat(9000), &[])),
        (Format::Npy, npy(&"{'a':".repeat(2000), &[])),
        (Format::Mat, mat.file(&[cells])),
        (Format::Mat, mat.file(&[packed])),
        (Format::Mat, mat.file(&[mat.element(COMPRESSED, b"not zlib")])),
        (Format::Safetensors, [&100_000u64.to_le_bytes()[..], "[".repeat(100_000).as_bytes()].concat()),
        (
            Format::Onnx,
            (0..10_000)
                .fold(Vec::new(), |inner: Vec<u8>, _| [&[0x3a, inner.len().min(127) as u8][..], &inner].concat()),
        ),
    ] {
        refusal(format, &bytes, &options(format));
    }
}

#[test]
fn text_formats_tell_the_line_and_what_was_wanted() {
    let json = |layers: &str| {
        format!("{{\"format\": \"tightlip-network\", \"version\": 1, \"layers\": [{layers}]}}").into_bytes()
    };
    let nnet =
        |weights: &str| format!("// text\n1,2,1,2,\n2,1,\n0,\n0,0,\n1,1,\n0,0,0,\n1,1,1,\n{weights}").into_bytes();
    for (format, bytes, reason) in [
        (Format::Json, json(""), "no affine layer"),
        (
            Format::Json,
            json("{\"type\": \"affine\", \"weights\": [[1, 2], [3]]}"),
            "layer 1: row 1 of the weights has 1 entries",
        ),
        (Format::Json, json("{\"type\": \"affine\", \"weights\": []}"), "layer 1 is 0 × 0"),
        (Format::Json, json("{\"type\": \"affine\", \"weights\": [[1]], \"bais\": [1]}"), "unknown field `bais`"),
        (Format::Json, json("{\"type\": \"affine\", \"weights\": [[1]], \"bias\": [1, 2]}"), "its bias has 2 entries"),
        (Format::Json, json("{\"type\": \"affine\", \"weights\": [[1e999]]}"), "number out of range"),
        (Format::Json, json("{\"type\": \"affine\", \"weights\": [[NaN]]}"), "line 1 column"),
        (Format::Json, json("{\"type\": \"conv\"}"), "unknown variant `conv`"),
        (Format::Json, json("{\"type\": \"activation\", \"name\": \"swosh\"}"), "layer 1: unknown activation `swosh`"),
        (
            Format::Json,
            json("{\"type\": \"sparse\", \"rows\": 2, \"cols\": 2, \"entries\": [[2, 0, 1]]}"),
            "[2, 0] lies outside",
        ),
        (
            Format::Json,
            json("{\"type\": \"sparse\", \"rows\": 2, \"cols\": 2, \"entries\": [[0, 0, 1], [0, 0, 1]]}"),
            "given twice",
        ),
        (Format::Json, json("{\"type\": \"divide\", \"divisors\": [1, 0]}"), "inf at [1, 1]"),
        (Format::Json, b"{\"format\": \"other\", \"version\": 1, \"layers\": []}".to_vec(), "the format is `other`"),
        (
            Format::Json,
            b"{\"format\": \"tightlip-network\", \"version\": 2, \"layers\": []}".to_vec(),
            "another version of tightlip",
        ),
        (Format::Nnet, nnet("1,2,\n3,\n4,\n"), "line 11 comes after the last layer"),
        (Format::Nnet, nnet("1,2,3,\n3,\n"), "line 9 has 3 numbers: want 2, row 0 of the weights of layer 1"),
        (Format::Nnet, nnet("1,two,\n3,\n"), "line 9: `two` is not a number"),
        (Format::Nnet, nnet("1,inf,\n3,\n"), "line 9: `inf` is not a number"),
        (Format::Nnet, nnet("1,2,\n"), "ends before bias 0 of layer 1"),
        (Format::Nnet, b"2,2,1,2,\n2,3,3,\n".to_vec(), "contradict the 2 layers, 2 inputs and 1 outputs"),
        (Format::Nnet, b"0,2,2,2,\n2,\n".to_vec(), "contradict"),
        (Format::Nnet, b"1,1,1,1,\n1,1,\n0,\n0,\n1,\n0,0,\n0,1,\n".to_vec(), "range of input 0 is 0"),
        (Format::Nnet, b"\xff\xfe1,1,1,1".to_vec(), "byte 1 is not UTF-8"),
    ] {
        let refused = refusal(format, &bytes, &ReadOptions::default());
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn archives_with_odd_members_are_refused_by_name() {
    let matrix = npy_of_shape("(1, 2)", &[0; 16]);
    for (bytes, reason) in [
        (zip("W0.txt", &matrix), "`W0.txt` in the archive is not a NumPy array"),
        (zip("weights.npy", &matrix), "the arrays weights have names of no known meaning"),
        (zip("W0.npy", &npy_of_shape("(1, 2, 3)", &[0; 48])), "W0: shape 1 × 2 × 3: want a matrix"),
        (zip("W0.npy", &npy_of_shape("(1, 2)", &[0; 17])), "16 bytes of elements, but 17 follow"),
        (
            zip("W0.npy", &npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2), }", &[0; 16])),
            "astype(numpy.float64)",
        ),
        (
            zip("W0.npy", &npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2), }", &[0; 16])),
            "elements of type '|O'",
        ),
        (
            zip("W0.npy", &npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", &[0; 8])),
            "structured",
        ),
        (zip("W0.npy", &npy_of_shape("(1, 2)", &[255; 16])), "NaN at [0, 0]"),
        (zip("W0.npy", b"\x93NUMPY\x09\x00"), "version 9 of the NumPy format"),
    ] {
        let refused = refusal(Format::Npz, &bytes, &with(Activation::Relu));
        assert!(refused.contains(reason), "{refused}");
    }
    let mut damaged = zip("W0.npy", &matrix);
    let place = damaged.len() / 2;
    damaged[place] ^= 1;
    assert!(refusal(Format::Npz, &damaged, &with(Activation::Relu)).contains("W0: the compressed data is damaged"));
}
