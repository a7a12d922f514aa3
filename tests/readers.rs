//! Model files: what is read is what the file means, what is written reads back, and everything else is told clearly.

#[path = "readers/bad_input.rs"]
mod bad_input;
#[path = "readers/data_folder.rs"]
mod data_folder;
#[path = "readers/graphs.rs"]
mod graphs;
#[path = "readers/mat_files.rs"]
mod mat_files;
#[path = "readers/model_builder.rs"]
mod model_builder;
#[path = "readers/operators.rs"]
mod operators;
#[path = "readers/options.rs"]
mod options;
#[path = "readers/round_trips.rs"]
mod round_trips;

use std::path::{Path, PathBuf};

use tightlip_model::file::{Format, ReadOptions, read, read_bytes};
use tightlip_model::{Activation, Network};

use model_builder::{told, value_at};

/// A file of the repository's `data` folder.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data").join(name)
}

/// Options for a format without a graph.
fn with(activation: Activation) -> ReadOptions {
    ReadOptions { activation: Some(activation), ..ReadOptions::default() }
}

/// The network in a file of the `data` folder, with the activation that its name says where the format needs one.
fn data_network(name: &str) -> Network {
    let path = data(name);
    let activation = if name.contains("tanh") { Activation::Tanh } else { Activation::Relu };
    let carries_graph = Format::of_path(&path).expect("known extension").carries_graph();
    let options = if carries_graph { ReadOptions::default() } else { with(activation) };
    read(&path, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// What is told about bytes that cannot be read, with the advice.
fn refusal(format: Format, bytes: &[u8], options: &ReadOptions) -> String {
    let path = format!("net{format}");
    match read_bytes(format, bytes, Path::new(&path), options) {
        Ok(_) => panic!("{path} must be refused"),
        Err(error) => told(&error),
    }
}
