//! `witness`: a pair of points whose difference quotient is proved: the lower bound every upper bound is measured with.
//!
//! The search is `tightlip_exact::steep_pair`; the quotient is enclosed by `tightlip-certify` with the network's own biases.

use std::time::Instant;

use tightlip_certify::{Bound, Witness};
use tightlip_model::{Network, Norm, Query};

use crate::method::{Decline, FoundLower, Kind, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// Steep pairs of points.
pub(super) struct SteepPair;

impl Method for SteepPair {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn summary(&self) -> &'static str {
        "the steepest pair of points found: below the constant of the network with its own biases"
    }

    fn kind(&self) -> Kind {
        Kind::Lower
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Jordan and Dimakis, Exactly computing the local Lipschitz constant of ReLU networks, NeurIPS 2020 (lower bounds)"
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn find_lower(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundLower, Decline> {
        context.report(&Stage::SearchingLowerBound);
        let start = Instant::now();
        let found = steep_witness(problem.network, &problem.query, context);
        // Points that coincide are steep by nothing: where no pair is found the constant is still at least 0.
        let value = found.map_or(0.0, |(_, bound)| bound.value());
        Ok(FoundLower {
            value,
            claimed: value,
            interrupted: context.limits.stop_requested(),
            starts: None,
            sweeps: None,
            options: format!("seed={}", context.limits.seed),
            solve_s: start.elapsed().as_secs_f64(),
            certify_s: 0.0,
        })
    }
}

/// More parameters than this are a large network: the exact evaluation of a pair takes half a second for each million.
const LARGE: usize = 500_000;

/// A steep pair of points, checked. None for a large network whose time is up.
pub(crate) fn steep_witness(network: &Network, query: &Query, context: &Context) -> Option<(Witness, Bound)> {
    steep_witnesses(network, std::slice::from_ref(query), context).pop()?
}

/// The same for several questions, in their order, which share the budget of one search. Once time is up, pairs of as many
/// networks as make a large one are not checked.
pub(crate) fn steep_witnesses(
    network: &Network,
    queries: &[Query],
    context: &Context,
) -> Vec<Option<(Witness, Bound)>> {
    let too_late = |questions: usize| questions * network.parameters() > LARGE && context.limits.stop_requested();
    if too_late(1) {
        return vec![None; queries.len()];
    }
    let pairs = tightlip_exact::steep_pairs(network, queries, &context.limits);
    pairs
        .into_iter()
        .zip(queries)
        .map(|(pair, query)| {
            let pair = pair.filter(|_| queries.len() == 1 || !too_late(queries.len()))?;
            let witness = Witness { x: pair.x, x_prime: pair.x_prime };
            let bound = witness.prove(network, query).ok()?;
            Some((witness, bound))
        })
        .collect()
}
