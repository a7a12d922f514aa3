//! ECLipsE: Newton's method against Clarabel, against the published networks and against brute force.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::Value;
use tightlip::Context;
use tightlip_bench::eclipse_network;
use tightlip_model::{
    Activation, IncrementSystem, Layer, LinearMap, Network, Norm, OutputSelection, Query, spectral_norm,
};
use tightlip_tests::{
    ACTIVATIONS, Weights, answer, bound_with, brute_force_fgl, chain, generator, limits, question, random_weights,
    value_of,
};

/// Relative difference allowed where two methods solve the same stages: early ones to 1e-8, and their multipliers, which are exact to the
/// root of that at worst, go through the stages after.
const APART: f64 = 1e-5;
/// Proofs cost this much, relative.
const PROOF: f64 = 1e-6;

fn networks() -> BTreeMap<String, Value> {
    let file: Value = serde_json::from_str(include_str!("golden/layerwise.json")).expect("the golden file is JSON");
    serde_json::from_value(file["networks"].clone()).expect("a map of networks")
}

/// A random chain of one to four hidden layers of the given largest width.
fn random_chain(widest: usize, activation: Activation, random: &mut impl Rng, draw: u64) -> Network {
    let hidden = random.random_range(1..=4);
    let dims: Vec<usize> = (0..hidden + 2).map(|_| random.random_range(1..=widest)).collect();
    chain(&random_weights(&dims, 0.1, &mut generator(draw)), activation)
}

#[test]
fn golden_values_are_eclipses_own_even_where_eclipse_fast_is_better() {
    for (name, golden) in networks() {
        let weights: Weights = serde_json::from_value(golden["weights"].clone()).expect("weights");
        let network = chain(&weights, Activation::Relu);
        let expected = golden["values"]["eclipse"].as_f64().expect("a number");
        for method in ["eclipse", "eclipse.clarabel"] {
            let value = value_of(&network, OutputSelection::All, method);
            assert!((value / expected - 1.0).abs() < 1e-5, "{name} {method}: {value}, want {expected}");
        }
    }
}

#[test]
fn newton_and_clarabel_agree_on_random_networks_of_every_slope() {
    let (mut random, mut different) = (generator(41), 0);
    for draw in 0..200 {
        let activation = ACTIVATIONS[draw as usize % ACTIVATIONS.len()];
        let network = random_chain(6, activation, &mut random, draw);
        let [newton, clarabel] =
            ["eclipse", "eclipse.clarabel"].map(|method| value_of(&network, OutputSelection::All, method));
        assert!(newton <= clarabel * (1.0 + APART), "draw {draw} {activation:?}: {newton} above Clarabel's {clarabel}");
        // Where a stage has several optima, as behind a narrow next layer, or Clarabel stops early, they go on from different points.
        different += usize::from(newton < clarabel * (1.0 - APART));
    }
    assert!(different <= 10, "{different} of 200 networks have another value");
}

#[test]
fn one_hidden_layer_is_lipsdp_neuron_and_more_are_never_below_it_nor_below_brute_force() {
    let mut random = generator(43);
    for draw in 0..80 {
        let activation = ACTIVATIONS[draw as usize % ACTIVATIONS.len()];
        let network = random_chain(4, activation, &mut random, 1000 + draw);
        let query = Query::euclidean(OutputSelection::All);
        let [eclipse, neuron] = ["eclipse", "lipsdp-neuron.interior"].map(|method| {
            let method = tightlip::method_named(method).expect("a method of the list");
            answer(&network, query, method, 1e-9).expect("a bound").report.claimed
        });
        assert!(eclipse >= neuron * (1.0 - 1e-8), "draw {draw}: {eclipse} is below the optimum {neuron}");
        if network.hidden().len() == 1 {
            assert!(eclipse <= neuron * (1.0 + 2e-8), "draw {draw} {activation:?}: {eclipse}, LipSDP-Neuron {neuron}");
        }
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("outputs");
        let fgl = brute_force_fgl(&system);
        let proved = value_of(&network, OutputSelection::All, "eclipse");
        assert!(proved >= fgl * (1.0 - 1e-12), "draw {draw} {activation:?}: {proved} is below {fgl}");
    }
}

/// Published networks: n, L, exact / product, ECLipsE / product, to five digits.
const TABLE: [(usize, usize, f64, f64); 8] = [
    (20, 2, 0.83950, 0.83950),
    (20, 5, 0.78226, 0.78360),
    (20, 10, 0.69849, 0.70056),
    (20, 20, 0.61932, 0.62289),
    (40, 2, 0.81486, 0.81486),
    (40, 5, 0.80250, 0.80321),
    (40, 10, 0.79263, 0.79322),
    (40, 20, 0.70837, 0.70928),
];

