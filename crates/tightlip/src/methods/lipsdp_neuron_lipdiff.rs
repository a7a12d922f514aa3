//! `lipsdp-neuron.lipdiff`: LipSDP-Neuron by LipDiff's exact penalty and Adam, its multipliers made feasible and proved.

use std::time::Instant;

use tightlip_eigen::{Init, Kappa, LipDiffSettings, Passes, PenaltyWeight, Redundant, lipdiff};
use tightlip_model::{IncrementSystem, Norm, Reduction, Scaling};

use super::eigenvalue::Follower;
use super::warm_start::{DESCENT, ECLIPSE_FAST, Wanted};
use super::{VECTORS_OF_COLUMN, check_memory, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// The method with its settings and what was said about them.
#[derive(Clone)]
pub(super) struct LipsdpNeuronLipdiff {
    penalty: &'static str,
    init: &'static str,
    redundant: &'static str,
    kappa: &'static str,
    iterations: u64,
    groups: u64,
    rate: f64,
    ratio: f64,
    lanczos_steps: u64,
}

const PENALTIES: &[&str] = &["rho-code", "rho-tight"];
const INITS: &[&str] = &["schur", "diag", "diag-improved", "random", ECLIPSE_FAST, DESCENT];
const REDUNDANT: &[&str] = &["on", "off"];
const KAPPAS: &[&str] = &["free", "eliminated"];

/// The run of the publication.
pub(super) const METHOD: LipsdpNeuronLipdiff = LipsdpNeuronLipdiff {
    penalty: PENALTIES[0],
    init: INITS[0],
    redundant: REDUNDANT[0],
    kappa: KAPPAS[0],
    iterations: 600,
    groups: 3,
    rate: 0.04,
    ratio: 10.0,
    lanczos_steps: 20,
};

impl LipsdpNeuronLipdiff {
    /// What the words stand for.
    fn settings(&self, seed: u64) -> LipDiffSettings {
        LipDiffSettings {
            iterations: self.iterations,
            groups: self.groups,
            rate: self.rate,
            ratio: self.ratio,
            lanczos_steps: self.lanczos_steps as usize,
            init: match self.init {
                "diag" => Init::Diag,
                "diag-improved" => Init::DiagImproved,
                "random" => Init::Random,
                _ => Init::Schur,
            },
            weight: if self.penalty == PENALTIES[0] { PenaltyWeight::Code } else { PenaltyWeight::Tight },
            redundant: if self.redundant == REDUNDANT[0] { Redundant::On } else { Redundant::Off },
            kappa: if self.kappa == KAPPAS[0] { Kappa::Free } else { Kappa::Eliminated },
            seed,
        }
    }
}

impl Method for LipsdpNeuronLipdiff {
    fn name(&self) -> &'static str {
        "lipsdp-neuron.lipdiff"
    }

    fn summary(&self) -> &'static str {
        "the same by LipDiff: Adam on an exact penalty, as published but for its errors; for comparison, others are better"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        &[(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2)]
    }

    fn reference(&self) -> &'static str {
        "Wang et al., On the scalability and memory efficiency of semidefinite programs for Lipschitz constant estimation of neural networks, ICLR 2024"
    }

    fn options(&self) -> &'static [MethodOption] {
        OPTIONS
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        let mut changed = self.clone();
        let word = |words: &[&'static str]| *words.iter().find(|word| **word == value).expect("looked at before");
        let whole = || value.parse().expect("the value was looked at before");
        let real = || value.parse().expect("the value was looked at before");
        match option {
            "penalty" => changed.penalty = word(PENALTIES),
            "init" => changed.init = word(INITS),
            "redundant" => changed.redundant = word(REDUNDANT),
            "kappa" => changed.kappa = word(KAPPAS),
            "iterations" => changed.iterations = whole(),
            "groups" => changed.groups = whole(),
            "lr" => changed.rate = real(),
            "ratio" => changed.ratio = real(),
            "lanczos-steps" => changed.lanczos_steps = whole(),
            _ => unreachable!("options are looked up before"),
        }
        Box::new(changed)
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        /// Vectors of the basis of Lanczos for a value, and some beside a basis.
        const BASIS: usize = 160;
        const BESIDE: usize = 20;
        context.report(&Stage::Assembling);
        let begin = Instant::now();
        let settings = self.settings(context.limits.seed);
        check_memory(
            self.name(),
            &problem.system,
            (settings.lanczos_steps.max(BASIS) + BESIDE).div_ceil(VECTORS_OF_COLUMN),
            context,
        )?;
        let (system, query) = (&problem.system, &problem.query);
        // Its iterates depend on the units of the neurons: they stay as they are.
        let Some(reduction) = Reduction::new(system, query, Scaling::None) else {
            return Ok(constant::proposal(system, query));
        };
        if settings.kappa == Kappa::Eliminated {
            self.check_factorisation(reduction.system(), context)?;
        }
        if context.limits.stop_requested() {
            return Err(Decline::Stopped { method: self.name() });
        }
        let passes = Passes::new(reduction.system(), context.limits.threads);
        let mut follower = Follower::new((problem, context), (&reduction, &passes), judge, begin);
        let wanted = Wanted { method: self.name(), init: self.init, instead: "take init=schur" };
        let start = follower.warm_start(wanted)?;
        let run = lipdiff(&passes, query, (&settings, start.as_ref()), &mut follower);
        let options = format!(
            "penalty={}, init={}, iterations={}, groups={}, lr={}, ratio={}, lanczos-steps={}, redundant={}, kappa={}, seed={}",
            self.penalty,
            self.init,
            self.iterations,
            self.groups,
            self.rate,
            self.ratio,
            self.lanczos_steps,
            self.redundant,
            self.kappa,
            settings.seed
        );
        Ok(follower.proposal(&run, options))
    }
}

