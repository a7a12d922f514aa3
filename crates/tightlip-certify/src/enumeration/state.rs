//! What is kept up to date while slopes of one layer change: `M` and the weighted left arm, or the row itself.
//!
//! Columns are padded with zeros to a multiple of [`LANES`]; zeros are exact.

use faer::Mat;
use tightlip_model::SlopeInterval;

use super::arm::times_view;
use super::spectral::stays_below;
use crate::directed::{UNDERFLOW, inflated, sqrt_up};

/// Independent partial sums: enough to hide the latency of an addition.
const LANES: usize = 4;

/// The state for one measure or the other.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// Of the spectral norm.
    Gram(GramState),
    /// Of the sum of a row.
    Row(RowState),
}

impl State {
    /// Takes another `R̂ᵀ`, inputs by neurons.
    pub(super) fn turn_to(&mut self, right: &Mat<f64>) {
        match self {
            Self::Gram(state) => state.kernel = padded(&times_view(right.transpose(), right.as_ref())),
            Self::Row(state) => state.right = padded(right),
        }
    }

    /// Takes another `L̂`, outputs by neurons.
    pub(super) fn weigh_by(&mut self, left: &Mat<f64>, slopes: &[SlopeInterval]) {
        let (Self::Gram(GramState { levels, .. }) | Self::Row(RowState { levels, .. })) = self;
        *levels = Levels::new(left, slopes);
    }

    /// Begins at these slopes of the layer.
    pub(super) fn begin(&mut self, slopes: &[f64]) {
        match self {
            Self::Gram(state) => state.begin(slopes),
            Self::Row(state) => state.begin(slopes),
        }
    }

    /// Takes the slope of one neuron to its upper end or back.
    pub(super) fn change(&mut self, neuron: usize, upwards: bool) {
        match self {
            Self::Gram(state) => state.change(neuron, upwards),
            Self::Row(state) => state.change(neuron, upwards),
        }
    }

    /// Whether the computed measure (squared, if it is the spectral norm) is shown to be at most `limit`.
    pub(super) fn is_within(&mut self, limit: f64) -> bool {
        match self {
            Self::Gram(state) => state.is_within(limit),
            Self::Row(state) => state.sum <= limit,
        }
    }
}

/// `α_j ℓ̂_j` and `β_j ℓ̂_j`, and the way between them; by neurons, then outputs.
#[derive(Debug, Clone, Default)]
struct Levels {
    left: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    rise: Vec<f64>,
}

impl Levels {
    fn new(left: &Mat<f64>, slopes: &[SlopeInterval]) -> Self {
        let mut levels = Self::default();
        for (column, slope) in left.col_iter().zip(slopes) {
            for &l in column.iter() {
                levels.left.push(l);
                levels.lower.push(slope.lower() * l);
                levels.upper.push(slope.upper() * l);
                levels.rise.push((slope.upper() - slope.lower()) * l);
            }
        }
        levels
    }
}

/// For the spectral norm: `M` and `L Y`, neurons by outputs.
#[derive(Debug, Clone)]
pub(super) struct GramState {
    stride: usize,
    outputs: usize,
    /// `K`, by columns.
    kernel: Vec<f64>,
    levels: Levels,
    /// `(L Y)ᵀ`, by columns.
    weights: Vec<f64>,
    /// `M = K Y Lᵀ`, by columns.
    images: Vec<f64>,
    /// `tr L Y M`.
    trace: f64,
    gram: Mat<f64>,
    scratch: Vec<f64>,
}

impl GramState {
    /// For so many neurons and outputs.
    pub(super) fn new(neurons: usize, outputs: usize) -> Self {
        let stride = neurons.next_multiple_of(LANES);
        Self {
            stride,
            outputs,
            kernel: vec![0.0; stride * neurons],
            levels: Levels::default(),
            weights: vec![0.0; stride * outputs],
            images: vec![0.0; stride * outputs],
            trace: 0.0,
            gram: Mat::zeros(outputs, outputs),
            scratch: vec![0.0; outputs * outputs],
        }
    }

    fn begin(&mut self, slopes: &[f64]) {
        self.trace = 0.0;
        for c in 0..self.outputs {
            let weights = &mut self.weights[c * self.stride..][..self.stride];
            let images = &mut self.images[c * self.stride..][..self.stride];
            images.fill(0.0);
            for (j, &slope) in slopes.iter().enumerate() {
                weights[j] = slope * self.levels.left[j * self.outputs + c];
                let kernel = &self.kernel[j * self.stride..][..self.stride];
                images.iter_mut().zip(kernel).for_each(|(image, k)| *image += weights[j] * k);
            }
            self.trace += dot(weights, images);
        }
    }

