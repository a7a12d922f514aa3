//! `geolip.dual.interior`: GeoLIP's dual by the structured interior point.

use tightlip_sdp::Tying;

use super::formulation::{Formulation, ONE_INPUT_MULTIPLIER, ONE_MULTIPLIER_PER_LAYER};
use super::interior::{GEOLIP, Interior};

/// The method.
pub(super) const METHOD: Interior = Interior {
    name: "geolip.dual.interior",
    summary: "GeoLIP's dual at any depth by an interior point that uses the rank-two terms: order up to thousands",
    reference: GEOLIP,
    formulation: Formulation::Pencil,
    tying: Tying::Neuron,
    options: &[ONE_INPUT_MULTIPLIER, ONE_MULTIPLIER_PER_LAYER],
};
