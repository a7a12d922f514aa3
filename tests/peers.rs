//! Agreement with other tools on reference networks that are not part of the repository.
//!
//! `TIGHTLIP_PEERS` names a folder with `peers.csv`, `public/*.npz` and the LipSDP repository's
//! `lipsdp_random_2-10-30-20-2.mat`; without it these checks say so and do nothing.

use std::path::{Path, PathBuf};

use tightlip_model::file::{ReadOptions, read};
use tightlip_model::{Activation, Network, OutputSelection};
use tightlip_tests::value_of;

const NEURON: &str = "lipsdp-neuron.full.clarabel";
const LAYER: &str = "lipsdp-layer.full.clarabel";
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
    for (method, published) in [(NEURON, 36.482_229_6), (LAYER, 39.838_623)] {
        let value = value_of(&network, OutputSelection::All, method);
        assert!((value / published - 1.0).abs() < 1e-6, "{method}: {value}, published {published}");
    }
}
