//! What methods that go layer by layer have in common: they work on the reduced ℓ2 → ℓ2 system, and their feasible
//! multipliers come back as one segment, with the factor `√n` for inputs in ℓ∞ and outputs in ℓ1:
//! `‖·‖₂ ≤ √n ‖·‖_∞`, `‖·‖₁ ≤ √n ‖·‖₂`.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_layerwise::{Feasible, FixedSlope};
use tightlip_model::{IncrementSystem, Multipliers, Query, Reduction, Scaling, Weight};

use super::{check_memory, constant};
use crate::method::{Decline, Problem, Proposal};
use crate::{Context, Stage};

/// The proposal of a `recursion` that gives feasible multipliers of a reduced system.
pub(super) fn propose(
    method: &'static str,
    problem: &Problem<'_>,
    context: &Context,
    recursion: &dyn Fn(&IncrementSystem) -> Result<Feasible, FixedSlope>,
) -> Result<Proposal, Decline> {
    context.report(&Stage::Assembling);
    let start = Instant::now();
    if context.limits.stop_requested() {
        return Err(Decline::Stopped { method });
    }
    check_memory(method, &problem.system, 1, context)?;
    let euclidean = Query::euclidean(problem.query.output);
    let Some(reduction) = Reduction::new(&problem.system, &euclidean, Scaling::PerLayer) else {
        return Ok(constant::proposal(&problem.system, &problem.query));
    };
    let assemble_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let feasible = recursion(reduction.system()).map_err(|fixed| declined(method, &reduction, fixed))?;
    let (multipliers, factor) = with_ends(reduction.lift(&feasible.multipliers), problem);
    let status = if feasible.is_complete { "solved" } else { "some norms bounded by products, for want of time" };
    Ok(Proposal {
        candidates: vec![vec![Segment::new(problem.system.output_block(), multipliers)]],
        claimed: factor * reduction.bound_scale() * feasible.bound,
        status: status.to_owned(),
        interrupted: !feasible.is_complete,
        assemble_s,
        solve_s: start.elapsed().as_secs_f64(),
        ..Proposal::default()
    })
}

/// Declines a chain method for a system with skip connections.
pub(super) fn check_chain(method: &'static str, problem: &Problem<'_>) -> Result<(), Decline> {
    if problem.system.is_chain() {
        return Ok(());
    }
    let found = "a network with skip connections".to_owned();
    Err(Decline::Shape { method, wanted: "chains", found, instead: "take autolip or lipsdp-neuron.lifted" })
}

/// The decline of a linear neuron, which would need an infinite multiplier.
fn declined(method: &'static str, reduction: &Reduction, fixed: FixedSlope) -> Decline {
    let neuron = reduction.original(fixed.block, fixed.neuron);
    Decline::Shape {
        method,
        wanted: "activations with two different slopes",
        found: format!("neuron {neuron} of hidden layer {}, which is linear", fixed.block),
        instead: "compose its layer with the next, or take norm-product",
    }
}

/// The multipliers with one value for each coordinate at ends that are not in ℓ2, and the factor that costs.
fn with_ends(multipliers: Multipliers, problem: &Problem<'_>) -> (Multipliers, f64) {
    use tightlip_model::Norm;
    let end = |weight: Weight, norm: Norm, len: usize| match (weight, norm) {
        (Weight::Uniform(value), Norm::L1 | Norm::LInf) => {
            (Weight::PerCoordinate(vec![value; len]), (len as f64).sqrt())
        }
        (weight, _) => (weight, 1.0),
    };
    let system = &problem.system;
    let (input, into) = end(multipliers.input, problem.query.input_norm, system.len(0));
    let (output, out) = end(multipliers.output, problem.query.output_norm, system.len(system.output_block()));
    (Multipliers { input, output, ..multipliers }, into * out)
}
