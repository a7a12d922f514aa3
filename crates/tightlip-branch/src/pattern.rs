//! Patterns: one end for every slope. The norm of the product is below the formal constant.
//!
//! A pattern is found by rounding a point of the vector relaxation: a random vector `g` (Goemans & Williamson 1995) makes
//! numbers of all its vectors, `x = V_0 g`, and forward through the chain neuron by neuron `y_j = β_j` where
//! `⟨g_j, g⟩ u_j > 0`, else `α_j`. It is improved by single flips, each a rank-one change of the product, as long as a few alternations between
//! inputs and outputs find that one helps.

use faer::Mat;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tightlip_model::{End, Face, IncrementSystem, Limits, Query, RelaxationPoint};

use crate::chain::{Chain, Ends};

/// Alternations between inputs and outputs for the norm of a flipped product; that of a kept one is iterated to the end.
const ALTERNATIONS: usize = 4;
/// Alternations between two looks at how much they gain.
const BETWEEN_LOOKS: usize = 4;
/// Looks at most for the norm of a product.
const MOST_LOOKS: usize = 200;
/// Relative gain that counts.
const GAIN: f64 = 1e-12;
/// A flip whose norm comes this close after one alternation is looked at more closely.
const NEARLY: f64 = 0.99;
/// Rounds through all neurons at most.
const MOST_ROUNDS: usize = 50;

/// A choice of slopes with the input at which its product is steepest.
#[derive(Debug, Clone)]
pub struct Pattern {
    ends: Ends,
    input: Vec<f64>,
    /// The norm of the product, from below and not proved.
    pub(crate) value: f64,
}

/// An input of a product and the norm it shows from below.
struct Steepest {
    input: Vec<f64>,
    value: f64,
}

/// The best pattern that rounding a point of the relaxation of `system` so many times gives, after flips; `None` for a system with
/// skip connections. As a point with one column, not proved; fewer roundings if a limit strikes, at least one.
///
/// # Panics
/// For norms other than ℓ2 or ℓ∞ in and ℓ2 or ℓ1 out.
pub fn best_pattern(
    (system, query): (&IncrementSystem, &Query),
    point: &RelaxationPoint,
    roundings: u64,
    limits: &Limits,
) -> Option<RelaxationPoint> {
    let chain = Chain::new(system, query)?;
    // Neurons with equal ends are free as well in a point of the whole system.
    let free = |_: usize, _: usize| None;
    Some(best_of(&chain, (point, &free), (limits.seed, roundings), limits).point(&chain))
}

/// The best of some roundings of a face's point, after flips.
pub(crate) fn incumbent(
    chain: &Chain,
    (face, point): (&Face, &RelaxationPoint),
    draws: (u64, u64),
    limits: &Limits,
) -> Pattern {
    best_of(chain, (&face.with_all_inputs(point), &|k, j| face.end(k, j)), draws, limits)
}

/// The best of `draws.1` roundings with the seed `draws.0`.
fn best_of(chain: &Chain, rounded_from: Rounded<'_>, draws: (u64, u64), limits: &Limits) -> Pattern {
    let mut random = ChaCha8Rng::seed_from_u64(draws.0);
    let mut draw = || climb(chain, rounded(chain, rounded_from, &mut random));
    let mut best = draw();
    for _ in 1..draws.1 {
        if limits.stop_requested() {
            break;
        }
        let next = draw();
        if next.value > best.value {
            best = next;
        }
    }
    best
}

/// What is rounded: a point with a vector for every input and every free neuron, and the slopes that are fixed.
type Rounded<'a> = (&'a RelaxationPoint, &'a dyn Fn(usize, usize) -> Option<End>);

impl Pattern {
    /// The pattern as a point of the relaxation with one column: directions are ±1.
    pub(crate) fn point(&self, chain: &Chain) -> RelaxationPoint {
        let mut signals = self.input.clone();
        let mut directions = Vec::new();
        for k in 1..=chain.hidden() {
            let incoming = times(&chain.maps[k - 1], &signals);
            let ends = &self.ends[k - 1];
            let sign = |j: usize| if (ends[j] == End::Upper) == (incoming[j] > 0.0) { 1.0 } else { -1.0 };
            directions.push(Mat::from_fn(1, incoming.len(), |_, j| sign(j)));
            signals = chain.through(k, ends, &incoming);
        }
        RelaxationPoint { input: Mat::from_fn(1, self.input.len(), |_, i| self.input[i]), directions }
    }
}

