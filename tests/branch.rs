//! The formal constant by branch and bound: it agrees with the enumeration, its trees are proofs, limits are honoured.

use std::time::{Duration, Instant};

use rand::Rng;
use tightlip::{Context, Failure, Judge, Outcome, Problem, method_named};
use tightlip_certify::Level;
use tightlip_model::{Activation, Edge, IncrementSystem, Limits, LinearMap, Network, Norm, OutputSelection, Query};
use tightlip_tests::{DIRECT_NORMS, brute_force_fgl_of, chain, generator, limits, question, random_weights};

#[path = "branch/tampering.rs"]
mod tampering;

/// Rounding of the plain enumeration.
const ROUNDING: f64 = 1e-12;
/// A solved search closes its nodes within a tenth of the tolerance; proof and pattern are a little off on both sides.
const SOLVED: f64 = 2e-6;
const ACTIVATIONS: [Activation; 8] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.1 },
    Activation::LeakyRelu { slope: -0.5 },
    Activation::LeakyRelu { slope: 1.0 },
    Activation::Abs,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Elu { scale: 1.5 },
];
/// ℓ1 inputs and ℓ∞ outputs, which are searched case by case.
const CASES: [(Norm, Norm); 5] = [
    (Norm::L1, Norm::L2),
    (Norm::L1, Norm::L1),
    (Norm::L2, Norm::LInf),
    (Norm::LInf, Norm::LInf),
    (Norm::L1, Norm::LInf),
];

fn constant_of(network: &Network, query: &Query) -> f64 {
    let system = IncrementSystem::of_network(network, query.output).expect("valid");
    brute_force_fgl_of(&system, query)
}

fn ask(network: &Network, query: Query, context: &Context) -> Result<Outcome, Failure> {
    let method = method_named("fgl.branch").expect("a method of the list");
    tightlip::upper_bound(network, query, Some(method), context)
}

fn branch(network: &Network, query: Query) -> Outcome {
    ask(network, query, &Context::silent(limits())).unwrap_or_else(|failure| panic!("{query:?} {network:?}: {failure}"))
}

fn relu(dims: &[usize], seed: u64) -> Network {
    chain(&random_weights(dims, 0.0, &mut generator(seed)), Activation::Relu)
}

/// Asserts that a solved search encloses the constant, closely.
fn assert_solved(outcome: &Outcome, constant: f64, what: &str) {
    let (upper, report) = (outcome.bound.value(), &outcome.report);
    let lower = report.relaxation_lower.expect("a lower bound");
    assert!(upper >= constant * (1.0 - ROUNDING), "{what}: {upper} is below {constant}");
    assert!(lower <= constant * (1.0 + ROUNDING), "{what}: {lower} is above {constant}");
    assert!(upper <= lower * (1.0 + SOLVED), "{what}: {lower} and {upper} are far apart: {}", report.status);
    assert!(report.status.starts_with("solved") && !report.interrupted, "{what}: {}", report.status);
    assert_eq!(outcome.bound.level(), Level::Rigorous);
}

#[test]
fn the_search_agrees_with_the_plain_enumeration_on_random_networks_and_all_norms() {
    let mut random = generator(61);
    let mut split = 0;
    for draw in 0..500 {
        let depth = 1 + draw / 8 % 4;
        let mut dims = vec![random.random_range(1..=4)];
        dims.extend((0..depth).map(|_| random.random_range(1..=[8, 5, 4, 3][depth - 1])));
        dims.push(random.random_range(1..=4));
        let activation = ACTIVATIONS[draw % ACTIVATIONS.len()];
        let network = chain(&random_weights(&dims, 0.1, &mut random), activation);
        let all = DIRECT_NORMS.iter().chain(&CASES);
        // Every draw asks two of the nine pairs of norms; nine draws with one activation ask them all twice.
        let asked = all.cycle().skip(draw % 8 + draw / 8).take(2);
        for &(input, output) in asked {
            let what = format!("{draw} {dims:?} {activation} {input}→{output}");
            let query = question(input, output);
            let outcome = branch(&network, query);
            let constant = constant_of(&network, &query);
            if constant == 0.0 {
                assert_eq!(outcome.bound.value(), 0.0, "{what}");
                continue;
            }
            assert_solved(&outcome, constant, &what);
            split += usize::from(outcome.certificate.trees.iter().any(|case| case.tree.nodes.len() > 1));
            let text = outcome.certificate.to_json().expect("finite");
            let read = tightlip_certify::Certificate::from_json(&text).expect("own file");
            assert_eq!(read, outcome.certificate, "{what}");
            let again = read.verify(&network, &limits()).unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
            assert_eq!(again.value(), outcome.bound.value(), "{what}: the proof is repeatable to the last bit");
        }
    }
    assert!(split >= 150, "only {split} trees were split");
}

