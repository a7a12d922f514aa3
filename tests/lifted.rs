//! The lifted method against Clarabel, enumeration and itself.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tightlip::{Context, Failure, lower_bound, method_named, upper_bound};
use tightlip_certify::Level;
use tightlip_model::{Activation, IncrementSystem, Network, Norm, OutputSelection, random_network};
use tightlip_tests::{
    ACTIVATIONS, DIRECT_NORMS, Weights, answer, brute_force_fgl_of, chain, generator, limits, question, random_weights,
};

const LIFTED: &str = "lipsdp-neuron.lifted";
const CLARABEL: &str = "lipsdp-neuron.full.clarabel";
/// Rounding of an enumerated constant.
const ROUNDING: f64 = 1e-12;

#[test]
fn it_agrees_with_clarabel_on_random_networks_for_all_four_pairs_of_norms() {
    let mut random = generator(31);
    let (lifted, clarabel) = (method_named(LIFTED).expect("listed"), method_named(CLARABEL).expect("listed"));
    for draw in 0..500 {
        let depth = 1 + draw % 3;
        let dims: Vec<usize> = (0..depth + 2).map(|_| random.random_range(1..=6)).collect();
        let activation = ACTIVATIONS[draw % ACTIVATIONS.len()];
        let network = chain(&random_weights(&dims, 0.1, &mut random), activation);
        let (input, output) = DIRECT_NORMS[draw / 8 % 4];
        let query = question(input, output);
        let ours = answer(&network, query, lifted, 1e-7).expect("a bound");
        let theirs = answer(&network, query, clarabel, 1e-7).expect("a bound").bound.value();
        let value = ours.bound.value();
        let what = format!("draw {draw} {dims:?} {activation} {input} to {output}");
        assert!((value - theirs).abs() <= 1e-6 * value, "{what}: {value} and {theirs}");
        let lower = ours.report.relaxation_lower.expect("a lower bound of the relaxation");
        assert!(lower <= theirs * (1.0 + ROUNDING), "{what}: relaxation {lower} above {theirs}");
        if value > 0.0 {
            assert!(ours.report.gap.expect("a gap") <= 1e-7, "{what}: {}", ours.report.status);
        }
    }
}

/// A tiny network of a kind that breaks careless methods.
fn degenerate(draw: usize, random: &mut ChaCha8Rng) -> Weights {
    let depth = 1 + draw % 3;
    let mut dims = vec![random.random_range(1..=3)];
    dims.extend((0..depth).map(|_| random.random_range(1..=if depth == 1 { 6 } else { 3 })));
    dims.push(random.random_range(1..=3));
    let mut weights = random_weights(&dims, 0.1, random);
    let layer = random.random_range(0..weights.len());
    let scale = 10f64.powi(random.random_range(-12..=12));
    let rows = weights[layer].len();
    match draw / 3 % 8 {
        // Dead neurons: a zero row, and a column that nothing reads.
        0 => weights[layer][0].fill(0.0),
        1 => weights[layer].iter_mut().for_each(|row| row[0] = 0.0),
        2 => weights[layer].iter_mut().flatten().for_each(|w| *w = 0.0),
        3 => {
            let first = weights[layer][0].clone();
            weights[layer].iter_mut().enumerate().for_each(|(i, row)| {
                row.iter_mut().zip(&first).for_each(|(w, f)| *w = f * (i as f64 - 0.7));
            });
        }
        4 => weights[layer].iter_mut().flatten().for_each(|w| *w *= scale),
        5 => weights[layer][rows - 1].iter_mut().for_each(|w| *w *= scale),
        // Twins, equal or opposite.
        6 => {
            let sign = if draw.is_multiple_of(2) { 1.0 } else { -1.0 };
            weights[layer][rows - 1] = weights[layer][0].iter().map(|w| sign * w).collect();
        }
        _ => weights[layer].iter_mut().flatten().for_each(|w| *w = w.signum()),
    }
    weights
}

#[test]
fn ten_thousand_tiny_networks_are_bounded_soundly_and_tightly_or_say_why_not() {
    let mut random = generator(10);
    let lifted = method_named(LIFTED).expect("listed");
    let (mut wide, mut refused) = (Vec::new(), Vec::new());
    for draw in 0..10_000 {
        let weights = degenerate(draw, &mut random);
        let activation = ACTIVATIONS[draw / 24 % ACTIVATIONS.len()];
        let network = chain(&weights, activation);
        let (input, output) = DIRECT_NORMS[draw % 4];
        let query = question(input, output);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let constant = brute_force_fgl_of(&system, &query);
        let what = format!("draw {draw} {activation} {input} to {output}");
        match answer(&network, query, lifted, Context::TOLERANCE) {
            Ok(outcome) => {
                let value = outcome.bound.value();
                assert!(value.is_finite() && value >= constant * (1.0 - ROUNDING), "{what}: {value} < {constant}");
                assert_eq!(outcome.bound.level(), Level::Rigorous);
                if outcome.report.gap.is_none_or(|gap| gap > Context::TOLERANCE) && value > 0.0 {
                    assert!(!outcome.report.status.starts_with("solved"), "{what}: {}", outcome.report.status);
                    wide.push(format!("{what}: {:?} {}", outcome.report.gap, outcome.report.status));
                }
            }
            Err(Failure::Refused { refusal, .. }) => refused.push(format!("{what}: constant {constant:e}: {refusal}")),
            Err(failure) => panic!("{what}: {failure}"),
        }
    }
    assert!(refused.is_empty(), "{} refused: {:#?}", refused.len(), &refused[..refused.len().min(20)]);
    assert!(wide.len() <= 20, "{} gaps are wide: {:#?}", wide.len(), &wide[..wide.len().min(20)]);
}

