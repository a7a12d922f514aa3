//! ONNX graphs as a whole: how constants are stored, what an input is, and which graphs are refused.

use std::fs;
use std::path::Path;

use tightlip_model::file::{Format, ReadOptions, inspect, read, read_bytes};
use tightlip_model::{Activation, Affine, Error, Layer, LinearMap, Network};

use crate::model_builder::Attribute::{Float, Int, Ints};
use crate::model_builder::{Message, Model, doubles, floats, integers, tensor};
use crate::{told, value_at};

/// `y = w x` for a constant `w` of one row.
fn product(weight: &Message) -> Model {
    Model::taking(&[-1, 2]).constant("w", weight).node("Gemm", &["x", "w"], "y", &[Int("transB", 1)])
}

#[test]
fn every_way_of_storing_numbers_gives_the_same_numbers() {
    let packed = |fields: &[f32]| fields.iter().flat_map(|field| field.to_le_bytes()).collect::<Vec<_>>();
    // 1.5 and −2 as IEEE half precision and as bfloat16.
    let (half, brain) = ([0x3e00u16, 0xc000], [0x3fc0u16, 0xc000]);
    let raw = |bits: [u16; 2]| bits.iter().flat_map(|bits| bits.to_le_bytes()).collect::<Vec<_>>();
    let as_ints = |message: Message, bits: [u16; 2]| bits.iter().fold(message, |m, &bits| m.int(5, i64::from(bits)));
    for weight in [
        floats(&[1, 2], &[1.5, -2.0]),
        doubles(&[1, 2], &[1.5, -2.0]),
        tensor(1, &[1, 2]).bytes(4, &packed(&[1.5, -2.0])),
        tensor(1, &[1, 2]).float(4, 1.5).float(4, -2.0),
        tensor(11, &[1, 2]).bytes(10, &[1.5f64.to_le_bytes(), (-2f64).to_le_bytes()].concat()),
        tensor(10, &[1, 2]).bytes(9, &raw(half)),
        tensor(16, &[1, 2]).bytes(9, &raw(brain)),
        as_ints(tensor(10, &[1, 2]), half),
        as_ints(tensor(16, &[1, 2]), brain),
    ] {
        assert_eq!(product(&weight).at(&[10.0, 1.0]), [13.0]);
    }
    for (weight, reason) in [
        (tensor(14, &[1, 2]).bytes(9, &[0; 16]), "COMPLEX64"),
        (tensor(77, &[1, 2]), "number 77"),
        (tensor(7, &[1, 2]).bytes(9, &[0; 16]), "holds integers"),
        (as_ints(tensor(10, &[1, 2]), half).int(5, 0x1_0000), "16 bits"),
        (floats(&[1, 2], &[1.5, -2.0]).message(3, &Message::default()), "segment"),
    ] {
        let refused = product(&weight).refusal();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn external_data_is_read_beside_the_model_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("writable");
    let raw: Vec<u8> = [7.0f32, 1.5, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    write("weights.bin", &raw);
    let pair = |key: &str, value: &str| Message::default().text(1, key).text(2, value);
    let external = |entries: &[(&str, &str)]| {
        let weight =
            entries.iter().fold(tensor(1, &[1, 2]).int(14, 1), |m, (key, value)| m.message(13, &pair(key, value)));
        write("model.onnx", &product(&weight).bytes());
        read(&folder.path().join("model.onnx"), &ReadOptions::default())
    };
    let network = external(&[("location", "weights.bin"), ("offset", "4"), ("length", "8")]).expect("valid");
    assert_eq!(value_at(&network, &[10.0, 1.0]), [13.0]);
    let network = external(&[("location", "weights.bin")]).expect("valid");
    assert_eq!(value_at(&network, &[10.0, 1.0]), [71.5]);
    for (entries, reason) in [
        (&[("location", "missing.bin")][..], "missing.bin` cannot be read"),
        (&[("location", "weights.bin"), ("offset", "8")], "has only 12"),
        (&[("location", "weights.bin"), ("offset", "18446744073709551615")], "has only 12"),
        (&[("location", "weights.bin"), ("length", "4")], "4 bytes, but its shape wants 8"),
        (&[("location", "weights.bin"), ("offset", "-4")], "want a number"),
        (&[("location", "../weights.bin")], "in the folder of the model"),
        (&[("location", "/etc/passwd")], "in the folder of the model"),
        (&[("location", "")], "in the folder of the model"),
        (&[("location", ".")], "in the folder of the model"),
        (&[], "no location"),
    ] {
        let error = told(&external(entries).expect_err(reason));
        assert!(error.contains(reason) && error.contains("the constant `w`"), "{error}");
    }
    fs::create_dir(folder.path().join("sub")).expect("writable");
    assert!(told(&external(&[("location", "sub")]).expect_err("a folder")).contains("is not a file"));
}

#[test]
fn initializers_may_be_inputs_too_and_the_batch_may_have_any_name() {
    for dims in [&[-1, 2][..], &[1, 2], &[2]] {
        let model = Model::new()
            .input("x", dims)
            .input("w", &[2])
            .output("y")
            .constant("w", &floats(&[2], &[3.0, 4.0]))
            .node("Mul", &["x", "w"], "y", &[]);
        assert_eq!(model.at(&[1.0, 1.0]), [3.0, 4.0]);
    }
}

#[test]
fn one_network_in_three_wordings_and_two_formats_has_one_digest() {
    let weight = floats(&[1, 2], &[1.5, -2.0]);
    let bias = floats(&[1], &[0.25]);
    let gemm = Model::taking(&[-1, 2])
        .constant("w", &weight)
        .constant("b", &bias)
        .node("Gemm", &["x", "w", "b"], "h", &[Int("transB", 1)])
        .node("Tanh", &["h"], "y", &[]);
    let matmul = Model::taking(&[-1, 2])
        .opset("ai.onnx", 8)
        .constant("w", &floats(&[2, 1], &[1.5, -2.0]))
        .constant("b", &bias)
        .node("MatMul", &["x", "w"], "p", &[])
        .node("Add", &["b", "p"], "h", &[])
        .node("Tanh", &["h"], "y", &[]);
    let dressed = Model::taking(&[1, 1, 2])
        .constant("w", &weight)
        .constant("b", &bias)
        .node("Flatten", &["x"], "f", &[])
        .node("Transpose", &["w"], "t", &[])
        .node("MatMul", &["f", "t"], "p", &[])
        .node("Identity", &["p"], "i", &[])
        .node("Add", &["i", "b"], "h", &[])
        .node("Tanh", &["h"], "y", &[]);
    let json = br#"{"format": "tightlip-network", "version": 1, "layers": [
        {"type": "affine", "weights": [[1.5, -2]], "bias": [0.25]}, {"type": "activation", "name": "tanh"}]}"#;
    let json = read_bytes(Format::Json, json, Path::new("net.json"), &ReadOptions::default()).expect("valid");
    for model in [gemm, matmul, dressed] {
        assert_eq!(model.network().sha256(), json.sha256());
    }
}

