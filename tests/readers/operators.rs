//! Every operator of ONNX, against values worked out by hand.

use tightlip_model::{Activation, Layer, LinearMap};

use crate::model_builder::Attribute::{Float, Floats, Int, Ints, Tensor, Text};
use crate::model_builder::{Attribute, Message, Model, doubles, floats, integers, tensor};

/// The matrix `[1 2 3; 4 5 6]`, its transpose, and a point at which it gives 321 and 654.
const MATRIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
const TRANSPOSE: [f32; 6] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
const POINT: [f64; 3] = [1.0, 10.0, 100.0];

/// One node on the input `x`, with the constants `c`, `d`, ….
fn single(dims: &[i64], op: &str, inputs: &[&str], attributes: &[Attribute]) -> Model {
    Model::taking(dims).node(op, inputs, "y", attributes)
}

/// A constant vector.
fn vector(values: &[f32]) -> Message {
    floats(&[i64::try_from(values.len()).expect("short")], values)
}

/// A constant list of integers.
fn list(values: &[i64]) -> Message {
    integers(&[i64::try_from(values.len()).expect("short")], values)
}

#[test]
fn gemm_transposes_scales_and_adds_as_its_attributes_say() {
    let matrix = || floats(&[2, 3], &MATRIX);
    let transpose = || floats(&[3, 2], &TRANSPOSE);
    let bias = floats(&[2], &[10.0, 20.0]);
    let column = floats(&[2, 1], &[10.0, 20.0]);
    let row = [-1, 3];
    for (dims, inputs, weight, bias, attributes) in [
        (&row[..], ["x", "w", "b"], transpose(), &bias, vec![]),
        (&row[..], ["x", "w", "b"], matrix(), &bias, vec![Int("transB", 1)]),
        (&[3, 1], ["x", "w", "b"], transpose(), &bias, vec![Int("transA", 1)]),
        (&[3, 1], ["x", "w", "b"], matrix(), &bias, vec![Int("transA", 1), Int("transB", 1)]),
        (&[3, 1], ["w", "x", "b"], matrix(), &column, vec![]),
        (&[3, 1], ["w", "x", "b"], transpose(), &column, vec![Int("transA", 1)]),
        (&[1, 3], ["w", "x", "b"], matrix(), &column, vec![Int("transB", 1)]),
    ] {
        let model = single(dims, "Gemm", &inputs, &attributes).constant("w", &weight).constant("b", bias);
        assert_eq!(model.at(&POINT), [331.0, 674.0], "{dims:?} {inputs:?}");
    }
}

#[test]
fn the_bias_of_gemm_is_broadcast_and_may_be_missing() {
    let gemm =
        |inputs: &[&str]| single(&[1, 3], "Gemm", inputs, &[Int("transB", 1)]).constant("w", &floats(&[2, 3], &MATRIX));
    for (dims, values, expected) in [
        (&[][..], &[7.0][..], [328.0, 661.0]),
        (&[1], &[7.0], [328.0, 661.0]),
        (&[1, 1], &[7.0], [328.0, 661.0]),
        (&[1, 2], &[7.0, 8.0], [328.0, 662.0]),
    ] {
        assert_eq!(gemm(&["x", "w", "c"]).constant("c", &floats(dims, values)).at(&POINT), expected, "{dims:?}");
    }
    assert_eq!(gemm(&["x", "w"]).at(&POINT), [321.0, 654.0]);
    assert_eq!(gemm(&["x", "w", ""]).at(&POINT), [321.0, 654.0]);
    let misfit = gemm(&["x", "w", "c"]).constant("c", &floats(&[3], &[1.0, 2.0, 3.0])).refusal();
    assert!(misfit.contains("node `Gemm_y`") && misfit.contains("shape 3") && misfit.contains("1 × 2"), "{misfit}");
}

