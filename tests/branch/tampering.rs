//! Trees that were tampered with are refused, or what they claim is still true.

use tightlip_certify::{BranchNode, Certificate, PatternProof, Refusal};
use tightlip_model::{Activation, Case, Network, Norm, Query, Weight};
use tightlip_tests::{Weights, chain, generator, limits, question, random_weights};

use super::{ROUNDING, branch, constant_of};

/// Norms with inputs and outputs that can be joined, with neither, and with cases.
const ASKED: [(Norm, Norm); 3] = [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L1), (Norm::L1, Norm::LInf)];
/// A node that is replaced or added.
const SPLIT: BranchNode = BranchNode::Slope { block: 1, neuron: 0 };

/// A network, its weights, and a certificate of which some tree is split, deep enough to be cut.
fn certified(input: Norm, output: Norm) -> (Weights, Network, Certificate) {
    for seed in 0..100 {
        let weights = random_weights(&[3, 6, 5, 3], 0.0, &mut generator(seed));
        let network = chain(&weights, Activation::Relu);
        let certificate = branch(&network, question(input, output)).certificate;
        if certificate.trees.iter().any(|case| case.tree.nodes.len() >= 5) {
            return (weights, network, certificate);
        }
    }
    panic!("none of these networks was split");
}

/// The place of the largest tree.
fn largest(certificate: &Certificate) -> usize {
    let size = |&k: &usize| certificate.trees[k].tree.nodes.len();
    (0..certificate.trees.len()).max_by_key(size).expect("a tree")
}

/// Asserts that a changed certificate is refused.
fn refused(network: &Network, certificate: &Certificate, what: &str) -> Refusal {
    certificate.verify(network, &limits()).err().unwrap_or_else(|| panic!("{what} is accepted"))
}

/// Whether a changed certificate is refused; what is accepted is true.
fn refused_or_true(network: &Network, certificate: &Certificate, what: &str) -> bool {
    let Ok(bound) = certificate.verify(network, &limits()) else { return true };
    let constant = constant_of(network, &certificate.query);
    assert!(bound.value() >= constant * (1.0 - ROUNDING), "{what}: proved {} below {constant}", bound.value());
    assert!(certificate.bound >= bound.value(), "{what}: accepted a claim below the proof");
    false
}

#[test]
fn trees_that_do_not_cover_everything_are_refused() {
    for (input, output) in ASKED {
        let (_, network, certificate) = certified(input, output);
        let at = largest(&certificate);
        let given = certificate.trees[at].tree.clone();
        let with = |nodes: Vec<BranchNode>, says: &str| {
            let mut changed = certificate.clone();
            changed.trees[at].tree.nodes = nodes;
            let refusal = refused(&network, &changed, says).to_string();
            assert!(refusal.contains(says), "{input}→{output}: {refusal}, want {says}");
        };
        let changed = |place: usize, nodes: &[BranchNode]| {
            let mut all = given.nodes.clone();
            all.splice(place..=place, nodes.iter().copied());
            all
        };
        let (first, last) = (given.nodes[0], given.nodes.len() - 1);
        let leaf = |place: usize| matches!(given.nodes[place], BranchNode::Leaf(_));
        let first_leaf = (0..=last).find(|&place| leaf(place)).expect("a leaf");
        with(Vec::new(), "1 parts of it have no proof");
        with(given.nodes[..last].to_vec(), "1 parts of it have no proof");
        with(vec![first], "2 parts of it have no proof");
        with(changed(last, &[given.nodes[last], BranchNode::Leaf(0)]), "is below no other one");
        with(changed(last, &[given.nodes[last], first, BranchNode::Leaf(0), BranchNode::Leaf(0)]), "below no other");
        with(changed(last, &[BranchNode::Leaf(given.multipliers.len())]), "has no multipliers");
        with(changed(last, &[BranchNode::Leaf(usize::MAX)]), "has no multipliers");
        // A leaf that is split once more, where its slope has been decided or there is none.
        let BranchNode::Slope { block, neuron } = first else { panic!("{first:?}: a slope matters most") };
        for split in [
            first,
            BranchNode::Slope { block: 0, neuron: 0 },
            BranchNode::Slope { block: 3, neuron: 0 },
            BranchNode::Slope { block: usize::MAX, neuron: 0 },
            BranchNode::Slope { block: 2, neuron: 5 },
            BranchNode::Inputs { first: 0, second: 3 },
            BranchNode::Outputs { first: usize::MAX, second: 0 },
        ] {
            with(changed(first_leaf, &[split, given.nodes[first_leaf], given.nodes[first_leaf]]), "which is not there");
        }
        // Split at another neuron than the proofs are for: nothing there is tight enough.
        let other = BranchNode::Slope { block, neuron: usize::from(neuron == 0) };
        let mut moved = certificate.clone();
        moved.trees[at].tree.nodes = changed(0, &[other]);
        refused_or_true(&network, &moved, "another neuron");
    }
}

