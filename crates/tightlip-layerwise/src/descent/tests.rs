//! The gradient against finite differences.

use tightlip_model::{
    Activation, IncrementSystem, OutputSelection, Query, Reduction, Scaling, SlopeInterval, random_network,
};

use super::*;

fn chain(dims: &[usize], lower: f64) -> Chain {
    let activation = if lower == 0.0 { Activation::Relu } else { Activation::LeakyRelu { slope: lower } };
    let network = random_network(dims, activation, 5).expect("valid");
    let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
    let query = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..Query::euclidean(OutputSelection::All) };
    let reduction = Reduction::new(&system, &query, Scaling::PerLayer).expect("not constant");
    assert_eq!(reduction.system().slopes(1)[0], SlopeInterval::new(lower, 1.0).expect("in order"));
    Chain::new(reduction.system()).expect("a chain")
}

#[test]
fn the_gradient_is_that_of_finite_differences_for_all_slopes_and_norms() {
    const STEP: f64 = 1e-5;
    for lower in [0.0, 0.1, -0.5] {
        for norms in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)] {
            let chain = chain(&[6, 9, 8, 4], lower);
            let layout = Layout::new(&chain, norms);
            let forward = Rule::Gc(1.0).eliminate(Forward::new(&chain, 1), &|| false).expect("feasible");
            let mut x = layout.logarithms(&forward.expect("not stopped"));
            x.iter_mut().enumerate().for_each(|(i, x)| *x += 0.05 * (i as f64).sin());
            for extended in [chain.clone(), chain.with_rest(0.3)] {
                let objective = Objective::new(&chain, &extended, &layout, 1);
                let gradient = objective.at(&x).expect("feasible").gradient(4.0);
                for i in 0..x.len() {
                    let value = |change: f64| {
                        let mut moved = x.clone();
                        moved[i] += change;
                        objective.at(&moved).expect("feasible").smooth(4.0)
                    };
                    let difference = (value(STEP) - value(-STEP)) / (2.0 * STEP);
                    assert!(
                        (gradient[i] - difference).abs() < 1e-8,
                        "slopes from {lower}, {norms:?}, variable {i}: {} is not {difference}",
                        gradient[i]
                    );
                }
            }
        }
    }
}
