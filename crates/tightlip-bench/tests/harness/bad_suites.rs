//! Suites that cannot be run: one error each, with the file, what is wrong, and what would be right.

use std::fs;
use std::path::Path;

use tempfile::tempdir;
use tightlip_bench::{Plan, Suite};

const NETWORK: &str = "network = [{ random = { dims = [\"2-3-1\"] } }]";

/// The error of a suite, read from a file and planned.
fn error_of(text: impl AsRef<[u8]>) -> String {
    let place = tempdir().expect("a folder");
    let path = place.path().join("bad.toml");
    fs::write(&path, text).expect("room");
    let error = Suite::read(&path).and_then(|suite| Plan::new(&suite, &path, None).map(|_| ()));
    let error = error.expect_err("a suite that cannot be run").to_string();
    assert!(error.contains("bad.toml"), "the file is named: {error}");
    assert!(!error.contains('\n'), "one line: {error}");
    error
}

/// Every case gives an error with all of its words.
#[track_caller]
fn each_says(cases: &[(&str, &[&str])]) {
    for (text, words) in cases {
        let error = error_of(text);
        for word in *words {
            assert!(error.contains(word), "no `{word}` in the error of\n{text}\n{error}");
        }
    }
}

/// The same for what comes beside a name and a network.
#[track_caller]
fn each_beside_a_network_says(cases: &[(&str, &[&str])]) {
    for (text, words) in cases {
        each_says(&[(&format!("name = \"bad\"\n{NETWORK}\n{text}"), words)]);
    }
}

/// The same for one `[[network]]`.
#[track_caller]
fn each_network_says(cases: &[(&str, &[&str])]) {
    for (text, words) in cases {
        each_says(&[(&format!("name = \"bad\"\n[[network]]\n{text}"), words)]);
    }
}

#[test]
fn a_suite_that_cannot_be_read_is_named_with_the_reason() {
    let error = Suite::read(Path::new("nowhere/suite.toml")).expect_err("there is none").to_string();
    assert!(error.contains("nowhere/suite.toml: cannot be read: No such file"), "{error}");
    let place = tempdir().expect("a folder");
    let error = Suite::read(place.path()).expect_err("a folder").to_string();
    assert!(error.contains("cannot be read") && error.contains("not a regular file"), "{error}");
}

#[test]
fn text_that_is_no_suite_is_an_error_with_its_line() {
    each_says(&[
        ("", &["bad.toml, line 1: ", "missing", "`name`"]),
        ("name = \"bad\"\nthis is no TOML\n", &["bad.toml, line 2: "]),
        ("name = \"bad\"\nname = \"worse\"\n", &["bad.toml, line 2: ", "duplicate key"]),
        ("name = \"bad\"\n\n[[network]\n", &["bad.toml, line 3: "]),
    ]);
    let error = error_of(b"\x89PNG\r\n\x1a\n\x00\xff\xfe");
    assert!(error.contains("not text") && error.contains("TOML"), "{error}");
}

#[test]
fn unknown_keys_are_errors_at_every_level_with_the_nearest_key() {
    let unknown = |key: &str, near: &str, line: usize, text: &str| {
        let error = error_of(text);
        let wanted = format!("bad.toml, line {line}: unknown key `{key}` (did you mean `{near}`?); there are: ");
        assert!(error.contains(&wanted), "want {wanted}\n{error}");
    };
    unknown("repetition", "repetitions", 2, &format!("name = \"bad\"\nrepetition = 3\n{NETWORK}"));
    unknown("times_s", "time_s", 4, &format!("name = \"bad\"\n{NETWORK}\n[[limits]]\ntimes_s = 3\ntime_s = 1"));
    unknown("input_nrom", "input_norm", 4, &format!("name = \"bad\"\n{NETWORK}\n[[query]]\ninput_nrom = \"2\""));
    unknown("file", "files", 3, "name = \"bad\"\n[[network]]\nfile = [\"a.onnx\"]");
    unknown("seed", "seeds", 3, "name = \"bad\"\n[[network]]\nrandom = { dims = [\"2-1\"], seed = 3 }");
    unknown("width", "widths", 3, "name = \"bad\"\n[[network]]\nchordal = { width = [10], depths = [5] }");
    unknown("neuron", "neurons", 3, "name = \"bad\"\n[[network]]\neclipse = { neuron = [10], layers = [2] }");
    unknown("outputs", "output", 4, "name = \"bad\"\n[[network]]\nfiles = [\"a\"]\nqueries = [{ outputs = \"1\" }]");
    let entry = "[[published]]\nnetwork = \"a\"\nvalues = \"1\"";
    unknown("values", "value", 5, &format!("name = \"bad\"\n{NETWORK}\n{entry}"));
    let error = error_of(format!("name = \"bad\"\nxyzzy = 1\n{NETWORK}"));
    assert!(error.contains("unknown key `xyzzy`; there are: name, "), "nothing is near: {error}");
}

