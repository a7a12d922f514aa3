//! GeoLIP: golden values of both programs and both approximations, and the constants that no relaxation of its kind exceeds.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use rand::Rng;
use serde_json::Value;
use tightlip::{Decline, Failure, choose};
use tightlip_certify::{Certificate, Refusal, Segment};
use tightlip_model::{Activation, IncrementSystem, Network, Norm, OutputSelection, Query};
use tightlip_tests::{
    ACTIVATIONS, Weights, answer, brute_force_fgl_of, chain, generator, limits, multipliers_of, random_weights,
};

const DUAL: [&str; 3] = ["geolip.dual.clarabel", "geolip.dual.interior", "geolip.lifted"];
const NATURAL: [&str; 3] = ["geolip.natural.clarabel", "geolip.natural.interior", "geolip.natural.lifted"];
/// The two solvers that have the published approximations.
const WITH_OPTIONS: [&str; 2] = ["geolip.dual.clarabel", "geolip.dual.interior"];
const ONE_INPUT: &str = ":one-input-multiplier=yes";
const PER_LAYER: &str = ":one-multiplier-per-layer=yes";
/// Tolerance asked of iterative methods.
const TIGHT: f64 = 1e-7;
/// Relative error of proved bounds.
const DIGITS: f64 = 1e-6;
/// Rounding of an enumerated constant.
const ROUNDING: f64 = 1e-12;
/// The real Grothendieck constant is below `π / (2 ln(1 + √2))` (Krivine 1979).
const GROTHENDIECK: f64 = 1.7823;

fn query(input_norm: Norm, output: OutputSelection) -> Query {
    Query { input_norm, ..Query::euclidean(output) }
}

fn proved(network: &Network, query: Query, method: &str) -> f64 {
    let chosen = choose(method).expect("a method of the list");
    answer(network, query, chosen.as_ref(), TIGHT).unwrap_or_else(|failure| panic!("{method}: {failure}")).bound.value()
}

/// What one output of a golden network should have.
struct Golden {
    name: String,
    network: Network,
    selection: OutputSelection,
    hidden: usize,
    inputs: usize,
    expected: Value,
}

impl Golden {
    fn number(&self, key: &str) -> f64 {
        self.expected[key].as_f64().expect("a number")
    }

    /// The golden value of an approximation. Output 1 of B does not read a neuron of either layer, whose multipliers the golden
    /// file ties to the others all the same; without these neurons it is less (from the program of three unknowns that is left:
    /// `3 + 3√2`, and a minimum over one of them).
    fn approximation(&self, key: &str) -> f64 {
        match (self.name.as_str(), self.selection, key) {
            ("B", OutputSelection::Single(1), "geolip_linf_one_multiplier_per_layer") => 3.0 + 18.0_f64.sqrt(),
            ("B", OutputSelection::Single(1), "geolip_linf_both") => 8.770_580_193,
            _ => self.number(key),
        }
    }

    /// Asserts that a method proves a value; those of two hidden layers and ℓ∞ inputs are known to 1e-5 only.
    fn assert(&self, input_norm: Norm, method: &str, expected: f64) {
        let rough = input_norm == Norm::LInf && ["B", "D", "F"].contains(&self.name.as_str());
        let chosen = choose(method).expect("a method of the list");
        let outcome =
            answer(&self.network, query(input_norm, self.selection), chosen.as_ref(), TIGHT).expect("a bound");
        let (proved, claimed) = (outcome.bound.value(), outcome.report.claimed);
        let error = (proved / expected - 1.0).abs().max((claimed / expected - 1.0).abs());
        assert!(
            error <= if rough { 1e-5 } else { DIGITS },
            "{} output {}, {method}: {proved}, claimed {claimed}, is not {expected}",
            self.name,
            self.selection
        );
    }
}

fn golden() -> Vec<Golden> {
    let file: Value = serde_json::from_str(include_str!("golden/sdp.json")).expect("the golden file is JSON");
    let networks: BTreeMap<String, Value> =
        serde_json::from_value(file["networks"].clone()).expect("a map of networks");
    let mut all = Vec::new();
    for (name, entry) in networks {
        let weights: Weights = serde_json::from_value(entry["weights"].clone()).expect("weights of a network");
        for (output, expected) in entry["per_output"].as_object().expect("a map of outputs") {
            all.push(Golden {
                name: name.clone(),
                network: chain(&weights, Activation::Relu),
                selection: OutputSelection::Single(output.parse().expect("an index")),
                hidden: weights.len() - 1,
                inputs: weights[0][0].len(),
                expected: expected.clone(),
            });
        }
    }
    assert!(all.len() >= 9, "nine outputs are known");
    all
}