impl LipsdpNeuronLipdiff {
    /// Declines the elimination of `κ` where the dense pencil does not fit.
    fn check_factorisation(&self, system: &IncrementSystem, context: &Context) -> Result<(), Decline> {
        /// The pencil, what the passes make of it, its factor.
        const MATRICES: u64 = 4;
        let order: u64 = (0..system.blocks()).map(|k| system.len(k) as u64).sum();
        let what = || format!("the dense pencil of order {order} for kappa=eliminated");
        context.check_memory(self.name(), 8 * MATRICES * order * order, what)
    }
}

const OPTIONS: &[MethodOption] = &[
    MethodOption {
        name: "penalty",
        values: Values::OneOf(PENALTIES),
        about: "weight of the penalty: as published, or the smaller one by the norms of the layers",
    },
    MethodOption {
        name: "init",
        values: Values::OneOf(INITS),
        about: "the start: the product of norms, the constraints of single neurons (as published, or the best), random numbers, or a layerwise bound",
    },
    MethodOption { name: "iterations", values: Values::Whole(1..=10_000_000, 600), about: "iterations of all groups" },
    MethodOption {
        name: "groups",
        values: Values::Whole(1..=1_000, 3),
        about: "groups of iterations; each begins with a new optimiser",
    },
    MethodOption { name: "lr", values: Values::Real(1e-6..=10.0, 0.04), about: "learning rate of the multipliers" },
    MethodOption {
        name: "ratio",
        values: Values::Real(1e-3..=1e3, 10.0),
        about: "learning rate of the other variables over that of the multipliers",
    },
    MethodOption {
        name: "lanczos-steps",
        values: Values::Whole(0..=1_000, 20),
        about: "steps of Lanczos for a direction; 0 for converged eigenvectors in every iteration",
    },
    MethodOption {
        name: "redundant",
        values: Values::OneOf(REDUNDANT),
        about: "multipliers of the redundant bounds of single neurons",
    },
    MethodOption {
        name: "kappa",
        values: Values::OneOf(KAPPAS),
        about: "eliminated: where a point is evaluated, the best weight of the outputs by a factorisation",
    },
];
