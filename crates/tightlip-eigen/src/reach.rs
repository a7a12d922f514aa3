//! How far signals go, and what it costs to say so with multipliers.
//!
//! For inputs with `‖δ_0‖² ≤ R_0` (1 for ℓ2, `n_0` for ℓ∞) the signals of a hidden block `k` with slopes of magnitude `g` at most
//! have `‖δ_k‖² ≤ R_k` and `δ_j² ≤ b_j`, where
//!
//!   `√R_k = g Σ_i ‖W_{k,i}‖ √R_i`,   `√b_j = g_j Σ_i ‖row j of W_{k,i}‖ √R_i`.
//!
//! For chains with slopes `[0, 1]` these are the numbers of LipDiff (Wang et al. 2024).
//!
//! *Multipliers instead*: for slopes `[α, β]` of magnitude `g` and `c = g/(β − α)` the quadratic form of a neuron has
//! `2c(δ − αs)(δ − βs) ≥ δ² − g²s²`, and by Cauchy and Schwarz with weights `g²‖s_k‖² ≤ √R_k Σ_i g‖W_{k,i}‖/√R_i ‖δ_i‖²`. So
//! adding `e_k c_j` to the `λ_j` of every block, with
//!
//!   `e_i = own_i + Σ_k e_k √R_k g‖W_{k,i}‖/√R_i`   backwards over the blocks,
//!
//! and `e_0` to the weights of the inputs makes the pencil larger by `own_k` on every block `k`, and `R_0 e_0 = Σ_k own_k R_k`:
//! nothing is lost on the way. Nearly linear neurons have `c` cut off at `1/ε`, and `g²` larger by `1 + ε`.

use tightlip_model::{Edge, IncrementSystem, Norm, SlopeInterval, spectral_norm};

/// Neurons whose slopes differ by less than this part of their magnitude are nearly linear.
const NEARLY_LINEAR: f64 = 1e-3;

/// What LipDiff's constraints say about the relaxation with ℓ2 outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceBounds {
    /// A bound of its trace by the norms of the layers: the smallest safe weight of the penalty that is known.
    pub rho_tight: f64,
    /// The published bound.
    pub rho_code: f64,
    /// `b_j` of every hidden neuron, block by block.
    pub rows: Vec<f64>,
}

impl TraceBounds {
    /// The bounds for `system` with inputs bounded in `input_norm`, ℓ2 or ℓ∞.
    pub fn new(system: &IncrementSystem, input_norm: Norm) -> Self {
        let reach = Reach::new(system, input_norm);
        Self { rho_tight: reach.rho_tight(), rho_code: reach.rho_code(), rows: reach.rows }
    }
}

/// Reaches of all blocks of a system.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    /// `R_k` of every block, the output's included: the square of the product of norms.
    squares: Vec<f64>,
    /// `b_j` of the hidden neurons, block by block.
    rows: Vec<f64>,
    /// `c_j` of the hidden neurons.
    conversions: Vec<f64>,
    /// Where each hidden block begins among the neurons, and their number; the input block is empty here.
    starts: Vec<usize>,
    edges: Vec<Steepness>,
}

/// The norms of an edge, times the magnitude of the slopes behind it.
#[derive(Debug, Clone)]
struct Steepness {
    from: usize,
    to: usize,
    /// `g‖W‖`.
    norm: f64,
    /// `g_j‖row j of W‖`.
    rows: Vec<f64>,
}

impl Reach {
    /// The reaches of `system` for inputs bounded in `input_norm`: ℓ∞, or ℓ2 for every other.
    pub(crate) fn new(system: &IncrementSystem, input_norm: Norm) -> Self {
        let last = system.output_block();
        let edges: Vec<Steepness> = system.edges().iter().map(|edge| Steepness::of(system, edge)).collect();
        let mut squares = vec![if input_norm == Norm::LInf { system.len(0) as f64 } else { 1.0 }];
        let (mut rows, mut conversions, mut starts) = (Vec::new(), Vec::new(), vec![0, 0]);
        for k in 1..=last {
            let into = || edges.iter().filter(|edge| edge.to == k);
            let norm: f64 = into().map(|edge| edge.norm * squares[edge.from].sqrt()).sum();
            squares.push(norm * norm);
            if k < last {
                let row = |j: usize| into().map(|edge| edge.rows[j] * squares[edge.from].sqrt()).sum::<f64>().powi(2);
                rows.extend((0..system.len(k)).map(row));
                conversions.extend(system.slopes(k).iter().map(|&slope| conversion(slope)));
                starts.push(rows.len());
            }
        }
        Self { squares, rows, conversions, starts, edges }
    }

    /// `b_j` of every hidden neuron.
    pub(crate) fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// The product of norms: for a chain `√R_0 Π_k ‖W_k‖`.
    pub(crate) fn norm_product(&self) -> f64 {
        self.squares[self.squares.len() - 1].sqrt()
    }

