//! `syed-hu.shift`: multipliers by the diagonal and the norm of the rest.

use tightlip_layerwise::Rule;

use super::closed_form::{ClosedForm, PARAMETER, SYED_HU};
use crate::options::{MethodOption, Values};

/// The method.
pub(super) const METHOD: ClosedForm = ClosedForm {
    name: "syed-hu.shift",
    summary: "ECLipsE-Shift: multipliers from the diagonal of Γ and the norm of the rest; good for trained networks of a few layers",
    reference: SYED_HU,
    rules: &[Rule::Shift(1.7)],
    parameter: None,
    options: &[MethodOption {
        name: PARAMETER,
        values: Values::Real(1.001..=1000.0, 1.7),
        about: "how far the norm of the rest is exceeded; published with 1.3, 1.5 and 1.7; 1 is the limit of feasibility",
    }],
};
