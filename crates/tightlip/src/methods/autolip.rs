//! `autolip`: the norms of the maps along all paths of the network (Virmaux & Scaman 2018), as multipliers.

use tightlip_model::Norm;

use super::{DIRECT_NORMS, path_sums};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge};

/// AutoLip.
pub(super) struct AutoLip;

impl Method for AutoLip {
    fn name(&self) -> &'static str {
        "autolip"
    }

    fn summary(&self) -> &'static str {
        "spectral norms along all paths of the network, one multiplier per layer; on chains their product"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Virmaux and Scaman, Lipschitz regularity of deep neural networks, NeurIPS 2018"
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        let stop = || context.limits.stop_requested();
        path_sums::propose(self.name(), problem, context, &|reduced| tightlip_layerwise::autolip(reduced, &stop))
    }
}