    /// A bound of the trace of the relaxation for ℓ2 outputs, block by block: `1 + Σ_k R_k`.
    pub(crate) fn rho_tight(&self) -> f64 {
        1.0 + self.squares[..self.squares.len() - 1].iter().sum::<f64>()
    }

    /// The same neuron by neuron, as published: `1 + R_0 + Σ_j b_j`, and never below [`Self::rho_tight`], which it is not for
    /// chains.
    pub(crate) fn rho_code(&self) -> f64 {
        (1.0 + self.squares[0] + self.rows.iter().sum::<f64>()).max(self.rho_tight())
    }

    /// Adds to `λ` of every hidden neuron what makes the pencil larger by `own_k` on every block and by `kappa_j` at every
    /// neuron; returns what every input weight needs for it.
    pub(crate) fn enlarge(&self, own: &[f64], kappa: &[f64], lambda: &mut [f64]) -> f64 {
        let mut needs = own.to_vec();
        for edge in self.edges.iter().filter(|edge| edge.to < own.len()) {
            let neurons = self.starts[edge.to]..self.starts[edge.to + 1];
            for ((j, row), kappa) in neurons.clone().zip(&edge.rows).zip(&kappa[neurons]) {
                if *row > 0.0 {
                    needs[edge.from] += kappa * self.rows[j].sqrt() * row / self.squares[edge.from].sqrt();
                }
            }
        }
        for k in (1..own.len()).rev() {
            for edge in self.edges.iter().filter(|edge| edge.to == k && edge.norm > 0.0) {
                needs[edge.from] += needs[k] * (self.squares[k] / self.squares[edge.from]).sqrt() * edge.norm;
            }
            for j in self.starts[k]..self.starts[k + 1] {
                lambda[j] += (needs[k] + kappa[j]) * self.conversions[j];
            }
        }
        needs[0]
    }

    /// Makes the pencil larger by `surplus_j` at every hidden neuron and by `inputs` at every input, by the cheaper of two ways for
    /// each block: the same for all its neurons, or each its own. Returns what every input weight needs for it.
    pub(crate) fn enlarge_by(&self, inputs: f64, surplus: &[f64], lambda: &mut [f64]) -> f64 {
        let last = self.squares.len() - 1;
        let mut own = vec![0.0; last];
        own[0] = inputs;
        let mut kappa = surplus.to_vec();
        for (k, own) in own.iter_mut().enumerate().skip(1) {
            let neurons = self.starts[k]..self.starts[k + 1];
            let largest = surplus[neurons.clone()].iter().fold(0.0_f64, |most, s| most.max(*s));
            let each: f64 = neurons.clone().map(|j| surplus[j] * self.rows[j]).sum();
            if largest * self.squares[k] < each {
                *own = largest;
                kappa[neurons].fill(0.0);
            }
        }
        self.enlarge(&own, &kappa, lambda)
    }

    /// What every input and hidden block must have for the couplings into the outputs, with the outputs' weight
    /// [`Self::norm_product`].
    pub(crate) fn before_outputs(&self) -> Vec<f64> {
        let last = self.squares.len() - 1;
        let mut own = vec![0.0; last];
        for edge in self.edges.iter().filter(|edge| edge.to == last && edge.norm > 0.0) {
            own[edge.from] += edge.norm / self.squares[edge.from].sqrt();
        }
        own
    }
}

impl Steepness {
    fn of(system: &IncrementSystem, edge: &Edge) -> Self {
        let matrix = edge.map.to_dense();
        let hidden = edge.to < system.output_block();
        let gain = |j: usize| if hidden { gain(system.slopes(edge.to)[j]) } else { 1.0 };
        let rows = (0..matrix.nrows()).map(|j| gain(j) * matrix.row(j).norm_l2()).collect();
        let steepest = (0..matrix.nrows()).map(gain).fold(0.0, f64::max);
        Self { from: edge.from, to: edge.to, norm: steepest * spectral_norm(matrix.as_ref()), rows }
    }
}

/// Whether the sector is so narrow that `c` is cut off.
fn is_nearly_linear(slope: SlopeInterval) -> bool {
    slope.upper() - slope.lower() < NEARLY_LINEAR * slope.magnitude()
}

/// `g`, larger for nearly linear neurons.
fn gain(slope: SlopeInterval) -> f64 {
    slope.magnitude() * if is_nearly_linear(slope) { (1.0 + NEARLY_LINEAR).sqrt() } else { 1.0 }
}

/// `c`; 1 for a constant neuron, whose form is `2c δ²`.
fn conversion(slope: SlopeInterval) -> f64 {
    let magnitude = slope.magnitude();
    if magnitude == 0.0 { 1.0 } else { magnitude / (slope.upper() - slope.lower()).max(NEARLY_LINEAR * magnitude) }
}