#[test]
fn a_graph_without_affine_layers_has_an_identity_before_its_activation() {
    let network = Model::taking(&[-1, 3]).node("Relu", &["x"], "y", &[]).network();
    let identity = Layer::Affine(Affine::new(LinearMap::identity(3), Vec::new()));
    assert_eq!(network.layers(), [identity.clone(), Layer::Activation(Activation::Relu)]);
    let nothing = Model::new().input("x", &[-1, 3]).output("x").network();
    assert_eq!(nothing, Network::new(vec![identity]).expect("valid"));
}

#[test]
fn all_unsupported_nodes_are_listed_with_name_operator_shapes_and_a_way_around() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.onnx");
    let model = Model::taking(&[-1, 1, 4, 4])
        .constant("k", &floats(&[1, 1, 2, 2], &[1.0; 4]))
        .constant("w", &floats(&[9, 9], &[1.0; 81]))
        .constant("axis", &integers(&[1], &[1]))
        .node("Conv", &["x", "k"], "a", &[Ints("kernel_shape", &[2, 2])])
        .node("Relu", &["a"], "b", &[])
        .node("MaxPool", &["b"], "c", &[])
        .node("Flatten", &["c"], "d", &[])
        .node("MatMul", &["d", "w"], "e", &[])
        .node("Add", &["e", "d"], "f", &[])
        .node("com.microsoft:FusedGelu", &["f"], "g", &[])
        .node("LSTM", &["g"], "h", &[Int("hidden_size", 3)])
        .node("Softmax", &["h"], "y", &[]);
    fs::write(&path, model.bytes()).expect("writable");
    let inspection = inspect(&path, &ReadOptions::default()).expect("readable");
    assert_eq!((inspection.format, inspection.size_bytes), (Format::Onnx, model.bytes().len() as u64));
    let nodes = inspection.content.expect_err("six unsupported nodes");
    let told: Vec<(&str, &str)> = nodes.iter().map(|node| (node.op.as_str(), node.name.as_str())).collect();
    let expected = [
        ("Conv", "Conv_a"),
        ("MaxPool", "MaxPool_c"),
        ("Add", "Add_f"),
        ("FusedGelu", "FusedGelu_g"),
        ("LSTM", "LSTM_h"),
        ("Softmax", "Softmax_y"),
    ];
    assert_eq!(told, expected);
    assert!(nodes[0].reason.contains("1 × 1 × 4 × 4 and 1 × 1 × 2 × 2"), "{}", nodes[0]);
    assert!(nodes[2].reason.contains("`d` is also read by `MatMul_e`"), "{}", nodes[2]);
    let Err(error @ Error::Unsupported { .. }) = read(&path, &ReadOptions::default()) else { panic!("unsupported") };
    let text = error.to_string();
    assert!(text.contains("6 nodes are not supported") && nodes.iter().all(|node| text.contains(&node.name)), "{text}");
}