#[test]
fn wider_networks_agree_with_the_proved_enumeration() {
    let mut random = generator(62);
    let enumeration = method_named("fgl.brute").expect("a method of the list");
    for (draw, dims) in [vec![6, 16, 4], vec![5, 9, 8, 3], vec![4, 6, 6, 6, 3], vec![8, 14, 1]].into_iter().enumerate()
    {
        let network = chain(&random_weights(&dims, 0.0, &mut random), ACTIVATIONS[[0, 2, 4, 5][draw]]);
        for (input, output) in DIRECT_NORMS.into_iter().chain([(Norm::L1, Norm::LInf)]) {
            let query = question(input, output);
            let brute = tightlip::upper_bound(&network, query, Some(enumeration), &Context::silent(limits()));
            let outcome = branch(&network, query);
            assert_solved(&outcome, brute.expect("few patterns").report.relaxation_lower.expect("known"), "wide");
        }
    }
}

#[test]
fn outputs_and_margins_are_searched_alone() {
    let network = relu(&[4, 6, 5, 3], 63);
    for output in [OutputSelection::Single(2), OutputSelection::Difference(0, 2)] {
        for input_norm in [Norm::L1, Norm::L2, Norm::LInf] {
            let query = Query { input_norm, ..Query::euclidean(output) };
            assert_solved(&branch(&network, query), constant_of(&network, &query), "one output");
        }
    }
}

#[test]
fn small_networks_and_neurons_that_choose_nothing_are_no_exception() {
    let row = |entries: &[f64]| entries.to_vec();
    let matrix = || random_weights(&[3, 4], 0.0, &mut generator(64))[0].clone();
    let dead = vec![vec![row(&[0.0]), row(&[5.0]), row(&[1.0])], vec![row(&[7.0, 0.0, 1.0]), row(&[1.0, 0.0, 2.0])]];
    let unread = vec![vec![row(&[1.0]), row(&[5.0])], vec![row(&[1.0, 0.0]), row(&[2.0, 0.0])]];
    let networks = [
        (vec![matrix()], Activation::Relu),
        (vec![vec![row(&[3.0])]], Activation::Relu),
        (vec![vec![row(&[3.0])], vec![row(&[2.0])]], Activation::Tanh),
        (vec![vec![row(&[3.0, 4.0])], vec![row(&[2.0])], vec![row(&[1.0]), row(&[-5.0])]], Activation::Relu),
        (dead, Activation::Relu),
        (unread, Activation::Abs),
        (random_weights(&[3, 4, 3, 2], 0.0, &mut generator(65)), Activation::Identity),
    ];
    for (weights, activation) in networks {
        let network = chain(&weights, activation);
        for (input, output) in DIRECT_NORMS.into_iter().chain(CASES) {
            let query = question(input, output);
            let outcome = branch(&network, query);
            assert_solved(&outcome, constant_of(&network, &query), &format!("{weights:?} {input}→{output}"));
            outcome.certificate.verify(&network, &limits()).expect("accepted");
        }
    }
}

#[test]
fn a_network_that_never_moves_has_the_bound_zero() {
    let row = |entries: &[f64]| entries.to_vec();
    for (weights, activation) in [
        (vec![vec![row(&[0.0, 0.0])], vec![row(&[2.0])]], Activation::Tanh),
        (vec![vec![row(&[1.0, 2.0])], vec![row(&[0.0])]], Activation::Relu),
        (vec![vec![row(&[0.0, 0.0])]], Activation::Relu),
    ] {
        let network = chain(&weights, activation);
        for (input, output) in DIRECT_NORMS.into_iter().chain(CASES) {
            let outcome = branch(&network, question(input, output));
            assert_eq!(outcome.bound.value(), 0.0, "{input}→{output}");
            outcome.certificate.verify(&network, &limits()).expect("accepted");
        }
    }
}

#[test]
fn linear_neurons_that_cancel_leave_a_bound_at_the_rounding_or_none() {
    // x − x: every path is alive, the sum of all is zero.
    let network = chain(&vec![vec![vec![1.0], vec![1.0]], vec![vec![1.0, -1.0]]], Activation::Identity);
    match ask(&network, Query::euclidean(OutputSelection::All), &Context::silent(limits())) {
        Ok(outcome) => assert!(outcome.bound.value() <= 1e-6, "{}", outcome.bound.value()),
        Err(failure) => assert!(matches!(failure, Failure::Declined(_)), "{failure}"),
    }
}

