//! `geolip.natural.interior`: GeoLIP's natural relaxation of one hidden layer by the structured interior point.

use tightlip_sdp::Tying;

use super::formulation::Formulation;
use super::interior::{GEOLIP, Interior};

/// The method.
pub(super) const METHOD: Interior = Interior {
    name: "geolip.natural.interior",
    summary: "GeoLIP's natural relaxation (MaxCut's kind) of one hidden layer and one output, by an interior point",
    reference: GEOLIP,
    formulation: Formulation::Natural,
    tying: Tying::Neuron,
    options: &[],
};
