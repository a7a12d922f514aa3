//! Questions in cases: ℓ1 inputs and ℓ∞ outputs are maxima over single coordinates.
//!
//! The steepest cases go first. Multipliers that prove one case often prove others no worse, at the price of a proof
//! alone; only a case that none of the last ones covers is solved.

use std::time::Instant;

use tightlip_certify::{Bound, CaseLedger, Proof, Refusal, Segment};
use tightlip_model::{Case, IncrementSystem};

use crate::Context;
use crate::judge::Proved;
use crate::method::{Decline, FoundLower, Method, Problem};
use crate::settle::{Settled, baseline, compete_with_baseline, settle};

/// Sets of multipliers tried on a new case: the first, which is the steepest's, and the last ones.
const TRIED: usize = 3;

/// What became of a question in cases.
pub(crate) struct InCases {
    /// The method and its work: the case with the largest bound, the figures summed over all.
    pub(crate) settled: Settled,
    pub(crate) result: Result<(Bound, Proof), Refusal>,
}

/// Bounds every case. If a limit strikes before all are, the question with ℓ2 in the place of ℓ1 and ℓ∞ is bounded
/// instead, which is never smaller and takes one proof; or the product of norms stands in, if that is smaller yet.
pub(crate) fn settle_cases(
    problem: &Problem<'_>,
    method: Option<&dyn Method>,
    context: &Context,
) -> Result<InCases, Decline> {
    let start = Instant::now();
    check_count(problem)?;
    let instead = without_cases(problem, method, context)?;
    let mut ledger = CaseLedger::new(&problem.system, &problem.query);
    let mut known: Vec<Vec<Segment>> = Vec::new();
    let mut worst: Option<(f64, Settled)> = None;
    let (mut solve_s, mut solved) = (0.0, 0);
    let cases = steepest_first(&problem.system, Case::all(&problem.system, &problem.query));
    let count = cases.len();
    for (closed, case) in cases.into_iter().enumerate() {
        if context.limits.stop_requested() {
            return Ok(instead.after((closed, count), problem, context));
        }
        let tried = known.iter().take(1).chain(known.iter().skip(1).rev().take(TRIED - 1));
        if tried.into_iter().any(|segments| ledger.prove_within(case, segments, &context.limits)) {
            continue;
        }
        let mut settled = settle(&part(problem, case), method, context)?;
        solve_s += settled.proposal.assemble_s + settled.proposal.solve_s;
        solved += 1;
        let result = std::mem::replace(&mut settled.result, Err(Refusal::nothing_tried()));
        let proved = result.and_then(|proved| {
            let segments = multipliers_of(proved.proof)?;
            let value = ledger.prove(case, &segments, &context.limits)?;
            Ok((value, segments))
        });
        let (value, segments) = match proved {
            Ok(proved) => proved,
            Err(refusal) => return Ok(InCases { settled, result: Err(refusal) }),
        };
        known.push(raised(segments, value, ledger.value()));
        if worst.as_ref().is_none_or(|(largest, _)| value > *largest) {
            worst = Some((value, settled));
        }
    }
    let (_, mut settled) = worst.expect("a question has at least one case, and the first is not covered");
    let proposal = &mut settled.proposal;
    let covered = count - solved;
    if count > 1 {
        proposal.status =
            format!("{}; {count} cases: {solved} solved, {covered} covered by their multipliers", proposal.status);
    }
    (proposal.assemble_s, proposal.solve_s) = (0.0, solve_s);
    settled.certify_s = start.elapsed().as_secs_f64() - solve_s;
    let result = ledger.finish().map(|(bound, proofs)| (bound, Proof::Cases(proofs)));
    Ok(InCases { settled, result })
}

/// Declines a question of more cases than anybody would wait for.
pub(crate) fn check_count(problem: &Problem<'_>) -> Result<(), Decline> {
    const MOST_CASES: usize = 1_000_000;
    let count = Case::count(&problem.system, &problem.query);
    if count <= MOST_CASES { Ok(()) } else { Err(Decline::Cases { count, most: MOST_CASES }) }
}

impl InCases {
    /// The bound and report of a question that was cut short: this one, or the product of norms, if that is smaller.
    fn after(self, (closed, count): (usize, usize), problem: &Problem<'_>, context: &Context) -> Self {
        let mut settled = self.settled;
        settled.result = self.result.map(|(bound, proof)| Proved { bound, proof });
        let status = &mut settled.proposal.status;
        *status = format!("interrupted after {closed} of {count} cases; the bound with ℓ2 in their place: {status}");
        compete_with_baseline(&mut settled, problem, context);
        settled.proposal.interrupted = true;
        Self::of(settled)
    }

