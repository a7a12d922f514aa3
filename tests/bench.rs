//! Comparisons as a user meets them: `compare`, `bench`, `bench merge`, `report`; killed, resumed, in parts, on a full disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use program::{data, fails, program, stderr, succeeds, tightlip};

mod program;

/// A folder with a suite in it.
struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    fn new(suite: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("suite.toml"), suite).expect("a writable folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn rows(&self, run: &str) -> Vec<csv::StringRecord> {
        rows(&self.folder.path().join(run).join("records.csv"))
    }
}

fn rows(path: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_path(path).expect("a table");
    reader.records().collect::<Result<_, _>>().expect("whole rows")
}

/// The columns of a row that do not depend on when and how fast it was made.
fn lasting(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).expect("a table");
    let header = reader.headers().expect("a header").clone();
    let varies = |column: &str| column.ends_with("_s") || ["run_id", "timestamp", "peak_rss_mib"].contains(&column);
    let lasting = |row: csv::StringRecord| {
        let cells = header.iter().zip(&row).filter(|(column, _)| !varies(column) || *column == "time_limit_s");
        cells.map(|(_, cell)| cell.to_owned()).collect()
    };
    let mut rows: Vec<Vec<String>> = reader.records().map(|row| lasting(row.expect("a whole row"))).collect();
    rows.sort();
    rows
}

/// A suite of a few seconds: cells of a tenth of a second each.
const SUITE: &str = r#"
name = "short"
methods = ["norm-product", "lipsdp-neuron.full.clarabel", "witness"]
repetitions = 2
traces = true
[[limits]]
time_s = 20
[[network]]
random = { inputs = 4, outputs = 2, widths = [12], depths = [2], seeds = [0, 1, 2, 3] }
"#;

#[test]
fn a_suite_becomes_records_a_report_and_a_green_verdict() {
    let place = Workplace::new(SUITE);
    let run = place.path("run");
    let said = succeeds(&["bench", &place.path("suite.toml"), "-o", &run]);
    assert!(said.contains("20: 20 solved") && said.contains("green"), "{said}");
    assert_eq!(place.rows("run").len(), 20, "two methods twice and the witness once, on four networks");
    let said = succeeds(&["report", &run]);
    assert!(said.contains("report.html"), "{said}");
    for file in [
        "summary.md",
        "report.html",
        "environment.json",
        "traces.csv",
        "figures/tightness.svg",
        "figures/tightness.png",
    ] {
        let size = fs::metadata(PathBuf::from(&run).join(file)).unwrap_or_else(|error| panic!("{file}: {error}")).len();
        assert!(size > 100, "{file}");
    }
    fails(&["bench", &place.path("suite.toml"), "-o", &run], 2, &["there is a run", "--resume"]);
    succeeds(&["bench", &place.path("suite.toml"), "-o", &run, "--resume"]);
    assert_eq!(place.rows("run").len(), 20, "nothing was left to do");
}

#[test]
fn a_killed_run_is_resumed_and_ends_with_the_rows_of_one_that_was_not() {
    let place = Workplace::new(SUITE);
    succeeds(&["bench", &place.path("suite.toml"), "-o", &place.path("whole")]);
    for after in [1, 7, 13] {
        let run = place.path(&format!("killed-{after}"));
        let records = PathBuf::from(&run).join("records.csv");
        let mut child = program()
            .args(["bench", &place.path("suite.toml"), "-o", &run])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let start = Instant::now();
        let lines = || fs::read_to_string(&records).map_or(0, |text| text.lines().count());
        while lines() < after + 1 && start.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(2));
        }
        child.kill().expect("a running process");
        child.wait().expect("a killed process");
        assert!(rows(&records).len() >= after, "rows that were there are on disk");
        succeeds(&["bench", &place.path("suite.toml"), "-o", &run, "--resume"]);
        assert_eq!(lasting(&records), lasting(&PathBuf::from(place.path("whole")).join("records.csv")));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_what_is_left_and_discards_the_running_cell() {
    let place = Workplace::new(SUITE);
    let run = place.path("run");
    let child = program()
        .args(["bench", &place.path("suite.toml"), "-o", &run])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let records = PathBuf::from(&run).join("records.csv");
    let start = Instant::now();
    while fs::read_to_string(&records).map_or(0, |text| text.lines().count()) < 4 && start.elapsed().as_secs() < 60 {
        sleep(Duration::from_millis(2));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill exists");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("interrupted") && stderr(&output).contains("--resume"), "{}", stderr(&output));
    assert!(place.rows("run").iter().all(|row| row.iter().any(|cell| cell == "solved")), "no half measurement is kept");
    // It can go on at once: nobody holds its lock.
    succeeds(&["bench", &place.path("suite.toml"), "-o", &run, "--resume"]);
    assert_eq!(place.rows("run").len(), 20);
}

#[cfg(unix)]
#[test]
fn a_full_disk_costs_one_row_which_is_named() {
    let place = Workplace::new(SUITE);
    let run = place.path("run");
    // Files of at most 4 KiB: a few rows, and then every write fails as on a full disk.
    let script = format!(
        "trap '' XFSZ; ulimit -f 4; exec '{}' bench '{}' -o '{run}'",
        env!("CARGO_BIN_EXE_tightlip"),
        place.path("suite.toml")
    );
    let output = Command::new("bash").args(["-c", &script]).output().expect("a shell");
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("could not be written") && message.contains("--resume"), "{message}");
    let before = place.rows("run").len();
    assert!((2..20).contains(&before), "{before} rows fit");
    succeeds(&["bench", &place.path("suite.toml"), "-o", &run, "--resume"]);
    assert_eq!(place.rows("run").len(), 20);
}

