//! Faces of the reduced system proved in the units of the original one, and patterns evaluated there.
//!
//! *Rounding.* The multipliers of a face are nearly feasible. The closed form of `round_multipliers` is for chains, and the system
//! of a face has edges over its fixed neurons; so they are mixed with multipliers `ŷ` that are strictly feasible for the whole
//! chain, and therefore for every face of it: `F(ŷ) ⪰ ε̂ D` restricts to the subspace where `δ_j` is a fixed multiple of what comes in.
//! `(1 − θ) y + θ ŷ` then has a surplus of `θ ε̂ D` at the cost of `θ` times the distance of both bounds, with θ as large as what may
//! be proved allows.

use std::sync::Arc;

use tightlip_branch::{Proof, Verifier};
use tightlip_certify::{FaceProof, FaceProver, Refusal, Segment, relaxation_value, round_multipliers};
use tightlip_lifted::LiftedIteration;
use tightlip_model::{Face, Limits, Multipliers, Reduction, RelaxationPoint, Weight};

use crate::Judge;
use crate::method::Problem;

/// The margin ε̂ of the strictly feasible multipliers.
const INTERIOR_MARGIN: f64 = 0.1;
/// Part of what may be proved that rounding uses up.
const ROUNDING_SHARE: f64 = 0.95;
/// Nothing is mixed with more than this.
const LARGEST_PART: f64 = 0.5;
/// Parts above this leave room for multipliers of seven digits, which make certificates half as long.
const ROOMY: f64 = 1e-4;

/// A whole problem proved, and strictly feasible multipliers.
pub(super) struct Root {
    pub(super) proof: Arc<FaceProof>,
    interior: Multipliers,
    interior_weight: f64,
}

impl Root {
    /// From what `judge` has proved about the problem.
    ///
    /// # Errors
    /// The verifier's refusal, or that there is no single set of multipliers.
    pub(super) fn new(
        problem: &Problem<'_>,
        judge: &Judge<'_>,
        prover: &FaceProver,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let whole = |segments: &[Segment]| match segments {
            [whole] if whole.end_block == problem.system.output_block() => Some(whole.multipliers.clone()),
            _ => None,
        };
        let best = judge.best().ok_or_else(Refusal::nothing_tried)?;
        let multipliers = match &best.proof {
            tightlip_certify::Proof::Whole(segments) => whole(segments),
            _ => None,
        };
        let multipliers = multipliers.ok_or_else(Refusal::nothing_tried)?;
        let (interior, interior_weight) = balanced(&round_multipliers(&multipliers, INTERIOR_MARGIN));
        let proof = prover.prove(Face::whole(&problem.system), Arc::new(multipliers), limits)?;
        Ok(Self { proof: Arc::new(proof), interior, interior_weight })
    }
}

/// Proves faces of the reduced system.
pub(super) struct Units<'a> {
    pub(super) problem: &'a Problem<'a>,
    pub(super) reduction: &'a Reduction,
    pub(super) root: &'a Root,
    pub(super) prover: &'a FaceProver,
    pub(super) limits: Limits,
}

impl Units<'_> {
    /// A proof with its value in the units of the search.
    pub(super) fn scaled(&self, face: Arc<FaceProof>) -> Proof {
        Proof { value: face.value() / self.reduction.bound_scale(), face }
    }
}

impl Verifier for Units<'_> {
    fn prove(&self, face: &Face, multipliers: &Multipliers, allowed: f64) -> Option<Proof> {
        let place = self.reduction.lift_face(&self.problem.system, face);
        let lifted = self.reduction.lift(&face.spread(multipliers));
        let (candidate, weight) = balanced(&place.restricted(&lifted));
        let Root { interior, interior_weight, .. } = self.root;
        let allowed = allowed * self.reduction.bound_scale();
        let part = (ROUNDING_SHARE * (allowed - weight) / (interior_weight - weight)).min(LARGEST_PART);
        // There is no room to round in. A weight that is no number leaves the largest part, and then the proof fails.
        if part <= 0.0 {
            return None;
        }
        let mut mixed = mixed(&candidate, &place.restricted(interior), part);
        if part > ROOMY {
            shorten(&mut mixed);
        }
        // Every node has a thread of its own.
        let alone = Limits { threads: 1, ..self.limits.clone() };
        let all = Arc::new(place.spread(&mixed));
        self.prover.prove(place, all, &alone).ok().map(|proof| self.scaled(Arc::new(proof)))
    }

    fn multipliers(&self) -> usize {
        let system = &self.problem.system;
        (0..system.blocks()).map(|k| system.len(k)).sum()
    }
}

/// A lower bound of the formal constant: the norm of the product of a pattern of the reduced system, as a point with one column,
/// rounded down.
///
/// # Errors
/// A [`Refusal`] if it cannot be evaluated safely.
pub(super) fn pattern_value(
    problem: &Problem<'_>,
    reduction: &Reduction,
    pattern: &RelaxationPoint,
    limits: &Limits,
) -> Result<f64, Refusal> {
    let iteration = LiftedIteration::from_point(reduction.system(), &problem.query, pattern, limits.threads);
    let (reduced, pulls) = iteration.point();
    let point = reduction.lift_point(&problem.system, &reduced, pulls);
    // Linear neurons are no choice and have no direction.
    let whole = Face::whole(&problem.system);
    let unsupported = |error: tightlip_model::Error| Refusal::Unsupported { what: error.to_string() };
    let system = whole.system(&problem.system).map_err(unsupported)?;
    relaxation_value(&system, &problem.query, &whole.restricted_point(&point))
}

/// Multipliers with both weights equal, and that weight: the bound.
fn balanced(multipliers: &Multipliers) -> (Multipliers, f64) {
    let (input, output) = (multipliers.input.total(), multipliers.output.total());
    let factor = (output / input).sqrt();
    let hidden = multipliers.hidden.iter().map(|block| block.iter().map(|lambda| factor * lambda).collect()).collect();
    let scaled = Multipliers {
        input: multipliers.input.scaled(factor),
        hidden,
        output: multipliers.output.scaled(factor.recip()),
    };
    (scaled, (input * output).sqrt())
}

/// `(1 − θ) y + θ z`.
fn mixed(y: &Multipliers, z: &Multipliers, part: f64) -> Multipliers {
    let mix = |a: f64, b: f64| (1.0 - part) * a + part * b;
    let weight = |a: &Weight, b: &Weight| match a {
        Weight::Uniform(a) => Weight::Uniform(mix(*a, b.at(0))),
        Weight::PerCoordinate(a) => {
            Weight::PerCoordinate(a.iter().enumerate().map(|(i, a)| mix(*a, b.at(i))).collect())
        }
    };
    let block = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| mix(*a, *b)).collect();
    Multipliers {
        input: weight(&y.input, &z.input),
        hidden: y.hidden.iter().zip(&z.hidden).map(block).collect(),
        output: weight(&y.output, &z.output),
    }
}

/// Seven digits of every multiplier.
fn shorten(multipliers: &mut Multipliers) {
    let short = |value: &mut f64| *value = format!("{value:.6e}").parse().unwrap_or(*value);
    let weight = |weight: &mut Weight| match weight {
        Weight::Uniform(value) => short(value),
        Weight::PerCoordinate(values) => values.iter_mut().for_each(short),
    };
    weight(&mut multipliers.input);
    multipliers.hidden.iter_mut().flatten().for_each(short);
    weight(&mut multipliers.output);
}
