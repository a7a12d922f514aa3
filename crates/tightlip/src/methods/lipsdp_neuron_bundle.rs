//! `lipsdp-neuron.bundle`: LipSDP-Neuron by the spectral bundle method, matrix-free.

use tightlip_eigen::{BundleSettings, spectral_bundle};
use tightlip_model::Norm;

use super::DIRECT_NORMS;
use super::eigenvalue::propose_relative;
use crate::method::{Decline, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge};

/// The method, with its number of steps.
#[derive(Clone)]
pub(super) struct LipsdpNeuronBundle {
    iterations: u64,
}

/// Steps if nothing is said: many more than are needed, for it stops by itself where it stands still.
const USUAL: u64 = 2_000;
/// The method with them.
pub(super) const METHOD: LipsdpNeuronBundle = LipsdpNeuronBundle { iterations: USUAL };

impl Method for LipsdpNeuronBundle {
    fn name(&self) -> &'static str {
        "lipsdp-neuron.bundle"
    }

    fn summary(&self) -> &'static str {
        "the same by a spectral bundle in relative multipliers: the best of the first-order eigenvalue methods, matrix-free"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Helmberg and Rendl, A spectral bundle method for semidefinite programming, SIAM J. Optim. 2000"
    }

    fn options(&self) -> &'static [MethodOption] {
        const ITERATIONS: MethodOption =
            MethodOption { name: "iterations", values: Values::Whole(1..=10_000_000, USUAL), about: "steps at most" };
        &[ITERATIONS]
    }

    fn with_option(&self, _: &str, value: &str) -> Box<dyn Method> {
        Box::new(Self { iterations: value.parse().expect("the value was looked at before") })
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        /// The basis of Lanczos, the model, and some beside them.
        const VECTORS: usize = 140;
        let seed = context.limits.seed;
        let settings = BundleSettings { most_iterations: self.iterations, seed, ..BundleSettings::default() };
        let options = format!("iterations={}", self.iterations);
        propose_relative(
            (self.name(), options, VECTORS),
            problem,
            context,
            judge,
            &|passes, variables, start, follower| spectral_bundle(passes, variables, start, &settings, follower),
        )
    }
}
