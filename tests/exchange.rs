//! Programs for other solvers and their solutions back, as a user meets them.

use std::fs;
use std::process::Command;

use program::{data, fails, scratch, stderr, succeeds, tightlip};
use serde_json::Value;
use tightlip_clarabel::OwnDecomposition;
use tightlip_model::Limits;
use tightlip_sdp::SdpaProgram;

mod program;

const MODEL: &str = "bc_30-16-8-2_relu_std.onnx";
/// LipSDP-Neuron of the model.
const OPTIMUM: f64 = 26.408_544_93;
const FORMS: [&str; 4] = ["full", "chordal", "bordered", "bordered-chordal"];

/// A solution file as CSDP writes it, its first line at least, from Clarabel's solution of the exported file.
fn solved(program: &str) -> String {
    let text = fs::read_to_string(program).expect("an exported program");
    let form = SdpaProgram::read(&text).expect("SDPA's format").conic_form().expect("small");
    let answer = tightlip_clarabel::solve(&form, OwnDecomposition::Off, &Limits::within(1 << 30), Box::new(|_| {}));
    let values = answer.expect("an answer").solution;
    let line: Vec<String> = values.iter().map(|value| format!("{value:.17e}")).collect();
    format!("{}\n1 1 1 1 1.0e+00\n2 1 1 1 1.0e+00\n", line.join(" "))
}

fn imported(model: &str, program: &str, solution: &str, more: &[&str]) -> Value {
    let sidecar = format!("{program}.json");
    let text = succeeds(&[&["import-solution", model, &sidecar, solution, "--json"], more].concat());
    serde_json::from_str(&text).expect("one JSON object")
}

#[test]
fn an_exported_program_is_solved_elsewhere_and_its_solution_is_proved_in_every_form() {
    let (_folder, path) = scratch();
    let model = data(MODEL);
    for form in FORMS {
        let (program, solution) = (path(&format!("{form}.dat-s")), path(&format!("{form}.sol")));
        succeeds(&["export", &model, "--form", form, "-o", &program]);
        fs::write(&solution, solved(&program)).expect("a writable file");
        let certificate = path(&format!("{form}.certificate.json"));
        let report = imported(&model, &program, &solution, &["--certificate", &certificate]);
        let value = report["value"].as_f64().expect("a proved bound");
        assert!((OPTIMUM..=OPTIMUM * (1.0 + 1e-6)).contains(&value), "{form}: {value}");
        assert_eq!((report["method"].as_str(), report["level"].as_str()), (Some("imported.csdp"), Some("rigorous")));
        succeeds(&["verify", &model, &certificate]);
    }
}

#[test]
fn csdp_and_sdpa_solve_what_is_exported_where_they_are_installed() {
    let (folder, path) = scratch();
    let model = data(MODEL);
    let program = path("bc.dat-s");
    succeeds(&["export", &model, "--solver-parameters", "-o", &program]);
    let runs: [(&str, &str, &[&str]); 2] = [
        ("csdp", "bc.sol", &["bc.dat-s", "bc.sol"]),
        ("sdpa", "bc.out", &["-ds", "bc.dat-s", "-o", "bc.out", "-p", "param.sdpa"]),
    ];
    for (solver, solution, arguments) in runs {
        match Command::new(solver).args(arguments).current_dir(folder.path()).env("OMP_NUM_THREADS", "1").output() {
            Err(error) => eprintln!("skipped: {solver} cannot be started: {error}"),
            Ok(output) => {
                assert!(output.status.success(), "{solver}: {}", String::from_utf8_lossy(&output.stdout));
                let report = imported(&model, &program, &path(solution), &[]);
                let value = report["value"].as_f64().expect("a proved bound");
                assert!((OPTIMUM..=OPTIMUM * (1.0 + 1e-6)).contains(&value), "{solver}: {value}");
            }
        }
    }
}

