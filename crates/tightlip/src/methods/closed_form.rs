//! The methods that choose the multipliers of every layer by a closed form: one elimination of the chain for each rule, and the
//! smallest bound of them.

use std::time::Instant;

use tightlip_layerwise::{Forward, Rule};
use tightlip_model::Norm;

use super::layerwise::{Course, Layerwise};
use super::{DIRECT_NORMS, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::options::MethodOption;
use crate::{Context, Judge, Stage};

/// Multipliers by closed forms.
#[derive(Debug, Clone)]
pub(super) struct ClosedForm {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) reference: &'static str,
    /// Which ones: the best is taken.
    pub(super) rules: &'static [Rule],
    /// The parameter instead of that of the one rule.
    pub(super) parameter: Option<f64>,
    pub(super) options: &'static [MethodOption],
}

/// The paper of the rules beside ECLipsE-Fast.
pub(super) const SYED_HU: &str =
    "Syed and Hu, Improved scalable Lipschitz bounds for deep neural networks, arXiv 2503.14297, 2025";
/// ECLipsE.
pub(super) const ECLIPSE: &str = "Xu and Sivaranjani, ECLipsE: efficient compositional Lipschitz constant estimation for deep neural networks, NeurIPS 2024";
/// What the option `c` says.
pub(super) const PARAMETER: &str = "c";

/// A chain eliminated by one rule.
struct Candidate<'c> {
    rule: Rule,
    forward: Forward<'c>,
    value: f64,
}

impl Method for ClosedForm {
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

    fn is_closed_form(&self) -> bool {
        true
    }

    fn options(&self) -> &'static [MethodOption] {
        self.options
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        assert_eq!(option, PARAMETER, "options are looked up before");
        let parameter = Some(value.parse().expect("values are checked before"));
        Box::new(Self { parameter, ..self.clone() })
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let Some(layerwise) = Layerwise::new(self.name, problem, context, Course::Once)? else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let assemble_s = start.elapsed().as_secs_f64();
        let (tried, failed, cut) = self.candidates(&layerwise, context);
        let Some(best) = tried.iter().min_by(|one, other| one.value.total_cmp(&other.value)) else {
            let instead = if self.options.is_empty() { "another method" } else { "another c, or another method" };
            return Err(failed.map_or(Decline::Stopped { method: self.name }, |reason| Decline::Solver {
                method: self.name,
                reason: format!("{reason}: take {instead}"),
            }));
        };
        let mut status = "solved".to_owned();
        if self.rules.len() > 1 {
            status = format!("{} is the smallest of {}", best.rule.label(), tried.len());
        }
        Ok(Proposal {
            candidates: vec![layerwise.candidate(&best.forward.multipliers(best.value))],
            claimed: layerwise.scale() * best.value,
            options: self.rules().map(Rule::label).collect::<Vec<_>>().join(", "),
            status,
            interrupted: cut,
            assemble_s,
            solve_s: start.elapsed().as_secs_f64() - assemble_s,
            ..Proposal::default()
        })
    }
}

impl ClosedForm {
    /// The rules with their parameters.
    fn rules(&self) -> impl Iterator<Item = Rule> {
        self.rules.iter().map(|rule| self.parameter.map_or(*rule, |c| rule.with_parameter(c)))
    }

    /// What the rules give, why one failed, and whether a limit cut them short.
    fn candidates<'c>(
        &self,
        layerwise: &'c Layerwise<'_>,
        context: &Context,
    ) -> (Vec<Candidate<'c>>, Option<String>, bool) {
        let stop = || context.limits.stop_requested();
        let (mut tried, mut failed) = (Vec::new(), None);
        for rule in self.rules() {
            let forward = Forward::new(layerwise.chain(), context.limits.threads);
            match rule.eliminate(forward, &stop) {
                Ok(Some(forward)) => {
                    let value = forward.value();
                    if value.is_finite() {
                        tried.push(Candidate { rule, forward, value });
                    } else {
                        failed = Some("the bound is beyond the range of floating point".to_owned());
                    }
                }
                Ok(None) => return (tried, failed, true),
                Err(refused) => failed = Some(refused.to_string()),
            }
        }
        (tried, failed, false)
    }
}
