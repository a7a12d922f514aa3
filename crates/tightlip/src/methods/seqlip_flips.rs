//! The heuristics of SeqLip: the factor of every layer by flipping neurons one by one. Their products bound nothing.

use std::time::Instant;

use tightlip_layerwise::seqlip::{LayerFactor, by_best_flips, by_leading_triplets};
use tightlip_model::{Norm, spectral_norm};

use super::estimate::constant;
use super::seqlip::{Factored, REFERENCE};
use crate::method::{Decline, FoundEstimate, Kind, Method, Problem, Proposal};
use crate::options::MethodOption;
use crate::{Context, Judge, Stage};

/// SeqLip by flips.
#[derive(Debug, Clone)]
pub(super) struct SeqlipFlips {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// What every output of the method says.
    pub(super) warning: &'static str,
    /// How many singular triplets of each map are kept; all without.
    pub(super) rank: Option<usize>,
    pub(super) options: &'static [MethodOption],
}

/// What the option for the rank is called.
pub(super) const RANK: &str = "k";

impl Method for SeqlipFlips {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kind(&self) -> Kind {
        Kind::Estimate
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        &[(Norm::L2, Norm::L2)]
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn reference(&self) -> &'static str {
        REFERENCE
    }

    fn options(&self) -> &'static [MethodOption] {
        self.options
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        assert_eq!(option, RANK, "options are looked up before");
        let rank = Some(value.parse().expect("values are checked before"));
        Box::new(Self { rank, ..self.clone() })
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let Some(factored) = Factored::new(self.name, problem, context)? else {
            return Ok(constant(self.warning));
        };
        let Factored { reduction, factors } = factored;
        let assemble_s = start.elapsed().as_secs_f64();
        // In logarithms: products of many layers may leave the range on the way.
        let mut logarithm = reduction.bound_scale().ln();
        if factors.is_empty() {
            logarithm += spectral_norm(reduction.system().edges()[0].map.to_dense().as_ref()).ln();
        }
        for factor in &factors {
            logarithm += self.factor(factor, context)?.ln();
        }
        let value = logarithm.exp();
        let proposal = Proposal {
            claimed: value,
            options: self.rank.map_or_else(String::new, |rank| format!("{RANK}={rank}")),
            status: "no flip improves any more".to_owned(),
            assemble_s,
            solve_s: start.elapsed().as_secs_f64() - assemble_s,
            ..Proposal::default()
        };
        Ok(FoundEstimate { value, warning: self.warning, proposal })
    }
}

impl SeqlipFlips {
    /// What the heuristic finds for one layer.
    fn factor(&self, factor: &LayerFactor, context: &Context) -> Result<f64, Decline> {
        let found = match self.rank {
            None => by_best_flips(factor, &context.limits),
            Some(rank) => by_leading_triplets(factor, rank, &context.limits),
        };
        found.ok_or_else(|| {
            if context.limits.stop_requested() {
                Decline::Stopped { method: self.name }
            } else {
                let reason = "the eigenvalues of a factor did not converge".to_owned();
                Decline::Solver { method: self.name, reason }
            }
        })
    }
}
