//! `bound --output each` as a user meets it: the table, the object, a certificate for each output, limits, methods that decline.

use std::fs;
use std::path::Path;

use program::{data, fails, json, keys, scratch, stderr, stdout, succeeds, tightlip};
use serde_json::Value;

mod program;

/// Three outputs.
const IRIS: &str = "iris_4-5-3_relu_std.onnx";
/// Ten outputs.
const DIGITS: &str = "digits_64-32-10_relu_std.onnx";

#[test]
fn each_output_has_the_upper_bound_that_it_has_alone() {
    let model = data(DIGITS);
    let each = json(&succeeds(&["bound", &model, "--input-norm", "inf", "--output", "each", "--json"]));
    assert_eq!(keys(&each), "complete largest outputs peak_rss_mib schema_version seconds");
    assert_eq!((&each["complete"], &each["schema_version"]), (&true.into(), &1.into()));
    let rows = each["outputs"].as_array().expect("a list");
    assert_eq!(rows.len(), 10);
    for (k, row) in rows.iter().enumerate() {
        assert_eq!(keys(row), "failure output report");
        assert_eq!((&row["output"], &row["failure"]), (&k.into(), &Value::Null));
        assert_eq!(row["report"]["query"]["output"], k.to_string().as_str());
    }
    for k in [0, 8] {
        let alone = json(&succeeds(&["bound", &model, "--input-norm", "inf", "--output", &k.to_string(), "--json"]));
        let report = &rows[k]["report"];
        assert_eq!(keys(report), keys(&alone));
        for same in ["value", "claimed", "relaxation_lower", "sweeps", "network", "method"] {
            assert_eq!(report[same], alone[same], "output {k}: {same}");
        }
        // The search of points has a tenth of the budget.
        let lower = |report: &Value| report["lower"]["value"].as_f64().expect("a lower bound");
        assert!(lower(report) >= 0.95 * lower(&alone), "output {k}: {report}");
    }
    let values: Vec<f64> = rows.iter().map(|row| row["report"]["value"].as_f64().expect("a bound")).collect();
    let largest = values.iter().copied().fold(0.0, f64::max);
    assert_eq!(each["largest"]["value"].as_f64(), Some(largest));
    let output = each["largest"]["output"].as_u64().and_then(|k| usize::try_from(k).ok()).expect("an output");
    assert_eq!(values[output].to_bits(), largest.to_bits());
    let seconds = |of: &Value, part: &str| of["seconds"][part].as_f64().expect("seconds");
    let sum: f64 = rows.iter().map(|row| seconds(&row["report"], "total")).sum();
    assert!(sum > 0.0 && sum <= seconds(&each, "total"), "{sum} of {}", each["seconds"]);
}

#[test]
fn the_table_has_a_row_for_each_output_and_the_totals_below() {
    let model = data(IRIS);
    let table = succeeds(&["bound", &model, "--output", "each"]);
    let each = json(&succeeds(&["bound", &model, "--output", "each", "--json"]));
    assert!(table.contains("each output by itself"), "{table}");
    for row in each["outputs"].as_array().expect("a list") {
        let number = |value: &Value| format!("{:?}", value.as_f64().expect("a number"));
        let words = [
            row["output"].to_string(),
            number(&row["report"]["value"]),
            number(&row["report"]["lower"]["value"]),
            number(&row["report"]["relaxation_lower"]),
        ];
        let found = table.lines().any(|line| line.split_whitespace().zip(&words).filter(|(a, b)| a == b).count() == 4);
        assert!(found, "no row {words:?} in\n{table}");
    }
    let largest =
        format!("{:?} of output {}", each["largest"]["value"].as_f64().expect("it"), each["largest"]["output"]);
    assert!(table.lines().any(|line| line.starts_with("largest") && line.contains(&largest)), "{largest} in\n{table}");
    assert!(table.lines().any(|line| line.starts_with("seconds")), "{table}");
}

#[test]
fn each_output_gets_a_certificate_that_verifies_and_a_course() {
    let (folder, path) = scratch();
    let model = data(IRIS);
    let arguments = [
        "bound",
        &model,
        "--output",
        "each",
        "--json",
        "--certificate",
        &path("iris.proof.json"),
        "--trace",
        &path("iris.csv"),
    ];
    let each = json(&succeeds(&arguments));
    for (k, row) in each["outputs"].as_array().expect("a list").iter().enumerate() {
        let certificate = path(&format!("iris.proof.{k}.json"));
        assert_eq!(row["report"]["certificate"], certificate.as_str());
        let verified = json(&succeeds(&["verify", &model, &certificate, "--json"]));
        assert_eq!(verified["proved"], row["report"]["value"]);
        assert_eq!(verified["query"]["output"], k.to_string().as_str());
        let course = fs::read_to_string(path(&format!("iris.{k}.csv"))).expect("a course");
        let last = course.lines().last().and_then(|line| line.rsplit(',').next()).expect("a last row");
        assert_eq!(last.parse().ok(), row["report"]["value"].as_f64());
    }
    let written = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(written, 6, "three certificates, three courses, nothing else");
}

