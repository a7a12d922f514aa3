//! `lipsdp-neuron.interior`: LipSDP-Neuron (GeoLIP's dual for ℓ∞ inputs) by the structured interior point.

use tightlip_sdp::Tying;

use super::formulation::Formulation;
use super::interior::{Interior, LIPSDP};

/// The method.
pub(super) const METHOD: Interior = Interior {
    name: "lipsdp-neuron.interior",
    summary: "one multiplier for each neuron by an interior point that uses the rank-two terms: exact, a check of the others, order up to thousands",
    reference: LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Neuron,
    options: &[],
};