#[test]
fn alpha_and_beta_are_multiplied_in_only_where_nothing_is_rounded() {
    let gemm = |weight, bias, alpha, beta| {
        single(&[1, 3], "Gemm", &["x", "w", "c"], &[Int("transB", 1), Float("alpha", alpha), Float("beta", beta)])
            .constant("w", &weight)
            .constant("c", &bias)
    };
    let (single, double) = (floats(&[2, 3], &MATRIX), doubles(&[2, 3], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]));
    let (one, tenth) = (floats(&[1], &[1.0]), doubles(&[1], &[0.1]));
    assert_eq!(gemm(single.clone(), floats(&[2], &[10.0, 20.0]), 0.5, 2.0).at(&POINT), [180.5, 367.0]);

    // The product of two float32 numbers is a float64 number: one layer with exact coefficients.
    let network = gemm(single.clone(), one.clone(), 0.1, 0.3).network();
    let [Layer::Affine(affine)] = network.layers() else { panic!("one layer") };
    assert_eq!(affine.map().to_dense()[(1, 2)], 6.0 * f64::from(0.1f32));
    assert_eq!(affine.bias(), [f64::from(0.3f32); 2]);

    // Other products would be rounded: alpha stays a map of its own, beta is refused.
    let network = gemm(double, one, 0.1, 1.0).network();
    let [Layer::Affine(first), Layer::Affine(second)] = network.layers() else { panic!("two layers") };
    assert_eq!(first.map().to_dense()[(0, 0)], 0.1);
    assert_eq!(*second.map(), LinearMap::Scale(vec![f64::from(0.1f32); 2]));
    assert_eq!((first.bias(), second.bias()), (&[0.0; 2][..], &[1.0; 2][..]));
    let refused = gemm(single, tenth, 1.0, 0.3).refusal();
    assert!(refused.contains("beta is 0.3") && refused.contains("multiply beta into C"), "{refused}");
}

#[test]
fn matmul_takes_its_constant_on_either_side_and_follows_the_rules_for_vectors() {
    let (matrix, transpose) = (floats(&[2, 3], &MATRIX), floats(&[3, 2], &TRANSPOSE));
    let stacked = floats(&[1, 3, 2], &TRANSPOSE);
    let vector = floats(&[3], &[1.0, 2.0, 3.0]);
    for (dims, inputs, constant, expected) in [
        (&[-1, 3][..], ["x", "w"], &transpose, &[321.0, 654.0][..]),
        (&[3], ["x", "w"], &transpose, &[321.0, 654.0]),
        (&[1, 1, 1, 3], ["x", "w"], &transpose, &[321.0, 654.0]),
        (&[1, 3], ["x", "w"], &stacked, &[321.0, 654.0]),
        (&[3], ["w", "x"], &matrix, &[321.0, 654.0]),
        (&[3, 1], ["w", "x"], &matrix, &[321.0, 654.0]),
        (&[-1, 3, 1], ["w", "x"], &matrix, &[321.0, 654.0]),
        (&[-1, 3], ["x", "w"], &vector, &[321.0]),
        (&[3, 1], ["w", "x"], &vector, &[321.0]),
        (&[3], ["x", "w"], &vector, &[321.0]),
    ] {
        let model = single(dims, "MatMul", &inputs, &[]).constant("w", constant);
        assert_eq!(model.at(&POINT), expected, "{dims:?} {inputs:?}");
    }
    let misfit = single(&[1, 2], "MatMul", &["x", "w"], &[]).constant("w", &transpose).refusal();
    assert!(misfit.contains("MatMul_y") && misfit.contains("2 × 3") && misfit.contains("2 entries"), "{misfit}");
    let batch = single(&[5, 3], "MatMul", &["x", "w"], &[]).constant("w", &transpose).refusal();
    assert!(batch.contains("5 rows at once") && batch.contains("batch size 1"), "{batch}");
}