#[test]
fn leaves_prove_their_own_faces_only() {
    let mut refusals = 0;
    let mut tried = 0;
    for (input, output) in ASKED {
        let (_, network, certificate) = certified(input, output);
        let at = largest(&certificate);
        let given = certificate.trees[at].tree.clone();
        let mut attempt = |change: &dyn Fn(&mut Vec<BranchNode>), what: &str| {
            let mut changed = certificate.clone();
            change(&mut changed.trees[at].tree.nodes);
            tried += 1;
            refusals += usize::from(refused_or_true(&network, &changed, what));
        };
        for leaf in 0..given.multipliers.len() {
            attempt(&|nodes| *nodes = vec![BranchNode::Leaf(leaf)], "one leaf for everything");
            attempt(
                &|nodes| {
                    nodes
                        .iter_mut()
                        .filter(|node| matches!(node, BranchNode::Leaf(_)))
                        .for_each(|node| *node = BranchNode::Leaf(leaf));
                },
                "one leaf everywhere",
            );
        }
        let leaves: Vec<usize> =
            (0..given.nodes.len()).filter(|&place| matches!(given.nodes[place], BranchNode::Leaf(_))).collect();
        for pair in leaves.windows(2) {
            attempt(&|nodes| nodes.swap(pair[0], pair[1]), "swapped leaves");
        }
    }
    assert!(refusals * 10 >= tried * 7, "only {refusals} of {tried} were refused");
}

#[test]
fn cases_that_are_missing_doubled_or_of_another_question_are_refused() {
    for (input, output) in ASKED {
        let (_, network, certificate) = certified(input, output);
        let says = "its cases are not those of the question";
        let attempt = |change: &dyn Fn(&mut Certificate)| {
            let mut changed = certificate.clone();
            change(&mut changed);
            let refusal = refused(&network, &changed, says).to_string();
            assert!(refusal.contains(says), "{input}→{output}: {refusal}");
        };
        attempt(&|changed| changed.trees.push(changed.trees[0].clone()));
        attempt(&|changed| changed.trees[0].case = Case { input: Some(3), output: None });
        attempt(&|changed| changed.trees[0].case = Case { input: Some(0), output: Some(usize::MAX) });
        attempt(&|changed| changed.trees[0].case = Case { input: None, output: Some(0) });
        if certificate.trees.len() > 1 {
            attempt(&|changed| changed.trees.truncate(1));
            attempt(&|changed| drop(changed.trees.pop()));
            attempt(&|changed| changed.trees[1] = changed.trees[0].clone());
            // One tree without restriction speaks about ℓ2 inputs: the multipliers of one input do not prove that.
            let mut whole = certificate.clone();
            whole.trees.truncate(1);
            whole.trees[0].case = Case { input: None, output: None };
            refused(&network, &whole, "one case for all");
            let mut swapped = certificate.clone();
            let (first, second) = (swapped.trees[0].case, swapped.trees[1].case);
            (swapped.trees[0].case, swapped.trees[1].case) = (second, first);
            refused_or_true(&network, &swapped, "two cases with each other's tree");
        }
    }
}

