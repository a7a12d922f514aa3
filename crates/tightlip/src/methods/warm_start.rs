//! Starts of the first-order methods by layerwise bounds: each is a set of feasible multipliers of the same inequality.

use tightlip_certify::Segment;
use tightlip_model::{Multipliers, Reduction};

use super::{eclipse_fast, multiplier_descent};
use crate::judge::SMALLEST_MARGIN;
use crate::method::{Decline, Method, Problem};
use crate::{Context, Judge};

/// The start by ECLipsE-Fast, and that by multiplier descent: names of methods.
pub(super) const ECLIPSE_FAST: &str = "eclipse-fast";
pub(super) const DESCENT: &str = "multiplier-descent";
/// The largest margin with which a start is proved.
const LARGEST_MARGIN: f64 = 1e-3;

/// Who wants to begin with which bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The method that asks.
    pub(super) method: &'static str,
    /// The value of its option `init`.
    pub(super) init: &'static str,
    /// What to do where that cannot be had.
    pub(super) instead: &'static str,
}

/// The multipliers of a layerwise bound for the reduced system, with equal weights of inputs and outputs. They are proved on the way: a
/// method that starts from them gives no bound above theirs. `None` for a start of another name.
///
/// # Errors
/// The [`Decline`] of the bound, in the name of the method that asks, or one that says why the start has no proof.
///
/// # Panics
/// Never: a network with a reduction is not constant, and of all others these bounds propose one segment.
pub(super) fn warm_start(
    wanted: Wanted,
    (problem, context): (&Problem<'_>, &Context),
    reduction: &Reduction,
    judge: &mut Judge<'_>,
) -> Result<Option<Multipliers>, Decline> {
    let bound: &dyn Method = match wanted.init {
        ECLIPSE_FAST => &eclipse_fast::METHOD,
        DESCENT => &multiplier_descent::METHOD,
        _ => return Ok(None),
    };
    let proposal = bound.propose(problem, context, judge).map_err(|decline| wanted.renamed(decline))?;
    let candidate = proposal.candidates.first().expect("a layerwise bound proposes multipliers");
    let [Segment { multipliers: Some(multipliers), .. }] = &candidate[..] else {
        unreachable!("they are those of the whole network, in one segment");
    };
    match judge.search(candidate, SMALLEST_MARGIN, LARGEST_MARGIN) {
        Err(refusal) if !context.limits.stop_requested() => {
            let reason = format!("the start has no proof: {refusal}: {}", wanted.instead);
            Err(Decline::Solver { method: wanted.method, reason })
        }
        _ => Ok(Some(balanced(&reduction.lower(multipliers)))),
    }
}

impl Wanted {
    /// A decline of the bound as one of the method that asks.
    fn renamed(self, decline: Decline) -> Decline {
        let method = self.method;
        match decline {
            Decline::Stopped { .. } => Decline::Stopped { method },
            Decline::Memory { what, needed_mib, limit_mib, .. } => {
                Decline::Memory { method, what, needed_mib, limit_mib }
            }
            Decline::Shape { wanted, found, .. } => Decline::Shape { method, wanted, found, instead: self.instead },
            other => {
                let reason = format!("the start is missing ({other}): {}", self.instead);
                Decline::Solver { method, reason }
            }
        }
    }
}

/// The same with equal weights of inputs and outputs, summed over coordinates: the inequality times a number, which proves the same.
fn balanced(multipliers: &Multipliers) -> Multipliers {
    let factor = (multipliers.output.total() / multipliers.input.total()).sqrt();
    let scaled = |lambdas: &Vec<f64>| lambdas.iter().map(|lambda| lambda * factor).collect();
    Multipliers {
        input: multipliers.input.scaled(factor),
        hidden: multipliers.hidden.iter().map(scaled).collect(),
        output: multipliers.output.scaled(factor.recip()),
    }
}
