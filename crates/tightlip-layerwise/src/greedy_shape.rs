//! Greedy shapes: for every layer the best of six diagonal shapes, each with its best parameter.
//!
//! A shape `D` with `γ = λ_max(D^{1/2} Γ D^{1/2})` has `Γ ⪯ γ D⁻¹`, so `λ_i = u_i(c) D_i/γ` is feasible for `0 < c < 2`, as for the
//! closed forms. Wanted are the shape and the `c` that make the next layer's `Γ` smallest in norm, that is, `s` largest with
//! `M ⪰ s W_{k+1}ᵀ W_{k+1}`. With slopes [0, 1] or [-1, 0], `S = ±1` (a reduction normalises others of `αβ = 0` to these), one
//! decomposition `D^{1/2} SΓS D^{1/2} = Q Diag(e) Qᵀ` serves all `c`:
//!
//!   `M⁻¹ = γ D^{-1/2} Q Diag(1/(2c − c² e/γ)) Qᵀ D^{-1/2}`;
//!
//! with others the layer is eliminated for each `c`.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Side};

use crate::rules::unscaled_multiplier;
use crate::{Forward, NotFeasible};

/// Below the first `c` every eigenvalue of `M` grows with `c`; at 2 the largest `e` makes one vanish.
const PARAMETERS: (f64, f64) = (1.0, 1.99);
/// Steps of the golden section: the parameter to 1e-2.
const SECTIONS: usize = 10;
/// Steps of the power method: norms of candidates to two digits. With 20 steps shapes were chosen by 7 % of error.
const POWERS: usize = 60;
/// Entries of `Γ` below this part of the largest count as this much.
const SMALLEST: f64 = 1e-12;

/// Eliminates all layers of a chain by greedy shapes; `stop` ends it early with `Ok(None)`.
///
/// # Errors
/// [`NotFeasible`] if rounding leaves a pivot that is not positive.
///
/// # Panics
/// Never: there are six shapes.
pub fn greedy_shape<'c>(mut forward: Forward<'c>, stop: &dyn Fn() -> bool) -> Result<Option<Forward<'c>>, NotFeasible> {
    for _ in 0..forward.chain().hidden_layers() {
        let gamma = forward.gamma();
        let mut best: Option<(f64, Vec<f64>)> = None;
        for shape in shapes(&gamma) {
            if stop() {
                return Ok(None);
            }
            let (size, multipliers) = best_of_shape(&forward, &gamma, &shape);
            if best.as_ref().is_none_or(|(smallest, _)| size < *smallest) {
                best = Some((size, multipliers));
            }
        }
        let (_, multipliers) = best.expect("there are six shapes");
        forward.eliminate(multipliers)?;
    }
    Ok(Some(forward))
}

/// The identity and the inverses of row sums, diagonal, its root, row norms, and of the diagonal shifted by the norm of the rest.
fn shapes(gamma: &Mat<f64>) -> [Vec<f64>; 6] {
    let n = gamma.nrows();
    let floor = SMALLEST * gamma.norm_max();
    let inverse = |of: &dyn Fn(usize) -> f64| (0..n).map(|i| of(i).max(floor).recip()).collect::<Vec<f64>>();
    let mut rest = gamma.clone();
    (0..n).for_each(|i| rest[(i, i)] = 0.0);
    let shift = norm_of_symmetric(rest.as_ref());
    [
        vec![1.0; n],
        inverse(&|i| gamma.col(i).iter().map(|g| g.abs()).sum()),
        inverse(&|i| gamma[(i, i)]),
        inverse(&|i| gamma[(i, i)].max(floor * floor).sqrt()),
        inverse(&|i| gamma.col(i).norm_l2()),
        inverse(&|i| gamma[(i, i)] + shift),
    ]
}

