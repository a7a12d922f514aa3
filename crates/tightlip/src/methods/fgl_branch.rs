//! `fgl.branch`: the exact formal constant by branch and bound on slopes.

use std::sync::Arc;
use std::time::Instant;

use tightlip_branch::{Proof, Search, Settings, Verifier, search};
use tightlip_certify::{prove, round_multipliers};
use tightlip_model::{Face, Limits, Multipliers, Norm, Reduction, Scaling, Weight};

use super::{check_memory, constant};
use crate::method::{Decline, Kind, Method, Problem, Proposal};
use crate::{Context, Judge, Stage, method_named};

/// Branch and bound on slopes.
pub(super) struct FglBranch;

const SHARE: f64 = 0.95;

impl Method for FglBranch {
    fn name(&self) -> &'static str {
        "fgl.branch"
    }
    fn summary(&self) -> &'static str {
        "x"
    }
    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::DIRECT_NORMS
    }
    fn reference(&self) -> &'static str {
        "x"
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        let start = Instant::now();
        let relaxed = method_named("lipsdp-neuron.lifted").expect("listed");
        let proposal = relaxed.propose(problem, context, judge)?;
        let root = judge.best().expect("proved").clone();
        let reduction = Reduction::new(&problem.system, &problem.query, Scaling::PerNeuron).expect("not constant");
        let scale = reduction.bound_scale();
        let multipliers = &root.segments[0].multipliers;
        let interior = balanced(&round_multipliers(multipliers, 0.1));
        let limits = Limits { threads: 1, ..context.limits.clone() };
        let verifier = FaceVerifier { problem, reduction: &reduction, interior, limits, time: Default::default() };
        let get = |name: &str, usual: f64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual);
        let settings = Settings { gap: 1e-6, rank: get("RANK", 8.0) as usize, batch: get("BATCH", 8.0) as usize, root_roundings: 20, round_every: get("EVERY", 16.0) as u64 };
        let proof = Proof { value: root.bound.value() / scale, multipliers: Arc::new(multipliers.clone()) };
        eprintln!("root {} at {:.3}", root.bound.value(), start.elapsed().as_secs_f64());
        let mut told = Instant::now();
        let mut observe = |p: &tightlip_branch::Progress| {
            if told.elapsed().as_secs_f64() > 5.0 {
                told = Instant::now();
                eprintln!("{:?} gap {:.4}%", p, 100.0 * (p.upper / p.lower - 1.0));
            }
        };
        let found = search((reduction.system(), &problem.query), &settings, proof, &verifier, (&context.limits, &mut observe));
        let p = found.progress;
        eprintln!(
            "{:?} nodes {} sweeps {} open {} lower {:.9} upper {:.9} gap {:.2e} proof time {:.3} total {:.3}",
            found.stop, p.nodes, p.sweeps, p.open, p.lower * scale, p.upper * scale, p.upper / p.lower - 1.0,
            verifier.time.load(std::sync::atomic::Ordering::Relaxed) as f64 * 1e-9,
            start.elapsed().as_secs_f64()
        );
        Ok(proposal)
    }
}

struct FaceVerifier<'a> {
    problem: &'a Problem<'a>,
    reduction: &'a Reduction,
    interior: (Multipliers, f64),
    limits: Limits,
    time: std::sync::atomic::AtomicU64,
}

impl Verifier for FaceVerifier<'_> {
    fn prove(&self, face: &Face, multipliers: &Multipliers, allowed: f64) -> Option<Proof> {
        let start = Instant::now();
        let scale = self.reduction.bound_scale();
        let original = &self.problem.system;
        let lifted = self.reduction.lift(&face.spread(multipliers));
        let place = self.reduction.lift_face(original, face);
        let (candidate, weight) = balanced(&place.restricted(&lifted));
        let (interior, far) = &self.interior;
        let part = SHARE * (allowed * scale - weight) / (far - weight);
        if !(part > 0.0) {
            return None;
        }
        let mixed = mixed(&candidate, &place.restricted(interior), part.min(0.5));
        let system = place.system(original).expect("a chain");
        let bound = prove(&system, &self.problem.query, &mixed, &self.limits);
        self.time.fetch_add(start.elapsed().as_nanos() as u64, std::sync::atomic::Ordering::Relaxed);
        let bound = bound.ok()?;
        Some(Proof { value: bound.value() / scale, multipliers: Arc::new(place.spread(&mixed)) })
    }
}

/// Multipliers with both weights equal, and that weight.
fn balanced(multipliers: &Multipliers) -> (Multipliers, f64) {
    let (input, output) = (multipliers.input.total(), multipliers.output.total());
    let factor = (output / input).sqrt();
    let weight = (input * output).sqrt();
    let hidden = multipliers.hidden.iter().map(|block| block.iter().map(|lambda| factor * lambda).collect()).collect();
    let scaled = Multipliers {
        input: multipliers.input.scaled(factor),
        hidden,
        output: multipliers.output.scaled(factor.recip()),
    };
    (scaled, weight)
}

/// `(1 − θ) y + θ z`.
fn mixed(y: &Multipliers, z: &Multipliers, part: f64) -> Multipliers {
    let mix = |a: f64, b: f64| (1.0 - part) * a + part * b;
    let weight = |a: &Weight, b: &Weight| match (a, b) {
        (Weight::PerCoordinate(a), b) => {
            Weight::PerCoordinate(a.iter().enumerate().map(|(i, a)| mix(*a, b.at(i))).collect())
        }
        (Weight::Uniform(a), b) => Weight::Uniform(mix(*a, b.at(0))),
    };
    let hidden = y.hidden.iter().zip(&z.hidden);
    Multipliers {
        input: weight(&y.input, &z.input),
        hidden: hidden.map(|(a, b)| a.iter().zip(b).map(|(a, b)| mix(*a, *b)).collect()).collect(),
        output: weight(&y.output, &z.output),
    }
}
