//! Merging of cliques where one cone costs less than two.
//!
//! A clique may go into its parent, or together with a sibling that has the same separator (the inputs of a network are
//! such siblings); both keep the tree a clique tree.

use std::collections::{BTreeSet, HashMap};

use super::Clique;
use crate::triangle;

/// Merges the pair that saves the most, as long as any does.
pub(super) fn merge(cliques: &mut Vec<Clique>) {
    while let Some((gone, into)) = worthwhile(cliques) {
        unite(cliques, gone, into);
    }
}

/// What a clique costs a solver that factorises a dense block of all entries of its cone together with the free variables
/// of its separator, up to a constant.
fn cost(order: usize, separator: usize) -> f64 {
    /// A factorisation takes the third power of the entries; small blocks gain less from being small. Of 2, 2.5 and 3 the best on
    /// six networks (`cargo bench -p tightlip-clarabel --bench forms`).
    const EXPONENT: f64 = 2.5;
    ((triangle::length(order) + triangle::length(separator)) as f64).powf(EXPONENT)
}

/// The two cliques that are cheaper as one and save the most; the first goes into the second.
fn worthwhile(cliques: &[Clique]) -> Option<(usize, usize)> {
    let size = |number: usize| cliques[number].members.len();
    let single = |number: usize| cost(size(number), cliques[number].separator.len());
    let mut pairs = Vec::new();
    let mut siblings: HashMap<(usize, &[usize]), Vec<usize>> = HashMap::new();
    for (number, clique) in cliques.iter().enumerate() {
        if let Some(parent) = clique.parent {
            let both = size(number) + size(parent) - clique.separator.len();
            pairs.push((single(number) + single(parent) - cost(both, cliques[parent].separator.len()), number, parent));
            siblings.entry((parent, &clique.separator)).or_default().push(number);
        }
    }
    for mut alike in siblings.into_values() {
        // Of siblings the two smallest save the most.
        alike.sort_by_key(|&number| (size(number), number));
        if let [one, other, ..] = alike[..] {
            let separator = cliques[one].separator.len();
            let both = size(one) + size(other) - separator;
            pairs.push((single(one) + single(other) - cost(both, separator), one, other));
        }
    }
    let better = |one: &(f64, usize, usize), other: &(f64, usize, usize)| {
        one.0.total_cmp(&other.0).then((other.1, other.2).cmp(&(one.1, one.2)))
    };
    pairs.into_iter().filter(|pair| pair.0 >= 0.0).max_by(better).map(|(_, gone, into)| (gone, into))
}

/// Puts a clique into its parent or its sibling; its children hang on that.
fn unite(cliques: &mut Vec<Clique>, gone: usize, into: usize) {
    let removed = cliques.swap_remove(gone);
    let moved = cliques.len();
    // The last clique now has the number of the one that is gone.
    let renumbered = |number: usize| if number == moved { gone } else { number };
    let into = renumbered(into);
    for clique in cliques.iter_mut() {
        clique.parent = clique.parent.map(|number| if number == gone { into } else { renumbered(number) });
    }
    let members: BTreeSet<usize> = cliques[into].members.iter().chain(&removed.members).copied().collect();
    cliques[into].members = members.into_iter().collect();
}
