//! The elimination at tied multipliers, and the directions in which it is tight.

use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Mat, MatRef, Side};

use crate::forward::{factor_of_inner, gram, mirror, power_of_two};
use crate::{Chain, Eliminated, Forward, NotFeasible};

/// A vector over inputs and hidden blocks; an empty block is zero.
pub(super) type Direction = Vec<Vec<f64>>;

/// What an elimination showed.
pub(super) enum Evaluation<'c> {
    /// All pivots are positive.
    Feasible {
        /// The elimination at its end.
        forward: Box<Forward<'c>>,
        /// Vectors on which the inequality is (nearly) zero at the smallest `ρ`.
        directions: Vec<Direction>,
    },
    /// A pivot is not.
    Infeasible {
        /// Vectors on which the inequality is negative or small.
        directions: Vec<Direction>,
        /// Which pivot.
        refused: NotFeasible,
    },
}

/// Leading directions of the outputs, or lowest ones of a failed pivot, that are learnt at a time.
const DIRECTIONS: usize = 4;
/// Directions of the outputs that reach this part of the largest square.
const WEAKEST: f64 = 0.3;

/// Eliminates a chain with `λ_k/ρ` for each layer.
pub(super) fn evaluate<'c>(chain: &'c Chain, threads: usize, multipliers: &[f64]) -> Evaluation<'c> {
    let mut forward = Forward::new(chain, threads);
    let mut eliminated: Vec<Eliminated> = Vec::new();
    for &multiplier in multipliers {
        let layer = forward.layer();
        let root = power_of_two(forward.exponent());
        let scaled = vec![multiplier * root * root; chain.slopes(layer).len()];
        let mut next = forward.clone();
        match next.eliminate(scaled.clone()) {
            Ok(done) => eliminated.push(done),
            Err(refused) => {
                let directions = negative_directions(&forward, &eliminated, &scaled);
                return Evaluation::Infeasible { directions, refused };
            }
        }
        forward = next;
    }
    let directions = leading(forward.whitened())
        .into_iter()
        .map(|column| back_substituted(&forward, &eliminated, eliminated.len(), &column))
        .collect();
    Evaluation::Feasible { forward: Box::new(forward), directions }
}

/// `λ = 2^{−2x} λ̂`.
pub(super) fn unscaled(multiplier: f64, exponent: i32) -> f64 {
    let root = power_of_two(-exponent);
    multiplier * root * root
}

/// `Ĝᵀy` for leading eigenvectors `y` of `Ĝ Ĝᵀ`.
fn leading(whitened: MatRef<'_, f64>) -> Vec<Vec<f64>> {
    let Ok(eigen) = (whitened * whitened.transpose()).self_adjoint_eigen(Side::Lower) else { return Vec::new() };
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let top = values.nrows().saturating_sub(1);
    (0..values.nrows())
        .rev()
        .take(DIRECTIONS)
        .filter(|&i| values[i] >= WEAKEST * values[top])
        .map(|i| (whitened.transpose() * vectors.col(i)).iter().copied().collect())
        .collect()
}

/// Vectors on which `X` or `M` of the layer that `forward` has come to is lowest, continued to the blocks before.
fn negative_directions(forward: &Forward<'_>, eliminated: &[Eliminated], multipliers: &[f64]) -> Vec<Direction> {
    let slopes = forward.chain().slopes(forward.layer());
    let whitened = forward.whitened().to_owned();
    let products: Vec<f64> =
        multipliers.iter().zip(slopes).map(|(lambda, s)| 2.0 * lambda * s.lower() * s.upper()).collect();
    let last = eliminated.len();
    let mut reached = whitened.clone();
    let mut inner = None;
    if products.iter().any(|&product| product != 0.0) {
        let Ok(factor) = factor_of_inner(&whitened, &products, forward.par()) else {
            let weighted = Mat::from_fn(whitened.nrows(), whitened.ncols(), |i, j| products[i] * whitened[(i, j)]);
            let n = whitened.ncols();
            let matrix = Mat::<f64>::identity(n, n) + whitened.transpose() * weighted;
            return lowest(&matrix).iter().map(|column| back_substituted(forward, eliminated, last, column)).collect();
        };
        let mut turned = reached.transpose().to_owned();
        solve_lower_triangular_in_place(factor.as_ref(), turned.as_mut(), forward.par());
        reached = turned.transpose().to_owned();
        inner = Some(factor);
    }
    let mut pivot = gram(reached.as_ref(), forward.par());
    mirror(&mut pivot);
    let cross = |i: usize| multipliers[i] * (slopes[i].lower() + slopes[i].upper());
    let n = pivot.nrows();
    let matrix = Mat::from_fn(n, n, |i, j| {
        let diagonal = if i == j { 2.0 * multipliers[i] } else { 0.0 };
        diagonal - cross(i) * cross(j) * pivot[(i, j)]
    });
    let here = Eliminated { reached, inner, factor: Mat::new(), exponent: forward.exponent() };
    let continued = |column: &Vec<f64>| {
        let before = pulled_back(&here, multipliers, slopes, column);
        let mut direction = back_substituted(forward, eliminated, last, &before);
        let scale = power_of_two(here.exponent);
        direction[last + 1] = column.iter().map(|entry| scale * entry).collect();
        direction
    };
    lowest(&matrix).iter().map(continued).collect()
}

/// The lowest eigenvectors.
fn lowest(matrix: &Mat<f64>) -> Vec<Vec<f64>> {
    let Ok(eigen) = matrix.self_adjoint_eigen(Side::Lower) else { return Vec::new() };
    (0..matrix.nrows().min(DIRECTIONS)).map(|i| eigen.U().col(i).iter().copied().collect()).collect()
}

/// `C⁻ᵀ reachedᵀ S Λ̂ v̂`.
fn pulled_back(
    eliminated: &Eliminated,
    multipliers: &[f64],
    slopes: &[tightlip_model::SlopeInterval],
    vector: &[f64],
) -> Vec<f64> {
    let weighted =
        Mat::from_fn(vector.len(), 1, |i, _| multipliers[i] * (slopes[i].lower() + slopes[i].upper()) * vector[i]);
    let mut pulled = eliminated.reached.transpose() * weighted;
    if let Some(inner) = &eliminated.inner {
        solve_upper_triangular_in_place(inner.transpose(), pulled.as_mut(), faer::Par::Seq);
    }
    pulled.col_as_slice(0).to_vec()
}

/// The null vector continued from `L̂ᵀv̂` of block `last` down to the inputs; blocks after are empty.
fn back_substituted(forward: &Forward<'_>, eliminated: &[Eliminated], last: usize, turned: &[f64]) -> Direction {
    let chain = forward.chain();
    let mut direction = vec![Vec::new(); chain.hidden_layers() + 1];
    let mut turned = turned.to_vec();
    for k in (1..=last).rev() {
        let layer = &eliminated[k - 1];
        let mut vector = Mat::from_fn(turned.len(), 1, |i, _| turned[i]);
        solve_upper_triangular_in_place(layer.factor.transpose(), vector.as_mut(), faer::Par::Seq);
        let vector = vector.col_as_slice(0);
        let scale = power_of_two(layer.exponent);
        direction[k] = vector.iter().map(|entry| scale * entry).collect();
        turned = pulled_back(layer, forward.eliminated(k).0, chain.slopes(k), vector);
    }
    direction[0] = turned;
    direction
}
