//! The path of a logarithmic barrier, followed by Newton's method with tangent steps.
//!
//! `maximise y_0 over the domain of a self-concordant barrier −φ` of parameter `ν`. The central path is
//!
//!   `y(t) = argmax t y_0 + φ(y)`,   and at `y(t)` the optimum is at most `ν/t` away.
//!
//! With `g = ∇φ`, `K = −∇²φ`, `d = K⁻¹g`, `e = K⁻¹e_0`, Newton's step to `y(t)` is `d + t e`, its decrement
//! `δ(t)² = (g + t e_0)ᵀ(d + t e)`, and the tangent of the path in `1/t` carries the step to `d + (1 + τ) t e` for
//! `t′ = t/(1 − τ)`: one matrix for both. Off the path (`δ` not small) the step is Newton's, damped until `t y_0 + φ` grows. The
//! number of steps depends on `ν` weakly; every point is strictly feasible. (Nesterov and Nemirovskii 1994; the steps are those
//! of a dual-scaling predictor-corrector method, with trial factorisations instead of a prescribed neighbourhood.)

use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Mat, Par};

use crate::forward::cholesky;

/// A concave function with its domain.
pub(crate) trait Barrier {
    /// `φ(y)`; `None` outside of the domain.
    fn value(&self, y: &[f64]) -> Option<f64>;

    /// `∇φ` and the lower triangle of `−∇²φ`; `None` outside of the domain.
    fn derivatives(&self, y: &[f64]) -> Option<(Vec<f64>, Mat<f64>)>;

    /// `ν`.
    fn parameter(&self) -> f64;
}

/// Why a path was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathEnd {
    /// The gap is as small as was asked for.
    Closed,
    /// Rounding lets no step succeed any more, or there were too many.
    Stalled,
    /// A limit.
    Interrupted,
}

/// A point near the path.
#[derive(Debug, Clone)]
pub(crate) struct PathPoint {
    /// `y`, strictly feasible.
    pub y: Vec<f64>,
    /// The optimum is about this much above `y_0` at most.
    pub gap: f64,
    /// Newton matrices factorised.
    pub steps: u32,
    /// Why it is the last.
    pub end: PathEnd,
}

