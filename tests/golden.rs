//! Golden values: LipSDP and products of norms on networks written out, known to 1e-6 or better.

use std::collections::BTreeMap;

use serde_json::Value;
use tightlip_model::{Activation, Network, Norm, OutputSelection, Query};
use tightlip_tests::{Weights, answer, chain};

/// Every way to the optimum of LipSDP-Neuron.
const NEURON: [&str; 12] = [
    "lipsdp-neuron.full.clarabel",
    "lipsdp-neuron.full.clarabel:form=published",
    "lipsdp-neuron.full.clarabel-chordal",
    "lipsdp-neuron.full.clarabel-chordal:merge=parent_child",
    "lipsdp-neuron.full.clarabel-chordal:form=published:merge=none",
    "lipsdp-neuron.chordal.clarabel",
    "lipsdp-neuron.chordal.clarabel:merge=none",
    "lipsdp-neuron.chordal.clarabel:form=published",
    "lipsdp-neuron.chordal.clarabel:form=published:merge=none",
    "lipsdp-neuron.interior",
    "lipsdp-neuron.bundle",
    "lipsdp-neuron.lifted",
];
/// The same for LipSDP-Layer.
const LAYER: [&str; 6] = [
    "lipsdp-layer.full.clarabel",
    "lipsdp-layer.full.clarabel-chordal",
    "lipsdp-layer.chordal.clarabel",
    "lipsdp-layer.chordal.clarabel:form=published",
    "lipsdp-layer.interior",
    "lipsdp-layer.subspace",
];
const PRODUCT: &str = "norm-product";

/// Proved bounds may lie this much above the golden value, relative.
const ABOVE: f64 = 1e-6;
/// Golden values are written with nine digits or more; no proved bound may lie below them by more than that.
const DIGITS: f64 = 1e-9;

/// Tolerance asked of iterative methods.
const TIGHT: f64 = 1e-7;

fn assert_proved(name: &str, proved: f64, golden: f64) {
    assert!(proved >= golden * (1.0 - DIGITS), "{name}: proved {proved} is below the golden {golden}");
    assert!(proved <= golden * (1.0 + ABOVE), "{name}: proved {proved} is loose, golden {golden}");
}

fn networks(text: &str) -> BTreeMap<String, Value> {
    let file: Value = serde_json::from_str(text).expect("the golden file is JSON");
    serde_json::from_value(file["networks"].clone()).expect("a map of networks")
}

fn weights(network: &Value) -> Weights {
    serde_json::from_value(network["weights"].clone()).expect("weights of a network")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// The proved bound of `method` at a tolerance below that of the comparison.
fn tight_value(network: &Network, output: OutputSelection, method: &str) -> f64 {
    let method = tightlip::choose(method).expect("a method of the list");
    answer(network, Query::euclidean(output), method.as_ref(), TIGHT).expect("a bound").bound.value()
}

/// The methods with the key of their golden value.
fn keyed(keys: [&'static str; 3]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let [neuron, layer, product] = keys;
    let neurons = NEURON.into_iter().map(move |method| (method, neuron));
    let layers = LAYER.into_iter().map(move |method| (method, layer));
    neurons.chain(layers).chain([(PRODUCT, product)])
}

#[test]
fn full_output_bounds_of_the_sdp_networks() {
    for (name, golden) in networks(include_str!("golden/sdp.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        let full = &golden["full_output"];
        for (method, key) in keyed(["lipsdp_neuron_l2", "lipsdp_layer_l2", "product_l2"]) {
            let proved = tight_value(&network, OutputSelection::All, method);
            assert_proved(&format!("{name} {method}"), proved, number(&full[key]));
            assert!(proved >= number(&full["fgl_l2"]) * (1.0 - DIGITS), "{name} {key} is below the formal constant");
        }
    }
}

#[test]
fn bounds_under_other_slopes() {
    let activations = [
        ("0.1,1", Activation::LeakyRelu { slope: 0.1 }),
        ("-0.5,1", Activation::LeakyRelu { slope: -0.5 }),
        ("0,1.1", Activation::Elu { scale: 1.1 }),
    ];
    for (name, golden) in networks(include_str!("golden/sdp.json")) {
        for (slopes, activation) in activations {
            let network = chain(&weights(&golden), activation);
            let expected = number(&golden["lipsdp_neuron_l2_by_slopes"][slopes]);
            for method in NEURON {
                let proved = tight_value(&network, OutputSelection::All, method);
                assert_proved(&format!("{name} slopes {slopes} {method}"), proved, expected);
            }
        }
    }
}

#[test]
fn single_output_bounds() {
    for (name, golden) in networks(include_str!("golden/sdp.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        let outputs = golden["per_output"].as_object().expect("a map of outputs");
        for (output, expected) in outputs {
            let selection = OutputSelection::Single(output.parse().expect("an index"));
            let neurons = NEURON.map(|method| (method, "lipsdp_neuron_l2"));
            for (method, key) in neurons.into_iter().chain([(PRODUCT, "product_l2")]) {
                let proved = tight_value(&network, selection, method);
                assert_proved(&format!("{name} output {output} {method}"), proved, number(&expected[key]));
            }
        }
    }
}

#[test]
fn bounds_of_the_layerwise_networks() {
    for (name, golden) in networks(include_str!("golden/layerwise.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        for (method, key) in keyed(["lipsdp_neuron", "lipsdp_layer", "product"]) {
            let proved = tight_value(&network, OutputSelection::All, method);
            assert_proved(&format!("{name} {method}"), proved, number(&golden["values"][key]));
        }
    }
}

#[test]
fn bounds_from_the_largest_coordinate_of_the_inputs() {
    // GeoLIP: ℓ∞ inputs, one output. The networks of two hidden layers are given to 1e-5 only.
    for (name, golden) in networks(include_str!("golden/sdp.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        for (output, expected) in golden["per_output"].as_object().expect("a map of outputs") {
            let selection = OutputSelection::Single(output.parse().expect("an index"));
            let query = Query { input_norm: Norm::LInf, ..Query::euclidean(selection) };
            let golden = number(&expected["geolip_linf"]);
            let digits = if ["B", "D", "F"].contains(&name.as_str()) { 1e-5 } else { ABOVE };
            for method in NEURON {
                let method = tightlip::choose(method).expect("a method of the list");
                let proved = answer(&network, query, method.as_ref(), TIGHT).expect("a bound").bound.value();
                assert!((proved / golden - 1.0).abs() <= digits, "{name} output {output}: {proved} is not {golden}");
                assert!(proved >= number(&expected["fgl_linf"]) * (1.0 - DIGITS), "{name} output {output}");
            }
        }
    }
}

#[test]
fn the_bundle_and_the_lifted_iteration_bound_the_optimum_from_below_as_closely_as_from_above() {
    for (name, golden) in networks(include_str!("golden/sdp.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        for method in ["lipsdp-neuron.bundle", "lipsdp-neuron.lifted"] {
            let chosen = tightlip::choose(method).expect("a method of the list");
            let query = Query::euclidean(OutputSelection::All);
            let report = answer(&network, query, chosen.as_ref(), TIGHT).expect("a bound").report;
            let lower = report.relaxation_lower.expect("a bound from below");
            let optimum = number(&golden["full_output"]["lipsdp_neuron_l2"]);
            assert!(lower <= optimum * (1.0 + DIGITS), "{name} {method}: {lower} is above {optimum}");
            assert!(lower >= optimum * (1.0 - ABOVE), "{name} {method}: {lower} is far below {optimum}");
        }
    }
}
