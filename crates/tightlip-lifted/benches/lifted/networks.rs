//! The networks that are measured.

use std::fs;
use std::path::{Path, PathBuf};

use tightlip_model::{Activation, Error, Network, file, random_network};

use crate::arguments::Arguments;

/// Widths of hidden layers, as wide as the inputs.
const WIDTHS: [usize; 8] = [16, 32, 64, 128, 256, 512, 1000, 2000];
/// Numbers of hidden layers at each of these widths.
const HIDDEN_LAYERS: [usize; 3] = [1, 2, 5];
/// Neurons beyond which a network is left out: proofs factorise matrices of this order.
const MOST_NEURONS: usize = 5000;
/// Numbers of hidden layers at the width of [`DEPTHS_WIDTH`].
const DEPTHS: [usize; 8] = [1, 2, 5, 10, 20, 50, 100, 200];
/// Width of the networks that differ in depth.
const DEPTHS_WIDTH: usize = 50;
/// Outputs of these networks.
const OUTPUTS: usize = 10;
/// The networks that the method has to handle: inputs, hidden layers and their width, outputs.
const REQUIRED: [(usize, usize, usize, usize); 5] =
    [(784, 1, 256, 10), (100, 10, 100, 10), (5, 40, 20, 2), (10, 2, 1000, 10), (64, 100, 100, 10)];
/// Seed of the weights.
const WEIGHTS_SEED: u64 = 0;
/// Weights of a random network that a quick run still measures.
const QUICK_WEIGHTS: usize = 15_000;

/// A network to be measured, not yet in memory.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// Why it is measured: `width`, `depth`, `required`, `trained`, `folder` or `asked`.
    pub(crate) family: &'static str,
    /// Its sizes or the name of its file.
    pub(crate) name: String,
    source: Source,
}

/// Where the weights come from.
#[derive(Debug)]
enum Source {
    /// Gaussian with standard deviation `1/√fan-in`, layer sizes from inputs to outputs.
    Random(Vec<usize>),
    /// A file, with the activation where the format has none.
    File(PathBuf, Option<Activation>),
}

impl Candidate {
    /// A random network.
    fn random(family: &'static str, sizes: Vec<usize>) -> Self {
        Self { family, name: name(&sizes), source: Source::Random(sizes) }
    }

    /// A network in a file.
    fn file(family: &'static str, path: PathBuf, activation: Option<Activation>) -> Self {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = file_name.split('.').next().unwrap_or_default().to_owned();
        Self { family, name, source: Source::File(path, activation) }
    }

    /// Draws or reads the network.
    ///
    /// # Errors
    /// If the file does not hold a network.
    pub(crate) fn network(&self) -> Result<Network, Error> {
        match &self.source {
            Source::Random(sizes) => random_network(sizes, Activation::Relu, WEIGHTS_SEED),
            Source::File(path, activation) => {
                let options = file::ReadOptions { activation: *activation, ..file::ReadOptions::default() };
                file::read(path, &options)
            }
        }
    }

    /// Whether a quick run measures it; files of a folder that was asked for always.
    fn is_quick(&self) -> bool {
        match &self.source {
            Source::Random(sizes) => sizes.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>() <= QUICK_WEIGHTS,
            Source::File(..) => true,
        }
    }
}

/// What the arguments ask for, in the order in which it is measured.
///
/// # Errors
/// If a folder cannot be read.
pub(crate) fn candidates(arguments: &Arguments) -> std::io::Result<Vec<Candidate>> {
    if let Some(sizes) = &arguments.network {
        return Ok(vec![Candidate::random("asked", sizes.clone())]);
    }
    let mut candidates = random();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
    candidates.extend(files(&data, &[".onnx", ".onnx.gz"])?.into_iter().map(|f| Candidate::file("trained", f, None)));
    if let Some(folder) = &arguments.folder {
        let found = files(folder, &[".npz"])?;
        candidates.extend(found.into_iter().map(|f| Candidate::file("folder", f, Some(Activation::Relu))));
    }
    let wanted = arguments.filter.as_deref().unwrap_or_default();
    candidates.retain(|candidate| {
        let named = candidate.family.contains(wanted) || candidate.name.contains(wanted);
        named && (!arguments.quick || candidate.is_quick())
    });
    Ok(candidates)
}

/// A network to be measured before the clock matters.
pub(crate) fn warm_up() -> Candidate {
    Candidate::random("warm-up", vec![64, 64, OUTPUTS])
}

/// The random networks.
fn random() -> Vec<Candidate> {
    let chain = |inputs, hidden, width, outputs| [vec![inputs], vec![width; hidden], vec![outputs]].concat();
    let widths = WIDTHS
        .into_iter()
        .flat_map(|width| HIDDEN_LAYERS.map(|hidden| (width, hidden)))
        .filter(|(width, hidden)| width * hidden <= MOST_NEURONS)
        .map(|(width, hidden)| Candidate::random("width", chain(width, hidden, width, OUTPUTS)));
    let depths = DEPTHS.map(|hidden| Candidate::random("depth", chain(DEPTHS_WIDTH, hidden, DEPTHS_WIDTH, OUTPUTS)));
    let required = REQUIRED
        .map(|(inputs, hidden, width, outputs)| Candidate::random("required", chain(inputs, hidden, width, outputs)));
    widths.chain(depths).chain(required).collect()
}

/// Files of a folder with one of these endings, by name; numbers within names by value (`D5` before `D10`).
fn files(folder: &Path, endings: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .collect();
    found.sort_by_cached_key(|path| {
        let name = path.to_string_lossy().into_owned();
        let numbers: Vec<u64> = name.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        (name.replace(|c: char| c.is_ascii_digit(), ""), numbers)
    });
    Ok(found)
}

/// Layer sizes as text, repeated hidden ones counted: `64-100x50-10`.
fn name(sizes: &[usize]) -> String {
    let [inputs, hidden @ .., outputs] = sizes else { return sizes.iter().map(usize::to_string).collect() };
    let hidden = hidden.chunk_by(|a, b| a == b).map(|run| match run {
        [width] => width.to_string(),
        _ => format!("{}x{}", run.len(), run[0]),
    });
    let parts: Vec<String> = [inputs.to_string()].into_iter().chain(hidden).chain([outputs.to_string()]).collect();
    parts.join("-")
}

/// The way back from a name to layer sizes.
///
/// # Errors
/// If a part is neither a size nor a number of layers of a size.
pub(crate) fn sizes(text: &str) -> Result<Vec<usize>, String> {
    let number = |part: &str| {
        part.parse().map_err(|_| format!("`{part}` is not a size; want sizes like 10-32-5 or 64-100x50-10"))
    };
    let mut sizes = Vec::new();
    for part in text.split('-') {
        let (count, size) = part.split_once('x').unwrap_or(("1", part));
        sizes.extend(std::iter::repeat_n(number(size)?, number(count)?));
    }
    Ok(sizes)
}
