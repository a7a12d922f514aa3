//! Planted problems, agreement with the rigorous proof, and what has to be refused.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use faer::{Mat, Side};
use tightlip_model::{
    Activation, Edge, LinearMap, Network, Norm, OutputSelection, SlopeInterval, Weight, random_network,
};

use super::*;
use crate::{Certificate, Level, Proof, Segment, prove, prove_segments_probably, round_multipliers};

fn limits() -> Limits {
    Limits::within(1 << 30)
}

fn draw(seed: u8) -> Draw {
    Draw::new([seed; 32])
}

/// Entries in `[−1, 1]` without structure, one of them zero in each row.
fn rough(rows: usize, cols: usize, salt: usize) -> LinearMap {
    let entry = |i: usize, j: usize| ((i * 131 + j * 197 + i * j * 7 + salt * 61) % 101) as f64 / 50.0 - 1.0;
    let row = |i: usize| (0..cols).map(|j| if (i + salt) % cols == j { 0.0 } else { entry(i, j) }).collect();
    LinearMap::from_rows(&(0..rows).map(row).collect::<Vec<_>>())
}

fn edge(from: usize, to: usize, map: LinearMap) -> Edge {
    Edge { from, to, map }
}

fn slopes(n: usize, lower: f64, upper: f64) -> Vec<SlopeInterval> {
    (0..n).map(|j| SlopeInterval::new(lower, upper + 0.1 * j as f64).expect("an interval")).collect()
}

/// A chain of widths 3, 4, 5, 2 with slopes [0, 1].
fn plain_chain() -> IncrementSystem {
    let hidden = vec![vec![SlopeInterval::UNIT; 4], vec![SlopeInterval::UNIT; 5]];
    let edges = vec![edge(0, 1, rough(4, 3, 1)), edge(1, 2, rough(5, 4, 2)), edge(2, 3, rough(2, 5, 3))];
    IncrementSystem::new(3, hidden, 2, edges).expect("valid")
}

/// A residual system with slopes of both signs, a composed map, and a dead neuron (the last of the first block).
pub(super) fn residual_block() -> IncrementSystem {
    let hidden = vec![slopes(4, 0.25, 1.0), slopes(3, -0.5, 1.0), slopes(3, -1.0, 1.0)];
    let keep = LinearMap::Scale(vec![1.0, 0.5, 2.0, 0.0]);
    let jump = LinearMap::from_triplets(3, 4, &[(0, 0, 1.0), (1, 1, -0.5), (2, 2, 1.0)]);
    let edges = vec![
        edge(0, 1, rough(4, 3, 1).then(keep)),
        edge(1, 2, rough(3, 4, 2)),
        edge(1, 3, jump.clone()),
        edge(2, 3, rough(3, 3, 4).then(LinearMap::Divide(vec![2.0, -4.0, 3.0]))),
        edge(2, 4, rough(2, 3, 5)),
        edge(3, 4, rough(2, 3, 6)),
    ];
    IncrementSystem::new(3, hidden, 2, edges).expect("valid")
}

/// Multipliers that fall from block to block, so that they are feasible once the weights are large.
fn falling(system: &IncrementSystem, input: Weight, output: Weight) -> Multipliers {
    let hidden = (1..system.output_block())
        .map(|k| (0..system.len(k)).map(|j| 0.02_f64.powf(k as f64) * (1.0 + 0.1 * j as f64)).collect())
        .collect();
    Multipliers { input, hidden, output }
}

/// Feasible multipliers, with the live signals.
pub(super) fn strictly_feasible(system: &IncrementSystem) -> (LiveMask, Multipliers) {
    (LiveMask::new(system), falling(system, Weight::Uniform(1e3), Weight::Uniform(1e7)))
}

/// One input, one neuron with slopes [0, 1], one output: `2 relu(3x)`, or wider copies of it side by side.
fn copies(n: usize) -> IncrementSystem {
    let map = |weight: f64| LinearMap::Scale(vec![weight; n]);
    IncrementSystem::new(n, vec![vec![SlopeInterval::UNIT; n]], n, vec![edge(0, 1, map(3.0)), edge(1, 2, map(2.0))])
        .expect("valid")
}

