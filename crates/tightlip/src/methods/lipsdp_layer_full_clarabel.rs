//! `lipsdp-layer.full.clarabel`: LipSDP-Layer with one semidefinite cone, solved by Clarabel.

use tightlip_model::Norm;
use tightlip_sdp::Tying;

use super::conic;
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge};

/// LipSDP-Layer, full form, Clarabel.
pub(super) struct LipsdpLayerFullClarabel;

impl Method for LipsdpLayerFullClarabel {
    fn name(&self) -> &'static str {
        "lipsdp-layer.full.clarabel"
    }

    fn summary(&self) -> &'static str {
        "one multiplier for each layer: fewer variables and a looser bound than one for each neuron"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Fazlyab et al., Efficient and accurate estimation of Lipschitz constants for deep neural networks, NeurIPS 2019"
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        conic::propose_full(self.name(), Tying::Layer, problem, context)
    }
}
