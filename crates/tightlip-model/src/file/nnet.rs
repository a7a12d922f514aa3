//! `.nnet`: the text format of the Stanford NNet repository (K. D. Julian and others), used for ACAS Xu and by many
//! verifiers. ReLU stands between the layers by definition.
//!
//! After comment lines that begin with `//`, comma-separated lines hold: the number of layers L, of inputs, of outputs and
//! the largest layer; the L + 1 layer sizes; an unused flag; the minima and the maxima of the inputs; the means and the
//! ranges of the inputs and, as one last number, of all outputs; then for each layer its weights, one line for each
//! output, and its biases, one line for each.
//!
//! The function is `range_out · N((x − mean) / range) + mean_out`; these maps are layers of the network unless they are
//! skipped or change nothing. Programs of that family also clip `x` to the minima and maxima first. That is left out:
//! clipping moves no two inputs apart, so every bound for the unclipped network holds for the clipped one in ℓ2 and in
//! every other ℓp norm.

use std::fmt::Write;

use crate::{Activation, Affine, Layer, LinearMap, Network};

use super::array::{Array, Order};
use super::fault::Fault;
use super::{Normalisation, Source, chain};

/// Written as minima and maxima: no clipping, yet finite in single precision too.
const NO_LIMIT: &str = "1e30";

/// What stands before the weights.
struct Header {
    sizes: Vec<usize>,
    means: Vec<f64>,
    ranges: Vec<f64>,
}

/// Reads a ReLU network with its normalisation.
pub(super) fn read(source: &Source) -> Result<Network, Fault> {
    let text = str::from_utf8(source.bytes).map_err(|error| {
        Fault::new(format!("not a text file: byte {} is not UTF-8", error.valid_up_to() + 1))
            .advise("want the .nnet format of the Stanford NNet repository")
    })?;
    let mut lines = Lines::of(text);
    let header = header(&mut lines)?;
    let mut layers = Vec::new();
    for (k, pair) in header.sizes.windows(2).enumerate() {
        if k > 0 {
            layers.push(Layer::Activation(Activation::Relu));
        }
        layers.push(Layer::Affine(layer(&mut lines, pair[0], pair[1], k + 1)?));
    }
    if let Some((number, _)) = lines.next_line() {
        return Err(Fault::new(format!("line {number} comes after the last layer")).advise("check the layer sizes"));
    }
    match source.options.normalisation {
        Normalisation::Apply => Ok(Network::new(normalised(&header, layers))?),
        Normalisation::Skip => Ok(Network::new(layers)?),
    }
}

/// The lines before the weights.
fn header(lines: &mut Lines) -> Result<Header, Fault> {
    let counts = lines.sizes(4, "the numbers of layers, inputs, outputs and the largest layer")?;
    let wanted = counts[0].checked_add(1).ok_or_else(|| Fault::new("the number of layers overflows"))?;
    let sizes = lines.sizes(wanted, "one size for each layer and one for the inputs")?;
    if sizes.len() < 2 || sizes[0] != counts[1] || sizes[wanted - 1] != counts[2] {
        return Err(Fault::new(format!(
            "the layer sizes {sizes:?} contradict the {} layers, {} inputs and {} outputs announced before them",
            counts[0], counts[1], counts[2]
        )));
    }
    // The flag once said whether the network is symmetric; no program uses it.
    lines.next_line().ok_or_else(|| cut_off("the unused flag"))?;
    let inputs = sizes[0];
    lines.numbers(inputs, "the minima of the inputs")?;
    lines.numbers(inputs, "the maxima of the inputs")?;
    let means = lines.numbers(inputs.saturating_add(1), "the means of the inputs and of the outputs")?;
    let ranges = lines.numbers(inputs.saturating_add(1), "the ranges of the inputs and of the outputs")?;
    if let Some(i) = ranges[..inputs].iter().position(|&range| range == 0.0) {
        return Err(Fault::new(format!("the range of input {i} is 0, and inputs are divided by it"))
            .advise("set ranges that mean nothing to 1"));
    }
    Ok(Header { sizes, means, ranges })
}

/// Weights row by row, then biases.
fn layer(lines: &mut Lines, inputs: usize, outputs: usize, position: usize) -> Result<Affine, Fault> {
    let mut values = Vec::new();
    for row in 0..outputs {
        values.extend(lines.numbers(inputs, &format!("row {row} of the weights of layer {position}"))?);
    }
    let mut bias = Vec::new();
    for row in 0..outputs {
        bias.extend(lines.numbers(1, &format!("bias {row} of layer {position}"))?);
    }
    let weights = Array { dims: vec![outputs, inputs], values, order: Order::RowMajor };
    Ok(Affine::new(weights.to_map()?, bias))
}

