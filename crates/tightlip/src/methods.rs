//! The table of contents of the workbench: one file for each method, one line in [`METHODS`].

use tightlip_model::{IncrementSystem, Norm};

use crate::method::Decline;
use crate::{Context, Method};

mod autolip;
mod closed_form;
mod conic;
mod constant;
mod cp_lip;
mod eclipse;
mod eclipse_clarabel;
mod eclipse_fast;
mod eigenvalue;
mod estimate;
mod faces;
mod fgl_branch;
mod fgl_brute;
mod fgl_pattern;
mod formulation;
mod gap;
mod geolip_dual_clarabel;
mod geolip_dual_interior;
mod geolip_lifted;
mod geolip_natural_clarabel;
mod geolip_natural_interior;
mod geolip_natural_lifted;
mod greedy_shape;
mod interior;
mod layerwise;
mod lifted;
mod lipdiff_penalty_estimate;
mod lipsdp_layer_chordal_clarabel;
mod lipsdp_layer_full_clarabel;
mod lipsdp_layer_full_clarabel_chordal;
mod lipsdp_layer_interior;
mod lipsdp_layer_subspace;
mod lipsdp_neuron_bundle;
mod lipsdp_neuron_chordal_clarabel;
mod lipsdp_neuron_full_clarabel;
mod lipsdp_neuron_full_clarabel_chordal;
mod lipsdp_neuron_interior;
mod lipsdp_neuron_lifted;
mod lipsdp_neuron_lipdiff;
mod lipsdp_neuron_subgradient;
mod lipsdp_tau_estimate;
mod multiplier_descent;
mod norm_product;
mod path_sums;
mod relative;
mod seqlip;
mod seqlip_brute;
mod seqlip_certified;
mod seqlip_flips;
mod seqlip_greedy;
mod seqlip_rank_k;
mod syed_hu;
mod syed_hu_gc;
mod syed_hu_shift;
mod syed_hu_sn;
mod unit_bound;
mod warm_start;
mod witness;

pub(crate) use conic::program_size;
pub(crate) use unit_bound::{of_unit_bound, scaling_for};
pub(crate) use witness::{steep_witness, steep_witnesses};

/// The pairs of norms that one matrix inequality expresses directly.
pub(crate) const DIRECT_NORMS: &[(Norm, Norm)] =
    &[(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)];

/// All pairs of norms.
pub(crate) const ALL_NORMS: &[(Norm, Norm)] = &[
    (Norm::L2, Norm::L2),
    (Norm::LInf, Norm::L2),
    (Norm::L2, Norm::L1),
    (Norm::LInf, Norm::L1),
    (Norm::L1, Norm::L2),
    (Norm::L1, Norm::L1),
    (Norm::L1, Norm::LInf),
    (Norm::L2, Norm::LInf),
    (Norm::LInf, Norm::LInf),
];

/// Every method: upper bounds from cheap and loose to expensive and tight, lower bounds, and what is no bound.
pub const METHODS: &[&dyn Method] = &[
    &norm_product::METHOD,
    &autolip::AutoLip,
    &cp_lip::CpLip,
    &seqlip_certified::SeqlipCertified,
    &seqlip_brute::SeqlipBrute,
    &eclipse_fast::METHOD,
    &eclipse::Eclipse,
    &eclipse_clarabel::EclipseClarabel,
    &syed_hu_sn::METHOD,
    &syed_hu_gc::METHOD,
    &syed_hu_shift::METHOD,
    &syed_hu::METHOD,
    &greedy_shape::GreedyShape,
    &multiplier_descent::METHOD,
    &lipsdp_layer_full_clarabel::METHOD,
    &lipsdp_layer_full_clarabel_chordal::METHOD,
    &lipsdp_layer_chordal_clarabel::METHOD,
    &lipsdp_layer_interior::METHOD,
    &lipsdp_layer_subspace::LipsdpLayerSubspace,
    &lipsdp_neuron_full_clarabel::METHOD,
    &lipsdp_neuron_full_clarabel_chordal::METHOD,
    &lipsdp_neuron_chordal_clarabel::METHOD,
    &lipsdp_neuron_interior::METHOD,
    &lipsdp_neuron_lipdiff::METHOD,
    &lipsdp_neuron_subgradient::METHOD,
    &lipsdp_neuron_bundle::METHOD,
    &lipsdp_neuron_lifted::METHOD,
    &geolip_dual_clarabel::METHOD,
    &geolip_dual_interior::METHOD,
    &geolip_natural_clarabel::METHOD,
    &geolip_natural_interior::METHOD,
    &geolip_natural_lifted::METHOD,
    &geolip_lifted::METHOD,
    &fgl_brute::FglBrute,
    &fgl_branch::FglBranch,
    &fgl_pattern::FglPattern,
    &witness::SteepPair,
    &lipsdp_tau_estimate::METHOD,
    &lipdiff_penalty_estimate::METHOD,
    &seqlip_greedy::METHOD,
    &seqlip_rank_k::METHOD,
];

/// Seconds between two reports of progress.
const REPORT_EVERY_S: f64 = 0.05;
/// States, gradients, memory of the quasi-Newton method, passes: vectors over the signals for each column of a lifted method.
const VECTORS_OF_COLUMN: usize = 28;

/// Declines a method by passes that would not fit: the reduced maps and those of the safe evaluation beside the original
/// ones, and the vectors.
fn check_memory(method: &'static str, system: &IncrementSystem, rank: usize, context: &Context) -> Result<(), Decline> {
    /// Dense copies of the maps: reduced, while reducing, and enclosed.
    const COPIES: u64 = 4;
    let weights = system.weights();
    let signals: u64 = (0..system.blocks()).map(|k| system.len(k) as u64).sum();
    let needed = 8 * (COPIES * weights + VECTORS_OF_COLUMN as u64 * rank as u64 * signals);
    context.check_memory(method, needed, || format!("copies of {weights} weights and vectors for {signals} signals"))
}

/// The method called `name`.
pub fn method_named(name: &str) -> Option<&'static dyn Method> {
    METHODS.iter().copied().find(|method| method.name() == name)
}
