//! Agreement with other tools on reference networks that are not part of the repository.
//!
//! `TIGHTLIP_PEERS` names a folder with `peers.csv`, `reference.json`, `public/*.npz`, `branch/*.npz` and the example
//! weights of the LipSDP repository; without it these checks say so and do nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tightlip::{Context, lower_bound};
use tightlip_model::file::{ReadOptions, read};
use tightlip_model::{Activation, Network, OutputSelection, Query};
use tightlip_tests::{answer, limits, value_of};

const NEURON: &str = "lipsdp-neuron.full.clarabel";
const LIFTED: &str = "lipsdp-neuron.lifted";
const INTERIOR: &str = "lipsdp-neuron.interior";
const LAYER: &str = "lipsdp-layer.full.clarabel";
/// Larger networks take the interior point longer than a test should.
const NEURONS_INTERIOR: usize = 600;
/// Networks beyond this take longer than a test should.
const NEURONS: usize = 32;

fn folder() -> Option<PathBuf> {
    let folder =
        std::env::var_os("TIGHTLIP_PEERS").map(PathBuf::from).filter(|folder| folder.join("peers.csv").exists());
    if folder.is_none() {
        eprintln!("skipped: TIGHTLIP_PEERS does not name a folder with peers.csv");
    }
    folder
}

fn load(path: &Path, activation: Activation) -> Option<Network> {
    // Formats without a graph want the activation, a single layer none.
    let options = ReadOptions { activation: Some(activation), ..ReadOptions::default() };
    read(path, &options).or_else(|_| read(path, &ReadOptions::default())).ok()
}

#[test]
fn lipsdp_with_clarabel_in_cvxpy_agrees_where_its_multipliers_were_certified() {
    let Some(folder) = folder() else { return };
    let mut rows = csv::Reader::from_path(folder.join("peers.csv")).expect("a readable file");
    let header = rows.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|h| h == name).expect("a known column");
    let (network, method, norm) = (column("network"), column("method"), column("norm"));
    let (selection, certified) = (column("selection"), column("certified"));
    let mut compared = 0;
    for row in rows.records() {
        let row = row.expect("a row");
        let name = &row[network];
        let plain = !(name.contains("leaky") || name.contains("sigmoid"));
        if &row[method] != "CLARABEL/neuron" || &row[norm] != "l2" || &row[selection] != "full" || !plain {
            continue;
        }
        let Ok(peer) = row[certified].parse::<f64>() else { continue };
        let Some(model) = load(&folder.join(format!("public/{name}.npz")), Activation::Relu) else { continue };
        if model.hidden().iter().map(|(_, width)| width).sum::<usize>() > NEURONS {
            continue;
        }
        let value = value_of(&model, OutputSelection::All, NEURON);
        // The peer's certified value is an upper bound of the same optimum, 2.7e-4 above it on badly scaled rows.
        assert!(value <= peer * (1.0 + 1e-6) && value >= peer * (1.0 - 3e-4), "{name}: {value}, the peer has {peer}");
        compared += 1;
    }
    assert!(compared >= 10, "only {compared} networks were compared");
}

#[test]
fn the_random_network_of_the_lipsdp_repository_has_its_published_bounds() {
    let Some(folder) = folder() else { return };
    let network = load(&folder.join("lipsdp_random_2-10-30-20-2.mat"), Activation::Relu).expect("a network");
    let chordal = ["lipsdp-neuron.chordal.clarabel", "lipsdp-layer.chordal.clarabel"];
    let interior = [INTERIOR, "lipsdp-layer.interior"];
    let neurons = [NEURON, chordal[0], interior[0]].map(|method| (method, 36.482_229_6));
    let layers = [LAYER, chordal[1], interior[1]].map(|method| (method, 39.838_623));
    for (method, published) in neurons.into_iter().chain(layers) {
        let value = value_of(&network, OutputSelection::All, method);
        assert!((value / published - 1.0).abs() < 1e-6, "{method}: {value}, published {published}");
    }
}

/// The reference networks with their optima of LipSDP-Neuron.
fn references(folder: &Path) -> Vec<(String, Network, f64)> {
    let text = std::fs::read_to_string(folder.join("reference.json")).expect("reference optima");
    let references: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).expect("a map of networks");
    // The references have slopes [0, 1] for every activation.
    let network = |name: &str| load(&folder.join(format!("public/{name}.npz")), Activation::Relu);
    let optimum = |reference: serde_json::Value| reference["lipsdp_neuron"].as_f64().expect("a number");
    references
        .into_iter()
        .filter_map(|(name, reference)| Some((name.clone(), network(&name)?, optimum(reference))))
        .collect()
}

#[test]
fn the_interior_point_reaches_every_reference_optimum() {
    let Some(folder) = folder() else { return };
    let mut compared = 0;
    for (name, model, optimum) in references(&folder) {
        if model.hidden().iter().map(|(_, width)| width).sum::<usize>() > NEURONS_INTERIOR {
            continue;
        }
        let value = value_of(&model, OutputSelection::All, INTERIOR);
        assert!((value / optimum - 1.0).abs() < 2e-7, "{name}: {value}, reference {optimum}");
        compared += 1;
    }
    assert!(compared >= 35, "only {compared} networks were compared");
}

