//! The program as a user meets it: commands, exit codes, messages.

use std::fs;
use std::path::Path;

use program::{data, fails, json, keys, scratch, stderr, succeeds, tightlip};

mod program;

#[test]
fn a_bound_is_certified_and_its_certificate_verifies_in_every_format_of_the_network() {
    let (_folder, path) = scratch();
    let certificate = path("iris.certificate.json");
    let onnx = data("iris_4-5-3_relu_std.onnx");
    let report = json(&succeeds(&["bound", &onnx, "--certificate", &certificate, "--json"]));
    let value = report["value"].as_f64().expect("a bound");
    assert_eq!(report["method"], "lipsdp-neuron.lifted");
    assert!(report["lower"]["value"].as_f64().expect("a lower bound") <= value);
    assert_eq!(report["certificate"], certificate.as_str());
    let verified = json(&succeeds(&["verify", &onnx, &certificate, "--json"]));
    assert_eq!(verified["proved"].as_f64(), Some(value));
    succeeds(&["verify", &data("iris_4-5-3_relu_std.nnet"), &certificate]);
    let npz = data("iris_4-5-3_relu_std.npz");
    succeeds(&["verify", &npz, &certificate, "--activation", "relu"]);
    fails(&["verify", &npz, &certificate, "--activation", "tanh"], 1, &["refused", "SHA-256"]);
    fails(&["verify", &data("iris_4-16-16-3_tanh_std.onnx"), &certificate], 1, &["refused", "is for the network"]);
}

#[test]
fn the_report_has_exactly_the_promised_keys() {
    let report = json(&succeeds(&["bound", &data("planted_one_neuron_3-1-2.json"), "--json"]));
    assert_eq!(
        keys(&report),
        "certificate claimed failure_probability gap interrupted iterations kind level lower method network options peak_rss_mib \
         products program query rank relaxation_lower schema_version seconds status sweeps value version"
    );
    assert_eq!(keys(&report["network"]), "activations hidden inputs outputs path sha256");
    assert_eq!(keys(&report["query"]), "input_norm output output_norm region");
    assert_eq!(keys(&report["seconds"]), "assemble certify load solve total");
    assert_eq!(keys(&report["lower"]), "kind value");
    assert_eq!(
        (&report["schema_version"], &report["kind"], &report["level"]),
        (&1.into(), &"upper".into(), &"rigorous".into())
    );
}

#[test]
fn planted_constants_lie_between_the_bounds() {
    let planted = [
        ("planted_one_neuron_3-1-2.json", 7.5, 7.5),
        ("planted_orthogonal_8-8-8-8.json", 1.0, 1.0),
        ("planted_nonnegative_6-12-8-3.json", 5.495_869_088, 5.495_869_088),
        // The true constant is 1, the formal one (all biases) is 4.
        ("planted_pairs_4-8-8-4.json", 1.0, 4.0),
    ];
    for (name, constant, formal) in planted {
        let report = json(&succeeds(&["bound", &data(name), "--json"]));
        let (upper, lower) = (report["value"].as_f64().expect("a bound"), report["lower"]["value"].as_f64());
        assert!(upper >= formal * (1.0 - 1e-9) && upper <= formal * (1.0 + 1e-6), "{name}: {upper}");
        let lower = lower.expect("a lower bound");
        assert!(lower <= constant * (1.0 + 1e-9) && lower >= constant * 0.99, "{name}: {lower}");
    }
}

#[test]
fn outputs_can_be_selected() {
    let model = data("iris_4-5-3_relu_std.onnx");
    let value = |output: &str| {
        json(&succeeds(&["bound", &model, "--output", output, "--json"]))["value"].as_f64().expect("a bound")
    };
    assert!(value("1") < value("all"));
    assert!((value("0-2") - value("2-0")).abs() < 1e-7 * value("0-2"));
    fails(&["bound", &model, "--output", "99"], 2, &["--output 99", "outputs from 0 to 2"]);
    fails(&["bound", &model, "--output", "1-1"], 2, &["--output 1-1"]);
    fails(&["bound", &model, "--output", "x"], 2, &["`each` by itself"]);
}

