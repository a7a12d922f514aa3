//! What a method is.

use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tightlip_certify::Segment;
use tightlip_model::{IncrementSystem, Network, Norm, Query};

use crate::options::MethodOption;
use crate::{Context, Judge};

/// What a method's number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// An upper bound, proved before it is shown.
    Upper,
    /// A lower bound of the formal constant FGL, the supremum over all biases: it does not bound the constant of the
    /// network with its own biases from below, but no sound method that ignores biases can go under it.
    #[serde(rename = "fgl-lower")]
    FglLower,
    /// A lower bound of the network's own constant, proved by a pair of points.
    Lower,
    /// No bound at all: a number of the literature that can lie below the constant, for comparison only.
    Estimate,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upper => "upper",
            Self::FglLower => "fgl-lower",
            Self::Lower => "lower",
            Self::Estimate => "estimate",
        })
    }
}

/// A network and a question about it, in the canonical form.
#[derive(Debug, Clone)]
pub struct Problem<'n> {
    /// The network.
    pub network: &'n Network,
    /// The increments of the network for the selected outputs, exact.
    pub system: IncrementSystem,
    /// The question.
    pub query: Query,
}

impl<'n> Problem<'n> {
    /// The problem of `network` and `query`.
    ///
    /// # Errors
    /// If the network does not have the selected outputs.
    pub fn new(network: &'n Network, query: Query) -> Result<Self, tightlip_model::Error> {
        Ok(Self { network, system: IncrementSystem::of_network(network, query.output)?, query })
    }
}

/// What a method returns: multipliers to be proved, and what it has to say about them. The default says nothing.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    /// What is still to be proved, the most promising first: multipliers, one segment unless the bound is a product.
    /// Empty if the judge has already proved the best of it.
    pub candidates: Vec<Vec<Segment>>,
    /// The bound the method claims; not proved.
    pub claimed: f64,
    /// A lower bound of the relaxation's optimum, where the method has one that is safe.
    pub relaxation_lower: Option<f64>,
    /// Whether that is a lower bound of the formal constant itself: the method is one for it, not for a relaxation of it.
    pub is_formal: bool,
    /// Iterations, for iterative methods.
    pub iterations: Option<u64>,
    /// Number of columns of the vector relaxation, for lifted methods.
    pub rank: Option<usize>,
    /// Forward and backward passes of the network on that many columns, for lifted methods.
    pub sweeps: Option<u64>,
    /// Passes of the network forward and back on one vector, for methods that work by them.
    pub products: Option<u64>,
    /// The course of an iterative method; what is proved after it has ended is added by whoever asked.
    pub trace: Vec<TraceRow>,
    /// Every setting of the solver that changes its answer.
    pub options: String,
    /// Why the method stopped, in its words.
    pub status: String,
    /// Whether a limit stopped it before it was done.
    pub interrupted: bool,
    /// The size of the program, for methods that solve one.
    pub program: Option<ProgramSize>,
    /// Seconds spent building the program.
    pub assemble_s: f64,
    /// Seconds spent solving it, without those of the judge.
    pub solve_s: f64,
}

/// The size of a semidefinite program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSize {
    /// Order of the semidefinite constraint before it is decomposed.
    pub order: usize,
    /// Semidefinite cones.
    pub cones: usize,
    /// Order of the largest.
    pub largest_cone: usize,
    /// Scalar variables.
    pub variables: usize,
    /// Rows of all cones.
    pub rows: usize,
    /// Nonzero coefficients.
    pub nonzeros: usize,
}

/// One step of an iterative method. The field names are the columns of `--trace`, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceRow {
    /// Seconds since the method began to iterate: building its program is before that, proofs on the way are included.
    pub time_s: f64,
    /// Steps of the method so far; of the lifted iteration, its sweeps.
    pub iterations: u64,
    /// Products of the pencil with one vector so far, that is passes of the network forward and back on one vector; a
    /// sweep of several columns is as many. 0 for methods that make none.
    pub products: u64,
    /// Value of the relaxation from below, for methods that climb to its optimum.
    pub value: Option<f64>,
    /// The upper bound that the method claims at this step; not proved.
    pub claimed: Option<f64>,
    /// Upper bound of the smallest eigenvalue of the scaled pencil, where it was computed.
    pub scaled_eigenvalue: Option<f64>,
    /// Number of columns, for methods that have them.
    pub rank: Option<usize>,
    /// The best proved bound so far.
    pub proved: Option<f64>,
}

impl TraceRow {
    /// The step of a solver that began then and claims a bound; a claim that is no number is absent.
    pub(crate) fn of_claim(began: Instant, iterations: u32, claimed: f64) -> Self {
        Self {
            time_s: began.elapsed().as_secs_f64(),
            iterations: u64::from(iterations),
            claimed: Some(claimed).filter(|claimed| claimed.is_finite()),
            ..Self::default()
        }
    }
}

