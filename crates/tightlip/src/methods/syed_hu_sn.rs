//! `syed-hu.sn`: multipliers by the spectral norm.

use tightlip_layerwise::Rule;

use super::closed_form::{ClosedForm, PARAMETER, SYED_HU};
use crate::options::{MethodOption, Values};

/// The method.
pub(super) const METHOD: ClosedForm = ClosedForm {
    name: "syed-hu.sn",
    summary: "ECLipsE-SN: one multiplier for each layer from the norm of Γ; c=1 is eclipse-fast",
    reference: SYED_HU,
    rules: &[Rule::Sn(1.3)],
    parameter: None,
    options: &[MethodOption {
        name: PARAMETER,
        values: Values::Real(0.001..=1.999, 1.3),
        about: "multipliers are c times those of the worst case; published with 1, 1.3 and 1.5; 2 is the limit of feasibility",
    }],
};
