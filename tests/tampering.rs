//! Certificates that were tampered with are refused, or what they claim is still true.

use tightlip::{Decline, Failure, Outcome};
use tightlip_certify::{Certificate, Refusal, Segment};
use tightlip_model::{Activation, IncrementSystem, Multipliers, Network, Norm, OutputSelection, Weight};
use tightlip_tests::{
    Weights, answer, bound_with, brute_force_fgl, brute_force_fgl_of, chain, limits, multipliers_of, question,
    upper_methods,
};

/// A network with two hidden layers whose LipSDP bound is well above its formal constant.
fn weights() -> Weights {
    vec![
        vec![vec![-1.0, 2.0], vec![2.0, -1.0], vec![1.0, -1.0]],
        vec![vec![-2.0, -2.0, -1.0], vec![-1.0, 2.0, 1.0], vec![0.0, -1.0, -1.0]],
        vec![vec![-2.0, -1.0, 1.0], vec![2.0, 2.0, -1.0]],
    ]
}

fn network() -> Network {
    chain(&weights(), Activation::Relu)
}

fn outcomes() -> Vec<Outcome> {
    let outcome = |method| match bound_with(&network(), OutputSelection::All, method) {
        // Not for two hidden layers.
        Err(Failure::Declined(Decline::Shape { .. })) => None,
        outcome => Some(outcome.expect("a bound")),
    };
    upper_methods().filter_map(outcome).collect()
}

fn outcome_of(method: &str) -> Outcome {
    let method = tightlip::method_named(method).expect("a method of the list");
    bound_with(&network(), OutputSelection::All, method).expect("a bound")
}

/// Either refused, or true: at least the formal constant, and at most what the file claims.
fn assert_refused_or_true(certificate: &Certificate, what: &str) -> bool {
    let network = network();
    match certificate.verify(&network, &limits()) {
        Err(_) => true,
        Ok(bound) => {
            let system = IncrementSystem::of_network(&network, certificate.query.output).expect("valid");
            let constant = brute_force_fgl(&system);
            assert!(bound.value() >= constant * (1.0 - 1e-12), "{what}: proved {} below {constant}", bound.value());
            assert!(certificate.bound >= bound.value(), "{what}: accepted a claim below the proof");
            false
        }
    }
}

#[test]
fn an_untouched_certificate_is_accepted_after_a_round_trip_through_its_file() {
    for outcome in outcomes() {
        let text = outcome.certificate.to_json().expect("finite");
        let read = Certificate::from_json(&text).expect("own file");
        assert_eq!(read, outcome.certificate);
        let proved = read.verify(&network(), &limits()).expect("accepted");
        assert_eq!(proved.value(), outcome.bound.value(), "the proof is repeatable to the last bit");
    }
}

#[test]
fn a_bound_lowered_by_one_part_in_a_billion_is_refused() {
    for outcome in outcomes() {
        let mut certificate = outcome.certificate;
        certificate.bound *= 1.0 - 1e-9;
        assert!(matches!(certificate.verify(&network(), &limits()), Err(Refusal::Claim { .. })));
        certificate.bound = f64::NAN;
        assert!(certificate.verify(&network(), &limits()).is_err());
        certificate.bound = f64::INFINITY;
        assert!(certificate.to_json().is_err());
    }
}

#[test]
fn every_altered_multiplier_is_refused_or_the_bound_still_true() {
    let mut refused = 0;
    let mut altered = 0;
    for outcome in outcomes() {
        let segments = outcome.certificate.segments.len();
        for segment in 0..segments {
            let hidden = multipliers_of(&mut outcome.certificate.segments[segment].clone()).hidden.clone();
            for factor in [0.999, 1.001, 0.0, -1.0, 1e300, f64::NAN] {
                for (layer, neurons) in hidden.iter().enumerate() {
                    for neuron in 0..neurons.len() {
                        let mut certificate = outcome.certificate.clone();
                        multipliers_of(&mut certificate.segments[segment]).hidden[layer][neuron] *= factor;
                        altered += 1;
                        refused += usize::from(assert_refused_or_true(&certificate, "a hidden multiplier"));
                    }
                }
                for side in 0..2 {
                    let mut certificate = outcome.certificate.clone();
                    let multipliers = multipliers_of(&mut certificate.segments[segment]);
                    let weight = if side == 0 { &mut multipliers.input } else { &mut multipliers.output };
                    *weight = weight.scaled(factor);
                    altered += 1;
                    refused += usize::from(assert_refused_or_true(&certificate, "a weight"));
                }
            }
        }
    }
    // Nearly all alterations break a tight certificate; if few did, the check would not be one.
    assert!(refused * 10 >= altered * 8, "only {refused} of {altered} alterations were refused");
}

