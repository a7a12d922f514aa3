//! Closed forms: golden values, the published table, soundness on ten thousand networks, depth, scaling, all of them at once.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tightlip::{Answer, Context, Decline, Failure, Kind, METHODS, Method, choose, closed_forms};
use tightlip_bench::eclipse_network;
use tightlip_layerwise::{Chain, Forward, Rule};
use tightlip_model::{Activation, IncrementSystem, Norm, OutputSelection, Query, Reduction, Scaling};
use tightlip_tests::{
    ACTIVATIONS, DIRECT_NORMS, Weights, bound_with, brute_force_fgl, brute_force_fgl_of, chain, generator, limits,
    question, value_of,
};

/// Rounding of the enumerated constant.
const ROUNDING: f64 = 1e-12;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/layerwise.json")).expect("the golden file is JSON")
}

fn weights_of(network: &Value) -> Weights {
    serde_json::from_value(network["weights"].clone()).expect("weights of a network")
}

/// What `method` claims, and what was proved.
fn claimed_and_proved(weights: &Weights, activation: Activation, method: &str) -> (f64, f64) {
    let network = chain(weights, activation);
    let method = choose(method).expect("a method of the list");
    let outcome = bound_with(&network, OutputSelection::All, method.as_ref()).expect("a bound");
    (outcome.report.claimed, outcome.bound.value())
}

#[test]
fn closed_forms_have_their_golden_values() {
    const DIGITS: f64 = 1e-8;
    let methods = [
        ("eclipse-fast", "eclipse_fast"),
        ("syed-hu.sn:c=1", "eclipse_fast"),
        ("syed-hu.sn", "sn1.3"),
        ("syed-hu.sn:c=1.5", "sn1.5"),
        ("syed-hu.gc:c=1", "gc1.0"),
        ("syed-hu.gc:c=1.5", "gc1.5"),
        ("syed-hu.gc", "gc1.7"),
        ("syed-hu.gc:c=1.99", "gc1.99"),
        ("syed-hu.shift:c=1.3", "shift1.3"),
        ("syed-hu.shift:c=1.5", "shift1.5"),
        ("syed-hu.shift", "shift1.7"),
        ("norm-product", "product"),
    ];
    for (name, network) in golden()["networks"].as_object().expect("networks") {
        let weights = weights_of(network);
        let value = |key: &str| network["values"][key].as_f64().expect("a golden value");
        for (method, key) in methods {
            let (claimed, proved) = claimed_and_proved(&weights, Activation::Relu, method);
            assert!((claimed / value(key) - 1.0).abs() < DIGITS, "{name} {method}: {claimed}, golden {}", value(key));
            assert!(proved >= value(key) * (1.0 - 1e-9), "{name} {method}: proved {proved} below {}", value(key));
            assert!(proved <= value(key) * (1.0 + DIGITS), "{name} {method}: proved {proved} above {}", value(key));
        }
        // The published nine do not contain GC 1.0.
        let best = methods[..11].iter().filter(|(_, key)| *key != "gc1.0").map(|(_, key)| value(key));
        let (claimed, _) = claimed_and_proved(&weights, Activation::Relu, "syed-hu");
        let best = best.fold(f64::INFINITY, f64::min);
        assert!((claimed / best - 1.0).abs() < DIGITS, "{name} syed-hu: {claimed}, want {best}");
    }
}

#[test]
fn the_multipliers_of_eclipse_fast_are_the_golden_ones() {
    for (name, network) in golden()["networks"].as_object().expect("networks") {
        let system = IncrementSystem::of_network(&chain(&weights_of(network), Activation::Relu), OutputSelection::All)
            .expect("valid");
        let query = Query::euclidean(OutputSelection::All);
        let reduction = Reduction::new(&system, &query, Scaling::None).expect("not constant");
        let chain = Chain::new(reduction.system()).expect("a chain");
        let forward =
            Rule::Sn(1.0).eliminate(Forward::new(&chain, 1), &|| false).expect("feasible").expect("to the end");
        // In units of M_0 = I: those of the inequality over the value.
        let multipliers = forward.multipliers(forward.value());
        let golden = network["eclipse_fast_lambda"].as_array().expect("one for each layer");
        for (layer, lambda) in multipliers.hidden.iter().zip(golden) {
            for own in layer {
                let own = own / forward.value();
                let lambda = lambda.as_f64().expect("a number");
                assert!((own / lambda - 1.0).abs() < 1e-9, "{name}: {own}, golden {lambda}");
            }
        }
    }
}