/// Rounds a point by a random vector.
fn rounded(chain: &Chain, (point, fixed): Rounded<'_>, random: &mut ChaCha8Rng) -> Pattern {
    let g: Vec<f64> = (0..point.input.nrows()).map(|_| random.sample(StandardNormal)).collect();
    let along = |matrix: &Mat<f64>, j: usize| -> f64 { column(matrix, j).iter().zip(&g).map(|(a, b)| a * b).sum() };
    let input: Vec<f64> = (0..chain.maps[0].ncols()).map(|j| along(&point.input, j)).collect();
    let mut signals = input.clone();
    chain.norms.place_input(&mut signals);
    let mut ends = Vec::new();
    for k in 1..=chain.hidden() {
        let incoming = times(&chain.maps[k - 1], &signals);
        let mut vectors = 0..;
        let mut leaning = |j: usize| {
            let vector = vectors.next().expect("there is no end of numbers");
            if along(&point.directions[k - 1], vector) * incoming[j] > 0.0 { End::Upper } else { End::Lower }
        };
        let block: Vec<End> = (0..incoming.len()).map(|j| fixed(k, j).unwrap_or_else(|| leaning(j))).collect();
        signals = chain.through(k, &block, &incoming);
        ends.push(block);
    }
    let steepest = steepest(chain, &product(chain, &ends), input);
    Pattern { ends, input: steepest.input, value: steepest.value }
}

/// Flips single slopes as long as that helps.
pub(crate) fn climb(chain: &Chain, mut pattern: Pattern) -> Pattern {
    for _ in 0..MOST_ROUNDS {
        let before = pattern.value;
        for k in 1..=chain.hidden() {
            flip_block(chain, &mut pattern, k);
        }
        if pattern.value <= before * (1.0 + GAIN) {
            break;
        }
    }
    pattern
}

/// Flips the slopes of one block, one after the other.
fn flip_block(chain: &Chain, pattern: &mut Pattern, k: usize) {
    let before = prefix(chain, &pattern.ends, k);
    let after = suffix(chain, &pattern.ends, k);
    // Rows as columns.
    let rows = before.transpose().to_owned();
    let mut product = &after * scaled_rows(chain, &before, &pattern.ends, k);
    let mut best = steepest(chain, &product, std::mem::take(&mut pattern.input));
    let mut image = times(&product, &best.input);
    for j in 0..before.nrows() {
        let end = pattern.ends[k - 1][j];
        let other = if end == End::Lower { End::Upper } else { End::Lower };
        let change = chain.slope(k, j, other) - chain.slope(k, j, end);
        if change == 0.0 {
            continue;
        }
        let (row, col) = (column(&rows, j), column(&after, j));
        // One alternation for the flipped product `J + change · col rowᵀ`, which is not formed.
        let along: f64 = change * row.iter().zip(&best.input).map(|(a, b)| a * b).sum::<f64>();
        let mut output: Vec<f64> = image.iter().zip(col).map(|(y, a)| y + along * a).collect();
        chain.norms.place_output(&mut output);
        let along: f64 = change * col.iter().zip(&output).map(|(a, b)| a * b).sum::<f64>();
        let mut input = transposed_times(&product, &output);
        input.iter_mut().zip(row).for_each(|(x, a)| *x += along * a);
        if chain.norms.place_input(&mut input) <= NEARLY * best.value {
            continue;
        }
        add_outer(&mut product, change, col, row);
        let tried = alternate(chain, &product, input, ALTERNATIONS);
        if tried.value > best.value * (1.0 + GAIN) {
            pattern.ends[k - 1][j] = other;
            best = tried;
            image = times(&product, &best.input);
        } else {
            add_outer(&mut product, -change, col, row);
        }
    }
    // The product has collected roundings.
    let product = &after * scaled_rows(chain, &before, &pattern.ends, k);
    let exact = steepest(chain, &product, best.input);
    (pattern.input, pattern.value) = (exact.input, exact.value);
}

