//! `eclipse`: ECLipsE, each stage by a Newton method of the order of its layer.

use std::time::Instant;

use tightlip_layerwise::{Eclipse as Elimination, Forward};
use tightlip_model::Norm;

use super::closed_form::ECLIPSE;
use super::layerwise::{Course, Layerwise};
use super::{DIRECT_NORMS, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// ECLipsE without a conic solver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Eclipse;

const NAME: &str = "eclipse";
/// Squares of the order of the widest layer that a Newton step holds.
const SQUARES: u64 = 14;

impl Method for Eclipse {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "ECLipsE: multipliers layer by layer, each time those that leave the next layer most, by Newton's method; LipSDP-Neuron for one hidden layer"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        ECLIPSE
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        check_memory(problem, context)?;
        let Some(layerwise) = Layerwise::new(NAME, problem, context, Course::Once)? else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let assemble_s = start.elapsed().as_secs_f64();
        let forward = Forward::new(layerwise.chain(), context.limits.threads);
        let run = Elimination::new(forward, &|| context.limits.stop_requested())
            .map_err(|refused| Decline::Solver { method: NAME, reason: refused.to_string() })?;
        let value = run.forward.value();
        let steps = run.steps.iter().copied().map(u64::from).sum();
        Ok(Proposal {
            candidates: vec![layerwise.candidate(&run.forward.multipliers(value))],
            claimed: layerwise.scale() * value,
            iterations: Some(steps),
            status: status(run.cut, run.replaced, run.inexact),
            interrupted: run.cut.is_some(),
            assemble_s,
            solve_s: start.elapsed().as_secs_f64() - assemble_s,
            ..Proposal::default()
        })
    }
}

/// How the stages went: where a limit struck, how many have the multipliers of ECLipsE-Fast, how many a gap.
pub(super) fn status(cut: Option<usize>, replaced: usize, inexact: usize) -> String {
    let mut words = vec![match cut {
        Some(layer) => format!("stopped, ECLipsE-Fast from layer {layer} on"),
        None => "solved".to_owned(),
    }];
    if replaced > 0 {
        words.push(format!("ECLipsE-Fast in {replaced} layers where rounding left no multipliers"));
    }
    if inexact > 0 {
        words.push(format!("{inexact} stages at their best point with a gap above 1e-6"));
    }
    words.join(", ")
}

/// Declines layers whose Newton steps would not fit.
fn check_memory(problem: &Problem<'_>, context: &Context) -> Result<(), Decline> {
    let system = &problem.system;
    let widest = (1..system.output_block()).map(|k| system.len(k) as u64).max().unwrap_or(0);
    let needed = 8 * SQUARES * widest * widest;
    context.check_memory(NAME, needed, || format!("Newton's method on a layer of {widest} neurons"))
}
