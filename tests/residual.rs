//! The canonical form, the assembly and the verifier hold for skip connections, which no file format brings yet.

use rand::Rng;
use tightlip_certify::{Refusal, prove, relaxation_value, round_multipliers};
use tightlip_clarabel::OwnDecomposition;
use tightlip_lifted::LiftedIteration;
use tightlip_model::{
    Edge, IncrementSystem, LinearMap, Multipliers, OutputSelection, Query, Reduction, Scaling, SlopeInterval,
};
use tightlip_sdp::{Decomposition, Form, Pencil, Tying, assemble};
use tightlip_tests::{DIRECT_NORMS, brute_force_fgl, generator, limits, question, random_weights, smallest_proof};

/// Two hidden blocks of three neurons; the input is also read by the second block and by the output, the first block
/// by the output.
fn residual_system(seed: u64, slope: SlopeInterval) -> IncrementSystem {
    let mut random = generator(seed);
    let sizes = [2, 3, 3, 2];
    let edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)];
    let edges = edges.map(|(from, to)| {
        let weights = random_weights(&[sizes[from], sizes[to]], 0.2, &mut random);
        Edge { from, to, map: LinearMap::from_rows(&weights[0]) }
    });
    let hidden = vec![vec![slope; 3], vec![slope; 3]];
    IncrementSystem::new(2, hidden, 2, edges.to_vec()).expect("valid")
}

/// Multipliers of LipSDP-Neuron for any system.
fn solve(system: &IncrementSystem, query: &Query) -> Multipliers {
    let reduction = Reduction::new(system, query, Scaling::PerNeuron).expect("not constant");
    let assembled =
        assemble(&Pencil::new(reduction.system(), query, Tying::Neuron), Form::Bordered, Decomposition::Whole);
    let answer = tightlip_clarabel::solve(&assembled.program, OwnDecomposition::Off, &limits(), Box::new(|_| {}))
        .expect("an answer");
    reduction.lift(&assembled.multipliers(&answer.solution))
}

#[test]
fn proved_bounds_of_residual_systems_are_above_the_formal_constant_and_near_it() {
    let query = Query::euclidean(OutputSelection::All);
    let slopes = [(0.0, 1.0), (0.1, 1.0), (-0.5, 1.0), (0.0, 0.25)];
    let mut random = generator(5);
    for seed in 0..60 {
        let (lower, upper) = slopes[random.random_range(0..slopes.len())];
        let system = residual_system(seed, SlopeInterval::new(lower, upper).expect("an interval"));
        let multipliers = solve(&system, &query);
        let constant = brute_force_fgl(&system);
        let proved = (0..12)
            .map(|step| 1e-9 * 4.0_f64.powi(step))
            .find_map(|epsilon| prove(&system, &query, &round_multipliers(&multipliers, epsilon), &limits()).ok())
            .unwrap_or_else(|| panic!("seed {seed}: no proof"))
            .value();
        assert!(proved >= constant * (1.0 - 1e-12), "seed {seed}: {proved} < {constant}");
        assert!(proved <= 1.6 * constant, "seed {seed}: {proved} is far above {constant}");
        // Two per cent less of one multiplier of a tight bound is no longer feasible, or still a true bound.
        let mut altered = round_multipliers(&multipliers, 1e-9);
        altered.hidden[0][1] *= 0.98;
        match prove(&system, &query, &altered, &limits()) {
            Ok(bound) => assert!(bound.value() >= constant * (1.0 - 1e-12), "seed {seed}: tampered"),
            Err(refusal) => assert!(matches!(refusal, Refusal::NotPositive { .. }), "seed {seed}: {refusal}"),
        }
    }
}

#[test]
fn the_lifted_iteration_reaches_clarabels_optimum_from_below_and_above_for_all_four_pairs_of_norms() {
    let slopes = [(0.0, 1.0), (0.1, 1.0), (-0.5, 1.0), (0.0, 0.25)];
    for seed in 0..80 {
        let (lower, upper) = slopes[seed as usize % slopes.len()];
        let system = residual_system(seed, SlopeInterval::new(lower, upper).expect("an interval"));
        let (input, output) = DIRECT_NORMS[seed as usize / 4 % 4];
        let query = question(input, output);
        let clarabel = smallest_proof(&system, &query, &[solve(&system, &query)]);
        let reduction = Reduction::new(&system, &query, Scaling::PerNeuron).expect("not constant");
        let mut iteration = LiftedIteration::new(reduction.system(), &query, 16, seed, 1);
        for _ in 0..400 {
            iteration.step();
        }
        let mut candidates = iteration.corrected_multipliers();
        candidates.push(iteration.multipliers());
        let lifted: Vec<Multipliers> = candidates.iter().map(|reduced| reduction.lift(reduced)).collect();
        let proved = smallest_proof(&system, &query, &lifted);
        assert!(
            (proved / clarabel - 1.0).abs() < 1e-6,
            "seed {seed} {input} to {output}: {proved}, Clarabel {clarabel}"
        );
        let (point, pulls) = iteration.point();
        let value = relaxation_value(&system, &query, &reduction.lift_point(&system, &point, pulls)).expect("feasible");
        assert!(value <= proved && value >= proved * (1.0 - 1e-6), "seed {seed}: {value} is not near {proved}");
    }
}