#[test]
fn negative_multipliers_are_named() {
    let mut certificate = outcome_of("lipsdp-neuron.lifted").certificate;
    multipliers_of(&mut certificate.segments[0]).hidden[1][2] = -2e-9;
    let refusal = certificate.verify(&network(), &limits()).expect_err("negative");
    assert_eq!(refusal.to_string(), "multiplier of the hidden layer 2, entry 2 is -2e-9, want a finite number ≥ 0");
}

#[test]
fn certificates_of_another_network_or_question_are_refused() {
    for outcome in outcomes() {
        let mut other = weights();
        other[1][0][0] = -2.000_000_1;
        let other = chain(&other, Activation::Relu);
        assert!(matches!(outcome.certificate.verify(&other, &limits()), Err(Refusal::Network { .. })));
        let tanh = chain(&weights(), Activation::Tanh);
        assert!(matches!(outcome.certificate.verify(&tanh, &limits()), Err(Refusal::Network { .. })));
        // With the digest forged as well, the proof itself has to fail on heavier weights; where multipliers have room, as those
        // of products and closed forms, unless the claim is true of them too.
        let exact = ["lipsdp-", "geolip.", "fgl."].iter().any(|family| outcome.certificate.method.starts_with(family));
        for factor in [1.01, 3.0] {
            let mut heavier = weights();
            heavier[0].iter_mut().flatten().for_each(|w| *w *= factor);
            let heavier = chain(&heavier, Activation::Relu);
            let system = IncrementSystem::of_network(&heavier, OutputSelection::All).expect("valid");
            let mut forged = outcome.certificate.clone();
            forged.network_sha256 = heavier.sha256();
            match forged.verify(&heavier, &limits()) {
                Ok(bound) => {
                    assert!(!exact, "{}: {bound:?} for weights times {factor}", forged.method);
                    assert!(bound.value() >= brute_force_fgl(&system), "{}: {bound:?}", forged.method);
                }
                Err(refusal) => {
                    assert!(matches!(refusal, Refusal::NotPositive { .. } | Refusal::Claim { .. }), "{refusal}");
                }
            }
        }
        let mut other = outcome.certificate.clone();
        other.query.output = OutputSelection::Difference(0, 1);
        assert_refused_or_true(&other, "another output");
        let mut other = outcome.certificate.clone();
        other.query.output = OutputSelection::Single(7);
        assert!(other.verify(&network(), &limits()).is_err());
    }
}

#[test]
fn norms_that_the_multipliers_do_not_prove_are_refused() {
    for outcome in outcomes() {
        // An enumeration has no multipliers.
        let Some(last) = outcome.certificate.segments.len().checked_sub(1) else { continue };
        let with_norms = |input: Norm, output: Norm| {
            let mut certificate = outcome.certificate.clone();
            (certificate.query.input_norm, certificate.query.output_norm) = (input, output);
            certificate
        };
        for (input, output) in [(Norm::LInf, Norm::L2), (Norm::L2, Norm::L1)] {
            assert!(with_norms(input, output).verify(&network(), &limits()).is_err(), "{input} → {output}");
        }
        // ‖x‖₂ ≤ ‖x‖₁ and ‖y‖_∞ ≤ ‖y‖₂: the same multipliers prove these, and the claim is true.
        for (input, output) in [(Norm::L1, Norm::L2), (Norm::L2, Norm::LInf), (Norm::L1, Norm::LInf)] {
            let certificate = with_norms(input, output);
            let bound = certificate.verify(&network(), &limits()).expect("a weaker claim").value();
            let system = IncrementSystem::of_network(&network(), OutputSelection::All).expect("valid");
            assert!(brute_force_fgl_of(&system, &certificate.query) <= bound, "{input} → {output}");
        }
        let mut certificate = outcome.certificate;
        multipliers_of(&mut certificate.segments[last]).output = Weight::PerCoordinate(vec![1e9; 2]);
        assert!(certificate.verify(&network(), &limits()).is_err());
    }
}