fn uniform(t: f64, lambda: f64, q: f64, n: usize) -> Multipliers {
    Multipliers { input: Weight::Uniform(t), hidden: vec![vec![lambda; n]], output: Weight::Uniform(q) }
}

/// `vᵀ F v` from the definition of the inequality, with the matrices of the maps.
fn form(system: &IncrementSystem, multipliers: &Multipliers, v: &[Vec<f64>]) -> f64 {
    let last = system.output_block();
    let square = |weight: &Weight, x: &[f64]| -> f64 { x.iter().enumerate().map(|(i, x)| weight.at(i) * x * x).sum() };
    let mut sum = square(&multipliers.input, &v[0]) + square(&multipliers.output, &v[last]);
    for k in 1..=last {
        for i in 0..system.len(k) {
            let before: f64 = system
                .edges_into(k)
                .map(|edge| {
                    let matrix = edge.map.to_dense();
                    (0..matrix.ncols()).map(|j| matrix[(i, j)] * v[edge.from][j]).sum::<f64>()
                })
                .sum();
            sum += if k == last {
                -2.0 * v[k][i] * before
            } else {
                let slope = system.slopes(k)[i];
                let lambda = multipliers.hidden[k - 1][i];
                2.0 * lambda * (v[k][i] - slope.lower() * before) * (v[k][i] - slope.upper() * before)
            };
        }
    }
    sum
}

/// The scaled matrix, entry by entry from the form; zero for dead signals.
fn dense(system: &IncrementSystem, multipliers: &Multipliers) -> Mat<f64> {
    let live = LiveMask::new(system);
    let places: Vec<(usize, usize)> =
        (0..system.blocks()).flat_map(|k| (0..system.len(k)).map(move |i| (k, i))).collect();
    let scale = |(k, i): (usize, usize)| {
        let diagonal = match k {
            0 => multipliers.input.at(i),
            _ if k == system.output_block() => multipliers.output.at(i),
            _ => 2.0 * multipliers.hidden[k - 1][i],
        };
        if live.of(k)[i] { diagonal.sqrt().recip() } else { 0.0 }
    };
    let at = |entries: &[(usize, usize)]| {
        let mut v: Vec<Vec<f64>> = (0..system.blocks()).map(|k| vec![0.0; system.len(k)]).collect();
        for &(k, i) in entries {
            v[k][i] += scale((k, i));
        }
        form(system, multipliers, &v)
    };
    Mat::from_fn(places.len(), places.len(), |r, c| {
        (at(&[places[r], places[c]]) - at(&[places[r]]) - at(&[places[c]])) / 2.0
    })
}

#[test]
fn the_product_without_matrices_is_that_of_the_inequality() {
    for system in [plain_chain(), residual_block()] {
        let (live, multipliers) = strictly_feasible(&system);
        let operator = Operator::new(&system, &live, &multipliers).expect("in range");
        let n = operator.order();
        let wanted = dense(&system, &multipliers);
        let found = operator.apply(Mat::identity(n, n).as_ref());
        assert!((&wanted - &found).norm_max() < 1e-13, "{wanted:?}\n{found:?}");
        let magnitudes = Mat::from_fn(n, n, |i, j| wanted[(i, j)].abs());
        let (norm, roundings) = operator.rounding().expect("in range");
        let exact = magnitudes.singular_values().expect("converges")[0];
        assert!(norm >= exact * (1.0 - 1e-12) && norm < 10.0 * exact && roundings > 20, "{norm} for {exact}");
    }
}

#[test]
fn the_planted_bound_is_proved_and_nothing_below_for_any_seed() {
    let query = Query::euclidean(OutputSelection::All);
    for n in [1, 2, 40] {
        let system = copies(n);
        let bound =
            prove_probably(&system, &query, &uniform(6.0 + 1e-7, 2.0 / 3.0, 6.0 + 1e-7, n), &limits(), &draw(0))
                .expect("a proof");
        assert!(bound.value() >= 6.0 && bound.value() < 6.0 + 2e-7);
        assert_eq!((bound.level(), bound.failure_probability()), (Level::Probabilistic, 1e-10));
        for (t, lambda) in [(6.0 - 1e-7, 2.0 / 3.0), (6.0, 0.66), (6.0, 0.674), (5.0, 2.0 / 3.0)] {
            for seed in 0..50 {
                let refusal =
                    prove_probably(&system, &query, &uniform(t, lambda, 6.0, n), &limits(), &draw(seed).with_steps(60));
                assert!(matches!(refusal, Err(Refusal::Shortfall { .. })), "{t} {lambda}: {refusal:?}");
            }
        }
    }
}

