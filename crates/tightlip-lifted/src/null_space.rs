//! Correcting multipliers on the null space of the pencil.
//!
//! At the optimum `F(y) V = 0` for the stacked vectors `V = (V_0, …, V_H, G)`, whose range has some dimension `p ≤ r`. Near it
//! the multipliers by stationarity are wrong by the order of the error of `V`, and so is the smallest eigenvalue of `F`. But
//! where `Q` spans the range of `V` and `Qᵀ F(y) Q = 0`, the eigenvalue is wrong only by the *square* of that error (second
//! order perturbation of a semisimple eigenvalue), so the least relative change `z` of `y` with
//!
//!   `Qᵀ F((1+z) y) Q = 0`,   linear: `Aᵀ z = b`,   `z = A (AᵀA)⁺ b`,
//!
//! is taken. `Q = D^{−½} U` from the singular vectors of `D^{½} V`; the dimension is guessed from gaps between singular values,
//! and the prover decides between guesses. The incoming signals of `Q` are combinations of those of `V`: no pass is needed.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, SelfAdjointEvdParams, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Auto, Mat, MatRef, Par, Spec};
use tightlip_model::{Multipliers, Weight};

use crate::columns::{column, column_mut};
use crate::multipliers::diagonal;
use crate::relaxation::Relaxation;
use crate::sweep::Pass;

/// Guesses of the dimension that are followed.
const GUESSES: usize = 3;
/// Directions with a smaller singular value, relative, belong to the noise.
const SMALLEST: f64 = 1e-3;
/// Eigenvalues of `AᵀA` below this, relative, are dropped.
const CUT: f64 = 1e-10;
/// No multiplier falls below half of itself or grows beyond twice: a larger change says that the guess is wrong.
const CHANGE: (f64, f64) = (-0.5, 1.0);
/// Equations beyond which the correction costs more than sweeps.
const MOST_EQUATIONS: usize = 600;

/// The corrected multipliers for the likeliest dimensions of the null space, the likeliest first; fewer or none where a
/// correction cannot be computed.
pub(crate) fn corrected(relaxation: &Relaxation, pass: &Pass, multipliers: &Multipliers) -> Vec<Multipliers> {
    let Some((values, vectors)) = gram_eigen(&scaled_gram(relaxation, pass, multipliers)) else { return Vec::new() };
    let singular: Vec<f64> = values.iter().rev().map(|value| value.max(0.0).sqrt()).collect();
    let rank = singular.len();
    let unknowns = relaxation.system.neurons() + relaxation.system.len(0);
    guesses(&singular, unknowns)
        .into_iter()
        .filter_map(|dimension| {
            // Q = V W Σ^{−1}: combinations of rows of the r × n matrices.
            let combine = Mat::from_fn(dimension, rank, |i, j| vectors[(j, rank - 1 - i)] / singular[i]);
            let change = least_change(relaxation, pass, multipliers, combine.as_ref())?;
            Some(changed(multipliers, &change))
        })
        .collect()
}

/// Dimensions after which the singular values fall most.
fn guesses(singular: &[f64], unknowns: usize) -> Vec<usize> {
    let Some(&largest) = singular.first().filter(|s| **s > 0.0) else { return Vec::new() };
    let relative = |i: usize| singular.get(i).map_or(1e-8, |s| s / largest) + 1e-8;
    let mut falls: Vec<(f64, usize)> = (1..=singular.len())
        .filter(|&p| {
            let equations = p * (p + 1) / 2;
            equations <= unknowns.min(MOST_EQUATIONS) && singular[p - 1] > SMALLEST * largest
        })
        .map(|p| (relative(p - 1) / relative(p), p))
        .collect();
    falls.sort_by(|a, b| b.0.total_cmp(&a.0));
    falls.into_iter().take(GUESSES).map(|(_, p)| p).collect()
}

/// `VᵀDV`, `r × r`.
fn scaled_gram(relaxation: &Relaxation, pass: &Pass, multipliers: &Multipliers) -> Mat<f64> {
    let last = relaxation.last();
    let rank = pass.signals[0].nrows();
    let mut gram = Mat::<f64>::zeros(rank, rank);
    for k in 0..=last {
        let block = if k == last { &pass.pulls[last] } else { &pass.signals[k] };
        let mut scaled = block.clone();
        for j in 0..block.ncols() {
            let d = diagonal(multipliers, k, j);
            for x in column_mut(scaled.as_mut(), j).iter_mut() {
                *x *= d;
            }
        }
        gram += &scaled * block.transpose();
    }
    gram
}

