//! Points to try next, around a steep one.
//!
//! - *Uphill*: `∇_x (uᵀ S J(x) v)` with `φ″` replaced by the difference quotient of `φ′` over a width. A small width is
//!   the gradient of a smooth network; for piecewise linear ones, whose gradient is zero almost everywhere, a width
//!   makes the kinks within it visible.
//! - *Along* the steepest direction, and *anywhere*.

use faer::Mat;
use rand_chacha::ChaCha8Rng;
use tightlip_model::Activation;

use crate::linearised::{Linearised, Question};
use crate::starts::gaussian;
use crate::steep::{Place, column, length, repeated};

/// Widths for the slope's difference quotient, in units of the layer's root mean square signal.
pub(crate) const WIDTHS: [f64; 4] = [0.01, 0.1, 0.5, 2.0];
/// Step lengths in units of the radius.
const LENGTHS: [f64; 3] = [1.0, 0.3, 0.05];
/// Random directions in each batch.
const RANDOM: usize = 6;
/// Passes that proposing points takes.
pub(crate) const PASSES: usize = 4 * WIDTHS.len();

/// Points at `radius` and somewhat nearer, one in each column.
pub(crate) fn around(question: &Question<'_>, place: &Place, radius: f64, generator: &mut ChaCha8Rng) -> Mat<f64> {
    let inputs = question.network.inputs();
    let mut directions = uphill(question, place, &WIDTHS);
    let back = place.v.iter().map(|entry| -entry).collect();
    directions.extend([place.v.clone(), back]);
    let mut steps: Vec<(Vec<f64>, f64)> = directions
        .into_iter()
        .filter(|direction| length(direction) > 0.0)
        .flat_map(|direction| LENGTHS.map(|part| (direction.clone(), part * radius / length(&direction))))
        .collect();
    let size = radius / (inputs as f64).sqrt();
    steps.extend((0..RANDOM).map(|_| (gaussian(inputs, size, generator), 1.0)));
    Mat::from_fn(inputs, steps.len(), |i, c| place.x[i] + steps[c].1 * steps[c].0[i])
}

/// `∇_x (uᵀ S J(x) v)` with slopes differenced over each of `widths`.
pub(crate) fn uphill(question: &Question<'_>, place: &Place, widths: &[f64]) -> Vec<Vec<f64>> {
    let here = Linearised::at(question, repeated(&place.x, widths.len()).as_ref());
    let (u, tangents) = here.attaining(repeated(&place.v, widths.len()).as_ref());
    let (_, cotangents) = here.backward(u.as_ref());
    let bends: Vec<Mat<f64>> = here
        .activations()
        .zip(tangents.iter().zip(&cotangents))
        .map(|((activation, z), (tangent, cotangent))| bend(activation, z, widths, &(tangent, cotangent)))
        .collect();
    let gradients = here.pull_back(&bends);
    (0..gradients.ncols()).map(|c| column(gradients.as_ref(), c)).collect()
}

/// `φ″(z) ż λ` with the difference quotient of `φ′`; every column has its own width.
fn bend(
    activation: Activation,
    z: &Mat<f64>,
    widths: &[f64],
    (tangent, cotangent): &(&Mat<f64>, &Mat<f64>),
) -> Mat<f64> {
    let size = z.norm_l2() / ((z.nrows() * z.ncols()) as f64).sqrt();
    // A layer whose signals all vanish sits on its kinks; any width serves.
    let unit = if size > 0.0 { size } else { 1.0 };
    Mat::from_fn(z.nrows(), z.ncols(), |i, c| {
        let width = widths[c] * unit;
        let (above, below) = (activation.derivative(z[(i, c)] + width), activation.derivative(z[(i, c)] - width));
        (above - below) / (2.0 * width) * tangent[(i, c)] * cotangent[(i, c)]
    })
}
