//! Where a network comes from: a file, or a generator and its arguments, as one line of text.
//!
//! `file:data/iris.onnx`, `file:weights.npz?relu`, `random:10-64-3:relu:0`, `chordal:W10-D5`, `eclipse:80x2:0`. The text is
//! what `records.csv` keeps, so that any row can be made again.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, fs};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tightlip_model::file::{self, Normalisation, ReadOptions};
use tightlip_model::{Activation, Network, random_network};

use crate::generator::{check_chordal, check_eclipse, chordal_network, eclipse_network};

/// The origin of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NetworkSource {
    /// A model file, and the activation for formats that do not say it.
    File {
        /// The file.
        path: PathBuf,
        /// The activation between the layers.
        activation: Option<Activation>,
    },
    /// [`tightlip_model::random_network`].
    Random {
        /// Layer sizes from inputs to outputs.
        dims: Vec<usize>,
        /// The activation between the layers.
        activation: Activation,
        /// The seed.
        seed: u64,
    },
    /// [`chordal_network`]: a network of Chordal-LipSDP.
    Chordal {
        /// Neurons of each hidden layer.
        width: usize,
        /// Number of weight matrices.
        depth: usize,
    },
    /// [`eclipse_network`]: a network of ECLipsE.
    Eclipse {
        /// Neurons of each hidden layer.
        neurons: usize,
        /// Number of weight matrices.
        layers: usize,
        /// The round `rd` of the experiment, from 0.
        round: u32,
    },
}

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The text does not name a source.
    #[error(
        "`{text}` names no network: want random:SIZES:ACTIVATION:SEED (random:10-64-3:relu:0), chordal:W10-D5 or \
         eclipse:NEURONSxLAYERS:ROUND (eclipse:80x2:0)"
    )]
    Text {
        /// The text.
        text: String,
    },
    /// The file cannot be read, or the sizes are no network.
    #[error(transparent)]
    Model(#[from] tightlip_model::Error),
    /// The generator has no such network.
    #[error(transparent)]
    Generator(#[from] crate::generator::GeneratorError),
}

impl NetworkSource {
    /// Reads or generates the network.
    ///
    /// # Errors
    /// If the file cannot be read, or there is no network of these sizes.
    pub fn load(&self) -> Result<Network, SourceError> {
        Ok(match self {
            Self::File { path, activation } => file::read(
                path,
                &ReadOptions { activation: *activation, normalisation: Normalisation::Apply, layer_order: None },
            )?,
            Self::Random { dims, activation, seed } => random_network(dims, *activation, *seed)?,
            Self::Chordal { width, depth } => chordal_network(*width, *depth)?,
            Self::Eclipse { neurons, layers, round } => eclipse_network(*neurons, *layers, *round)?,
        })
    }

    /// Whether a published family has this network, without drawing it.
    ///
    /// # Errors
    /// [`SourceError::Generator`] if not.
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        match self {
            Self::File { .. } | Self::Random { .. } => {}
            Self::Chordal { width, depth } => check_chordal(*width, *depth)?,
            Self::Eclipse { neurons, layers, round } => {
                check_eclipse(*neurons, *layers, *round)?;
            }
        }
        Ok(())
    }

    /// Number of outputs; a file is read for that. `sha256` is what the digest of its weights has to be.
    ///
    /// # Errors
    /// In words, if the network cannot be read or is another one.
    pub fn outputs(&self, sha256: Option<&str>) -> Result<usize, String> {
        match self {
            Self::Random { dims, .. } => Ok(dims.last().copied().unwrap_or(0)),
            Self::Chordal { .. } => Ok(2),
            Self::Eclipse { .. } => Ok(1),
            Self::File { .. } => {
                let network = self.load().map_err(|error| error.to_string())?;
                let found = network.sha256();
                match sha256 {
                    Some(wanted) if wanted != found => Err(format!(
                        "its weights have the digest {found} (tightlip info), the suite wants {wanted}: this is another network"
                    )),
                    _ => Ok(network.outputs()),
                }
            }
        }
    }

    /// A short name: the file's stem, or what the generator is told.
    pub fn name(&self) -> String {
        match self {
            Self::File { path, .. } => stem(path),
            Self::Random { dims, activation, seed } => {
                format!("{}_{}_s{seed}", grouped(dims), activation.to_string().replace(':', ""))
            }
            Self::Chordal { width, depth } => format!("W{width}-D{depth}"),
            Self::Eclipse { neurons, layers, round: 0 } => format!("eclipse_n{neurons}-L{layers}"),
            Self::Eclipse { neurons, layers, round } => format!("eclipse_n{neurons}-L{layers}-rd{round}"),
        }
    }
}

/// The file's name without its extensions.
fn stem(path: &Path) -> String {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// Digest of a regular file.
pub(crate) fn digest_of(path: &Path) -> std::io::Result<String> {
    if fs::metadata(path)?.is_file() {
        let digest = Sha256::digest(fs::read(path)?);
        return Ok(digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")));
    }
    Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a regular file"))
}

/// Sizes joined by `-`, a hidden width that repeats more than twice in a row written once: `64-100x50-10`.
fn grouped(dims: &[usize]) -> String {
    let [input, hidden @ .., output] = dims else { return String::new() };
    let mut words = vec![input.to_string()];
    for run in hidden.chunk_by(|one, other| one == other) {
        match run {
            [width, _, _, ..] => words.push(format!("{}x{width}", run.len())),
            short => words.extend(short.iter().map(usize::to_string)),
        }
    }
    words.push(output.to_string());
    words.join("-")
}

impl fmt::Display for NetworkSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, activation: None } => write!(f, "file:{}", path.display()),
            Self::File { path, activation: Some(activation) } => write!(f, "file:{}?{activation}", path.display()),
            Self::Random { dims, activation, seed } => {
                let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
                write!(f, "random:{}:{activation}:{seed}", dims.join("-"))
            }
            Self::Chordal { width, depth } => write!(f, "chordal:W{width}-D{depth}"),
            Self::Eclipse { neurons, layers, round } => write!(f, "eclipse:{neurons}x{layers}:{round}"),
        }
    }
}

