//! The methods that solve the pencil by the structured interior point: reduce, solve, lift the multipliers back.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_interior::{Declined, Settings, Status, predicted_bytes_of, solve};
use tightlip_model::{IncrementSystem, Norm, Reduction};
use tightlip_sdp::{Pencil, Tying};

use super::formulation::{Formulation, with_option};
use super::unit_bound::{of_unit_bound, scaling_for};
use super::{DIRECT_NORMS, constant};
use crate::method::{Decline, Method, Problem, ProgramSize, Proposal, TraceRow};
use crate::options::MethodOption;
use crate::{Context, Judge, Stage};

/// LipSDP or GeoLIP by the structured interior point.
#[derive(Debug, Clone)]
pub(super) struct Interior {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) reference: &'static str,
    pub(super) formulation: Formulation,
    pub(super) tying: Tying,
    pub(super) options: &'static [MethodOption],
}

/// LipSDP by this method.
pub(super) const LIPSDP: &str = "Fazlyab et al., NeurIPS 2019 (the program); Helmberg et al., SIAM J. Optim. 1996, and Borchers, CSDP, 1999 (the method)";
/// GeoLIP by this method.
pub(super) const GEOLIP: &str = "Wang, Prakriya and Jha, NeurIPS 2022 (the program); Helmberg et al., SIAM J. Optim. 1996, and Borchers, CSDP, 1999 (the method)";

/// Part of the tolerance that the gap of the solver may use up; the rest is for rounding and proving.
const GAP_SHARE: f64 = 0.1;
/// The gap that is asked for at most: the digits come almost free at the end of the iteration.
const USUAL_GAP: f64 = 1e-9;

impl Method for Interior {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        self.reference
    }

    fn options(&self) -> &'static [MethodOption] {
        self.options
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        let (formulation, tying) = with_option((self.formulation, self.tying), option, value)
            .expect("options and values are looked up before");
        Box::new(Self { formulation, tying, ..self.clone() })
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let posed = self.formulation.pose(self.name, problem)?;
        let (system, query) = (posed.system(), &posed.query);
        // Reducing a wide network takes long; whether it fits is known from the sizes, the inputs left out.
        let neurons = live_neurons(system);
        let multipliers = match self.tying {
            Tying::Neuron => neurons,
            Tying::Layer => system.hidden_blocks(),
        };
        self.check(neurons, multipliers, context)?;
        let Some(reduction) = Reduction::new(system, query, scaling_for(self.tying)) else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let reduction = of_unit_bound(reduction, query, context);
        let pencil = Pencil::new(reduction.system(), query, self.tying);
        let (order, variables) = (pencil.order(), pencil.variables().len());
        self.check(order, variables, context)?;
        let assemble_s = start.elapsed().as_secs_f64();
        if context.limits.stop_requested() {
            return Err(Decline::Stopped { method: self.name });
        }
        let settings = Settings { tolerance: USUAL_GAP.min(GAP_SHARE * context.tolerance), ..Settings::default() };
        let (scale, began) = (posed.factor * reduction.bound_scale(), Instant::now());
        let mut trace = Vec::new();
        let mut observe = |progress: tightlip_interior::Progress| {
            let claimed = scale * progress.objective;
            trace.push(TraceRow::of_claim(began, progress.iteration, claimed));
            let (iteration, gap) = (u64::from(progress.iteration), Some(progress.relative_gap));
            context.report(&Stage::Solving { iteration, claimed, gap });
        };
        let answer = solve(&pencil, None, &settings, &context.limits, &mut observe)
            .map_err(|declined| self.declined(declined))?;
        let multipliers = posed.lift(&reduction, &pencil.multipliers(&answer.values));
        Ok(Proposal {
            claimed: scale * answer.objective,
            candidates: vec![vec![Segment::new(problem.system.output_block(), multipliers)]],
            iterations: Some(u64::from(answer.iterations)),
            trace,
            options: format!("tol={:e}, max_iter={}", settings.tolerance, settings.iterations),
            program: Some(ProgramSize {
                order,
                cones: 1,
                largest_cone: order,
                variables,
                rows: order * (order + 1) / 2,
                nonzeros: pencil.neurons().iter().map(|term| 1 + term.incoming.len()).sum(),
            }),
            status: answer.status.name().to_owned(),
            interrupted: answer.status != Status::Solved,
            assemble_s,
            solve_s: answer.solve_s,
            ..Proposal::default()
        })
    }
}

impl Interior {
    /// Declines what would not fit.
    fn check(&self, order: usize, variables: usize, context: &Context) -> Result<(), Decline> {
        let needed = predicted_bytes_of(order, variables);
        context.check_memory(self.name, needed, || format!("dense matrices of order {order}"))
    }

    /// In our words.
    fn declined(&self, declined: Declined) -> Decline {
        Decline::Solver { method: self.name, reason: declined.to_string() }
    }
}

/// Live neurons: the order of the pencil without inputs and outputs.
fn live_neurons(system: &IncrementSystem) -> usize {
    let live = system.live();
    live[1..system.output_block()].iter().flatten().filter(|&&live| live).count()
}
