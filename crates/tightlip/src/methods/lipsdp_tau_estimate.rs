//! `lipsdp-tau.estimate`: LipSDP-Network, and Chordal-LipSDP with τ ≥ 1. **No bound**, for comparison with the literature.
//!
//! Why its multipliers are unsound, with the network for which the "bound" is 0 and the constant 1, is derived where the
//! program is assembled (`tightlip_sdp::assemble_banded`).

use std::time::Instant;

use tightlip_model::{Edge, IncrementSystem, LinearMap, Norm, Reduction, Scaling, spectral_norm};
use tightlip_sdp::{Objective, Pencil, Tying, assemble_banded};

use super::estimate::Estimate;
use super::{conic, estimate};
use crate::method::{Decline, FoundEstimate, Kind, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// The most pairs that are tried: each is a variable, and Clarabel factorises them all in every iteration.
const MOST_PAIRS: usize = 20_000;
/// What every output of the method says.
const WARNING: &str = "the multipliers of pairs of neurons are unsound: no bound";
/// The same without pairs.
const UNPROVED: &str = "without pairs it is LipSDP-Neuron, but not proved here: no bound";

/// The method, with the width of its band and the units of the neurons.
#[derive(Clone)]
pub(super) struct LipsdpTau {
    tau: usize,
    units: Units,
}

/// The optimum is not invariant under the scaling of layers, so what they are scaled to is part of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Units {
    /// The weights as they are, as LipSDP's code has it.
    Own,
    /// Every weight matrix of the spectral norm that Chordal-LipSDP's experiments scale it to.
    Chordal,
}

impl Units {
    /// The word of the option.
    fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Chordal => "chordal",
        }
    }
}

/// Pairs of neighbours.
pub(super) const METHOD: LipsdpTau = LipsdpTau { tau: 1, units: Units::Own };

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
        const UNITS: MethodOption = MethodOption {
            name: "units",
            values: Values::OneOf(&["own", "chordal"]),
            about: "chordal scales the layers as the experiments of Chordal-LipSDP do; the number depends on it",
        };
        &[TAU, UNITS]
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        let mut changed = self.clone();
        match (option, value) {
            ("tau", _) => changed.tau = value.parse().expect("the value was looked at before"),
            ("units", "chordal") => changed.units = Units::Chordal,
            ("units", _) => changed.units = Units::Own,
            _ => unreachable!("options are looked up before"),
        }
        Box::new(changed)
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let method = self.name();
        let warning = if self.tau == 0 { UNPROVED } else { WARNING };
        // The optimum depends on the units of the neurons: they stay as they are.
        let Some(reduction) = Reduction::new(&problem.system, &problem.query, Scaling::None) else {
            return Ok(estimate::constant(warning));
        };
        let Some((system, scale)) = in_units(self.units, reduction.system()) else {
            let reason = "units=chordal is for chains of at most 50 layers, as the experiments have".to_owned();
            return Err(Decline::Solver { method, reason });
        };
        let instead = "there is no other way to this number; for a bound take lipsdp-neuron.lifted";
        conic::check((method, instead), &[system.len(0) + system.neurons()], context)?;
        let neurons = system.neurons();
        let pairs: usize = (0..neurons).map(|i| self.tau.min(neurons - 1 - i)).sum();
        if pairs > MOST_PAIRS {
            let reason = format!(
                "{pairs} pairs of neurons have a multiplier, at most {MOST_PAIRS} are tried: take a smaller tau"
            );
            return Err(Decline::Solver { method, reason });
        }
        let pencil = Pencil::new(&system, &problem.query, Tying::Neuron);
        let Some(banded) = assemble_banded(&pencil, self.tau) else {
            let reason = "it was published for networks whose neurons all have the same slopes".to_owned();
            return Err(Decline::Solver { method, reason });
        };
        let options = format!("tau={}, units={}", self.tau, self.units.name());
        let estimate = Estimate { method, warning, options, program: (&banded.program, banded.order), start };
        estimate.found(context, |optimum| scale * Objective::Square.constant(optimum))
    }
}

/// The system with its layers scaled, and what the number has to be multiplied with. `None` for systems that are no chain, or deeper than the experiments.
fn in_units(units: Units, system: &IncrementSystem) -> Option<(IncrementSystem, f64)> {
    /// Weight matrices of the deepest network of the experiments.
    const DEEPEST: usize = 50;
    if units == Units::Own {
        return Some((system.clone(), 1.0));
    }
    let last = system.output_block();
    if last > DEEPEST {
        return None;
    }
    let mut edges = Vec::with_capacity(last);
    let (mut scale, layers) = (1.0, last as f64);
    for (k, edge) in system.edges().iter().enumerate() {
        if (edge.from, edge.to) != (k, k + 1) {
            return None;
        }
        let map = edge.map.to_dense();
        let norm = spectral_norm(map.as_ref());
        // Chordal-LipSDP, run_evals.jl: (1 − D/50) 2.1 + (D/50) c for D weight matrices and a constant of the width.
        let constant = match system.len(1) {
            0..15 => 1.70,
            15..25 => 1.65,
            _ => 1.62,
        };
        let wanted = (1.0 - layers / 50.0) * 2.1 + layers / 50.0 * constant;
        scale *= norm / wanted;
        let row = |i: usize| (0..map.ncols()).map(|j| wanted / norm * map[(i, j)]).collect();
        let rows: Vec<Vec<f64>> = (0..map.nrows()).map(row).collect();
        edges.push(Edge { from: k, to: k + 1, map: LinearMap::from_rows(&rows) });
    }
    let slopes = (1..last).map(|k| system.slopes(k).to_vec()).collect();
    let scaled = IncrementSystem::new(system.len(0), slopes, system.len(last), edges).ok()?;
    Some((scaled, scale))
}
