//! `bound --method all-closed-form` as a user meets it: the object, the certificate of the best, limits, exit codes, wishes it refuses.

use std::fs;

use program::{data, fails, json, keys, scratch, stderr, stdout, succeeds, tightlip};
use serde_json::Value;

mod program;

const DIGITS: &str = "digits_64-32-10_relu_std.onnx";

/// The proved values, in the order of the rows.
fn values(all: &Value) -> Vec<(&str, f64)> {
    let rows = all["methods"].as_array().expect("a list");
    let value = |row: &'_ Value| row["report"]["value"].as_f64();
    rows.iter().filter_map(|row| Some((row["method"].as_str()?, value(row)?))).collect()
}

#[test]
fn the_object_has_every_method_once_the_best_first_and_estimates_apart() {
    let model = data(DIGITS);
    let all = json(&succeeds(&["bound", &model, "--method", "all-closed-form", "--json"]));
    assert_eq!(keys(&all), "best certificate lower methods peak_rss_mib schema_version seconds");
    let rows = all["methods"].as_array().expect("a list");
    assert!(rows.iter().all(|row| keys(row) == "failure method report"), "{all}");
    let mut names: Vec<&str> = rows.iter().map(|row| row["method"].as_str().expect("a name")).collect();
    names.sort_unstable();
    let closed = tightlip::METHODS.iter().filter(|method| method.is_closed_form());
    let mut wanted: Vec<&str> = closed.map(|method| method.name()).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    let proved = values(&all);
    assert!(proved.len() > 10, "{proved:?}");
    assert!(proved.is_sorted_by(|one, other| one.1 <= other.1 * (1.0 + 1e-8)), "{proved:?}");
    let least = proved.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    assert_eq!(all["best"]["value"].as_f64(), Some(least));
    for row in rows {
        let report = &row["report"];
        if report["kind"] == "estimate" {
            assert!(report["value"].is_null() && report["claimed"].as_f64().is_some_and(|claimed| claimed > 0.0));
        } else if !report.is_null() {
            assert_eq!(report["lower"]["value"], all["lower"]["value"], "{row}");
        }
    }
    let last = rows.last().expect("rows");
    assert!(last["report"]["kind"] == "estimate" || last["failure"].is_string(), "{last}");
}

#[test]
fn the_certificate_is_that_of_the_line_that_says_best() {
    let (_folder, path) = scratch();
    // On the second one hidden layer makes several methods equal to nine digits.
    for model in ["iris_4-16-16-3_tanh_std.onnx", DIGITS] {
        let (model, certificate) = (data(model), path("best.json"));
        let arguments = ["bound", &model, "--method", "all-closed-form", "--json", "--certificate", &certificate];
        let all = json(&succeeds(&arguments));
        assert_eq!(all["certificate"], certificate.as_str());
        let verified = json(&succeeds(&["verify", &model, &certificate, "--json"]));
        assert_eq!(verified["proved"], all["best"]["value"]);
        let written = json(&fs::read_to_string(&certificate).expect("a certificate"));
        assert_eq!(written["method"], all["best"]["method"]);
    }
}

#[test]
fn the_time_limit_is_that_of_all_methods_and_what_stands_in_is_no_answer_of_theirs() {
    let model = data("digits28_784-7x64-10_relu_std.onnx");
    let output = tightlip(&["bound", &model, "--method", "all-closed-form", "--time-limit", "0.0001", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = json(&stdout(&output));
    assert!(all["best"]["value"].as_f64().is_some_and(|value| value > 0.0), "{all}");
    for row in all["methods"].as_array().expect("a list") {
        let report = &row["report"];
        assert!(!report.is_null() || row["failure"].is_string(), "{row}");
        if !report.is_null() && report["method"] != row["method"] {
            assert_eq!((&report["method"], &report["interrupted"]), (&"norm-product".into(), &true.into()), "{row}");
        }
    }
}

#[test]
fn a_refused_proof_is_a_failure_whatever_the_others_prove() {
    let (_folder, path) = scratch();
    let model = path("tiny.json");
    // One layer so small that the product of norms has weights beyond what a proof takes; other methods have none there.
    let text = r#"{"format": "tightlip-network", "version": 1, "layers": [
        {"type": "affine", "weights": [[1e-200]]}, {"type": "activation", "name": "relu"},
        {"type": "affine", "weights": [[1e200]]}]}"#;
    fs::write(&model, text).expect("room");
    let output = tightlip(&["bound", &model, "--method", "all-closed-form", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("were refused; the table says why"), "{}", stderr(&output));
    let all = json(&stdout(&output));
    assert!(all["best"]["value"].as_f64().is_some_and(|value| value >= 1.0), "{all}");
    let rows = all["methods"].as_array().expect("a list");
    let refused: Vec<&Value> =
        rows.iter().filter(|row| row["report"]["status"].to_string().contains("; refused: ")).collect();
    assert!(!refused.is_empty(), "{all}");
    for row in refused {
        assert!(row["report"]["value"].is_null() && row["failure"].is_string(), "{row}");
        let alone = tightlip(&["bound", &model, "--method", row["method"].as_str().expect("a name"), "--json"]);
        assert_eq!(alone.status.code(), Some(1), "{}", stderr(&alone));
        assert_eq!(json(&stdout(&alone))["status"], row["report"]["status"]);
    }
}

#[test]
fn wishes_that_are_for_one_method_are_refused_before_the_work() {
    let (_folder, path) = scratch();
    let model = data(DIGITS);
    let with = |wish: [&str; 2], words: &[&str]| {
        fails(&["bound", &model, "--method", "all-closed-form", wish[0], wish[1]], 2, words);
    };
    with(["--trace", &path("t.csv")], &["--trace", "name one method"]);
    with(["--output", "each"], &["--output each", "name one method"]);
    assert_eq!(fs::read_dir(path(".")).expect("the folder").count(), 0, "nothing is written");
}
