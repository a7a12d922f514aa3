//! The projected subgradient method: close to LipSDP-Neuron for every pair of norms, and never below it.

use tightlip::choose;
use tightlip_model::{Activation, Norm, Query, random_network};
use tightlip_tests::{DIRECT_NORMS, answer, question};

/// The proved bound and the proved bound of the relaxation from below.
fn bounds(network: &tightlip_model::Network, query: Query, method: &str) -> (f64, Option<f64>) {
    let method = choose(method).expect("a method");
    let outcome = answer(network, query, method.as_ref(), 1e-7).expect("a bound");
    (outcome.bound.value(), outcome.report.relaxation_lower)
}

#[test]
fn a_thousand_steps_come_close_for_all_norms_and_slopes() {
    // For slopes other than [0, s] the retraction is not exact, and some of what it claims is not proved.
    let activations =
        [(Activation::Relu, 0.02), (Activation::LeakyRelu { slope: 0.2 }, 0.1), (Activation::Sigmoid, 0.02)];
    for (seed, (activation, tolerance)) in activations.into_iter().enumerate() {
        let network = random_network(&[4, 8, 6, 3], activation, seed as u64).expect("valid");
        for (input_norm, output_norm) in DIRECT_NORMS {
            let query = question(input_norm, output_norm);
            let (optimum, _) = bounds(&network, query, "lipsdp-neuron.full.clarabel");
            let (found, lower) = bounds(&network, query, "lipsdp-neuron.subgradient:iterations=1000");
            let name = format!("{activation:?} {input_norm} → {output_norm}");
            assert!(found >= optimum * (1.0 - 1e-6), "{name}: {found} is below {optimum}");
            assert!(found <= optimum * (1.0 + tolerance), "{name}: {found} is far above {optimum}");
            assert!(
                lower.is_some_and(|lower| lower <= optimum * (1.0 + 1e-9) && lower > 0.5 * optimum),
                "{name}: {lower:?}"
            );
        }
    }
}

#[test]
fn more_steps_are_never_worse_and_end_closer() {
    let network = random_network(&[6, 12, 12, 2], Activation::Relu, 4).expect("valid");
    let query = question(Norm::L2, Norm::L2);
    let (optimum, _) = bounds(&network, query, "lipsdp-neuron.full.clarabel");
    let mut last = f64::INFINITY;
    for iterations in [1, 30, 300, 3000] {
        let (found, _) = bounds(&network, query, &format!("lipsdp-neuron.subgradient:iterations={iterations}"));
        assert!(found <= last * (1.0 + 1e-9), "{iterations}: {found} after {last}");
        last = found;
    }
    assert!((last / optimum - 1.0).abs() < 1e-3, "{last}, the optimum is {optimum}");
}