#[test]
fn the_tree_does_not_depend_on_the_number_of_threads() {
    for (dims, input, output) in [
        (vec![10, 32, 3], Norm::L2, Norm::L2),
        (vec![6, 10, 10, 3], Norm::LInf, Norm::L1),
        (vec![3, 8, 8, 3], Norm::L1, Norm::LInf),
    ] {
        let network = relu(&dims, 66);
        let with = |threads| {
            let context = Context::silent(Limits { threads, ..limits() });
            ask(&network, question(input, output), &context).expect("a bound")
        };
        let (one, two) = (with(1), with(2));
        assert_eq!(one.certificate, two.certificate, "{dims:?}");
        let told =
            |outcome: &Outcome| (outcome.report.relaxation_lower, outcome.report.sweeps, outcome.report.iterations);
        assert_eq!(told(&one), told(&two));
        assert!(one.certificate.trees.iter().map(|case| case.tree.nodes.len()).sum::<usize>() > 6, "{dims:?}");
    }
}

#[test]
fn a_search_that_is_cut_short_has_a_proved_bound_and_says_so() {
    let network = relu(&[10, 16, 16, 4], 67);
    for (input, output) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L1), (Norm::L1, Norm::LInf)] {
        let query = question(input, output);
        let complete = branch(&network, query);
        let constant = complete.report.relaxation_lower.expect("known");
        let stopped = Limits::within(8 << 30);
        stopped.interrupt.store(true, std::sync::atomic::Ordering::Relaxed);
        let within = |milliseconds| {
            let deadline = Some(Instant::now() + Duration::from_millis(milliseconds));
            Limits { deadline, ..limits() }
        };
        for (cut, limits_now) in [("at once", within(0)), ("soon", within(8)), ("by hand", stopped)] {
            let what = format!("{input}→{output} {cut}");
            let outcome = ask(&network, query, &Context::silent(limits_now)).unwrap_or_else(|f| panic!("{what}: {f}"));
            let (upper, report) = (outcome.bound.value(), &outcome.report);
            assert!(upper >= constant * (1.0 - ROUNDING), "{what}: {upper} is below {constant}");
            assert!(report.relaxation_lower.is_none_or(|lower| lower <= complete.bound.value()), "{what}");
            outcome.certificate.verify(&network, &limits()).unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
            if cut != "soon" {
                assert!(report.interrupted && report.status.starts_with("interrupted"), "{what}: `{}`", report.status);
                assert!(upper > complete.bound.value() && upper <= 3.0 * constant, "{what}: {upper}, {constant}");
            }
        }
    }
}

#[test]
fn the_gap_follows_the_tolerance() {
    let network = relu(&[10, 32, 4], 68);
    let with = |tolerance: f64| {
        let mut context = Context::silent(limits());
        context.tolerance = tolerance;
        ask(&network, Query::euclidean(OutputSelection::All), &context).expect("a bound")
    };
    let constant = with(1e-5).report.relaxation_lower.expect("known");
    let mut nodes = u64::MAX;
    for tolerance in [1e-6, 1e-3, 1e-1] {
        let outcome = with(tolerance);
        let gap = outcome.report.gap.expect("both sides");
        assert!(gap <= 0.2 * tolerance, "{tolerance}: {gap}");
        assert!(outcome.bound.value() >= constant * (1.0 - ROUNDING), "{tolerance}");
        let now = outcome.report.iterations.expect("nodes");
        assert!(now <= nodes, "{tolerance}: {now} nodes, {nodes} with less");
        nodes = now;
    }
    // What no proof in floating point reaches is not claimed.
    let outcome = with(1e-14);
    assert!(outcome.bound.value() >= constant * (1.0 - ROUNDING));
    assert!(outcome.report.interrupted && outcome.report.status.starts_with("stalled"), "{}", outcome.report.status);
}

#[test]
fn skip_connections_are_declined_by_name() {
    let edge = |from, to| Edge { from, to, map: LinearMap::from_rows(&[vec![1.0]]) };
    let slopes = vec![vec![Activation::Relu.slope_interval()]];
    let system = IncrementSystem::new(1, slopes, 1, vec![edge(0, 1), edge(1, 2), edge(0, 2)]).expect("valid");
    let network = relu(&[1, 1, 1], 69);
    for (input, output) in [(Norm::L2, Norm::L2), (Norm::L1, Norm::LInf)] {
        let problem = Problem { network: &network, system: system.clone(), query: question(input, output) };
        let context = Context::silent(limits());
        let mut judge = Judge::new(&problem, &context);
        let method = method_named("fgl.branch").expect("a method of the list");
        let decline = method.propose(&problem, &context, &mut judge).expect_err("a skip");
        assert!(decline.to_string().contains("this network has skip connections"), "{decline}");
        assert!(judge.best().is_none());
    }
}
