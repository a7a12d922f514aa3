//! Where the iteration starts.
//!
//! Blocks are added one after another, each with multipliers that leave its Schur complement well inside the cone. With
//! `G = Vᵀ M⁻¹ V` for the matrix `M` of the blocks before and the incoming vectors `V` of a block with slopes `[α, β]`,
//! multipliers `λ D` change the blocks before to `M + 2αβλ V D Vᵀ`, and where `γ` is the largest eigenvalue of
//! `D^{1/2} G D^{1/2}`, the Schur complement of the block is, with `u = λγ`, at least
//!
//!   `λ D (2 − (α+β)² u / (1 + 2αβ u)) `,
//!
//! so `u` is chosen to maximise `h(u) = 2u − (α+β)² u² / (1 + 2αβ u)`; for slopes `[0, 1]` that is `λ = 1/γ` (Xu and
//! Sivaranjani 2024, ECLipsE-Fast, with `D = I`). `D_j = 1 / Σ_i |G_ji|` was measured ten times closer to the optimum at
//! depth 50, and that start is decades below the product of norms. The output weight closes the matrix with a margin.
//!
//! A Cholesky factorisation checks the start. Where it fails the iteration starts from `F(y) + shift I` and takes the
//! shift away as it goes.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat};

use crate::program::Program;
use crate::workspace::Workspace;

/// The output weight exceeds the least one by this factor.
const MARGIN: f64 = 1.5;
/// `u` stays below this, and `1 + 2αβ u` above [`LEAST_REST`]: slopes `[β, β]` and `[−β, β]` have their maxima there.
const LARGEST_U: f64 = 10.0;
/// See [`LARGEST_U`].
const LEAST_REST: f64 = 0.1;
/// Steps of the power method and of the bisection; multipliers are good to a factor two.
const STEPS: usize = 30;

/// Multipliers block by block. `None` if a block cannot be added.
fn multipliers(program: &Program, workspace: &mut Workspace) -> Option<Vec<f64>> {
    let blocks = &program.blocks;
    let last = blocks.len() - 1;
    let mut y = vec![0.0; program.variables()];
    let mut matrix = Mat::<f64>::zeros(program.order, program.order);
    let mut incoming = Mat::<f64>::zeros(program.order, program.order);
    blocks[0].clone().for_each(|i| y[program.variable[i]] = 1.0);
    for (k, block) in blocks.iter().enumerate().skip(1).filter(|(_, block)| !block.is_empty()) {
        program.matrix(&y, 0.0, matrix.as_mut(), workspace.par);
        let before = block.start;
        let leading = matrix.as_mut().submatrix_mut(0, 0, before, before);
        if !workspace.factor(leading) {
            return None;
        }
        let mut vectors = incoming.as_mut().submatrix_mut(0, 0, before, block.len());
        vectors.fill(0.0);
        program.for_each_incoming(block, &mut |i, j, w| vectors[(j, i - block.start)] += w);
        let factor = matrix.as_ref().submatrix(0, 0, before, before);
        solve_lower_triangular_in_place(factor, vectors.as_mut(), workspace.par);
        let mut gram = Mat::<f64>::zeros(block.len(), block.len());
        let vectors = vectors.as_ref();
        matmul(gram.as_mut(), Accum::Replace, vectors.transpose(), vectors, 1.0, workspace.par);
        // Weights of their own are all the same at first, as on the central path far from the optimum: outputs of different
        // size would give an X far from feasible otherwise.
        let alike = k == last || is_tied(program, block);
        let (scales, largest) = scaled(&gram, alike);
        for (i, scale) in block.clone().zip(&scales) {
            let gamma = largest.max(f64::MIN_POSITIVE);
            y[program.variable[i]] =
                if k == last { MARGIN * largest / scale } else { peak(program, block) / gamma * scale };
        }
    }
    balance(program, &mut y);
    y.iter().all(|y| y.is_finite()).then_some(y)
}

/// Whether the coordinates of a block share a variable, or there is only one.
fn is_tied(program: &Program, block: &Range<usize>) -> bool {
    block.len() < 2 || program.variable[block.start] == program.variable[block.start + 1]
}

