//! `fgl.brute`: the formal constant itself, by going through all patterns.
//!
//! The verifier does it (`tightlip_certify::Enumeration`): there is nothing to propose.

use tightlip_certify::{Refusal, Unfinished};
use tightlip_model::Norm;

use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// All patterns of slopes.
pub(super) struct FglBrute;

impl Method for FglBrute {
    fn name(&self) -> &'static str {
        "fgl.brute"
    }

    fn summary(&self) -> &'static str {
        "the formal constant (FGL) by all patterns of slopes: no bound that ignores biases is smaller; chains of 26 neurons"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::ALL_NORMS
    }

    fn reference(&self) -> &'static str {
        "Virmaux and Scaman, Lipschitz regularity of deep neural networks, NeurIPS 2018 (the maximum over patterns)"
    }

    fn propose(&self, _: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        match judge.enumerate(&|done, total| context.report(&Stage::Enumerating { done, total })) {
            Ok(enumerated) => Ok(Proposal {
                claimed: enumerated.lower,
                relaxation_lower: Some(enumerated.lower),
                is_formal: true,
                status: format!("enumerated {} patterns", power_of_two(enumerated.patterns)),
                ..Proposal::default()
            }),
            Err(Unfinished { refusal: Refusal::Stopped { done, total }, lower }) => Ok(Proposal {
                relaxation_lower: Some(lower),
                is_formal: true,
                status: format!("interrupted after {done} of {} patterns", power_of_two(total)),
                interrupted: true,
                ..Proposal::default()
            }),
            Err(Unfinished { refusal, .. }) => {
                Err(Decline::Solver { method: self.name(), reason: refusal.to_string() })
            }
        }
    }
}

/// `2^20`; numbers of several cases as they are.
fn power_of_two(count: u64) -> String {
    if count.is_power_of_two() { format!("2^{}", count.ilog2()) } else { count.to_string() }
}
