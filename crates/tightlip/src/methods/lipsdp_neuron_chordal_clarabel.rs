//! `lipsdp-neuron.chordal.clarabel`: LipSDP-Neuron with one cone for each clique of our decomposition, solved by Clarabel.

use tightlip_sdp::{Form, Merging, Tying};

use super::conic::{CHORDAL_LIPSDP, Cones, Conic, FORM, MERGE};
use super::formulation::Formulation;

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "lipsdp-neuron.chordal.clarabel",
    summary: "LipSDP-Neuron with a cone for each clique of its sparsity: deep networks of narrow layers, time linear in depth",
    reference: CHORDAL_LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Neuron,
    options: &[FORM, MERGE],
    form: Form::Bordered,
    cones: Cones::Cliques(Merging::ByCost),
    instead: "take lipsdp-neuron.lifted or lipsdp-neuron.interior",
};
