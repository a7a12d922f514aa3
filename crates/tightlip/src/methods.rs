//! The table of contents of the workbench: one file for each method, one line in [`METHODS`].

use crate::Method;

mod conic;
mod lipsdp_layer_full_clarabel;
mod lipsdp_neuron_full_clarabel;
mod norm_product;

/// Every method, from cheap and loose to expensive and tight.
pub const METHODS: &[&dyn Method] = &[
    &norm_product::NormProduct,
    &lipsdp_layer_full_clarabel::LipsdpLayerFullClarabel,
    &lipsdp_neuron_full_clarabel::LipsdpNeuronFullClarabel,
];

/// The method called `name`.
pub fn method_named(name: &str) -> Option<&'static dyn Method> {
    METHODS.iter().copied().find(|method| method.name() == name)
}
