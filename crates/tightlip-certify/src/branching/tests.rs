//! Trees written by hand, split until nothing is left to choose: every leaf is a matrix whose norm is known.

use faer::Mat;
use tightlip_model::{Activation, Edge, LinearMap, Norm, OutputSelection, Weight, random_network};

use super::*;
use crate::Bound;

/// Above the exact weights of a leaf, for the proof to have room.
const ROOM: f64 = 1e-6;

fn limits() -> Limits {
    Limits::within(1 << 30)
}

fn query(input_norm: Norm, output_norm: Norm) -> Query {
    Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) }
}

fn system(dims: &[usize], activation: Activation, seed: u64) -> IncrementSystem {
    let network = random_network(dims, activation, seed).expect("valid");
    IncrementSystem::of_network(&network, OutputSelection::All).expect("valid")
}

/// A path through a tree: the ends of all slopes, and the signs of inputs and outputs relative to the first, where they are
/// chosen.
#[derive(Clone, Default)]
struct Path {
    ends: Vec<(usize, usize, End)>,
    inputs: Vec<f64>,
    outputs: Vec<f64>,
}

/// All splits of a question, in an order in which neighbours belong to different blocks; signs first or last.
fn splits(system: &IncrementSystem, query: &Query, signs_first: bool) -> Vec<BranchNode> {
    let last = system.output_block();
    let mut slopes: Vec<BranchNode> = (1..last)
        .flat_map(|block| (0..system.len(block)).map(move |neuron| BranchNode::Slope { block, neuron }))
        .collect();
    slopes.sort_by_key(|node| match node {
        BranchNode::Slope { block, neuron } => (7 * neuron + 3 * block) % 5,
        BranchNode::Inputs { .. } | BranchNode::Outputs { .. } | BranchNode::Leaf(_) => 0,
    });
    let mut signs = Vec::new();
    if query.input_norm == Norm::LInf {
        // Neither the leader nor the follower is always the first coordinate.
        signs.extend((1..system.len(0)).map(|i| BranchNode::Inputs { first: i, second: i - 1 }));
    }
    if query.output_norm == Norm::L1 {
        signs.extend((1..system.len(last)).map(|i| BranchNode::Outputs { first: i - 1, second: i }));
    }
    if signs_first { [signs, slopes].concat() } else { [slopes, signs].concat() }
}

/// The product of the weights with the slopes of a path.
fn product(system: &IncrementSystem, path: &Path) -> Mat<f64> {
    let mut product = system.edges()[0].map.to_dense();
    for k in 1..system.output_block() {
        let slope = |i: usize| {
            let end = path.ends.iter().find(|(block, neuron, _)| (*block, *neuron) == (k, i)).expect("chosen").2;
            if end == End::Lower { system.slopes(k)[i].lower() } else { system.slopes(k)[i].upper() }
        };
        let scaled = Mat::from_fn(product.nrows(), product.ncols(), |i, j| slope(i) * product[(i, j)]);
        product = system.edges()[k].map.to_dense() * scaled;
    }
    product
}

/// The norm of a product for the signs of a path.
fn norm(system: &IncrementSystem, path: &Path) -> f64 {
    let mut matrix = product(system, path);
    if !path.inputs.is_empty() {
        matrix = &matrix * Mat::from_fn(path.inputs.len(), 1, |i, _| path.inputs[i]);
    }
    if !path.outputs.is_empty() {
        matrix = Mat::from_fn(1, path.outputs.len(), |_, i| path.outputs[i]) * &matrix;
    }
    matrix.singular_values().expect("finite")[0]
}

/// Multipliers that prove a linear leaf of this norm and nothing less.
fn leaf(system: &IncrementSystem, query: &Query, norm: f64) -> Multipliers {
    let weight = norm.max(1e-3) * (1.0 + ROOM);
    let side = |joined: bool, len: usize| {
        let shares = (len * (len + 1) / 2) as f64;
        let share = |i: usize| weight * (i + 1) as f64 / shares;
        if joined { Weight::PerCoordinate((0..len).map(share).collect()) } else { Weight::Uniform(weight) }
    };
    Multipliers {
        input: side(query.input_norm == Norm::LInf, system.len(0)),
        hidden: (1..system.output_block()).map(|k| vec![f64::NAN; system.len(k)]).collect(),
        output: side(query.output_norm == Norm::L1, system.len(system.output_block())),
    }
}