/// Decrement within which a point counts as one of the path.
const CLOSE: f64 = 0.7;
/// Parts `τ` of the way to the optimum tried along the tangent. The first that is feasible is near the boundary, so the next is
/// taken. Longer ones land far from the path and cost more steps there than they save (measured on five kinds of networks).
const ADVANCES: [f64; 11] = [0.97, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
/// Dampings tried off the path, before the `1/(1 + δ)` that always succeeds but for rounding.
const DAMPINGS: [f64; 6] = [1.0, 0.7, 0.5, 0.35, 0.25, 0.12];
/// Part of the ascent that its slope promises, for a damped step to be taken.
const ARMIJO: f64 = 0.1;
/// Stages take 20 to 60.
const MOST_STEPS: u32 = 200;

/// Newton's equation at a point.
struct Newton {
    /// `K⁻¹g` and `K⁻¹e_0`.
    centring: Vec<f64>,
    objective: Vec<f64>,
    /// `gᵀK⁻¹g`, `gᵀK⁻¹e_0`, `e_0ᵀK⁻¹e_0`.
    products: [f64; 3],
}

impl Newton {
    /// `None` if the matrix is not positive definite in floating point.
    fn new(gradient: &[f64], mut matrix: Mat<f64>) -> Option<Self> {
        let n = gradient.len();
        // Multipliers differ by orders of magnitude near the optimum: a unit diagonal keeps what digits there are.
        let scales: Vec<f64> = (0..n).map(|i| 1.0 / matrix[(i, i)].sqrt()).collect();
        for j in 0..n {
            for i in j..n {
                matrix[(i, j)] *= scales[i] * scales[j];
            }
        }
        cholesky(&mut matrix, Par::Seq).ok()?;
        let mut sides = Mat::from_fn(n, 2, |i, side| match (side, i) {
            (0, _) => scales[i] * gradient[i],
            (_, 0) => scales[0],
            (_, _) => 0.0,
        });
        solve_lower_triangular_in_place(matrix.as_ref(), sides.as_mut(), Par::Seq);
        solve_upper_triangular_in_place(matrix.transpose(), sides.as_mut(), Par::Seq);
        let column = |side: usize| -> Vec<f64> { (0..n).map(|i| scales[i] * sides[(i, side)]).collect() };
        let (centring, objective) = (column(0), column(1));
        let inner = |vector: &[f64]| gradient.iter().zip(vector).map(|(g, x)| g * x).sum::<f64>();
        let products = [inner(&centring), inner(&objective), objective[0]];
        let usable = products.iter().all(|product| product.is_finite()) && products[2] > 0.0;
        usable.then_some(Self { centring, objective, products })
    }

    /// `δ(t)`.
    fn decrement(&self, t: f64) -> f64 {
        let [gg, gc, cc] = self.products;
        (gg + 2.0 * t * gc + t * t * cc).max(0.0).sqrt()
    }

    /// The `t` of the nearest point of the path.
    fn nearest(&self) -> f64 {
        let [_, gc, cc] = self.products;
        -gc / cc
    }

    /// `y + damping (d + t e)`.
    fn stepped(&self, y: &[f64], t: f64, damping: f64) -> Vec<f64> {
        let step = self.centring.iter().zip(&self.objective).map(|(d, e)| damping * (d + t * e));
        y.iter().zip(step).map(|(y, step)| y + step).collect()
    }
}

/// Follows the path from a strictly feasible `y` until the gap is at most `tolerance |y_0|`. `gap` is a guess of that of `y`.
///
/// # Panics
/// If `y` is not feasible.
pub(crate) fn follow(
    barrier: &dyn Barrier,
    y: Vec<f64>,
    (gap, tolerance): (f64, f64),
    stop: &dyn Fn() -> bool,
) -> PathPoint {
    let order = barrier.parameter();
    let mut at = PathPoint { y, gap: f64::INFINITY, steps: 0, end: PathEnd::Stalled };
    let mut t = order / gap;
    while at.steps < MOST_STEPS {
        if stop() {
            at.end = PathEnd::Interrupted;
            break;
        }
        let (gradient, matrix) = barrier.derivatives(&at.y).expect("points of the path are feasible");
        let Some(newton) = Newton::new(&gradient, matrix) else { break };
        at.steps += 1;
        let nearest = newton.nearest();
        if nearest > t && newton.decrement(nearest) <= CLOSE {
            t = nearest;
        }
        let decrement = newton.decrement(t);
        if decrement > CLOSE {
            let Some(y) = centred(barrier, &at.y, &newton, t) else { break };
            at.y = y;
            continue;
        }
        at.gap = (order + decrement * order.sqrt()) / t;
        if at.gap <= tolerance * at.y[0].abs() {
            let last = newton.stepped(&at.y, t, 1.0);
            if barrier.value(&last).is_some() {
                at.y = last;
            }
            at.end = PathEnd::Closed;
            break;
        }
        let Some((y, advanced)) = advanced(barrier, &at.y, &newton, t) else { break };
        (at.y, t) = (y, advanced);
    }
    at
}

/// A damped step towards the path.
fn centred(barrier: &dyn Barrier, y: &[f64], newton: &Newton, t: f64) -> Option<Vec<f64>> {
    let decrement = newton.decrement(t);
    let merit = |y: &[f64]| barrier.value(y).map(|value| t * y[0] + value);
    let start = merit(y)?;
    DAMPINGS.into_iter().chain([1.0 / (1.0 + decrement)]).find_map(|damping| {
        let trial = newton.stepped(y, t, damping);
        let rises = merit(&trial)? > start + ARMIJO * damping * decrement * decrement;
        rises.then_some(trial)
    })
}

/// A step along the tangent, and the `t` of its end.
fn advanced(barrier: &dyn Barrier, y: &[f64], newton: &Newton, t: f64) -> Option<(Vec<f64>, f64)> {
    let trial = |advance: f64| newton.stepped(y, (1.0 + advance) * t, 1.0);
    let first = ADVANCES.into_iter().position(|advance| barrier.value(&trial(advance)).is_some())?;
    let taken = if first == 0 { 0 } else { (first + 1).min(ADVANCES.len() - 1) };
    // The domain is convex, so that less of the way is feasible as well, if only the start of it is.
    let place = if barrier.value(&trial(ADVANCES[taken])).is_some() { taken } else { first };
    Some((trial(ADVANCES[place]), t / (1.0 - ADVANCES[place])))
}
