//! `lipsdp-neuron.subgradient`: LipSDP-Neuron by projected subgradients in relative multipliers, matrix-free.

use std::time::Instant;

use tightlip_eigen::{Passes, SubgradientSettings, Variables, projected_subgradient};
use tightlip_model::{Norm, Reduction, Scaling};

use super::eigenvalue::Follower;
use super::{DIRECT_NORMS, check_memory, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

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
        /// Vectors of the basis of Lanczos, and some beside it.
        const VECTORS: usize = 4;
        context.report(&Stage::Assembling);
        let begin = Instant::now();
        let settings = SubgradientSettings { most_iterations: self.iterations, seed: context.limits.seed };
        check_memory(self.name(), &problem.system, VECTORS, context)?;
        let (system, query) = (&problem.system, &problem.query);
        let Some(reduction) = Reduction::new(system, query, Scaling::PerNeuron) else {
            return Ok(constant::proposal(system, query));
        };
        let assemble_s = begin.elapsed().as_secs_f64();
        if context.limits.stop_requested() {
            return Err(Decline::Stopped { method: self.name() });
        }
        let passes = Passes::new(reduction.system(), context.limits.threads);
        let variables = Variables::new(reduction.system(), query);
        // The blocks of the reduced system have norm one: these are the multipliers of the product of norms.
        let start = variables.unpack(&vec![1.0; variables.len()]);
        let mut follower = Follower::new((problem, context), (&reduction, &passes), judge, begin);
        let run = projected_subgradient(&passes, &variables, &start, &settings, &mut follower);
        let options =
            format!("iterations={}, tolerance={:e}, seed={}", self.iterations, context.tolerance, settings.seed);
        Ok(follower.proposal(&run, options, assemble_s))
    }
}
