//! The subproblem of the bundle: a convex quadratic function over small positive semidefinite matrices,
//!
//!   minimise `½ vᵀQv + gᵀv`   over   `V ⪰ 0`, `tr V ≤ ρ`,   `v` = the entries of `V` on and above the diagonal,
//!
//! by a primal–dual interior point in the direction of Helmberg, Rendl, Vanderbei and Wolkowicz (1996), as in the spectral bundle
//! method of Helmberg and Rendl (2000). Linear forms `⟨V, B⟩` have twice the entries of `B` beside the diagonal as coefficients.

use faer::linalg::solvers::Solve;
use faer::{Col, Mat, Side};

/// Steps at most; about fifteen are needed.
const STEPS: usize = 40;
/// Each step aims at this part of the complementarity.
const CENTRING: f64 = 0.12;
/// Part of the way to the boundary.
const STEP_SHARE: f64 = 0.96;
/// Complementarity, per unit of trace, at which it ends.
const COMPLEMENTARITY: f64 = 1e-12;

/// Number of entries on and above the diagonal.
pub(super) fn entries(order: usize) -> usize {
    order * (order + 1) / 2
}

/// The place of `(a, b)`, `a ≤ b`: column by column.
pub(super) fn place(a: usize, b: usize) -> usize {
    b * (b + 1) / 2 + a
}

/// The matrix with these entries.
pub(super) fn matrix(order: usize, entries: &Col<f64>) -> Mat<f64> {
    Mat::from_fn(order, order, |a, b| entries[place(a.min(b), a.max(b))])
}

/// The coefficients of `⟨·, B⟩`.
fn coefficients(order: usize, matrix: &Mat<f64>) -> Col<f64> {
    let mut coefficients = Col::zeros(entries(order));
    for b in 0..order {
        for a in 0..=b {
            coefficients[place(a, b)] = if a == b { matrix[(a, b)] } else { matrix[(a, b)] + matrix[(b, a)] };
        }
    }
    coefficients
}

/// The iterate: `V`, the slack `x` of its trace, their multipliers `S` and `s`.
struct Iterate {
    v: Mat<f64>,
    x: f64,
    dual: Mat<f64>,
    s: f64,
}

/// The minimiser, an `order × order` matrix; the best iterate where rounding ends the iteration before it has converged.
pub(super) fn minimise(order: usize, quadratic: &Mat<f64>, linear: &Col<f64>, trace: f64) -> Mat<f64> {
    let unit = coefficients(order, &Mat::identity(order, order));
    let mut at = start(order, quadratic, linear, trace);
    for _ in 0..STEPS {
        let complementarity = (inner(&at.v, &at.dual) + at.x * at.s) / (order + 1) as f64;
        let gradient = quadratic * coordinates(order, &at.v) + linear;
        let residual = &gradient - coefficients(order, &at.dual) + &unit * faer::Scale(at.s);
        let small = residual.norm_max() <= 1e-11 * (1.0 + gradient.norm_max());
        if small && complementarity <= COMPLEMENTARITY * (1.0 + trace) {
            break;
        }
        let Some(next) = step(order, quadratic, (&residual, &unit), &at, CENTRING * complementarity) else { break };
        at = next;
    }
    at.v
}

/// A strictly feasible start.
fn start(order: usize, quadratic: &Mat<f64>, linear: &Col<f64>, trace: f64) -> Iterate {
    let share = trace / (order + 1) as f64;
    let v = Mat::<f64>::identity(order, order) * faer::Scale(share);
    let gradient = quadratic * coordinates(order, &v) + linear;
    // The matrix of which the gradient is the form.
    let form = Mat::from_fn(order, order, |a, b| {
        let entry = gradient[place(a.min(b), a.max(b))];
        if a == b { entry } else { 0.5 * entry }
    });
    let lowest = smallest_eigenvalue(&form);
    let s = (-2.0 * lowest).max(1.0);
    Iterate { v, x: share, dual: form + Mat::<f64>::identity(order, order) * faer::Scale(s), s }
}

/// The entries on and above the diagonal.
pub(super) fn coordinates(order: usize, matrix: &Mat<f64>) -> Col<f64> {
    let mut entries = Col::zeros(entries(order));
    for b in 0..order {
        for a in 0..=b {
            entries[place(a, b)] = matrix[(a, b)];
        }
    }
    entries
}

/// `⟨A, B⟩`.
fn inner(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    a.col_iter().zip(b.col_iter()).map(|(a, b)| a.transpose() * b).sum()
}

