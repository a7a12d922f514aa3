use tightlip_certify::{FaceProver, TreeLedger, round_multipliers};
use tightlip_model::{Activation, Case, End, Norm, OutputSelection, Query, random_network};

use super::*;

const RANK: usize = 8;
const GAP: f64 = 1e-6;

/// Proves with the smallest margin that a proof takes.
struct Prover {
    prover: FaceProver,
    limits: Limits,
}

impl Verifier for Prover {
    fn prove(&self, face: &Face, multipliers: &Multipliers, allowed: f64) -> Option<Proof> {
        (0..12).find_map(|step| {
            let rounded = round_multipliers(multipliers, 1e-9 * 4.0_f64.powi(step));
            let proof = self.prover.prove(face.clone(), Arc::new(face.spread(&rounded)), &self.limits).ok()?;
            (proof.value() <= allowed).then(|| Proof { value: proof.value(), face: Arc::new(proof) })
        })
    }

    fn rescue(&self, _: &Face, _: f64) -> Option<Proof> {
        None
    }

    fn multipliers(&self) -> usize {
        0
    }
}

/// The formal constant of what is left of a face, by all ends of its free slopes.
fn constant(face: &Face, system: &IncrementSystem) -> f64 {
    let free = face.free();
    let last = free.len() - 1;
    for (block, neurons) in free.iter().enumerate().take(last).skip(1) {
        if let Some(&neuron) = neurons.first() {
            return End::BOTH
                .map(|end| {
                    let mut part = face.clone();
                    part.fix(block, neuron, end);
                    constant(&part, system)
                })
                .into_iter()
                .fold(0.0, f64::max);
        }
    }
    let part = face.system(system).expect("a chain");
    let edge = part.edges().iter().find(|edge| (edge.from, edge.to) == (0, last));
    edge.map_or(0.0, |edge| edge.map.to_dense().singular_values().expect("finite")[0])
}

#[test]
fn a_node_below_its_target_is_closed_by_a_proof_and_one_above_it_has_one_of_its_own() {
    let network = random_network(&[4, 5, 4, 3], Activation::Relu, 6).expect("valid");
    let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
    let query = Query::euclidean(OutputSelection::All);
    let limits = Limits::within(1 << 30);
    let prover = TreeLedger::new(&system, &query).prover(Case { input: None, output: None });
    let verifier = Prover { prover, limits: limits.clone() };
    let question = Question { system: &system, query: &query, verifier: &verifier };
    assert_eq!((query.input_norm, query.output_norm), (Norm::L2, Norm::L2));
    let whole = Face::whole(&system);
    let first = root(&question, &whole, RANK, &limits);
    let (mut face, mut point, mut split) = (whole.clone(), first.point, first.choice);
    assert!(first.value >= constant(&whole, &system) * (1.0 - GAP), "a settled root is above the constant");
    let mut depth = 0;
    while let Some(choice) = split {
        let parts = choice.split.parts(&face);
        let constants = [0, 1].map(|i| constant(&parts[i], &system));
        let steeper = usize::from(constants[1] > constants[0]);
        for (part, constant) in parts.iter().zip(constants) {
            let start = inherited(&face, &point, part);
            // Nothing is proved below the constant, whatever is wanted.
            for share in [0.3, 0.97, 1.5] {
                let target = Target { value: share * constant.max(1e-3), gap: GAP };
                let bounded = bound(&question, part, &start, target, &limits);
                let Some(proof) = &bounded.proof else {
                    assert!(share < 1.0 || bounded.value > target.value, "{share}: not closed");
                    continue;
                };
                assert!(proof.value >= constant * (1.0 - 1e-12), "{share}: {} below {constant}", proof.value);
                assert!(proof.value >= bounded.value * (1.0 - 1e-9));
                assert!(bounded.value > target.value || proof.value <= target.value, "{share}");
            }
        }
        let start = inherited(&face, &point, &parts[steeper]);
        let target = Target { value: 0.5 * constants[steeper], gap: GAP };
        let next = bound(&question, &parts[steeper], &start, target, &limits);
        (face, point, split) = (parts[steeper].clone(), next.point, next.choice);
        depth += 1;
    }
    assert_eq!(depth, 9);
}
