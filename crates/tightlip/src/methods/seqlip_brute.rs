//! `seqlip.brute`: SeqLip's product with every factor by all patterns of its layer.
//!
//! The verifier does it (`tightlip_certify::LayerEnumeration`): there is nothing to propose.

use tightlip_certify::{Refusal, rough_time};
use tightlip_model::Norm;

use super::seqlip::REFERENCE;
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// All patterns, layer by layer.
pub(super) struct SeqlipBrute;

impl Method for SeqlipBrute {
    fn name(&self) -> &'static str {
        "seqlip.brute"
    }

    fn summary(&self) -> &'static str {
        "SeqLip: a factor for each hidden layer by all patterns of it; chains of 22 neurons a layer, times √n for ℓ∞ inputs and ℓ1 outputs"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::ALL_NORMS
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn reference(&self) -> &'static str {
        REFERENCE
    }

    fn propose(&self, _: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        match judge.enumerate_layers(&|done, total| context.report(&Stage::Enumerating { done, total })) {
            Ok(enumerated) => Ok(Proposal {
                claimed: enumerated.claimed,
                status: "enumerated layer by layer".to_owned(),
                ..Proposal::default()
            }),
            Err(Refusal::Stopped { done, total }) => Ok(Proposal {
                status: format!("interrupted after {done} of {total} patterns"),
                interrupted: true,
                ..Proposal::default()
            }),
            Err(Refusal::Patterns { neurons, most_bits, predicted_s, .. }) => Err(Decline::Solver {
                method: self.name(),
                reason: format!(
                    "a layer has {neurons} neurons, whose 2^{neurons} patterns would take {}; at most {most_bits} neurons \
                     are tried: take seqlip.certified, which is for wide layers",
                    rough_time(predicted_s)
                ),
            }),
            Err(refusal) => Err(Decline::Solver { method: self.name(), reason: refusal.to_string() }),
        }
    }
}