/// One Newton step towards the given complementarity; `None` where rounding allows none.
fn step(
    order: usize,
    quadratic: &Mat<f64>,
    (residual, unit): (&Col<f64>, &Col<f64>),
    at: &Iterate,
    target: f64,
) -> Option<Iterate> {
    let inverse = inverse(&at.v)?;
    let barrier = scaling(order, &inverse, &at.dual);
    let mut system = quadratic + &barrier;
    let ratio = at.s / at.x;
    for b in 0..order {
        for a in 0..order {
            system[(place(a, a), place(b, b))] += ratio;
        }
    }
    let pull = &inverse * faer::Scale(target) - &at.dual;
    let slack = (target - at.x * at.s) / at.x;
    let right = coefficients(order, &pull) - residual - unit * faer::Scale(slack);
    let change = system.llt(Side::Lower).ok()?.solve(right.as_mat());
    let change = change.col(0).to_owned();
    let dv = matrix(order, &change);
    let carried = &barrier * &change;
    let ds = Mat::from_fn(order, order, |a, b| {
        let entry = carried[place(a.min(b), a.max(b))];
        pull[(a, b)] - if a == b { entry } else { 0.5 * entry }
    });
    let dx = -(unit.transpose() * &change);
    let d_multiplier = slack - ratio * dx;
    let length = longest(&at.v, &dv)?.min(longest(&at.dual, &ds)?).min(longest_of(at.x, dx));
    let length = length.min(longest_of(at.s, d_multiplier)).min(1.0);
    let scaled = |m: Mat<f64>| m * faer::Scale(length);
    Some(Iterate {
        v: &at.v + scaled(dv),
        x: at.x + length * dx,
        dual: &at.dual + scaled(ds),
        s: at.s + length * d_multiplier,
    })
}

/// The matrix of `dV ↦ ½(V⁻¹ dV S + S dV V⁻¹)` between entries and coefficients, symmetric.
fn scaling(order: usize, inverse: &Mat<f64>, dual: &Mat<f64>) -> Mat<f64> {
    let count = entries(order);
    let mut operator = Mat::<f64>::zeros(count, count);
    for d in 0..order {
        for c in 0..=d {
            let mut column = operator.as_mut().col_mut(place(c, d));
            let half = if c == d { 0.5 } else { 1.0 };
            for b in 0..order {
                for a in 0..=b {
                    let sum = inverse[(a, c)] * dual[(d, b)]
                        + inverse[(a, d)] * dual[(c, b)]
                        + inverse[(b, c)] * dual[(d, a)]
                        + inverse[(b, d)] * dual[(c, a)];
                    column[place(a, b)] = half * if a == b { 0.5 } else { 1.0 } * sum;
                }
            }
        }
    }
    operator
}

/// The inverse of a positive definite matrix.
fn inverse(matrix: &Mat<f64>) -> Option<Mat<f64>> {
    let order = matrix.nrows();
    let inverse = matrix.llt(Side::Lower).ok()?.solve(Mat::<f64>::identity(order, order));
    Some((&inverse + inverse.transpose()) * faer::Scale(0.5))
}

/// The longest step from a positive definite matrix, just short of the boundary.
fn longest(matrix: &Mat<f64>, change: &Mat<f64>) -> Option<f64> {
    let factor = matrix.llt(Side::Lower).ok()?;
    let mut scaled = change.clone();
    faer::linalg::triangular_solve::solve_lower_triangular_in_place(factor.L(), scaled.as_mut(), faer::Par::Seq);
    let mut scaled = scaled.transpose().to_owned();
    faer::linalg::triangular_solve::solve_lower_triangular_in_place(factor.L(), scaled.as_mut(), faer::Par::Seq);
    let lowest = smallest_eigenvalue(&scaled);
    lowest.is_finite().then(|| if lowest < 0.0 { -STEP_SHARE / lowest } else { f64::INFINITY })
}

/// The same for a positive number.
fn longest_of(value: f64, change: f64) -> f64 {
    if change < 0.0 { -STEP_SHARE * value / change } else { f64::INFINITY }
}

/// The smallest eigenvalue; NaN if it cannot be computed.
fn smallest_eigenvalue(matrix: &Mat<f64>) -> f64 {
    matrix.self_adjoint_eigenvalues(Side::Lower).map_or(f64::NAN, |values| values[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minimisers_satisfy_the_conditions_of_optimality() {
        for (order, trace) in [(1, 2.0), (2, 0.5), (4, 3.0), (9, 10.0), (16, 1.0)] {
            let count = entries(order);
            // A quadratic function of rank three and a linear one that is negative in places.
            let root = Mat::from_fn(count, 3, |i, j| ((i * (j + 2)) as f64 * 0.7 + j as f64).sin());
            let quadratic = &root * root.transpose();
            let linear = Col::from_fn(count, |i| (1.9 * i as f64 + 0.3).cos());
            let v = minimise(order, &quadratic, &linear, trace);
            let gradient = &quadratic * coordinates(order, &v) + &linear;
            let form = Mat::from_fn(order, order, |a, b| {
                let entry = gradient[place(a.min(b), a.max(b))];
                if a == b { entry } else { 0.5 * entry }
            });
            let used: f64 = (0..order).map(|a| v[(a, a)]).sum();
            assert!(smallest_eigenvalue(&v) > -1e-12 && used <= trace * (1.0 + 1e-9), "order {order}");
            // The largest linear gain over the feasible set vanishes at the minimiser.
            let gain = inner(&form, &v) - trace * smallest_eigenvalue(&form).min(0.0);
            assert!(gain.abs() < 1e-7 * (1.0 + trace), "order {order}: {gain:e}");
        }
    }

    #[test]
    fn a_form_that_is_positive_is_minimised_by_zero() {
        let v = minimise(3, &Mat::zeros(6, 6), &coefficients(3, &Mat::identity(3, 3)), 5.0);
        assert!(v.norm_max() < 1e-9, "{v:?}");
    }
}
