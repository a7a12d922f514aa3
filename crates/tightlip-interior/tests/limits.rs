//! What happens at the edges: interrupts, memory, starts, degenerate networks.

use std::sync::atomic::Ordering;

use tightlip_interior::{Declined, Settings, Status, predicted_bytes, solve};
use tightlip_model::{
    Activation, Edge, IncrementSystem, Limits, LinearMap, OutputSelection, Query, SlopeInterval, random_network,
};
use tightlip_sdp::{Pencil, Tying};

/// The pencil of a random network, not reduced.
fn pencil(sizes: &[usize], tying: Tying) -> Pencil {
    let network = random_network(sizes, Activation::Relu, 3).expect("valid sizes");
    let query = Query::euclidean(OutputSelection::All);
    Pencil::new(&IncrementSystem::of_network(&network, query.output).expect("valid"), &query, tying)
}

/// The pencil of weights given row by row, with one slope interval.
fn pencil_of(weights: &[Vec<Vec<f64>>], slope: SlopeInterval) -> Pencil {
    let last = weights.len() - 1;
    let hidden = weights[..last].iter().map(|rows| vec![slope; rows.len()]).collect();
    let edges = weights
        .iter()
        .enumerate()
        .map(|(k, rows)| Edge { from: k, to: k + 1, map: LinearMap::from_rows(rows) })
        .collect();
    let system = IncrementSystem::new(weights[0][0].len(), hidden, weights[last].len(), edges).expect("valid");
    Pencil::new(&system, &Query::euclidean(OutputSelection::All), Tying::Neuron)
}

#[test]
fn an_interrupt_returns_the_iterate_before_it() {
    let pencil = pencil(&[4, 12, 12, 3], Tying::Neuron);
    let limits = Limits::within(1 << 30);
    let mut seen = Vec::new();
    let answer = solve(&pencil, None, &Settings::default(), &limits, &mut |progress| {
        seen.push(progress.objective);
        limits.interrupt.store(progress.iteration == 4, Ordering::Relaxed);
    })
    .expect("an answer");
    assert_eq!((answer.status, answer.iterations), (Status::Interrupted, 4));
    assert!(seen.contains(&answer.objective));
    // The start is strictly feasible and steps keep it so: every iterate is a bound.
    assert!(pencil.matrix(&answer.values).llt(faer::Side::Lower).is_ok());
}

#[test]
fn the_iteration_limit_is_told() {
    let settings = Settings { iterations: 2, ..Settings::default() };
    let answer = solve(&pencil(&[3, 8, 2], Tying::Layer), None, &settings, &Limits::within(1 << 30), &mut |_| {});
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.iterations), (Status::IterationLimit, 2));
}

#[test]
fn too_little_memory_declines_before_anything_is_allocated() {
    let pencil = pencil(&[4, 12, 12, 3], Tying::Neuron);
    let limits = Limits::within(predicted_bytes(&pencil) - 1);
    let declined = solve(&pencil, None, &Settings::default(), &limits, &mut |_| {}).expect_err("too little");
    assert!(matches!(declined, Declined::Memory { order: 31, .. }), "{declined}");
}

#[test]
fn a_feasible_start_is_used_and_an_infeasible_one_does_no_harm() {
    let pencil = pencil(&[4, 12, 12, 3], Tying::Neuron);
    let (settings, limits) = (Settings::default(), Limits::within(1 << 30));
    let first = solve(&pencil, None, &settings, &limits, &mut |_| {}).expect("an answer");
    let mut started_at = 0.0;
    let near: Vec<f64> = first.values.iter().map(|value| 1.01 * value).collect();
    let mut observe = |progress: tightlip_interior::Progress| {
        if progress.iteration == 0 {
            started_at = progress.objective;
        }
    };
    let second = solve(&pencil, Some(&near), &settings, &limits, &mut observe).expect("an answer");
    assert!((started_at - 1.01 * first.objective).abs() < 1e-9);
    assert!((second.objective - first.objective).abs() < 1e-8 * first.objective);
    let negative = vec![-1.0; near.len()];
    let third = solve(&pencil, Some(&negative), &settings, &limits, &mut |_| {}).expect("an answer");
    assert!((third.objective - first.objective).abs() < 1e-8 * first.objective);
}

#[test]
fn threads_change_nothing_but_rounding_and_the_same_threads_nothing_at_all() {
    let pencil = pencil(&[20, 60, 60, 5], Tying::Neuron);
    let run = |threads: usize| {
        let limits = Limits { threads, ..Limits::within(1 << 30) };
        solve(&pencil, None, &Settings::default(), &limits, &mut |_| {}).expect("an answer")
    };
    let (one, two, again) = (run(1), run(2), run(2));
    assert!((one.objective - two.objective).abs() < 1e-8 * one.objective);
    assert_eq!(two.values, again.values);
}

#[test]
fn degenerate_networks_end_with_an_honest_status() {
    let row = |values: &[f64]| values.to_vec();
    let unit = SlopeInterval::UNIT;
    let fixed = SlopeInterval::new(1.0, 1.0).expect("an interval");
    let cases = [
        ("one neuron", vec![vec![row(&[2.0])], vec![row(&[3.0])]], unit, Some(6.0)),
        ("a row of zeros", vec![vec![row(&[2.0]), row(&[0.0])], vec![row(&[3.0, 1.0])]], unit, Some(6.0)),
        ("an unread neuron", vec![vec![row(&[2.0]), row(&[1.0])], vec![row(&[3.0, 0.0])]], unit, Some(6.0)),
        ("duplicates", vec![vec![row(&[1.0]), row(&[1.0])], vec![row(&[1.0, 1.0])]], unit, Some(2.0)),
        ("opposite duplicates", vec![vec![row(&[1.0]), row(&[1.0])], vec![row(&[1.0, -1.0])]], unit, Some(1.0)),
        ("zero output", vec![vec![row(&[1.0]), row(&[1.0])], vec![row(&[0.0, 0.0])]], unit, None),
        ("fixed slopes", vec![vec![row(&[2.0])], vec![row(&[3.0])]], fixed, Some(6.0)),
    ];
    for (name, weights, slope, wanted) in cases {
        let answer =
            solve(&pencil_of(&weights, slope), None, &Settings::default(), &Limits::within(1 << 30), &mut |_| {})
                .unwrap_or_else(|declined| panic!("{name}: {declined}"));
        assert!(answer.values.iter().all(|value| value.is_finite()), "{name}");
        if let Some(wanted) = wanted {
            let claimed = answer.status == Status::Solved;
            let error = (answer.objective - wanted).abs() / wanted;
            assert!(error < if claimed { 1e-7 } else { 1e-3 }, "{name}: {:?} {}", answer.status, answer.objective);
            assert!(answer.objective >= wanted * (1.0 - 1e-12), "{name}: below the optimum");
        }
    }
}
