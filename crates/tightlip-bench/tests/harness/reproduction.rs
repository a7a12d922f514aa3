//! The commands that give a row's answer again, as they are typed into a shell.

use std::process::Command;

use tightlip_bench::{Record, reproduction};

use crate::support::{bare_row, upper};

fn of_source(source: &str) -> Vec<String> {
    reproduction(&Record { network_source: source.to_owned(), ..upper("norm-product", 1.0) })
}

#[test]
fn every_setting_of_the_row_is_in_the_command() {
    let row = Record {
        network_source: "file:data/iris.onnx".to_owned(),
        input_norm: "inf".to_owned(),
        output_norm: "1".to_owned(),
        output: "2-0".to_owned(),
        tolerance: 1e-7,
        threads: 3,
        seed: 5,
        time_limit_s: 2.5,
        memory_limit_mib: 1536,
        ..upper("lipsdp-neuron.lifted", 1.0)
    };
    let command = "tightlip bound data/iris.onnx --method lipsdp-neuron.lifted --input-norm inf --output-norm 1 \
                   --output 2-0 --tolerance 1e-7 --threads 3 --seed 5 --time-limit 2.5 --memory-limit 1.5";
    assert_eq!(reproduction(&row), [command]);
}

#[test]
fn a_file_is_named_with_the_activation_it_does_not_say_itself() {
    let with = |source: &str, start: &str| {
        let commands = of_source(source);
        assert_eq!(commands.len(), 1, "{commands:?}");
        let start = format!("tightlip bound {start} --method norm-product ");
        assert!(commands[0].starts_with(&start), "want {start}\n{}", commands[0]);
    };
    with("file:data/iris.onnx", "data/iris.onnx");
    with("file:weights.npz?leaky:0.1", "weights.npz --activation leaky:0.1");
    with("file:a?b.npz", "'a?b.npz'");
    with("file:a?b.npz?relu", "'a?b.npz' --activation relu");
    with("file:my models/it's.npz", "'my models/it'\\''s.npz'");
    with("external:far.mat?relu", "far.mat --activation relu");
    with("external:far.onnx", "far.onnx");
}

#[test]
fn a_generated_network_is_made_first() {
    for source in ["random:2-3-1:leaky:0.1:7", "chordal:W10-D5", "eclipse:80x2:0"] {
        let commands = of_source(source);
        assert_eq!(commands.len(), 2, "{commands:?}");
        assert_eq!(commands[0], format!("tightlip random --source {source} -o net.json"));
        assert!(commands[1].starts_with("tightlip bound net.json --method norm-product"), "{}", commands[1]);
    }
}

/// The words a shell makes of a command.
fn words(command: &str) -> Vec<String> {
    let script = format!("printf '%s\\n' {command}");
    let output = Command::new("/bin/sh").arg("-c").arg(script).output().expect("a shell");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_understands_names_with_spaces_quotes_and_dollars() {
    for name in ["plain", "two words", "it's", "$HOME", "`id`", "a;b", "*", "#x", "~", "a\\b"] {
        let row = Record { network: name.to_owned(), ..bare_row() };
        let commands = reproduction(&row);
        let file = format!("{name}.json");
        assert_eq!(words(&commands[0]).last(), Some(&file), "{}", commands[0]);
        assert_eq!(words(&commands[1])[2], file, "{}", commands[1]);
        let source = format!("file:{name}.onnx");
        assert_eq!(words(&of_source(&source)[0])[2], format!("{name}.onnx"));
    }
}
