//! The formal constant by enumeration: it agrees with the plain enumeration, its certificates hold, its limits are told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rand::Rng;
use serde_json::Value;
use tightlip::{Context, Failure, Outcome, method_named};
use tightlip_certify::{Certificate, Enumeration, Level, PatternProof, Refusal};
use tightlip_model::{Activation, Edge, IncrementSystem, Limits, LinearMap, Network, Norm, OutputSelection, Query};
use tightlip_tests::{Weights, bound_with, brute_force_fgl_of, chain, generator, limits, question, random_weights};

/// Rounding of the plain enumeration.
const ROUNDING: f64 = 1e-12;
/// Upper and lower bound may be this far apart, relative.
const GAP: f64 = 1e-9;
const NORMS: [Norm; 3] = [Norm::L1, Norm::L2, Norm::LInf];
const ACTIVATIONS: [Activation; 5] =
    [Activation::Relu, Activation::LeakyRelu { slope: 0.1 }, Activation::Abs, Activation::Tanh, Activation::Sigmoid];

fn system_of(network: &Network) -> IncrementSystem {
    IncrementSystem::of_network(network, OutputSelection::All).expect("valid")
}

fn brute(network: &Network, query: Query, limits: Limits) -> Result<Outcome, Failure> {
    let method = method_named("fgl.brute").expect("a method of the list");
    tightlip::upper_bound(network, query, Some(method), &Context::silent(limits))
}

/// Asserts that the bounds from both sides enclose the constant, closely.
fn assert_agrees(network: &Network, query: Query, what: &str) {
    let constant = brute_force_fgl_of(&system_of(network), &query);
    let outcome = brute(network, query, limits()).unwrap_or_else(|failure| panic!("{what}: {failure}"));
    let (upper, lower) = (outcome.bound.value(), outcome.report.relaxation_lower.expect("a lower bound"));
    assert!(upper >= constant * (1.0 - ROUNDING), "{what}: {upper} is below {constant}");
    assert!(lower <= constant * (1.0 + ROUNDING), "{what}: {lower} is above {constant}");
    assert!(upper <= lower * (1.0 + GAP), "{what}: {lower} and {upper} are far apart");
    assert_eq!(outcome.bound.level(), Level::Rigorous);
    assert!(outcome.report.gap.is_none_or(|gap| gap <= GAP), "{what}: the gap");
}

#[test]
fn the_enumeration_agrees_with_the_plain_one_on_random_networks_and_all_norms() {
    let mut random = generator(31);
    for draw in 0..300 {
        let depth = 1 + draw % 3;
        let mut dims = vec![random.random_range(1..=4)];
        dims.extend((0..depth).map(|_| random.random_range(1..=[7, 4, 3][depth - 1])));
        dims.push(random.random_range(1..=4));
        let activation = ACTIVATIONS[draw / 3 % ACTIVATIONS.len()];
        let network = chain(&random_weights(&dims, 0.15, &mut random), activation);
        for input in NORMS {
            for output in NORMS {
                assert_agrees(
                    &network,
                    question(input, output),
                    &format!("{draw} {dims:?} {activation} {input}→{output}"),
                );
            }
        }
    }
}

#[test]
fn many_rounds_and_layers_before_and_after_the_widest_agree_too() {
    let mut random = generator(32);
    for dims in [vec![3, 12, 2], vec![2, 3, 6, 3, 2], vec![3, 10, 3, 2], vec![2, 3, 10, 1]] {
        let network = chain(&random_weights(&dims, 0.0, &mut random), Activation::LeakyRelu { slope: -0.3 });
        for (input, output) in
            [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)]
        {
            assert_agrees(&network, question(input, output), &format!("{dims:?} {input}→{output}"));
        }
    }
}

#[test]
fn weights_far_from_one_are_scaled_and_brought_back() {
    let mut random = generator(33);
    let mut weights = random_weights(&[3, 4, 4, 2], 0.0, &mut random);
    for (layer, factor) in weights.iter_mut().zip([1e-90, 1e120, 1e-70]) {
        layer.iter_mut().flatten().for_each(|w| *w *= factor);
    }
    for (input, output) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L1), (Norm::L1, Norm::LInf)] {
        assert_agrees(&chain(&weights, Activation::Relu), question(input, output), "scaled weights");
    }
}

