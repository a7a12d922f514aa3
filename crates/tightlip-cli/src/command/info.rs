//! `tightlip info MODEL`: what was loaded.

use serde::Serialize;
use tightlip_model::{IncrementSystem, Layer, LinearMap, Network, OutputSelection, UnsupportedNode, file};

use super::printed;
use crate::arguments::InfoArguments;
use crate::failure::CommandFailure;
use crate::table;

/// What is known of a model.
#[derive(Debug, Serialize)]
struct Info {
    schema_version: u32,
    path: String,
    format: String,
    size_bytes: u64,
    sha256: String,
    inputs: usize,
    outputs: usize,
    parameters: usize,
    neurons: usize,
    dead_neurons: usize,
    layers: Vec<LayerInfo>,
}

/// One layer.
#[derive(Debug, Serialize)]
struct LayerInfo {
    layer: String,
    inputs: usize,
    outputs: usize,
    parameters: usize,
    /// Neurons that never move or that no output depends on; `null` for affine layers.
    dead: Option<Vec<usize>>,
}

/// Runs the command.
pub fn run(arguments: &InfoArguments) -> Result<(), CommandFailure> {
    let path = &arguments.model.model;
    let inspection = file::inspect(path, &arguments.model.read_options())?;
    let network = inspection.content.map_err(|nodes| unsupported(&path.display().to_string(), &nodes))?;
    let layers = layers(&network)?;
    let info = Info {
        schema_version: 1,
        path: path.display().to_string(),
        format: inspection.format.to_string(),
        size_bytes: inspection.size_bytes,
        sha256: network.sha256(),
        inputs: network.inputs(),
        outputs: network.outputs(),
        parameters: network.parameters(),
        neurons: network.hidden().iter().map(|(_, width)| width).sum(),
        dead_neurons: layers.iter().filter_map(|layer| layer.dead.as_ref()).map(Vec::len).sum(),
        layers,
    };
    printed(if arguments.json { table::print_json(&info) } else { print(&info) })
}

/// The layers in order, with dead neurons.
fn layers(network: &Network) -> Result<Vec<LayerInfo>, CommandFailure> {
    let live = IncrementSystem::of_network(network, OutputSelection::All)?.live();
    let mut block = 0;
    let mut width = network.inputs();
    let mut layers = Vec::new();
    for layer in network.layers() {
        let inputs = width;
        layers.push(match layer {
            Layer::Affine(affine) => {
                width = affine.map().rows();
                let parameters = affine.map().coefficients() + affine.bias().len();
                LayerInfo { layer: map_name(affine.map()).to_owned(), inputs, outputs: width, parameters, dead: None }
            }
            Layer::Activation(activation) => {
                block += 1;
                let dead = (0..width).filter(|&i| !live[block][i]).collect();
                LayerInfo { layer: activation.to_string(), inputs, outputs: width, parameters: 0, dead: Some(dead) }
            }
        });
    }
    Ok(layers)
}

/// The word for a map.
fn map_name(map: &LinearMap) -> &'static str {
    match map {
        LinearMap::Dense(_) => "affine",
        LinearMap::Sparse(_) => "affine (sparse)",
        LinearMap::Scale(_) => "scale",
        LinearMap::Divide(_) => "divide",
        _ => "affine (composed)",
    }
}

/// The failure that lists every node in the way.
fn unsupported(path: &str, nodes: &[UnsupportedNode]) -> CommandFailure {
    let list: Vec<String> = nodes.iter().map(|node| format!("  {node}")).collect();
    CommandFailure::bad_input(
        format!("{path}: {} of its nodes are not supported\n{}", nodes.len(), list.join("\n")),
        Some("rewrite these nodes before exporting, or export a part of the model".to_owned()),
    )
}

/// The human form.
fn print(info: &Info) -> std::io::Result<()> {
    table::print_lines(&[
        ("model", format!("{} ({}, {} bytes)", info.path, info.format, info.size_bytes)),
        ("SHA-256", info.sha256.clone()),
        ("sizes", format!("{} inputs, {} outputs, {} parameters", info.inputs, info.outputs, info.parameters)),
        ("neurons", format!("{}, {} of them dead", info.neurons, info.dead_neurons)),
    ])?;
    println!();
    let rows: Vec<Vec<String>> = info
        .layers
        .iter()
        .enumerate()
        .map(|(position, layer)| {
            vec![
                position.to_string(),
                layer.layer.clone(),
                format!("{} → {}", layer.inputs, layer.outputs),
                layer.parameters.to_string(),
                layer.dead.as_ref().map_or_else(String::new, |dead| dead_text(dead)),
            ]
        })
        .collect();
    table::print_rows(&["", "layer", "size", "parameters", "dead neurons"], &rows)
}

/// How many are dead, and the first of them.
fn dead_text(dead: &[usize]) -> String {
    const SHOWN: usize = 8;
    if dead.is_empty() {
        return "none".to_owned();
    }
    let first: Vec<String> = dead.iter().take(SHOWN).map(usize::to_string).collect();
    let more = if dead.len() > SHOWN { ", …" } else { "" };
    format!("{}: {}{more}", dead.len(), first.join(", "))
}
