//! `lipsdp-neuron.bundle`: LipSDP-Neuron by the spectral bundle method, matrix-free.

use std::time::Instant;

use tightlip_eigen::{BundleSettings, Passes, Variables, spectral_bundle};
use tightlip_model::{Norm, Reduction, Scaling};

use super::eigenvalue::Follower;
use super::{DIRECT_NORMS, check_memory, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// The method.
pub(super) struct LipsdpNeuronBundle;

impl Method for LipsdpNeuronBundle {
    fn name(&self) -> &'static str {
        "lipsdp-neuron.bundle"
    }

    fn summary(&self) -> &'static str {
        "the same by a spectral bundle in relative multipliers: the best first-order eigenvalue method, matrix-free"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Helmberg and Rendl, A spectral bundle method for semidefinite programming, SIAM J. Optim. 2000"
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let begin = Instant::now();
        let settings = BundleSettings { seed: context.limits.seed, ..BundleSettings::default() };
        check_memory(self.name(), &problem.system, settings.new_vectors * 10, context)?;
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
        let run = spectral_bundle(&passes, &variables, &start, &settings, &mut follower);
        let options = format!("tolerance={:e}, seed={}", context.tolerance, context.limits.seed);
        Ok(follower.proposal(&run, options, assemble_s))
    }
}