#[test]
fn files_that_are_no_certificates_are_found_before_the_work() {
    let (_folder, path) = scratch();
    let model = data(IRIS);
    fs::write(path("c.2.json"), "precious").expect("room");
    let wanted = ["c.2.json", "not a certificate", "another name"];
    fails(&["bound", &model, "--output", "each", "--certificate", &path("c.json")], 2, &wanted);
    assert!(!Path::new(&path("c.0.json")).exists(), "nothing is written");
    assert_eq!(fs::read_to_string(path("c.2.json")).expect("still there"), "precious");
    fs::copy(&model, path("m.0.json")).expect("room");
    fails(&["bound", &path("m.0.json"), "--output", "each", "--trace", &path("m.json")], 2, &["m.0.json"]);
}

#[test]
fn lower_bounds_and_estimates_have_tables_of_their_own() {
    let model = data(IRIS);
    for (method, header) in
        [("witness", "lower bound"), ("fgl-pattern", "FGL at least"), ("lipsdp-tau.estimate", "NO BOUND")]
    {
        let table = succeeds(&["bound", &model, "--output", "each", "--method", method]);
        assert!(table.lines().any(|line| line.contains(header) && line.contains("seconds")), "{method}: {table}");
        assert!(!table.contains("upper bound"), "{method}: {table}");
        let each = json(&succeeds(&["bound", &model, "--output", "each", "--method", method, "--json"]));
        assert_eq!(each["complete"], true, "{method}");
        let alone = json(&succeeds(&["bound", &model, "--output", "2", "--method", method, "--json"]));
        for same in ["value", "claimed", "kind"] {
            assert_eq!(each["outputs"][2]["report"][same], alone[same], "{method}: {same}");
        }
    }
    let (_folder, path) = scratch();
    let arguments = ["bound", &model, "--output", "each", "--method", "witness", "--certificate", &path("c.json")];
    fails(&arguments, 2, &["nothing to certify"]);
}

#[test]
fn the_time_limit_is_that_of_all_outputs_and_names_those_not_begun() {
    let model = data("digits28_784-7x64-10_relu_std.onnx");
    let (_folder, path) = scratch();
    let output = tightlip(&[
        "bound",
        &model,
        "--input-norm",
        "inf",
        "--output",
        "each",
        "--time-limit",
        "0.001",
        "--json",
        "--certificate",
        &path("c.json"),
    ]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("9 of 10 outputs have no answer"), "{}", stderr(&output));
    let each = json(&stdout(&output));
    assert_eq!(each["complete"], false);
    let first = &each["outputs"][0];
    assert!(first["report"]["value"].as_f64().is_some_and(|value| value > 3600.0), "{first}");
    assert_eq!((&first["report"]["interrupted"], &first["failure"]), (&true.into(), &Value::Null));
    assert_eq!(each["largest"]["output"], 0);
    succeeds(&["verify", &model, &path("c.0.json")]);
    assert!(!Path::new(&path("c.1.json")).exists(), "nothing was proved about output 1");
    for row in &each["outputs"].as_array().expect("a list")[1..] {
        let failure = row["failure"].as_str().expect("a reason");
        assert!(row["report"].is_null() && failure.contains("not begun"), "{row}");
    }
}

#[test]
fn the_time_is_shared_so_that_every_output_has_a_bound_of_a_search_that_takes_longer() {
    let model = data("digits28_784-64-10_relu_std.onnx");
    let output = tightlip(&[
        "bound",
        &model,
        "--input-norm",
        "inf",
        "--output",
        "each",
        "--method",
        "fgl.branch",
        "--time-limit",
        "2",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let each = json(&stdout(&output));
    assert_eq!(each["complete"], true);
    let gaps: Vec<f64> = each["outputs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["report"]["gap"].as_f64().expect("a gap"))
        .collect();
    // The relaxation alone is within 4 % on this network.
    assert!(gaps.len() == 10 && gaps.iter().all(|gap| *gap < 0.1), "{gaps:?}");
}

#[test]
fn a_method_that_declines_says_so_once_with_its_exit_code() {
    let output = tightlip(&[
        "bound",
        &data(DIGITS),
        "--output",
        "each",
        "--method",
        "lipsdp-neuron.full.clarabel",
        "--memory-limit",
        "0.001",
    ]);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(stdout(&output).is_empty());
    assert_eq!(message.matches("declined").count(), 1, "{message}");
    fails(
        &["bound", &data(IRIS), "--output", "each", "--method", "lipsdp-tau.estimate", "--input-norm", "inf"],
        3,
        &["declined"],
    );
}

#[test]
fn commands_that_answer_one_question_refuse_each() {
    let model = data(IRIS);
    let (_folder, path) = scratch();
    let wanted = ["`each` is for `tightlip bound`", "want one selection"];
    fails(&["compare", &model, "--output", "each"], 2, &wanted);
    fails(&["cliques", &model, "--output", "each"], 2, &wanted);
    fails(&["export", &model, "--output", "each", "-o", &path("p.dat-s")], 2, &wanted);
    assert!(!Path::new(&path("p.dat-s")).exists());
    fails(&["verify", &model, &path("c.json"), "--output", "each"], 2, &["unexpected argument '--output'"]);
    fails(&["bound", &model, "--output", "every"], 2, &["`each` by itself"]);
}
