use tightlip_model::{Edge, IncrementSystem, LinearMap, OutputSelection, Query, SlopeInterval};

use super::*;

/// Has enough when little is promised; keeps the claims.
struct Notes {
    enough: f64,
    over_after: usize,
    claims: Vec<f64>,
    judged: Vec<Candidate>,
}

impl Notes {
    fn new(enough: f64) -> Self {
        Self { enough, over_after: usize::MAX, claims: Vec::new(), judged: Vec::new() }
    }
}

impl Companion for Notes {
    fn observe(&mut self, step: &Step) {
        self.claims.push(step.claimed);
    }

    fn is_due(&self, _: f64) -> bool {
        true
    }

    fn judge(&mut self, candidate: &Candidate) -> Verdict {
        self.judged.push(candidate.clone());
        if candidate.promised <= self.enough { Verdict::Enough } else { Verdict::More }
    }

    fn is_over(&self) -> bool {
        self.claims.len() >= self.over_after
    }
}

/// Net E of the golden values: LipSDP-Neuron 16.404831845, product of norms 33.6.
fn net_e() -> IncrementSystem {
    let first = [[-3.0, -3.0, -2.0], [1.0, 0.0, -2.0], [3.0, 1.0, 1.0], [3.0, 2.0, -3.0]].map(|row| row.to_vec());
    let edges = vec![
        Edge { from: 0, to: 1, map: LinearMap::from_rows(&first) },
        Edge { from: 1, to: 2, map: LinearMap::from_rows(&[vec![-3.0, 3.0, -1.0, -3.0]]) },
    ];
    IncrementSystem::new(3, vec![vec![SlopeInterval::UNIT; 4]], 1, edges).expect("valid")
}

fn run(settings: &BundleSettings, notes: &mut Notes) -> Run {
    let system = net_e();
    let query = Query::euclidean(OutputSelection::All);
    let (passes, variables) = (Passes::new(&system, 1), Variables::new(&system, &query));
    spectral_bundle(&passes, &variables, &variables.unpack(&vec![10.0; variables.len()]), settings, notes)
}

#[test]
fn the_optimum_of_a_golden_network_is_reached_from_above() {
    let mut notes = Notes::new(1e-8);
    let run = run(&BundleSettings::default(), &mut notes);
    assert_eq!(run.ending, Ending::Enough);
    assert!((run.best.claimed / 16.404_831_845 - 1.0).abs() < 1e-7, "{}", run.best.claimed);
    // Once the claims have settled they are those of feasible multipliers: not below the optimum.
    let settled = &notes.claims[notes.claims.len() / 2..];
    assert!(settled.iter().all(|claim| *claim > 16.404_831_845 * (1.0 - 1e-6)), "{settled:?}");
    assert!(run.iterations < 60, "{} iterations", run.iterations);
}

#[test]
fn limits_end_a_run_with_its_best_candidate() {
    let few = BundleSettings { most_iterations: 3, ..BundleSettings::default() };
    let run_of_three = run(&few, &mut Notes::new(0.0));
    assert_eq!((run_of_three.ending, run_of_three.iterations), (Ending::Finished, 3));
    let mut hurried = Notes { over_after: 2, ..Notes::new(0.0) };
    let stopped = run(&BundleSettings::default(), &mut hurried);
    assert_eq!(stopped.ending, Ending::Interrupted);
    assert!(stopped.best.claimed.is_finite() && stopped.best.claimed > 16.4);
    let mut patient = Notes::new(0.0);
    assert_eq!(run(&BundleSettings::default(), &mut patient).ending, Ending::Stalled);
}

#[test]
fn the_same_seed_gives_the_same_digits() {
    let bits =
        |seed| run(&BundleSettings { seed, ..BundleSettings::default() }, &mut Notes::new(1e-6)).best.claimed.to_bits();
    assert_eq!(bits(4), bits(4));
}
