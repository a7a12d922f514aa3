//! No proved bound is ever below the formal constant, on thousands of tiny networks whose constant is enumerated.

use std::collections::BTreeMap;

use rand::Rng;
use tightlip::{Context, Decline, Failure, Method, choose};
use tightlip_certify::Refusal;
use tightlip_model::{IncrementSystem, OutputSelection, Query};
use tightlip_tests::{
    ACTIVATIONS, bound_with, brute_force_fgl, chain, generator, limits, random_weights, upper_methods,
};

/// Networks drawn.
const NETWORKS: usize = 2000;
/// Rounding of the enumerated constant.
const ROUNDING: f64 = 1e-12;

/// The method with few iterations, where their number can be chosen: thousands of runs, and points far from the optimum are
/// proved as well.
fn short(method: &dyn Method) -> Box<dyn Method> {
    let counted = method.options().iter().any(|option| option.name == "iterations");
    let spec = if counted { format!("{}:iterations=30", method.name()) } else { method.name().to_owned() };
    choose(&spec).expect("a method of the list with an option of its own")
}

#[test]
fn brute_force_never_exceeds_a_proved_bound_and_the_bounds_are_ordered() {
    let mut random = generator(2026);
    let mut refused = 0;
    let methods: Vec<Box<dyn Method>> = upper_methods().map(short).collect();
    for draw in 0..NETWORKS {
        let depth = 1 + draw % 4;
        let mut dims = vec![random.random_range(1..=4)];
        // At most nine neurons, so that all 2^9 patterns can be tried.
        dims.extend((0..depth).map(|_| random.random_range(1..=if depth < 3 { 4 } else { 9 / depth })));
        dims.push(random.random_range(1..=3));
        let activation = ACTIVATIONS[draw / 4 % ACTIVATIONS.len()];
        let weights = random_weights(&dims, 0.15, &mut random);
        let network = chain(&weights, activation);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let constant = brute_force_fgl(&system);
        let mut values = BTreeMap::new();
        for method in &methods {
            match bound_with(&network, OutputSelection::All, method.as_ref()) {
                Ok(outcome) => {
                    let (value, name) = (outcome.bound.value(), method.name());
                    assert!(
                        value >= constant * (1.0 - ROUNDING),
                        "draw {draw} {activation} {name}: {value} < {constant}"
                    );
                    values.insert(name, value);
                }
                // Some methods are for one hidden layer and one output.
                Err(Failure::Declined(Decline::Shape { .. })) => {}
                // An honest refusal is allowed, if rare; anything else is a defect.
                Err(Failure::Refused { refusal: Refusal::NotPositive { .. }, .. }) => {
                    refused += 1;
                    values.insert(method.name(), f64::INFINITY);
                }
                Err(failure) => panic!("draw {draw} {activation} {dims:?} {}: {failure}", method.name()),
            }
        }
        let [product, layer, neuron, lifted] =
            ["norm-product", "lipsdp-layer.full.clarabel", "lipsdp-neuron.full.clarabel", "lipsdp-neuron.lifted"]
                .map(|name| values[name]);
        // The lifted method stops at a gap of 1e-5.
        assert!(lifted <= neuron * (1.0 + 1e-5), "draw {draw} {activation}: lifted {lifted} > neuron {neuron}");
        assert!(neuron <= lifted * (1.0 + 1e-6), "draw {draw} {activation}: neuron {neuron} > lifted {lifted}");
        assert!(neuron <= layer * (1.0 + 1e-6), "draw {draw} {activation}: neuron {neuron} > layer {layer}");
        assert!(layer <= product * (1.0 + 1e-6), "draw {draw} {activation}: layer {layer} > product {product}");
    }
    assert!(refused == 0, "{refused} proofs were refused");
}

#[test]
fn witnessed_lower_bounds_never_exceed_the_enumerated_constant() {
    let mut random = generator(7);
    for draw in 0..100 {
        let dims = [random.random_range(1..=3), random.random_range(1..=4), random.random_range(1..=3)];
        let activation = ACTIVATIONS[draw % ACTIVATIONS.len()];
        let network = chain(&random_weights(&dims, 0.1, &mut random), activation);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let constant = brute_force_fgl(&system);
        let query = Query::euclidean(OutputSelection::All);
        let outcome = tightlip::bound(&network, query, None, &Context::silent(limits())).expect("a bound");
        if let Some(lower) = outcome.report.lower {
            assert!(
                lower.value <= constant * (1.0 + ROUNDING),
                "draw {draw} {activation}: {} > {constant}",
                lower.value
            );
            assert!(lower.value >= 0.0 && lower.value <= outcome.bound.value(), "draw {draw} {activation}");
        } else {
            assert_eq!(constant, 0.0, "draw {draw} {activation}: no lower bound");
        }
    }
}
