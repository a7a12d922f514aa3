//! Times the proof alone: `cargo bench -p tightlip-certify --bench proof > proof.csv`, or only networks whose sizes
//! begin with the argument: `cargo bench -p tightlip-certify --bench proof -- 784`.
//!
//! Random chains with feasible multipliers in closed form, so that no solver is needed: for slopes in `[α, β]`,
//! `2λ(δ − αs)(δ − βs) ≥ λδ² − λ(α² + β²)s²`, hence `λ_k = λ_{k−1} / ((α² + β²) ‖W_k‖²)` with `λ_0 = t` is feasible
//! together with `q = ‖W_out‖² / λ_H`. Then `q` is lowered until the inequality is nearly singular, as it is for the
//! multipliers of a solver: a millionth above the limit a proof succeeds, a millionth below it breaks down as late as
//! it does in the search of the rounding margin. One row per repetition, the cells in turn (A B A B).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use faer::Mat;
use tightlip_certify::{Bound, Prover, Refusal, prove};
use tightlip_model::{
    Activation, IncrementSystem, Limits, LinearMap, Multipliers, OutputSelection, Query, Weight, random_network,
};

/// Layer sizes and lower slope of the networks, and how often to repeat.
const NETWORKS: &[(&[usize], f64, usize)] = &[
    (&[784, 50, 10], 0.0, 40),
    (&[100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 10], 0.0, 40),
    (&[784, 256, 10], 0.0, 20),
    (&[784, 256, 10], 0.1, 5),
    (&[10, 1000, 1000, 10], 0.0, 9),
];
const THREADS: &[usize] = &[1, 2];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    println!("network,lower_slope,threads,form,feasible,repetition,proved,prove_s");
    for &(dims, lower, repetitions) in NETWORKS {
        let name = dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        if !name.starts_with(&wanted) {
            continue;
        }
        let activation = if lower == 0.0 { Activation::Relu } else { Activation::LeakyRelu { slope: lower } };
        let network = random_network(dims, activation, 1)?;
        let system = IncrementSystem::of_network(&network, OutputSelection::All)?;
        let [above, below] = nearly_singular(&system)?;
        for repetition in 0..repetitions {
            for &threads in THREADS {
                for (multipliers, feasible) in [(&above, true), (&below, false)] {
                    let cell = format!("{name},{lower},{threads}");
                    measure(&cell, &system, (threads, multipliers, feasible), repetition)?;
                }
            }
        }
    }
    Ok(())
}

/// A way to prove the bound.
type Proof<'a> = dyn Fn() -> Result<Bound, Refusal> + 'a;

/// Prints the rows of one cell.
fn measure(
    cell: &str,
    system: &IncrementSystem,
    (threads, multipliers, feasible): (usize, &Multipliers, bool),
    repetition: usize,
) -> Result<(), Refusal> {
    let limits = limits(threads);
    let query = Query::euclidean(OutputSelection::All);
    let prover = Prover::new(system, &query, &limits)?;
    let once = || prove(system, &query, multipliers, &limits);
    let again = || prover.prove(multipliers, &limits);
    let forms: [(&str, &Proof<'_>); 2] = [("one-shot", &once), ("prepared", &again)];
    for (form, proof) in forms {
        let start = Instant::now();
        let proved = proof();
        let prove_s = start.elapsed().as_secs_f64();
        assert_eq!(proved.is_ok(), feasible, "{cell}: {proved:?}");
        let proved = proved.map_or(String::new(), |bound| bound.value().to_string());
        println!("{cell},{form},{feasible},{repetition},{proved},{prove_s}");
    }
    Ok(())
}

fn limits(threads: usize) -> Limits {
    let interrupt = Arc::new(AtomicBool::new(false));
    Limits { deadline: None, interrupt, memory_bytes: 16 << 30, threads, seed: 0 }
}

/// Multipliers a little above and a little below the limit of feasibility.
fn nearly_singular(system: &IncrementSystem) -> Result<[Multipliers; 2], Refusal> {
    let limits = limits(1);
    let prover = Prover::new(system, &Query::euclidean(OutputSelection::All), &limits)?;
    let (mut below, mut above) = (0.0, 1.0);
    while above - below > 1e-8 * above {
        let middle = 0.5 * (below + above);
        let feasible = prover.prove(&norm_multipliers(system, middle), &limits).is_ok();
        *(if feasible { &mut above } else { &mut below }) = middle;
    }
    Ok([1.0 + 1e-6, 1.0 - 1e-6].map(|factor| norm_multipliers(system, factor * above)))
}

/// The multipliers of the module's formula, with the weight of the output times `factor`.
fn norm_multipliers(system: &IncrementSystem, factor: f64) -> Multipliers {
    let mut value = 1.0;
    let mut hidden = Vec::new();
    for edge in system.edges() {
        let norm = norm_estimate(&edge.map);
        if edge.to == system.output_block() {
            value = norm * norm / value;
        } else {
            let slope = system.slopes(edge.to)[0];
            let squares = slope.lower() * slope.lower() + slope.upper() * slope.upper();
            value /= squares * norm * norm;
            hidden.push(vec![value; system.len(edge.to)]);
        }
    }
    Multipliers { input: Weight::Uniform(1.0), hidden, output: Weight::Uniform(factor * value) }
}

/// Slightly more than the norm of the map, by power iteration.
fn norm_estimate(map: &LinearMap) -> f64 {
    let mut x = Mat::from_fn(map.cols(), 1, |i, _| 1.0 + 0.1 * (i % 7) as f64);
    let mut norm = 0.0;
    for _ in 0..60 {
        let length = x.norm_l2();
        x = map.apply_transpose(map.apply((x * faer::Scale(1.0 / length)).as_ref()).as_ref());
        norm = x.norm_l2().sqrt();
    }
    1.05 * norm
}
