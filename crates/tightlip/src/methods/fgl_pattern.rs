//! `fgl-pattern`: the best activation pattern found, a lower bound of the formal constant.
//!
//! Two searches: the lifted power iteration with one column, from many random starts (`tightlip_lifted::best_pattern`), and the
//! relaxation's vectors rounded by random hyperplanes, each pattern improved by flips (`tightlip_branch::best_pattern`; for chains).

use std::time::Instant;

use tightlip_lifted::LiftedIteration;
use tightlip_model::{Limits, Norm, Query, Reduction, RelaxationPoint, Scaling};

use super::check_memory;
use super::faces::pattern_value;
use crate::method::{Decline, FoundLower, Kind, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// Random patterns to start from.
const STARTS: u64 = 64;
/// Patterns rounded from the relaxation.
const ROUNDINGS: u64 = 20;
/// Columns of the relaxation that is rounded.
const RANK: usize = 8;
/// Sweeps of it: the vectors need not be exact.
const SWEEPS: u64 = 200;

/// Patterns by the lifted power iteration of rank one.
pub(super) struct FglPattern;

impl Method for FglPattern {
    fn name(&self) -> &'static str {
        "fgl-pattern"
    }

    fn summary(&self) -> &'static str {
        "the steepest activation pattern found, from random starts and rounded relaxations: below the formal constant (FGL) that every bound ignoring biases exceeds"
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
        check_memory(self.name(), &problem.system, RANK, context)?;
        let options = format!("starts={STARTS}, roundings={ROUNDINGS}, seed={}", context.limits.seed);
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
        let limits = &context.limits;
        let climbed = tightlip_lifted::best_pattern(reduction.system(), &problem.query, STARTS, limits);
        let rounded = rounded(&reduction, &problem.query, limits);
        let solve_s = start.elapsed().as_secs_f64();
        let evaluate = |point: &RelaxationPoint| pattern_value(problem, &reduction, point, limits);
        let first = evaluate(&climbed.point)
            .map_err(|refusal| Decline::Solver { method: self.name(), reason: refusal.to_string() })?;
        // The other one is an improvement or nothing.
        let second = rounded.as_ref().and_then(|(point, _)| evaluate(point).ok()).unwrap_or(0.0);
        let claimed = reduction.bound_scale() * climbed.value;
        Ok(FoundLower {
            value: first.max(second),
            claimed: if second > first { second } else { claimed },
            interrupted: climbed.starts < STARTS || limits.stop_requested(),
            starts: Some(climbed.starts + rounded.as_ref().map_or(0, |_| ROUNDINGS)),
            sweeps: Some(climbed.sweeps + rounded.as_ref().map_or(0, |(_, sweeps)| RANK as u64 * sweeps)),
            options,
            solve_s,
            certify_s: start.elapsed().as_secs_f64() - solve_s,
        })
    }
}

/// The best pattern rounded from the relaxation, and the sweeps that took; `None` for systems with skip connections.
fn rounded(reduction: &Reduction, query: &Query, limits: &Limits) -> Option<(RelaxationPoint, u64)> {
    let mut iteration = LiftedIteration::new(reduction.system(), query, RANK, limits.seed, limits.threads);
    while iteration.sweeps() < SWEEPS && !limits.stop_requested() {
        iteration.step();
    }
    let (point, _) = iteration.point();
    let best = tightlip_branch::best_pattern((reduction.system(), query), &point, ROUNDINGS, limits)?;
    Some((best, iteration.sweeps()))
}
