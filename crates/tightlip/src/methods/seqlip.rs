//! What the methods after SeqLip have in common: the factors of the reduced chain.
//!
//! The reduction scales whole layers only, which leaves SeqLip's number as it is: it does depend on the units of single neurons.

use tightlip_layerwise::seqlip::{LayerFactor, Unfactored, layer_factors};
use tightlip_model::{Norm, Query, Reduction, Scaling};

use super::check_memory;
use crate::Context;
use crate::method::{Decline, Problem};

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
            Err(other) => Err(declined(&other.to_string())),
        }
    }
}

/// The question with ℓ2 at both ends.
pub(super) fn euclidean(problem: &Problem<'_>) -> Query {
    Query { input_norm: Norm::L2, output_norm: Norm::L2, ..problem.query }
}