/// `D` and the largest eigenvalue of `D^{1/2} G D^{1/2}`; `D = I` where all multipliers of a block are `alike`.
fn scaled(gram: &Mat<f64>, alike: bool) -> (Vec<f64>, f64) {
    let n = gram.ncols();
    let sums: Vec<f64> = (0..n).map(|j| gram.col(j).iter().map(|g| g.abs()).sum()).collect();
    let top = sums.iter().copied().fold(0.0, f64::max);
    // A neuron that nothing moves still needs a multiplier of the size of the others.
    let scales: Vec<f64> =
        sums.iter().map(|&sum| if alike || top == 0.0 { 1.0 } else { sum.max(1e-6 * top).recip() }).collect();
    let mut x = vec![1.0; n];
    let mut largest = 0.0;
    for _ in 0..STEPS {
        let image: Vec<f64> = (0..n)
            .map(|i| (0..n).map(|j| gram[(j, i)] * scales[j].sqrt() * x[j]).sum::<f64>() * scales[i].sqrt())
            .collect();
        largest = image.iter().map(|x| x * x).sum::<f64>().sqrt();
        if largest == 0.0 {
            break;
        }
        x = image.iter().map(|x| x / largest).collect();
    }
    (scales, if largest > 0.0 { largest } else { 1.0 })
}

/// Where `h` is largest, for the least favourable slopes of a block.
fn peak(program: &Program, block: &Range<usize>) -> f64 {
    let linear = block.clone().map(|i| (program.lower[i] + program.upper[i]).powi(2)).fold(0.0, f64::max);
    let curved = block.clone().map(|i| 2.0 * program.lower[i] * program.upper[i]).fold(f64::INFINITY, f64::min);
    let (mut low, mut high) = (0.0, LARGEST_U);
    if curved < 0.0 {
        high = high.min((1.0 - LEAST_REST) / -curved);
    }
    for _ in 0..STEPS {
        let u = 0.5 * (low + high);
        let rest = 1.0 + curved * u;
        // h′(u) > 0
        if 2.0 * rest * rest > linear * u * (2.0 + curved * u) { low = u } else { high = u }
    }
    low
}

/// `F ≻ 0` at `(t, λ, q)` and at `(t/c, λ/c, c q)`: the `c` that makes both halves of the objective equal.
fn balance(program: &Program, y: &mut [f64]) {
    let mut output = vec![false; y.len()];
    let last = program.blocks.len() - 1;
    program.blocks[last].clone().for_each(|i| output[program.variable[i]] = true);
    let total =
        |side: bool| -> f64 { (0..y.len()).filter(|&v| output[v] == side).map(|v| program.cost[v] * y[v]).sum() };
    let ratio = (total(false) / total(true)).sqrt();
    if ratio.is_finite() && ratio > 0.0 {
        y.iter_mut().zip(output).for_each(|(y, output)| if output { *y *= ratio } else { *y /= ratio });
    }
}

/// A start: the variables, the shift, and the Cholesky factor of `F(y) + shift I`.
pub(crate) struct Start {
    /// The variables.
    pub y: Vec<f64>,
    /// The shift; 0 where `F(y)` is positive definite.
    pub shift: f64,
    /// Lower Cholesky factor.
    pub factor: Mat<f64>,
}

/// The given start if it is strictly feasible, else multipliers block by block, shifted if need be. `None` if no shift helps,
/// as with numbers that are not finite.
pub(crate) fn start(program: &Program, given: Option<&[f64]>, workspace: &mut Workspace) -> Option<Start> {
    let mut factor = Mat::zeros(program.order, program.order);
    let accepted = |y: &[f64], shift: f64, factor: &mut Mat<f64>, workspace: &mut Workspace| {
        program.matrix(y, shift, factor.as_mut(), workspace.par);
        program.signed.iter().all(|&v| y[v] > 0.0) && workspace.factor(factor.as_mut())
    };
    if let Some(y) = given.filter(|y| accepted(y, 0.0, &mut factor, workspace)) {
        return Some(Start { y: y.to_vec(), shift: 0.0, factor });
    }
    let y = multipliers(program, workspace).unwrap_or_else(|| vec![1.0; program.variables()]);
    let largest = y.iter().copied().fold(0.0, f64::max);
    // Shifts a tenth of a part in a thousand upwards: a small one is gone sooner.
    let shifts = std::iter::once(0.0).chain((-3..9).map(|power| 10.0_f64.powi(power) * largest));
    for shift in shifts {
        if accepted(&y, shift, &mut factor, workspace) {
            return Some(Start { y, shift, factor });
        }
    }
    None
}
