//! `lipsdp-layer.chordal.clarabel`: LipSDP-Layer with one cone for each clique of our decomposition, solved by Clarabel.

use tightlip_sdp::{Form, Merging, Tying};

use super::conic::{CHORDAL_LIPSDP, Cones, Conic, FORM, MERGE};
use super::formulation::Formulation;

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "lipsdp-layer.chordal.clarabel",
    summary: "LipSDP-Layer with a cone for each clique of its sparsity",
    reference: CHORDAL_LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Layer,
    options: &[FORM, MERGE],
    form: Form::Bordered,
    cones: Cones::Cliques(Merging::ByCost),
    instead: "take lipsdp-layer.interior",
};