/// The layers between the maps of the normalisation, as far as these change anything.
fn normalised(header: &Header, layers: Vec<Layer>) -> Vec<Layer> {
    let (inputs, outputs) = (header.sizes[0], header.sizes[header.sizes.len() - 1]);
    let (means, ranges) = (&header.means[..inputs], &header.ranges[..inputs]);
    let mut all = vec![Layer::Affine(Affine::new(LinearMap::identity(inputs), means.iter().map(|m| -m).collect()))];
    if ranges.iter().any(|&range| range != 1.0) {
        all.push(Layer::Affine(Affine::new(LinearMap::Divide(ranges.to_vec()), Vec::new())));
    }
    all.extend(layers);
    let scale = LinearMap::Scale(vec![header.ranges[inputs]; outputs]);
    all.push(Layer::Affine(Affine::new(scale, vec![header.means[inputs]; outputs])));
    all
}

/// The lines that are neither empty nor comments, with their numbers.
struct Lines<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { lines: text.lines().enumerate() }
    }

    /// The next line and its number, which counts from 1.
    fn next_line(&mut self) -> Option<(usize, &'a str)> {
        self.lines
            .by_ref()
            .map(|(index, line)| (index + 1, line.trim()))
            .find(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }

    /// The `count` fields of the next line, converted. The line is measured before memory is taken for `count` numbers.
    fn fields<T>(&mut self, count: usize, content: &str, convert: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Fault> {
        let (number, line) = self.next_line().ok_or_else(|| cut_off(content))?;
        let line = line.strip_suffix(',').unwrap_or(line);
        let found = line.split(',').count();
        if found != count {
            return Err(Fault::new(format!("line {number} has {found} numbers: want {count}, {content}")));
        }
        line.split(',')
            .map(|field| {
                let field = field.trim();
                convert(field)
                    .ok_or_else(|| Fault::new(format!("line {number}: `{}` is not a number", abridged(field))))
            })
            .collect()
    }

    fn numbers(&mut self, count: usize, content: &str) -> Result<Vec<f64>, Fault> {
        self.fields(count, content, |field| field.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    fn sizes(&mut self, count: usize, content: &str) -> Result<Vec<usize>, Fault> {
        self.fields(count, content, |field| field.parse().ok())
    }
}

fn cut_off(content: &str) -> Fault {
    Fault::new(format!("the file ends before {content}")).advise("the file is cut off: copy or download it again")
}

/// A field short enough to be shown.
fn abridged(field: &str) -> String {
    const SHOWN: usize = 20;
    if field.chars().count() <= SHOWN { field.to_owned() } else { field.chars().take(SHOWN).chain(['…']).collect() }
}

/// Writes a plain ReLU chain without normalisation and without limits on the inputs.
pub(super) fn write(network: &Network) -> Result<Vec<u8>, Fault> {
    let plain = chain::plain(network, ".nnet")?;
    if let Some(activation) = plain.activation.filter(|activation| *activation != Activation::Relu) {
        return Err(Fault::new(format!(".nnet files are ReLU by definition, but this network has {activation}"))
            .advise("write .json or .onnx, which hold every network"));
    }
    let mut sizes = vec![network.inputs()];
    sizes.extend(plain.layers.iter().map(|(weights, _)| weights.nrows()));
    let largest = sizes.iter().max().copied().unwrap_or_default();
    let mut text = String::from("// NNet text format, written by tightlip\n");
    let mut line = |fields: &mut dyn Iterator<Item = String>| {
        for field in fields {
            write!(text, "{field},").expect("writing to a string cannot fail");
        }
        text.push('\n');
    };
    let (inputs, outputs) = (network.inputs(), network.outputs());
    line(&mut [plain.layers.len(), inputs, outputs, largest].iter().map(usize::to_string));
    line(&mut sizes.iter().map(usize::to_string));
    line(&mut ["0".to_owned()].into_iter());
    line(&mut (0..inputs).map(|_| format!("-{NO_LIMIT}")));
    line(&mut (0..inputs).map(|_| NO_LIMIT.to_owned()));
    line(&mut (0..=inputs).map(|_| "0.0".to_owned()));
    line(&mut (0..=inputs).map(|_| "1.0".to_owned()));
    for (weights, bias) in &plain.layers {
        for row in weights.row_iter() {
            line(&mut row.iter().map(|weight| format!("{weight:?}")));
        }
        for entry in *bias {
            line(&mut std::iter::once(format!("{entry:?}")));
        }
    }
    Ok(text.into_bytes())
}
