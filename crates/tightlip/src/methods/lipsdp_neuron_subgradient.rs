//! `lipsdp-neuron.subgradient`: LipSDP-Neuron by projected subgradients in relative multipliers, matrix-free.

use tightlip_eigen::{SubgradientSettings, projected_subgradient};

use super::relative::{PRODUCT, Relative, USUAL_STEPS};

/// The method.
pub(super) const METHOD: Relative = Relative {
    name: "lipsdp-neuron.subgradient",
    summary: "the same by projected subgradients in relative multipliers: the simplest first-order method, for comparison",
    reference: "Goffin and Kiwiel, Convergence of a simple subgradient level method, Mathematical Programming 1999",
    // The basis of Lanczos, the recent eigenvectors, and some beside them.
    vectors: 80,
    iterations: USUAL_STEPS,
    init: PRODUCT,
    solve: |system, start, (most_iterations, seed), follower| {
        let settings = SubgradientSettings { most_iterations, seed };
        projected_subgradient(system.passes, system.variables, start, &settings, follower)
    },
};