    /// An answer that needed no cases.
    fn of(mut settled: Settled) -> Self {
        let result = std::mem::replace(&mut settled.result, Err(Refusal::nothing_tried()));
        Self { settled, result: result.map(|proved| (proved.bound, proved.proof)) }
    }
}

/// The bound of the question with ℓ2 in the place of ℓ1 inputs and ℓ∞ outputs: `‖x‖₂ ≤ ‖x‖₁`, `‖y‖_∞ ≤ ‖y‖₂`. It takes one
/// solve and is never smaller, so it is there before the cases are.
fn without_cases(problem: &Problem<'_>, method: Option<&dyn Method>, context: &Context) -> Result<InCases, Decline> {
    let easier = Problem { query: Case::query(&problem.query), ..problem.clone() };
    let mut settled = match settle(&easier, method, context) {
        // A method for one output may decline them all together and yet take every case. The baseline needs no ℓ2.
        Err(Decline::Shape { .. }) => settle(problem, Some(baseline()), context)?,
        settled => settled?,
    };
    // A bound of this relaxation from below says nothing about the cases.
    settled.proposal.relaxation_lower = None;
    Ok(InCases::of(settled))
}

/// The multipliers of one case: the ledger of cases takes no other proof.
fn multipliers_of(proof: Proof) -> Result<Vec<Segment>, Refusal> {
    match proof {
        Proof::Whole(segments) => Ok(segments),
        Proof::Cases(_) | Proof::Patterns(_) | Proof::LayerPatterns(_) | Proof::Trees(_) => {
            Err(Refusal::Unsupported { what: "a case has to be proved by multipliers".to_owned() })
        }
    }
}

/// Multipliers that prove `value`, relaxed so that they prove no more than `allowed` and cover more cases.
fn raised(mut segments: Vec<Segment>, value: f64, allowed: f64) -> Vec<Segment> {
    /// Keeps the relaxed bound below what is allowed, rounding included.
    const BELOW: f64 = 1.0 - 1e-12;
    let with_multipliers = segments.iter_mut().find_map(|segment| segment.multipliers.as_mut());
    if let Some(multipliers) = with_multipliers.filter(|_| value > 0.0 && value < allowed) {
        // The bound is the root of the product of both weights.
        multipliers.input = multipliers.input.scaled((allowed / value).powi(2) * BELOW);
    }
    segments
}

/// The largest lower bound over all cases.
pub(crate) fn largest_lower(
    problem: &Problem<'_>,
    method: &dyn Method,
    context: &Context,
) -> Result<FoundLower, Decline> {
    check_count(problem)?;
    let mut largest: Option<FoundLower> = None;
    for case in steepest_first(&problem.system, Case::all(&problem.system, &problem.query)) {
        // One case is enough for a lower bound; the first has to be there.
        if largest.is_some() && context.limits.stop_requested() {
            break;
        }
        let found = method.find_lower(&part(problem, case), context)?;
        largest = Some(match largest {
            None => found,
            Some(before) => {
                let sweeps = before.sweeps.zip(found.sweeps).map(|(before, found)| before + found);
                let (solve_s, certify_s) = (before.solve_s + found.solve_s, before.certify_s + found.certify_s);
                let larger = if found.value > before.value { found } else { before };
                FoundLower { sweeps, solve_s, certify_s, ..larger }
            }
        });
    }
    Ok(largest.expect("a question has at least one case"))
}

/// The problem of one case.
pub(crate) fn part<'n>(problem: &Problem<'n>, case: Case) -> Problem<'n> {
    if case.input.is_none() && case.output.is_none() {
        return problem.clone();
    }
    Problem { network: problem.network, system: case.system(&problem.system), query: Case::query(&problem.query) }
}

/// Cases by the size of their column and row of weights, largest first: a guess at which bounds are largest.
pub(crate) fn steepest_first(system: &IncrementSystem, mut cases: Vec<Case>) -> Vec<Case> {
    let last = system.output_block();
    let (mut columns, mut rows) = (vec![0.0; system.len(0)], vec![0.0; system.len(last)]);
    for edge in system.edges().iter().filter(|edge| edge.from == 0 || edge.to == last) {
        let matrix = edge.map.to_dense();
        if edge.from == 0 {
            columns.iter_mut().enumerate().for_each(|(j, size)| *size += matrix.col(j).squared_norm_l2());
        }
        if edge.to == last {
            rows.iter_mut().enumerate().for_each(|(i, size)| *size += matrix.row(i).squared_norm_l2());
        }
    }
    let size = |case: &Case| case.input.map_or(1.0, |j| columns[j]) * case.output.map_or(1.0, |i| rows[i]);
    cases.sort_by(|a, b| size(b).total_cmp(&size(a)));
    cases
}
