//! Networks whose output does not depend on their input.

use tightlip_certify::Segment;
use tightlip_model::{IncrementSystem, Multipliers, Norm, Query, Weight};

use crate::method::Proposal;

/// Zero multipliers for a network whose output does not depend on its input: the verifier finds that by itself.
pub(super) fn proposal(system: &IncrementSystem, query: &Query) -> Proposal {
    let zero = |norm: Norm, len: usize| match norm {
        Norm::L2 => Weight::Uniform(0.0),
        Norm::L1 | Norm::LInf => Weight::PerCoordinate(vec![0.0; len]),
    };
    let last = system.output_block();
    let multipliers = Multipliers {
        input: zero(query.input_norm, system.len(0)),
        hidden: (1..last).map(|k| vec![0.0; system.len(k)]).collect(),
        output: zero(query.output_norm, system.len(last)),
    };
    Proposal {
        candidates: vec![vec![Segment::new(last, multipliers)]],
        relaxation_lower: Some(0.0),
        status: "constant".to_owned(),
        ..Proposal::default()
    }
}