/// Proofs with the input weight scaled: the rigorous one decides where the threshold is, the other has to follow it.
fn assert_same_threshold(system: &IncrementSystem, query: &Query, multipliers: &Multipliers) {
    let scaled = |factor: f64| Multipliers { input: multipliers.input.scaled(factor), ..multipliers.clone() };
    let rigorous = |factor: f64| prove(system, query, &scaled(factor), &limits());
    let (mut low, mut high) = (1e-9, 1.0);
    assert!(rigorous(low).is_err() && rigorous(high).is_ok(), "{:?}", rigorous(high));
    while high > low * (1.0 + 1e-9) {
        let middle = f64::sqrt(low * high);
        if rigorous(middle).is_ok() {
            high = middle;
        } else {
            low = middle;
        }
    }
    for seed in 0..20 {
        let probable =
            |factor: f64| prove_probably(system, query, &scaled(factor), &limits(), &draw(seed).with_steps(80));
        let bound = probable(high * (1.0 + 1e-5)).expect("above the threshold");
        let exact = rigorous(high * (1.0 + 1e-5)).expect("above the threshold").value();
        assert!((bound.value() / exact - 1.0).abs() < 1e-14);
        let refusal = probable(low * (1.0 - 1e-5));
        assert!(matches!(refusal, Err(Refusal::Shortfall { .. })), "{refusal:?}");
    }
}

#[test]
fn chains_and_residual_systems_with_any_slopes_and_norms_agree_with_the_rigorous_proof() {
    for system in [plain_chain(), residual_block()] {
        let per_coordinate = |n: usize, scale: f64| Weight::PerCoordinate((1..=n).map(|i| scale * i as f64).collect());
        for (input_norm, input) in [(Norm::L2, Weight::Uniform(1e3)), (Norm::LInf, per_coordinate(3, 1e3))] {
            for (output_norm, output) in [(Norm::L2, Weight::Uniform(1e7)), (Norm::L1, per_coordinate(2, 1e7))] {
                let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
                assert_same_threshold(&system, &query, &falling(&system, input.clone(), output.clone()));
                let swapped = Query { input_norm: output_norm, output_norm: input_norm, ..query };
                if input_norm != Norm::L2 || output_norm != Norm::L2 {
                    let multipliers = falling(&system, input.clone(), output);
                    let refusal = prove_probably(&system, &swapped, &multipliers, &limits(), &draw(0));
                    assert!(matches!(refusal, Err(Refusal::Unsupported { .. })), "{refusal:?}");
                }
            }
        }
    }
}

#[test]
fn the_shortfall_is_what_the_smallest_eigenvalue_lacks_and_rounding_by_it_is_enough() {
    let query = Query::euclidean(OutputSelection::All);
    let system = plain_chain();
    let multipliers = falling(&system, Weight::Uniform(0.0167), Weight::Uniform(1e7));
    let lowest = dense(&system, &multipliers).self_adjoint_eigenvalues(Side::Lower).expect("converges")[0];
    let refusal = prove_probably(&system, &query, &multipliers, &limits(), &draw(3).with_steps(40));
    let Err(Refusal::Shortfall { steps: 8..=40, margin }) = refusal else { panic!("{refusal:?}") };
    assert!(lowest < -0.005 && margin > -lowest * 0.999 && margin < -lowest * 1.01, "{margin} for {lowest}");
    let rounded = round_multipliers(&multipliers, 1.05 * margin);
    assert!(prove_probably(&system, &query, &rounded, &limits(), &draw(3)).is_ok());
}

