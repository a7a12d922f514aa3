//! From a steep place to two points whose difference quotient attains the steepness.
//!
//! First the direction is polished: all outputs and the inputs' axes are tried as starts of the power method, and for
//! the Euclidean norms the singular value decomposition of the Jacobian replaces it. Then
//!
//! - piecewise linear networks: the longest segment through `x` along `v` on which no neuron crosses a kink. `f` is affine
//!   there, so the quotient is exactly `‖S J v‖`, and a long segment loses least to rounding;
//! - smooth networks: `x ± h v`, whose quotient differs from `‖S J v‖` by O(h²).
//!
//! Several lengths are tried, and the quotient less an estimate of its rounding error decides.

use faer::Mat;
use tightlip_model::Norm;

use crate::linearised::{Linearised, Question};
use crate::steep::{Place, SteepPair, column, repeated};

/// Starts of the power method from outputs and inputs each.
const POLISH_STARTS: usize = 16;
/// Steps of the power method.
const POLISH_STEPS: usize = 60;
/// The Jacobian is formed for its singular vectors up to this number of inputs or outputs.
const SMALL_SIDE: usize = 128;
/// Changes of the fastest neuron's signal over half the pair, for smooth networks.
const HALF_CHANGES: [f64; 4] = [1e-3, 1e-4, 1e-5, 1e-6];
/// Parts of the affine segment to use; never all of it, so that its ends are not on kinks.
const PARTS: [f64; 3] = [0.999, 0.9, 0.5];
/// Estimated relative rounding error of a computed output.
const OUTPUT_ERROR: f64 = 1e-15;

/// The best pair near `place`; `None` if no quotient is positive.
pub(crate) fn pair_at(question: &Question<'_>, place: &Place) -> Option<SteepPair> {
    let place = polished(question, place);
    let here = Linearised::at(question, repeated(&place.x, 1).as_ref());
    let (_, tangents) = here.forward(repeated(&place.v, 1).as_ref());
    let spans =
        if question.is_smooth() { smooth_spans(&tangents, &place) } else { affine_spans(&here, &tangents, &place) };
    let mut best: Option<(f64, SteepPair)> = None;
    for (back, ahead) in spans {
        let point = |step: f64| place.x.iter().zip(&place.v).map(|(x, v)| x + step * v).collect::<Vec<f64>>();
        let Some((score, pair)) = scored(question, point(ahead), point(-back)) else { continue };
        if best.as_ref().is_none_or(|(leading, _)| score > *leading) {
            best = Some((score, pair));
        }
    }
    best.map(|(_, pair)| pair)
}

/// `place` with the best direction that can be found at its point.
fn polished(question: &Question<'_>, place: &Place) -> Place {
    let (inputs, outputs) = (question.network.inputs(), question.outputs());
    let euclidean = question.query.input_norm == Norm::L2 && question.query.output_norm == Norm::L2;
    let mut polished = Place { x: place.x.clone(), v: place.v.clone(), factor: place.factor };
    let mut starts = vec![place.v.clone()];
    if outputs == 1 {
        // Any start leads to the one direction that the output sees.
    } else if euclidean && inputs.min(outputs) <= SMALL_SIDE {
        starts.extend(top_singular_direction(question, place));
    } else {
        let chosen = |n: usize| (0..n).step_by(n.div_ceil(POLISH_STARTS));
        starts.extend(chosen(inputs).map(|j| (0..inputs).map(|i| f64::from(u8::from(i == j))).collect()));
        let units: Vec<usize> = chosen(outputs).collect();
        let u = Mat::from_fn(outputs, units.len(), |i, c| f64::from(u8::from(i == units[c])));
        let seen = Linearised::at(question, repeated(&place.x, units.len()).as_ref()).directions_seen_by(u.as_ref());
        starts.extend((0..units.len()).map(|c| column(seen.as_ref(), c)));
    }
    let v = Mat::from_fn(inputs, starts.len(), |i, c| starts[c][i]);
    let stretch = Linearised::at(question, repeated(&place.x, starts.len()).as_ref()).stretch(v, POLISH_STEPS);
    for (c, &factor) in stretch.factors.iter().enumerate() {
        if factor > polished.factor {
            polished.v = column(stretch.directions.as_ref(), c);
            polished.factor = factor;
        }
    }
    polished
}

/// The right singular vector of the largest singular value of `S J(x)`.
fn top_singular_direction(question: &Question<'_>, place: &Place) -> Option<Vec<f64>> {
    let (inputs, outputs) = (question.network.inputs(), question.outputs());
    let side = inputs.min(outputs);
    let here = Linearised::at(question, repeated(&place.x, side).as_ref());
    let identity = Mat::<f64>::identity(side, side);
    let jacobian = if outputs <= inputs {
        here.backward(identity.as_ref()).0.transpose().to_owned()
    } else {
        here.forward(identity.as_ref()).0
    };
    let decomposition = jacobian.thin_svd().ok()?;
    Some(column(decomposition.V(), 0))
}

/// Steps `(back, ahead)` from the place that stay in its affine piece.
fn affine_spans(here: &Linearised<'_>, tangents: &[Mat<f64>], place: &Place) -> Vec<(f64, f64)> {
    // Where no kink limits the segment, the size of the point keeps both ends well scaled.
    let longest = place.x.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
    let (mut back, mut ahead) = (longest, longest);
    let mut on_kink = false;
    for ((activation, z), tangent) in here.activations().zip(tangents) {
        for kink in activation.kinks() {
            for i in 0..z.nrows() {
                let step = (kink - z[(i, 0)]) / tangent[(i, 0)];
                on_kink |= step == 0.0;
                if step > 0.0 {
                    ahead = ahead.min(step);
                }
                if step < 0.0 {
                    back = back.min(-step);
                }
            }
        }
    }
    // From a point on a kink the network is affine to either side; the better quotient decides which one was meant.
    let sides: &[(f64, f64)] = if on_kink { &[(back, 0.0), (0.0, ahead)] } else { &[(back, ahead)] };
    sides.iter().flat_map(|(back, ahead)| PARTS.iter().map(move |part| (part * back, part * ahead))).collect()
}

/// Symmetric steps that move the fastest neuron by a set amount.
fn smooth_spans(tangents: &[Mat<f64>], place: &Place) -> Vec<(f64, f64)> {
    let fastest = tangents.iter().map(Mat::norm_max).fold(0.0, f64::max);
    let size = place.x.iter().fold(0.0, |size: f64, x| size.max(x.abs()));
    HALF_CHANGES
        .iter()
        .map(|change| (change / fastest).max(1e-9 * size))
        .filter(|half| half.is_finite())
        .flat_map(|half| [(half, half), (half, 0.0), (0.0, half)])
        .collect()
}

/// The pair and its quotient in double precision, less an estimate of the quotient's error.
fn scored(question: &Question<'_>, x: Vec<f64>, x_prime: Vec<f64>) -> Option<(f64, SteepPair)> {
    let points = Mat::from_fn(x.len(), 2, |i, c| if c == 0 { x[i] } else { x_prime[i] });
    let values = question.evaluate(points.as_ref());
    let difference = |y: &Mat<f64>| Mat::from_fn(y.nrows(), 1, |i, _| y[(i, 0)] - y[(i, 1)]);
    let distance = question.input_norm(difference(&points).as_ref(), 0);
    let quotient = question.output_norm(difference(&values).as_ref(), 0) / distance;
    let score = quotient - OUTPUT_ERROR * question.output_norm(values.as_ref(), 0) / distance;
    (score > 0.0 && quotient.is_finite()).then_some((score, SteepPair { x, x_prime, quotient }))
}
