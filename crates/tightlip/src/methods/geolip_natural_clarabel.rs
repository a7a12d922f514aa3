//! `geolip.natural.clarabel`: GeoLIP's natural relaxation of one hidden layer with one semidefinite cone, solved by Clarabel.

use tightlip_sdp::{Form, Tying};

use super::conic::{Cones, Conic, GEOLIP};
use super::formulation::Formulation;

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "geolip.natural.clarabel",
    summary: "GeoLIP's natural relaxation (MaxCut's kind) of one hidden layer and one output with one cone; order up to about 100",
    reference: GEOLIP,
    formulation: Formulation::Natural,
    tying: Tying::Neuron,
    options: &[],
    form: Form::Bordered,
    cones: Cones::Whole,
    instead: "take geolip.natural.lifted or geolip.natural.interior",
};