#[test]
fn wrong_proofs_are_rarer_than_the_failure_probability() {
    // The component that matters is one of 120; few steps find it only where it is not small.
    const SEEDS: u8 = 200;
    let (query, system) = (Query::euclidean(OutputSelection::All), copies(40));
    let mut hidden = vec![2.0 / 3.0; 40];
    // Feasible from 0.42817 on.
    hidden[7] = 0.425;
    let infeasible = Multipliers { hidden: vec![hidden], ..uniform(6.6, 0.0, 6.6, 40) };
    for probability in [1e-2, 0.5, 0.999] {
        let wrong = (0..SEEDS)
            .filter(|&seed| {
                let draw = draw(seed).with_failure_probability(probability).with_steps(60);
                prove_probably(&system, &query, &infeasible, &limits(), &draw).is_ok()
            })
            .count();
        // Three standard deviations of a binomial variable.
        let (mean, n) = (probability * f64::from(SEEDS), f64::from(SEEDS));
        let largest = mean + 3.0 * (n * probability * (1.0 - probability)).sqrt();
        assert!(wrong as f64 <= largest, "{wrong} wrong proofs at {probability}");
    }
}

#[test]
fn memory_time_and_range_are_declined_with_their_figures() {
    let query = Query::euclidean(OutputSelection::All);
    let (system, good) = (copies(2), uniform(6.1, 2.0 / 3.0, 6.1, 2));
    let attempt =
        |multipliers: &Multipliers, limits: &Limits| prove_probably(&system, &query, multipliers, limits, &draw(0));
    assert!(attempt(&good, &limits()).is_ok());
    let little = Limits { memory_bytes: 1 << 10, ..limits() };
    assert!(matches!(attempt(&good, &little), Err(Refusal::Memory { needed_mib: 1, limit_mib: 0 })));
    let late = Limits { deadline: Some(Instant::now()), ..limits() };
    assert_eq!(attempt(&good, &late), Err(Refusal::Interrupted { steps: 0 }));
    let interrupted = Limits { interrupt: Arc::new(AtomicBool::new(true)), ..limits() };
    assert_eq!(attempt(&good, &interrupted), Err(Refusal::Interrupted { steps: 0 }));
    for wrong in [uniform(1e-310, 1.0, 1.0, 2), uniform(1.0, 1e308, 1.0, 2), uniform(1e-300, 1e300, 1e-300, 2)] {
        let refusal = attempt(&wrong, &limits());
        assert!(matches!(refusal, Err(Refusal::Range { .. })), "{refusal:?}");
    }
    assert!(matches!(attempt(&uniform(6.1, 0.0, 6.1, 2), &limits()), Err(Refusal::Zero { .. })));
    assert!(matches!(attempt(&uniform(6.1, -1.0, 6.1, 2), &limits()), Err(Refusal::Multiplier { .. })));
    assert!(matches!(attempt(&uniform(6.1, f64::NAN, 6.1, 2), &limits()), Err(Refusal::Multiplier { .. })));
    assert!(matches!(attempt(&uniform(6.1, 1.0, 6.1, 3), &limits()), Err(Refusal::Shape { .. })));
}

#[test]
fn dead_signals_need_no_multiplier_and_without_live_ones_the_bound_is_zero() {
    let query = Query::euclidean(OutputSelection::All);
    let system = residual_block();
    let (live, mut multipliers) = strictly_feasible(&system);
    assert!(!live.of(1)[3] && live.of(1)[..3].iter().all(|&l| l));
    multipliers.hidden[0][3] = 0.0;
    assert!(prove_probably(&system, &query, &multipliers, &limits(), &draw(0)).is_ok());
    let cut = vec![edge(0, 1, LinearMap::Scale(vec![0.0])), edge(1, 2, LinearMap::identity(1))];
    let still = IncrementSystem::new(1, vec![slopes(1, 0.0, 1.0)], 1, cut).expect("valid");
    let bound = prove_probably(&still, &query, &uniform(1.0, 0.0, 1.0, 1), &limits(), &draw(0)).expect("constant");
    assert_eq!((bound.value(), bound.level()), (0.0, Level::Probabilistic));
}

