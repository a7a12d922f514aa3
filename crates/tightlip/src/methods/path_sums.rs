//! What the recursions on norms, AutoLip and CP-Lip, have in common: they work on the reduced ℓ2 → ℓ2 system, and their feasible
//! multipliers come back as one segment.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_layerwise::{Feasible, Unsuitable};
use tightlip_model::{IncrementSystem, Query, Reduction, Scaling};

use super::layerwise::{declined, ends, with_ends};
use super::{check_memory, constant};
use crate::method::{Decline, Problem, Proposal};
use crate::{Context, Stage};

/// The proposal of a `recursion` that gives feasible multipliers of a reduced system.
pub(super) fn propose(
    method: &'static str,
    problem: &Problem<'_>,
    context: &Context,
    recursion: &dyn Fn(&IncrementSystem) -> Result<Feasible, Unsuitable>,
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
    let feasible = recursion(reduction.system()).map_err(|unsuitable| declined(method, &reduction, &unsuitable))?;
    let multipliers = with_ends(reduction.lift(&feasible.multipliers), problem);
    let status =
        if feasible.is_complete { "solved" } else { "Frobenius norms or products for some norms, for want of time" };
    Ok(Proposal {
        candidates: vec![vec![Segment::new(problem.system.output_block(), multipliers)]],
        claimed: ends(problem) * reduction.bound_scale() * feasible.bound,
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
