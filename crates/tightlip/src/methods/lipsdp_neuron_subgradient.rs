//! `lipsdp-neuron.subgradient`: LipSDP-Neuron by projected subgradients in relative multipliers, matrix-free.

use tightlip_eigen::{SubgradientSettings, projected_subgradient};
use tightlip_model::Norm;

use super::DIRECT_NORMS;
use super::eigenvalue::propose_relative;
use crate::method::{Decline, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge};

/// The method, with its number of steps.
#[derive(Clone)]
pub(super) struct LipsdpNeuronSubgradient {
    iterations: u64,
}

/// Steps if nothing is said.
const USUAL: u64 = 2_000;
/// The method with them.
pub(super) const METHOD: LipsdpNeuronSubgradient = LipsdpNeuronSubgradient { iterations: USUAL };

impl Method for LipsdpNeuronSubgradient {
    fn name(&self) -> &'static str {
        "lipsdp-neuron.subgradient"
    }

    fn summary(&self) -> &'static str {
        "the same by projected subgradients in relative multipliers: the simplest first-order method, for comparison"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Goffin and Kiwiel, Convergence of a simple subgradient level method, Mathematical Programming 1999"
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
        /// The basis of Lanczos, the recent eigenvectors, and some beside them.
        const VECTORS: usize = 80;
        let settings = SubgradientSettings { most_iterations: self.iterations, seed: context.limits.seed };
        let options = format!("iterations={}", self.iterations);
        propose_relative(
            (self.name(), options, VECTORS),
            problem,
            context,
            judge,
            &|passes, variables, start, follower| projected_subgradient(passes, variables, start, &settings, follower),
        )
    }
}