#[test]
fn skip_connections_are_refused_at_the_node_that_closes_them() {
    let refused = Model::taking(&[-1, 2]).node("Relu", &["x"], "a", &[]).node("Add", &["a", "x"], "y", &[]).refusal();
    assert!(refused.contains("1 node is not supported"), "{refused}");
    assert!(refused.contains("Add `Add_y`: `x` is also read by `Relu_a`: skip connections"), "{refused}");
    let masked = Model::taking(&[-1, 2])
        .node_with("Dropout", &["x"], &["d", "mask"], &[Float("ratio", 0.5)])
        .node("Mul", &["d", "mask"], "y", &[])
        .refusal();
    assert!(masked.contains("its second output `mask` is used"), "{masked}");
}

#[test]
fn nodes_that_the_output_does_not_need_are_left_alone() {
    let model = Model::taking(&[-1, 2])
        .constant("quantised", &tensor(21, &[1]))
        .node("Softmax", &["x"], "p", &[])
        .node("QuantizeLinear", &["p", "quantised"], "q", &[])
        .node_with("Dropout", &["x"], &["d", "mask"], &[])
        .node("Tanh", &["d"], "y", &[]);
    assert_eq!(model.network().hidden(), [(Activation::Tanh, 2)]);
}

#[test]
fn graphs_that_are_not_feed_forward_or_not_sound_are_refused() {
    let zero = || floats(&[], &[0.0]);
    let chain = |model: Model| model.node("Relu", &["x"], "y", &[]);
    for (model, reasons) in [
        (chain(Model::new().input("x", &[-1, 2]).input("z", &[1, 2]).output("y")), &["2 inputs (`x`, `z`)"][..]),
        (chain(Model::taking(&[-1, 2]).output("z")), &["2 outputs (`y`, `z`)", "extract_model"]),
        (chain(Model::new().output("y")), &["the graph has no input"]),
        (chain(Model::new().input("x", &[-1, 2])), &["the graph has no output"]),
        (chain(Model::taking(&[-1, -1])), &["no fixed size in dimension 1"]),
        (chain(Model::taking(&[-1])), &["no fixed size in dimension 0"]),
        (chain(Model::taking(&[])), &["0 dimensions"]),
        (chain(Model::taking(&[-1, 2]).opset("", 7)), &["operator set 7", "version_converter"]),
        (chain(Model::taking(&[-1, 2]).opset("ai.onnx.ml", 3)), &["does not say which operator set"]),
        (chain(Model::taking(&[-1, 2]).constant("y", &zero())), &["`y` is defined twice"]),
        (chain(Model::taking(&[-1, 2])).node("Tanh", &["x"], "y", &[]), &["`y` is defined twice"]),
        (chain(Model::taking(&[-1, 2])).node("Tanh", &["y"], "x", &[]), &["`x` is defined twice", "recurrent"]),
        (Model::taking(&[-1, 2]).node("Relu", &["z"], "y", &[]), &["reads `z`, which nothing computes"]),
        (Model::taking(&[-1, 2]).node("Tanh", &["x"], "z", &[]), &["nothing computes the output `y`"]),
        (Model::taking(&[-1, 2]).node("Relu", &[], "y", &[]), &["it has 0 inputs"]),
        (Model::taking(&[-1, 2]).node("Shape", &["x"], "y", &[]), &["the output `y` is constant"]),
        (Model::taking(&[-1, 2]).constant("y", &zero()), &["the output `y` is constant", "nothing computes"]),
        (
            Model::taking(&[-1, 2]).node("Add", &["x", "b"], "a", &[]).node("Relu", &["a"], "b", &[]).node(
                "Tanh",
                &["b"],
                "y",
                &[],
            ),
            &["node `Add_a` (Add) reads `b`, which `Relu_b` computes only after it", "recurrent"],
        ),
        (
            chain(Model::taking(&[-1, 2])).field(15, &Message::default().message(1, &Message::default().text(8, "w"))),
            &["`w` is stored as a sparse tensor"],
        ),
        (
            Model::taking(&[-1, 2]).constant("w", &floats(&[2, 0], &[])).node("MatMul", &["x", "w"], "y", &[]),
            &["no numbers at all"],
        ),
    ] {
        let refused = model.refusal();
        assert!(reasons.iter().any(|reason| refused.contains(reason)), "{refused}");
    }
}

#[test]
fn weights_that_are_not_finite_are_told_with_their_place() {
    let refused = product(&floats(&[1, 2], &[1.0, f32::NAN])).refusal();
    assert!(refused.contains("weights of layer 1 has the entry NaN at [0, 1]"), "{refused}");
    let refused = product(&floats(&[1, 2], &[f32::INFINITY, 0.0])).refusal();
    assert!(refused.contains("inf at [0, 0]"), "{refused}");
}
