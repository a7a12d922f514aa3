//! Hill climbing from one place.
//!
//! Each round first tries the moves that know where to go (neighbouring cells of piecewise linear networks, a
//! quasi-Newton step of smooth ones); only if none of them is steeper, directions at a radius that adapts.

use faer::Mat;
use rand_chacha::ChaCha8Rng;

use crate::budget::Budget;
use crate::flips::neighbours;
use crate::linearised::{Linearised, Question};
use crate::moves::{self, WIDTHS, around, uphill};
use crate::quasi_newton::Curvature;
use crate::steep::{Place, column, length, repeated};

/// Steps of the power method for each move; it starts from the direction of the place climbed from.
const POWER_STEPS: usize = 1;
const POLISH_STEPS: usize = 3;
/// The first radius, in units of the distance from the origin (at least 1).
const FIRST_RADIUS: f64 = 0.3;
/// How far a climb goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// The climb ends when the radius has shrunk below this part of the first one.
    last_radius: f64,
    /// Improvements below this ratio count as none.
    progress: f64,
}

impl Effort {
    /// While searching: most climbs end on hills that are not the highest.
    pub(crate) const COARSE: Self = Self { last_radius: 0.5, progress: 1e-4 };
    /// For the places that remain.
    pub(crate) const FINE: Self = Self { last_radius: 1e-4, progress: 1e-8 };
}

const GROW: f64 = 2.0;
const SHRINK: f64 = 0.3;
/// Lengths of quasi-Newton steps; the first is the natural one.
const WIDE_LENGTHS: [f64; 2] = [1.0, 0.2];
const NEWTON_LENGTHS: [f64; 4] = [1.0, 3.0, 0.3, 0.05];

/// Climbs from `place` until the effort is made or the budget spent.
pub(crate) fn climb(
    question: &Question<'_>,
    mut place: Place,
    effort: Effort,
    budget: &mut Budget<'_>,
    generator: &mut ChaCha8Rng,
) -> Place {
    let smooth = question.is_smooth();
    let first = FIRST_RADIUS * length(&place.x).max(1.0);
    let mut radius = first;
    let mut curvature = Curvature::default();
    while radius > effort.last_radius * first && budget.left() > 0 {
        if smooth {
            let (points, spent) = newton_points(question, &place, radius, &mut curvature);
            budget.spend(spent);
            if let Some(better) = steeper(question, &place, &points, (effort.progress, 1), budget) {
                place = better;
                continue;
            }
        }
        let (points, spent) = neighbours(question, &place);
        budget.spend(spent);
        if let Some(better) = steeper(question, &place, &points, (effort.progress, usize::from(smooth)), budget) {
            place = better;
            continue;
        }
        let points = around(question, &place, radius, generator);
        budget.spend(moves::PASSES);
        match steeper(question, &place, &points, (effort.progress, POWER_STEPS), budget) {
            Some(better) => {
                place = better;
                radius *= GROW;
            }
            None => radius *= SHRINK,
        }
    }
    place
}

/// The steepest of `points`, seen after `steps` steps of the power method, if it is steeper than `place`.
fn steeper(
    question: &Question<'_>,
    place: &Place,
    points: &Mat<f64>,
    (progress, steps): (f64, usize),
    budget: &mut Budget<'_>,
) -> Option<Place> {
    let count = points.ncols();
    budget.spend(count * (2 + 2 * steps));
    let stretch = Linearised::at(question, points.as_ref()).stretch(repeated(&place.v, count), steps);
    let best = (0..count)
        .filter(|&c| stretch.factors[c].is_finite())
        .max_by(|&a, &b| stretch.factors[a].total_cmp(&stretch.factors[b]))?;
    if stretch.factors[best] <= place.factor * (1.0 + progress) {
        return None;
    }
    let x = column(points.as_ref(), best);
    let v = repeated(&column(stretch.directions.as_ref(), best), 1);
    let polished = Linearised::at(question, repeated(&x, 1).as_ref()).stretch(v, POLISH_STEPS);
    budget.spend(2 + 2 * POLISH_STEPS);
    Some(Place { x, v: column(polished.directions.as_ref(), 0), factor: polished.factors[0] })
}

/// Points along the quasi-Newton direction and along the gradients that look further, one in each column, and the
/// passes spent.
fn newton_points(question: &Question<'_>, place: &Place, radius: f64, curvature: &mut Curvature) -> (Mat<f64>, usize) {
    let inputs = place.x.len();
    let gradients = uphill(question, place, &WIDTHS);
    let mut steps: Vec<(Vec<f64>, f64)> = Vec::new();
    for (c, gradient) in gradients.into_iter().enumerate() {
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
    (Mat::from_fn(inputs, steps.len(), |i, c| place.x[i] + steps[c].1 * steps[c].0[i]), 4 * WIDTHS.len())
}