#[test]
fn a_tampered_solution_is_refused_or_proves_a_larger_bound() {
    let (_folder, path) = scratch();
    let model = data(MODEL);
    let program = path("full.dat-s");
    succeeds(&["export", &model, "-o", &program]);
    let solution = solved(&program);
    let (first, rest) = solution.split_once('\n').expect("two lines");
    let values: Vec<f64> = first.split(' ').map(|value| value.parse().expect("a number")).collect();
    let sidecar = format!("{program}.json");
    for (variable, factor) in [(0, 0.5), (3, 0.7), (10, 1.5), (20, -1.0), (24, 0.0), (7, 1e300)] {
        let mut tampered = values.clone();
        tampered[variable] *= factor;
        let line: Vec<String> = tampered.iter().map(|value| format!("{value:e}")).collect();
        let file = path("tampered.sol");
        fs::write(&file, format!("{}\n{rest}", line.join(" "))).expect("a writable file");
        let output = tightlip(&["import-solution", &model, &sidecar, &file, "--json"]);
        match output.status.code() {
            Some(0) => {
                let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
                assert!(report["value"].as_f64().expect("a bound") >= OPTIMUM, "variable {variable}");
            }
            code => assert_eq!(code, Some(1), "variable {variable}: {}", stderr(&output)),
        }
    }
}

#[test]
fn files_that_do_not_belong_together_are_told_apart() {
    let (_folder, path) = scratch();
    let model = data(MODEL);
    let (program, solution) = (path("full.dat-s"), path("full.sol"));
    succeeds(&["export", &model, "-o", &program]);
    let sidecar = format!("{program}.json");
    fs::write(&solution, solved(&program)).expect("a writable file");
    let import = |sidecar: &str, solution: &str, words: &[&str]| {
        fails(&["import-solution", &model, sidecar, solution], 2, words);
    };
    let other = data("iris_4-5-3_relu_std.onnx");
    fails(
        &["import-solution", &other, &sidecar, &solution],
        2,
        &["full.dat-s.json", "want the sidecar of this network"],
    );
    import(&program, &solution, &["not the JSON that was wanted"]);
    import(&sidecar, &program, &["a problem in SDPA's sparse text, not a solution"]);
    import(&sidecar, &path("nothing"), &["nothing: cannot be read"]);
    import(&sidecar, &path(""), &["want a regular file"]);
    let broken = |text: &str| {
        let file = path("broken");
        fs::write(&file, text).expect("a writable file");
        file
    };
    let text = fs::read_to_string(&solution).expect("a solution");
    import(&sidecar, &broken(""), &["is empty"]);
    import(&sidecar, &broken(&text[..100]), &["broken"]);
    import(&sidecar, &broken(&text.replacen("e0", "e0 1.0", 1)), &["26 values, the program 25 variables"]);
    import(
        &sidecar,
        &broken(&text.replacen(text.split(' ').next().unwrap_or(""), "nan", 1)),
        &["value 1 of the solution is `nan`"],
    );
    let scaled = fs::read_to_string(&sidecar).expect("a sidecar").replace("\"bound_scale\": ", "\"bound_scale\": 1");
    fs::write(path("scaled.json"), scaled).expect("a writable file");
    // Another factor is another scaling of the same program: it is built again as the file says, and the proof decides.
    let output = tightlip(&["import-solution", &model, &path("scaled.json"), &solution, "--json"]);
    if output.status.success() {
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(report["value"].as_f64().expect("a bound") >= OPTIMUM);
    } else {
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    }
}

#[test]
fn questions_without_one_program_are_declined_and_files_are_not_overwritten() {
    let (_folder, path) = scratch();
    let model = data(MODEL);
    let program = path("x.dat-s");
    fails(&["export", &model, "--output-norm", "1", "-o", &program], 3, &["take a bordered one"]);
    fails(&["export", &model, "--input-norm", "1", "-o", &program], 3, &["a program for each coordinate"]);
    fails(&["export", &model, "--memory-limit", "0.00001", "-o", &program], 3, &["coefficients", "limit"]);
    fails(&["export", &model, "-o", &model], 2, &["this is the model file"]);
    fails(&["export", &model, "-o", &path("")], 2, &["this is a folder"]);
    fails(&["export", &model], 2, &["--program <FILE>"]);
    fs::write(&program, "a text of mine").expect("a writable file");
    fails(&["export", &model, "-o", &program], 2, &["not a program in SDPA's format is already there"]);
    assert_eq!(fs::read_to_string(&program).expect("a file"), "a text of mine");
    succeeds(&[
        "export",
        &model,
        "--format",
        "json",
        "--output-norm",
        "1",
        "--form",
        "bordered",
        "-o",
        &path("x.json"),
    ]);
    let listing: Value = serde_json::from_str(&fs::read_to_string(path("x.json")).expect("a file")).expect("JSON");
    assert!(listing["variables"].as_array().is_some_and(|variables| variables.len() > 24));
    succeeds(&["export", &model, "--format", "json", "--multipliers", "layer", "-o", &path("x.json")]);
}