/// The proved bound of the lifted method with its gap.
fn lifted(network: &Network, output: OutputSelection) -> (f64, f64) {
    let method = tightlip::method_named(LIFTED).expect("a method of the list");
    let outcome = answer(network, Query::euclidean(output), method, 1e-7).expect("a bound");
    (outcome.bound.value(), outcome.report.gap.expect("a gap"))
}

#[test]
fn the_lifted_method_reaches_every_reference_optimum() {
    let Some(folder) = folder() else { return };
    let references = references(&folder);
    assert!(references.len() >= 40, "only {} networks are compared", references.len());
    for (name, model, optimum) in references {
        let (value, gap) = lifted(&model, OutputSelection::All);
        assert!(gap <= 1e-7, "{name}: gap {gap:e}");
        assert!((value / optimum - 1.0).abs() < 2e-7, "{name}: {value}, reference {optimum}");
    }
}

#[test]
fn the_mnist_network_of_the_lipsdp_repository_has_its_bounds_for_all_outputs_and_each() {
    let Some(folder) = folder() else { return };
    let network = load(&folder.join("lipsdp_mnist_784-50-10.mat"), Activation::Relu).expect("a network");
    assert!((lifted(&network, OutputSelection::All).0 / 24.366_349 - 1.0).abs() < 2e-7);
    let outputs = [
        12.216_587, 14.032_207, 15.136_022, 13.957_723, 14.776_011, 15.820_053, 20.172_933, 14.513_314, 11.916_664,
        16.300_194,
    ];
    for (output, published) in outputs.into_iter().enumerate() {
        let value = lifted(&network, OutputSelection::Single(output)).0;
        assert!((value / published - 1.0).abs() < 2e-7, "output {output}: {value}, published {published}");
    }
}

#[test]
fn formal_constants_of_branch_and_bound_lie_between_patterns_and_the_relaxation() {
    // Gaussian chains whose formal constant is known from branch and bound.
    let Some(folder) = folder() else { return };
    let known = [
        ("gauss_16-64-1_s0", 1.391_357, 1.360_625),
        ("gauss_64-64-10_s0", 1.584_279, 1.560_525),
        ("gauss_10-16-16-3_s0", 1.981_208, 1.891_260),
        ("gauss_20-32-32-5_s0", 1.720_269, 1.576_579),
        ("gauss_64-64-64-10_s0", 2.368_817, 2.183_402),
    ];
    let pattern = tightlip::method_named("fgl-pattern").expect("a method of the list");
    for (name, root, constant) in known {
        let model = load(&folder.join(format!("branch/{name}.npz")), Activation::Relu).expect("a network");
        let (value, _) = lifted(&model, OutputSelection::All);
        assert!((value / root - 1.0).abs() < 1e-6, "{name}: {value}, root bound {root}");
        let query = Query::euclidean(OutputSelection::All);
        let found = lower_bound(&model, query, pattern, &Context::silent(limits())).expect("a pattern");
        let found = found.value.expect("a value");
        assert!(found <= constant * (1.0 + 1e-6), "{name}: {found} is above the formal constant {constant}");
        assert!(found >= constant * 0.95, "{name}: {found} is far below the formal constant {constant}");
    }
}

#[test]
fn lipdiff_with_exact_eigenvectors_repeats_a_reference_run_and_no_published_run_is_better() {
    let Some(folder) = folder() else { return };
    let lipdiff = |network: &Network, output, options: &str| {
        let method = tightlip::choose(&format!("lipsdp-neuron.lipdiff{options}")).expect("a method");
        let outcome = answer(network, Query::euclidean(output), method.as_ref(), 1e-7).expect("a bound");
        (outcome.report.claimed, outcome.bound.value())
    };
    let network = load(&folder.join("lipsdp_mnist_784-50-10.mat"), Activation::Relu).expect("a network");
    for (penalty, reference) in [("rho-code", 12.499_28), ("rho-tight", 11.926_90)] {
        let options = format!(":lanczos-steps=0:penalty={penalty}");
        let (claimed, proved) = lipdiff(&network, OutputSelection::Single(8), &options);
        assert!((claimed / reference - 1.0).abs() < 2e-3, "{penalty}: {claimed}, the reference run has {reference}");
        assert!((11.916_663..=claimed * (1.0 + 1e-6)).contains(&proved), "{penalty}: {proved}");
    }
    // The patched code of LipDiff with its settings, in single precision.
    for (name, output, theirs) in [
        ("r_4-16-16-3_he_relu_s3", OutputSelection::Single(0), 8.606_795),
        ("bc_30-32-16-2_relu_std_s5", OutputSelection::Difference(0, 1), 64.719_323),
        ("digits_64-32-10_relu_std_s8", OutputSelection::Single(8), 11.319_602),
        ("r_16-64-64-10_he_relu_s6", OutputSelection::Single(8), 9.006_791),
    ] {
        let network = load(&folder.join(format!("public/{name}.npz")), Activation::Relu).expect("a network");
        let (_, proved) = lipdiff(&network, output, "");
        assert!(proved <= theirs * 1.01, "{name}: {proved}, LipDiff has {theirs}");
    }
}
