//! `lipsdp-neuron.full.clarabel-chordal`: LipSDP-Neuron with one cone, which Clarabel decomposes.

use tightlip_clarabel::OwnDecomposition;
use tightlip_sdp::{Form, Tying};

use super::conic::{CHORDAL_LIPSDP, Cones, Conic, FORM, OWN_MERGE};
use super::formulation::Formulation;

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "lipsdp-neuron.full.clarabel-chordal",
    summary: "LipSDP-Neuron with one cone that Clarabel decomposes by itself: a check of our own cliques",
    reference: CHORDAL_LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Neuron,
    options: &[FORM, OWN_MERGE],
    form: Form::Bordered,
    cones: Cones::Own(OwnDecomposition::CliqueGraph),
    instead: "take lipsdp-neuron.lifted or lipsdp-neuron.interior",
};