/// The multipliers of a shape with its best parameter, and the size of the next layer's `Γ`, for comparison in this layer.
fn best_of_shape(forward: &Forward<'_>, gamma: &Mat<f64>, shape: &[f64]) -> (f64, Vec<f64>) {
    let slopes = forward.chain().slopes(forward.layer());
    let n = shape.len();
    let roots: Vec<f64> = shape.iter().map(|d| d.sqrt()).collect();
    let cross = |i: usize| if slopes[i].lower() + slopes[i].upper() < 0.0 { -1.0 } else { 1.0 };
    let scaled = Mat::from_fn(n, n, |i, j| cross(i) * roots[i] * gamma[(i, j)] * roots[j] * cross(j));
    let Ok(decomposition) = scaled.self_adjoint_eigen(Side::Lower) else {
        return (f64::INFINITY, shape.to_vec());
    };
    let top = decomposition.S()[n - 1];
    let at = |c: f64| -> Vec<f64> {
        shape.iter().zip(slopes).map(|(d, &slope)| unscaled_multiplier(slope, c) / top * d).collect()
    };
    let is_closed = slopes.iter().all(|slope| slope.lower() * slope.upper() == 0.0);
    if is_closed {
        let next = forward.chain().map(forward.layer() + 1);
        let weighted = Mat::from_fn(next.nrows(), n, |i, j| next[(i, j)] / roots[j]);
        let mut turned = Mat::<f64>::zeros(next.nrows(), n);
        matmul(&mut turned, Accum::Replace, &weighted, decomposition.U(), 1.0, forward.par());
        let parts: Vec<f64> = (0..n).map(|i| decomposition.S()[i].max(0.0) / top).collect();
        let (c, size) = golden_section(&|c| {
            let inverse: Vec<f64> = parts.iter().map(|e| (2.0 * c - c * c * e).recip()).collect();
            top * norm_of_gram(turned.as_ref(), &inverse)
        });
        return (size, at(c));
    }
    let (c, size) = golden_section(&|c| {
        let mut ahead = forward.clone();
        match ahead.eliminate(at(c)) {
            Ok(_) => {
                let relative = f64::from(ahead.exponent() - forward.exponent());
                norm_of_gram(ahead.whitened(), &vec![1.0; n]) * (2.0 * relative).exp2()
            }
            Err(_) => f64::INFINITY,
        }
    });
    (size, at(c))
}

/// The minimiser of a function with one minimum on the range of parameters, and its minimum.
fn golden_section(size: &dyn Fn(f64) -> f64) -> (f64, f64) {
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut low, mut high) = PARAMETERS;
    let mut inner = [high - golden * (high - low), low + golden * (high - low)];
    let mut sizes = inner.map(size);
    for _ in 0..SECTIONS {
        if sizes[0] <= sizes[1] {
            high = inner[1];
            inner = [high - golden * (high - low), inner[0]];
            sizes = [size(inner[0]), sizes[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + golden * (high - low)];
            sizes = [sizes[1], size(inner[1])];
        }
    }
    if sizes[0] <= sizes[1] { (inner[0], sizes[0]) } else { (inner[1], sizes[1]) }
}

/// `‖B Diag(w) Bᵀ‖`, to two digits.
fn norm_of_gram(matrix: MatRef<'_, f64>, weights: &[f64]) -> f64 {
    power_method(matrix.nrows(), |x| {
        let mut below = matrix.transpose() * x;
        weights.iter().enumerate().for_each(|(i, weight)| below[(i, 0)] *= weight);
        matrix * below
    })
}

/// `‖A‖` of a symmetric matrix, to two digits.
fn norm_of_symmetric(matrix: MatRef<'_, f64>) -> f64 {
    power_method(matrix.nrows(), |x| matrix * x)
}

/// The largest magnitude of an eigenvalue, from below.
fn power_method(order: usize, apply: impl Fn(&Mat<f64>) -> Mat<f64>) -> f64 {
    // Different coordinates, so that the start is not orthogonal to the leading vector of a structured matrix.
    let mut x = Mat::from_fn(order, 1, |i, _| ((i * 7919 + 13) % 101) as f64 / 101.0 - 0.6);
    let mut norm = 0.0;
    for _ in 0..POWERS {
        let length = x.norm_l2();
        if length == 0.0 {
            break;
        }
        x /= faer::Scale(length);
        x = apply(&x);
        norm = x.norm_l2();
    }
    norm
}
