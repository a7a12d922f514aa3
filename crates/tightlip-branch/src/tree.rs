//! The tree of a search.

use crate::split::Split;

/// A node of a finished tree, in preorder.
#[derive(Debug, Clone)]
pub enum Branch<P> {
    /// Split; its two parts follow, the first with everything below it.
    Split(Split),
    /// Bounded by this proof, of its own face or of one above.
    Leaf(P),
}

/// A node.
#[derive(Debug, Clone)]
struct Node<P> {
    parent: Option<usize>,
    children: Option<(Split, [usize; 2])>,
    /// What was proved for it, where that is more than for its parent.
    proof: Option<P>,
}

/// A growing tree with proofs of some kind; the root is node 0.
#[derive(Debug, Clone)]
pub struct Tree<P> {
    nodes: Vec<Node<P>>,
}

impl<P: Clone> Tree<P> {
    /// A root and its proof.
    pub(crate) fn new(root: P) -> Self {
        Self { nodes: vec![Node { parent: None, children: None, proof: Some(root) }] }
    }

    /// Splits a node into two, each with what was proved for it.
    pub(crate) fn grow(&mut self, parent: usize, split: Split, proofs: [Option<P>; 2]) -> [usize; 2] {
        let children = [self.nodes.len(), self.nodes.len() + 1];
        // Nobody below will ask for the multipliers of the parent.
        if proofs.iter().all(Option::is_some) && parent > 0 {
            self.nodes[parent].proof = None;
        }
        for proof in proofs {
            self.nodes.push(Node { parent: Some(parent), children: None, proof });
        }
        self.nodes[parent].children = Some((split, children));
        children
    }

    /// All nodes.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The tree in preorder, without splits below which nothing more is proved than above.
    ///
    /// # Panics
    /// Never: every leaf has a proof or one above it.
    pub fn branches(&self) -> Vec<Branch<P>> {
        let needed = self.needed();
        let mut branches = Vec::new();
        let mut open = vec![0];
        while let Some(place) = open.pop() {
            match self.nodes[place].children {
                Some((split, [first, second])) if needed[place] => {
                    branches.push(Branch::Split(split));
                    open.extend([second, first]);
                }
                _ => branches.push(Branch::Leaf(self.proof(place))),
            }
        }
        branches
    }

    /// Whether anything is proved below each node that is not proved above.
    fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        // Children stand behind their parents.
        for (place, node) in self.nodes.iter().enumerate().rev() {
            if let Some(parent) = node.parent {
                needed[parent] |= needed[place] || node.proof.is_some();
            }
        }
        needed
    }

    /// The proof of a node, or that of the next node above that has one.
    fn proof(&self, place: usize) -> P {
        let mut node = &self.nodes[place];
        loop {
            if let Some(proof) = &node.proof {
                return proof.clone();
            }
            node = &self.nodes[node.parent.expect("the root keeps its proof")];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_without_a_proof_have_that_of_the_node_above_and_splits_that_prove_nothing_vanish() {
        let split = |neuron| Split::Slope { block: 1, neuron };
        let mut tree = Tree::new(9);
        let [low, high] = tree.grow(0, split(0), [Some(8), None]);
        let [_, last] = tree.grow(high, split(1), [None, Some(7)]);
        tree.grow(low, split(2), [None, None]);
        tree.grow(last, split(2), [Some(5), Some(6)]);
        let marks: Vec<i32> = tree
            .branches()
            .iter()
            .map(|branch| match branch {
                Branch::Split(_) => 0,
                Branch::Leaf(mark) => *mark,
            })
            .collect();
        assert_eq!(tree.nodes(), 9);
        assert_eq!(marks, [0, 8, 0, 9, 0, 5, 6]);
    }
}
