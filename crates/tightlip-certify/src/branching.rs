//! Proofs by cases of slopes: a tree of faces, each leaf with multipliers of its own.
//!
//! Every slope is at one of its ends where the formal constant is attained (see [`Face`]), so a bound holds if it holds with a
//! slope at its lower end and with it at its upper end. A tree of such splits bounds the formal constant, and with it the network
//! for all biases, by the largest bound of its leaves. Likewise two inputs of an ℓ∞ norm are equal or opposite where the maximum is
//! attained, and so are the signs of two outputs of an ℓ1 norm.
//!
//! A leaf is the inequality of its face's system. That system is exact, maps are composed and enclosed, so nothing here rounds.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tightlip_model::{Case, End, Face, IncrementSystem, Limits, Multipliers, Query};

use crate::{Refusal, prove};

pub use self::cases::{CaseTree, TreeLedger, prove_trees};

mod cases;
#[cfg(test)]
mod tests;

/// Proves faces of one case of a question.
#[derive(Debug, Clone)]
pub struct FaceProver {
    asked: Arc<Asked>,
}

/// A case with its system and question; proofs remember it, so that they serve no other.
#[derive(Debug)]
struct Asked {
    /// The ledger whose question this is.
    ledger: Arc<()>,
    case: Case,
    system: IncrementSystem,
    query: Query,
}

/// A face with multipliers that have been proved for it.
#[derive(Debug, Clone)]
pub struct FaceProof {
    asked: Arc<Asked>,
    face: Face,
    multipliers: Arc<Multipliers>,
    value: f64,
}

impl FaceProver {
    /// A prover for a case of a question about `system`; the case without restriction is the question with ℓ2 in the place of ℓ1
    /// inputs and ℓ∞ outputs.
    fn new(ledger: &Arc<()>, (system, query): (&IncrementSystem, &Query), case: Case) -> Self {
        let (ledger, system, query) = (ledger.clone(), case.system(system), Case::query(query));
        Self { asked: Arc::new(Asked { ledger, case, system, query }) }
    }

    /// Proves the bound that the multipliers, one for each signal of the case's system, give for `face`. Those of fixed neurons are
    /// not looked at; those of joined inputs and outputs add up.
    ///
    /// # Errors
    /// A [`Refusal`] if face or multipliers do not fit the system, signs are joined in an ℓ2 norm, or the proof fails.
    pub fn prove(&self, face: Face, multipliers: Arc<Multipliers>, limits: &Limits) -> Result<FaceProof, Refusal> {
        let Asked { system, query, .. } = self.asked.as_ref();
        let unsupported = |what: &str| Err(Refusal::Unsupported { what: what.to_owned() });
        if !face.fits(query) {
            return unsupported("inputs are equal or opposite in ℓ∞ only, signs of outputs in ℓ1 only");
        }
        if !face.has_shape_of(&multipliers) {
            return unsupported("the multipliers of a face do not have the shape of the network");
        }
        let part = face.system(system).map_err(|error| Refusal::Unsupported { what: error.to_string() })?;
        let value = prove(&part, query, &face.restricted(&multipliers), limits)?.value();
        Ok(FaceProof { asked: self.asked.clone(), face, multipliers, value })
    }
}

impl FaceProof {
    /// The proved bound of the face.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The multipliers that prove it.
    pub fn multipliers(&self) -> &Arc<Multipliers> {
        &self.multipliers
    }
}

/// A node of a tree, in preorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BranchNode {
    /// A neuron: what follows first has its slope at the lower end, what follows then at the upper end.
    Slope {
        /// Hidden block, from 1.
        block: usize,
        /// Neuron of the block.
        neuron: usize,
    },
    /// Two inputs: first equal, then opposite.
    Inputs {
        /// One of them.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// The signs of two outputs: first equal, then opposite.
    Outputs {
        /// One of them.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// Bounded by the multipliers with this number.
    Leaf(usize),
}

impl fmt::Display for BranchNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slope { block, neuron } => write!(f, "neuron {neuron} of hidden layer {block}"),
            Self::Inputs { first, second } => write!(f, "the inputs {first} and {second}"),
            Self::Outputs { first, second } => write!(f, "the outputs {first} and {second}"),
            Self::Leaf(multipliers) => write!(f, "a leaf with multipliers {multipliers}"),
        }
    }
}