#[test]
fn random_networks_are_written_and_converted_without_a_change_of_digest() {
    let (_folder, path) = scratch();
    let first = path("net.json");
    succeeds(&["random", "--dims", "4-6-5-2", "--seed", "3", "-o", &first]);
    let digest = |model: &str, more: &[&str]| {
        let arguments: Vec<&str> = ["info", model, "--json"].iter().chain(more).copied().collect();
        json(&succeeds(&arguments))["sha256"].as_str().expect("a digest").to_owned()
    };
    for (name, more) in [("net.onnx", &[][..]), ("net.npz", &["--activation", "relu"]), ("net.nnet", &[])] {
        let other = path(name);
        succeeds(&["convert", &first, "-o", &other]);
        assert_eq!(digest(&first, &[]), digest(&other, more), "{name}");
    }
    fails(&["convert", &first, "-o", &first], 2, &["this is the model itself"]);
    fails(&["convert", &first, "-o", &path("net.xyz")], 2, &[".xyz"]);
    fails(&["random", "--dims", "4", "-o", &first], 2, &["10-64-64-3"]);
    fails(&["random", "--dims", "100000-100000", "-o", &first], 2, &["10000000000 weights"]);
    fails(&["random", "--dims", "2-2", "--activation", "swish2", "-o", &first], 2, &["unknown activation"]);
}