#[test]
fn both_programs_have_their_golden_values() {
    for golden in golden() {
        let natural = if golden.hidden == 1 { &NATURAL[..] } else { &[] };
        for method in DUAL.iter().chain(natural) {
            golden.assert(Norm::LInf, method, golden.number("geolip_linf"));
            golden.assert(Norm::L2, method, golden.number("lipsdp_neuron_l2"));
        }
        let bound = golden.number("geolip_linf");
        assert!(golden.number("fgl_linf") <= bound * (1.0 + DIGITS) && bound <= golden.number("product_linf"));
    }
}

#[test]
fn the_published_approximations_have_their_golden_values() {
    for golden in golden() {
        let lipsdp = golden.number("lipsdp_neuron_l2");
        for method in WITH_OPTIONS {
            for (options, key) in [
                (ONE_INPUT.to_owned(), "geolip_linf_one_input_multiplier"),
                (PER_LAYER.to_owned(), "geolip_linf_one_multiplier_per_layer"),
                (format!("{ONE_INPUT}{PER_LAYER}"), "geolip_linf_both"),
            ] {
                golden.assert(Norm::LInf, &format!("{method}{options}"), golden.approximation(key));
            }
            let one = format!("{method}{ONE_INPUT}");
            golden.assert(Norm::LInf, &one, (golden.inputs as f64).sqrt() * lipsdp);
            // One weight is all that ℓ2 inputs have.
            golden.assert(Norm::L2, &one, lipsdp);
        }
    }
}

#[test]
fn the_two_programs_agree_under_all_slopes_between_constant_and_product_within_grothendiecks_constant() {
    let mut random = generator(1783);
    for draw in 0..1000 {
        let dims = [random.random_range(1..=5), random.random_range(1..=7), 1];
        let activation = ACTIVATIONS[draw / 2 % ACTIVATIONS.len()];
        let weights = random_weights(&dims, 0.1, &mut random);
        let network = chain(&weights, activation);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let (norm, ratio) = [(Norm::LInf, GROTHENDIECK), (Norm::L2, (PI / 2.0).sqrt())][draw % 2];
        // For one output both norms are the absolute value.
        let output_norm = [Norm::L2, Norm::L1][draw / 2 % 2];
        let query = Query { output_norm, ..query(norm, OutputSelection::All) };
        let (constant, product) = (brute_force_fgl_of(&system, &query), product(&weights, &network, &query));
        let mut methods = vec!["geolip.lifted", "geolip.natural.lifted"];
        if draw % 10 < 2 {
            methods = [DUAL, NATURAL].concat();
        }
        let values: Vec<f64> = methods.iter().map(|method| proved(&network, query, method)).collect();
        for (method, &value) in methods.iter().zip(&values) {
            let what = format!("draw {draw} {dims:?} {activation} ℓ{norm}, {method}: {value}");
            assert!(value >= constant * (1.0 - ROUNDING), "{what} is below the formal constant {constant}");
            assert!(value <= constant * ratio, "{what} is more than {ratio} times the formal constant {constant}");
            assert!(value <= product * (1.0 + DIGITS), "{what} is above the product of norms {product}");
            assert!((value - values[0]).abs() <= DIGITS * value, "{what}, {} proves {}", methods[0], values[0]);
        }
    }
}

/// The product of the operator norms that the input norm induces, and of the activation's constant.
fn product(weights: &Weights, network: &Network, query: &Query) -> f64 {
    if query.input_norm == Norm::L2 {
        return proved(network, *query, "norm-product");
    }
    let rows = |matrix: &Vec<Vec<f64>>| matrix.iter().map(|row| row.iter().map(|w| w.abs()).sum()).fold(0.0, f64::max);
    let system = IncrementSystem::of_network(network, query.output).expect("valid");
    weights.iter().map(rows).product::<f64>() * system.slopes(1)[0].magnitude()
}

#[test]
fn the_natural_relaxation_is_enclosed_from_below_as_closely_as_from_above() {
    for golden in golden().into_iter().filter(|golden| golden.hidden == 1) {
        for (norm, key) in [(Norm::LInf, "geolip_linf"), (Norm::L2, "lipsdp_neuron_l2")] {
            let method = choose("geolip.natural.lifted").expect("listed");
            let query = query(norm, golden.selection);
            let report = answer(&golden.network, query, method.as_ref(), TIGHT).expect("a bound").report;
            let lower = report.relaxation_lower.expect("a bound from below");
            let optimum = golden.number(key);
            assert!((lower / optimum - 1.0).abs() <= DIGITS, "{} ℓ{norm}: {lower} is not {optimum}", golden.name);
            assert!(report.gap.expect("a gap") <= TIGHT, "{} ℓ{norm}: {}", golden.name, report.status);
        }
    }
}

#[test]
fn the_size_reported_is_that_of_the_natural_program() {
    // Network E: three inputs, four neurons.
    let golden = golden().into_iter().find(|golden| golden.name == "E").expect("network E");
    for (norm, method, order) in [
        (Norm::LInf, "geolip.natural.clarabel", 8),
        (Norm::LInf, "geolip.natural.interior", 8),
        (Norm::L2, "geolip.natural.clarabel", 5),
    ] {
        let chosen = choose(method).expect("listed");
        let outcome = answer(&golden.network, query(norm, golden.selection), chosen.as_ref(), TIGHT).expect("a bound");
        assert_eq!(outcome.report.program.expect("a program").order, order, "ℓ{norm} {method}");
    }
}