impl FromStr for NetworkSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let source = text.split_once(':').and_then(|(kind, rest)| match kind {
            "file" => {
                // The activation is what comes after the last `?`, if it is one: file names may have a `?` of their own.
                let with_activation =
                    rest.rsplit_once('?').and_then(|(path, word)| Some((path, word.parse::<Activation>().ok()?)));
                let (path, activation) = with_activation.map_or((rest, None), |(path, word)| (path, Some(word)));
                Some(Self::File { path: PathBuf::from(path), activation })
            }
            "random" => {
                let (dims, rest) = rest.split_once(':')?;
                // The activation may hold a colon of its own: `leaky:0.1`.
                let (activation, seed) = rest.rsplit_once(':')?;
                Some(Self::Random {
                    dims: sizes(dims).ok()?,
                    activation: activation.parse().ok()?,
                    seed: seed.parse().ok()?,
                })
            }
            "chordal" => {
                let (width, depth) = rest.strip_prefix('W')?.split_once("-D")?;
                Some(Self::Chordal { width: width.parse().ok()?, depth: depth.parse().ok()? })
            }
            "eclipse" => {
                let (size, round) = rest.split_once(':')?;
                let (neurons, layers) = size.split_once('x')?;
                Some(Self::Eclipse {
                    neurons: neurons.parse().ok()?,
                    layers: layers.parse().ok()?,
                    round: round.parse().ok()?,
                })
            }
            _ => None,
        });
        source.ok_or_else(|| SourceError::Text { text: text.to_owned() })
    }
}

/// Reads `10-64-64-3`, or `10-2x64-3` for the same.
///
/// # Errors
/// In words, unless there are two or more sizes above 0 and a number of weights that anybody could want.
pub fn sizes(text: &str) -> Result<Vec<usize>, String> {
    /// 8 GiB of weights; a random network beyond that is a slip of the keyboard.
    const LARGEST: u128 = 1 << 30;
    /// More layers than any network has.
    const MOST: usize = 1 << 16;
    let wrong = || "want two or more sizes above 0 joined by `-`, for example 10-64-64-3 or 10-100x64-3".to_owned();
    let mut sizes: Vec<usize> = Vec::new();
    for part in text.split('-') {
        let (count, width) = part.split_once('x').unwrap_or(("1", part));
        let number = |text: &str| text.parse::<usize>().ok().filter(|&number| number > 0).ok_or_else(wrong);
        let (count, width) = (number(count)?, number(width)?);
        if count > MOST || sizes.len() > MOST {
            return Err(format!("that would be more than {MOST} layers"));
        }
        sizes.extend(std::iter::repeat_n(width, count));
    }
    let weights: u128 = sizes.windows(2).map(|pair| pair[0] as u128 * pair[1] as u128).sum();
    if weights > LARGEST {
        return Err(format!("that would be {weights} weights; the largest random network has {LARGEST}"));
    }
    if sizes.len() < 2 { Err(wrong()) } else { Ok(sizes) }
}

impl TryFrom<String> for NetworkSource {
    type Error = SourceError;

    fn try_from(text: String) -> Result<Self, SourceError> {
        text.parse()
    }
}

impl From<NetworkSource> for String {
    fn from(source: NetworkSource) -> Self {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_back_as_written() {
        for text in [
            "file:data/iris.onnx",
            "file:a?b.npz?leaky:0.1",
            "file:a?b.npz",
            "random:10-64-3:leaky:0.1:7",
            "chordal:W10-D5",
            "eclipse:80x2:0",
        ] {
            assert_eq!(text.parse::<NetworkSource>().expect("valid").to_string(), text);
        }
        for text in ["", "random", "random:10:relu:0", "random:10-0-3:relu:0", "chordal:10x5", "eclipse:80:0", "url:x"]
        {
            assert!(text.parse::<NetworkSource>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_short_and_tell_networks_apart() {
        let name = |text: &str| text.parse::<NetworkSource>().expect("valid").name();
        assert_eq!(name("file:data/bc_relu.onnx.gz"), "bc_relu");
        assert_eq!(name("random:10-50x64-3:relu:1"), "10-50x64-3_relu_s1");
        assert_eq!(name("random:10-10-10-10-10:relu:1"), "10-3x10-10_relu_s1");
        assert_eq!(name("random:10-64-64-3:leaky:0.1:1"), "10-64-64-3_leaky0.1_s1");
        assert_eq!(name("eclipse:80x2:0"), "eclipse_n80-L2");
    }

    #[test]
    fn sizes_may_be_written_with_repeats() {
        assert_eq!(sizes("10-2x64-3"), sizes("10-64-64-3"));
        for text in ["", "10", "10-", "0-1", "10-0x5-3", "10-99999999999x2-3", "100000-100000", "a-b"] {
            assert!(sizes(text).is_err(), "{text}");
        }
    }
}
