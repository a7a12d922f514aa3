//! What the estimates have in common: a conic program whose optimum, in some form, was published as a bound.

use std::time::Instant;

use tightlip_clarabel::{OwnDecomposition, Status};
use tightlip_sdp::ConicForm;

use super::conic;
use crate::Context;
use crate::method::{Decline, FoundEstimate, Proposal};

/// An estimate about to be computed.
pub(super) struct Estimate<'a> {
    /// The method's name.
    pub(super) method: &'static str,
    /// Why the number bounds nothing.
    pub(super) warning: &'static str,
    /// Its settings beside the solver's.
    pub(super) options: String,
    /// The program and the order of its semidefinite constraint.
    pub(super) program: (&'a ConicForm, usize),
    /// When assembling began.
    pub(super) start: Instant,
}

impl Estimate<'_> {
    /// Solves the program; `number` is what its optimum stands for.
    ///
    /// # Errors
    /// A [`Decline`] if Clarabel does not come to an end.
    pub(super) fn found(self, context: &Context, number: impl Fn(f64) -> f64) -> Result<FoundEstimate, Decline> {
        let Self { method, warning, options, program: (program, order), start } = self;
        let assemble_s = start.elapsed().as_secs_f64();
        let answer = tightlip_clarabel::solve(program, OwnDecomposition::Off, &context.limits, Box::new(|_| {}))
            .map_err(|rejected| Decline::Solver { method, reason: rejected.to_string() })?;
        if !matches!(answer.status, Status::Solved | Status::AlmostSolved) {
            let reason = format!("Clarabel ended {} after {} iterations", answer.status.name(), answer.iterations);
            return Err(Decline::Solver { method, reason });
        }
        let value = number(answer.objective);
        let proposal = Proposal {
            claimed: value,
            iterations: Some(u64::from(answer.iterations)),
            options: format!("{options}, {}", tightlip_clarabel::settings_text(OwnDecomposition::Off)),
            program: Some(conic::program_size(program, order)),
            status: answer.status.name().to_owned(),
            interrupted: answer.status != Status::Solved,
            assemble_s,
            solve_s: answer.solve_s,
            ..Proposal::default()
        };
        Ok(FoundEstimate { value, warning, proposal })
    }
}

/// The estimate of a network no output of which depends on any input.
pub(super) fn constant(warning: &'static str) -> FoundEstimate {
    FoundEstimate { value: 0.0, warning, proposal: Proposal { status: "constant".to_owned(), ..Proposal::default() } }
}