#[test]
fn networks_of_dead_linear_or_no_neurons_are_bounded() {
    let part = |text: &[&[f64]]| text.iter().map(|row| row.to_vec()).collect::<Vec<_>>();
    let dead = vec![part(&[&[1.0, -2.0], &[0.0, 0.0], &[3.0, 1.0]]), part(&[&[1.0, 5.0, 0.0]])];
    let constant = vec![part(&[&[1.0, -2.0]]), part(&[&[0.0]])];
    let linear = vec![part(&[&[1.0, -2.0], &[3.0, 2.0]]), part(&[&[1.0, 2.0]])];
    let identity = Activation::LeakyRelu { slope: 1.0 };
    for (name, weights, activation, sizes, loose) in [
        ("dead", dead, Activation::Relu, [3.0, 5.0_f64.sqrt()], DIGITS),
        ("constant", constant, Activation::Relu, [0.0, 0.0], DIGITS),
        // The multipliers of linear neurons are unbounded; large ones are as good as it gets.
        ("linear", linear, identity, [9.0, 53.0_f64.sqrt()], 1e-3),
    ] {
        let network = chain(&weights, activation);
        for (norm, size) in [Norm::LInf, Norm::L2].into_iter().zip(sizes) {
            for method in NATURAL {
                let value = proved(&network, query(norm, OutputSelection::All), method);
                assert!(value >= size && value <= size * (1.0 + loose), "{name} ℓ{norm} {method}: {value}, not {size}");
            }
        }
    }
}

#[test]
fn other_shapes_are_declined_with_what_to_take_and_largest_outputs_go_case_by_case() {
    let deep = chain(&random_weights(&[2, 3, 3, 1], 0.0, &mut generator(5)), Activation::Relu);
    let wide = chain(&random_weights(&[3, 4, 3], 0.0, &mut generator(6)), Activation::Relu);
    let largest = Query { output_norm: Norm::LInf, ..query(Norm::LInf, OutputSelection::All) };
    for method in NATURAL {
        let chosen = choose(method).expect("listed");
        for (network, word) in [(&deep, "geolip.dual.interior"), (&wide, "--output-norm inf")] {
            let failure = answer(network, query(Norm::LInf, OutputSelection::All), chosen.as_ref(), TIGHT);
            let Err(Failure::Declined(decline @ Decline::Shape { .. })) = failure else {
                panic!("{method} is not declined: {failure:?}")
            };
            assert!(decline.to_string().contains(word), "{decline}");
        }
        let each = (0..3).map(|k| proved(&wide, query(Norm::LInf, OutputSelection::Single(k)), method));
        let expected = each.fold(0.0, f64::max);
        let value = proved(&wide, largest, method);
        assert!((value / expected - 1.0).abs() <= DIGITS, "{method}: {value} is not the largest, {expected}");
        let failure = answer(&deep, largest, chosen.as_ref(), TIGHT);
        assert!(matches!(failure, Err(Failure::Declined(Decline::Shape { .. }))), "{method}: two hidden layers");
    }
}

#[test]
fn certificates_verify_from_their_file_and_tampered_ones_are_refused() {
    let golden = golden().into_iter().find(|golden| golden.name == "E").expect("network E");
    for method in DUAL.iter().chain(&NATURAL) {
        for norm in [Norm::LInf, Norm::L2] {
            let chosen = choose(method).expect("listed");
            let query = query(norm, golden.selection);
            let outcome = answer(&golden.network, query, chosen.as_ref(), TIGHT).expect("a bound");
            let text = outcome.certificate.to_json().expect("finite");
            let read = Certificate::from_json(&text).expect("own file");
            let verify = |certificate: &Certificate| certificate.verify(&golden.network, &limits());
            assert_eq!(verify(&read).expect("accepted").value(), outcome.bound.value(), "{method} ℓ{norm}");
            let mut lower = read.clone();
            lower.bound *= 1.0 - 1e-9;
            assert!(matches!(verify(&lower), Err(Refusal::Claim { .. })), "{method} ℓ{norm}: a smaller claim");
            for alter in [halve_a_neuron, shrink_the_input] {
                let mut altered = read.clone();
                alter(&mut altered.segments[0]);
                let refusal = verify(&altered);
                assert!(matches!(refusal, Err(Refusal::NotPositive { .. })), "{method} ℓ{norm}: {refusal:?}");
            }
        }
    }
}

fn halve_a_neuron(segment: &mut Segment) {
    multipliers_of(segment).hidden[0][1] *= 0.5;
}

fn shrink_the_input(segment: &mut Segment) {
    let multipliers = multipliers_of(segment);
    multipliers.input = multipliers.input.scaled(0.99);
}