/// Integers whose products with small integers cancel nearly, and the exact remainder.
fn cancelling(random: &mut impl Rng) -> (Vec<f64>, Vec<f64>, i128) {
    let large = |random: &mut dyn FnMut() -> i64| (0..2).map(|_| random()).collect::<Vec<i64>>();
    let first = large(&mut || random.random_range(1 << 51..1 << 52));
    let second = large(&mut || random.random_range(50..100));
    let sum: i128 = first.iter().zip(&second).map(|(a, b)| i128::from(*a) * i128::from(*b)).sum();
    // The nearest multiple of 97 below, which one more neuron takes away; a remainder is left for the rounding to lose.
    let last = sum / 97;
    let floats = |small: &[i64], more: f64| small.iter().map(|&x| x as f64).chain([more]).collect::<Vec<f64>>();
    let taken = last as f64;
    (floats(&first, taken), floats(&second, -97.0), sum - 97 * taken as i128)
}

#[test]
fn what_rounding_loses_where_numbers_cancel_is_covered() {
    let mut random = generator(39);
    let row = LinearMap::from_rows;
    let column = |entries: &[f64]| LinearMap::from_rows(&entries.iter().map(|&x| vec![x]).collect::<Vec<_>>());
    let fixed = || tightlip_model::SlopeInterval::new(1.0, 1.0).expect("1 ≤ 1");
    let free = Activation::Relu.slope_interval();
    for _ in 0..300 {
        let (first, second, remainder) = cancelling(&mut random);
        // A neuron beside them that is well above the rounding errors of about 2^60 · 2^−50.
        let beside = 2f64.powi(15);
        let signals: Vec<f64> = first.iter().copied().chain([beside]).collect();
        let exact = (beside as i128 + remainder.max(0)).max(remainder.abs()) as f64;
        let chain = |hidden: Vec<Vec<tightlip_model::SlopeInterval>>, maps: Vec<LinearMap>| {
            let edges = maps.into_iter().enumerate().map(|(from, map)| Edge { from, to: from + 1, map }).collect();
            IncrementSystem::new(1, hidden, 1, edges).expect("valid")
        };
        // In a layer before the patterns: the remainder is a neuron's signal.
        let into = vec![vec![0.0, 0.0, 0.0, 1.0], second.iter().copied().chain([0.0]).collect()];
        let before =
            chain(vec![vec![fixed(); 4], vec![free; 2]], vec![column(&signals), row(&into), row(&[vec![1.0, 1.0]])]);
        // In a composed map: the remainder is an entry of its product.
        let composed = chain(vec![vec![free; 2]], vec![column(&signals).then(row(&into)), row(&[vec![1.0, 1.0]])]);
        // In the layer of the patterns: the remainder is always there.
        let out: Vec<f64> = second.iter().copied().chain([1.0]).collect();
        let within = chain(vec![vec![fixed(), fixed(), fixed(), free]], vec![column(&signals), row(&[out])]);
        let always = (beside as i128 + remainder).abs().max(remainder.abs()) as f64;
        for (system, exact) in [(&before, exact), (&composed, exact), (&within, always)] {
            for norm in [Norm::L2, Norm::LInf] {
                let query = question(norm, Norm::L2);
                let enumeration = Enumeration::new(system, &query, &limits()).expect("few patterns");
                let found = enumeration.run(&limits(), &|_| ()).expect("no limit");
                let (lower, upper) = (found.lower, found.bound.value());
                assert!(lower <= exact && exact <= upper, "{lower} ≤ {exact} ≤ {upper}");
            }
        }
    }
}

