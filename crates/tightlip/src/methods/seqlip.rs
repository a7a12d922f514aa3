//! What the methods after SeqLip have in common: the factors of the reduced chain.
//!
//! The reduction scales whole layers only, which leaves SeqLip's number as it is: it does depend on the units of single neurons.

use std::time::Instant;

use tightlip_layerwise::seqlip::{LayerFactor, Unfactored, layer_factors};
use tightlip_model::{Norm, Query, Reduction, Scaling, spectral_norm};

use super::check_memory;
use crate::Context;
use crate::method::{Decline, FoundEstimate, Problem, Proposal};

/// The paper.
pub(super) const REFERENCE: &str =
    "Virmaux and Scaman, Lipschitz regularity of deep neural networks: analysis and efficient estimation, NeurIPS 2018";

/// Factors of the reduced system.
pub(super) struct Factored {
    pub(super) reduction: Reduction,
    pub(super) factors: Vec<LayerFactor>,
}

impl Factored {
    /// Splits the maps of a chain; `None` if no output depends on any input.
    ///
    /// # Errors
    /// A [`Decline`] for systems with skip connections, for want of memory or time, or if a decomposition does not converge.
    pub(super) fn new(method: &'static str, problem: &Problem<'_>, context: &Context) -> Result<Option<Self>, Decline> {
        let declined = |reason: &str| Decline::Solver { method, reason: reason.to_owned() };
        if !problem.system.is_chain() {
            return Err(declined("SeqLip is for chains; this network has skip connections"));
        }
        check_memory(method, &problem.system, 1, context)?;
        if context.limits.stop_requested() {
            return Err(Decline::Stopped { method });
        }
        let Some(reduction) = Reduction::new(&problem.system, &euclidean(problem), Scaling::PerLayer) else {
            return Ok(None);
        };
        match layer_factors(reduction.system(), &context.limits) {
            Ok(factors) => Ok(Some(Self { reduction, factors })),
            Err(Unfactored::Stopped) => Err(Decline::Stopped { method }),
            Err(Unfactored::NoConvergence) => Err(declined("a singular value decomposition did not converge")),
        }
    }
}

/// The question with ℓ2 at both ends.
pub(super) fn euclidean(problem: &Problem<'_>) -> Query {
    Query { input_norm: Norm::L2, output_norm: Norm::L2, ..problem.query }
}

/// The product of what `heuristic` finds for every layer: a number of the literature that bounds nothing.
///
/// # Errors
/// A [`Decline`] as for [`Factored::new`], or if a limit strikes.
pub(super) fn estimate(
    (method, warning): (&'static str, &'static str),
    problem: &Problem<'_>,
    context: &Context,
    heuristic: &dyn Fn(&LayerFactor) -> Option<f64>,
) -> Result<FoundEstimate, Decline> {
    let start = Instant::now();
    let Some(factored) = Factored::new(method, problem, context)? else {
        return Ok(super::estimate::constant(warning));
    };
    let Factored { reduction, factors } = factored;
    let assemble_s = start.elapsed().as_secs_f64();
    // In logarithms: products of many layers may leave the range on the way.
    let mut logarithm = reduction.bound_scale().ln();
    if factors.is_empty() {
        logarithm += spectral_norm(reduction.system().edges()[0].map.to_dense().as_ref()).ln();
    }
    for factor in &factors {
        let found = heuristic(factor).ok_or_else(|| {
            if context.limits.stop_requested() {
                Decline::Stopped { method }
            } else {
                Decline::Solver { method, reason: "the eigenvalues of a factor did not converge".to_owned() }
            }
        })?;
        logarithm += found.ln();
    }
    let value = logarithm.exp();
    let proposal = Proposal {
        claimed: value,
        status: "no flip improves any more".to_owned(),
        assemble_s,
        solve_s: start.elapsed().as_secs_f64() - assemble_s,
        ..Proposal::default()
    };
    Ok(FoundEstimate { value, warning, proposal })
}
