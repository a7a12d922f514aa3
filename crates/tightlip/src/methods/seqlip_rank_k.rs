//! `seqlip.rank-k`: SeqLip's product with factors by flips and leading singular triplets. **No bound**, for comparison with the
//! literature.

use tightlip_layerwise::seqlip::by_leading_triplets;
use tightlip_model::Norm;

use super::seqlip::{REFERENCE, estimate};
use crate::method::{Decline, FoundEstimate, Kind, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// SeqLip of reduced rank.
#[derive(Clone)]
pub(super) struct SeqlipRankK {
    rank: usize,
}

/// The rank of the published script for MNIST.
const USUAL_RANK: usize = 200;
/// With that rank.
pub(super) const METHOD: SeqlipRankK = SeqlipRankK { rank: USUAL_RANK };
/// What every output of the method says.
const WARNING: &str =
    "singular values left out and single flips both make the factors of the layers too small: no bound";

impl Method for SeqlipRankK {
    fn name(&self) -> &'static str {
        "seqlip.rank-k"
    }

    fn summary(&self) -> &'static str {
        "NO BOUND: SeqLip with the k leading singular triplets of every layer and flips, as in the published code; can be too small"
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
        const RANK: MethodOption = MethodOption {
            name: "k",
            values: Values::Whole(1..=1_000_000, USUAL_RANK as u64),
            about: "singular triplets of each map that are kept, the largest",
        };
        &[RANK]
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        match option {
            "k" => Box::new(Self { rank: value.parse().expect("the value was looked at before") }),
            _ => unreachable!("options are looked up before"),
        }
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        context.report(&Stage::Assembling);
        let heuristic = |factor: &_| by_leading_triplets(factor, self.rank, &context.limits);
        let mut found = estimate((self.name(), WARNING), problem, context, &heuristic)?;
        found.proposal.options = format!("k={}", self.rank);
        Ok(found)
    }
}
