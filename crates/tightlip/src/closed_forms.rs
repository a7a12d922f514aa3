//! All scalable bounds of one question side by side.
//!
//! No family of closed forms is always the best one (Syed and Hu 2025), and together they take less time than one semidefinite
//! program: so they are asked in turn, each proved by itself, with one lower bound for all.

use tightlip_model::{Network, Query};

use crate::each::{Answer, below, in_turn};
use crate::method::Kind;
use crate::methods::steep_witness;
use crate::run::{Failure, Outcome, upper_bound, with_lower_bound};
use crate::{Context, METHODS, Method, Stage};

/// What stands for all of them where one method is named.
pub const ALL_CLOSED_FORM: &str = "all-closed-form";

/// What one of the methods says.
#[derive(Debug)]
pub struct ClosedFormAnswer {
    /// The method.
    pub method: &'static str,
    /// Its answer: for methods of the kind estimate a number that bounds nothing.
    pub answer: Result<Answer, Failure>,
}

/// Asks every method that [is a closed form](Method::is_closed_form), in the order of [`METHODS`], and adds the same lower bound
/// to the upper ones.
///
/// The limits are those of all methods together: each has an equal part of the time that is left, the first one is always begun,
/// and the lower bound comes last.
/// A method that declines does not keep the others from being answered.
pub fn closed_forms(network: &Network, query: Query, context: &Context) -> Vec<ClosedFormAnswer> {
    let methods: Vec<&dyn Method> = METHODS.iter().copied().filter(|method| method.is_closed_form()).collect();
    let said = in_turn(&methods, context, |method, context| match method.kind() {
        Kind::Upper => {
            upper_bound(network, query, Some(*method), context).map(|outcome| Said::Above(Box::new(outcome)))
        }
        _ => below(network, query, *method, context).map(|answer| Said::Below(Box::new(answer))),
    });
    let is_wanted = |said: &Result<Said, Failure>| matches!(said, Ok(Said::Above(_)) | Err(Failure::Refused { .. }));
    let found = if said.iter().any(is_wanted) {
        context.report(&Stage::SearchingLowerBound);
        steep_witness(network, &query, context)
    } else {
        None
    };
    let beside = |outcome| with_lower_bound(outcome, found.clone(), 0.0).map(Answer::from);
    let answer = |said: Result<Said, Failure>| match said {
        Ok(Said::Above(outcome)) => beside(Ok(*outcome)),
        Ok(Said::Below(answer)) => Ok(*answer),
        // A refused bound has a report, too.
        Err(failure) => beside(Err(failure)),
    };
    methods
        .iter()
        .zip(said)
        .map(|(method, said)| ClosedFormAnswer { method: method.name(), answer: answer(said) })
        .collect()
}

/// What a method says before there is a lower bound beside it.
enum Said {
    /// An upper bound.
    Above(Box<Outcome>),
    /// A number of another kind.
    Below(Box<Answer>),
}
