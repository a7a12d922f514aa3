//! First-order methods from the multipliers of layerwise bounds: what they start with they keep, and they go on from there.

use tightlip::{Outcome, choose};
use tightlip_model::{Activation, Network, Norm, Query, random_network};
use tightlip_tests::{DIRECT_NORMS, answer, question};

/// The answer of a method with options.
fn outcome(network: &Network, query: Query, method: &str) -> Outcome {
    answer(network, query, choose(method).expect("a method").as_ref(), 1e-7).expect("a bound")
}

/// The proved bound.
fn bound(network: &Network, query: Query, method: &str) -> f64 {
    outcome(network, query, method).bound.value()
}

#[test]
fn one_step_from_a_layerwise_bound_proves_about_that_bound() {
    // The steps of a method at its start may not lose what the start is worth, whatever the norms and slopes.
    let activations = [Activation::Relu, Activation::LeakyRelu { slope: 0.2 }, Activation::Sigmoid];
    for (seed, activation) in activations.into_iter().enumerate() {
        let network = random_network(&[4, 8, 6, 3], activation, seed as u64).expect("valid");
        for (input_norm, output_norm) in DIRECT_NORMS {
            let query = question(input_norm, output_norm);
            let product = bound(&network, query, "autolip");
            for init in ["eclipse-fast", "multiplier-descent"] {
                let wanted = bound(&network, query, init);
                assert!(wanted < 0.99 * product, "the starts differ: {wanted}, {product}");
                for method in ["bundle", "subgradient", "lipdiff"] {
                    if method == "lipdiff" && output_norm != Norm::L2 {
                        continue;
                    }
                    let outcome = outcome(&network, query, &format!("lipsdp-neuron.{method}:init={init}:iterations=1"));
                    let name = format!("{method} from {init}, {activation:?} {input_norm} → {output_norm}");
                    let found = outcome.bound.value();
                    assert!(found <= wanted * (1.0 + 1e-6), "{name}: {found} after {wanted}");
                    // The method is there itself: what it claims is the bound of the start, but for what its step does.
                    let claimed = outcome.report.claimed;
                    assert!(claimed <= wanted * (1.0 + 0.01), "{name}: {claimed} claimed after {wanted}");
                }
            }
        }
    }
}

#[test]
fn a_good_start_saves_steps_and_the_optimum_stays_the_same() {
    let network = random_network(&[6, 12, 12, 4], Activation::Relu, 4).expect("valid");
    for (input_norm, output_norm) in DIRECT_NORMS {
        let query = question(input_norm, output_norm);
        let optimum = bound(&network, query, "lipsdp-neuron.full.clarabel");
        let gap = |method: &str| {
            let found = bound(&network, query, method);
            assert!(found >= optimum * (1.0 - 1e-6), "{method}: {found} is below {optimum}");
            found / optimum - 1.0
        };
        let iterations = |init: &str| {
            let method = format!("lipsdp-neuron.bundle:init={init}");
            assert!(gap(&method) < 1e-5, "{method} {input_norm} → {output_norm}");
            outcome(&network, query, &method).report.iterations.expect("counted")
        };
        let (cold, warm) = (iterations("product"), iterations("multiplier-descent"));
        assert!(warm <= cold, "{input_norm} → {output_norm}: {warm} steps of the bundle, {cold} from the product");
        let steps = |init: &str| gap(&format!("lipsdp-neuron.subgradient:init={init}:iterations=100"));
        let (cold, warm) = (steps("product"), steps("multiplier-descent"));
        assert!(warm < 0.5 * cold, "{input_norm} → {output_norm}: {warm:e} by subgradients, {cold:e} from the product");
    }
}
