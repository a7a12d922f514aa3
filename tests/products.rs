//! Products of norms, AutoLip and CP-Lip: golden values, soundness for all norms, identities, depth.

use std::collections::BTreeMap;
use std::time::Instant;

use rand::Rng;
use serde_json::Value;
use tightlip::{Context, Decline, Failure, Outcome, choose};
use tightlip_certify::{Certificate, Refusal, prove, round_multipliers};
use tightlip_layerwise::{Feasible, autolip, cp_lip};
use tightlip_model::{
    Activation, Edge, IncrementSystem, LinearMap, Multipliers, Network, Norm, OutputSelection, Query, SlopeInterval,
};
use tightlip_tests::{
    ACTIVATIONS, DIRECT_NORMS, Weights, answer, brute_force_fgl, brute_force_fgl_of, chain, generator, limits,
    question, random_weights, smallest_proof,
};

const NORMS: [Norm; 3] = [Norm::L2, Norm::LInf, Norm::L1];

/// Published values have nine digits or more; the margin of the rounding takes 1e-9 for each layer.
const DIGITS: f64 = 1e-8;

fn networks(text: &str) -> BTreeMap<String, Value> {
    let file: Value = serde_json::from_str(text).expect("the golden file is JSON");
    serde_json::from_value(file["networks"].clone()).expect("a map of networks")
}

fn weights(network: &Value) -> Weights {
    serde_json::from_value(network["weights"].clone()).expect("weights of a network")
}

fn outcome(network: &Network, query: Query, method: &str) -> Outcome {
    let chosen = choose(method).expect("a method of the list");
    answer(network, query, chosen.as_ref(), 1e-5).unwrap_or_else(|failure| panic!("{method}: {failure}"))
}

fn value(network: &Network, query: Query, method: &str) -> f64 {
    outcome(network, query, method).bound.value()
}

fn assert_golden(name: &str, proved: f64, golden: &Value) {
    let golden = golden.as_f64().expect("a number");
    assert!((proved / golden - 1.0).abs() < DIGITS, "{name}: proved {proved}, golden {golden}");
}

#[test]
fn published_products_and_cp_lip_are_met() {
    let euclidean = Query::euclidean(OutputSelection::All);
    let files = [
        (include_str!("golden/layerwise.json"), "values", ["product", "cp_lip"]),
        (include_str!("golden/sdp.json"), "full_output", ["product_l2", "cp_lip_l2"]),
    ];
    for (text, table, [product, cp]) in files {
        for (name, golden) in networks(text) {
            let network = chain(&weights(&golden), Activation::Relu);
            for (method, key) in [("norm-product", product), ("autolip", product), ("cp-lip", cp)] {
                assert_golden(&format!("{name} {method}"), value(&network, euclidean, method), &golden[table][key]);
            }
        }
    }
}

#[test]
fn products_of_row_sums_are_those_of_geolip_and_the_smallest_product_is_not_above() {
    for (name, golden) in networks(include_str!("golden/sdp.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        for (output, expected) in golden["per_output"].as_object().expect("a map of outputs") {
            let output = OutputSelection::Single(output.parse().expect("an index"));
            let query = Query { output, ..question(Norm::LInf, Norm::L2) };
            let rows = value(&network, query, "norm-product:cuts=input");
            assert_golden(&format!("{name} {output}"), rows, &expected["product_linf"]);
            assert!(value(&network, query, "norm-product") <= rows * (1.0 + DIGITS));
        }
    }
}

/// Weights of a kind that is hard on something.
fn hard_weights(kind: u64, dims: &[usize], seed: u64) -> Weights {
    let mut random = generator(seed);
    let mut weights = random_weights(dims, 0.2, &mut random);
    for matrix in &mut weights {
        match kind {
            // Rows and columns from 1e-6 to 1e6.
            1 => matrix.iter_mut().for_each(|row| {
                let factor = 10f64.powi(random.random_range(-6..=6));
                for entry in row {
                    *entry *= factor;
                }
            }),
            2 => matrix.iter_mut().flatten().for_each(|entry| *entry = entry.abs()),
            // Rank one.
            3 => {
                let first = matrix[0].clone();
                for (i, row) in matrix.iter_mut().enumerate() {
                    row.iter_mut().zip(&first).for_each(|(entry, base)| *entry = (i as f64 - 1.5) * base);
                }
            }
            _ => {}
        }
    }
    weights
}

