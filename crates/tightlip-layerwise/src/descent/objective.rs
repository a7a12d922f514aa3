//! The bound as a smooth function of the logarithms of the multipliers, with its gradient.
//!
//! With `S = W_{H+1} M_H⁻¹ W_{H+1}ᵀ` scaled by the output weights, `Ŝ = Q^{-1/2} S Q^{-1/2}`, and totals `Σd`, `Σq` of the weights,
//!
//!   `log L_p = ½ (log Σd + log Σq + (1/p) log tr Ŝ^p)`,   `L ≤ L_p ≤ m^{1/(2p)} L`.
//!
//! One backward pass gives the gradient: with `Y = Ŝ^{p−1}/tr Ŝ^p`,
//!
//!   `v_H = M_H⁻¹ W_{H+1}ᵀ Q^{-1/2} Y^{1/2}`,   `v_{k−1} = X_{k−1}⁻¹ W_kᵀ ΛS v_k`,
//!   `∂ log L_p / ∂ log λ_i = −λ_i Σ_columns (v_k − A W_k v_{k−1})_i (v_k − B W_k v_{k−1})_i`,
//!   `∂ / ∂ log d_i = ½ (d_i/Σd − d_i Σ (v_0)_i²)`,   `∂ / ∂ log q_i = ½ (q_i/Σq − (Ŝ^p)_{ii}/tr Ŝ^p)`.
//!
//! In the units of [`Forward`](crate::Forward) the powers of two cancel from all of these.

use std::f64::consts::LN_2;

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_upper_triangular_in_place;
use faer::{Accum, Mat, MatRef, Par, Side};
use tightlip_model::{Multipliers, Norm, Weight};

use crate::{Chain, Eliminated, Forward, NotFeasible};

/// Which logarithms are variables, and where they lie: hidden layers in order, inputs, outputs.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Neurons of each hidden layer.
    layers: Vec<usize>,
    /// Inputs with weights of their own: 0 for ℓ2.
    inputs: usize,
    /// Outputs with weights of their own: 0 for ℓ2.
    outputs: usize,
}

impl Layout {
    /// The variables of a chain for these norms of its ends.
    pub(super) fn new(chain: &Chain, (input, output): (Norm, Norm)) -> Self {
        let hidden = chain.hidden_layers();
        let free = |norm: Norm, len: usize| if norm == Norm::L2 { 0 } else { len };
        Self {
            layers: (1..=hidden).map(|k| chain.slopes(k).len()).collect(),
            inputs: free(input, chain.map(1).ncols()),
            outputs: free(output, chain.map(hidden + 1).nrows()),
        }
    }

    /// Where hidden layer `k = 1 …` begins.
    fn layer(&self, k: usize) -> std::ops::Range<usize> {
        let begin: usize = self.layers[..k - 1].iter().sum();
        begin..begin + self.layers[k - 1]
    }

    /// The inputs' places.
    fn input(&self) -> std::ops::Range<usize> {
        let begin: usize = self.layers.iter().sum();
        begin..begin + self.inputs
    }

    /// The outputs' places.
    fn output(&self) -> std::ops::Range<usize> {
        let begin = self.input().end;
        begin..begin + self.outputs
    }

    /// The logarithms of an eliminated chain's multipliers, with weights one of the ends.
    pub(super) fn logarithms(&self, forward: &Forward<'_>) -> Vec<f64> {
        let mut x = Vec::with_capacity(self.variables());
        for k in 1..=self.layers.len() {
            let (multipliers, exponent) = forward.eliminated(k);
            x.extend(multipliers.iter().map(|lambda| lambda.ln() - 2.0 * f64::from(exponent) * LN_2));
        }
        x.resize(self.variables(), 0.0);
        x
    }

    /// The variables.
    pub(super) fn variables(&self) -> usize {
        self.output().end
    }
}

/// A point where all pivots are positive.
pub(super) struct Point<'c> {
    chain: &'c Chain,
    layout: &'c Layout,
    forward: Forward<'c>,
    eliminated: Vec<Eliminated>,
    /// `Ĝ_{H+1}` with rows divided by the roots of the output weights.
    reached: Mat<f64>,
    /// Eigenvalues of `Ŝ`, the largest first, and eigenvectors.
    values: Vec<f64>,
    vectors: Mat<f64>,
    /// `log L`, without what the rest adds.
    pub(super) log_bound: f64,
    /// `log` of the largest eigenvalue of all of `Ŝ` and of the totals, halved.
    log_largest: f64,
    input: Vec<f64>,
    output: Vec<f64>,
}