#[test]
fn bad_models_get_one_clear_message_and_exit_code_two() {
    let (_folder, path) = scratch();
    let write = |name: &str, bytes: &[u8]| {
        let file = path(name);
        fs::write(&file, bytes).expect("a writable folder");
        file
    };
    fails(&["bound", &path("absent.onnx")], 2, &["absent.onnx", "no such file"]);
    fails(&["bound", &write("empty.onnx", b"")], 2, &["empty.onnx", "the file is empty"]);
    fails(&["bound", &write("picture.onnx", b"\x89PNG\r\n\x1a\n0000")], 2, &["picture.onnx"]);
    fails(&["bound", &write("model.pt", b"PK")], 2, &["torch.onnx.export"]);
    fails(&["bound", &write("model.xyz", b"1")], 2, &["model.xyz"]);
    for name in ["iris_4-5-3_relu_std.onnx", "iris_4-5-3_relu_std.npz", "digits_64-32-10_relu_std.mat"] {
        let bytes = fs::read(data(name)).expect("a model of the repository");
        let cut = write(name, &bytes[..bytes.len() / 2]);
        let more: &[&str] = if name.ends_with("onnx") { &[] } else { &["--activation", "relu"] };
        let arguments: Vec<&str> = ["info", &cut].iter().chain(more).copied().collect();
        fails(&arguments, 2, &[name]);
    }
    let network =
        |layers: &str| format!(r#"{{"format":"tightlip-network","version":1,"layers":[{layers}]}}"#).into_bytes();
    let misfit = r#"{"type":"affine","weights":[[1,2]]},{"type":"affine","weights":[[1,2]]}"#;
    fails(&["info", &write("misfit.json", &network(misfit))], 2, &["layer 2 takes 2 inputs", "gives 1"]);
    fails(&["info", &write("none.json", &network(""))], 2, &["none.json"]);
    fails(&["info", &write("zero.json", &network(r#"{"type":"affine","weights":[]}"#))], 2, &["zero.json"]);
    fails(&["info", &write("nan.json", &network(r#"{"type":"affine","weights":[[NaN]]}"#))], 2, &["nan.json"]);
    fails(&["info", &write("huge.json", &network(r#"{"type":"affine","weights":[[1e999]]}"#))], 2, &["huge.json"]);
}

#[test]
fn activations_are_never_guessed_and_never_overridden() {
    fails(&["bound", &data("iris_4-5-3_relu_std.npz")], 2, &["--activation"]);
    fails(&["bound", &data("iris_4-5-3_relu_std.onnx"), "--activation", "relu"], 2, &["--activation"]);
    succeeds(&["bound", &data("digits_64-32-10_relu_std.mat"), "--activation", "relu", "--method", "norm-product"]);
}

#[test]
fn usage_errors_and_declines_have_their_own_exit_codes() {
    let model = data("iris_4-5-3_relu_std.onnx");
    fails(&["bound", &model, "--method", "magic"], 2, &["no such method", "norm-product"]);
    fails(&["bound", &model, "--method", "lipsdp-neuron.lipdiff:lr=0"], 2, &["cannot be `0`"]);
    fails(&["bound", &model, "--method", "lipsdp-neuron.lipdiff:init=analytical"], 2, &["diag-improved"]);
    fails(&["bound"], 2, &["MODEL"]);
    fails(&["frobnicate"], 2, &["frobnicate"]);
    fails(&["bound", &model, "--time-limit", "-1"], 2, &["above 0"]);
    fails(&["bound", &model, "--threads", "0"], 2, &["--threads"]);
    let neuron = "lipsdp-neuron.full.clarabel";
    fails(&["bound", &model, "--method", neuron, "--memory-limit", "0.001"], 3, &["declined", "MiB", "--memory-limit"]);
    let product = "norm-product";
    fails(&["bound", &model, "--method", product, "--memory-limit", "0.000000001"], 3, &["declined", "MiB"]);
    assert!(succeeds(&["--help"]).contains("bound"));
    assert!(succeeds(&["methods"]).contains(neuron));
}

#[test]
fn auto_says_when_it_falls_back() {
    let model = data("iris_4-5-3_relu_std.onnx");
    let report = json(&succeeds(&["bound", &model, "--memory-limit", "0.00003", "--json"]));
    assert_eq!(report["method"], "norm-product");
    let status = report["status"].as_str().expect("a status");
    assert!(status.contains("norm-product instead, because") && status.contains("MiB"), "{status}");
}

#[test]
fn a_time_limit_returns_the_best_proved_bound_so_far() {
    let model = data("digits_64-32-10_relu_std.onnx");
    let full = json(&succeeds(&["bound", &model, "--json"]))["value"].as_f64().expect("a bound");
    for limit in ["0.000000001", "0.001", "0.1", "0.3"] {
        let report = json(&succeeds(&["bound", &model, "--json", "--time-limit", limit]));
        let value = report["value"].as_f64().expect("a bound");
        assert!(value >= full * (1.0 - 1e-7), "{limit}: {value} < {full}");
        let status = report["status"].as_str().expect("a status");
        let limited = status.contains("interrupted") || status.contains("time limit");
        assert!(limited || value < full * (1.0 + 1e-6), "{limit}: {status}");
    }
}

#[test]
fn certificates_do_not_overwrite_anything_else() {
    let (_folder, path) = scratch();
    let (model, notes) = (path("net.json"), path("notes.txt"));
    succeeds(&["random", "--dims", "2-3-1", "-o", &model]);
    fs::write(&notes, "precious").expect("a writable folder");
    fails(&["bound", &model, "--certificate", &notes], 2, &["not a certificate"]);
    assert_eq!(fs::read_to_string(&notes).expect("still there"), "precious");
    fails(&["bound", &model, "--certificate", &model], 2, &["the model file"]);
    fails(&["bound", &model, "--certificate", &path("no/such/folder.json")], 2, &["folder does not exist"]);
    let certificate = path("c.json");
    succeeds(&["bound", &model, "--certificate", &certificate]);
    succeeds(&["bound", &model, "--certificate", &certificate]);
    fs::write(&certificate, "{\"format\": \"tightlip-cert").expect("a writable folder");
    fails(&["verify", &model, &certificate], 1, &["refused", "not a tightlip certificate"]);
    fs::write(&certificate, "{\"format\": \"x\\u001b[31mRED\", \"\\u001b[2J\": 1}").expect("a writable folder");
    let hostile = tightlip(&["verify", &model, &certificate]);
    assert_eq!(hostile.status.code(), Some(1));
    let escapes = |bytes: &[u8]| bytes.windows(4).any(|w| w == b"\x1b[31" || w == b"\x1b[2J");
    assert!(!escapes(&hostile.stderr) && !escapes(&hostile.stdout), "{}", stderr(&hostile));
    fails(&["verify", &model, &path("absent.json")], 2, &["cannot be read"]);
    if Path::new("/dev/zero").exists() {
        fails(&["verify", &model, "/dev/zero"], 2, &["a regular file"]);
        fails(&["bound", &model, "--certificate", "/dev/full"], 2, &["a device or a pipe"]);
    }
}

#[test]
fn every_pair_of_norms_is_bounded_and_its_certificate_verifies() {
    let (_folder, path) = scratch();
    let model = data("iris_4-5-3_relu_std.onnx");
    let mut values = std::collections::BTreeMap::new();
    for input in ["1", "2", "inf"] {
        for output in ["1", "2", "inf"] {
            let certificate = path(&format!("{input}-{output}.json"));
            let norms = ["--input-norm", input, "--output-norm", output];
            let arguments: Vec<&str> =
                ["bound", &model, "--json", "--certificate", &certificate].iter().chain(&norms).copied().collect();
            let report = json(&succeeds(&arguments));
            assert_eq!(report["query"]["input_norm"], input);
            assert!(report["lower"]["value"].as_f64() <= report["value"].as_f64());
            values.insert((input, output), report["value"].as_f64().expect("a bound"));
            let verified = json(&succeeds(&["verify", &model, &certificate, "--json"]));
            assert_eq!(verified["proved"], report["value"], "{input} to {output}");
        }
    }
    // A larger input norm has a smaller ball, a larger output norm a larger value.
    let up_to = |larger: f64| larger * (1.0 + 1e-5);
    for other in ["1", "2", "inf"] {
        assert!(values[&("1", other)] <= up_to(values[&("2", other)]));
        assert!(values[&("2", other)] <= up_to(values[&("inf", other)]));
        assert!(values[&(other, "inf")] <= up_to(values[&(other, "2")]));
        assert!(values[&(other, "2")] <= up_to(values[&(other, "1")]));
    }
    fails(&["bound", &model, "--input-norm", "3"], 2, &["1, 2 or inf"]);
}

/// The columns of `--trace`.
const TRACE_HEADER: &str = "time_s,iterations,products,value,claimed,scaled_eigenvalue,rank,proved";

#[test]
fn every_course_ends_with_what_was_proved() {
    let (_folder, path) = scratch();
    let model = data("iris_4-16-16-3_tanh_std.onnx");
    for method in [
        "norm-product",
        "lipsdp-neuron.full.clarabel",
        "lipsdp-layer.interior",
        "lipsdp-neuron.interior",
        "lipsdp-neuron.lifted",
    ] {
        let trace = path("trace.csv");
        let report = json(&succeeds(&["bound", &model, "--method", method, "--trace", &trace, "--json"]));
        let mut rows = csv::Reader::from_path(&trace).expect("a trace");
        let rows: Vec<csv::StringRecord> = rows.records().collect::<Result<_, _>>().expect("whole rows");
        let numbers = |column: usize| rows.iter().filter_map(move |row| row[column].parse::<f64>().ok());
        let (times, iterations): (Vec<f64>, Vec<f64>) = (numbers(0).collect(), numbers(1).collect());
        assert!(times.is_sorted() && iterations.is_sorted(), "{method}: {times:?} {iterations:?}");
        let last = rows.last().expect("a row");
        assert_eq!(last[7].parse().ok(), report["value"].as_f64(), "{method}");
        let said = rows.iter().filter(|row| row[7] == last[7] && row[1] == last[1]).count();
        assert_eq!(said, 1, "{method}: said once");
        let made = report["iterations"].as_u64().or(report["sweeps"].as_u64()).unwrap_or(0);
        assert_eq!(last[1].parse().ok(), Some(made), "{method}");
        let claims: Vec<f64> = numbers(4).collect();
        if method.ends_with("clarabel") || method.ends_with("interior") {
            assert!(claims.len() as u64 > made / 2 && rows.len() > claims.len(), "{method}: {claims:?}");
            // In units of the bound: the squared objective of Clarabel would be ten times as large.
            let claimed = claims.last().expect("claims") / report["claimed"].as_f64().expect("a claim");
            assert!((claimed - 1.0).abs() < 1e-6, "{method}: {claimed}");
        } else {
            assert!(claims.is_empty(), "{method}: {claims:?}");
        }
    }
}

#[test]
fn a_method_that_stands_in_for_another_has_no_course() {
    let (_folder, path) = scratch();
    let (model, trace) = (data("iris_4-16-16-3_tanh_std.onnx"), path("trace.csv"));
    let late = ["--method", "lipsdp-neuron.interior", "--time-limit", "1e-9", "--trace", &trace, "--json"];
    let report = json(&succeeds(&[&["bound", &model], &late[..]].concat()));
    assert_eq!(report["method"], "norm-product");
    assert_eq!(fs::read_to_string(&trace).expect("a trace").trim_end(), TRACE_HEADER);
}

#[test]
fn the_gap_is_proved_and_as_small_as_asked() {
    let (_folder, path) = scratch();
    let model = data("digits_64-16-16-10_sigmoid_std.onnx");
    for tolerance in ["1e-2", "1e-5", "1e-8"] {
        let trace = path("trace.csv");
        let report = json(&succeeds(&["bound", &model, "--tolerance", tolerance, "--trace", &trace, "--json"]));
        let number = |key: &str| report[key].as_f64().expect("a number");
        let gap = number("value") / number("relaxation_lower") - 1.0;
        assert!(gap > 0.0 && gap <= tolerance.parse().expect("a number"), "{tolerance}: {gap}");
        assert!((number("gap") - gap).abs() < 1e-12);
        let rows = fs::read_to_string(&trace).expect("a trace");
        assert_eq!(rows.lines().next(), Some(TRACE_HEADER));
        let last: Vec<&str> = rows.lines().last().expect("a row").split(',').collect();
        assert_eq!(last[1].parse().ok(), report["sweeps"].as_u64());
        assert_eq!(last[2].parse().ok(), report["products"].as_u64());
        assert_eq!(last[7].parse().ok(), report["value"].as_f64());
    }
    for wrong in ["0", "-1", "2", "1e-12", "nan", "small"] {
        fails(&["bound", &model, "--tolerance", wrong], 2, &["1e-5"]);
    }
    let notes = path("notes.csv");
    fs::write(&notes, "precious").expect("a writable folder");
    fails(&["bound", &model, "--trace", &notes], 2, &["not a trace"]);
    fails(&["bound", &model, "--trace", &model], 2, &["the model file"]);
}

#[test]
fn patterns_are_labelled_as_lower_bounds_of_the_formal_constant() {
    let model = data("planted_pairs_4-8-8-4.json");
    let report = json(&succeeds(&["bound", &model, "--method", "fgl-pattern", "--json"]));
    assert_eq!(report["kind"], "fgl-lower");
    // Its constant with its own biases is 1, the formal one 4.
    assert!((report["value"].as_f64().expect("a value") - 4.0).abs() < 1e-9);
    assert!(succeeds(&["bound", &model, "--method", "fgl-pattern"]).contains("FGL at least"));
    let (_folder, path) = scratch();
    let certificate = path("c.json");
    fails(&["bound", &model, "--method", "fgl-pattern", "--certificate", &certificate], 2, &["fgl-pattern"]);
}

#[test]
fn the_digits_do_not_depend_on_the_number_of_threads() {
    let (_folder, path) = scratch();
    let model = path("wide.npz");
    succeeds(&["random", "--dims", "200-520-520-5", "-o", &model]);
    let digits = |threads: &str| {
        let report = json(&succeeds(&["bound", &model, "--activation", "relu", "--threads", threads, "--json"]));
        ["value", "lower", "relaxation_lower", "sweeps"].map(|key| report[key].clone())
    };
    assert_eq!(digits("1"), digits("2"));
}

#[test]
fn the_cliques_of_a_chain_are_small_and_drawn() {
    let (_folder, path) = scratch();
    let (model, svg) = (path("chain.json"), path("chain.svg"));
    succeeds(&["random", "--source", "chordal:W10-D10", "-o", &model]);
    let facts = json(&succeeds(&["cliques", &model, "--json", "--svg", &svg]));
    let form = |name: &str| {
        let forms = facts["forms"].as_array().expect("forms");
        forms.iter().find(|form| form["form"] == name).unwrap_or_else(|| panic!("no form {name}")).clone()
    };
    // 2 inputs, 9 hidden layers of 10: one cone of all of them, or one for each two neighbours.
    assert_eq!(form("full")["cones"], serde_json::json!([92]));
    let cones = form("full, cliques")["cones"].as_array().expect("orders").clone();
    assert!(cones.len() >= 8 && cones.iter().all(|order| order.as_u64() <= Some(20)), "{cones:?}");
    assert!(form("full, cliques")["predicted_mib"].as_u64() < form("full")["predicted_mib"].as_u64());
    assert!(fs::read_to_string(&svg).expect("a picture").starts_with("<svg "));
    succeeds(&["cliques", &model, "--svg", &svg]);
    fails(&["cliques", &model, "--svg", &model], 2, &["this is the model file"]);
    fails(&["cliques", "nowhere.onnx"], 2, &["nowhere.onnx"]);
    fails(&["cliques", &model, "--output", "2"], 2, &["2"]);
}