/// The full tree of a question, and the largest norm of its leaves.
fn full(system: &IncrementSystem, query: &Query, signs_first: bool) -> (BranchTree, f64) {
    let splits = splits(system, query, signs_first);
    let mut tree = BranchTree { nodes: Vec::new(), multipliers: Vec::new() };
    let mut largest = 0.0_f64;
    let signs = |asked: bool, len: usize| if asked { vec![1.0; len] } else { Vec::new() };
    let first = Path {
        ends: Vec::new(),
        inputs: signs(query.input_norm == Norm::LInf, system.len(0)),
        outputs: signs(query.output_norm == Norm::L1, system.len(system.output_block())),
    };
    let mut open = vec![(0, first)];
    while let Some((depth, path)) = open.pop() {
        let Some(&split) = splits.get(depth) else {
            let norm = norm(system, &path);
            largest = largest.max(norm);
            tree.nodes.push(BranchNode::Leaf(tree.multipliers.len()));
            tree.multipliers.push(Arc::new(leaf(system, query, norm)));
            continue;
        };
        tree.nodes.push(split);
        let part = |end: End| {
            let mut part = path.clone();
            let sign = if end == End::Upper { -1.0 } else { 1.0 };
            match split {
                BranchNode::Slope { block, neuron } => part.ends.push((block, neuron, end)),
                BranchNode::Inputs { first, second } => part.inputs[first] = sign * part.inputs[second],
                BranchNode::Outputs { first, second } => part.outputs[second] = sign * part.outputs[first],
                BranchNode::Leaf(_) => {}
            }
            (depth + 1, part)
        };
        open.extend([part(End::Upper), part(End::Lower)]);
    }
    (tree, largest)
}

fn proved(system: &IncrementSystem, query: &Query, tree: &BranchTree) -> Result<f64, Refusal> {
    let case = Case { input: None, output: None };
    let trees = [CaseTree { case, tree: tree.clone() }];
    prove_trees(system, query, &trees, &limits()).map(Bound::value)
}

const QUESTIONS: [(Norm, Norm); 4] =
    [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)];

#[test]
fn a_tree_of_all_choices_proves_the_largest_norm_of_all_products() {
    for (seed, activation) in
        [Activation::Relu, Activation::LeakyRelu { slope: -0.3 }, Activation::Sigmoid].into_iter().enumerate()
    {
        for dims in [vec![3, 4, 3], vec![3, 2, 3, 3], vec![3, 1, 2, 2, 3]] {
            let system = system(&dims, activation, seed as u64);
            for (input, output) in QUESTIONS {
                for signs_first in [true, false] {
                    let query = query(input, output);
                    let (tree, largest) = full(&system, &query, signs_first);
                    let value = proved(&system, &query, &tree).expect("every leaf holds");
                    assert!(value >= largest && value <= largest * (1.0 + 2.0 * ROOM), "{activation} {dims:?}");
                }
            }
        }
    }
}

#[test]
fn every_leaf_counts_and_has_to_hold() {
    let system = system(&[3, 2, 2, 3], Activation::LeakyRelu { slope: 0.4 }, 7);
    for (input, output) in QUESTIONS {
        let query = query(input, output);
        let (tree, _) = full(&system, &query, false);
        for place in 0..tree.multipliers.len() {
            let mut weaker = tree.clone();
            let mut multipliers = weaker.multipliers[place].as_ref().clone();
            multipliers.input = multipliers.input.scaled(1.0 - 3.0 * ROOM);
            weaker.multipliers[place] = Arc::new(multipliers);
            assert!(matches!(proved(&system, &query, &weaker), Err(Refusal::NotPositive { .. })), "leaf {place}");
            let mut larger = tree.clone();
            let mut multipliers = larger.multipliers[place].as_ref().clone();
            multipliers.output = multipliers.output.scaled(1e12);
            larger.multipliers[place] = Arc::new(multipliers);
            let (before, after) = (proved(&system, &query, &tree), proved(&system, &query, &larger));
            assert!(after.expect("holds") > before.expect("holds"), "leaf {place} is not looked at");
        }
        for place in 0..tree.nodes.len() {
            let mut without = tree.clone();
            without.nodes.remove(place);
            assert!(proved(&system, &query, &without).is_err(), "node {place} is missing");
        }
    }
}

