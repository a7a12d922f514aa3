//! `eclipse.clarabel`: ECLipsE with every stage solved by Clarabel, as a check of `eclipse`.

use std::time::Instant;

use tightlip_clarabel::{OwnDecomposition, Status};
use tightlip_layerwise::{Chain, Forward, Stage as LayerStage, eliminate_fast, eliminate_inwards};
use tightlip_model::Norm;
use tightlip_sdp::stage_program;

use super::closed_form::ECLIPSE;
use super::layerwise::{Course, Layerwise};
use super::{DIRECT_NORMS, conic, constant, eclipse};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// ECLipsE by a conic solver.
#[derive(Debug, Clone, Copy)]
pub(super) struct EclipseClarabel;

const NAME: &str = "eclipse.clarabel";

/// A run over the layers.
struct Run<'c> {
    forward: Forward<'c>,
    iterations: u64,
    /// Layers with the multipliers of ECLipsE-Fast.
    replaced: usize,
    /// Stages that Clarabel did not call solved.
    inexact: usize,
    /// Where a limit struck.
    cut: Option<usize>,
}

impl Method for EclipseClarabel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "ECLipsE with a semidefinite cone for every layer, solved by Clarabel: as published, and the check of eclipse"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        ECLIPSE
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let Some(layerwise) = Layerwise::new(NAME, problem, context, Course::Once)? else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let chain = layerwise.chain();
        let orders = orders(chain);
        if let Some(&largest) = orders.iter().max() {
            // One after the other: only the largest counts.
            conic::check((NAME, "take eclipse"), &[largest], context)?;
        }
        let assemble_s = start.elapsed().as_secs_f64();
        let mut run = Run {
            forward: Forward::new(chain, context.limits.threads),
            iterations: 0,
            replaced: 0,
            inexact: 0,
            cut: None,
        };
        for layer in 1..=chain.hidden_layers() {
            run.eliminate(layer, context)?;
        }
        let value = run.forward.value();
        Ok(Proposal {
            candidates: vec![layerwise.candidate(&run.forward.multipliers(value))],
            claimed: layerwise.scale() * value,
            iterations: Some(run.iterations),
            options: tightlip_clarabel::settings_text(OwnDecomposition::Off),
            status: eclipse::status(run.cut, run.replaced, run.inexact),
            interrupted: run.cut.is_some(),
            assemble_s,
            solve_s: start.elapsed().as_secs_f64() - assemble_s,
            ..Proposal::default()
        })
    }
}

impl Run<'_> {
    /// Eliminates the next layer, by ECLipsE-Fast if a limit has struck.
    fn eliminate(&mut self, layer: usize, context: &Context) -> Result<(), Decline> {
        let declined = |reason: String| Decline::Solver { method: NAME, reason };
        if self.cut.is_none() && context.limits.stop_requested() {
            self.cut = Some(layer);
        }
        if self.cut.is_none() {
            let stage = LayerStage::new(&self.forward);
            let program = stage_program(stage.whitened(), stage.next(), stage.slopes());
            let answer = tightlip_clarabel::solve(&program, OwnDecomposition::Off, &context.limits, Box::new(|_| {}))
                .map_err(|rejected| declined(format!("hidden layer {layer}: {rejected}")))?;
            self.iterations += u64::from(answer.iterations);
            if answer.status == Status::Interrupted {
                self.cut = Some(layer);
            } else {
                self.inexact += usize::from(answer.status != Status::Solved);
                if eliminate_inwards(&mut self.forward, &stage.unscaled(&answer.solution[1..])) {
                    return Ok(());
                }
                self.replaced += 1;
            }
        }
        eliminate_fast(&mut self.forward).map_err(|refused| declined(refused.to_string()))
    }
}

/// The order of each stage's cone: neurons, and inputs of the layer, at most as many.
fn orders(chain: &Chain) -> Vec<usize> {
    (1..=chain.hidden_layers()).map(|k| chain.map(k).nrows() + chain.map(k).nrows().min(chain.map(k).ncols())).collect()
}
