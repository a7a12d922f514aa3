//! `multiplier-descent`: the multipliers of all layers at once, by L-BFGS on the bound itself.

use std::time::Instant;

use tightlip_layerwise::{Ending, Progress, Settings, descend};
use tightlip_model::Norm;

use super::layerwise::{Course, Layerwise};
use super::{DIRECT_NORMS, REPORT_EVERY_S, constant};
use crate::method::{Decline, Method, Problem, Proposal, TraceRow};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// The method.
#[derive(Debug, Clone, Copy)]
pub(super) struct MultiplierDescent {
    pub(super) steps: u64,
}

/// With the usual number of them.
pub(super) const METHOD: MultiplierDescent = MultiplierDescent { steps: USUAL_STEPS };
/// Steps of sharpening, and of each stage of continuation: within 0.5 % of the optimum on most networks; twice as many halve the
/// rest.
const USUAL_STEPS: u64 = 60;
/// The option.
const STEPS: &str = "steps";
/// A decrease per step of this part of the tolerance counts as none.
const SMALL: f64 = 0.1;

/// What can be chosen.
const OPTIONS: &[MethodOption] = &[MethodOption {
    name: STEPS,
    values: Values::Whole(1..=1_000_000, USUAL_STEPS),
    about: "most steps of the descent, and of each of its five further stages where few outputs make it stand still",
}];

impl Method for MultiplierDescent {
    fn name(&self) -> &'static str {
        "multiplier-descent"
    }

    fn summary(&self) -> &'static str {
        "all multipliers of a chain by L-BFGS on the bound itself: every point is a bound, mostly within 1 % of LipSDP-Neuron"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn reference(&self) -> &'static str {
        "this project"
    }

    fn options(&self) -> &'static [MethodOption] {
        OPTIONS
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        assert_eq!(option, STEPS, "options are looked up before");
        Box::new(Self { steps: value.parse().expect("values are checked before") })
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let Some(layerwise) = Layerwise::new(self.name(), problem, context, Course::Descent)? else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let assemble_s = start.elapsed().as_secs_f64();
        let (scale, began) = (layerwise.scale(), Instant::now());
        let (mut trace, mut told_s) = (Vec::new(), 0.0);
        let mut observe = |progress: Progress| {
            let (time_s, claimed) = (began.elapsed().as_secs_f64(), scale * progress.bound);
            let claimed_in_range = Some(claimed).filter(|claimed| claimed.is_finite());
            let iterations = progress.steps;
            trace.push(TraceRow { time_s, iterations, claimed: claimed_in_range, ..TraceRow::default() });
            if time_s - told_s >= REPORT_EVERY_S {
                told_s = time_s;
                context.report(&Stage::Solving { iteration: progress.steps, claimed, gap: None });
            }
        };
        let norms = (problem.query.input_norm, problem.query.output_norm);
        let settings =
            Settings { steps: self.steps, tolerance: SMALL * context.tolerance, threads: context.limits.threads };
        let stop = || context.limits.stop_requested();
        let descended = descend(layerwise.chain(), norms, &settings, &stop, &mut observe)
            .map_err(|refused| Decline::Solver { method: self.name(), reason: refused.to_string() })?
            .ok_or(Decline::Stopped { method: self.name() })?;
        let status = match descended.ending {
            Ending::Interrupted => "interrupted",
            _ => "solved",
        };
        Ok(Proposal {
            candidates: vec![layerwise.candidate(&descended.multipliers)],
            claimed: scale * descended.bound,
            iterations: Some(descended.steps),
            trace,
            options: format!("steps={}, small={:e}", self.steps, settings.tolerance),
            status: status.to_owned(),
            interrupted: descended.ending == Ending::Interrupted,
            assemble_s,
            solve_s: start.elapsed().as_secs_f64() - assemble_s,
            ..Proposal::default()
        })
    }
}