#[test]
fn methods_that_are_not_there_are_errors_with_the_nearest_one() {
    each_network_says(&[
        ("files = [\"a\"]\nmethods = [\"norm-prodct\"]", &["`norm-prodct`", "did you mean `norm-product`?"]),
        ("files = [\"a\"]\nmethods = []", &["`methods` is an empty list", "leave it out"]),
    ]);
    let with = |methods: &str| format!("name = \"bad\"\nmethods = {methods}\n{NETWORK}");
    each_says(&[
        (
            &with("[\"lipsdp-neuron.full\"]"),
            &["no method `lipsdp-neuron.full`", "did you mean `lipsdp-neuron.full.clarabel`"],
        ),
        (&with("[\"lifted\"]"), &["no method `lifted`", "there are: ", "lipsdp-neuron.lifted"]),
        (&with("\"al\""), &["no method `al`", "`all`"]),
        (&with("[]"), &["`methods` is an empty list", "leave it out for all"]),
        (&with("[\"witness\", \"witness\"]"), &["witness", "twice"]),
        (&with("3"), &["line 2", "`methods`", "\"all\"", "list of names"]),
    ]);
}

#[test]
fn limits_under_which_nothing_runs_are_errors_with_what_is_wanted() {
    let limits = |text: &str| format!("name = \"bad\"\n{NETWORK}\nlimits = [{{ {text} }}]");
    let seconds: &[&str] = &["limits", "time_s", "above 0"];
    each_says(&[
        (&limits("time_s = 0"), seconds),
        (&limits("time_s = -1"), seconds),
        (&limits("time_s = nan"), seconds),
        (&limits("time_s = inf"), seconds),
        (&limits("time_s = 1e300"), seconds),
        (&limits("memory_mib = 1"), &["line 3", "missing", "`time_s`"]),
        (&limits("time_s = \"10\""), &["line 3", "string \"10\"", "number"]),
        (&limits("time_s = 1, memory_mib = 0"), &["memory_mib = 0", "above 0"]),
        (&limits("time_s = 1, threads = 0"), &["threads = 0", "above 0"]),
        (&limits("time_s = 1, threads = 2000"), &["threads = 2000", "at most 1024"]),
        (&limits("time_s = 1, threads = -1"), &["line 3", "-1"]),
        (&limits("time_s = 1, tolerance = 0"), &["tolerance = 0", "1e-9 to 1"]),
        (&limits("time_s = 1, tolerance = nan"), &["tolerance = NaN", "1e-9 to 1"]),
        (&limits("time_s = 1, tolerance = 1.5"), &["tolerance = 1.5", "1e-9 to 1"]),
        (&limits("time_s = 1, seed = -1"), &["line 3", "-1"]),
        (&limits("time_s = 1 }, { time_s = 1"), &["limits", "twice"]),
    ]);
    each_beside_a_network_says(&[
        ("repetitions = 0", &["`repetitions` is 0", "nothing would be run"]),
        ("repetitions = 4000000000", &["`repetitions` is 4000000000", "at most"]),
        ("warmup = 4000000000", &["`warmup` is 4000000000", "at most"]),
        ("[limits]\ntime_s = 1", &["line 3", "[[limits]]", "two brackets"]),
    ]);
    each_says(&[("name = \"bad\"\n[network]\nfiles = [\"a\"]", &["line 2", "[[network]]", "two brackets"])]);
}

#[test]
fn a_suite_without_a_name_or_a_network_is_an_error() {
    each_says(&[
        ("network = []", &["line 1", "missing", "`name`"]),
        (&format!("name = \"\"\n{NETWORK}"), &["`name`", "give the suite a name"]),
        (&format!("name = \"two\\nlines\"\n{NETWORK}"), &["`name`", "control characters"]),
        ("name = \"bad\"", &["no [[network]]", "nothing would be run"]),
        ("name = \"bad\"\nnetwork = []", &["no [[network]]"]),
    ]);
}