/// A tree of splits with multipliers at its leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchTree {
    /// The nodes in preorder.
    pub nodes: Vec<BranchNode>,
    /// Multipliers for all signals; those of fixed neurons do not matter.
    pub multipliers: Vec<Arc<Multipliers>>,
}

/// Faces proved together, so that memory does not grow with the tree.
const TOGETHER: usize = 256;

impl BranchTree {
    /// Proves every leaf for the case of `prover`, but for those that `proofs` has at the places of their multipliers; a leaf whose
    /// proof is of another face, as of one above it, is proved again for its own.
    fn bound(&self, prover: &FaceProver, proofs: &[Arc<FaceProof>], limits: &Limits) -> Result<f64, Refusal> {
        let system = &prover.asked.system;
        let mut open = vec![Face::whole(system)];
        let mut leaves = Vec::new();
        let mut value = 0.0_f64;
        for (place, &node) in self.nodes.iter().enumerate() {
            let face = open.pop().ok_or_else(|| unfit(&format!("node {place} is below no other one")))?;
            match node {
                BranchNode::Leaf(multipliers) => leaves.push((face, multipliers)),
                split => {
                    let [first, second] = parts(split, &face, system)?;
                    open.extend([second, first]);
                }
            }
            if leaves.len() == TOGETHER {
                value = value.max(self.largest(prover, &std::mem::take(&mut leaves), proofs, limits)?);
            }
        }
        if !open.is_empty() {
            return Err(unfit(&format!("{} parts of it have no proof", open.len())));
        }
        Ok(value.max(self.largest(prover, &leaves, proofs, limits)?))
    }

    /// The largest bound of some leaves, proved on all threads; of several refusals the first.
    fn largest(
        &self,
        prover: &FaceProver,
        leaves: &[(Face, usize)],
        proofs: &[Arc<FaceProof>],
        limits: &Limits,
    ) -> Result<f64, Refusal> {
        let alone = Limits { threads: 1, ..limits.clone() };
        let is_of = |proof: &FaceProof, face: &Face| Arc::ptr_eq(&proof.asked, &prover.asked) && proof.face == *face;
        let prove = |(face, place): &(Face, usize)| {
            let multipliers = self.multipliers.get(*place);
            let multipliers = multipliers.ok_or_else(|| unfit(&format!("it has no multipliers {place}")))?;
            match proofs.get(*place) {
                Some(proof) if is_of(proof, face) => Ok(proof.value),
                _ => prover.prove(face.clone(), multipliers.clone(), &alone).map(|proof| proof.value),
            }
        };
        let results = limits.each_in_parallel(leaves, prove);
        results.into_iter().try_fold(0.0_f64, |largest, value| Ok(largest.max(value?)))
    }
}

/// Both parts of a face.
fn parts(node: BranchNode, face: &Face, system: &IncrementSystem) -> Result<[Face; 2], Refusal> {
    let last = system.output_block();
    let exists = match node {
        BranchNode::Slope { block, neuron } => {
            (1..last).contains(&block) && neuron < system.len(block) && face.end(block, neuron).is_none()
        }
        BranchNode::Inputs { first, second } => {
            first.max(second) < system.len(0) && !face.has_joined_inputs(first, second)
        }
        BranchNode::Outputs { first, second } => {
            first.max(second) < system.len(last) && !face.has_joined_outputs(first, second)
        }
        BranchNode::Leaf(_) => false,
    };
    if !exists {
        return Err(unfit(&format!("it splits at {node}, which is not there or has been decided")));
    }
    Ok(End::BOTH.map(|end| {
        let (mut part, opposite) = (face.clone(), end == End::Upper);
        match node {
            BranchNode::Slope { block, neuron } => part.fix(block, neuron, end),
            BranchNode::Inputs { first, second } => part.join_inputs(first, second, opposite),
            BranchNode::Outputs { first, second } => part.join_outputs(first, second, opposite),
            BranchNode::Leaf(_) => {}
        }
        part
    }))
}

/// The refusal of a tree that is none.
fn unfit(what: &str) -> Refusal {
    Refusal::Unsupported { what: format!("the tree of cases does not fit: {what}") }
}
