//! `syed-hu`: the smallest of the nine closed forms that Syed and Hu run.

use tightlip_layerwise::Rule;

use super::closed_form::{ClosedForm, SYED_HU};

/// The method.
pub(super) const METHOD: ClosedForm = ClosedForm {
    name: "syed-hu",
    summary: "the smallest of nine closed forms: SN, GC and Shift with three parameters each, as published",
    reference: SYED_HU,
    rules: &Rule::PUBLISHED,
    parameter: None,
    options: &[],
};