/// `log Σ e^{x_i}`, 0 for none: ℓ2 weighs one.
fn log_total(logs: &[f64]) -> f64 {
    if logs.is_empty() { 0.0 } else { logs.iter().map(|x| x.exp()).sum::<f64>().ln() }
}

/// The function on one chain.
pub(super) struct Objective<'c> {
    /// The chain, with rows behind its outputs or without.
    chain: &'c Chain,
    layout: &'c Layout,
    /// Outputs that are of the question; those behind are the rest.
    outputs: usize,
    threads: usize,
}

impl<'c> Objective<'c> {
    /// The bound of `chain`, smoothed over the outputs of `extended`, which is the chain or has more outputs.
    pub(super) fn new(chain: &Chain, extended: &'c Chain, layout: &'c Layout, threads: usize) -> Self {
        let outputs = chain.map(chain.hidden_layers() + 1).nrows();
        Self { chain: extended, layout, outputs, threads }
    }

    /// `log L` of a closed form: with equal weights of ends that have some.
    pub(super) fn log_bound_of(&self, forward: &Forward<'_>) -> f64 {
        let ends = (self.layout.inputs.max(1) * self.layout.outputs.max(1)) as f64;
        forward.whitened_norm().ln() + f64::from(forward.exponent()) * LN_2 + 0.5 * ends.ln()
    }

    /// Eliminates at the logarithms `x`.
    ///
    /// # Errors
    /// [`NotFeasible`] if a pivot is not positive.
    pub(super) fn at(&self, x: &[f64]) -> Result<Point<'c>, NotFeasible> {
        let layout = self.layout;
        let (input, output) = (x[layout.input()].to_vec(), x[layout.output()].to_vec());
        let mut forward = if input.is_empty() {
            Forward::new(self.chain, self.threads)
        } else {
            let weights: Vec<f64> = input.iter().map(|d| d.exp()).collect();
            Forward::with_input(self.chain, &weights, self.threads)
        };
        let hidden = self.chain.hidden_layers();
        let mut eliminated = Vec::with_capacity(hidden);
        for k in 1..=hidden {
            let shift = 2.0 * f64::from(forward.exponent()) * LN_2;
            let multipliers = x[layout.layer(k)].iter().map(|log| (log + shift).exp()).collect();
            eliminated.push(forward.eliminate(multipliers)?);
        }
        let whitened = forward.whitened();
        let root = |i: usize| output.get(i).map_or(1.0, |q| (0.5 * q).exp());
        let reached = Mat::from_fn(whitened.nrows(), whitened.ncols(), |i, j| whitened[(i, j)] / root(i));
        let refused = NotFeasible::Range;
        let (values, vectors) = spectrum(reached.as_ref(), forward.par()).ok_or(refused)?;
        let own = if self.outputs == reached.nrows() {
            values[0]
        } else {
            spectrum(reached.as_ref().subrows(0, self.outputs), forward.par()).ok_or(refused)?.0[0]
        };
        let scale = f64::from(forward.exponent()) * LN_2 + 0.5 * (log_total(&input) + log_total(&output));
        let (log_bound, log_largest) = (scale + 0.5 * own.ln(), scale + 0.5 * values[0].ln());
        if !(log_bound.is_finite() && log_largest.is_finite()) {
            return Err(refused);
        }
        Ok(Point {
            chain: self.chain,
            layout,
            forward,
            eliminated,
            reached,
            values,
            vectors,
            log_bound,
            log_largest,
            input,
            output,
        })
    }
}

/// `A B`.
fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>, par: Par) -> Mat<f64> {
    let mut product = Mat::zeros(a.nrows(), b.ncols());
    matmul(&mut product, Accum::Replace, a, b, 1.0, par);
    product
}

/// Eigenvalues of `G Gᵀ`, the largest first, and eigenvectors; `None` if they cannot be computed.
fn spectrum(matrix: MatRef<'_, f64>, par: Par) -> Option<(Vec<f64>, Mat<f64>)> {
    let square = product(matrix, matrix.transpose(), par);
    let decomposition = square.self_adjoint_eigen(Side::Lower).ok()?;
    let n = matrix.nrows();
    let values = (0..n).rev().map(|i| decomposition.S()[i].max(0.0)).collect();
    let vectors = Mat::from_fn(n, n, |i, j| decomposition.U()[(i, n - 1 - j)]);
    Some((values, vectors))
}