    fn change(&mut self, neuron: usize, upwards: bool) {
        let kernel = &self.kernel[neuron * self.stride..][..self.stride];
        self.trace = 0.0;
        for c in 0..self.outputs {
            let place = neuron * self.outputs + c;
            let weights = &mut self.weights[c * self.stride..][..self.stride];
            let images = &mut self.images[c * self.stride..][..self.stride];
            let rise = self.levels.rise[place];
            weights[neuron] = if upwards { self.levels.upper[place] } else { self.levels.lower[place] };
            self.trace += add_and_dot(images, if upwards { rise } else { -rise }, kernel, weights);
        }
    }

    fn is_within(&mut self, limit: f64) -> bool {
        self.trace <= limit || self.outputs > 1 && self.gram_is_within(limit)
    }

    /// The Frobenius norm of the Gram matrix, then a factorisation.
    fn gram_is_within(&mut self, limit: f64) -> bool {
        let mut squares = 0.0;
        for i in 0..self.outputs {
            for j in 0..=i {
                let weights = &self.weights[i * self.stride..][..self.stride];
                let entry = dot(weights, &self.images[j * self.stride..][..self.stride]);
                self.gram[(i, j)] = entry;
                squares += if i == j { entry * entry } else { 2.0 * entry * entry };
            }
        }
        let squares = inflated(squares, self.outputs * self.outputs) + UNDERFLOW;
        limit > 0.0 && (sqrt_up(squares) <= limit || stays_below(&self.gram, limit, &mut self.scratch))
    }
}

/// For the sum of a row: the row.
#[derive(Debug, Clone)]
pub(super) struct RowState {
    stride: usize,
    /// `R̂ᵀ`, by columns.
    right: Vec<f64>,
    levels: Levels,
    row: Vec<f64>,
    /// `Σ |row|`.
    sum: f64,
}

impl RowState {
    /// For so many neurons and inputs.
    pub(super) fn new(neurons: usize, inputs: usize) -> Self {
        let stride = inputs.next_multiple_of(LANES);
        let right = vec![0.0; stride * neurons];
        Self { stride, right, levels: Levels::default(), row: vec![0.0; stride], sum: 0.0 }
    }

    fn begin(&mut self, slopes: &[f64]) {
        self.row.fill(0.0);
        for (j, &slope) in slopes.iter().enumerate() {
            self.add(j, slope * self.levels.left[j]);
        }
    }

    fn change(&mut self, neuron: usize, upwards: bool) {
        let rise = self.levels.rise[neuron];
        self.add(neuron, if upwards { rise } else { -rise });
    }

    /// Adds a multiple of the row of one neuron.
    fn add(&mut self, neuron: usize, factor: f64) {
        let right = &self.right[neuron * self.stride..][..self.stride];
        let mut lanes = [0.0; LANES];
        let (rows, _) = self.row.as_chunks_mut::<LANES>();
        for (row, right) in rows.iter_mut().zip(right.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                row[lane] += factor * right[lane];
                lanes[lane] += row[lane].abs();
            }
        }
        self.sum = lanes.iter().sum();
    }
}

/// The entries by columns, padded.
fn padded(matrix: &Mat<f64>) -> Vec<f64> {
    let stride = matrix.nrows().next_multiple_of(LANES);
    let mut entries = vec![0.0; stride * matrix.ncols()];
    for (column, entries) in matrix.col_iter().zip(entries.chunks_mut(stride)) {
        column.iter().zip(entries).for_each(|(x, entry)| *entry = *x);
    }
    entries
}

/// `x ← x + a k`, then `Σ c x`.
fn add_and_dot(x: &mut [f64], a: f64, k: &[f64], c: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let parts = k.as_chunks::<LANES>().0.iter().zip(c.as_chunks::<LANES>().0);
    for (x, (k, c)) in x.as_chunks_mut::<LANES>().0.iter_mut().zip(parts) {
        for lane in 0..LANES {
            x[lane] += a * k[lane];
            lanes[lane] += c[lane] * x[lane];
        }
    }
    lanes.iter().sum()
}

/// `Σ c x`.
fn dot(c: &[f64], x: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (c, x) in c.as_chunks::<LANES>().0.iter().zip(x.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += c[lane] * x[lane];
        }
    }
    lanes.iter().sum()
}
