//! The unknowns of the iteration: inputs `V_0` and a direction `g_j` for every hidden neuron, and their tangent vectors.
//!
//! One vector of `r` numbers for each signal, all in one row of memory: input block first, then the hidden blocks.

use faer::MatRef;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::columns::{Ball, SHORTEST, dot};
use crate::long::{add_scaled, long_dot};
use crate::relaxation::Relaxation;

/// Numbers of a long vector worked on together: they and one more piece stay in the first cache.
const PIECE: usize = 1024;

/// A point of the product of spheres, or a vector of the same shape.
#[derive(Debug, Clone)]
pub(crate) struct State {
    rank: usize,
    numbers: Vec<f64>,
    /// First signal of every block, and the number of signals.
    starts: Vec<usize>,
}

impl State {
    /// Zeros.
    pub(crate) fn zeros(relaxation: &Relaxation, rank: usize) -> Self {
        let mut starts = vec![0];
        for k in 0..relaxation.last() {
            starts.push(starts[k] + relaxation.system.len(k));
        }
        Self { rank, numbers: vec![0.0; rank * starts[relaxation.last()]], starts }
    }

    /// Independent random directions, which span everything: a start within a subspace never leaves it.
    pub(crate) fn random(relaxation: &Relaxation, rank: usize, random: &mut ChaCha8Rng) -> Self {
        let mut state = Self::zeros(relaxation, rank);
        for x in &mut state.numbers {
            *x = random.sample(StandardNormal);
        }
        state.normalise(relaxation);
        state
    }

    /// Length of every vector.
    pub(crate) fn rank(&self) -> usize {
        self.rank
    }

    /// Number of signals: inputs and hidden neurons.
    pub(crate) fn signals(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// Block `k` as a matrix, `r × n_k`; the input is block 0.
    pub(crate) fn block(&self, k: usize) -> MatRef<'_, f64> {
        let (from, to) = (self.starts[k], self.starts[k + 1]);
        MatRef::from_column_major_slice(&self.numbers[from * self.rank..to * self.rank], self.rank, to - from)
    }

    /// The vector of signal `j` of block `k`.
    pub(crate) fn vector(&self, k: usize, j: usize) -> &[f64] {
        let at = (self.starts[k] + j) * self.rank;
        &self.numbers[at..at + self.rank]
    }

    /// The same, to write to.
    pub(crate) fn vector_mut(&mut self, k: usize, j: usize) -> &mut [f64] {
        let at = (self.starts[k] + j) * self.rank;
        &mut self.numbers[at..at + self.rank]
    }

    /// Number of inputs.
    fn inputs(&self) -> usize {
        self.starts[1]
    }

    /// Returns to the spheres. Vectors without a direction stay as they are.
    pub(crate) fn normalise(&mut self, relaxation: &Relaxation) {
        let (input, hidden) = self.numbers.split_at_mut(self.starts[1] * self.rank);
        if relaxation.inputs == Ball::Whole {
            normalise(input);
        } else {
            input.chunks_exact_mut(self.rank).for_each(normalise);
        }
        hidden.chunks_exact_mut(self.rank).for_each(normalise);
    }

    /// `self ← the point of the spheres nearest to x + a d`.
    pub(crate) fn retract(&mut self, relaxation: &Relaxation, x: &Self, a: f64, d: &Self) {
        self.copy_from(x);
        self.add(a, d);
        self.normalise(relaxation);
    }

    /// Copies `other` without allocating.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.numbers.copy_from_slice(&other.numbers);
    }

    /// `self ← self + factor · other`.
    pub(crate) fn add(&mut self, factor: f64, other: &Self) {
        add_scaled(&mut self.numbers, factor, &other.numbers);
    }

    /// `Σ_j ⟨x_j, y_j⟩`.
    pub(crate) fn inner(&self, other: &Self) -> f64 {
        long_dot(&self.numbers, &other.numbers)
    }

    /// The inner products of several vectors with `x`, which is read piece by piece for all of them.
    pub(crate) fn inners<'a>(vectors: impl Iterator<Item = &'a Self>, x: &Self) -> Vec<f64> {
        let vectors: Vec<&[f64]> = vectors.map(|vector| &vector.numbers[..]).collect();
        let mut sums = vec![0.0; vectors.len()];
        for (at, piece) in x.numbers.chunks(PIECE).enumerate() {
            for (sum, vector) in sums.iter_mut().zip(&vectors) {
                *sum += long_dot(&vector[at * PIECE..at * PIECE + piece.len()], piece);
            }
        }
        sums
    }

    /// `self ← self + Σ factor · vector`, piece by piece.
    pub(crate) fn add_all(&mut self, vectors: &[(f64, &Self)]) {
        for (at, piece) in self.numbers.chunks_mut(PIECE).enumerate() {
            for (factor, vector) in vectors {
                add_scaled(piece, *factor, &vector.numbers[at * PIECE..at * PIECE + piece.len()]);
            }
        }
    }

    /// `Σ_j factor_j ⟨x_j, y_j⟩` with a factor for each signal.
    pub(crate) fn weighted_inner(&self, other: &Self, factors: &[f64]) -> f64 {
        let vectors = self.numbers.chunks_exact(self.rank).zip(other.numbers.chunks_exact(self.rank));
        vectors.zip(factors).map(|((x, y), factor)| factor * dot(x, y)).sum()
    }

    /// Multiplies the vector of each signal by its factor.
    pub(crate) fn scale(&mut self, factors: &[f64]) {
        for (vector, factor) in self.numbers.chunks_exact_mut(self.rank).zip(factors) {
            for x in vector.iter_mut() {
                *x *= factor;
            }
        }
    }

    /// `self ← factor · self`.
    pub(crate) fn multiply(&mut self, factor: f64) {
        for x in &mut self.numbers {
            *x *= factor;
        }
    }

    /// Takes away what does not lie in the tangent space of the spheres at `x`.
    pub(crate) fn project(&mut self, relaxation: &Relaxation, x: &Self) {
        let inputs = self.inputs() * self.rank;
        let (input, hidden) = self.numbers.split_at_mut(inputs);
        let (x_input, x_hidden) = x.numbers.split_at(inputs);
        if relaxation.inputs == Ball::Whole {
            remove(input, x_input);
        } else {
            remove_each(input, x_input, self.rank);
        }
        remove_each(hidden, x_hidden, self.rank);
    }
}

/// To length one, where there is a length.
fn normalise(vector: &mut [f64]) {
    let length = dot(vector, vector).sqrt();
    if length > SHORTEST {
        let factor = length.recip();
        for x in vector.iter_mut() {
            *x *= factor;
        }
    }
}

/// Removes from `vector` its part along the unit vector `x`.
fn remove(vector: &mut [f64], x: &[f64]) {
    let along = dot(x, vector);
    for (v, x) in vector.iter_mut().zip(x) {
        *v -= along * x;
    }
}

/// The same for every vector of a block.
fn remove_each(vectors: &mut [f64], x: &[f64], rank: usize) {
    for (vector, x) in vectors.chunks_exact_mut(rank).zip(x.chunks_exact(rank)) {
        remove(vector, x);
    }
}
