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

use super::lipsdp_neuron_lifted;
use crate::judge::Proved;
use crate::method::{Decline, Method, Problem};
use crate::settle::prove;
use crate::{Context, Judge};

/// The method whose nodes these are.
pub(super) const NAME: &str = "fgl.branch";
/// The margin ε̂ of the strictly feasible multipliers.
const INTERIOR_MARGIN: f64 = 0.1;
/// Relative gap to which a face is solved as a question of its own.
const RESCUE_TOLERANCE: f64 = 1e-7;
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
    /// Solves and proves the relaxation of a whole problem. Linear neurons are no choice and leave it first.
    ///
    /// # Errors
    /// What keeps the method from an answer, or that its time is over.
    pub(super) fn new(problem: &Problem<'_>, prover: &FaceProver, context: &Context) -> Result<Self, Decline> {
        let whole = Face::whole(&problem.system);
        let system = whole.system(&problem.system).map_err(|error| declined(&error))?;
        let free = Problem { network: problem.network, system, query: problem.query };
        let multipliers = solved(&free, context)?;
        let (interior, interior_weight) = balanced(&round_multipliers(&multipliers, INTERIOR_MARGIN));
        let all = Arc::new(whole.spread(&multipliers));
        let proof = prover.prove(whole.clone(), all, &context.limits).map_err(|refusal| declined(&refusal))?;
        Ok(Self { proof: Arc::new(proof), interior: whole.spread(&interior), interior_weight })
    }
}

/// The proved multipliers of a problem's relaxation, rounded.
fn solved(problem: &Problem<'_>, context: &Context) -> Result<Multipliers, Decline> {
    let mut judge = Judge::new(problem, context);
    let proposal =
        lipsdp_neuron_lifted::METHOD.propose(problem, context, &mut judge).map_err(|decline| match decline {
            Decline::Memory { what, needed_mib, limit_mib, .. } => {
                Decline::Memory { method: NAME, what, needed_mib, limit_mib }
            }
            Decline::Stopped { .. } => Decline::Stopped { method: NAME },
            other => other,
        })?;
    let proved = prove(&proposal, &mut judge);
    if let Ok(Proved { proof: tightlip_certify::Proof::Whole(segments), .. }) = &proved
        && let [Segment { multipliers: Some(whole), .. }] = &segments[..]
    {
        return Ok(whole.clone());
    }
    match proved {
        _ if context.limits.stop_requested() => Err(Decline::Stopped { method: NAME }),
        Ok(_) => Err(declined(&"the multipliers of the relaxation are not in one piece")),
        Err(refusal) => Err(declined(&refusal)),
    }
}

/// A decline with a reason.
pub(super) fn declined(reason: &dyn std::fmt::Display) -> Decline {
    Decline::Solver { method: NAME, reason: reason.to_string() }
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
    /// The bound of a face through which nothing gets, or nothing but rounding: the strictly feasible multipliers, of which those of
    /// all blocks before some cut are made so small that they prove `wanted`. Where the couplings over the cut vanish, both parts of
    /// the inequality hold as before.
    fn cut(&self, place: &Face, wanted: f64) -> Option<FaceProof> {
        let alone = Limits { threads: 1, ..self.limits.clone() };
        let interior = &self.root.interior;
        let factor = ROUNDING_SHARE * (wanted / self.root.interior_weight).powi(2);
        (0..=interior.hidden.len()).find_map(|cut| {
            let mut multipliers = interior.clone();
            multipliers.input = multipliers.input.scaled(factor);
            multipliers.hidden.iter_mut().take(cut).flatten().for_each(|lambda| *lambda *= factor);
            self.prover.prove(place.clone(), Arc::new(multipliers), &alone).ok()
        })
    }

    /// The bound of a face as a question of its own: reduced, scaled and solved anew.
    fn alone(&self, place: &Face) -> Option<FaceProof> {
        let Problem { network, system, query } = self.problem;
        let problem = Problem { network, system: place.system(system).ok()?, query: *query };
        let mut context = Context::silent(Limits { threads: 1, ..self.limits.clone() });
        context.tolerance = RESCUE_TOLERANCE;
        let multipliers = solved(&problem, &context).ok()?;
        self.prover.prove(place.clone(), Arc::new(place.spread(&multipliers)), &context.limits).ok()
    }

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
        if part.is_nan() || part <= 0.0 {
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

    fn rescue(&self, face: &Face, wanted: f64) -> Option<Proof> {
        let place = self.reduction.lift_face(&self.problem.system, face);
        let wanted = wanted * self.reduction.bound_scale();
        let proof = self.cut(&place, wanted).or_else(|| self.alone(&place))?;
        Some(self.scaled(Arc::new(proof)))
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
    // Linear neurons are no choice and have no direction; they leave chains.
    let whole = Face::whole(&problem.system);
    match whole.system(&problem.system) {
        Ok(system) => relaxation_value(&system, &problem.query, &whole.restricted_point(&point)),
        Err(_) => relaxation_value(&problem.system, &problem.query, &point),
    }
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
