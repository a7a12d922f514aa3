//! `geolip.natural.lifted`: GeoLIP's natural relaxation of one hidden layer by the lifted power iteration: unit vectors for the
//! signs, as Burer and Monteiro solve MaxCut.

use super::formulation::Formulation;
use super::lifted::Lifted;

/// The method.
pub(super) const METHOD: Lifted = Lifted {
    name: "geolip.natural.lifted",
    summary: "GeoLIP's natural relaxation (MaxCut's kind) of one hidden layer and one output, by unit vectors for the signs",
    reference: "Wang, Prakriya and Jha, NeurIPS 2022 (the program); Burer and Monteiro, Math. Programming 2003 (vectors for matrices)",
    formulation: Formulation::Natural,
};
