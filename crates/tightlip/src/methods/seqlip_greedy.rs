//! `seqlip.greedy`: SeqLip's product with factors by the best single flips. **No bound**, for comparison with the literature.

use tightlip_layerwise::seqlip::by_best_flips;
use tightlip_model::Norm;

use super::seqlip::{REFERENCE, estimate};
use crate::method::{Decline, FoundEstimate, Kind, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// Greedy SeqLip.
pub(super) struct SeqlipGreedy;

/// What every output of the method says.
const WARNING: &str = "single flips may stop below the largest factor of a layer: no bound";

impl Method for SeqlipGreedy {
    fn name(&self) -> &'static str {
        "seqlip.greedy"
    }

    fn summary(&self) -> &'static str {
        "NO BOUND: SeqLip with the factor of each layer by greedy flips, as published (Greedy SeqLip); can be too small"
    }

    fn kind(&self) -> Kind {
        Kind::Estimate
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        &[(Norm::L2, Norm::L2)]
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn reference(&self) -> &'static str {
        REFERENCE
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        context.report(&Stage::Assembling);
        estimate((self.name(), WARNING), problem, context, &|factor| by_best_flips(factor, &context.limits))
    }
}