#[test]
fn an_entry_wants_exactly_one_kind_of_network() {
    let one: &[&str] = &["exactly one of", "`files`", "`external`", "`random`", "`chordal`", "`eclipse`"];
    each_network_says(&[
        ("", one),
        ("files = [\"a\"]\nrandom = { dims = [\"2-1\"] }", one),
        ("external = \"a\"\nsha256 = \"b\"\nchordal = { widths = [10], depths = [5] }", one),
        ("files = []", &["describes no network", "empty"]),
        ("random = {}", &["describes no network", "empty"]),
        ("random = { dims = [\"2-1\"], seeds = [] }", &["describes no network", "empty"]),
        ("chordal = { widths = [], depths = [5] }", &["describes no network", "empty"]),
        ("random = { dims = [\"2-1\"] }\nactivation = \"tanh\"", &["`activation`", "inside `random"]),
        ("files = [\"a\"]\nname = \"\"\nsha256 = \"b\"", &["a", "cannot be read"]),
        ("random = { dims = [\"2-1\"] }\nsha256 = \"b\"", &["`sha256`", "`external`"]),
        ("random = { dims = [\"2-1\"] }\nname = \"\"", &["`name`", "empty"]),
        ("random = { dims = [\"2-1\"] }\nname = \"two\\nlines\"", &["`name`", "control characters"]),
        ("random = { dims = [\"2-1\", \"3-1\"] }\nname = \"x\"", &["name x", "2 networks", "leave it out"]),
    ]);
}

#[test]
fn files_that_are_not_there_are_named_with_where_they_were_looked_for() {
    each_network_says(&[
        ("files = [\"no.onnx\"]", &["no.onnx cannot be read", "No such file", "relative to the suite file"]),
        ("files = [\"models/*.onnx\"]", &["nothing matches `models/*.onnx`", "looked for"]),
        ("files = [\"[\"]", &["`[`"]),
        ("files = [\".\"]", &["cannot be read", "not a regular file"]),
    ]);
}

#[test]
fn two_networks_of_one_name_are_named_with_their_sources() {
    let place = tempdir().expect("a folder");
    for file in ["net.onnx", "net.npz"] {
        fs::write(place.path().join(file), b"x").expect("room");
    }
    let path = place.path().join("suite.toml");
    let plan = |text: &str| {
        let suite = Suite::parse(text, &path).expect("valid");
        Plan::new(&suite, &path, None)
    };
    let error = plan("name = \"twice\"\n[[network]]\nfiles = [\"net.*\"]").expect_err("one name").to_string();
    for words in ["two networks are called net", "net.onnx", "net.npz", "`name`"] {
        assert!(error.contains(words), "{words}: {error}");
    }
    plan("name = \"once\"\n[[network]]\nfiles = [\"net.onnx\"]\n[[network]]\nfiles = [\"net.npz\"]\nname = \"other\"")
        .expect("a name tells them apart");
    each_network_says(&[("random = { dims = [\"2-1\", \"2-1\"] }", &["two networks are called 2-1_relu_s0"])]);
}