/// A network too wide for a rigorous proof in `little()` memory, with a claim proved by the draw of its own digest.
fn wide() -> (Network, Certificate) {
    let network = random_network(&[20, 160, 160, 160, 5], Activation::Relu, 1).expect("valid");
    let query = Query::euclidean(OutputSelection::All);
    let system = IncrementSystem::of_network(&network, query.output).expect("valid");
    let hidden = (1..=3).map(|k| vec![0.15_f64.powi(k); 160]).collect();
    let multipliers = Multipliers { input: Weight::Uniform(2.0), hidden, output: Weight::Uniform(4e3) };
    let segments = vec![Segment::new(4, multipliers)];
    let draw = Draw::of_claim(&network.sha256(), &query, &segments);
    let bound = prove_segments_probably(&system, &query, &segments, &little(), &draw).expect("feasible");
    assert_eq!(bound.level(), Level::Probabilistic);
    (network.clone(), Certificate::new(&network, query, "by hand", bound, Proof::Whole(segments)))
}

fn little() -> Limits {
    Limits { memory_bytes: 3 << 20, ..limits() }
}

#[test]
fn a_certificate_is_verified_at_its_level_or_better_and_survives_its_file() {
    let (network, certificate) = wide();
    let text = certificate.to_json().expect("finite");
    assert!(text.contains("\"level\": \"probabilistic\""));
    let read = Certificate::from_json(&text).expect("own file");
    assert_eq!(read, certificate);
    let verified = read.verify(&network, &little()).expect("accepted");
    assert_eq!((verified.level(), verified.value()), (Level::Probabilistic, certificate.bound));
    assert_eq!(verified.failure_probability(), Draw::FAILURE_PROBABILITY);
    let rigorous = read.verify(&network, &limits()).expect("accepted");
    assert_eq!((rigorous.level(), rigorous.failure_probability()), (Level::Rigorous, 0.0));
}

#[test]
fn certificates_that_claim_too_much_are_refused() {
    let (network, certificate) = wide();
    let mut raised = certificate.clone();
    raised.level = Level::Rigorous;
    assert!(matches!(raised.verify(&network, &little()), Err(Refusal::Memory { .. })));
    let mut lowered = certificate.clone();
    lowered.bound *= 1.0 - 1e-9;
    assert!(matches!(lowered.verify(&network, &little()), Err(Refusal::Claim { .. })));
    let other = random_network(&[20, 160, 160, 160, 5], Activation::Relu, 2).expect("valid");
    assert!(matches!(certificate.verify(&other, &little()), Err(Refusal::Network { .. })));
    let mut altered = certificate.clone();
    let multipliers = altered.segments[0].multipliers.as_mut().expect("a segment with multipliers");
    multipliers.hidden[1].iter_mut().for_each(|lambda| *lambda *= 50.0);
    assert!(matches!(altered.verify(&network, &little()), Err(Refusal::Shortfall { .. })));
    let mut altered = certificate.clone();
    let multipliers = altered.segments[0].multipliers.as_mut().expect("a segment with multipliers");
    multipliers.input = multipliers.input.scaled(0.01);
    assert!(matches!(altered.verify(&network, &little()), Err(Refusal::Shortfall { .. })));
    let late = Limits { deadline: Some(Instant::now()), ..little() };
    assert_eq!(certificate.verify(&network, &late), Err(Refusal::Interrupted { steps: 0 }));
}

#[test]
fn segments_share_the_failure_probability() {
    let network = random_network(&[4, 6, 5, 3], Activation::Relu, 3).expect("valid");
    let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
    let query = Query::euclidean(OutputSelection::All);
    let four = Multipliers { input: Weight::Uniform(4.0), hidden: Vec::new(), output: Weight::Uniform(4.0) };
    let none = |end_block| Segment::new(end_block, four.clone());
    let segments = [none(1), none(2), none(3)];
    let bound = prove_segments_probably(&system, &query, &segments, &limits(), &draw(1)).expect("large weights");
    assert!((bound.value() - 64.0).abs() < 1e-12 && bound.failure_probability() == Draw::FAILURE_PROBABILITY);
}
