//! `lipsdp-tau.estimate`: LipSDP-Network, and Chordal-LipSDP with τ ≥ 1. **No bound**, for comparison with the literature.
//!
//! Why its multipliers are unsound, with the network for which the "bound" is 0 and the constant 1, is derived where the
//! program is assembled (`tightlip_sdp::assemble_banded`).

use std::time::Instant;

use tightlip_clarabel::OwnDecomposition;
use tightlip_model::{Norm, Reduction, Scaling};
use tightlip_sdp::{Pencil, Tying, assemble_banded};

use super::conic;
use crate::method::{Decline, FoundEstimate, Kind, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// The most pairs that are tried: each is a variable, and Clarabel factorises them all in every iteration.
const MOST_PAIRS: usize = 20_000;
/// What every output of the method says.
const WARNING: &str = "the multipliers of pairs of neurons are unsound: no bound";

/// The method, with the width of its band.
pub(super) struct LipsdpTau {
    tau: usize,
}

/// Pairs of neighbours.
pub(super) const METHOD: LipsdpTau = LipsdpTau { tau: 1 };

impl Method for LipsdpTau {
    fn name(&self) -> &'static str {
        "lipsdp-tau.estimate"
    }

    fn summary(&self) -> &'static str {
        "NO BOUND: LipSDP with multipliers for pairs of neurons, as published (LipSDP-Network with a large tau); can be too small"
    }

    fn kind(&self) -> Kind {
        Kind::Estimate
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        &[(Norm::L2, Norm::L2)]
    }

    fn reference(&self) -> &'static str {
        "Xue et al., Chordal sparsity for Lipschitz constant estimation of deep neural networks, CDC 2022"
    }

    fn options(&self) -> &'static [MethodOption] {
        const TAU: MethodOption = MethodOption {
            name: "tau",
            values: Values::Whole(0..=1_000_000, 1),
            about: "pairs of neurons at most so far apart have a multiplier; 0 is LipSDP-Neuron, the number of neurons LipSDP-Network",
        };
        &[TAU]
    }

    fn with_option(&self, _: &str, value: &str) -> Box<dyn Method> {
        Box::new(Self { tau: value.parse().expect("the value was looked at before") })
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let method = self.name();
        let found = |value, proposal| Ok(FoundEstimate { value, warning: WARNING, proposal });
        // The optimum depends on the units of the neurons: they stay as they are.
        let Some(reduction) = Reduction::new(&problem.system, &problem.query, Scaling::None) else {
            return found(0.0, Proposal { status: "constant".to_owned(), ..Proposal::default() });
        };
        let system = reduction.system();
        conic::check(method, &[system.len(0) + system.neurons()], context)?;
        let neurons = system.neurons();
        let pairs: usize = (0..neurons).map(|i| self.tau.min(neurons - 1 - i)).sum();
        if pairs > MOST_PAIRS {
            let reason = format!(
                "{pairs} pairs of neurons have a multiplier, at most {MOST_PAIRS} are tried: take a smaller tau"
            );
            return Err(Decline::Solver { method, reason });
        }
        let pencil = Pencil::new(system, &problem.query, Tying::Neuron);
        let Some(banded) = assemble_banded(&pencil, self.tau) else {
            let reason = "it was published for networks whose neurons all have the same slopes".to_owned();
            return Err(Decline::Solver { method, reason });
        };
        let assemble_s = start.elapsed().as_secs_f64();
        let answer =
            tightlip_clarabel::solve(&banded.program, OwnDecomposition::Off, &context.limits, Box::new(|_| {}))
                .map_err(|rejected| Decline::Solver { method, reason: rejected.to_string() })?;
        let value = reduction.bound_scale() * answer.objective.max(0.0).sqrt();
        let proposal = Proposal {
            claimed: value,
            iterations: Some(u64::from(answer.iterations)),
            options: format!("tau={}, {}", self.tau, tightlip_clarabel::settings_text(OwnDecomposition::Off)),
            program: Some(conic::program_size(&banded.program, banded.order)),
            status: answer.status.name().to_owned(),
            interrupted: answer.status == tightlip_clarabel::Status::Interrupted,
            assemble_s,
            solve_s: answer.solve_s,
            ..Proposal::default()
        };
        found(value, proposal)
    }
}