#[test]
fn proofs_serve_their_own_face_and_question_only() {
    let system = system(&[2, 2, 2], Activation::Relu, 3);
    let query = query(Norm::L2, Norm::L2);
    let case = Case { input: None, output: None };
    let (tree, largest) = full(&system, &query, true);
    let mut ledger = TreeLedger::new(&system, &query);
    let prover = ledger.prover(case);
    let faces: Vec<Face> =
        [[End::Lower, End::Lower], [End::Lower, End::Upper], [End::Upper, End::Lower], [End::Upper; 2]]
            .into_iter()
            .map(|ends| {
                let mut face = Face::whole(&system);
                let order = splits(&system, &query, true);
                for (node, end) in order.into_iter().zip(ends) {
                    if let BranchNode::Slope { block, neuron } = node {
                        face.fix(block, neuron, end);
                    }
                }
                face
            })
            .collect();
    let prove = |prover: &FaceProver, place: usize| {
        let multipliers = tree.multipliers[place].clone();
        Arc::new(prover.prove(faces[place].clone(), multipliers, &limits()).expect("a proof"))
    };
    let proofs: Vec<_> = (0..4).map(|place| prove(&prover, place)).collect();
    let value = ledger.enter(&prover, (tree.nodes.clone(), &proofs), &limits()).expect("a tree");
    assert!(value >= largest && value <= largest * (1.0 + 2.0 * ROOM));
    assert_eq!(value, proofs.iter().map(|proof| proof.value()).fold(0.0, f64::max));
    // The steepest leaf with the proof of the flattest: proved again, and refused.
    let by_value = |a: &usize, b: &usize| proofs[*a].value().total_cmp(&proofs[*b].value());
    let (low, high) = ((0..4).min_by(by_value).expect("four"), (0..4).max_by(by_value).expect("four"));
    let mut swapped = proofs.clone();
    swapped.swap(low, high);
    assert!(ledger.enter(&prover, (tree.nodes.clone(), &swapped), &limits()).is_err());
    // A prover of another ledger, and proofs of the same face of a smaller system.
    let stranger = TreeLedger::new(&system, &query).prover(case);
    assert!(ledger.enter(&stranger, (tree.nodes.clone(), &proofs), &limits()).is_err());
    let half = |edge: &Edge| Edge { map: edge.map.clone().then(LinearMap::Scale(vec![0.5; 2])), ..edge.clone() };
    let edges = system.edges().iter().map(half).collect();
    let smaller = IncrementSystem::new(2, vec![system.slopes(1).to_vec()], 2, edges).expect("valid");
    let other = TreeLedger::new(&smaller, &query);
    let other_prover = other.prover(case);
    let quarter = |place: usize| {
        let mut multipliers = tree.multipliers[place].as_ref().clone();
        multipliers.input = multipliers.input.scaled(0.0625);
        Arc::new(other_prover.prove(faces[place].clone(), Arc::new(multipliers), &limits()).expect("a quarter"))
    };
    let borrowed: Vec<_> = (0..4).map(quarter).collect();
    assert!(ledger.enter(&prover, (tree.nodes.clone(), &borrowed), &limits()).is_err());
    assert_eq!(ledger.finish().expect("one tree").0.value(), value);
}

