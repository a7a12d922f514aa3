//! `lipsdp-neuron.full.clarabel`: LipSDP-Neuron with one semidefinite cone, solved by Clarabel.

use tightlip_sdp::{Form, Tying};

use super::conic::{Cones, Conic, FORM, LIPSDP};
use super::formulation::Formulation;

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "lipsdp-neuron.full.clarabel",
    summary: "one multiplier for each neuron: the tightest sound LipSDP, exact optimum; order up to about 100",
    reference: LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Neuron,
    options: &[FORM],
    form: Form::Bordered,
    cones: Cones::Whole,
    instead: "take lipsdp-neuron.lifted, lipsdp-neuron.interior, or for deep networks lipsdp-neuron.chordal.clarabel",
};
