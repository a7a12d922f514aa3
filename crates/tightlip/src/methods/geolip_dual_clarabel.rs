//! `geolip.dual.clarabel`: GeoLIP's dual with one semidefinite cone, solved by Clarabel.

use tightlip_sdp::{Form, Tying};

use super::conic::{Cones, Conic, GEOLIP};
use super::formulation::{Formulation, ONE_INPUT_MULTIPLIER, ONE_MULTIPLIER_PER_LAYER};

/// The method.
pub(super) const METHOD: Conic = Conic {
    name: "geolip.dual.clarabel",
    summary: "GeoLIP's dual at any depth with one cone; order up to about 100",
    reference: GEOLIP,
    formulation: Formulation::Pencil,
    tying: Tying::Neuron,
    options: &[ONE_INPUT_MULTIPLIER, ONE_MULTIPLIER_PER_LAYER],
    form: Form::Bordered,
    cones: Cones::Whole,
    instead: "take geolip.lifted or geolip.dual.interior",
};
