//! The program as tests run it.
#![allow(dead_code, reason = "each test program uses its part")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A model of the repository.
pub fn data(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name).to_string_lossy().into_owned()
}

/// A scratch folder, and paths in it.
pub fn scratch() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().to_owned();
    (folder, move |name: &str| root.join(name).to_string_lossy().into_owned())
}

/// The program; nothing of a batch system around the tests reaches it.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tightlip"));
    for variable in ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"] {
        command.env_remove(variable);
    }
    command
}

pub fn tightlip(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program starts")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Messages without the line breaks of the layout.
pub fn stderr(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn succeeds(arguments: &[&str]) -> String {
    let output = tightlip(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// The command fails with `code`, says each of `words`, and does not panic.
pub fn fails(arguments: &[&str], code: i32, words: &[&str]) {
    let output = tightlip(arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?} does not say `{word}`: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

/// What `--json` printed.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON object")
}

/// The keys of an object in alphabetical order.
pub fn keys(value: &Value) -> String {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}