#[test]
fn shards_make_the_rows_of_the_whole_run() {
    let place = Workplace::new(SUITE);
    let (suite, parts) = (place.path("suite.toml"), place.path("parts"));
    succeeds(&["bench", &suite, "-o", &place.path("whole")]);
    succeeds(&["bench", &suite, "-o", &parts, "--shard", "1/3"]);
    fails(&["bench", "merge", &parts], 2, &["missing: shard-2-of-3, shard-3-of-3"]);
    succeeds(&["bench", &suite, "-o", &parts, "--shard", "2/3"]);
    // The third as a task of a SLURM array that counts from 0.
    let array = [("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "0")];
    let third = program().args(["bench", &suite, "-o", &parts]).envs(array).output().expect("the program starts");
    assert!(third.status.success(), "{}", stderr(&third));
    let said = succeeds(&["bench", "merge", &parts]);
    assert!(said.contains("20 solved"), "{said}");
    let table = |run: &str| lasting(&PathBuf::from(place.path(run)).join("records.csv"));
    assert_eq!(table("parts"), table("whole"));
    succeeds(&["report", &parts]);
}

#[test]
fn bad_suites_are_one_clear_error_and_nothing_is_written() {
    let network = "[[network]]\nrandom = { dims = [\"2-3-1\"] }\n";
    for (suite, words) in [
        ("name = \"x\"\n".to_owned(), vec!["no [[network]]"]),
        (
            format!("name = \"x\"\nmetods = \"all\"\n{network}"),
            vec!["line 2", "unknown key `metods`", "did you mean `methods`?"],
        ),
        (
            format!("name = \"x\"\nmethods = [\"lipsdp-neuron.lited\"]\n{network}"),
            vec!["did you mean `lipsdp-neuron.lifted`?"],
        ),
        (format!("name = \"x\"\n[[limits]]\ntime_s = 0\n{network}"), vec!["time_s", "above 0"]),
        (
            "name = \"x\"\n[[network]]\nfiles = [\"nowhere.onnx\"]\n".to_owned(),
            vec!["nowhere.onnx", "relative to the suite file"],
        ),
        ("name = \"x\"\n[[network]]\nfiles = [\"*.onnx\"]\n".to_owned(), vec!["nothing matches `*.onnx`"]),
        (String::new(), vec!["name"]),
    ] {
        let place = Workplace::new(&suite);
        fails(&["bench", &place.path("suite.toml"), "-o", &place.path("run")], 2, &words);
        assert!(!PathBuf::from(place.path("run")).exists(), "{suite}");
    }
    let place = Workplace::new(SUITE);
    fails(&["bench", &place.path("missing.toml"), "-o", &place.path("run")], 2, &["missing.toml", "cannot be read"]);
    fails(&["bench", &place.path("suite.toml"), "-o", &place.path("suite.toml")], 2, &["suite.toml"]);
    fails(&["bench", &place.path("suite.toml"), "-o", "/proc/nowhere"], 2, &["/proc/nowhere"]);
    fails(&["bench", &place.path("suite.toml"), "-o", &place.path("run"), "--shard", "3/2"], 2, &["I/N"]);
    fails(&["bench", &place.path("suite.toml")], 2, &["--output"]);
    fails(&["report", &place.path("run")], 2, &["records.csv"]);
}

#[test]
fn a_damaged_table_or_another_suite_is_refused_and_left_as_it_is() {
    let place = Workplace::new(SUITE);
    let (suite, run) = (place.path("suite.toml"), place.path("run"));
    succeeds(&["bench", &suite, "-o", &run]);
    let records = PathBuf::from(&run).join("records.csv");
    let whole = fs::read_to_string(&records).expect("a table");
    for (damaged, words) in [
        (whole.replacen("norm-product", "norm,product", 1), vec!["line 2", "fields"]),
        (whole.replacen("schema_version", "schema", 1), vec!["column 1", "`schema`"]),
        (whole.replacen("solved", "slved", 1), vec!["line 2", "`slved`", "`solved`"]),
    ] {
        fs::write(&records, &damaged).expect("a writable file");
        fails(&["bench", &suite, "-o", &run, "--resume"], 2, &words);
        fails(&["report", &run], 2, &words);
        assert_eq!(fs::read_to_string(&records).expect("a table"), damaged, "nothing was lost");
    }
    fs::write(&records, &whole).expect("a writable file");
    fs::write(&suite, SUITE.replace("time_s = 20", "time_s = 10")).expect("a writable file");
    fails(&["bench", &suite, "-o", &run, "--resume"], 2, &["20 rows are not cells of this suite"]);
    fs::write(&suite, SUITE.replace("seeds = [0, 1, 2, 3]", "seeds = [0, 1, 2, 3, 4]")).expect("a writable file");
    fails(&["bench", &suite, "-o", &run, "--resume"], 2, &["began with another suite file"]);
    assert_eq!(fs::read_to_string(&records).expect("a table"), whole);
}

#[test]
fn a_lower_bound_above_an_upper_bound_is_an_alarm_with_the_commands_to_see_it_again() {
    let place = Workplace::new(SUITE);
    let run = place.path("run");
    succeeds(&["bench", &place.path("suite.toml"), "-o", &run]);
    let records = PathBuf::from(&run).join("records.csv");
    let mut reader = csv::Reader::from_path(&records).expect("a table");
    let header = reader.headers().expect("a header").clone();
    let column = header.iter().position(|name| name == "lower_witness").expect("a column");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).expect("memory");
    for row in reader.records() {
        let row = row.expect("a whole row");
        let raised = |(at, cell): (usize, &str)| {
            if at == column && !cell.is_empty() { "1e3".to_owned() } else { cell.to_owned() }
        };
        writer.write_record(row.iter().enumerate().map(raised)).expect("memory");
    }
    fs::write(&records, writer.into_inner().expect("memory")).expect("a writable file");
    let output = tightlip(&["report", &run]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in ["ALARM", "tightlip random --source random:4-12-12-2:relu:0", "tightlip bound", "--method witness"] {
        assert!(said.contains(words), "no `{words}`: {said}");
    }
}

#[test]
fn a_comparison_sorts_by_proved_bound_and_lists_what_declined() {
    let model = data("iris_4-5-3_relu_std.onnx");
    let place = Workplace::new("");
    let table = place.path("rows.csv");
    let said = succeeds(&["compare", &model, "-o", &table]);
    let order: Vec<usize> = ["lipsdp-neuron.lifted", "lipsdp-layer.full.clarabel", "norm-product", "witness"]
        .iter()
        .map(|method| said.find(&format!("\n {method}")).unwrap_or_else(|| panic!("no {method}: {said}")))
        .collect();
    assert!(order.is_sorted(), "{said}");
    let bounding = tightlip::METHODS.iter().filter(|method| method.kind() != tightlip::Kind::Estimate);
    assert_eq!(rows(Path::new(&table)).len(), bounding.count());
    let methods = "norm-product,lipsdp-neuron.chordal.clarabel:merge=none,lipsdp-tau.estimate:tau=2";
    let said = succeeds(&["compare", &model, "--methods", methods, "-o", &table]);
    assert!(said.contains("lipsdp-tau.estimate:tau=2") && said.contains("NO BOUND, the number is"), "{said}");
    let mut reader = csv::Reader::from_path(&table).expect("a table");
    let found: Vec<BTreeMap<String, String>> = reader.deserialize().collect::<Result<_, _>>().expect("whole rows");
    assert_eq!(found.len(), 3, "a table of ours is replaced");
    let estimate = found.iter().find(|row| row["kind"] == "estimate").expect("an estimate");
    assert!(estimate["proved"].is_empty() && !estimate["claimed"].is_empty(), "{estimate:?}");
    let said = succeeds(&[
        "compare",
        &data("digits_64-32-10_relu_std.onnx"),
        "--methods",
        "norm-product,lipsdp-neuron.full.clarabel",
        "--memory-limit",
        "0.03",
    ]);
    assert!(said.contains("declined lipsdp-neuron.full.clarabel") && said.contains("MiB"), "{said}");
    let rows: serde_json::Value =
        serde_json::from_str(&succeeds(&["compare", &model, "--methods", "norm-product", "--json"])).expect("JSON");
    assert!(rows[0]["proved"].as_f64().is_some_and(|value| value > 15.3), "{rows}");
}

#[test]
fn a_comparison_of_bad_input_fails_before_anything_runs() {
    let model = data("iris_4-5-3_relu_std.onnx");
    fails(&["compare"], 2, &["MODEL"]);
    fails(&["compare", "nowhere.onnx"], 2, &["nowhere.onnx"]);
    fails(&["compare", &model, &model], 2, &["given twice"]);
    fails(&["compare", &model, "--methods", "lipsdp"], 2, &["there is no method `lipsdp`"]);
    fails(&["compare", &model, "--output", "9"], 2, &["9"]);
    fails(&["compare", &model, "-o", &model], 2, &["this is the model file"]);
    fails(
        &["compare", &model, "--methods", "lipsdp-neuron.full.clarabel", "--memory-limit", "1e-6"],
        3,
        &["no method proved anything"],
    );
}

#[test]
fn a_model_file_that_changes_during_a_run_is_not_measured_as_if_it_had_not() {
    let place = Workplace::new("name = \"x\"\nmethods = [\"norm-product\"]\n[[network]]\nfiles = [\"net.onnx\"]\n");
    let (suite, net) = (place.path("suite.toml"), place.path("net.onnx"));
    fs::copy(data("iris_4-5-3_relu_std.onnx"), &net).expect("a writable folder");
    succeeds(&["bench", &suite, "-o", &place.path("run")]);
    // From another folder, by another path: the same suite, the same file, the same cells.
    let mut elsewhere = program();
    elsewhere.args(["bench", "../suite.toml", "-o", "../run", "--resume"]).current_dir(place.path("run"));
    let moved = elsewhere.output().expect("the program starts");
    assert!(moved.status.success(), "{}", stderr(&moved));
    fs::copy(data("iris_4-16-16-3_tanh_std.onnx"), &net).expect("a writable folder");
    fails(
        &["bench", &suite, "-o", &place.path("run"), "--resume"],
        2,
        &["1 rows are not cells of this suite", "changed"],
    );
    fs::write(&net, "no model").expect("a writable folder");
    fails(&["bench", &suite, "-o", &place.path("other")], 2, &["net.onnx"]);
    assert!(!PathBuf::from(place.path("other")).exists());
}

#[test]
fn runs_at_the_same_time_measure_on_different_cores_or_say_that_they_do_not() {
    let place = Workplace::new(SUITE);
    let run = |name: &str| {
        let mut command = program();
        command.args(["bench", &place.path("suite.toml"), "-o", &place.path(name)]).stdout(Stdio::null());
        command.stderr(Stdio::piped()).spawn().expect("the program starts")
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runs: Vec<_> = (0..=cores).map(|number| run(&format!("run-{number}"))).collect();
    let outputs: Vec<Output> = runs.into_iter().map(|run| run.wait_with_output().expect("it ends")).collect();
    assert!(outputs.iter().all(|output| output.status.success()));
    let warned = outputs.iter().filter(|output| stderr(output).contains("other runs measure on these cores")).count();
    assert!(warned >= 1, "one run more than there are cores");
}

#[test]
fn cells_that_failed_are_run_again_when_asked_for() {
    let place = Workplace::new(SUITE);
    let run = place.path("run");
    succeeds(&["bench", &place.path("suite.toml"), "-o", &run]);
    let records = PathBuf::from(&run).join("records.csv");
    let whole = fs::read_to_string(&records).expect("a table");
    fs::write(&records, whole.replacen(",solved,", ",crashed,", 3)).expect("a writable file");
    fails(&["bench", &place.path("suite.toml"), "-o", &run, "--resume"], 1, &["cells failed"]);
    succeeds(&["bench", &place.path("suite.toml"), "-o", &run, "--resume", "--retry"]);
    let rows = place.rows("run");
    assert!(rows.len() == 20 && rows.iter().all(|row| row.iter().any(|cell| cell == "solved")));
}

#[test]
fn a_run_made_as_a_whole_is_not_replaced_by_a_merge() {
    let place = Workplace::new(SUITE);
    let (suite, run) = (place.path("suite.toml"), place.path("run"));
    succeeds(&["bench", &suite, "-o", &run]);
    succeeds(&["bench", &suite, "-o", &run, "--shard", "1/1"]);
    fails(&["bench", "merge", &run], 2, &["there is a run in this folder already"]);
    let parts = place.path("parts");
    succeeds(&["bench", &suite, "-o", &parts, "--shard", "1/1"]);
    fails(&["report", &parts], 2, &["records.csv", "bench merge"]);
    succeeds(&["bench", "merge", &parts]);
    succeeds(&["bench", "merge", &parts]);
}
