//! The bound of one node: the lifted iteration on its face, until it can be closed or has to be split.

use std::sync::Arc;

use faer::Mat;
use tightlip_certify::FaceProof;
use tightlip_lifted::LiftedIteration;
use tightlip_model::{Edge, Face, IncrementSystem, Limits, LinearMap, Multipliers, RelaxationPoint};

use crate::search::Question;
use crate::split::{Split, choose};

/// What has been proved for a face.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The bound, in the units of the searched system.
    pub value: f64,
    /// The proof, for the original system.
    pub face: Arc<FaceProof>,
}

/// Proves multipliers of faces.
pub trait Verifier: Sync {
    /// The bound that `multipliers`, of the face's system, prove for `face` after rounding by a margin that keeps it below
    /// `allowed`; `None` if they prove nothing there.
    fn prove(&self, face: &Face, multipliers: &Multipliers, allowed: f64) -> Option<Proof>;

    /// How many numbers it keeps for one proof, for the prediction of memory.
    fn multipliers(&self) -> usize;
}

/// Steps over which the change of the value is measured.
const WINDOW: usize = 5;
/// Steps at most for a root, and for a node that may be closed.
const MOST_STEPS: usize = 400;
/// Steps at most for a node that has to be split anyway.
const SPLIT_STEPS: usize = 60;
/// A root has settled when its value changes by no more than this, relative.
const ROOT_SETTLED: f64 = 1e-8;
/// A value that changes by less than this part of its distance to the target has settled (measured: 0.01 to 0.1 are alike).
const SETTLED: f64 = 0.05;
/// A value that changes by less than this, relative, stands still.
const STILL: f64 = 1e-12;
/// After a failed proof the change has to fall by this factor before the next.
const NEXT_TRY: f64 = 0.4;
/// The margin of a proof that cannot reach the target, as a part of the distance to it.
const LOOSE: f64 = 0.05;
/// And at least this part of the gap at which nodes are closed.
const GAP_SHARE: f64 = 0.5;

/// A bounded node.
pub(crate) struct Bounded {
    /// Value of the relaxation, from below.
    pub(crate) value: f64,
    pub(crate) proof: Option<Proof>,
    pub(crate) point: RelaxationPoint,
    /// Where to split it; `None` if no choice is left.
    pub(crate) split: Option<Split>,
    pub(crate) sweeps: u64,
}

/// What a node should be bounded by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Below this it is closed.
    pub(crate) value: f64,
    /// Relative gap at which nodes are closed.
    pub(crate) gap: f64,
}

/// The root: its point, settled, and where to split. Its proof comes from elsewhere.
pub(crate) fn root(question: &Question<'_>, face: &Face, rank: usize, limits: &Limits) -> Bounded {
    let system = dense(face, question.system);
    let mut iteration = LiftedIteration::new(&system, question.query, rank, limits.seed, limits.threads);
    let mut values = [0.0_f64; WINDOW];
    for step in 0..MOST_STEPS {
        let value = iteration.step();
        let change = (value - values[step % WINDOW]).abs();
        values[step % WINDOW] = value;
        // Written so that NaN ends it.
        let moves = change > ROOT_SETTLED * value;
        if step >= WINDOW && !moves || limits.stop_requested() {
            break;
        }
    }
    bounded(question, face, &iteration, None)
}

/// Bounds a face, starting at a point of its own, to below the target if possible.
pub(crate) fn bound(
    question: &Question<'_>,
    face: &Face,
    start: &RelaxationPoint,
    target: Target,
    limits: &Limits,
) -> Bounded {
    let system = dense(face, question.system);
    let mut iteration = LiftedIteration::from_point(&system, question.query, start, 1);
    let mut proof: Option<Proof> = None;
    let mut values = [0.0_f64; WINDOW];
    let mut tried_at = f64::INFINITY;
    for step in 0..MOST_STEPS {
        let value = iteration.step();
        let change = (value - values[step % WINDOW]).abs();
        values[step % WINDOW] = value;
        if limits.stop_requested() {
            break;
        }
        if step < WINDOW {
            continue;
        }
        let to_split = value > target.value;
        // Nothing gets through, or numbers left the range of floating point: there is nothing more to come.
        let moves = change > STILL * value;
        let last = !moves || to_split && step >= SPLIT_STEPS;
        let distance = (value - target.value).abs().max(target.gap * value);
        if last || change <= SETTLED * distance && change <= NEXT_TRY * tried_at {
            tried_at = change;
            let above = value * (1.0 + (LOOSE * (value / target.value - 1.0)).max(GAP_SHARE * target.gap));
            let allowed = if to_split { above } else { target.value };
            proof = prove(question, face, &iteration, allowed);
            if last || proof.is_some() {
                break;
            }
        }
    }
    bounded(question, face, &iteration, proof)
}

/// What an iteration has come to.
fn bounded(question: &Question<'_>, face: &Face, iteration: &LiftedIteration<'_>, proof: Option<Proof>) -> Bounded {
    let split = choose(face, iteration, question.query);
    let (point, _) = iteration.point();
    Bounded { value: iteration.value(), proof, point, split, sweeps: iteration.sweeps() }
}

/// Proves the multipliers of an iteration: the likeliest correction, or those by stationarity.
fn prove(question: &Question<'_>, face: &Face, iteration: &LiftedIteration<'_>, allowed: f64) -> Option<Proof> {
    let corrected = iteration.corrected_multipliers().into_iter().next();
    let mut candidates = corrected.into_iter().chain(std::iter::once_with(|| iteration.multipliers()));
    candidates.find_map(|candidate| question.verifier.prove(face, &candidate, allowed))
}

/// The system of a face with its maps multiplied out, rounded.
fn dense(face: &Face, system: &IncrementSystem) -> IncrementSystem {
    let exact = face.system(system).expect("the searched system is a chain, and the face one of it");
    let edges = exact
        .edges()
        .iter()
        .map(|edge| Edge { from: edge.from, to: edge.to, map: LinearMap::Dense(edge.map.to_dense()) })
        .collect();
    let slopes = (1..exact.output_block()).map(|k| exact.slopes(k).to_vec()).collect();
    IncrementSystem::new(exact.len(0), slopes, exact.len(exact.output_block()), edges).expect("the same shape")
}

/// The part of a point that belongs to a face within its own.
pub(crate) fn inherited(parent: &Face, point: &RelaxationPoint, child: &Face) -> RelaxationPoint {
    let (before, after) = (parent.free(), child.free());
    let last = before.len() - 1;
    let pick = |matrix: &Mat<f64>, k: usize| {
        let place = |j: &usize| before[k].binary_search(j).expect("what is free in a child is free in its parent");
        let places: Vec<usize> = after[k].iter().map(place).collect();
        Mat::from_fn(matrix.nrows(), places.len(), |i, j| matrix[(i, places[j])])
    };
    RelaxationPoint {
        input: pick(&point.input, 0),
        directions: (1..last).map(|k| pick(&point.directions[k - 1], k)).collect(),
    }
}
