//! The reduction as solvers of the semidefinite program want it: their optimum about 1.

use tightlip_lifted::best_pattern;
use tightlip_model::{Query, Reduction, Scaling};
use tightlip_sdp::Tying;

use crate::Context;

/// Starts of the search for a pattern whose value says how large the bound is about.
const STARTS: u64 = 2;

/// How neurons may be scaled so that the program stays the same.
pub(crate) fn scaling_for(tying: Tying) -> Scaling {
    match tying {
        Tying::Neuron => Scaling::PerNeuron,
        Tying::Layer => Scaling::PerLayer,
    }
}

/// The reduction scaled so that the bound is about 1: by the steepest pattern of a short search, which is below the bound,
/// mostly by a small factor.
pub(crate) fn of_unit_bound(reduction: Reduction, query: &Query, context: &Context) -> Reduction {
    let value = best_pattern(reduction.system(), query, STARTS, &context.limits).value;
    if value > 0.0 && value.is_finite() { reduction.balanced(value) } else { reduction }
}
