use tightlip_lifted::LiftedIteration;
use tightlip_model::{Activation, IncrementSystem, OutputSelection, random_network};

use super::*;

const RANK: usize = 6;

fn system(dims: &[usize]) -> IncrementSystem {
    let network = random_network(dims, Activation::Relu, 2).expect("valid");
    IncrementSystem::of_network(&network, OutputSelection::All).expect("valid")
}

fn query(input_norm: Norm, output_norm: Norm) -> Query {
    Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) }
}

#[test]
fn the_parts_of_a_face_differ_in_the_choice_and_nothing_else() {
    let system = system(&[3, 4, 2]);
    let mut face = Face::whole(&system);
    face.fix(1, 0, End::Upper);
    let [low, high] = Split::Slope { block: 1, neuron: 2 }.parts(&face);
    assert_eq!((low.end(1, 2), high.end(1, 2)), (Some(End::Lower), Some(End::Upper)));
    for part in [&low, &high] {
        assert_eq!((part.end(1, 0), part.end(1, 1), part.end(1, 3)), (Some(End::Upper), None, None));
    }
    let map = |face: &Face| {
        let mut face = face.clone();
        (0..4).for_each(|j| face.fix(1, j, End::Upper));
        let system = face.system(&system).expect("a chain");
        system.edges().last().expect("one edge").map.to_dense()
    };
    let whole = map(&face);
    for (place, sign) in [(0, 1.0), (1, -1.0)] {
        let inputs = map(&Split::Inputs { first: 2, second: 0 }.parts(&face)[place]);
        assert_eq!((inputs.nrows(), inputs.ncols()), (2, 2));
        let outputs = map(&Split::Outputs { first: 0, second: 1 }.parts(&face)[place]);
        assert_eq!((outputs.nrows(), outputs.ncols()), (1, 3));
        for i in 0..2 {
            assert!((inputs[(i, 1)] - (whole[(i, 2)] + sign * whole[(i, 0)])).abs() < 1e-14);
            assert!((inputs[(i, 0)] - whole[(i, 1)]).abs() < 1e-14);
        }
        for j in 0..3 {
            assert!((outputs[(0, j)] - (whole[(0, j)] + sign * whole[(1, j)])).abs() < 1e-14);
        }
    }
}

#[test]
fn a_face_is_split_until_no_choice_of_its_norms_is_left() {
    let system = system(&[3, 3, 2, 3]);
    for (input, output, wanted) in [
        (Norm::L2, Norm::L2, 5),
        (Norm::LInf, Norm::L2, 5 + 2),
        (Norm::L2, Norm::L1, 5 + 2),
        // The norm of a row of signs has no choice left: joined outputs are one.
        (Norm::LInf, Norm::L1, 5 + 2),
    ] {
        let query = query(input, output);
        let mut face = Face::whole(&system);
        let mut splits = 0;
        loop {
            let part = face.system(&system).expect("a chain");
            let mut iteration = LiftedIteration::new(&part, &query, RANK, 0, 1);
            for _ in 0..20 {
                iteration.step();
            }
            let Some(Choice { split, .. }) = choose(&face, &iteration, &query) else { break };
            let free = face.free();
            let last = free.len() - 1;
            match split {
                Split::Slope { block, neuron } => assert!(free[block].contains(&neuron)),
                Split::Inputs { first, second } => {
                    assert!(input == Norm::LInf && first != second);
                    assert!(free[0].contains(&first) && free[0].contains(&second));
                }
                Split::Outputs { first, second } => {
                    assert!(output == Norm::L1 && first != second);
                    assert!(free[last].contains(&first) && free[last].contains(&second));
                }
            }
            let [_, next] = split.parts(&face);
            face = next;
            splits += 1;
            assert!(splits <= 20, "every split decides something");
        }
        let free = face.free();
        assert!(free[1].is_empty() && free[2].is_empty(), "slopes are left");
        if (input, output) == (Norm::LInf, Norm::L1) {
            assert!((wanted..=wanted + 2).contains(&splits), "{input}→{output}: {splits}");
            assert_eq!(free[3].len(), 1);
        } else {
            assert_eq!(splits, wanted, "{input}→{output}");
        }
    }
}