#[test]
fn constants_of_the_golden_networks() {
    let file: Value = serde_json::from_str(include_str!("golden/sdp.json")).expect("the golden file is JSON");
    let networks: BTreeMap<String, Value> =
        serde_json::from_value(file["networks"].clone()).expect("a map of networks");
    let mut compared = 0;
    for (name, golden) in networks {
        let weights: Weights = serde_json::from_value(golden["weights"].clone()).expect("weights of a network");
        let network = chain(&weights, Activation::Relu);
        let mut compare = |query: Query, value: &Value| {
            let Some(value) = value.as_f64() else { return };
            let proved = brute(&network, query, limits()).expect("a bound").bound.value();
            // Golden values have ten digits.
            assert!((proved / value - 1.0).abs() <= GAP, "{name}: {proved}, golden {value}");
            compared += 1;
        };
        compare(Query::euclidean(OutputSelection::All), &golden["full_output"]["fgl_l2"]);
        for (output, golden) in golden["per_output"].as_object().into_iter().flatten() {
            let query = Query::euclidean(output.parse().expect("an output"));
            compare(query, &golden["fgl_l2"]);
            compare(Query { input_norm: Norm::LInf, ..query }, &golden["fgl_linf"]);
        }
    }
    assert!(compared >= 20, "only {compared} golden values were found");
}

#[test]
fn dead_neurons_cost_no_patterns_and_small_networks_are_no_exception() {
    let patterns = |weights: &Weights, activation| {
        let network = chain(weights, activation);
        assert_agrees(&network, question(Norm::L2, Norm::L2), "a small network");
        Enumeration::new(&system_of(&network), &question(Norm::L2, Norm::L2), &limits()).expect("few").patterns()
    };
    let row = |entries: &[f64]| entries.to_vec();
    // No hidden layer; one neuron; a neuron that never moves beside one that nothing reads; no path at all.
    assert_eq!(patterns(&vec![vec![row(&[3.0, 4.0]), row(&[1.0, 2.0])]], Activation::Relu), 1);
    assert_eq!(patterns(&vec![vec![row(&[3.0])], vec![row(&[2.0])]], Activation::Relu), 2);
    let dead = vec![vec![row(&[0.0]), row(&[5.0]), row(&[1.0])], vec![row(&[7.0, 0.0, 1.0])]];
    assert_eq!(patterns(&dead, Activation::Relu), 2);
    assert_eq!(patterns(&vec![vec![row(&[0.0])], vec![row(&[2.0])]], Activation::Tanh), 1);
    // Slopes that cannot change are no bits.
    assert_eq!(patterns(&vec![vec![row(&[3.0])], vec![row(&[2.0])]], Activation::Identity), 1);
    let constant = chain(&vec![vec![row(&[0.0])], vec![row(&[2.0])]], Activation::Tanh);
    assert_eq!(brute(&constant, question(Norm::L1, Norm::L2), limits()).expect("a bound").bound.value(), 0.0);
}

#[test]
fn the_steepest_pattern_has_the_norm_that_is_proved_and_threads_change_nothing() {
    let mut random = generator(34);
    let network = chain(&random_weights(&[4, 9, 5, 3], 0.1, &mut random), Activation::Abs);
    let system = system_of(&network);
    for (input, output) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::L1, Norm::LInf)]
    {
        let query = question(input, output);
        let enumeration = Enumeration::new(&system, &query, &limits()).expect("few patterns");
        let reported = AtomicU64::new(0);
        let run = |threads| {
            let limits = Limits { threads, ..limits() };
            enumeration
                .run(&limits, &|done| {
                    reported.fetch_max(done, Ordering::Relaxed);
                })
                .expect("no limit")
        };
        let found = run(1);
        assert_eq!(found, run(3), "{input}→{output}");
        assert!(reported.load(Ordering::Relaxed) <= found.patterns);
        // Fixed slopes have one pattern.
        let fixed: Weights = with_slopes(&system, &found.slopes);
        let constant = brute_force_fgl_of(&system_of(&chain(&fixed, Activation::Identity)), &query);
        assert!((found.lower / constant - 1.0).abs() < ROUNDING, "{input}→{output}: {} {constant}", found.lower);
    }
}

/// The weights of a chain with these slopes multiplied in.
fn with_slopes(system: &IncrementSystem, slopes: &[Vec<f64>]) -> Weights {
    let rows = |(k, edge): (usize, &Edge)| {
        let matrix = edge.map.to_dense();
        let factor = |i: usize| slopes.get(k).map_or(1.0, |slopes| slopes[i]);
        (0..matrix.nrows()).map(|i| matrix.row(i).iter().map(|w| w * factor(i)).collect()).collect()
    };
    system.edges().iter().enumerate().map(rows).collect()
}

