//! `greedy-shape`: for each layer the best of six diagonal shapes of multipliers, each with its best parameter.

use std::time::Instant;

use tightlip_layerwise::{Forward, greedy_shape};
use tightlip_model::Norm;

use super::layerwise::{Course, Layerwise};
use super::{DIRECT_NORMS, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// The method.
pub(super) struct GreedyShape;

impl Method for GreedyShape {
    fn name(&self) -> &'static str {
        "greedy-shape"
    }

    fn summary(&self) -> &'static str {
        "for each layer the best of six shapes of multipliers and its best parameter: mostly tighter than the published closed forms"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "this project"
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let Some(layerwise) = Layerwise::new(self.name(), problem, context, Course::Once)? else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let assemble_s = start.elapsed().as_secs_f64();
        let declined = |reason: String| Decline::Solver { method: self.name(), reason };
        let forward = Forward::new(layerwise.chain(), context.limits.threads);
        let forward = greedy_shape(forward, &|| context.limits.stop_requested())
            .map_err(|refused| declined(refused.to_string()))?
            .ok_or(Decline::Stopped { method: self.name() })?;
        let value = forward.value();
        if !value.is_finite() {
            return Err(declined("the bound is beyond the range of floating point".to_owned()));
        }
        Ok(Proposal {
            candidates: vec![layerwise.candidate(&forward.multipliers(value))],
            claimed: layerwise.scale() * value,
            options: "shapes=6".to_owned(),
            status: "solved".to_owned(),
            assemble_s,
            solve_s: start.elapsed().as_secs_f64() - assemble_s,
            ..Proposal::default()
        })
    }
}
