//! Numbers of the literature that were published as bounds and are none: reproduced, and never called bounds.

use std::collections::BTreeMap;

use serde_json::Value;
use tightlip::{Context, Failure, Kind, Report, choose, estimate, upper_bound};
use tightlip_model::{Activation, IncrementSystem, Network, OutputSelection, Query};
use tightlip_tests::{Weights, answer, brute_force_fgl, chain, limits};

/// The number of LipSDP with a band of pairs.
fn banded(network: &Network, tau: usize) -> Report {
    let method = choose(&format!("lipsdp-tau.estimate:tau={tau}")).expect("a method");
    let query = Query::euclidean(OutputSelection::All);
    estimate(network, query, method.as_ref(), &Context::silent(limits())).expect("a number")
}

fn golden() -> BTreeMap<String, (Weights, BTreeMap<String, f64>)> {
    let file: Value = serde_json::from_str(include_str!("golden/sdp.json")).expect("JSON");
    let networks: BTreeMap<String, Value> = serde_json::from_value(file["networks"].clone()).expect("networks");
    let parts = |network: Value| {
        let weights = serde_json::from_value(network["weights"].clone()).expect("weights");
        (weights, serde_json::from_value(network["unsound_l2"].clone()).expect("numbers"))
    };
    networks.into_iter().map(|(name, network)| (name, parts(network))).collect()
}

#[test]
fn published_numbers_of_banded_multipliers_are_reproduced_under_the_label_estimate() {
    for (name, (weights, expected)) in golden() {
        let network = chain(&weights, Activation::Relu);
        for (key, value) in expected {
            let tau = match key.as_str() {
                "tau1" => 1,
                "tau2" => 2,
                _ => 1_000,
            };
            let report = banded(&network, tau);
            // The program's optimum is the square.
            let off = (report.claimed.powi(2) - value.powi(2)).abs() / value.powi(2).max(1.0);
            assert!(off <= 2e-6, "{name} {key}: {} is not {value}", report.claimed);
            assert_eq!((report.kind, report.value, report.level), (Kind::Estimate, None, None));
            assert!(report.status.contains("no bound"), "{}", report.status);
            let json = serde_json::to_value(&report).expect("JSON");
            assert_eq!((json["kind"].as_str(), json["value"].is_null()), (Some("estimate"), true));
        }
    }
}

#[test]
fn the_published_curve_of_chordal_lipsdp_goes_below_the_constant_of_a_network() {
    // W10-D5 of the experiments, in their units; a network with these weights has slope 10.868765.
    let source: tightlip_bench::NetworkSource = "chordal:W10-D5".parse().expect("a source");
    let network = source.load().expect("a network");
    let query = Query::euclidean(OutputSelection::All);
    for (tau, published) in [(0, 12.031_083), (1, 9.407_366), (2, 7.341_365), (4, 6.611_793), (8, 5.565_612)] {
        let method = choose(&format!("lipsdp-tau.estimate:tau={tau}:units=chordal")).expect("a method");
        let report = estimate(&network, query, method.as_ref(), &Context::silent(limits())).expect("a number");
        assert!((report.claimed / published - 1.0).abs() < 1e-6, "tau {tau}: {} is not {published}", report.claimed);
    }
}

#[test]
fn without_pairs_the_number_is_that_of_lipsdp_neuron() {
    for (name, (weights, _)) in golden() {
        let network = chain(&weights, Activation::Relu);
        let neuron = choose("lipsdp-neuron.full.clarabel").expect("a method");
        let query = Query::euclidean(OutputSelection::All);
        let proved = answer(&network, query, neuron.as_ref(), 1e-7).expect("a bound").bound.value();
        let report = banded(&network, 0);
        assert!((report.claimed / proved - 1.0).abs() < 1e-6, "{name}: {} and {proved}", report.claimed);
    }
}

#[test]
fn the_counterexample_has_the_number_zero_and_the_constant_one() {
    // relu(x) − relu(x − 1).
    let weights: Weights = vec![vec![vec![1.0], vec![1.0]], vec![vec![1.0, -1.0]]];
    let network = chain(&weights, Activation::Relu);
    let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("a system");
    assert_eq!(brute_force_fgl(&system), 1.0);
    assert!(banded(&network, 1).claimed < 1e-4);
}

#[test]
fn an_estimate_is_no_answer_to_the_question_for_a_bound() {
    let weights: Weights = vec![vec![vec![1.0], vec![1.0]], vec![vec![1.0, -1.0]]];
    let network = chain(&weights, Activation::Relu);
    let query = Query::euclidean(OutputSelection::All);
    let context = Context::silent(limits());
    for spec in ["lipsdp-tau.estimate", "lipsdp-tau.estimate:tau=0"] {
        let method = choose(spec).expect("a method");
        let refused = upper_bound(&network, query, Some(method.as_ref()), &context);
        assert!(matches!(refused, Err(Failure::Declined(_))), "{spec}");
    }
    let upper = choose("norm-product").expect("a method");
    assert!(estimate(&network, query, upper.as_ref(), &context).is_err());
}

#[test]
fn options_are_said_in_the_name_and_wrong_ones_are_refused() {
    let label = |text: &str| choose(text).map(|method| method.label()).map_err(|error| error.to_string());
    assert_eq!(label("lipsdp-tau.estimate:tau=1").as_deref(), Ok("lipsdp-tau.estimate"));
    assert_eq!(label("lipsdp-tau.estimate:tau=02").as_deref(), Ok("lipsdp-tau.estimate:tau=2"));
    let chordal = "lipsdp-neuron.chordal.clarabel";
    assert_eq!(
        label(&format!("{chordal}:merge=none:form=published")),
        Ok(format!("{chordal}:form=published:merge=none"))
    );
    assert_eq!(label(&format!("{chordal}:merge=cost")).as_deref(), Ok(chordal));
    for (text, words) in [
        ("lipsdp", "no method lipsdp"),
        ("eclipse-fast:tau=1", "has no option `tau`; it has none"),
        ("lipsdp-tau.estimate:tau=-1", "cannot be `-1`; want tau=0…1000000, usually 1"),
        ("lipsdp-tau.estimate:tau", "cannot be ``"),
        ("lipsdp-tau.estimate:", "has no option ``"),
        ("lipsdp-tau.estimate:tau=1:tau=2", "said twice"),
        (&format!("{chordal}:merge=clique_graph"), "want merge=cost|none"),
    ] {
        let error = label(text).expect_err("not a method");
        assert!(error.contains(words), "{text}: {error}");
    }
}
