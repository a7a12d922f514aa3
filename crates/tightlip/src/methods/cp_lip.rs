//! `cp-lip`: norms of all products of neighbouring layers (Combettes & Pesquet 2020), as multipliers.

use tightlip_model::Norm;

use super::{DIRECT_NORMS, path_sums};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge};

/// CP-Lip.
pub(super) struct CpLip;

impl Method for CpLip {
    fn name(&self) -> &'static str {
        "cp-lip"
    }

    fn summary(&self) -> &'static str {
        "norms of all products of neighbouring layers by a recursion, weight 2^-(L-1), any depth"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Combettes and Pesquet, Lipschitz certificates for layered network structures driven by averaged activation \
         operators, SIAM J. Math. Data Sci. 2020"
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        path_sums::check_chain(self.name(), problem)?;
        let stop = || context.limits.stop_requested();
        path_sums::propose(self.name(), problem, context, &|reduced| tightlip_layerwise::cp_lip(reduced, &stop))
    }
}
