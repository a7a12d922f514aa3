//! Golden values: LipSDP and products of norms on networks written out, known to 1e-6 or better.

use std::collections::BTreeMap;

use serde_json::Value;
use tightlip_model::{Activation, Network, Norm, OutputSelection, Query};
use tightlip_tests::{Weights, answer, chain};

const NEURON: &str = "lipsdp-neuron.full.clarabel";
const LIFTED: &str = "lipsdp-neuron.lifted";
const LAYER: &str = "lipsdp-layer.full.clarabel";
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
    let method = tightlip::method_named(method).expect("a method of the list");
    answer(network, Query::euclidean(output), method, TIGHT).expect("a bound").bound.value()
}

#[test]
fn full_output_bounds_of_the_sdp_networks() {
    for (name, golden) in networks(include_str!("golden/sdp.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        let full = &golden["full_output"];
        for (method, key) in [
            (NEURON, "lipsdp_neuron_l2"),
            (LIFTED, "lipsdp_neuron_l2"),
            (LAYER, "lipsdp_layer_l2"),
            (PRODUCT, "product_l2"),
        ] {
            let proved = tight_value(&network, OutputSelection::All, method);
            assert_proved(&format!("{name} {key}"), proved, number(&full[key]));
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
            for method in [NEURON, LIFTED] {
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
            for (method, key) in [(NEURON, "lipsdp_neuron_l2"), (LIFTED, "lipsdp_neuron_l2"), (PRODUCT, "product_l2")] {
                let proved = tight_value(&network, selection, method);
                assert_proved(&format!("{name} output {output} {key}"), proved, number(&expected[key]));
            }
        }
    }
}

#[test]
fn bounds_of_the_layerwise_networks() {
    for (name, golden) in networks(include_str!("golden/layerwise.json")) {
        let network = chain(&weights(&golden), Activation::Relu);
        for (method, key) in
            [(NEURON, "lipsdp_neuron"), (LIFTED, "lipsdp_neuron"), (LAYER, "lipsdp_layer"), (PRODUCT, "product")]
        {
            let proved = tight_value(&network, OutputSelection::All, method);
            assert_proved(&format!("{name} {key}"), proved, number(&golden["values"][key]));
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
            for method in [NEURON, LIFTED] {
                let method = tightlip::method_named(method).expect("a method of the list");
                let proved = answer(&network, query, method, TIGHT).expect("a bound").bound.value();
                assert!((proved / golden - 1.0).abs() <= digits, "{name} output {output}: {proved} is not {golden}");
                assert!(proved >= number(&expected["fgl_linf"]) * (1.0 - DIGITS), "{name} output {output}");
            }
        }
    }
}