#[test]
fn questions_in_cases_are_above_the_constant_and_their_certificates_verify() {
    let mut random = generator(77);
    let lifted = method_named(LIFTED).expect("listed");
    let pairs = [
        (Norm::L1, Norm::L2),
        (Norm::L1, Norm::L1),
        (Norm::L1, Norm::LInf),
        (Norm::L2, Norm::LInf),
        (Norm::LInf, Norm::LInf),
    ];
    for draw in 0..100 {
        let dims = [random.random_range(1..=3), random.random_range(1..=4), random.random_range(1..=3)];
        let network = chain(&random_weights(&dims, 0.1, &mut random), ACTIVATIONS[draw % ACTIVATIONS.len()]);
        let (input, output) = pairs[draw % pairs.len()];
        let query = question(input, output);
        let outcome = answer(&network, query, lifted, 1e-6).expect("a bound");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let constant = brute_force_fgl_of(&system, &query);
        let value = outcome.bound.value();
        assert!(value >= constant * (1.0 - ROUNDING), "draw {draw} {input} to {output}: {value} < {constant}");
        assert!(value <= 2.0 * constant + 1e-9, "draw {draw} {input} to {output}: {value} is far above {constant}");
        let verified = outcome.certificate.verify(&network, &limits()).expect("its own certificate");
        assert_eq!(verified.value(), value);
        let mut without = outcome.certificate.clone();
        without.cases[0].cases.pop();
        assert!(without.verify(&network, &limits()).is_err(), "draw {draw}: a case is missing");
    }
}

#[test]
fn patterns_are_below_the_formal_constant_and_usually_reach_it() {
    let mut random = generator(5);
    let pattern = method_named("fgl-pattern").expect("listed");
    let mut reached = 0;
    for draw in 0..200 {
        let dims = [2, random.random_range(1..=4), random.random_range(1..=4), 2];
        let network = chain(&random_weights(&dims, 0.1, &mut random), ACTIVATIONS[draw % ACTIVATIONS.len()]);
        let (input, output) = DIRECT_NORMS[draw % 4];
        let query = question(input, output);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let constant = brute_force_fgl_of(&system, &query);
        let report = lower_bound(&network, query, pattern, &Context::silent(limits())).expect("a pattern");
        let value = report.value.expect("a value");
        assert!(value <= constant * (1.0 + ROUNDING), "draw {draw}: {value} > {constant}");
        reached += usize::from(value >= constant * (1.0 - 1e-9));
    }
    assert!(reached >= 190, "only {reached} of 200 patterns are the best");
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let network = random_network(&[300, 300, 260, 10], Activation::Relu, 4).expect("valid");
    let values = [1, 2].map(|threads| {
        let mut limits = limits();
        limits.threads = threads;
        let lifted = method_named(LIFTED).expect("listed");
        let outcome = upper_bound(&network, question(Norm::L2, Norm::L2), Some(lifted), &Context::silent(limits));
        let outcome = outcome.expect("a bound");
        (outcome.bound.value(), outcome.report.claimed, outcome.report.sweeps)
    });
    assert_eq!(values[0], values[1]);
}

/// The time from a limit to the proved bound.
fn time_to_stop(network: &Network, interrupt_after: Duration) -> (Duration, f64) {
    let context = Context::silent(limits());
    let flag = context.limits.interrupt.clone();
    let struck = std::thread::spawn(move || {
        std::thread::sleep(interrupt_after);
        flag.store(true, Ordering::Relaxed);
        Instant::now()
    });
    let outcome = upper_bound(network, question(Norm::L2, Norm::L2), None, &context).expect("a bound");
    let end = Instant::now();
    (end.saturating_duration_since(struck.join().expect("the timer ends")), outcome.bound.value())
}

#[test]
fn an_interrupt_at_any_moment_leaves_a_proved_bound_soon() {
    // Four times the half second promised: tests run side by side on loaded machines.
    let mut dims = vec![60; 52];
    dims[0] = 20;
    let networks = [
        random_network(&dims, Activation::Relu, 1).expect("valid"),
        random_network(&[10, 700, 700, 10], Activation::Relu, 1).expect("valid"),
    ];
    for network in &networks {
        for milliseconds in [0, 1, 20, 100, 300] {
            let (time, value) = time_to_stop(network, Duration::from_millis(milliseconds));
            assert!(time < Duration::from_secs(2), "{time:?} after an interrupt at {milliseconds} ms");
            assert!(value.is_finite() && value > 0.0);
        }
    }
}
