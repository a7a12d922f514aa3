//! Every way to the optimum of LipSDP-Neuron agrees: one cone, cliques of either form, Clarabel's own decomposition, the
//! structured interior point, the spectral bundle and the lifted iteration share nothing but the pencil, the last two not even
//! that.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use tightlip_clarabel::OwnDecomposition;
use tightlip_eigen::{BundleSettings, Candidate, Companion, Passes, Step, Variables, Verdict, spectral_bundle};
use tightlip_lifted::LiftedIteration;
use tightlip_model::{Edge, IncrementSystem, LinearMap, Multipliers, Norm, Query, Reduction, Scaling, SlopeInterval};
use tightlip_sdp::{Decomposition, Form, Merging, Pencil, Tying, assemble};
use tightlip_tests::{DIRECT_NORMS, generator, limits, question, random_weights, smallest_proof};

const DRAWS: usize = 300;
/// Relative difference that is allowed between proved bounds.
const APART: f64 = 1e-6;

/// A chain, or every block read by the next and some by later ones.
fn random_system(draw: usize, random: &mut ChaCha8Rng) -> IncrementSystem {
    let residual = draw % 2 == 1;
    let hidden = 1 + draw / 2 % 4;
    let sizes: Vec<usize> = (0..hidden + 2).map(|_| random.random_range(1..=4)).collect();
    let slope = [(0.0, 1.0), (0.1, 1.0), (-0.5, 1.0), (0.0, 0.25)][draw / 8 % 4];
    let slope = SlopeInterval::new(slope.0, slope.1).expect("an interval");
    let mut edges = Vec::new();
    for to in 1..sizes.len() {
        for from in 0..to {
            if from + 1 == to || residual && random.random_range(0..3) == 0 {
                let weights = random_weights(&[sizes[from], sizes[to]], 0.1, random);
                edges.push(Edge { from, to, map: LinearMap::from_rows(&weights[0]) });
            }
        }
    }
    let slopes = sizes[1..=hidden].iter().map(|&size| vec![slope; size]).collect();
    IncrementSystem::new(sizes[0], slopes, sizes[hidden + 1], edges).expect("valid")
}

/// The bounds of all conic forms.
fn conic(system: &IncrementSystem, query: &Query, reduction: &Reduction, pencil: &Pencil) -> Vec<(String, f64)> {
    let mut bounds = Vec::new();
    for form in [Form::Full, Form::Bordered] {
        if form == Form::Full && query.output_norm != Norm::L2 {
            continue;
        }
        let whole = Decomposition::Whole;
        let cliques = [Merging::Off, Merging::ByCost].map(Decomposition::Cliques);
        for (decomposition, own) in [
            (whole, OwnDecomposition::Off),
            (whole, OwnDecomposition::CliqueGraph),
            (whole, OwnDecomposition::Unmerged),
            (cliques[0], OwnDecomposition::Off),
            (cliques[1], OwnDecomposition::Off),
        ] {
            let assembled = assemble(pencil, form, decomposition);
            let answer =
                tightlip_clarabel::solve(&assembled.program, own, &limits(), Box::new(|_| {})).expect("an answer");
            let multipliers = reduction.lift(&assembled.multipliers(&answer.solution));
            let name = format!("{form:?} {decomposition:?} {own:?}");
            bounds.push((name, smallest_proof(system, query, &[multipliers])));
        }
    }
    bounds
}

/// The bound of the lifted iteration.
fn lifted(system: &IncrementSystem, query: &Query, reduction: &Reduction) -> f64 {
    let mut iteration = LiftedIteration::new(reduction.system(), query, 16, 1, 1);
    for _ in 0..600 {
        iteration.step();
    }
    let mut candidates = iteration.corrected_multipliers();
    candidates.push(iteration.multipliers());
    let candidates: Vec<Multipliers> = candidates.iter().map(|reduced| reduction.lift(reduced)).collect();
    smallest_proof(system, query, &candidates)
}

/// Goes on until nothing is promised any more.
struct Patient;

impl Companion for Patient {
    fn observe(&mut self, _: &Step) {}

    fn is_due(&self, promised: f64) -> bool {
        promised < 1e-9
    }

    fn judge(&mut self, candidate: &Candidate) -> Verdict {
        if candidate.promised < 1e-10 { Verdict::Enough } else { Verdict::More }
    }

    fn is_over(&self) -> bool {
        false
    }
}

/// The bound of the spectral bundle.
fn bundle(system: &IncrementSystem, query: &Query, reduction: &Reduction) -> f64 {
    let passes = Passes::new(reduction.system(), 1);
    let variables = Variables::new(reduction.system(), query);
    let start = variables.unpack(&vec![1.0; variables.len()]);
    let settings = BundleSettings { most_iterations: 400, ..BundleSettings::default() };
    let run = spectral_bundle(&passes, &variables, &start, &settings, &mut Patient);
    smallest_proof(system, query, &[reduction.lift(&run.best.multipliers)])
}

#[test]
fn every_route_reaches_the_same_optimum_on_random_chains_and_residual_systems() {
    let mut random = generator(77);
    for draw in 0..DRAWS {
        let system = random_system(draw, &mut random);
        let (input, output) = DIRECT_NORMS[draw / 32 % 4];
        let query = question(input, output);
        let Some(reduction) = Reduction::new(&system, &query, Scaling::PerNeuron) else { continue };
        let pencil = Pencil::new(reduction.system(), &query, Tying::Neuron);
        let mut bounds = conic(&system, &query, &reduction, &pencil);
        let settings = tightlip_interior::Settings::default();
        let answer = tightlip_interior::solve(&pencil, None, &settings, &limits(), &mut |_| {}).expect("an answer");
        let multipliers = reduction.lift(&pencil.multipliers(&answer.values));
        bounds.push(("interior".to_owned(), smallest_proof(&system, &query, &[multipliers])));
        // Chains and residual systems in turn, all slopes and norms: the others have these.
        if draw % 3 == 0 {
            bounds.push(("bundle".to_owned(), bundle(&system, &query, &reduction)));
        }
        bounds.push(("lifted".to_owned(), lifted(&system, &query, &reduction)));
        let least = bounds.iter().map(|(_, bound)| *bound).fold(f64::INFINITY, f64::min);
        for (route, bound) in &bounds {
            assert!(
                *bound <= least * (1.0 + APART),
                "draw {draw}, {input} to {output}, {route}: {bound}, another route {least}\n{bounds:#?}"
            );
        }
    }
}
