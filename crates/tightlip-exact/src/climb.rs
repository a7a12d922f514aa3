//! Hill climbing from one place.
//!
//! Each round first tries the moves that know where to go: quasi-Newton steps and wider gradients for smooth networks,
//! then neighbouring cells. Only if none of them is steeper, it looks around at a radius that adapts.

use faer::Mat;
use rand_chacha::ChaCha8Rng;

use crate::budget::Budget;
use crate::flips::neighbours;
use crate::linearised::{Linearised, Question};
use crate::moves::{Proposal, ahead, around};
use crate::quasi_newton::Curvature;
use crate::steep::{Place, column, length, repeated};

/// The first radius, in units of the distance from the origin (at least 1).
const FIRST_RADIUS: f64 = 0.3;
/// The radius grows after a step at the radius that led up and shrinks after one that did not.
const GROW: f64 = 2.0;
const SHRINK: f64 = 0.3;
/// Steps of the power method for points at the radius; all moves start from the direction of the place climbed from.
const POWER_STEPS: usize = 1;
/// Steps for the point that is taken.
const POLISH_STEPS: usize = 3;

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

/// Climbs from `place` until the effort is made or the budget spent.
pub(crate) fn climb(
    question: &Question<'_>,
    mut place: Place,
    effort: Effort,
    budget: &mut Budget<'_>,
    generator: &mut ChaCha8Rng,
) -> Place {
    let first = FIRST_RADIUS * length(&place.x).max(1.0);
    let mut radius = first;
    let mut curvature = Curvature::default();
    // With exact slopes a flip's gain shows without a step of the power method: `uᵀ S J v` itself grows.
    let informed_steps = usize::from(question.is_smooth());
    while radius > effort.last_radius * first && budget.left() > 0 {
        if question.is_smooth() {
            let proposal = ahead(question, &place, radius, &mut curvature);
            if let Some(better) = steeper(question, &place, &proposal, (informed_steps, effort), budget) {
                place = better;
                continue;
            }
        }
        let proposal = neighbours(question, &place);
        if let Some(better) = steeper(question, &place, &proposal, (informed_steps, effort), budget) {
            place = better;
            continue;
        }
        let proposal = around(question, &place, radius, generator);
        match steeper(question, &place, &proposal, (POWER_STEPS, effort), budget) {
            Some(better) => {
                place = better;
                radius *= GROW;
            }
            None => radius *= SHRINK,
        }
    }
    place
}

/// The steepest of the proposed points, as seen after a few steps of the power method, if it is steeper than `place`.
fn steeper(
    question: &Question<'_>,
    place: &Place,
    proposal: &Proposal,
    (steps, effort): (usize, Effort),
    budget: &mut Budget<'_>,
) -> Option<Place> {
    let count = proposal.points.ncols();
    budget.spend(proposal.passes + count * (2 + 2 * steps));
    let stretch = Linearised::at(question, proposal.points.as_ref()).stretch(repeated(&place.v, count), steps);
    let best = (0..count)
        .filter(|&c| stretch.factors[c].is_finite())
        .max_by(|&a, &b| stretch.factors[a].total_cmp(&stretch.factors[b]))
        .filter(|&c| stretch.factors[c] > place.factor * (1.0 + effort.progress))?;
    let x: Mat<f64> = proposal.points.col(best).as_mat().to_owned();
    let v = repeated(&column(stretch.directions.as_ref(), best), 1);
    let polished = Linearised::at(question, x.as_ref()).stretch(v, POLISH_STEPS);
    budget.spend(2 + 2 * POLISH_STEPS);
    Some(Place { x: column(x.as_ref(), 0), v: column(polished.directions.as_ref(), 0), factor: polished.factors[0] })
}