/// The relative change of every multiplier: input(s), hidden neurons, output(s).
fn least_change(
    relaxation: &Relaxation,
    pass: &Pass,
    multipliers: &Multipliers,
    combine: MatRef<'_, f64>,
) -> Option<Vec<f64>> {
    let rows = equations(relaxation, pass, multipliers, combine);
    let count = combine.nrows() * (combine.nrows() + 1) / 2;
    let mut target = constant(relaxation, pass, combine);
    for j in 0..rows.ncols() {
        for (t, a) in target.iter_mut().zip(column(rows.as_ref(), j)) {
            *t += a;
        }
    }
    // One column of `rows` is one row of A.
    let (values, vectors) = gram_eigen(&(&rows * rows.transpose()))?;
    let largest = values.last().copied().filter(|v| *v > 0.0)?;
    let right = Mat::from_fn(count, 1, |i, _| -target[i]);
    let mut coordinates = vectors.transpose() * right;
    for (i, value) in values.iter().enumerate() {
        coordinates[(i, 0)] = if *value > CUT * largest { coordinates[(i, 0)] / value } else { 0.0 };
    }
    let change = rows.transpose() * (vectors * coordinates);
    let change: Vec<f64> = (0..change.nrows()).map(|i| change[(i, 0)]).collect();
    change.iter().all(|z| z.is_finite()).then_some(change)
}

/// The upper triangle of `(a bᵀ + b aᵀ)/2`, row by row.
fn add_symmetric(target: &mut [f64], a: &[f64], b: &[f64], factor: f64) {
    let mut at = 0;
    for i in 0..a.len() {
        target[at] += factor * a[i] * b[i];
        at += 1;
        for j in i + 1..a.len() {
            target[at] += factor * (a[i] * b[j] + a[j] * b[i]) * 0.5;
            at += 1;
        }
    }
}

/// What each multiplier contributes to `Qᵀ F Q`, one column for each: uniform weights have one column for all signals.
fn equations(relaxation: &Relaxation, pass: &Pass, multipliers: &Multipliers, combine: MatRef<'_, f64>) -> Mat<f64> {
    let last = relaxation.last();
    let count = combine.nrows() * (combine.nrows() + 1) / 2;
    let columns = |weight: &Weight| match weight {
        Weight::Uniform(_) => 1,
        Weight::PerCoordinate(values) => values.len(),
    };
    let total = columns(&multipliers.input) + relaxation.system.neurons() + columns(&multipliers.output);
    let mut rows = Mat::<f64>::zeros(count, total);
    let mut at = 0;
    for k in 0..=last {
        let weight = (k == 0).then_some(&multipliers.input).or((k == last).then_some(&multipliers.output));
        let q = combine * if k == last { &pass.pulls[last] } else { &pass.signals[k] };
        if let Some(weight) = weight {
            for j in 0..q.ncols() {
                let place = if columns(weight) == 1 { at } else { at + j };
                let q = column(q.as_ref(), j);
                add_symmetric(column_mut(rows.as_mut(), place), q, q, weight.at(j));
            }
            at += columns(weight);
        } else {
            let s = combine * &pass.incoming[k];
            for (j, slope) in relaxation.slopes[k - 1].iter().enumerate() {
                let (q, s) = (column(q.as_ref(), j), column(s.as_ref(), j));
                let end = |slope: f64| -> Vec<f64> { q.iter().zip(s).map(|(q, s)| q - slope * s).collect() };
                let (a, b) = (end(slope.mean - slope.half), end(slope.mean + slope.half));
                let lambda = multipliers.hidden[k - 1][j];
                add_symmetric(column_mut(rows.as_mut(), at + j), &a, &b, 2.0 * lambda);
            }
            at += q.ncols();
        }
    }
    rows
}

/// The part of `Qᵀ F Q` without multipliers: `−2 Σ` over outputs of `G` and incoming.
fn constant(relaxation: &Relaxation, pass: &Pass, combine: MatRef<'_, f64>) -> Vec<f64> {
    let last = relaxation.last();
    let (g, s) = (combine * &pass.pulls[last], combine * &pass.incoming[last]);
    let mut target = vec![0.0; combine.nrows() * (combine.nrows() + 1) / 2];
    for j in 0..g.ncols() {
        add_symmetric(&mut target, column(g.as_ref(), j), column(s.as_ref(), j), -2.0);
    }
    target
}

