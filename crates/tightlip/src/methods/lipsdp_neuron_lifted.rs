//! `lipsdp-neuron.lifted`: LipSDP-Neuron (GeoLIP for ℓ∞ inputs) by the lifted power iteration.

use super::formulation::Formulation;
use super::lifted::Lifted;

/// The method.
pub(super) const METHOD: Lifted = Lifted {
    name: "lipsdp-neuron.lifted",
    summary: "one multiplier for each neuron: the tightest sound LipSDP (GeoLIP for ℓ∞ inputs), by network passes; the default",
    reference: "Fazlyab et al., NeurIPS 2019 (the program); Burer and Monteiro, Math. Programming 2003 (vectors for matrices)",
    formulation: Formulation::Pencil,
};
