//! `lipsdp-layer.subspace`: LipSDP-Layer by projecting it to a few directions, without cones.

use std::time::Instant;

use tightlip_layerwise::{Chain, Tied, TiedEnd};
use tightlip_model::Norm;

use super::constant;
use super::layerwise::{Course, Layerwise};
use crate::method::{Decline, Method, Problem, Proposal, TraceRow};
use crate::{Context, Judge, Stage};

/// LipSDP-Layer for chains.
#[derive(Debug, Clone, Copy)]
pub(super) struct LipsdpLayerSubspace;

const NAME: &str = "lipsdp-layer.subspace";
/// What a gap of the search may be at most: the optimum to 1e-6 and better.
const USUAL_GAP: f64 = 1e-7;
/// Part of the tolerance for the search; the rest is for the proof.
const GAP_SHARE: f64 = 0.1;
/// Slopes with `|α + β|` below this part of their magnitude leave the search without directions.
const LEAST_SUM: f64 = 0.2;

impl Method for LipsdpLayerSubspace {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "one multiplier for each layer by projecting the program to a few directions: wide chains, no cones"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        // Of other ends it would bound √n times LipSDP-Layer of ℓ2, not LipSDP-Layer.
        &[(Norm::L2, Norm::L2)]
    }

    fn reference(&self) -> &'static str {
        "Fazlyab et al., NeurIPS 2019 (the program); Kressner, Lu and Vandereycken, SIAM J. Matrix Anal. Appl. 2018 (subspace acceleration)"
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        check_memory(problem, context)?;
        let Some(layerwise) = Layerwise::new(NAME, problem, context, Course::Once)? else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        check_slopes(layerwise.chain())?;
        if context.limits.stop_requested() {
            return Err(Decline::Stopped { method: NAME });
        }
        let (assemble_s, began, scale) = (start.elapsed().as_secs_f64(), Instant::now(), layerwise.scale());
        let tolerance = USUAL_GAP.min(GAP_SHARE * context.tolerance);
        let mut trace = Vec::new();
        let stop = || context.limits.stop_requested();
        let tied = Tied::new(layerwise.chain(), (context.limits.threads, tolerance), &stop, &mut |progress| {
            let claimed = scale * progress.value;
            trace.push(TraceRow::of_claim(began, progress.evaluations, claimed));
            let gap = (progress.lower > 0.0).then(|| 1.0 - progress.lower / progress.value);
            context.report(&Stage::Solving { iteration: u64::from(progress.evaluations), claimed, gap });
        })
        .map_err(|refused| Decline::Solver { method: NAME, reason: refused.to_string() })?;
        let value = tied.forward.value();
        Ok(Proposal {
            candidates: vec![layerwise.candidate(&tied.forward.multipliers(value))],
            claimed: scale * value,
            iterations: Some(u64::from(tied.progress.evaluations)),
            trace,
            options: format!("tol={tolerance:e}"),
            status: status(&tied),
            interrupted: tied.end != TiedEnd::Closed,
            assemble_s,
            solve_s: began.elapsed().as_secs_f64(),
            ..Proposal::default()
        })
    }
}

/// Why the search ended.
fn status(tied: &Tied<'_>) -> String {
    let progress = &tied.progress;
    let reason = match tied.end {
        TiedEnd::Closed => return "solved".to_owned(),
        TiedEnd::Stalled => "stalled",
        TiedEnd::Interrupted => "stopped",
    };
    let evaluations = progress.evaluations;
    if progress.lower > 0.0 {
        format!("{reason}, gap {:.1e} after {evaluations} eliminations", 1.0 - progress.lower / progress.value)
    } else {
        format!("{reason}, gap unknown after {evaluations} eliminations")
    }
}

/// Declines slopes about symmetric to 0: the pivots of a layer then do not see the layer before, and the search would be blind.
fn check_slopes(chain: &Chain) -> Result<(), Decline> {
    for k in 1..=chain.hidden_layers() {
        let blind = chain.slopes(k).iter().find(|s| (s.lower() + s.upper()).abs() < LEAST_SUM * s.magnitude());
        if let Some(slope) = blind {
            return Err(Decline::Shape {
                method: NAME,
                wanted: "slopes that are not symmetric to 0",
                found: format!("slopes [{}, {}] in hidden layer {k}", slope.lower(), slope.upper()),
                instead: "take lipsdp-layer.interior",
            });
        }
    }
    Ok(())
}

/// Declines what would not fit: the eliminations of all layers, with a copy of each map and of each pivot, twice.
fn check_memory(problem: &Problem<'_>, context: &Context) -> Result<(), Decline> {
    /// Maps, whitened maps, pivots, and those of the best multipliers.
    const COPIES: u64 = 6;
    let system = &problem.system;
    let weights = system.weights();
    let squares: u64 = (1..system.output_block()).map(|k| (system.len(k) as u64).pow(2)).sum();
    // The projected matrices of all layers, those being projected, and all of them as columns.
    let projected = 3 * (Tied::LARGEST_PROJECTION as u64).pow(2) * (1 + system.hidden_blocks() as u64);
    let needed = 8 * (COPIES * (weights + squares) + projected);
    context.check_memory(NAME, needed, || format!("the pivots of layers with {weights} weights"))
}