#[test]
fn a_tree_for_euclidean_norms_proves_cases_too() {
    let (_, network, mut certificate) = certified(Norm::L2, Norm::L2);
    for (input, output) in [(Norm::L1, Norm::L2), (Norm::L2, Norm::LInf), (Norm::L1, Norm::LInf)] {
        (certificate.query.input_norm, certificate.query.output_norm) = (input, output);
        let bound = certificate.verify(&network, &limits()).expect("a weaker claim").value();
        assert!(constant_of(&network, &certificate.query) <= bound, "{input}→{output}");
    }
}

#[test]
fn signs_are_joined_in_their_norms_only_and_weights_are_of_their_kind() {
    let join = |node: BranchNode| vec![node, BranchNode::Leaf(0), BranchNode::Leaf(0)];
    let (inputs, outputs) = (BranchNode::Inputs { first: 0, second: 1 }, BranchNode::Outputs { first: 0, second: 1 });
    for (input, output, node) in [
        (Norm::L2, Norm::L1, inputs),
        (Norm::LInf, Norm::L2, outputs),
        (Norm::L1, Norm::L1, inputs),
        (Norm::LInf, Norm::LInf, outputs),
    ] {
        let (_, network, mut certificate) = certified(input, output);
        let at = largest(&certificate);
        if (input, output) == (Norm::L1, Norm::L1) || output == Norm::LInf {
            // A single coordinate has no other one.
            certificate.trees[at].tree.nodes = join(node);
            let refusal = refused(&network, &certificate, "a join in a case").to_string();
            assert!(refusal.contains("which is not there"), "{refusal}");
            continue;
        }
        certificate.trees[at].tree.nodes = join(node);
        let refusal = refused(&network, &certificate, "a join").to_string();
        assert!(refusal.contains("inputs are equal or opposite in ℓ∞ only, signs of outputs in ℓ1 only"), "{refusal}");
    }
    // One weight for all coordinates is the ℓ2 norm's, one for each those of the others.
    for (input, output) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L1)] {
        let (_, network, certificate) = certified(input, output);
        for side in [0, 1] {
            let mut changed = certificate.clone();
            for multipliers in &mut changed.trees[0].tree.multipliers {
                let mut other = multipliers.as_ref().clone();
                let weight = if side == 0 { &mut other.input } else { &mut other.output };
                *weight = match weight {
                    Weight::Uniform(value) => Weight::PerCoordinate(vec![*value; 3]),
                    Weight::PerCoordinate(values) => Weight::Uniform(values.iter().sum()),
                };
                *multipliers = other.into();
            }
            let refusal = refused(&network, &changed, "the other kind of weight").to_string();
            assert!(refusal.contains("with this kind of multipliers"), "{refusal}");
        }
    }
}

#[test]
fn altered_multipliers_are_refused_or_the_bound_still_true() {
    let (mut refusals, mut tried) = (0, 0);
    for (input, output) in ASKED {
        let (_, network, certificate) = certified(input, output);
        let at = largest(&certificate);
        for factor in [0.99, 1.01, 0.0, -1.0, 1e300, f64::NAN, f64::INFINITY] {
            for leaf in 0..certificate.trees[at].tree.multipliers.len() {
                for side in 0..4 {
                    let mut changed = certificate.clone();
                    let multipliers = &mut changed.trees[at].tree.multipliers[leaf];
                    let mut other = multipliers.as_ref().clone();
                    match side {
                        0 => other.input = other.input.scaled(factor),
                        1 => other.output = other.output.scaled(factor),
                        _ => other.hidden[side - 2].iter_mut().for_each(|lambda| *lambda *= factor),
                    }
                    *multipliers = other.into();
                    tried += 1;
                    refusals += usize::from(refused_or_true(&network, &changed, "a multiplier"));
                    assert!(factor.abs() <= 1e300 || changed.to_json().is_err(), "{factor} has no place in the file");
                }
            }
        }
        for layer in 0..3 {
            let mut changed = certificate.clone();
            let mut other = changed.trees[at].tree.multipliers[0].as_ref().clone();
            match layer {
                0 => drop(other.hidden.pop()),
                1 => other.hidden[1].push(1.0),
                _ => other.hidden[0].truncate(2),
            }
            changed.trees[at].tree.multipliers[0] = other.into();
            let refusal = refused(&network, &changed, "another shape").to_string();
            assert!(refusal.contains("do not have the shape of the network"), "{refusal}");
        }
    }
    assert!(refusals * 10 >= tried * 7, "only {refusals} of {tried} were refused");
}