#[test]
fn no_bound_between_any_norms_is_below_the_formal_constant_and_every_certificate_is_proved_again() {
    let dims: [&[usize]; 4] = [&[3, 4, 2], &[2, 3, 3, 3], &[4, 2, 3, 2, 1], &[3, 2]];
    for seed in 0..48 {
        let weights = hard_weights(seed % 4, dims[seed as usize / 4 % 4], seed);
        let network = chain(&weights, ACTIVATIONS[seed as usize % 8]);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        for (input, output) in NORMS.into_iter().flat_map(|input| NORMS.map(|output| (input, output))) {
            let query = question(input, output);
            let constant = brute_force_fgl_of(&system, &query);
            let direct = DIRECT_NORMS.contains(&(input, output));
            let methods = ["norm-product", "norm-product:cuts=input", "autolip", "cp-lip"];
            for method in methods.into_iter().take(if direct { 4 } else { 2 }) {
                let outcome = outcome(&network, query, method);
                let bound = outcome.bound.value();
                let name = format!("seed {seed}, ℓ{input} → ℓ{output}, {method}");
                assert!(bound >= constant * (1.0 - 1e-12), "{name}: {bound} is below {constant}");
                let claimed = outcome.report.claimed;
                assert!((bound - claimed).abs() <= 1e-6 * claimed, "{name}: {bound}, claimed {claimed}");
                let text = outcome.certificate.to_json().expect("finite");
                let again = Certificate::from_json(&text).expect("own file").verify(&network, &limits());
                assert_eq!(again.expect("accepted").value(), bound, "{name}");
            }
        }
    }
}

#[test]
fn cp_lip_is_at_most_the_product_and_autolip_is_the_product_on_chains() {
    let mut compared = 0;
    for seed in 0..48 {
        let activation = if seed % 2 == 0 { Activation::Relu } else { ACTIVATIONS[seed as usize / 2 % 8] };
        let network = chain(&hard_weights(seed / 2 % 4, &[3, 5, 4, 6, 2], seed), activation);
        let [product, autolip, cp] =
            ["norm-product", "autolip", "cp-lip"].map(|method| value(&network, question(Norm::L2, Norm::L2), method));
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        // AutoLip leaves dead signals out.
        let all_live = system.live().iter().flatten().all(|live| *live);
        assert!(autolip <= product * (1.0 + DIGITS), "seed {seed}: {autolip}, product {product}");
        assert!(!all_live || autolip >= product * (1.0 - DIGITS), "seed {seed}: {autolip}, product {product}");
        compared += usize::from(all_live);
        let slopes = activation.slope_interval();
        if (slopes.lower(), slopes.upper()) == (0.0, 1.0) {
            assert!(cp <= product * (1.0 + DIGITS), "seed {seed}: {cp}, product {product}");
        }
    }
    assert!(compared > 12, "only {compared} networks without dead signals");
}

/// The bound as a plain sum over all ways to cut the layers into segments.
fn sum_over_segmentations(weights: &Weights) -> f64 {
    let matrices: Vec<_> = weights.iter().map(|rows| LinearMap::from_rows(rows).to_dense()).collect();
    let cuts = matrices.len() - 1;
    let term = |chosen: u32| {
        let mut product = matrices[0].clone();
        let mut value = 1.0;
        for (at, matrix) in matrices.iter().enumerate().skip(1) {
            if chosen >> (at - 1) & 1 == 1 {
                value *= tightlip_model::spectral_norm(product.as_ref());
                product = matrix.clone();
            } else {
                product = matrix * &product;
            }
        }
        value * tightlip_model::spectral_norm(product.as_ref())
    };
    (0..1 << cuts).map(term).sum::<f64>() * (0..cuts).map(|_| 0.5).product::<f64>()
}

