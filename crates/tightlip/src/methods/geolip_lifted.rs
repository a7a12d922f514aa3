//! `geolip.lifted`: GeoLIP's dual by the lifted power iteration. For ℓ∞ inputs and one output it is the program of the paper;
//! for other norms LipSDP-Neuron, which is the same inequality.

use super::formulation::Formulation;
use super::lifted::Lifted;

/// The method.
pub(super) const METHOD: Lifted = Lifted {
    name: "geolip.lifted",
    summary: "GeoLIP's dual at any depth by network passes: the engine of lipsdp-neuron.lifted, whose bound it has",
    reference: "Wang, Prakriya and Jha, NeurIPS 2022 (the program); Burer and Monteiro, Math. Programming 2003 (vectors for matrices)",
    formulation: Formulation::Pencil,
};
