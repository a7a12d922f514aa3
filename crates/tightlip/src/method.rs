//! What a method is.

use std::fmt;

use serde::Serialize;
use tightlip_certify::Segment;
use tightlip_model::{IncrementSystem, Network, Norm, Query};

use crate::Context;

/// What a method's number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// An upper bound, proved before it is shown.
    Upper,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upper => "upper",
        })
    }
}

/// A network and a question about it, in the canonical form.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The increments of the network for the selected outputs, exact.
    pub system: IncrementSystem,
    /// The question.
    pub query: Query,
}

impl Problem {
    /// The problem of `network` and `query`.
    ///
    /// # Errors
    /// If the network does not have the selected outputs.
    pub fn new(network: &Network, query: Query) -> Result<Self, tightlip_model::Error> {
        Ok(Self { system: IncrementSystem::of_network(network, query.output)?, query })
    }
}

/// What a method returns: multipliers to be proved, and what it has to say about them.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Multipliers, one segment unless the bound is a product.
    pub segments: Vec<Segment>,
    /// The bound the method claims; not proved.
    pub claimed: f64,
    /// A lower bound of the relaxation's optimum, where the method has one that is safe.
    pub relaxation_lower: Option<f64>,
    /// Iterations, for iterative methods.
    pub iterations: Option<u64>,
    /// Every setting of the solver that changes its answer.
    pub options: String,
    /// Why the method stopped, in its words.
    pub status: String,
    /// Whether a limit stopped it before it was done.
    pub interrupted: bool,
    /// Seconds spent building the program.
    pub assemble_s: f64,
    /// Seconds spent solving it.
    pub solve_s: f64,
}

/// Why a method gives no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Decline {
    /// The question is not one for this method.
    #[error("{method} does not bound ℓ{input} → ℓ{output}; it bounds {supported}")]
    Norms {
        /// The method.
        method: &'static str,
        /// Input norm asked for.
        input: Norm,
        /// Output norm asked for.
        output: Norm,
        /// What it supports.
        supported: String,
    },
    /// It would need more memory than allowed.
    #[error(
        "{method} would need about {needed_mib} MiB (a semidefinite cone of order {order}), the limit is {limit_mib} MiB: \
         raise --memory-limit, or take another method"
    )]
    Memory {
        /// The method.
        method: &'static str,
        /// Order of the cone that decides.
        order: usize,
        /// Predicted need.
        needed_mib: u64,
        /// The limit.
        limit_mib: u64,
    },
    /// A limit had passed before it could begin.
    #[error("{method} could not begin before the time limit or the interrupt")]
    Stopped {
        /// The method.
        method: &'static str,
    },
    /// The solver failed.
    #[error("{method}: {reason}")]
    Solver {
        /// The method.
        method: &'static str,
        /// What happened.
        reason: String,
    },
}

/// A way to bound Lipschitz constants.
pub trait Method: Sync {
    /// Its name: `<formulation>.<form>.<solver>` in the field's words.
    fn name(&self) -> &'static str;

    /// One line: what it computes and when to take it.
    fn summary(&self) -> &'static str;

    /// What its number is.
    fn kind(&self) -> Kind {
        Kind::Upper
    }

    /// The pairs of input and output norms it supports.
    fn norms(&self) -> &'static [(Norm, Norm)];

    /// The paper it follows.
    fn reference(&self) -> &'static str;

    /// Proposes multipliers. When a limit strikes, the best multipliers so far.
    ///
    /// # Errors
    /// A [`Decline`] with the reason, if it cannot propose anything.
    fn propose(&self, problem: &Problem, context: &Context) -> Result<Proposal, Decline>;
}

/// `2→2, inf→2` for tables and messages.
pub(crate) fn norms_text(norms: &[(Norm, Norm)]) -> String {
    norms.iter().map(|(input, output)| format!("{input}→{output}")).collect::<Vec<_>>().join(", ")
}
