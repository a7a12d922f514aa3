//! The eigenvalue methods in relative multipliers: on the system with blocks of norm one, from the multipliers of the product of
//! norms, which are all 1 there, or from those of a layerwise bound.

use std::time::Instant;

use tightlip_eigen::{Passes, Run, Variables};
use tightlip_model::{Multipliers, Norm, Reduction, Scaling};

use super::eigenvalue::Follower;
use super::warm_start::{DESCENT, ECLIPSE_FAST, Wanted};
use super::{DIRECT_NORMS, VECTORS_OF_COLUMN, check_memory, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// A method of this kind, with its number of steps.
#[derive(Clone)]
pub(super) struct Relative {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) reference: &'static str,
    /// Vectors of the order of the pencil that it has in memory at once.
    pub(super) vectors: usize,
    pub(super) iterations: u64,
    /// What it starts from.
    pub(super) init: &'static str,
    pub(super) solve: Solve,
}

/// Runs a method from a start, for at most so many steps, with a seed.
pub(super) type Solve = fn(System<'_, '_>, &Multipliers, (u64, u64), &mut Follower<'_, '_>) -> Run;

/// A reduced system with its variables.
#[derive(Clone, Copy)]
pub(super) struct System<'a, 's> {
    pub(super) passes: &'a Passes<'s>,
    pub(super) variables: &'a Variables,
}

/// Steps if nothing is said.
pub(super) const USUAL_STEPS: u64 = 2_000;
/// The product of norms as start.
pub(super) const PRODUCT: &str = "product";

/// What can be chosen.
const OPTIONS: &[MethodOption] = &[
    MethodOption { name: "iterations", values: Values::Whole(1..=10_000_000, USUAL_STEPS), about: "steps at most" },
    MethodOption {
        name: "init",
        values: Values::OneOf(INITS),
        about: "the start: the product of norms, or the multipliers of a layerwise bound",
    },
];
/// The starts.
const INITS: &[&str] = &[PRODUCT, ECLIPSE_FAST, DESCENT];

impl Method for Relative {
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
        OPTIONS
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        let mut changed = self.clone();
        match option {
            "iterations" => changed.iterations = value.parse().expect("the value was looked at before"),
            "init" => changed.init = INITS.iter().find(|init| **init == value).expect("looked at before"),
            _ => unreachable!("options are looked up before"),
        }
        Box::new(changed)
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let begun = Instant::now();
        let (system, query) = (&problem.system, &problem.query);
        check_memory(self.name, system, self.vectors.div_ceil(VECTORS_OF_COLUMN), context)?;
        let Some(reduction) = Reduction::new(system, query, Scaling::PerNeuron) else {
            return Ok(constant::proposal(system, query));
        };
        if context.limits.stop_requested() {
            return Err(Decline::Stopped { method: self.name });
        }
        let passes = Passes::new(reduction.system(), context.limits.threads);
        let variables = Variables::new(reduction.system(), query);
        let mut follower = Follower::new((problem, context), (&reduction, &passes), judge, begun);
        let wanted = Wanted { method: self.name, init: self.init, instead: "take init=product" };
        let start = follower.warm_start(wanted)?.unwrap_or_else(|| variables.unpack(&vec![1.0; variables.len()]));
        let seed = context.limits.seed;
        let reduced = System { passes: &passes, variables: &variables };
        let run = (self.solve)(reduced, &start, (self.iterations, seed), &mut follower);
        let Self { iterations, init, .. } = self;
        let options = format!("iterations={iterations}, init={init}, tolerance={:e}, seed={seed}", context.tolerance);
        Ok(follower.proposal(&run, options))
    }
}
