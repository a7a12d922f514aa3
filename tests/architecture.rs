//! The invariants of the architecture, as tests: what must be absent is looked for.

use std::fs;
use std::path::{Path, PathBuf};

/// Root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests folder has a parent").to_owned()
}

/// Every file below `folder` whose name ends in one of `endings`, build products and hidden folders left out.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text of a file.
fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Source text without line comments, so that prose may name what code must not.
fn code(path: &Path) -> String {
    text(path).lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The part of a source file before its tests.
fn shipped(path: &Path) -> String {
    let code = code(path);
    code.split("#[cfg(test)]").next().unwrap_or("").to_owned()
}

/// Names under `[dependencies]` of a crate.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = text(&root().join("crates").join(name).join("Cargo.toml"));
    let section = manifest.split("[dependencies]").nth(1).expect("every crate has dependencies");
    section
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next().map(str::to_owned))
        .filter(|name| !name.is_empty())
        .collect()
}

fn sources() -> Vec<PathBuf> {
    files(&root().join("crates"), &[".rs"])
}

fn libraries() -> Vec<PathBuf> {
    sources()
        .into_iter()
        .filter(|path| {
            let path = path.to_string_lossy();
            path.contains("/src/") && !path.contains("tightlip-cli")
        })
        .collect()
}

#[test]
fn the_trusted_core_depends_on_no_solver_no_pencil_and_no_assembly() {
    let allowed = [
        "tightlip-model",
        "dashu-base",
        "dashu-float",
        "faer",
        "rand_chacha",
        "rand_distr",
        "serde",
        "serde_json",
        "sha2",
        "sprs",
        "thiserror",
    ];
    for name in dependencies("tightlip-certify") {
        assert!(allowed.contains(&name.as_str()), "tightlip-certify depends on {name}");
    }
}

#[test]
fn the_model_knows_no_optimisation_and_assembly_no_solver() {
    for name in dependencies("tightlip-model") {
        assert!(!name.starts_with("tightlip") && name != "clarabel", "tightlip-model depends on {name}");
    }
    for name in dependencies("tightlip-sdp") {
        let allowed = ["tightlip-model", "faer", "serde", "serde_json", "sprs", "thiserror"];
        assert!(allowed.contains(&name.as_str()), "tightlip-sdp uses {name}");
    }
}

#[test]
fn the_eigensolver_knows_no_network_and_no_solver() {
    for name in dependencies("tightlip-eigen") {
        let allowed = ["tightlip-model", "faer", "rand", "rand_chacha", "rand_distr", "thiserror"];
        assert!(allowed.contains(&name.as_str()), "tightlip-eigen depends on {name}");
    }
    for used in dependencies("tightlip-layerwise") {
        // From `tightlip-exact` only the memory of L-BFGS.
        let allowed = ["tightlip-exact", "tightlip-model", "faer", "thiserror"];
        assert!(allowed.contains(&used.as_str()), "tightlip-layerwise depends on {used}");
    }
    for name in ["tightlip-lifted", "tightlip-interior"] {
        for used in dependencies(name).into_iter().filter(|used| used.starts_with("tightlip")) {
            let allowed = ["tightlip-eigen", "tightlip-model", "tightlip-sdp"];
            assert!(allowed.contains(&used.as_str()), "{name} depends on {used}");
        }
    }
}

#[test]
fn clarabel_is_named_in_one_crate() {
    for path in sources() {
        let name = path.to_string_lossy().into_owned();
        let at_home = name.contains("tightlip-clarabel/") || name.contains("tightlip-lapack/tests/");
        let code = code(&path);
        let named =
            ["use clarabel", " clarabel::", "(clarabel::", "<clarabel::"].iter().any(|word| code.contains(word));
        assert!(at_home || !named, "{name} names Clarabel's types");
    }
}

#[test]
fn libraries_do_not_print_exit_draw_unseeded_or_read_the_environment() {
    let absent =
        ["println!", "print!(", "process::exit", "env::var", "thread_rng", "rand::rng()", "from_os_rng", "dbg!"];
    for path in libraries() {
        let code = shipped(&path);
        for word in absent {
            assert!(!code.contains(word), "{} contains {word}", path.display());
        }
    }
}

#[test]
fn unsafe_code_lives_in_one_crate() {
    for path in sources() {
        if !path.to_string_lossy().contains("tightlip-lapack/") {
            assert!(!code(&path).contains("unsafe "), "{} contains unsafe code", path.display());
        }
    }
}

#[test]
fn the_square_root_of_two_stands_in_one_file() {
    for path in libraries() {
        if !path.ends_with("tightlip-sdp/src/triangle.rs") {
            let code = shipped(&path);
            assert!(!code.contains("SQRT_2") && !code.contains("1.414"), "{} has its own √2", path.display());
        }
    }
}

#[test]
fn nothing_is_left_to_do_ignored_or_unwrapped() {
    let absent =
        [concat!(".unwrap", "()"), "todo!", "unimplemented!", concat!("#[ig", "nore"), concat!("#[should_", "panic")];
    let tests = files(&root().join("tests"), &[".rs"]);
    for path in sources().into_iter().chain(tests) {
        let text = text(&path);
        for word in absent {
            assert!(!text.contains(word) || path.ends_with("architecture.rs"), "{} contains {word}", path.display());
        }
        for word in [concat!("TO", "DO"), concat!("FIX", "ME")] {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    }
}

#[test]
fn files_are_short_and_named_after_one_idea() {
    let mut long = Vec::new();
    for path in sources().into_iter().chain(files(&root().join("tests"), &[".rs"])) {
        let lines = text(&path).lines().count();
        if lines > 400 {
            long.push(format!("{}: {lines} lines", path.display()));
        }
        let stem = path.file_stem().expect("a file").to_string_lossy().into_owned();
        let vague = ["utils", "util", "common", "helpers", "misc", "manager", "mod"];
        assert!(!vague.contains(&stem.as_str()), "{} says nothing", path.display());
    }
    assert!(long.is_empty(), "files over 400 lines: {long:?}");
}

#[test]
fn the_top_level_holds_what_it_should() {
    let expected = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "benchmarks",
        "crates",
        "data",
        "scripts",
        "tests",
    ];
    for entry in fs::read_dir(root()).expect("a readable root").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') || name == "target";
        assert!(hidden || expected.contains(&name.as_str()), "{name} at the top level");
    }
}

#[test]
fn the_required_packages_are_dependencies() {
    let manifest = text(&root().join("Cargo.toml"));
    for name in ["clarabel", "faer", "sprs", "serde", "clap", "csv"] {
        assert!(manifest.contains(&format!("\n{name} = ")), "{name} is not a dependency of the workspace");
    }
}
