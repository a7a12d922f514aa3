//! Points to try next, around a steep one.
//!
//! Uphill is `∇_x (uᵀ S J(x) v)` with `φ″` replaced by the difference quotient of `φ′` over a width. The smallest width
//! gives the gradient of a smooth network. Wider ones look past small hills, and they see the kinks of piecewise linear
//! networks, whose gradient is zero almost everywhere.

use faer::Mat;
use rand_chacha::ChaCha8Rng;
use tightlip_model::Activation;

use crate::linearised::{Linearised, Question};
use crate::quasi_newton::Curvature;
use crate::starts::gaussian;
use crate::steep::{Place, column, length, repeated};

/// Widths for the slope's difference quotient, in units of the layer's root mean square signal; the first stands for
/// the derivative.
const WIDTHS: [f64; 4] = [0.01, 0.1, 0.5, 2.0];
/// Lengths of quasi-Newton steps; the first is the natural one.
const NEWTON_LENGTHS: [f64; 4] = [1.0, 3.0, 0.3, 0.05];
/// Lengths of steps along the wider gradients, in units of the radius.
const WIDE_LENGTHS: [f64; 2] = [1.0, 0.2];
/// Lengths of other steps, in units of the radius.
const LENGTHS: [f64; 3] = [1.0, 0.3, 0.05];
/// Random steps in each batch.
const RANDOM: usize = 6;

/// Points to try, one in each column, and the passes that proposing them took.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) points: Mat<f64>,
    pub(crate) passes: usize,
}

impl Proposal {
    /// The points that multiples of directions lead to.
    fn of_steps(place: &Place, steps: &[(Vec<f64>, f64)], passes: usize) -> Self {
        let points = Mat::from_fn(place.x.len(), steps.len(), |i, c| place.x[i] + steps[c].1 * steps[c].0[i]);
        Self { points, passes }
    }
}

/// For smooth networks: along the quasi-Newton direction and the wider gradients.
pub(crate) fn ahead(question: &Question<'_>, place: &Place, radius: f64, curvature: &mut Curvature) -> Proposal {
    let mut steps: Vec<(Vec<f64>, f64)> = Vec::new();
    for (c, gradient) in uphill(question, place).into_iter().enumerate() {
        let slope = length(&gradient);
        if slope == 0.0 {
            continue;
        }
        if c == 0 {
            let direction = curvature.direction(&place.x, &gradient, radius);
            steps.extend(NEWTON_LENGTHS.map(|length| (direction.clone(), length)));
        } else {
            steps.extend(WIDE_LENGTHS.map(|length| (gradient.clone(), length * radius / slope)));
        }
    }
    Proposal::of_steps(place, &steps, 4 * WIDTHS.len())
}

/// Uphill, along the steepest direction and anywhere, at `radius` and nearer.
pub(crate) fn around(question: &Question<'_>, place: &Place, radius: f64, generator: &mut ChaCha8Rng) -> Proposal {
    let mut directions = uphill(question, place);
    let back = place.v.iter().map(|entry| -entry).collect();
    directions.extend([place.v.clone(), back]);
    let mut steps: Vec<(Vec<f64>, f64)> = directions
        .into_iter()
        .filter(|direction| length(direction) > 0.0)
        .flat_map(|direction| LENGTHS.map(|part| (direction.clone(), part * radius / length(&direction))))
        .collect();
    let size = radius / (place.x.len() as f64).sqrt();
    steps.extend((0..RANDOM).map(|_| (gaussian(place.x.len(), size, generator), 1.0)));
    Proposal::of_steps(place, &steps, 4 * WIDTHS.len())
}

/// `∇_x (uᵀ S J(x) v)` with slopes differenced over each of the widths; none for a network without activations.
fn uphill(question: &Question<'_>, place: &Place) -> Vec<Vec<f64>> {
    let here = Linearised::at(question, repeated(&place.x, WIDTHS.len()).as_ref());
    let (u, tangents) = here.attaining(repeated(&place.v, WIDTHS.len()).as_ref());
    let (_, cotangents) = here.backward(u.as_ref());
    let bends: Vec<Mat<f64>> = here
        .activations()
        .zip(tangents.iter().zip(&cotangents))
        .map(|((activation, z), (tangent, cotangent))| {
            let bend = bend(activation, z);
            Mat::from_fn(z.nrows(), z.ncols(), |i, c| bend[(i, c)] * tangent[(i, c)] * cotangent[(i, c)])
        })
        .collect();
    let gradients = here.pull_back(&bends);
    (0..gradients.ncols()).map(|c| column(gradients.as_ref(), c)).collect()
}

/// The difference quotient of `φ′` at the entries of `z`; every column has its own width.
fn bend(activation: Activation, z: &Mat<f64>) -> Mat<f64> {
    let size = z.norm_l2() / ((z.nrows() * z.ncols()) as f64).sqrt();
    // A layer whose signals all vanish sits on its kinks; any width serves.
    let unit = if size > 0.0 { size } else { 1.0 };
    Mat::from_fn(z.nrows(), z.ncols(), |i, c| {
        let width = WIDTHS[c] * unit;
        (activation.derivative(z[(i, c)] + width) - activation.derivative(z[(i, c)] - width)) / (2.0 * width)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tightlip_model::{Norm, OutputSelection, Query, Region, random_network};

    #[test]
    fn uphill_of_a_smooth_network_is_the_gradient_of_the_norm() {
        for (input_norm, output_norm) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L1)] {
            let network = random_network(&[3, 6, 5, 2], Activation::Tanh, 4).expect("valid");
            let query = Query { input_norm, output_norm, output: OutputSelection::All, region: Region::Global };
            let question = Question::new(&network, &query).expect("valid");
            let x = vec![0.3, -0.2, 0.7];
            let polished = |x: &[f64]| {
                let here = Linearised::at(&question, repeated(x, 1).as_ref());
                let start = here.directions_seen_by(Mat::full(2, 1, 1.0).as_ref());
                let stretch = here.stretch(start, 200);
                (column(stretch.directions.as_ref(), 0), stretch.factors[0])
            };
            let (v, factor) = polished(&x);
            let gradient = uphill(&question, &Place { x: x.clone(), v, factor }).swap_remove(0);
            for (i, slope) in gradient.into_iter().enumerate() {
                let moved = |h: f64| (0..3).map(|k| if k == i { x[k] + h } else { x[k] }).collect::<Vec<f64>>();
                let quotient = (polished(&moved(1e-5)).1 - polished(&moved(-1e-5)).1) / 2e-5;
                // The width of a hundredth of the signals costs about its square.
                assert!((slope - quotient).abs() < 1e-3, "{i}: {slope} and {quotient}");
            }
        }
    }
}