impl Point<'_> {
    /// `log L_p`.
    pub(super) fn smooth(&self, p: f64) -> f64 {
        let trace: f64 = self.values.iter().map(|value| (value / self.values[0]).powf(p)).sum();
        self.log_largest + 0.5 / p * trace.ln()
    }

    /// The gradient of `log L_p`.
    pub(super) fn gradient(&self, p: f64) -> Vec<f64> {
        let mut gradient = vec![0.0; self.layout.variables()];
        let mut carried = self.seed(p, &mut gradient);
        for k in (1..=self.chain.hidden_layers()).rev() {
            carried = self.carry(k, carried, &mut gradient);
        }
        let total = log_total(&self.input);
        for (i, at) in self.layout.input().enumerate() {
            let sum: f64 = carried.row(i).iter().map(|v| v * v).sum();
            gradient[at] = 0.5 * ((self.input[i] - total).exp() - sum);
        }
        gradient
    }

    /// `Ĝᵀ Q^{-1/2} Y^{1/2}`, and the gradient in the output weights.
    fn seed(&self, p: f64, gradient: &mut [f64]) -> Mat<f64> {
        /// Eigenvectors of less weight than this are left out.
        const NEGLIGIBLE: f64 = 1e-10;
        let powers: Vec<f64> = self.values.iter().map(|value| (value / self.values[0]).powf(p)).collect();
        let trace: f64 = powers.iter().sum();
        let kept = powers.iter().take_while(|&&power| power > NEGLIGIBLE * trace).count();
        let total = log_total(&self.output);
        for (i, at) in self.layout.output().enumerate() {
            let part: f64 = (0..kept).map(|c| powers[c] / trace * self.vectors[(i, c)].powi(2)).sum();
            gradient[at] = 0.5 * ((self.output[i] - total).exp() - part);
        }
        // Ŝ^{p−1}/tr Ŝ^p = U Diag(powers / (trace · values)) Uᵀ.
        let weight = |c: usize| (powers[c] / trace / self.values[c]).sqrt();
        let root = Mat::from_fn(self.vectors.nrows(), kept, |i, c| self.vectors[(i, c)] * weight(c));
        product(self.reached.transpose(), root.as_ref(), self.forward.par())
    }

    /// From `L_kᵀ v_k` to `L_{k−1}ᵀ v_{k−1}`, and the gradient in the multipliers of layer `k`.
    fn carry(&self, k: usize, mut carried: Mat<f64>, gradient: &mut [f64]) -> Mat<f64> {
        let (eliminated, slopes, par) = (&self.eliminated[k - 1], self.chain.slopes(k), self.forward.par());
        solve_upper_triangular_in_place(eliminated.factor.transpose(), carried.as_mut(), par);
        let (multipliers, _) = self.forward.eliminated(k);
        let cross = |i: usize| multipliers[i] * (slopes[i].lower() + slopes[i].upper());
        let weighted = Mat::from_fn(carried.nrows(), carried.ncols(), |i, c| cross(i) * carried[(i, c)]);
        let reached = eliminated.reached.as_ref();
        let mut next = product(reached.transpose(), weighted.as_ref(), par);
        let arriving = product(reached, next.as_ref(), par);
        for (i, at) in self.layout.layer(k).enumerate() {
            let (lower, upper) = (slopes[i].lower(), slopes[i].upper());
            let pairs = carried.row(i).iter().zip(arriving.row(i).iter());
            let sum: f64 = pairs.map(|(v, w)| (v - lower * w) * (v - upper * w)).sum();
            gradient[at] = -multipliers[i] * sum;
        }
        if let Some(inner) = &eliminated.inner {
            solve_upper_triangular_in_place(inner.transpose(), next.as_mut(), par);
        }
        next
    }

    /// Multipliers of the inequality that prove the bound.
    pub(super) fn multipliers(&self) -> Multipliers {
        let bound = self.log_bound.exp();
        let weights = |logs: &[f64]| {
            let total = log_total(logs);
            if logs.is_empty() {
                Weight::Uniform(bound)
            } else {
                Weight::PerCoordinate(logs.iter().map(|log| bound * (log - total).exp()).collect())
            }
        };
        let (input, output) = (weights(&self.input), weights(&self.output));
        let hidden = self.forward.multipliers(bound / log_total(&self.input).exp()).hidden;
        Multipliers { input, hidden, output }
    }
}