#[test]
fn arithmetic_with_constants_works_on_either_side() {
    let on = |op: &str, inputs: [&str; 2], constant: &[f32]| {
        single(&[-1, 2], op, &inputs, &[]).constant("c", &vector(constant))
    };
    let at = [3.0, -8.0];
    assert_eq!(on("Add", ["x", "c"], &[1.0, 2.0]).at(&at), [4.0, -6.0]);
    assert_eq!(on("Add", ["c", "x"], &[1.0, 2.0]).at(&at), [4.0, -6.0]);
    assert_eq!(on("Sub", ["x", "c"], &[1.0, 2.0]).at(&at), [2.0, -10.0]);
    assert_eq!(on("Sub", ["c", "x"], &[1.0, 2.0]).at(&at), [-2.0, 10.0]);
    assert_eq!(on("Mul", ["x", "c"], &[0.5, 2.0]).at(&at), [1.5, -16.0]);
    assert_eq!(on("Mul", ["c", "x"], &[-1.0]).at(&at), [-3.0, 8.0]);
    assert_eq!(on("Div", ["x", "c"], &[2.0, 4.0]).at(&at), [1.5, -2.0]);
    assert_eq!(single(&[2], "Neg", &["x"], &[]).at(&at), [-3.0, 8.0]);

    let map = |model: Model| match model.network().layers() {
        [Layer::Affine(affine)] => affine.map().clone(),
        _ => panic!("one layer"),
    };
    assert_eq!(map(on("Div", ["x", "c"], &[3.0, 7.0])), LinearMap::Divide(vec![3.0, 7.0]));
    assert_eq!(map(on("Mul", ["x", "c"], &[3.0])), LinearMap::Scale(vec![3.0; 2]));
    assert!(on("Div", ["c", "x"], &[1.0]).refusal().contains("divides by the data"));
    assert!(on("Div", ["x", "c"], &[1.0, 0.0]).refusal().contains("divides by 0 at entry 1"));
    assert!(single(&[2], "Mul", &["x", "x"], &[]).refusal().contains("`x` is also read by"));
}

