//! LipSDP-Layer by subspaces: the optimum of the interior point, for every slope it is for, any depth and one output.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use rand::Rng;
use tightlip::{Context, Stage};
use tightlip_layerwise::{Chain, Tied, TiedEnd};
use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query};
use tightlip_tests::{answer, bound_with, chain, generator, limits, random_weights};

/// Relative difference allowed between the optima.
const APART: f64 = 1e-6;
const NAME: &str = "lipsdp-layer.subspace";

#[test]
fn the_optimum_is_that_of_the_interior_point_on_random_chains() {
    let activations = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Sigmoid,
        Activation::LeakyRelu { slope: -0.5 },
    ];
    let mut random = generator(61);
    for draw in 0..100 {
        let hidden = random.random_range(1..=if draw % 10 == 0 { 12 } else { 4 });
        let mut dims: Vec<usize> = (0..hidden + 2).map(|_| random.random_range(1..=6)).collect();
        if draw % 2 == 0 {
            dims[hidden + 1] = 1;
        }
        let network = chain(&random_weights(&dims, 0.0, &mut generator(2000 + draw)), activations[draw as usize % 4]);
        let query = Query::euclidean(OutputSelection::All);
        let [subspace, interior] = [NAME, "lipsdp-layer.interior"].map(|method| {
            let method = tightlip::method_named(method).expect("a method of the list");
            answer(&network, query, method, 1e-8).expect("a bound").report.claimed
        });
        assert!((subspace / interior - 1.0).abs() < APART, "draw {draw} {dims:?}: {subspace}, interior {interior}");
    }
}

#[test]
fn slopes_symmetric_to_zero_are_declined_by_name() {
    let network = chain(&random_weights(&[2, 3, 1], 0.0, &mut generator(67)), Activation::Abs);
    let method = tightlip::method_named(NAME).expect("a method of the list");
    let declined = bound_with(&network, OutputSelection::All, method).expect_err("blind").to_string();
    assert!(declined.contains("[-1, 1]") && declined.contains("lipsdp-layer.interior"), "{declined}");
}

#[test]
fn a_limit_leaves_the_best_multipliers_so_far() {
    let dims = [30, 60, 60, 60, 60, 60, 60, 60, 60, 1];
    let network = chain(&random_weights(&dims, 0.0, &mut generator(71)), Activation::Relu);
    let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
    let chain = Chain::new(&system).expect("two slopes");
    let after = |questions: u32| {
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > questions
        };
        Tied::new(&chain, (1, 1e-9), &stop, &mut |_| {}).expect("feasible")
    };
    // The start is there whatever the limit; later ones leave smaller bounds.
    let values: Vec<f64> = [0, 100, u32::MAX]
        .map(|questions| {
            let tied = after(questions);
            assert_eq!(tied.end == TiedEnd::Interrupted, questions < u32::MAX, "{:?} after {questions}", tied.end);
            assert_eq!(tied.forward.value().to_bits(), tied.progress.value.to_bits());
            tied.progress.value
        })
        .into();
    assert!(values[0] >= values[1] && values[1] >= values[2] && values[0] > 2.0 * values[2], "{values:?}");
    // The method says so: interrupted as soon as the search has begun.
    let limits = limits();
    let interrupt = limits.interrupt.clone();
    let context = Context::new(limits, move |stage| {
        if matches!(stage, Stage::Solving { .. }) {
            interrupt.store(true, Ordering::Relaxed);
        }
    });
    let method = tightlip::method_named(NAME).expect("a method of the list");
    let query = Query::euclidean(OutputSelection::All);
    let outcome = tightlip::upper_bound(&network, query, Some(method), &context).expect("a bound");
    assert!(outcome.report.interrupted && outcome.report.status.starts_with("stopped"), "{}", outcome.report.status);
}