#[test]
fn a_ledger_is_finished_when_every_case_has_one_tree() {
    let system = system(&[2, 2, 2], Activation::Abs, 5);
    let query = query(Norm::L1, Norm::LInf);
    let enter = |cases: &[Case]| {
        let mut ledger = TreeLedger::new(&system, &query);
        let mut largest = 0.0_f64;
        for &case in cases {
            let prover = ledger.prover(case);
            let (tree, _) = full(&case.system(&system), &Case::query(&query), true);
            let mut proofs = Vec::new();
            for multipliers in &tree.multipliers {
                // Proved for no face of the tree: every leaf is proved anew.
                let ample = Multipliers {
                    input: Weight::Uniform(1e3),
                    hidden: vec![vec![1.0; 2]],
                    output: Weight::Uniform(1e3),
                };
                let mut proof = prover.prove(Face::whole(&case.system(&system)), Arc::new(ample), &limits())?;
                proof.multipliers = multipliers.clone();
                proofs.push(Arc::new(proof));
            }
            largest = largest.max(ledger.enter(&prover, (tree.nodes, &proofs), &limits())?);
        }
        let (bound, trees) = ledger.finish()?;
        assert_eq!((bound.value(), trees.len()), (largest, cases.len()));
        Ok::<f64, Refusal>(largest)
    };
    let all = Case::all(&system, &query);
    let entry = |case: &Case| norm_of_case(&case.system(&system));
    let wanted = all.iter().map(entry).fold(0.0, f64::max);
    let value = enter(&all).expect("all cases");
    assert!(value >= wanted && value <= wanted * (1.0 + 2.0 * ROOM), "{value}, {wanted}");
    let whole = Case { input: None, output: None };
    assert!(enter(&[whole]).expect("ℓ2 in their place") >= value);
    assert!(enter(&[]).is_err() && enter(&all[1..]).is_err() && enter(&[whole, whole]).is_err());
    assert!(enter(&[&all[..], &all[..1]].concat()).is_err() && enter(&[&all[..], &[whole]].concat()).is_err());
    assert!(enter(&[all[0], all[0], all[2], all[3]]).is_err());
}

/// The formal constant of a system with one input and one output.
fn norm_of_case(system: &IncrementSystem) -> f64 {
    full(system, &query(Norm::L2, Norm::L2), true).1
}

#[test]
fn faces_and_multipliers_that_do_not_fit_are_refused() {
    let system = system(&[3, 2, 3], Activation::Relu, 9);
    let whole = Case { input: None, output: None };
    let ample = |query: &Query| {
        let mut multipliers = leaf(&system, query, 1e3);
        multipliers.hidden[0].fill(1.0);
        multipliers
    };
    for (input, output) in QUESTIONS {
        let query = query(input, output);
        let prover = TreeLedger::new(&system, &query).prover(whole);
        let prove =
            |face: &Face, multipliers: Multipliers| prover.prove(face.clone(), Arc::new(multipliers), &limits());
        let face = Face::whole(&system);
        assert!(prove(&face, ample(&query)).is_ok());
        let (mut inputs, mut outputs) = (face.clone(), face.clone());
        inputs.join_inputs(2, 0, true);
        outputs.join_outputs(0, 1, false);
        assert_eq!(prove(&inputs, ample(&query)).is_ok(), input == Norm::LInf);
        assert_eq!(prove(&outputs, ample(&query)).is_ok(), output == Norm::L1);
        let refused = |change: &dyn Fn(&mut Multipliers)| {
            let mut multipliers = ample(&query);
            change(&mut multipliers);
            assert!(prove(&face, multipliers).is_err());
        };
        refused(&|multipliers| multipliers.hidden[0][1] = f64::NAN);
        refused(&|multipliers| multipliers.hidden[0][1] = 0.0);
        refused(&|multipliers| multipliers.hidden[0][1] = -1.0);
        refused(&|multipliers| multipliers.hidden[0].push(1.0));
        refused(&|multipliers| multipliers.hidden.push(Vec::new()));
        refused(&|multipliers| multipliers.input = Weight::PerCoordinate(vec![1e3; 2]));
        refused(&|multipliers| multipliers.output = Weight::PerCoordinate(vec![1e3; 4]));
        refused(&|multipliers| multipliers.input = multipliers.input.scaled(f64::NAN));
        refused(&|multipliers| multipliers.output = multipliers.output.scaled(-1.0));
        for other in QUESTIONS.iter().filter(|(p, q)| *p != input || *q != output) {
            let other = Query { input_norm: other.0, output_norm: other.1, ..query };
            refused(&|multipliers| *multipliers = ample(&other));
        }
        // What does not play a part any more may have any multiplier.
        let mut fixed = face.clone();
        fixed.fix(1, 1, End::Lower);
        let mut without = ample(&query);
        without.hidden[0][1] = f64::NAN;
        assert!(prove(&fixed, without).is_ok());
    }
}