/// Product of the norms of the weights, and the norm of their product.
fn product_and_exact(network: &Network) -> (f64, f64) {
    let (mut product, mut whole) = (1.0, LinearMap::identity(network.outputs()).to_dense());
    for layer in network.layers().iter().rev() {
        if let Layer::Affine(affine) = layer {
            product *= spectral_norm(affine.map().to_dense().as_ref());
            whole = affine.map().apply_transpose(whole.as_ref());
        }
    }
    (product, spectral_norm(whole.as_ref()))
}

#[test]
fn the_published_networks_have_the_values_of_the_prototype_to_the_digits_printed() {
    for (neurons, layers, exact, eclipse) in TABLE {
        let network = eclipse_network(neurons, layers, 0).expect("a size of the experiments");
        let (product, constant) = product_and_exact(&network);
        let value = value_of(&network, OutputSelection::All, "eclipse");
        // Half a unit of the last digit, and the proof.
        for (found, printed) in [(constant, exact), (value, eclipse)] {
            assert!((found / product - printed).abs() < 5e-6 + PROOF, "n {neurons}, L {layers}: {found} / {product}");
        }
        assert!(value >= constant, "n {neurons}, L {layers}");
    }
}

#[test]
fn badly_scaled_wide_tall_and_repeated_layers_have_an_answer_as_good_as_clarabels() {
    let mut random = generator(47);
    for draw in 0..40 {
        let dims = [[3, 1, 7, 2], [5, 9, 2, 4], [2, 8, 8, 1], [8, 3, 9, 9]][draw % 4];
        let mut weights = random_weights(&dims, 0.0, &mut random);
        for row in &mut weights[0] {
            let unit = 10_f64.powi(random.random_range(-4..=4));
            for weight in row {
                *weight *= unit;
            }
        }
        // The second layer reads one neuron twice, and has low rank.
        weights[1] = weights[1].iter().map(|_| weights[1][0].clone()).collect();
        let network = chain(&weights, Activation::Relu);
        let [newton, clarabel] =
            ["eclipse", "eclipse.clarabel"].map(|method| value_of(&network, OutputSelection::All, method));
        assert!(newton <= clarabel * (1.0 + 1e-5), "draw {draw}: {newton}, Clarabel {clarabel}");
    }
}

#[test]
fn two_hundred_layers_stay_in_range() {
    let mut dims = vec![6; 201];
    dims[200] = 1;
    let network = chain(&random_weights(&dims, 0.0, &mut generator(53)), Activation::Relu);
    let [eclipse, product] = ["eclipse", "norm-product"].map(|method| {
        let outcome = bound_with(&network, OutputSelection::All, tightlip::method_named(method).expect("a method"));
        outcome.expect("a bound").bound.value()
    });
    assert!(eclipse > 0.0 && eclipse < 1e-3 * product, "{eclipse} of {product}");
}

#[test]
fn other_ends_pay_the_root_of_their_size() {
    let network = chain(&random_weights(&[4, 5, 3], 0.0, &mut generator(59)), Activation::Relu);
    let method = tightlip::method_named("eclipse").expect("a method of the list");
    let value = |input, output| answer(&network, question(input, output), method, 1e-7).expect("a bound").bound.value();
    let euclidean = value(Norm::L2, Norm::L2);
    assert!((value(Norm::LInf, Norm::L2) / (2.0 * euclidean) - 1.0).abs() < PROOF);
    assert!((value(Norm::LInf, Norm::L1) / (12_f64.sqrt() * euclidean) - 1.0).abs() < PROOF);
}

#[test]
fn a_time_limit_leaves_a_proved_bound_that_says_so() {
    let network = eclipse_network(40, 20, 0).expect("a size of the experiments");
    let mut limited = limits();
    limited.deadline = Some(Instant::now() + Duration::from_millis(1));
    let method = tightlip::method_named("eclipse").expect("a method of the list");
    let query = Query::euclidean(OutputSelection::All);
    let outcome = tightlip::upper_bound(&network, query, Some(method), &Context::silent(limited)).expect("a bound");
    assert!(outcome.report.interrupted, "{}", outcome.report.status);
    assert!(outcome.report.status.contains("ECLipsE-Fast from layer"), "{}", outcome.report.status);
    let fast = value_of(&network, OutputSelection::All, "eclipse-fast");
    assert!(outcome.bound.value() <= fast * (1.0 + PROOF), "{} of {fast}", outcome.bound.value());
}

#[test]
fn wide_layers_are_not_for_clarabel() {
    let network = eclipse_network(80, 5, 0).expect("a size of the experiments");
    let method = tightlip::method_named("eclipse.clarabel").expect("a method of the list");
    let declined = bound_with(&network, OutputSelection::All, method).expect_err("cones of order 160").to_string();
    assert!(declined.contains("order 160") && declined.contains("take eclipse"), "{declined}");
}
