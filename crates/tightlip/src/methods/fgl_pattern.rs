//! `fgl-pattern`: the best activation pattern found, a lower bound of the formal constant.
//!
//! The lifted power iteration with one column is a search over patterns; see `tightlip_lifted::best_pattern`.

use std::time::Instant;

use tightlip_certify::relaxation_value;
use tightlip_lifted::best_pattern;
use tightlip_model::{Norm, Reduction, Scaling};

use super::check_memory;
use crate::method::{Decline, FoundLower, Kind, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// Random patterns to start from.
const STARTS: u64 = 64;

/// Patterns by the lifted power iteration of rank one.
pub(super) struct FglPattern;

impl Method for FglPattern {
    fn name(&self) -> &'static str {
        "fgl-pattern"
    }

    fn summary(&self) -> &'static str {
        "the steepest activation pattern found: below the formal constant (FGL) that every bound ignoring biases exceeds"
    }

    fn kind(&self) -> Kind {
        Kind::FglLower
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Wang et al., A quantitative geometric approach to neural-network smoothness, NeurIPS 2022 (the formal constant)"
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn find_lower(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundLower, Decline> {
        context.report(&Stage::SearchingLowerBound);
        let start = Instant::now();
        check_memory(self.name(), &problem.system, 1, context)?;
        let options = format!("starts={STARTS}, seed={}", context.limits.seed);
        let Some(reduction) = Reduction::new(&problem.system, &problem.query, Scaling::PerNeuron) else {
            let zero = FoundLower {
                value: 0.0,
                claimed: 0.0,
                interrupted: false,
                starts: Some(0),
                sweeps: Some(0),
                options,
                solve_s: 0.0,
                certify_s: 0.0,
            };
            return Ok(zero);
        };
        let pattern = best_pattern(reduction.system(), &problem.query, STARTS, &context.limits);
        let solve_s = start.elapsed().as_secs_f64();
        let point = reduction.lift_point(&problem.system, &pattern.point, &pattern.pulls);
        let value = relaxation_value(&problem.system, &problem.query, &point)
            .map_err(|refusal| Decline::Solver { method: self.name(), reason: refusal.to_string() })?;
        Ok(FoundLower {
            value,
            claimed: reduction.bound_scale() * pattern.value,
            interrupted: pattern.starts < STARTS,
            starts: Some(pattern.starts),
            sweeps: Some(pattern.sweeps),
            options,
            solve_s,
            certify_s: start.elapsed().as_secs_f64() - solve_s,
        })
    }
}
