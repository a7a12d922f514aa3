//! `eclipse-fast`: ECLipsE-Fast, one multiplier for each layer in closed form.

use tightlip_layerwise::Rule;

use super::closed_form::{ClosedForm, ECLIPSE};

/// The method.
pub(super) const METHOD: ClosedForm = ClosedForm {
    name: "eclipse-fast",
    summary: "ECLipsE-Fast: one multiplier for each layer, the largest pivot at every step in closed form; any depth and width",
    reference: ECLIPSE,
    rules: &[Rule::Sn(1.0)],
    parameter: None,
    options: &[],
};