#[test]
fn patterns_are_meant_below_the_suite_wherever_it_stands() {
    let place = tempdir().expect("a folder");
    let odd = place.path().join("odd [1] * name");
    fs::create_dir(&odd).expect("room");
    for file in ["b.onnx", "a.onnx"] {
        fs::write(odd.join(file), b"x").expect("room");
    }
    let path = odd.join("suite.toml");
    let suite = Suite::parse("name = \"odd\"\nmethods = [\"witness\"]\n[[network]]\nfiles = [\"*.onnx\"]", &path);
    let plan = Plan::new(&suite.expect("valid"), &path, None).expect("both are there");
    let names: Vec<&str> = plan.cells.iter().map(|cell| cell.network.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn sizes_that_are_no_network_are_errors_with_an_example() {
    let example: &[&str] = &["want two or more sizes above 0", "for example 10-64-64-3"];
    let dims = |text: &str| format!("random = {{ dims = [\"{text}\"] }}");
    for text in ["", "10", "2-0-1", "a-b", "2--1", "2-3x-1", "1-0x5-1", "+2-x3"] {
        each_network_says(&[(&dims(text), example), (&dims(text), &[&format!("`{text}`")])]);
    }
    let together: &[&str] = &["`inputs`, `outputs`, `widths` and `depths` belong together"];
    each_network_says(&[
        ("random = { widths = [3], depths = [1] }", together),
        ("random = { inputs = 2, outputs = 1, widths = [3] }", together),
        ("random = { inputs = 2, outputs = 1, widths = [0], depths = [1] }", &["2-1x0-1", "sizes above 0"]),
        (
            "random = { inputs = 2, outputs = 1, widths = [100000], depths = [9] }",
            &["2-9x100000-1", "80000300000 weights"],
        ),
        (&dims("100000-100000"), &["10000000000 weights", "the largest random network has 1073741824"]),
        (&dims("1-99999999x1-1"), &["more than 65536 layers"]),
        ("random = { dims = [\"2-1\"], activation = \"rleu\" }", &["line 3", "rleu", "relu"]),
        ("chordal = { widths = [10, 12], depths = [5] }", &["W12-D5", "widths are 10, 20"]),
        ("eclipse = { neurons = [20], layers = [1] }", &["1 layers", "2 to 100"]),
        ("eclipse = { neurons = [1000000], layers = [5] }", &["1000000 neurons", "1 to 1000"]),
    ]);
}

#[test]
fn norms_and_outputs_that_are_none_are_errors_with_what_there_is() {
    each_beside_a_network_says(&[
        ("query = [{ input_norm = \"3\" }]", &["line 3", "`3`", "1, 2 or inf"]),
        ("query = [{ output_norm = \"l2\" }]", &["line 3", "`l2`", "1, 2 or inf"]),
        ("query = [{ input_norm = 2 }]", &["line 3", "integer `2`", "quotes"]),
        ("query = [{ output = \"-1\" }]", &["line 3", "`-1`", "`each` by itself"]),
        ("query = [{ output = \"first\" }]", &["line 3", "`first`", "`each` by itself"]),
        ("[query]\noutput = \"0\"", &["line 3", "[[query]]", "two brackets"]),
    ]);
}

#[test]
fn external_networks_want_a_digest() {
    each_network_says(&[
        ("external = \"far.mat\"", &["far.mat", "`sha256`"]),
        ("external = \"far.mat\"\nsha256 = \"ABC\"", &["far.mat", "`sha256`", "64", "tightlip info"]),
    ]);
}

#[test]
fn published_numbers_want_a_network_a_method_and_a_question_of_the_suite() {
    let suite = "name = \"bad\"\nmethods = [\"norm-product\"]\n".to_owned() + NETWORK;
    let cases: &[(&str, &[&str])] = &[
        ("network = \"2-3-1_relu_s1\"\nmethod = \"norm-product\"", &["no network", "did you mean `2-3-1_relu_s0`"]),
        (
            "network = \"2-3-1_relu_s0\"\nmethod = \"norm-prod\"",
            &["no method `norm-prod`", "did you mean `norm-product`"],
        ),
        ("network = \"2-3-1_relu_s0\"\nmethod = \"witness\"", &["does not run witness on this question"]),
        ("network = \"2-3-1_relu_s0\"\nmethod = \"norm-product\"\noutput = \"0\"", &["does not run norm-product"]),
        ("network = \"2-3-1_relu_s0\"\nclaim = \"x\"\nrelative_to = \"witness\"", &["does not run witness"]),
        ("network = \"2-3-1_relu_s0\"", &["either `method`", "`claim`"]),
        ("network = \"2-3-1_relu_s0\"\nmethod = \"norm-product\"\nclaim = \"x\"", &["either `method`", "`claim`"]),
        ("network = \"2-3-1_relu_s0\"\nclaim = \"x\"\nhalf_width = 0", &["`half_width` above 0"]),
        ("network = \"2-3-1_relu_s0\"\nclaim = \"x\"\nhalf_width = inf", &["`half_width` above 0"]),
    ];
    for (entry, words) in cases {
        let text = format!("{suite}\n[[published]]\nvalue = \"36.5\"\nsource = \"Table 1\"\n{entry}");
        each_says(&[(&text, words), (&text, &["36.5"])]);
    }
    let entry = |value: &str| {
        format!("[[published]]\nnetwork = \"2-3-1_relu_s0\"\nclaim = \"x\"\nsource = \"T\"\nvalue = {value}")
    };
    for value in ["\"\"", "\"nan\"", "\"inf\"", "\"0\"", "\"-1\"", "\"1,5\"", "\"1e999\""] {
        each_says(&[(&format!("{suite}\n{}", entry(value)), &["decimal number above 0"])]);
    }
    each_says(&[
        (&format!("{suite}\n{}", entry("36.5")), &["line 8", "floating point `36.5`", "quotes"]),
        (&format!("{suite}\n{0}\n{0}", entry("\"1\"")), &["published value 1", "twice"]),
    ]);
    let twice = "[[published]]\nnetwork = \"2-3-1_relu_s0\"\nmethod = \"norm-product\"\nsource = \"T\"\nvalue = \"1\"";
    each_says(&[(&format!("{suite}\n{twice}\n{twice}"), &["there is another one for norm-product"])]);
}

#[test]
fn every_suite_of_this_repository_has_a_plan_of_cells_that_differ() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benchmarks/suites");
    let mut suites = 0;
    for entry in fs::read_dir(folder).expect("suites").flatten() {
        let path = entry.path();
        let suite = Suite::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let plan = Plan::new(&suite, &path, None).unwrap_or_else(|error| panic!("{error}"));
        let mut keys: Vec<&str> = plan.cells.iter().map(|cell| cell.key.as_str()).collect();
        let cells = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), cells, "{}", path.display());
        suites += 1;
    }
    assert!(suites >= 6, "{suites} suites");
}