/// Adds `factor · a bᵀ`.
fn add_outer(product: &mut Mat<f64>, factor: f64, a: &[f64], b: &[f64]) {
    for (c, b) in b.iter().enumerate() {
        let scaled = factor * b;
        let target = product.col_mut(c).try_as_col_major_mut().expect("columns of an owned matrix are contiguous");
        target.as_slice_mut().iter_mut().zip(a).for_each(|(p, a)| *p += scaled * a);
    }
}

/// `W_k Y_{k−1} ⋯ Y_1 W_1`.
fn prefix(chain: &Chain, ends: &Ends, k: usize) -> Mat<f64> {
    let mut product = chain.maps[0].clone();
    for block in 1..k {
        product = &chain.maps[block] * scaled_rows(chain, &product, ends, block);
    }
    product
}

/// `W_{H+1} Y_H ⋯ Y_{k+1} W_{k+1}`.
fn suffix(chain: &Chain, ends: &Ends, k: usize) -> Mat<f64> {
    let mut product = chain.maps[chain.hidden()].clone();
    for block in (k + 1..=chain.hidden()).rev() {
        let map = scaled_rows(chain, &chain.maps[block - 1], ends, block);
        product = product * map;
    }
    product
}

/// The rows of a matrix times the slopes of a block.
fn scaled_rows(chain: &Chain, matrix: &Mat<f64>, ends: &Ends, block: usize) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| chain.slope(block, i, ends[block - 1][i]) * matrix[(i, j)])
}

/// `W_{H+1} Y_H ⋯ Y_1 W_1`.
fn product(chain: &Chain, ends: &Ends) -> Mat<f64> {
    let hidden = chain.hidden();
    if hidden == 0 {
        return chain.maps[0].clone();
    }
    &chain.maps[hidden] * scaled_rows(chain, &prefix(chain, ends, hidden), ends, hidden)
}

/// The steepest input of a matrix that alternation reaches from a start.
fn steepest(chain: &Chain, matrix: &Mat<f64>, input: Vec<f64>) -> Steepest {
    let mut here = alternate(chain, matrix, input, 1);
    for _ in 0..MOST_LOOKS {
        let next = alternate(chain, matrix, here.input.clone(), BETWEEN_LOOKS);
        let gained = next.value > here.value * (1.0 + GAIN);
        if next.value >= here.value {
            here = next;
        }
        if !gained {
            break;
        }
    }
    here
}

/// Alternates between the best output for the input and the best input for the output; the value never falls.
fn alternate(chain: &Chain, matrix: &Mat<f64>, mut input: Vec<f64>, rounds: usize) -> Steepest {
    let mut value = 0.0;
    chain.norms.place_input(&mut input);
    for _ in 0..rounds {
        let mut output = times(matrix, &input);
        chain.norms.place_output(&mut output);
        let mut next = transposed_times(matrix, &output);
        value = chain.norms.place_input(&mut next);
        if value == 0.0 {
            // Nothing gets through: there is no better input.
            break;
        }
        input = next;
    }
    Steepest { input, value }
}

/// `M x`.
fn times(matrix: &Mat<f64>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; matrix.nrows()];
    for (j, x) in x.iter().enumerate() {
        y.iter_mut().zip(column(matrix, j)).for_each(|(y, m)| *y += m * x);
    }
    y
}

/// `Mᵀ y`.
fn transposed_times(matrix: &Mat<f64>, y: &[f64]) -> Vec<f64> {
    (0..matrix.ncols()).map(|j| column(matrix, j).iter().zip(y).map(|(m, y)| m * y).sum()).collect()
}

/// Column `j`.
fn column(matrix: &Mat<f64>, j: usize) -> &[f64] {
    matrix.col(j).try_as_col_major().expect("columns of an owned matrix are contiguous").as_slice()
}

#[cfg(test)]
mod tests;