/// Neurons, layers, product of norms, ECLipsE-Fast over it: rows of the table computed for the networks of the published figures.
const PUBLISHED: [(usize, usize, f64, f64); 10] = [
    (20, 2, 1.01978, 0.92307),
    (20, 20, 6.72516, 0.79613),
    (20, 100, 0.002_361_17, 0.43038),
    (40, 50, 260.807, 0.73516),
    (60, 10, 0.039_878_3, 0.88764),
    (80, 2, 0.874_981, 0.92463),
    (80, 30, 0.009_884_64, 0.86368),
    (80, 100, 0.053_941_6, 0.75110),
    (100, 5, 0.625_968, 0.92134),
    (100, 100, 95.2627, 0.78278),
];

#[test]
fn eclipse_fast_has_the_published_curve_on_the_networks_of_the_figures() {
    for (neurons, layers, product, ratio) in PUBLISHED {
        let network = eclipse_network(neurons, layers, 0).expect("a network of the family");
        let [own_product, fast] = ["norm-product", "eclipse-fast"].map(|m| value_of(&network, OutputSelection::All, m));
        assert!((own_product / product - 1.0).abs() < 6e-6, "{neurons} × {layers}: product {own_product}");
        assert!((fast / own_product - ratio).abs() < 6e-6, "{neurons} × {layers}: {}", fast / own_product);
    }
    // The sample network of the authors' repository, to all digits they print.
    let sample = eclipse_network(80, 2, 0).expect("a network of the family");
    let fast = bound_with(&sample, OutputSelection::All, choose("eclipse-fast").expect("a method").as_ref());
    assert!((fast.expect("a bound").report.claimed / 0.809_035_197_278_879_7 - 1.0).abs() < 1e-14);
}

/// Entries of standard size and a structure that methods have been caught at.
fn structured(family: usize, dims: &[usize], random: &mut ChaCha8Rng) -> Weights {
    let matrix = |rows: usize, cols: usize, random: &mut ChaCha8Rng| -> Vec<Vec<f64>> {
        let normal = |random: &mut ChaCha8Rng| {
            let sum: f64 = (0..12).map(|_| random.random_range(0.0..1.0)).sum();
            sum - 6.0
        };
        match family {
            // Non-negative.
            1 => (0..rows).map(|_| (0..cols).map(|_| random.random_range(0.0..1.0)).collect()).collect(),
            // Sparse.
            2 => {
                let mut entry = || if random.random_bool(0.7) { 0.0 } else { normal(random) };
                (0..rows).map(|_| (0..cols).map(|_| entry()).collect()).collect()
            }
            // Orthogonal: plane rotations of the identity.
            3 => {
                let mut w: Vec<Vec<f64>> =
                    (0..rows).map(|i| (0..cols).map(|j| f64::from(u8::from(i == j))).collect()).collect();
                for i in 1..rows {
                    let (s, c) = random.random_range(0.0..std::f64::consts::TAU).sin_cos();
                    let (above, below) = w.split_at_mut(i);
                    for (a, b) in above[i - 1].iter_mut().zip(&mut below[0]) {
                        (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
                    }
                }
                w
            }
            // Rank one.
            4 => {
                let left: Vec<f64> = (0..rows).map(|_| normal(random)).collect();
                let right: Vec<f64> = (0..cols).map(|_| normal(random)).collect();
                left.iter().map(|l| right.iter().map(|r| l * r).collect()).collect()
            }
            // Badly scaled rows.
            5 => (0..rows)
                .map(|_| {
                    let scale = 10.0_f64.powi(random.random_range(-4..=4));
                    (0..cols).map(|_| scale * normal(random)).collect()
                })
                .collect(),
            _ => (0..rows).map(|_| (0..cols).map(|_| normal(random)).collect()).collect(),
        }
    };
    dims.windows(2).map(|pair| matrix(pair[1], pair[0], random)).collect()
}

/// The methods that `all-closed-form` shows and that bound something.
fn bounding() -> impl Iterator<Item = &'static dyn Method> {
    METHODS.iter().copied().filter(|method| method.is_closed_form() && method.kind() == Kind::Upper)
}

/// Networks of which a part of all is looked at.
const NETWORKS: usize = 10_000;
/// Parts, each a test of its own.
const PARTS: usize = 4;

