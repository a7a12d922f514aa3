//! `lipsdp-layer.interior`: LipSDP-Layer (GeoLIP's dual for ℓ∞ inputs) by the structured interior point.

use tightlip_sdp::Tying;

use super::interior::Interior;

/// The method.
pub(super) const METHOD: Interior = Interior {
    name: "lipsdp-layer.interior",
    summary: "one multiplier for each layer by an interior point that uses the rank-two terms",
    tying: Tying::Layer,
};