#[test]
fn too_many_patterns_are_declined_with_their_number_and_the_time_they_would_take() {
    let mut random = generator(35);
    let network = chain(&random_weights(&[3, 30, 1], 0.0, &mut random), Activation::Relu);
    let failure = brute(&network, question(Norm::L2, Norm::L2), limits()).expect_err("2^30 patterns");
    let text = failure.to_string();
    assert!(matches!(failure, Failure::Declined(_)), "{text}");
    assert!(text.contains("2^30.0 patterns (30 neurons and 0 signs)") && text.contains(" s; at most 2^26"), "{text}");
    // Signs count as well: 20 neurons and the signs of all inputs but one.
    let network = chain(&random_weights(&[12, 20, 3], 0.0, &mut random), Activation::Relu);
    assert!(Enumeration::new(&system_of(&network), &question(Norm::L2, Norm::L1), &limits()).is_ok());
    match Enumeration::new(&system_of(&network), &question(Norm::LInf, Norm::L2), &limits()) {
        Err(Refusal::Patterns { neurons, signs, most_bits, predicted_s, .. }) => {
            assert_eq!((neurons, signs, most_bits), (20, 11, 26));
            assert!(predicted_s > 1.0);
        }
        other => panic!("{other:?}"),
    }
    // And so do cases: 20 neurons for each of 70 outputs.
    let network = chain(&random_weights(&[2, 20, 70], 0.0, &mut random), Activation::Relu);
    match Enumeration::new(&system_of(&network), &question(Norm::L2, Norm::LInf), &limits()) {
        Err(Refusal::Patterns { bits, cases: 70, .. }) => assert!((bits - 26.13).abs() < 0.01, "{bits}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn skip_connections_norms_in_cases_and_numbers_out_of_range_are_refused_by_name() {
    let edge = |from, to, weight: f64| Edge { from, to, map: LinearMap::from_rows(&[vec![weight]]) };
    let slopes = vec![vec![Activation::Relu.slope_interval()]];
    let skip = IncrementSystem::new(1, slopes, 1, vec![edge(0, 1, 1.0), edge(1, 2, 1.0), edge(0, 2, 1.0)]);
    let refusal =
        Enumeration::new(&skip.expect("valid"), &question(Norm::L2, Norm::L2), &limits()).expect_err("a skip");
    assert!(refusal.to_string().contains("connection from block 0 to block 2"), "{refusal}");
    let heavy = chain(&vec![vec![vec![1e300]], vec![vec![1e300]]], Activation::Relu);
    assert!(matches!(brute(&heavy, question(Norm::L2, Norm::L2), limits()), Err(Failure::Declined(_))));
    let little = Limits { memory_bytes: 64, ..limits() };
    let system = system_of(&heavy);
    assert!(matches!(Enumeration::new(&system, &question(Norm::L2, Norm::L2), &little), Err(Refusal::Memory { .. })));
}

#[test]
fn an_enumeration_that_is_interrupted_proves_nothing_and_the_product_of_norms_stands_in() {
    let mut random = generator(36);
    let network = chain(&random_weights(&[3, 20, 2], 0.0, &mut random), Activation::Relu);
    let system = system_of(&network);
    for query in [question(Norm::L2, Norm::L2), question(Norm::LInf, Norm::L1), question(Norm::L1, Norm::LInf)] {
        let limits = Limits { deadline: Some(Instant::now()), ..limits() };
        let unfinished =
            Enumeration::new(&system, &query, &limits).expect("few").run(&limits, &|_| ()).expect_err("stopped");
        assert!(matches!(unfinished.refusal, Refusal::Stopped { done, total } if done < total), "{unfinished:?}");
        let outcome = brute(&network, query, limits.clone()).expect("the product of norms");
        assert_eq!(outcome.report.method, "norm-product");
        assert!(outcome.report.interrupted && outcome.report.status.contains("interrupted after"));
        let complete = brute(&network, query, tightlip_tests::limits()).expect("a bound");
        let lower = outcome.report.relaxation_lower.expect("the steepest so far");
        assert!(unfinished.lower > 0.0 && lower <= complete.bound.value() && lower >= unfinished.lower * 0.5);
        assert!(outcome.bound.value() >= complete.bound.value() * (1.0 - GAP));
        outcome.certificate.verify(&network, &tightlip_tests::limits()).expect("the product's certificate");
        // A certificate cannot be checked in no time either.
        assert!(matches!(complete.certificate.verify(&network, &limits), Err(Refusal::Stopped { .. })));
    }
}

#[test]
fn certificates_are_checked_by_enumerating_again_and_what_was_changed_is_refused() {
    let weights = random_weights(&[3, 4, 3, 2], 0.0, &mut generator(37));
    let network = chain(&weights, Activation::Relu);
    for query in [question(Norm::L2, Norm::L2), question(Norm::LInf, Norm::L1), question(Norm::L1, Norm::LInf)] {
        let outcome = brute(&network, query, limits()).expect("a bound");
        let text = outcome.certificate.to_json().expect("finite");
        let read = Certificate::from_json(&text).expect("own file");
        assert_eq!(read, outcome.certificate);
        assert_eq!(read.verify(&network, &limits()).expect("accepted").value(), outcome.bound.value());
        let refusal = |change: &dyn Fn(&mut Certificate)| {
            let mut changed = read.clone();
            change(&mut changed);
            changed.verify(&network, &limits()).expect_err("changed")
        };
        let lowered = refusal(&|certificate| certificate.bound *= 1.0 - 1e-9);
        assert!(matches!(lowered, Refusal::Claim { .. }), "{lowered}");
        refusal(&|certificate| certificate.bound = f64::NAN);
        refusal(&|certificate| certificate.patterns = None);
        refusal(&|certificate| certificate.patterns = Some(PatternProof { count: 1 }));
        let both = bound_with(&network, OutputSelection::All, method_named("norm-product").expect("a method"));
        let segments = both.expect("a bound").certificate.segments;
        let both = refusal(&|certificate| certificate.segments.clone_from(&segments));
        assert!(both.to_string().contains("more than one kind of proof"), "{both}");
        let mut heavier = weights.clone();
        heavier.iter_mut().flatten().flatten().for_each(|w| *w *= 1.01);
        let heavier = chain(&heavier, Activation::Relu);
        assert!(matches!(read.verify(&heavier, &limits()), Err(Refusal::Network { .. })));
        let mut forged = read.clone();
        forged.network_sha256 = heavier.sha256();
        assert!(matches!(forged.verify(&heavier, &limits()), Err(Refusal::Claim { .. })));
        let leaky = chain(&weights, Activation::LeakyRelu { slope: -0.9 });
        forged.network_sha256 = leaky.sha256();
        assert!(matches!(forged.verify(&leaky, &limits()), Err(Refusal::Claim { .. })));
        // A weaker claim is still true, and what is proved is rigorous.
        let mut weaker = read.clone();
        weaker.level = Level::Probabilistic;
        assert_eq!(weaker.verify(&network, &limits()).expect("true").level(), Level::Rigorous);
        for (old, new) in [("\"count\"", "\"number\""), ("\"patterns\"", "\"extra\": 1, \"patterns\"")] {
            assert!(text.contains(old) && Certificate::from_json(&text.replacen(old, new, 1)).is_err(), "{new}");
        }
    }
}

#[test]
fn norms_that_were_changed_are_refused_unless_the_claim_is_still_true() {
    let network = chain(&random_weights(&[3, 4, 3, 2], 0.0, &mut generator(38)), Activation::Relu);
    let system = system_of(&network);
    let mut refused = 0;
    for query in [question(Norm::L2, Norm::L2), question(Norm::L1, Norm::LInf)] {
        let outcome = brute(&network, query, limits()).expect("a bound");
        for input in NORMS {
            for output in NORMS {
                let mut changed = outcome.certificate.clone();
                (changed.query.input_norm, changed.query.output_norm) = (input, output);
                let constant = brute_force_fgl_of(&system, &changed.query);
                match changed.verify(&network, &limits()) {
                    Ok(bound) => {
                        assert!(bound.value() >= constant * (1.0 - ROUNDING) && changed.bound >= bound.value());
                    }
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused >= 9, "only {refused} of 18 questions were refused");
}