#[test]
fn the_recursion_of_cp_lip_is_the_sum_over_all_segmentations() {
    for seed in 0..8 {
        let mut weights = random_weights(&[4, 5, 3, 6, 4, 20, 18, 3], 0.1, &mut generator(seed));
        weights.iter_mut().flatten().flatten().for_each(|entry| *entry *= 3.0);
        let expected = sum_over_segmentations(&weights);
        let system =
            IncrementSystem::of_network(&chain(&weights, Activation::Tanh), OutputSelection::All).expect("valid");
        let found = cp_lip(&system, &|| false).expect("two slopes").bound;
        assert!((found / expected - 1.0).abs() < 1e-12, "seed {seed}: {found}, want {expected}");
        // Stopped at once: norms of longer products are bounded by those of their parts, which is larger but sound.
        let hurried = cp_lip(&system, &|| true).expect("two slopes");
        assert!(!hurried.is_complete && hurried.bound > expected);
        let proof =
            prove(&system, &question(Norm::L2, Norm::L2), &round_multipliers(&hurried.multipliers, 1e-9), &limits());
        let proved = proof.expect("feasible").value();
        assert!(proved >= hurried.bound && proved <= hurried.bound * (1.0 + 1e-6), "seed {seed}: {proved}");
    }
}

/// Whether no margin up to 1e-3 proves the multipliers.
fn is_refused(system: &IncrementSystem, multipliers: &Multipliers) -> bool {
    (0..11).all(|step| {
        let rounded = round_multipliers(multipliers, 1e-9 * 4f64.powi(step));
        matches!(prove(system, &question(Norm::L2, Norm::L2), &rounded, &limits()), Err(Refusal::NotPositive { .. }))
    })
}

#[test]
fn half_of_cp_lip_as_a_published_code_has_it_is_refused() {
    let files = [include_str!("golden/layerwise.json"), include_str!("golden/sdp.json")];
    for (name, golden) in files.into_iter().flat_map(networks) {
        let network = chain(&weights(&golden), Activation::Relu);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let Feasible { multipliers, .. } = cp_lip(&system, &|| false).expect("two slopes");
        assert!(!is_refused(&system, &multipliers), "{name}");
        let halved = Multipliers {
            input: multipliers.input.scaled(0.5),
            hidden: multipliers.hidden.clone(),
            output: multipliers.output.scaled(0.5),
        };
        let with_weights_of_half = Multipliers {
            hidden: multipliers.hidden.iter().map(|block| block.iter().map(|lambda| 2.0 * lambda).collect()).collect(),
            ..halved.clone()
        };
        assert!(is_refused(&system, &halved) && is_refused(&system, &with_weights_of_half), "{name}");
    }
}

#[test]
fn networks_of_two_hundred_layers_have_bounds_by_every_method() {
    for (activation, size) in
        [(Activation::Relu, 1.0), (Activation::Tanh, 0.4), (Activation::LeakyRelu { slope: 0.1 }, 1.5)]
    {
        let mut dims = vec![6; 201];
        (dims[0], dims[200]) = (3, 2);
        let mut weights = random_weights(&dims, 0.0, &mut generator(7));
        weights.iter_mut().flatten().flatten().for_each(|entry| *entry *= size);
        let network = chain(&weights, activation);
        let query = question(Norm::L2, Norm::L2);
        let [product, autolip, cp] = ["norm-product", "autolip", "cp-lip"].map(|method| value(&network, query, method));
        assert!((autolip / product - 1.0).abs() < 1e-6 && cp < product, "{activation}: {product}, {autolip}, {cp}");
        assert!(value(&network, question(Norm::LInf, Norm::L1), "norm-product").is_finite());
    }
}

