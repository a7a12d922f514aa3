//! The table of contents of the workbench: one file for each method, one line in [`METHODS`].

use tightlip_model::Norm;

use crate::Method;

mod conic;
mod constant;
mod fgl_pattern;
mod lipsdp_layer_full_clarabel;
mod lipsdp_neuron_full_clarabel;
mod lipsdp_neuron_lifted;
mod norm_product;

/// The pairs of norms that one matrix inequality expresses directly.
const DIRECT_NORMS: &[(Norm, Norm)] =
    &[(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)];

/// Every method, from cheap and loose to expensive and tight.
pub const METHODS: &[&dyn Method] = &[
    &norm_product::NormProduct,
    &lipsdp_layer_full_clarabel::LipsdpLayerFullClarabel,
    &lipsdp_neuron_full_clarabel::LipsdpNeuronFullClarabel,
    &lipsdp_neuron_lifted::LipsdpNeuronLifted,
    &fgl_pattern::FglPattern,
];

/// The method called `name`.
pub fn method_named(name: &str) -> Option<&'static dyn Method> {
    METHODS.iter().copied().find(|method| method.name() == name)
}