#[test]
fn constants_are_repeated_along_missing_dimensions_and_the_signal_is_not() {
    let add = |dims: &[i64], shape: &[i64], values: &[f32]| {
        single(dims, "Add", &["x", "c"], &[]).constant("c", &floats(shape, values))
    };
    let zeros = [0.0; 6];
    assert_eq!(add(&[1, 2, 3], &[3], &[1.0, 2.0, 3.0]).at(&zeros), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    assert_eq!(add(&[1, 2, 3], &[2, 1], &[1.0, 2.0]).at(&zeros), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    assert_eq!(add(&[1, 2, 3], &[], &[4.0]).at(&zeros), [4.0; 6]);
    assert_eq!(add(&[6], &[1, 1, 6], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).at(&zeros), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(add(&[1, 2, 3], &[2], &[1.0, 2.0]).refusal().contains("does not fit"));
    assert!(add(&[-1, 1], &[3], &[1.0, 2.0, 3.0]).refusal().contains("repeats the data"));
}

#[test]
fn activations_are_recognised_with_their_parameters() {
    let tenth = f64::from(0.1f32);
    for (op, attributes, activation) in [
        ("Relu", vec![], Activation::Relu),
        ("LeakyRelu", vec![], Activation::LeakyRelu { slope: f64::from(0.01f32) }),
        ("LeakyRelu", vec![Float("alpha", 0.1)], Activation::LeakyRelu { slope: tenth }),
        ("Sigmoid", vec![], Activation::Sigmoid),
        ("Tanh", vec![], Activation::Tanh),
        ("Elu", vec![], Activation::Elu { scale: 1.0 }),
        ("Elu", vec![Float("alpha", 0.1)], Activation::Elu { scale: tenth }),
        ("Softplus", vec![], Activation::Softplus),
        ("Gelu", vec![], Activation::Gelu),
        ("Gelu", vec![Text("approximate", "none")], Activation::Gelu),
        ("Swish", vec![Float("alpha", 1.0)], Activation::Silu),
        ("Abs", vec![], Activation::Abs),
        ("Clip", vec![Float("min", -1.0), Float("max", 2.0)], Activation::HardTanh { low: -1.0, high: 2.0 }),
        ("Clip", vec![Float("min", 0.0), Float("max", 6.0)], Activation::Relu6),
        ("Clip", vec![Float("min", 0.0)], Activation::Relu),
    ] {
        let network = single(&[-1, 2], op, &["x"], &attributes).network();
        assert_eq!(network.hidden(), [(activation, 2)], "{op}");
    }
    for (op, attributes, told) in [
        ("Gelu", vec![Text("approximate", "tanh")], "approximate=\"none\""),
        ("Swish", vec![Float("alpha", 2.0)], "alpha is 2"),
        ("HardSigmoid", vec![], "Clip with the limits 0 and 1"),
        ("Softmax", vec![], "bound the logits"),
        ("Clip", vec![Float("min", 1.0)], "from below only"),
        ("Clip", vec![Float("max", 1.0)], "from above only"),
        ("Clip", vec![Float("min", 1.0), Float("max", 0.0)], "limits in order"),
        ("Clip", vec![Float("min", f32::NAN)], "limits in order"),
        ("Relu", vec![Float("alpha", 1.0)], "attribute `alpha` is not known"),
        ("LeakyRelu", vec![Int("alpha", 1)], "alpha is not a number"),
    ] {
        let refused = single(&[-1, 2], op, &["x"], &attributes).refusal();
        assert!(refused.contains(op) && refused.contains(told), "{refused}");
    }
}

#[test]
fn later_operator_sets_give_the_limits_of_clip_and_the_slopes_of_prelu_as_inputs() {
    let clip = |inputs: &[&str]| {
        single(&[-1, 2], "Clip", inputs, &[])
            .constant("zero", &floats(&[], &[0.0]))
            .constant("six", &floats(&[], &[6.0]))
            .constant("most", &floats(&[1], &[f32::INFINITY]))
            .network()
            .hidden()
    };
    assert_eq!(clip(&["x", "zero", "six"]), [(Activation::Relu6, 2)]);
    assert_eq!(clip(&["x", "zero"]), [(Activation::Relu, 2)]);
    assert_eq!(clip(&["x", "zero", "most"]), [(Activation::Relu, 2)]);
    assert_eq!(clip(&["x", "", "most"]), []);

    let prelu = |shape: &[i64], slopes: &[f32]| {
        single(&[-1, 2], "PRelu", &["x", "s"], &[]).constant("s", &floats(shape, slopes))
    };
    assert_eq!(prelu(&[1], &[0.25]).at(&[-4.0, 4.0]), [-1.0, 4.0]);
    assert_eq!(prelu(&[2], &[0.25, 0.25]).at(&[-4.0, 4.0]), [-1.0, 4.0]);
    assert!(prelu(&[2], &[0.25, 0.5]).refusal().contains("different slopes"));
}

#[test]
fn a_product_with_its_own_sigmoid_is_silu() {
    for inputs in [["x", "s"], ["s", "x"]] {
        let model = Model::taking(&[-1, 2]).node("Sigmoid", &["x"], "s", &[]).node("Mul", &inputs, "y", &[]);
        assert_eq!(model.network().hidden(), [(Activation::Silu, 2)]);
    }
    let other = Model::taking(&[-1, 2]).node("Tanh", &["x"], "s", &[]).node("Mul", &["x", "s"], "y", &[]);
    assert!(other.refusal().contains("skip connections"));
}

#[test]
fn nodes_that_do_nothing_in_use_leave_no_layer() {
    for (op, inputs, attributes) in [
        ("Identity", vec!["x"], vec![]),
        ("Dropout", vec!["x"], vec![Float("ratio", 0.5)]),
        ("Dropout", vec!["x", "half", "no"], vec![]),
        ("Cast", vec!["x"], vec![Int("to", 11)]),
        ("Flatten", vec!["x"], vec![]),
        ("Flatten", vec!["x"], vec![Int("axis", -2)]),
        ("Reshape", vec!["x", "flat"], vec![]),
        ("Reshape", vec!["x", "keep"], vec![]),
        ("Squeeze", vec!["x"], vec![]),
        ("Squeeze", vec!["x"], vec![Ints("axes", &[0])]),
        ("Squeeze", vec!["x", "first"], vec![]),
        ("Unsqueeze", vec!["x"], vec![Ints("axes", &[0, -1])]),
        ("Unsqueeze", vec!["x", "first"], vec![]),
        ("Transpose", vec!["x"], vec![Ints("perm", &[1, 0, 2])]),
    ] {
        let model = single(&[-1, 2, 2], op, &inputs, &attributes)
            .constant("half", &floats(&[], &[0.5]))
            .constant("no", &tensor(9, &[]).bytes(9, &[0]))
            .constant("flat", &list(&[-1, 4]))
            .constant("keep", &list(&[0, 2, -1]))
            .constant("first", &list(&[0]));
        let network = model.network();
        assert_eq!((network.hidden(), network.outputs()), (vec![], 4), "{op}");
        assert_eq!(model.at(&[1.0, 2.0, 3.0, 4.0]), [1.0, 2.0, 3.0, 4.0], "{op}");
    }
    let training = single(&[-1, 2], "Dropout", &["x", "", "yes"], &[]).constant("yes", &tensor(9, &[]).bytes(9, &[1]));
    assert!(training.refusal().contains("model.eval()"));
    assert!(single(&[-1, 2], "Cast", &["x"], &[Int("to", 7)]).refusal().contains("converts to INT64"));
}

#[test]
fn shapes_that_do_not_fit_are_told_with_the_node() {
    let reshape = |dims: &[i64], attributes: &[Attribute]| {
        single(&[-1, 2, 3], "Reshape", &["x", "s"], attributes).constant("s", &list(dims))
    };
    for dims in [&[5][..], &[-1, 4], &[-1, -1], &[-2, 3], &[0, 0, 0, 0], &[i64::MAX, i64::MAX], &[1; 65]] {
        let refused = reshape(dims, &[]).refusal();
        assert!(refused.contains("node `Reshape_y` (Reshape)"), "{refused}");
    }
    assert!(reshape(&[0, 6], &[Int("allowzero", 1)]).refusal().contains("cannot become [0, 6]"));
    for (op, attributes) in [
        ("Squeeze", vec![Ints("axes", &[1])]),
        ("Squeeze", vec![Ints("axes", &[3])]),
        ("Unsqueeze", vec![Ints("axes", &[0, 0])]),
        ("Unsqueeze", vec![]),
        ("Flatten", vec![Int("axis", 4)]),
        ("Flatten", vec![Int("axis", i64::MIN)]),
        ("Transpose", vec![Ints("perm", &[0, 1])]),
        ("Transpose", vec![Ints("perm", &[0, 1, 1])]),
        ("Transpose", vec![Ints("perm", &[0, 1, -1])]),
    ] {
        let refused = single(&[-1, 2, 3], op, &["x"], &attributes).refusal();
        assert!(refused.contains(&format!("node `{op}_y`")), "{refused}");
    }
}

#[test]
fn a_transposed_signal_is_a_permutation() {
    let model = single(&[-1, 2, 3], "Transpose", &["x"], &[Ints("perm", &[0, 2, 1])]);
    assert_eq!(model.at(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let cube = single(&[2, 3, 2], "Transpose", &["x"], &[]);
    let at: Vec<f64> = (0..12).map(f64::from).collect();
    // y[k, j, i] = x[i, j, k] with x[i, j, k] = 6 i + 2 j + k.
    assert_eq!(cube.at(&at), [0.0, 6.0, 2.0, 8.0, 4.0, 10.0, 1.0, 7.0, 3.0, 9.0, 5.0, 11.0]);
}

#[test]
fn constants_are_folded_through_the_nodes_that_rearrange_them() {
    let through = |op: &str, inputs: &[&str], attributes: &[Attribute], weight: &Message| {
        Model::taking(&[-1, 3])
            .constant("w", weight)
            .constant("shape", &integers(&[2], &[3, 2]))
            .constant("axis", &integers(&[1], &[0]))
            .node(op, inputs, "v", attributes)
            .node("MatMul", &["x", "v"], "y", &[])
    };
    let (matrix, transpose) = (floats(&[2, 3], &MATRIX), floats(&[3, 2], &TRANSPOSE));
    let wide = doubles(&[3, 2], &TRANSPOSE.map(f64::from));
    for model in [
        through("Transpose", &["w"], &[Ints("perm", &[1, 0])], &matrix),
        through("Transpose", &["w"], &[], &matrix),
        through("Identity", &["w"], &[], &transpose),
        through("Cast", &["w"], &[Int("to", 1)], &wide),
        through("Reshape", &["w", "shape"], &[], &floats(&[6], &TRANSPOSE)),
        through("Squeeze", &["w", "axis"], &[], &floats(&[1, 3, 2], &TRANSPOSE)),
        through("Unsqueeze", &["w", "axis"], &[], &transpose),
        through("Flatten", &["w"], &[], &floats(&[3, 1, 2], &TRANSPOSE)),
    ] {
        assert_eq!(model.at(&POINT), [321.0, 654.0]);
    }
    let rounded = through("Cast", &["w"], &[Int("to", 1)], &doubles(&[3, 1], &[0.1, 0.0, 0.0]));
    assert_eq!(rounded.at(&[1.0, 0.0, 0.0]), [f64::from(0.1f32)], "a cast of a constant rounds as its type demands");
    let computed = through("Add", &["w", "w"], &[], &transpose).refusal();
    assert!(computed.contains("onnxsim"), "{computed}");
}

#[test]
fn literals_come_in_all_their_attributes() {
    let literal = |attribute: Attribute| {
        Model::taking(&[-1, 2]).node("Constant", &[], "c", &[attribute]).node("Mul", &["x", "c"], "y", &[])
    };
    let at = [1.0, 1.0];
    assert_eq!(literal(Tensor("value", floats(&[2], &[2.0, 3.0]))).at(&at), [2.0, 3.0]);
    assert_eq!(literal(Float("value_float", 2.0)).at(&at), [2.0, 2.0]);
    assert_eq!(literal(Floats("value_floats", &[2.0, 3.0])).at(&at), [2.0, 3.0]);
    assert!(literal(Int("value_int", 2)).refusal().contains("integers"));
    assert!(literal(Text("value_string", "2")).refusal().contains("`value_string` is not known"));
    let shape = |attribute: Attribute| {
        Model::taking(&[-1, 2, 3]).node("Constant", &[], "s", &[attribute]).node("Reshape", &["x", "s"], "y", &[])
    };
    assert_eq!(shape(Ints("value_ints", &[1, 6])).at(&[1.0; 6]), [1.0; 6]);
}

#[test]
fn the_computed_shape_of_a_flattening_view_is_folded() {
    // torch: x.view(x.size(0), -1)
    let model = Model::taking(&[-1, 2, 2])
        .constant("zero", &integers(&[], &[0]))
        .constant("axes", &integers(&[1], &[0]))
        .constant("rest", &integers(&[1], &[-1]))
        .node("Shape", &["x"], "shape", &[])
        .node("Gather", &["shape", "zero"], "batch", &[Int("axis", 0)])
        .node("Unsqueeze", &["batch", "axes"], "list", &[])
        .node("Concat", &["list", "rest"], "target", &[Int("axis", 0)])
        .node("Reshape", &["x", "target"], "flat", &[])
        .constant("w", &floats(&[4, 1], &[1.0, 10.0, 100.0, 1000.0]))
        .node("MatMul", &["flat", "w"], "y", &[]);
    assert_eq!(model.at(&[1.0, 2.0, 3.0, 4.0]), [4321.0]);
}
