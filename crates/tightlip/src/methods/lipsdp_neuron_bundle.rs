//! `lipsdp-neuron.bundle`: LipSDP-Neuron by the spectral bundle method, matrix-free.

use tightlip_eigen::{BundleSettings, spectral_bundle};

use super::relative::{PRODUCT, Relative, USUAL_STEPS};

/// The method. Its steps are many more than it needs: it stops by itself where it stands still.
pub(super) const METHOD: Relative = Relative {
    name: "lipsdp-neuron.bundle",
    summary: "the same by a spectral bundle in relative multipliers: the best of the first-order eigenvalue methods, matrix-free",
    reference: "Helmberg and Rendl, A spectral bundle method for semidefinite programming, SIAM J. Optim. 2000",
    // The basis of Lanczos, the model with a number for each pair of its vectors, twice, and some beside them.
    vectors: 340,
    iterations: USUAL_STEPS,
    init: PRODUCT,
    solve: |system, start, (most_iterations, seed), follower| {
        let settings = BundleSettings { most_iterations, seed, ..BundleSettings::default() };
        spectral_bundle(system.passes, system.variables, start, &settings, follower)
    },
};
