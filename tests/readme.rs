//! Every `tightlip` command of the README runs, and prints what the README says: numbers to 2e-5, times aside.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines that say how long it took and how much memory it needed.
const VARYING: [&str; 2] = ["seconds ", "memory "];
/// An iterative method stops somewhere within its tolerance of 1e-5, not at the same place on every processor.
const TOLERANCE: f64 = 2e-5;
/// Numbers below are gaps and rounding margins: only that they are small is promised.
const SMALL: f64 = 1e-4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The sessions of the README: command and expected output.
fn sessions() -> Vec<(String, String)> {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let blocks = readme.split("```console\n").skip(1).map(|block| block.split("```").next().unwrap_or(""));
    blocks
        .map(|block| {
            let (command, output) = block.split_once('\n').expect("a command and its output");
            (command.strip_prefix("$ ").expect("a prompt").to_owned(), output.to_owned())
        })
        .collect()
}

/// A scratch folder with a copy of `data`.
fn scratch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a writable folder");
    for entry in fs::read_dir(root().join("data")).expect("the data folder").flatten() {
        fs::copy(entry.path(), data.join(entry.file_name())).expect("a readable model");
    }
    folder
}

fn words_agree(expected: &str, actual: &str) -> bool {
    match (expected.parse::<f64>(), actual.parse::<f64>()) {
        (Ok(e), Ok(a)) => (e - a).abs() <= TOLERANCE * e.abs() || e.abs().max(a.abs()) < SMALL,
        _ => expected == actual,
    }
}

/// The places of the words of a table's line that stand below the headings of time and memory, where numbers are flush right, and
/// of the numbers in the words of its status: steps may differ by one between processors.
fn varying_words(header: &str, line: &str) -> Vec<usize> {
    let end = |text: &str, byte: usize| text[..byte].chars().count();
    let ends = |name: &str| header.find(name).map(|at| end(header, at + name.len()));
    let columns: Vec<usize> = [ends("seconds"), ends("MiB")].into_iter().flatten().collect();
    let status = header.find("status").map_or(usize::MAX, |at| end(header, at));
    let mut at = 0;
    let words = line.split_whitespace().map(|word| {
        let start = at + line[at..].find(word).expect("a word of this line");
        at = start + word.len();
        let counts = end(line, start) >= status && word.parse::<f64>().is_ok();
        columns.contains(&end(line, at)) || counts
    });
    words.enumerate().filter(|(_, varies)| *varies).map(|(place, _)| place).collect()
}

fn lines_agree(expected: &str, actual: &str, header: &str) -> bool {
    if VARYING.iter().any(|word| expected.starts_with(word) && actual.starts_with(word)) {
        return true;
    }
    let varying = varying_words(header, expected);
    let (expected, actual): (Vec<&str>, Vec<&str>) =
        (expected.split_whitespace().collect(), actual.split_whitespace().collect());
    // The number of iterations may differ by a step between processors.
    let steps = |words: &[&str]| words.first() == Some(&"status");
    let agree = |(place, (e, a)): (usize, (&&str, &&str))| varying.contains(&place) || words_agree(e, a);
    expected.len() == actual.len()
        && (steps(&expected) && steps(&actual) || expected.iter().zip(&actual).enumerate().all(agree))
}

#[test]
fn every_session_of_the_readme_prints_what_the_readme_says() {
    let folder = scratch();
    let sessions = sessions();
    assert!(sessions.len() >= 5, "the README shows a session");
    for (command, expected) in sessions {
        let mut words = command.split_whitespace();
        assert_eq!(words.next(), Some("tightlip"), "{command}");
        let output = Command::new(env!("CARGO_BIN_EXE_tightlip"))
            .args(words)
            .current_dir(folder.path())
            .output()
            .expect("the program starts");
        let actual = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let (expected, lines): (Vec<&str>, Vec<&str>) =
            (expected.trim_end().lines().collect(), actual.trim_end().lines().collect());
        assert_eq!(expected.len(), lines.len(), "{command} prints\n{actual}");
        let is_header = |line: &&&str| line.contains("seconds") && (line.contains("MiB") || line.contains(" status"));
        let header = expected.iter().find(is_header).unwrap_or(&"");
        for (wanted, line) in expected.iter().zip(lines) {
            assert!(lines_agree(wanted, line, header), "{command}: the README says\n{wanted}\nbut it prints\n{line}");
        }
    }
}

#[test]
fn the_shell_commands_of_the_readme_are_the_ones_that_ci_runs() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let shell = readme.split("```sh\n").nth(1).and_then(|block| block.split("```").next()).expect("two commands");
    let commands: Vec<&str> = shell.lines().collect();
    assert_eq!(commands.len(), 2);
    let check = fs::read_to_string(root().join("scripts/check.sh")).expect("the checks");
    for command in commands {
        assert!(check.contains(command), "scripts/check.sh does not run `{command}`");
    }
    let measuring = readme.split("```sh\n").nth(2).and_then(|block| block.split("```").next()).expect("how to measure");
    let smoke = fs::read_to_string(root().join("scripts/smoke.sh")).expect("the smoke run");
    for command in measuring.lines() {
        let before_folder = command.replace(" my-run", "").replace("tightlip ", "\"$tightlip\" ");
        assert!(smoke.contains(&before_folder), "scripts/smoke.sh does not run `{command}`");
    }
}

#[test]
fn the_reference_table_says_what_the_records_of_the_reference_run_say() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let section = readme.split("<!-- reference table -->").nth(1).expect("the mark of the table");
    let run =
        section.split("[reference run](").nth(1).and_then(|rest| rest.split(')').next()).expect("the run is named");
    let path = root().join(run).join("tightness/records.csv");
    let mut reader = csv::Reader::from_path(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|column| column == name).expect("a column of this name");
    let (network, proved, method) = (column("network"), column("proved"), column("method"));
    let (mut networks, mut methods) = (BTreeSet::new(), BTreeSet::new());
    for row in reader.records() {
        let row = row.expect("a whole row");
        methods.insert(family(&row[method]));
        // A method that declined, or that a limit struck before it had anything, has no number.
        let Ok(value) = row[proved].parse::<f64>() else { continue };
        let line = section.lines().find(|line| line.starts_with(&format!("| {} |", &row[network])));
        let line = line.unwrap_or_else(|| panic!("no line for {}", &row[network]));
        let words = line.split([' ', ',']).filter_map(|word| word.parse::<f64>().ok());
        let nearest = words.map(|word| (word / value - 1.0).abs()).fold(f64::INFINITY, f64::min);
        assert!(nearest < 2e-6, "{}, {}: {value} is not in {line}", &row[network], &row[method]);
        networks.insert(row[network].to_owned());
    }
    assert!(networks.len() >= 12, "{} networks", networks.len());
    let bounding = tightlip::METHODS.iter().filter(|method| method.kind() != tightlip::Kind::Estimate);
    // GeoLIP's programs and the formal constant have runs and tables of their own, for their own networks and norms; AutoLip is the
    // product of norms on chains.
    let elsewhere = ["geolip", "fgl", "autolip"];
    let measured = bounding.filter(|method| !elsewhere.contains(&family(method.name()).as_str()));
    let families: BTreeSet<String> = measured.map(|method| family(method.name())).collect();
    assert_eq!(methods, families, "every family there is");
}

/// The first word of a method's name: a family of methods, which the table has one of at least.
fn family(method: &str) -> String {
    method.split(['.', ':']).next().unwrap_or(method).to_owned()
}