#[test]
fn claims_networks_norms_and_kinds_of_proof_that_were_changed_are_refused_or_true() {
    for (input, output) in ASKED {
        let (weights, network, certificate) = certified(input, output);
        let attempt = |change: &dyn Fn(&mut Certificate)| {
            let mut changed = certificate.clone();
            change(&mut changed);
            refused(&network, &changed, "a change")
        };
        assert!(matches!(attempt(&|changed| changed.bound *= 1.0 - 1e-9), Refusal::Claim { .. }));
        assert!(matches!(attempt(&|changed| changed.bound = f64::NAN), Refusal::Claim { .. }));
        attempt(&|changed| changed.trees.clear());
        let both = attempt(&|changed| changed.patterns = Some(PatternProof { count: 1 }));
        assert!(both.to_string().contains("more than one kind of proof"), "{both}");
        let heavier: Weights = weights
            .iter()
            .map(|layer| layer.iter().map(|row| row.iter().map(|w| 1.01 * w).collect()).collect())
            .collect();
        let heavier = chain(&heavier, Activation::Relu);
        assert!(matches!(certificate.verify(&heavier, &limits()), Err(Refusal::Network { .. })));
        let mut forged = certificate.clone();
        for other in [heavier, chain(&weights, Activation::LeakyRelu { slope: -0.9 })] {
            forged.network_sha256 = other.sha256();
            refused(&other, &forged, "the tree of another network");
        }
        let mut refusals = 0;
        for (input_norm, output_norm) in
            [Norm::L1, Norm::L2, Norm::LInf].into_iter().flat_map(|p| [Norm::L1, Norm::L2, Norm::LInf].map(|q| (p, q)))
        {
            let query = Query { input_norm, output_norm, ..certificate.query };
            let mut changed = certificate.clone();
            changed.query = query;
            refusals += usize::from(refused_or_true(&network, &changed, "other norms"));
        }
        assert!(refusals >= 5, "{input}→{output}: only {refusals} questions were refused");
    }
}

#[test]
fn text_that_is_not_a_tree_is_refused() {
    let (_, _, certificate) = certified(Norm::L1, Norm::LInf);
    let text = certificate.to_json().expect("finite");
    for (old, new) in [
        ("\"trees\"", "\"tree\""),
        ("\"nodes\"", "\"extra\":1,\"nodes\""),
        ("\"slope\"", "\"slopes\""),
        ("\"leaf\":0", "\"leaf\":-1"),
        ("\"neuron\"", "\"neurons\""),
        ("\"multipliers\"", "\"segments\""),
        ("\"case\"", "\"cases\""),
    ] {
        assert!(text.contains(old), "{old} is in the file");
        assert!(Certificate::from_json(&text.replacen(old, new, 1)).is_err(), "{new}");
    }
}

#[test]
fn joining_what_has_been_joined_leaves_a_true_bound() {
    let (_, network, certificate) = certified(Norm::LInf, Norm::L1);
    for first in 0..3 {
        for second in 0..3 {
            for node in [BranchNode::Inputs { first, second }, BranchNode::Outputs { first, second }] {
                let mut changed = certificate.clone();
                let nodes = &mut changed.trees[0].tree.nodes;
                let place = nodes.iter().position(|node| matches!(node, BranchNode::Leaf(_))).expect("a leaf");
                let leaf = nodes[place];
                nodes.splice(place..=place, [node, node, leaf, leaf, leaf]);
                refused_or_true(&network, &changed, "joined twice");
            }
        }
    }
    let mut split = certificate;
    split.trees[0].tree.nodes.insert(0, SPLIT);
    refused(&network, &split, "a split whose second part is missing");
}