/// `(1 + z) y`, each change within its limits.
fn changed(multipliers: &Multipliers, change: &[f64]) -> Multipliers {
    let mut changes = change.iter().map(|z| 1.0 + z.clamp(CHANGE.0, CHANGE.1));
    let mut next = || changes.next().expect("one change for each multiplier");
    let weight = |weight: &Weight, next: &mut dyn FnMut() -> f64| match weight {
        Weight::Uniform(value) => Weight::Uniform(value * next()),
        Weight::PerCoordinate(values) => Weight::PerCoordinate(values.iter().map(|v| v * next()).collect()),
    };
    let input = weight(&multipliers.input, &mut next);
    let hidden = multipliers.hidden.iter().map(|block| block.iter().map(|lambda| lambda * next()).collect()).collect();
    let output = weight(&multipliers.output, &mut next);
    Multipliers { input, hidden, output }
}

/// Eigenvalues, ascending, and vectors of a symmetric matrix. By QR steps: faer's divide and conquer loses digits.
fn gram_eigen(matrix: &Mat<f64>) -> Option<(Vec<f64>, Mat<f64>)> {
    let n = matrix.nrows();
    if n == 0 || matrix.col_iter().any(|column| column.iter().any(|x| !x.is_finite())) {
        return None;
    }
    let parameters: Spec<SelfAdjointEvdParams, f64> =
        SelfAdjointEvdParams { recursion_threshold: usize::MAX, ..<SelfAdjointEvdParams as Auto<f64>>::auto() }.into();
    let scratch = self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, Par::Seq, parameters);
    let mut memory = MemBuffer::new(scratch);
    let mut values = faer::diag::Diag::<f64>::zeros(n);
    let mut vectors = Mat::<f64>::zeros(n, n);
    let stack = MemStack::new(&mut memory);
    self_adjoint_evd(matrix.as_ref(), values.as_mut(), Some(vectors.as_mut()), Par::Seq, stack, parameters).ok()?;
    Some((values.column_vector().iter().copied().collect(), vectors))
}

#[cfg(test)]
mod tests {
    use faer::Side;
    use tightlip_eigen::ScaledPencil;
    use tightlip_model::{
        Activation, IncrementSystem, Norm, OutputSelection, Query, Reduction, Scaling, random_network,
    };

    use crate::LiftedIteration;
    use crate::multipliers::whole_diagonal;

    use super::*;

    /// The smallest eigenvalue of the scaled pencil, by the dense matrix.
    fn smallest(relaxation: &Relaxation<'_>, multipliers: &Multipliers) -> f64 {
        let passes = relaxation.passes();
        let pencil = ScaledPencil::new(&passes, whole_diagonal(relaxation, multipliers));
        let n = passes.order();
        let mut matrix = Mat::<f64>::zeros(n, n);
        pencil.apply(Mat::identity(n, n).as_ref(), matrix.as_mut());
        matrix.self_adjoint_eigenvalues(Side::Lower).expect("finite")[0]
    }

    #[test]
    fn the_correction_usually_makes_the_smallest_eigenvalue_ten_times_smaller_before_convergence() {
        let mut ratios: Vec<f64> = (0..9)
            .map(|seed| {
                let activation = Activation::LeakyRelu { slope: 0.2 };
                let network = random_network(&[10, 20, 20, 5], activation, seed).expect("valid");
                let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
                let output_norm = if seed.is_multiple_of(2) { Norm::L2 } else { Norm::L1 };
                let query = Query { output_norm, ..Query::euclidean(OutputSelection::All) };
                let reduction = Reduction::new(&system, &query, Scaling::PerNeuron).expect("not constant");
                let mut iteration = LiftedIteration::new(reduction.system(), &query, 12, seed, 1);
                // Far enough for the null space to stand out, not far enough for the multipliers.
                let gap = |iteration: &LiftedIteration<'_>| smallest(&iteration.relaxation, &iteration.multipliers());
                let mut steps = 0;
                while gap(&iteration) < -1e-5 {
                    assert!(steps < 1000, "seed {seed}: the multipliers do not become feasible");
                    iteration.step();
                    steps += 1;
                }
                let corrected = iteration.corrected_multipliers();
                let after = corrected.iter().map(|multipliers| smallest(&iteration.relaxation, multipliers));
                after.fold(f64::NEG_INFINITY, f64::max) / gap(&iteration)
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        assert!(ratios[4] < 0.1, "remaining parts of the eigenvalue: {ratios:?}");
    }

    #[test]
    fn guesses_follow_the_gaps_between_singular_values() {
        assert_eq!(guesses(&[1.0, 0.9, 1e-5, 1e-7], 100)[0], 2);
        assert_eq!(guesses(&[1.0, 0.9, 0.8, 0.7], 100)[0], 4);
        assert!(guesses(&[0.0, 0.0], 100).is_empty());
        // With few unknowns the equations of a large dimension have no solution.
        assert_eq!(guesses(&[1.0, 0.9, 0.8, 1e-6], 3)[0], 2);
    }
}
