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

/// The multipliers of the layerwise bound `init` for the reduced system, proved on the way: a method that starts from them gives no
/// bound above theirs. `None` for a start of another name.
///
/// # Errors
/// The [`Decline`] of the bound.
///
/// # Panics
/// Never: a network with a reduction is not constant, and of all others these bounds propose one segment.
pub(super) fn warm_start(
    init: &str,
    (problem, context): (&Problem<'_>, &Context),
    reduction: &Reduction,
    judge: &mut Judge<'_>,
) -> Result<Option<Multipliers>, Decline> {
    let method: &dyn Method = match init {
        ECLIPSE_FAST => &eclipse_fast::METHOD,
        DESCENT => &multiplier_descent::METHOD,
        _ => return Ok(None),
    };
    let candidates = method.propose(problem, context, judge)?.candidates;
    let whole = |candidate: &[Segment]| match candidate {
        [Segment { multipliers, .. }] => multipliers.clone(),
        _ => None,
    };
    let candidate = candidates.first().expect("a layerwise bound proposes multipliers");
    let multipliers = whole(candidate).expect("of the whole network in one segment");
    // Without a proof it is a start all the same.
    let _ = judge.search(candidate, SMALLEST_MARGIN, LARGEST_MARGIN);
    Ok(Some(reduction.lower(&multipliers)))
}
