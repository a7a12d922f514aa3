//! Suites that ask about each output: one question for every output of every network.

use std::path::Path;

use tightlip_bench::{Plan, Suite};
use tightlip_model::{Norm, OutputSelection, Query};

/// A model file of this repository with three outputs.
const IRIS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/iris_4-5-3_relu_std.onnx");

/// The plan of a suite, or its error.
fn plan(text: &str) -> Result<Plan, String> {
    let path = Path::new("suite.toml");
    let suite = Suite::parse(text, path).map_err(|error| error.to_string())?;
    Plan::new(&suite, path, None).map_err(|error| error.to_string())
}

/// The questions about a network, in order.
fn questions(plan: &Plan, network: &str) -> Vec<Query> {
    plan.cells.iter().filter(|cell| cell.network == network).map(|cell| cell.query).collect()
}

#[test]
fn each_makes_one_question_of_every_output_of_a_file_and_of_a_random_network() {
    let plan = plan(&format!(
        r#"
        name = "each"
        methods = ["norm-product"]
        query = [{{ input_norm = "inf", output = "each" }}, {{ output = "1" }}]
        network = [
          {{ files = ["{IRIS}"], name = "iris" }},
          {{ random = {{ dims = ["4-5-2"] }} }},
          {{ random = {{ dims = ["4-6-2"] }}, queries = [{{ output = "1" }}, {{ output = "each" }}] }},
        ]
        "#
    ))
    .expect("a plan");
    let asked = |input_norm: Norm, k: usize| Query { input_norm, ..Query::euclidean(OutputSelection::Single(k)) };
    let of_each = |outputs: usize| (0..outputs).map(|k| asked(Norm::LInf, k)).chain([asked(Norm::L2, 1)]);
    assert_eq!(questions(&plan, "iris"), of_each(3).collect::<Vec<_>>());
    assert_eq!(questions(&plan, "4-5-2_relu_s0"), of_each(2).collect::<Vec<_>>());
    // What is asked twice is one question, at its first place.
    assert_eq!(questions(&plan, "4-6-2_relu_s0"), [asked(Norm::L2, 1), asked(Norm::L2, 0)]);
    plan.check_networks().expect("networks with these outputs");
}

#[test]
fn a_network_that_comes_again_has_more_methods_and_no_cell_twice() {
    let plan = plan(
        r#"
        name = "again"
        methods = ["norm-product"]
        query = [{ output = "each" }]
        network = [
          { random = { dims = ["4-5-2"] } },
          { random = { dims = ["4-5-2"] }, methods = ["norm-product", "witness"], queries = [{ output = "1" }] },
        ]
        "#,
    )
    .expect("a plan");
    let cells: Vec<(String, &str)> =
        plan.cells.iter().map(|cell| (cell.query.output.to_string(), cell.method.as_str())).collect();
    let expected = [("0", "norm-product"), ("1", "norm-product"), ("1", "witness")];
    assert_eq!(cells, expected.map(|(output, method)| (output.to_owned(), method)));
}

#[test]
fn the_outputs_of_a_network_that_is_not_here_cannot_be_counted() {
    let error = plan(&format!(
        r#"
        name = "each"
        methods = ["norm-product"]
        query = [{{ output = "each" }}]
        network = [{{ external = "far.npz", sha256 = "{}", about = "weights of somebody", activation = "relu" }}]
        "#,
        "ab".repeat(32)
    ))
    .expect_err("nobody knows the outputs");
    for word in ["far", "output = \"each\"", "--external", "name the outputs"] {
        assert!(error.contains(word), "no `{word}` in {error}");
    }
}

#[test]
fn each_is_no_question_that_a_published_number_answers() {
    let error = plan(
        r#"
        name = "each"
        network = [{ random = { dims = ["2-3-2"] }, name = "small" }]
        published = [{ network = "small", claim = "a paper", value = "1.5", source = "its table", output = "each" }]
        "#,
    )
    .expect_err("one number is about one selection");
    assert!(error.contains("`each`"), "{error}");
}
