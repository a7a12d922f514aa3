//! `lipsdp-layer.full.clarabel-chordal`: LipSDP-Layer with one cone, which Clarabel decomposes.

use tightlip_clarabel::OwnDecomposition;
use tightlip_sdp::{Form, Tying};

use super::conic::{CHORDAL_LIPSDP, Cones, Conic, FORM, OWN_MERGE};
use super::formulation::Formulation;

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "lipsdp-layer.full.clarabel-chordal",
    summary: "LipSDP-Layer with one cone that Clarabel decomposes by itself",
    reference: CHORDAL_LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Layer,
    options: &[FORM, OWN_MERGE],
    form: Form::Bordered,
    cones: Cones::Own(OwnDecomposition::CliqueGraph),
    instead: "take lipsdp-layer.interior",
};
