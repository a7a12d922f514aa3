//! The trees of all cases of a question.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tightlip_model::{Case, IncrementSystem, Limits, Query};

use super::{BranchNode, BranchTree, FaceProof, FaceProver, unfit};
use crate::{Bound, Refusal};

/// The tree of one case of a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseTree {
    /// The case; without restriction where the norms need none, or where ℓ2 stands in their place.
    pub case: Case,
    /// Its tree.
    pub tree: BranchTree,
}

/// Collects trees until every case of a question has one: of each exactly one, or one without restriction, which bounds the
/// question with ℓ2 in the place of ℓ1 inputs and ℓ∞ outputs and is never smaller.
#[derive(Debug)]
pub struct TreeLedger<'s> {
    system: &'s IncrementSystem,
    query: Query,
    /// What its provers remember it by.
    token: Arc<()>,
    trees: Vec<CaseTree>,
    value: f64,
}

impl<'s> TreeLedger<'s> {
    /// A ledger without trees.
    pub fn new(system: &'s IncrementSystem, query: &Query) -> Self {
        Self { system, query: *query, token: Arc::new(()), trees: Vec::new(), value: 0.0 }
    }

    /// A prover for the faces of one case.
    ///
    /// # Panics
    /// If the question has no such input or output.
    pub fn prover(&self, case: Case) -> FaceProver {
        FaceProver::new(&self.token, (self.system, &self.query), case)
    }

    /// Enters the tree of a case: its nodes in preorder, a leaf naming one of the `proofs`. What is proved already is not proved
    /// again, but for leaves whose proof is of a face above them. Returns the bound of the case.
    ///
    /// # Errors
    /// A [`Refusal`] if the prover is not of this ledger, the nodes are no tree, or a leaf cannot be proved.
    pub fn enter(
        &mut self,
        prover: &FaceProver,
        (nodes, proofs): (Vec<BranchNode>, &[Arc<FaceProof>]),
        limits: &Limits,
    ) -> Result<f64, Refusal> {
        if !Arc::ptr_eq(&self.token, &prover.asked.ledger) {
            return Err(unfit("it was proved for another question"));
        }
        let multipliers = proofs.iter().map(|proof| proof.multipliers.clone()).collect();
        let tree = BranchTree { nodes, multipliers };
        let value = tree.bound(prover, proofs, limits)?;
        self.value = self.value.max(value);
        self.trees.push(CaseTree { case: prover.asked.case, tree });
        Ok(value)
    }

    /// The bound and its trees.
    ///
    /// # Errors
    /// A [`Refusal`] if a case has no tree, or more than one.
    pub fn finish(self) -> Result<(Bound, Vec<CaseTree>), Refusal> {
        check_cases(self.system, &self.query, &self.trees)?;
        Ok((Bound::upper(self.value), self.trees))
    }
}

/// Proves the bound of a question by the trees of its cases, leaf by leaf.
///
/// # Errors
/// A [`Refusal`] if a case has no tree or more than one, nodes are no tree, or a leaf cannot be proved.
pub fn prove_trees(
    system: &IncrementSystem,
    query: &Query,
    trees: &[CaseTree],
    limits: &Limits,
) -> Result<Bound, Refusal> {
    check_cases(system, query, trees)?;
    let mut value = 0.0_f64;
    let token = Arc::new(());
    for CaseTree { case, tree } in trees {
        value = value.max(tree.bound(&FaceProver::new(&token, (system, query), *case), &[], limits)?);
    }
    Ok(Bound::upper(value))
}

/// Refuses trees of which not every case has one.
fn check_cases(system: &IncrementSystem, query: &Query, trees: &[CaseTree]) -> Result<(), Refusal> {
    let whole = Case { input: None, output: None };
    let mut given: Vec<Case> = trees.iter().map(|tree| tree.case).collect();
    given.sort_unstable();
    // The number of cases of a question need not fit into memory; that of a certificate does.
    let complete = given == [whole]
        || given.len() == Case::count(system, query) && {
            let mut wanted = Case::all(system, query);
            wanted.sort_unstable();
            given == wanted
        };
    if complete { Ok(()) } else { Err(unfit("its cases are not those of the question")) }
}
