//! `lipsdp-layer.full.clarabel`: LipSDP-Layer with one semidefinite cone, solved by Clarabel.

use tightlip_sdp::{Form, Tying};

use super::conic::{Cones, Conic, FORM, LIPSDP};
use super::formulation::Formulation;

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "lipsdp-layer.full.clarabel",
    summary: "one multiplier for each layer: fewer variables and a looser bound than one for each neuron",
    reference: LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Layer,
    options: &[FORM],
    form: Form::Bordered,
    cones: Cones::Whole,
    instead: "take lipsdp-layer.interior, or for deep networks lipsdp-layer.chordal.clarabel",
};