#[test]
fn bounds_scale_with_the_weights() {
    let dims = [3, 5, 4, 2];
    let weights = random_weights(&dims, 0.1, &mut generator(11));
    let network = chain(&weights, Activation::Relu);
    for (layer, factor) in [(0, 3.7), (1, 1e-5), (2, 1e7)] {
        let mut scaled = weights.clone();
        scaled[layer].iter_mut().flatten().for_each(|entry| *entry *= factor);
        let scaled = chain(&scaled, Activation::Relu);
        for (method, query) in ["norm-product", "autolip", "cp-lip"]
            .into_iter()
            .flat_map(|method| DIRECT_NORMS.map(|(input, output)| (method, question(input, output))))
        {
            let (plain, other) = (value(&network, query, method), value(&scaled, query, method));
            assert!((other / plain / factor - 1.0).abs() < 1e-12, "{method} layer {layer}: {plain}, {other}");
        }
    }
}

/// A system in which the input is also read by the second block and the output, the first block by the output.
fn residual_system(seed: u64, slopes: &[SlopeInterval]) -> IncrementSystem {
    let mut random = generator(seed);
    let sizes = [2, 3, 3, 2];
    let edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)].map(|(from, to)| {
        let weights = random_weights(&[sizes[from], sizes[to]], 0.2, &mut random);
        Edge { from, to, map: LinearMap::from_rows(&weights[0]) }
    });
    let hidden = (0..2).map(|_| (0..3).map(|_| slopes[random.random_range(0..slopes.len())]).collect()).collect();
    IncrementSystem::new(2, hidden, 2, edges.to_vec()).expect("valid")
}

#[test]
fn autolip_with_skip_connections_is_proved_for_every_kind_of_slopes() {
    let intervals = [(0.0, 1.0), (0.1, 1.0), (-0.5, 1.0), (0.0, 0.25), (-1.0, 0.5), (-1.2, 0.0), (0.6, 0.7)];
    let slopes = intervals.map(|(lower, upper)| SlopeInterval::new(lower, upper).expect("an interval"));
    for seed in 0..40 {
        let system = residual_system(seed, &slopes);
        let found = autolip(&system, &|| false).expect("two slopes");
        let proved = smallest_proof(&system, &question(Norm::L2, Norm::L2), &[found.multipliers]);
        assert!(proved >= brute_force_fgl(&system), "seed {seed}");
        assert!((proved / found.bound - 1.0).abs() < 1e-6, "seed {seed}: {proved}, claimed {}", found.bound);
    }
}

#[test]
fn linear_neurons_are_declined_by_name() {
    let network = chain(&hard_weights(0, &[2, 3, 2], 3), Activation::LeakyRelu { slope: 1.0 });
    for method in ["autolip", "cp-lip"] {
        let chosen = choose(method).expect("listed");
        let failure = answer(&network, question(Norm::L2, Norm::L2), chosen.as_ref(), 1e-5).expect_err("linear");
        assert!(matches!(failure, Failure::Declined(Decline::Shape { .. })), "{failure}");
        assert!(failure.to_string().contains("hidden layer 1, which is linear"), "{failure}");
    }
    assert!(value(&network, question(Norm::L2, Norm::L2), "norm-product").is_finite());
}

#[test]
fn the_baseline_stands_in_for_questions_in_cases_without_going_over_them() {
    let network = chain(&hard_weights(0, &[6, 8, 8, 7], 5), Activation::Relu);
    let mut context = Context::silent(limits());
    context.limits.deadline = Some(Instant::now());
    let query = question(Norm::L1, Norm::LInf);
    let outcome = tightlip::upper_bound(&network, query, None, &context).expect("the baseline is always there");
    let product = value(&network, query, "norm-product");
    assert!(outcome.bound.value() <= product, "{} for {product}", outcome.bound.value());
    assert!(product < value(&network, question(Norm::L2, Norm::L2), "norm-product"), "the norms matter here");
    assert!(outcome.certificate.cases.is_empty());
    assert_eq!(outcome.certificate.verify(&network, &limits()).expect("accepted").value(), outcome.bound.value());
}
