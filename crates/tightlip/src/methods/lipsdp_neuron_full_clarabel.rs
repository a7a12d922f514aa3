//! `lipsdp-neuron.full.clarabel`: LipSDP-Neuron with one semidefinite cone, solved by Clarabel.

use tightlip_model::Norm;
use tightlip_sdp::Tying;

use super::conic;
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge};

/// LipSDP-Neuron, full form, Clarabel.
pub(super) struct LipsdpNeuronFullClarabel;

impl Method for LipsdpNeuronFullClarabel {
    fn name(&self) -> &'static str {
        "lipsdp-neuron.full.clarabel"
    }

    fn summary(&self) -> &'static str {
        "one multiplier for each neuron: the tightest sound LipSDP, exact optimum; order up to about 100"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Fazlyab et al., Efficient and accurate estimation of Lipschitz constants for deep neural networks, NeurIPS 2019"
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        conic::propose_full(self.name(), Tying::Neuron, problem, context)
    }
}
