//! `lipsdp-layer.interior`: LipSDP-Layer (GeoLIP's dual for ℓ∞ inputs) by the structured interior point.

use tightlip_sdp::Tying;

use super::formulation::Formulation;
use super::interior::{Interior, LIPSDP};

/// The method.
pub(super) const METHOD: Interior = Interior {
    name: "lipsdp-layer.interior",
    summary: "one multiplier for each layer by an interior point that uses the rank-two terms",
    reference: LIPSDP,
    formulation: Formulation::Pencil,
    tying: Tying::Layer,
    options: &[],
};
