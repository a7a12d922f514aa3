//! Every single output of a network: the same question about each of them, by the same method.
//!
//! Every output is bounded and proved as if it had been asked for alone. What is shared is time: the limit is that of all of
//! them in equal parts, and the steep pairs of points for the lower bounds are looked for together, with the budget of one search.

use std::time::Instant;

use tightlip_certify::Certificate;
use tightlip_model::{Network, Outputs, Query};

use crate::method::{Kind, Method};
use crate::methods::steep_witnesses;
use crate::report::Report;
use crate::run::{Failure, Outcome, bound, estimate, lower_bound, upper_bound, wants_lower_bound, with_lower_bound};
use crate::{Context, Stage};

/// What a method of any kind says to a question.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What is told about it.
    pub report: Report,
    /// What proves it again, for upper bounds.
    pub certificate: Option<Certificate>,
}

impl From<Outcome> for Answer {
    fn from(Outcome { report, certificate, .. }: Outcome) -> Self {
        Self { report, certificate: Some(certificate) }
    }
}

impl From<Report> for Answer {
    fn from(report: Report) -> Self {
        Self { report, certificate: None }
    }
}

/// Asks `method`, or the automatic choice for `None`, whatever its kind: [`bound`], [`lower_bound`] or [`estimate`].
///
/// # Errors
/// A [`Failure`] if the question does not fit, the method declines, or nothing could be proved.
pub fn answer(
    network: &Network,
    query: Query,
    method: Option<&dyn Method>,
    context: &Context,
) -> Result<Answer, Failure> {
    match asked_below(method) {
        Some(method) => below(network, query, method, context),
        None => bound(network, query, method, context).map(Answer::from),
    }
}

/// [`answer`] for every single output of `network` in turn, under the norms of `query`, whatever outputs that names.
///
/// The limits are those of all outputs together, each has an equal part of the time that is left: the first one is always
/// begun, the others unless a limit has struck. The lower bounds beside upper ones come last, and each report is charged an
/// equal part of their seconds. One output that fails does not keep the others from being answered.
pub fn each_output(
    network: &Network,
    query: Query,
    method: Option<&dyn Method>,
    context: &Context,
) -> Vec<Result<Answer, Failure>> {
    let queries = Outputs::Each.queries(query, network.outputs());
    if let Some(method) = asked_below(method) {
        return in_turn(&queries, context, |query, context| below(network, *query, method, context));
    }
    let outcomes = in_turn(&queries, context, |query, context| upper_bound(network, *query, method, context));
    with_lower_bounds(network, &queries, outcomes, context)
}

/// The method, unless it makes upper bounds.
fn asked_below(method: Option<&dyn Method>) -> Option<&dyn Method> {
    method.filter(|method| method.kind() != Kind::Upper)
}

/// What a method that makes no upper bounds says.
pub(crate) fn below(
    network: &Network,
    query: Query,
    method: &dyn Method,
    context: &Context,
) -> Result<Answer, Failure> {
    let report = match method.kind() {
        Kind::Estimate => estimate(network, query, method, context)?,
        Kind::Upper | Kind::FglLower | Kind::Lower => lower_bound(network, query, method, context)?,
    };
    Ok(report.into())
}

/// Asks about all in turn, until a limit strikes; each has an equal part of the time that is left.
pub(crate) fn in_turn<Q, T>(
    questions: &[Q],
    context: &Context,
    ask: impl Fn(&Q, &Context) -> Result<T, Failure>,
) -> Vec<Result<T, Failure>> {
    let turn = |(k, question): (usize, &Q)| {
        if k > 0 && context.limits.stop_requested() {
            return Err(Failure::NotBegun);
        }
        let mut own = context.clone();
        own.limits.deadline = context.limits.deadline.map(|deadline| {
            let now = Instant::now();
            now + deadline.saturating_duration_since(now) / (questions.len() - k) as u32
        });
        ask(question, &own)
    };
    questions.iter().enumerate().map(turn).collect()
}

/// Adds lower bounds to upper ones.
fn with_lower_bounds(
    network: &Network,
    queries: &[Query],
    outcomes: Vec<Result<Outcome, Failure>>,
    context: &Context,
) -> Vec<Result<Answer, Failure>> {
    let wanted: Vec<Query> =
        queries.iter().zip(&outcomes).filter(|(_, o)| wants_lower_bound(o)).map(|(q, _)| *q).collect();
    let start = Instant::now();
    context.report(&Stage::SearchingLowerBound);
    let mut found = steep_witnesses(network, &wanted, context).into_iter();
    let share_s = start.elapsed().as_secs_f64() / wanted.len().max(1) as f64;
    let enter = |outcome: Result<Outcome, Failure>| {
        let pair = if wants_lower_bound(&outcome) { found.next().flatten() } else { None };
        with_lower_bound(outcome, pair, share_s).map(Answer::from)
    };
    outcomes.into_iter().map(enter).collect()
}
