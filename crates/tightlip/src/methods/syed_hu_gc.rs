//! `syed-hu.gc`: multipliers by Gershgorin's circles.

use tightlip_layerwise::Rule;

use super::closed_form::{ClosedForm, PARAMETER, SYED_HU};
use crate::options::{MethodOption, Values};

/// The method.
pub(super) const METHOD: ClosedForm = ClosedForm {
    name: "syed-hu.gc",
    summary: "ECLipsE-GC: multipliers from the row sums of Γ, which badly scaled rows do not spoil; c small for deep networks",
    reference: SYED_HU,
    rules: &[Rule::Gc(1.7)],
    parameter: None,
    options: &[MethodOption {
        name: PARAMETER,
        values: Values::Real(0.001..=1.999, 1.7),
        about: "multipliers are c times those of a worst case; published with 1.5, 1.7 and 1.99; 2 is the limit of feasibility",
    }],
};