#[test]
fn norms_at_cuts_and_formulas_that_were_tampered_with_are_refused_or_the_bound_still_true() {
    let pairs = [Norm::L1, Norm::L2, Norm::LInf];
    let method = tightlip::method_named("norm-product").expect("a method of the list");
    let (mut altered, mut refused) = (0, 0);
    for (input, output) in pairs.into_iter().flat_map(|input| pairs.map(|output| (input, output))) {
        let certificate = answer(&network(), question(input, output), method, 1e-5).expect("a bound").certificate;
        let system = IncrementSystem::of_network(&network(), OutputSelection::All).expect("valid");
        let constant = brute_force_fgl_of(&system, &certificate.query);
        for segment in 0..3 {
            let large = Multipliers { input: Weight::Uniform(9.0), hidden: vec![], output: Weight::Uniform(9.0) };
            let changes: [&dyn Fn(&mut Segment); 6] = [
                &|segment| segment.cut_norm = Norm::L1,
                &|segment| segment.cut_norm = Norm::L2,
                &|segment| segment.cut_norm = Norm::LInf,
                &|segment| segment.multipliers = None,
                &|segment| segment.multipliers = Some(large.clone()),
                &|segment| segment.multipliers = Some(Multipliers { hidden: vec![vec![1.0]], ..large.clone() }),
            ];
            for change in changes {
                let mut changed = certificate.clone();
                change(&mut changed.segments[segment]);
                altered += usize::from(changed != certificate);
                match changed.verify(&network(), &limits()) {
                    Ok(bound) => assert!(bound.value() >= constant * (1.0 - 1e-12), "ℓ{input} → ℓ{output}: {bound:?}"),
                    Err(_) => refused += 1,
                }
            }
        }
        let mut with_cut_at_the_end = certificate.clone();
        with_cut_at_the_end.segments[2].cut_norm = Norm::LInf;
        assert!(with_cut_at_the_end.verify(&network(), &limits()).is_err(), "the last segment has no cut");
    }
    assert!(refused * 10 >= altered * 8, "only {refused} of {altered} alterations were refused");
}

#[test]
fn certificates_in_l2_have_the_form_of_those_written_before_other_norms() {
    let text = outcome_of("norm-product").certificate.to_json().expect("finite");
    assert!(!text.contains("cut_norm") && text.matches("\"multipliers\"").count() == 3, "{text}");
    // Read from a file as the first release wrote it: no cut norms, uniform weights.
    let read = Certificate::from_json(&text).expect("own file");
    assert!(read.segments.iter().all(|segment| segment.cut_norm == Norm::L2 && segment.multipliers.is_some()));
}

#[test]
fn segments_that_do_not_cover_the_network_are_refused() {
    let product = outcomes().into_iter().find(|outcome| outcome.certificate.segments.len() == 3).expect("a product");
    for (position, end_block) in [(0, 0), (0, 2), (1, 1), (1, 3), (2, 2), (2, 4), (2, usize::MAX)] {
        let mut certificate = product.certificate.clone();
        certificate.segments[position].end_block = end_block;
        assert!(certificate.verify(&network(), &limits()).is_err(), "segment {position} ends at {end_block}");
    }
    for missing in 0..3 {
        let mut certificate = product.certificate.clone();
        certificate.segments.remove(missing);
        assert!(certificate.verify(&network(), &limits()).is_err(), "segment {missing} is missing");
    }
}

#[test]
fn text_that_is_not_a_certificate_is_refused_without_a_panic() {
    let text = outcome_of("lipsdp-neuron.lifted").certificate.to_json().expect("finite");
    for end in (0..text.len() - 2).step_by(7) {
        assert!(Certificate::from_json(&text[..end]).is_err(), "cut at {end}");
    }
    for (old, new) in [
        ("tightlip-certificate", "certificate"),
        ("\"version\": 1", "\"version\": 2"),
        ("\"bound\"", "\"limit\""),
        ("\"level\": \"rigorous\"", "\"level\": \"certain\""),
        ("\"segments\"", "\"extra\": 1, \"segments\""),
        ("\"output\": \"all\"", "\"output\": \"some\""),
    ] {
        assert!(text.contains(old), "{old} is in the file");
        assert!(Certificate::from_json(&text.replacen(old, new, 1)).is_err(), "{new}");
    }
}