/// Every closed form of the networks of one part is at least the enumerated constant, and the bounds are ordered.
fn check_part(part: usize) {
    let mut random = generator(8000 + part as u64);
    for draw in (part..NETWORKS).step_by(PARTS) {
        let depth = 1 + draw % 3;
        let mut dims = vec![random.random_range(1..=3)];
        dims.extend((0..depth).map(|_| random.random_range(1..=if depth == 1 { 6 } else { 6 / depth })));
        dims.push(random.random_range(1..=3));
        let family = draw / 3 % 6;
        // Half of them with slopes [0, 1], the others with every shape of slopes.
        let activation = if draw % 2 == 0 { Activation::Relu } else { ACTIVATIONS[draw / 2 % ACTIVATIONS.len()] };
        let network = chain(&structured(family, &dims, &mut random), activation);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let constant = brute_force_fgl(&system);
        let mut values = BTreeMap::new();
        for method in bounding() {
            let told = format!("draw {draw} family {family} {activation} {dims:?} {}", method.name());
            let outcome = bound_with(&network, OutputSelection::All, method);
            let value = outcome.unwrap_or_else(|failure| panic!("{told}: {failure}")).bound.value();
            assert!(value >= constant * (1.0 - ROUNDING), "{told}: {value} < {constant}");
            values.insert(method.name(), value);
        }
        let ordered = |small: &str, large: &str| {
            let (less, more) = (values[small], values[large]);
            assert!(less <= more * (1.0 + 1e-6), "draw {draw} {activation} {dims:?}: {small} {less} > {large} {more}");
        };
        ordered("syed-hu", "eclipse-fast");
        // With slopes [0, 1] the pivots of ECLipsE-Fast are never below those of the product.
        if activation == Activation::Relu {
            ordered("eclipse-fast", "norm-product");
        }
    }
}

#[test]
fn no_closed_form_is_below_the_constant_first_part() {
    check_part(0);
}

#[test]
fn no_closed_form_is_below_the_constant_second_part() {
    check_part(1);
}

#[test]
fn no_closed_form_is_below_the_constant_third_part() {
    check_part(2);
}

#[test]
fn no_closed_form_is_below_the_constant_fourth_part() {
    check_part(3);
}

#[test]
fn no_choice_of_multipliers_is_below_the_optimum_of_all_choices() {
    let mut random = generator(84);
    // Multipliers of each layer tied, as LipSDP-Layer has them.
    let tied = ["norm-product", "eclipse-fast", "syed-hu.sn"];
    for draw in 0..120 {
        let dims = [3, random.random_range(2..=7), random.random_range(2..=7), random.random_range(1..=3)];
        let activation = if draw % 2 == 0 { Activation::Relu } else { ACTIVATIONS[draw / 2 % ACTIVATIONS.len()] };
        let network = chain(&structured(draw / 3 % 6, &dims, &mut random), activation);
        let value = |name: &str| value_of(&network, OutputSelection::All, name);
        let (neuron, layer) = (value("lipsdp-neuron.interior"), value("lipsdp-layer.interior"));
        for method in bounding() {
            let (name, bound) = (method.name(), value(method.name()));
            // SeqLip maximises over patterns, which no multipliers do; together its factors are no relaxation of the program.
            let least = if tied.contains(&name) { layer } else { neuron };
            let free = name == "seqlip.brute";
            assert!(
                free || bound >= least * (1.0 - 1e-6),
                "draw {draw} {activation} {dims:?} {name}: {bound} < {least}"
            );
        }
    }
}

#[test]
fn other_ends_than_l2_are_bounded_too() {
    let mut random = generator(81);
    for draw in 0..60 {
        let dims = [random.random_range(1..=3), random.random_range(1..=3), random.random_range(1..=3), 2];
        let network = chain(&structured(draw % 6, &dims, &mut random), ACTIVATIONS[draw % ACTIVATIONS.len()]);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        for method in bounding() {
            for (input, output) in DIRECT_NORMS {
                let query = question(input, output);
                let constant = brute_force_fgl_of(&system, &query);
                match tightlip::upper_bound(&network, query, Some(method), &Context::silent(limits())) {
                    Ok(outcome) => {
                        let value = outcome.bound.value();
                        assert!(value >= constant * (1.0 - ROUNDING), "{draw} {} {input}→{output}", method.name());
                    }
                    // Said by name; the ℓ2 norms are everybody's.
                    Err(Failure::Declined(Decline::Norms { .. })) if (input, output) != (Norm::L2, Norm::L2) => {}
                    Err(failure) => panic!("{draw} {} {input}→{output}: {failure}", method.name()),
                }
            }
        }
    }
}