/// Why a method gives no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Decline {
    /// The question is not one for this method.
    #[error("{method} is not for {} → {}; it is for {supported}", in_unicode(*.input), in_unicode(*.output))]
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
    /// The network is not of the kind the method is for.
    #[error("{method} is for {wanted}; this question is about {found}: {instead}")]
    Shape {
        /// The method.
        method: &'static str,
        /// What it is for.
        wanted: &'static str,
        /// What it was given.
        found: String,
        /// What to take instead.
        instead: &'static str,
    },
    /// It would need more memory than allowed.
    #[error(
        "{method} would need about {needed_mib} MiB ({what}), the limit is {limit_mib} MiB: raise --memory-limit, or \
         take another method"
    )]
    Memory {
        /// The method.
        method: &'static str,
        /// What takes most of it.
        what: String,
        /// Predicted need.
        needed_mib: u64,
        /// The limit.
        limit_mib: u64,
    },
    /// One of its semidefinite cones is too large.
    #[error(
        "{method} would give Clarabel a semidefinite cone of order {order}, about {needed_mib} MiB; it takes at most {most}: {instead}"
    )]
    Order {
        /// The method.
        method: &'static str,
        /// Order of the largest cone.
        order: usize,
        /// The largest that is tried.
        most: usize,
        /// Predicted need.
        needed_mib: u64,
        /// What to take instead.
        instead: &'static str,
    },
    /// A limit struck before it had anything.
    #[error("{method} had no bound yet at the time limit or the interrupt")]
    Stopped {
        /// The method.
        method: &'static str,
    },
    /// ℓ1 inputs or ℓ∞ outputs with too many coordinates.
    #[error(
        "ℓ1 inputs and ℓ∞ outputs are bounded for each coordinate, that would be {count} cases (at most {most}): take ℓ2, which \
         is never smaller, or fewer outputs"
    )]
    Cases {
        /// Cases of the question.
        count: usize,
        /// The most that are tried.
        most: usize,
    },
    /// The method bounds something else.
    #[error("{method} gives {}", kind_words(*.kind))]
    Kind {
        /// The method.
        method: &'static str,
        /// What it gives.
        kind: Kind,
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

    /// Its name with the options that are not the usual ones.
    fn label(&self) -> String {
        self.name().to_owned()
    }

    /// What can be chosen about it.
    fn options(&self) -> &'static [MethodOption] {
        &[]
    }

    /// The same method with another value of an option; both are of its list.
    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        unreachable!("{} has no option {option} to be {value}", self.name())
    }

    /// What its number is.
    fn kind(&self) -> Kind {
        Kind::Upper
    }

    /// The pairs of input and output norms it answers for. A question with ℓ1 inputs or ℓ∞ outputs that is not among them
    /// is put to the method case by case.
    fn norms(&self) -> &'static [(Norm, Norm)];

    /// The paper it follows.
    fn reference(&self) -> &'static str;

    /// Whether it is one of the scalable bounds that `all-closed-form` puts side by side: products of norms, SeqLip, and whatever
    /// works by eliminating one layer after the other, without a conic solver and without a search for one optimum of all layers.
    fn is_closed_form(&self) -> bool {
        false
    }

    /// Proposes multipliers. When a limit strikes, the best multipliers so far. An iterative method may have the judge
    /// prove what it has on the way; a method whose proof needs no multipliers has the judge prove it and proposes nothing
    /// more.
    ///
    /// # Errors
    /// A [`Decline`] with the reason, if it cannot propose anything.
    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline>;

    /// A lower bound, for methods of the kinds that are one.
    ///
    /// # Errors
    /// A [`Decline`] with the reason, above all for methods of another kind.
    fn find_lower(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundLower, Decline> {
        let _ = (problem, context);
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    /// A number that bounds nothing, for methods of that kind.
    ///
    /// # Errors
    /// A [`Decline`] with the reason, above all for methods of another kind.
    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        let _ = (problem, context);
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }
}

/// A number of the literature that is no bound.
#[derive(Debug, Clone)]
pub struct FoundEstimate {
    /// The number.
    pub value: f64,
    /// Why it bounds nothing, in one sentence.
    pub warning: &'static str,
    /// How it came about: proposal without candidates.
    pub proposal: Proposal,
}

/// What a method of a kind gives, for messages.
fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Upper => "an upper bound; it was asked for another one",
        Kind::FglLower => "a lower bound of the formal constant, not an upper bound",
        Kind::Lower => "a lower bound, not an upper one",
        Kind::Estimate => "an estimate, which is no bound",
    }
}

/// A lower bound: of the formal constant or of the network's own, as the method's kind says.
#[derive(Debug, Clone)]
pub struct FoundLower {
    /// Rounded down by `tightlip-certify`.
    pub value: f64,
    /// What the method computed, not rounded.
    pub claimed: f64,
    /// Whether a limit cut the search short.
    pub interrupted: bool,
    /// Starts of the search, where they are counted.
    pub starts: Option<u64>,
    /// Sweeps of the search, where they are counted.
    pub sweeps: Option<u64>,
    /// Every setting that changes the answer.
    pub options: String,
    /// Seconds of the search.
    pub solve_s: f64,
    /// Seconds of the safe evaluation.
    pub certify_s: f64,
}

/// `ℓ2 → ℓ2, ℓ∞ → ℓ2` for messages.
pub(crate) fn norms_text(norms: &[(Norm, Norm)]) -> String {
    let pair = |&(input, output): &(Norm, Norm)| format!("{} → {}", in_unicode(input), in_unicode(output));
    norms.iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// A norm as reports write it.
pub(crate) fn in_unicode(norm: Norm) -> &'static str {
    match norm {
        Norm::L1 => "ℓ1",
        Norm::L2 => "ℓ2",
        Norm::LInf => "ℓ∞",
    }
}
