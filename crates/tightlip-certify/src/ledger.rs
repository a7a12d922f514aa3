//! A question in cases: every case proved, the bound is the largest.
//!
//! ℓ1 inputs and ℓ∞ outputs are maxima over single coordinates ([`Case`]). The ledger proves case by case and gives a bound
//! only when none is left open. One set of multipliers may serve many cases.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tightlip_model::{Case, IncrementSystem, Limits, Query};

use crate::segment::Segment;
use crate::{Bound, Refusal, prove_segments};

/// Multipliers and the cases they prove.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseProof {
    /// The cases.
    pub cases: Vec<Case>,
    /// Multipliers of the systems of these cases.
    pub segments: Vec<Segment>,
}

/// The cases of one question, those proved and those open.
#[derive(Debug)]
pub struct CaseLedger<'s> {
    system: &'s IncrementSystem,
    query: Query,
    open: BTreeSet<Case>,
    proofs: Vec<CaseProof>,
    value: f64,
}

impl<'s> CaseLedger<'s> {
    /// A ledger with every case of the question open.
    pub fn new(system: &'s IncrementSystem, query: &Query) -> Self {
        let open = Case::all(system, query).into_iter().collect();
        Self { system, query: *query, open, proofs: Vec::new(), value: 0.0 }
    }

    /// The largest bound of the cases proved so far, rounded up; 0 before the first.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Proves one case.
    ///
    /// # Errors
    /// A [`Refusal`] if the case is not open or its multipliers prove nothing.
    pub fn prove(&mut self, case: Case, segments: &[Segment], limits: &Limits) -> Result<f64, Refusal> {
        let value = self.value_of(case, segments, limits)?;
        self.enter(case, segments, value);
        Ok(value)
    }

    /// Proves one case only if that does not raise the bound; whether it was.
    pub fn prove_within(&mut self, case: Case, segments: &[Segment], limits: &Limits) -> bool {
        match self.value_of(case, segments, limits) {
            Ok(value) if value <= self.value => {
                self.enter(case, segments, value);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// The proved bound of one case.
    fn value_of(&self, case: Case, segments: &[Segment], limits: &Limits) -> Result<f64, Refusal> {
        if !self.open.contains(&case) {
            return Err(Refusal::Unsupported {
                what: format!("the case {case:?} is not an open one of this question"),
            });
        }
        Ok(prove_segments(&case.system(self.system), &Case::query(&self.query), segments, limits)?.value())
    }

    /// Closes a case that was just proved.
    fn enter(&mut self, case: Case, segments: &[Segment], value: f64) {
        self.open.remove(&case);
        self.value = self.value.max(value);
        match self.proofs.iter_mut().find(|proof| proof.segments == segments) {
            Some(proof) => proof.cases.push(case),
            None => self.proofs.push(CaseProof { cases: vec![case], segments: segments.to_vec() }),
        }
    }

    /// The bound and its proofs, once every case is closed.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] with the number of open cases.
    pub fn finish(self) -> Result<(Bound, Vec<CaseProof>), Refusal> {
        if self.open.is_empty() {
            return Ok((Bound::upper(self.value), self.proofs));
        }
        let what =
            format!("{} cases of the question have no proof, the first is {:?}", self.open.len(), self.open.first());
        Err(Refusal::Unsupported { what })
    }
}

#[cfg(test)]
mod tests {

    use tightlip_model::{Edge, LinearMap, Multipliers, Norm, OutputSelection, Weight};

    use super::*;

    fn uniform(weight: f64) -> Vec<Segment> {
        let multipliers =
            Multipliers { input: Weight::Uniform(weight), hidden: Vec::new(), output: Weight::Uniform(weight) };
        vec![Segment::new(1, multipliers)]
    }

    #[test]
    fn the_bound_is_the_largest_case_and_needs_all_of_them() {
        // W = [3 −4]: from ℓ1 to the absolute value the constant is 4.
        let limits = Limits::within(1 << 30);
        let map = LinearMap::from_rows(&[vec![3.0, -4.0]]);
        let system = IncrementSystem::new(2, vec![], 1, vec![Edge { from: 0, to: 1, map }]).expect("valid");
        let query = Query { input_norm: Norm::L1, ..Query::euclidean(OutputSelection::All) };
        let mut ledger = CaseLedger::new(&system, &query);
        let case = |i| Case { input: Some(i), output: None };
        assert!(ledger.prove(case(1), &uniform(3.9), &limits).is_err());
        assert!(ledger.prove(case(2), &uniform(9.0), &limits).is_err());
        let four = uniform(4.0 + 1e-9);
        assert!((ledger.prove(case(1), &four, &limits).expect("feasible") - 4.0).abs() < 1e-8);
        assert!(!ledger.prove_within(case(0), &uniform(5.0), &limits));
        assert!(CaseLedger::new(&system, &query).finish().is_err());
        assert!(ledger.prove_within(case(0), &four, &limits));
        let (bound, proofs) = ledger.finish().expect("no case is open");
        assert!((bound.value() - 4.0).abs() < 1e-8 && proofs.len() == 1 && proofs[0].cases.len() == 2);
    }
}