#[test]
fn two_hundred_layers_of_any_scale_neither_overflow_nor_underflow() {
    let mut random = generator(82);
    let dims: Vec<usize> = std::iter::once(4).chain([6; 199]).chain([3]).collect();
    let weights = structured(0, &dims, &mut random);
    for scale in [0.5, 0.15] {
        let scaled: Weights = weights
            .iter()
            .map(|matrix| matrix.iter().map(|row| row.iter().map(|w| scale * w).collect()).collect())
            .collect();
        let network = chain(&scaled, Activation::Relu);
        for method in ["eclipse-fast", "syed-hu", "syed-hu.gc", "syed-hu.shift", "norm-product"] {
            let method = choose(method).expect("a method of the list");
            let outcome = bound_with(&network, OutputSelection::All, method.as_ref());
            let outcome = outcome.unwrap_or_else(|failure| panic!("{scale} {}: {failure}", method.name()));
            let (claimed, proved) = (outcome.report.claimed, outcome.bound.value());
            assert!(claimed.is_normal() && proved <= claimed * (1.0 + 1e-6), "{scale} {}", method.name());
        }
    }
}

#[test]
fn closed_forms_scale_with_every_layer() {
    let mut random = generator(83);
    for draw in 0..20 {
        let weights = structured(draw % 6, &[3, 5, 4, 4, 2], &mut random);
        // Rounding of weights whose rows differ by eight orders is amplified; powers of two do not round.
        let tolerance = if draw % 6 == 5 { 1e-8 } else { 1e-12 };
        for (layer, factor, tolerance) in
            [(0, 3.0, tolerance), (1, 1e-3, tolerance), (2, 0.7, tolerance), (3, 1e5, tolerance), (1, 8.0, 1e-15)]
        {
            let mut scaled = weights.clone();
            scaled[layer].iter_mut().flatten().for_each(|w| *w *= factor);
            for method in ["eclipse-fast", "syed-hu", "syed-hu.gc", "syed-hu.shift", "norm-product"] {
                let (before, _) = claimed_and_proved(&weights, Activation::Relu, method);
                let (after, _) = claimed_and_proved(&scaled, Activation::Relu, method);
                assert!((after / factor / before - 1.0).abs() < tolerance, "{draw} {layer} {method}: {before} {after}");
            }
        }
    }
}

#[test]
fn parameters_beyond_their_range_are_refused_by_name_and_linear_neurons_declined() {
    for wrong in ["syed-hu.gc:c=2", "syed-hu.sn:c=0", "syed-hu.shift:c=1", "eclipse-fast:c=1", "syed-hu:c=1.5"] {
        assert!(choose(wrong).is_err(), "{wrong}");
    }
    for (slope, method) in
        [1.0, 1.0 - 1e-12].into_iter().flat_map(|slope| bounding().map(move |method| (slope, method)))
    {
        let network = chain(&vec![vec![vec![1.0]], vec![vec![3.0]], vec![vec![2.0]]], Activation::LeakyRelu { slope });
        match bound_with(&network, OutputSelection::All, method) {
            Ok(outcome) => {
                let value = outcome.bound.value();
                assert!((6.0 * (1.0 - 1e-11)..6.0 * (1.0 + 1e-6)).contains(&value), "{}: {value}", method.name());
            }
            Err(Failure::Declined(decline)) => {
                let text = decline.to_string();
                assert!(text.contains(method.name()) && text.contains("which is linear"), "{text}");
            }
            Err(failure) => panic!("{}: {failure}", method.name()),
        }
    }
}

#[test]
fn side_by_side_every_answer_is_the_one_the_method_gives_alone() {
    let network = eclipse_network(20, 5, 0).expect("a network of the family");
    let query = Query::euclidean(OutputSelection::All);
    let answers = closed_forms(&network, query, &Context::silent(limits()));
    let listed = METHODS.iter().filter(|method| method.is_closed_form()).count();
    assert_eq!(answers.len(), listed);
    let mut lower = Vec::new();
    for answer in answers {
        let method = choose(answer.method).expect("a method of the list");
        if method.kind() != Kind::Upper {
            continue;
        }
        let Answer { report, certificate } = answer.answer.unwrap_or_else(|e| panic!("{}: {e}", answer.method));
        assert_eq!(report.value, Some(value_of(&network, OutputSelection::All, answer.method)), "{}", answer.method);
        assert!(certificate.is_some());
        lower.push(report.lower.expect("a lower bound beside it").value);
    }
    lower.dedup();
    assert_eq!(lower.len(), 1, "one search for all: {lower:?}");
}
