//! The kernel of the lifted power iteration: `cargo bench -p tightlip-lifted --bench sweep [-- SIZES…]`, CSV on stdout.
//!
//! Seconds of a sweep, and how much of it a mere matrix product of the same shape would take. What the method reaches with
//! its sweeps is measured by `tightlip bench benchmarks/suites/lifted.toml`.
//!
//! A sweep multiplies every weight matrix `W` with an `n′ × r` matrix forward and its transpose with an `n × r` matrix
//! backward: `4 nnz(W) r` operations. The share is the time of exactly these products, operands stored by columns, with
//! one thread or with all, whichever is faster, against the time of a step, per sweep. Both are measured in turn
//! (A B A B), so that a busy machine slows them alike. The sweep stores its operands by rows, where the products of wide
//! layers are faster than by columns: a share above 1 is possible, and not an error.

use std::error::Error;
use std::time::Instant;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use tightlip_lifted::LiftedIteration;
use tightlip_model::{
    Activation, Edge, IncrementSystem, Limits, LinearMap, OutputSelection, Query, Reduction, Scaling, random_network,
};

/// Steps before the clock starts: the first are plain, and the quasi-Newton memory fills.
const WARM_UP: usize = 10;
/// Steps of the plain timing.
const STEPS: usize = 50;
/// Rounds of the comparison, at least and at most.
const ROUNDS: (usize, usize) = (11, 1001);
/// Seconds after which no more rounds than necessary are made.
const ENOUGH_S: f64 = 0.5;

/// Columns, as many as the method starts with.
const RANK: usize = 16;
/// Layer sizes measured where none are given: narrow and wide, shallow and deep.
const SIZES: [&str; 8] = [
    "784-256-10",
    "100-100-100-100-100-100-10",
    "5-20-20-20-20-20-20-20-20-2",
    "256-256-10",
    "256-256-256-256-256-256-10",
    "512-512-10",
    "1000-1000-1000-10",
    "2000-2000-2000-10",
];

/// What sweeps cost.
#[derive(Debug)]
struct Speed {
    /// Mean over a fixed number of steps.
    sweep_s: f64,
    /// Median of the mere products.
    products_s: f64,
    /// Median of the products over that of a sweep.
    gemm_share: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let sizes = if given.is_empty() { SIZES.map(str::to_owned).to_vec() } else { given };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let limits = Limits { threads, ..Limits::within(u64::MAX) };
    let query = Query::euclidean(OutputSelection::All);
    let mut writer = csv::Writer::from_writer(std::io::stdout());
    writer.write_record(["sizes", "rank", "threads", "sweep_s", "products_s", "gemm_share"])?;
    for sizes in sizes {
        let dims: Vec<usize> = sizes.split('-').map(str::parse).collect::<Result<_, _>>()?;
        let network = random_network(&dims, Activation::Relu, 0)?;
        let system = IncrementSystem::of_network(&network, query.output)?;
        let reduction = Reduction::new(&system, &query, Scaling::PerNeuron).ok_or("a network that is constant")?;
        let speed = measure(reduction.system(), &query, RANK, &limits).ok_or("a map that is not dense")?;
        let cells = [speed.sweep_s, speed.products_s, speed.gemm_share].map(|value| format!("{value:.3e}"));
        let names = [sizes, RANK.to_string(), threads.to_string()];
        writer.write_record(names.iter().chain(&cells))?;
        writer.flush()?;
    }
    Ok(())
}

/// Measures sweeps of a reduced system; `None` if one of its maps is not dense.
fn measure(reduced: &IncrementSystem, query: &Query, rank: usize, limits: &Limits) -> Option<Speed> {
    let mut iteration = LiftedIteration::new(reduced, query, rank, limits.seed, limits.threads);
    for _ in 0..WARM_UP {
        iteration.step();
    }
    let (start, before) = (Instant::now(), iteration.sweeps());
    for _ in 0..STEPS {
        iteration.step();
    }
    let sweep_s = start.elapsed().as_secs_f64() / (iteration.sweeps() - before) as f64;
    // From the start again: a point that has converged makes other steps.
    let mut iteration = LiftedIteration::new(reduced, query, rank, limits.seed, limits.threads);
    for _ in 0..WARM_UP {
        iteration.step();
    }
    let (products_s, stepped_s) = compare(&mut iteration, products(reduced, rank)?, limits.threads);
    Some(Speed { sweep_s, products_s, gemm_share: products_s / stepped_s })
}

/// Medians of the products and of sweeps, measured in turn.
fn compare(iteration: &mut LiftedIteration<'_>, mut products: Vec<Product<'_>>, threads: usize) -> (f64, f64) {
    let (mut alone, mut shared, mut stepped) = (Vec::new(), Vec::new(), Vec::new());
    let start = Instant::now();
    while stepped.len() < ROUNDS.0 || start.elapsed().as_secs_f64() < ENOUGH_S && stepped.len() < ROUNDS.1 {
        let before = iteration.sweeps();
        let step_s = seconds_of(|| {
            iteration.step();
        });
        stepped.push(step_s / (iteration.sweeps() - before) as f64);
        alone.push(seconds_of(|| products.iter_mut().for_each(|product| product.multiply(Par::Seq))));
        if threads > 1 {
            let par = Par::rayon(threads);
            shared.push(seconds_of(|| products.iter_mut().for_each(|product| product.multiply(par))));
        }
    }
    let fastest = if shared.is_empty() { median(alone) } else { median(alone).min(median(shared)) };
    (fastest, median(stepped))
}

/// The operands of one weight matrix.
struct Product<'w> {
    weights: &'w Mat<f64>,
    /// `n′ × r`.
    signals: Mat<f64>,
    /// `n × r`, what `W` makes of them.
    incoming: Mat<f64>,
    /// `n′ × r`, what `Wᵀ` makes of that.
    pulls: Mat<f64>,
}

impl Product<'_> {
    /// Forward and backward.
    fn multiply(&mut self, par: Par) {
        matmul(self.incoming.as_mut(), Accum::Replace, self.weights, &self.signals, 1.0, par);
        matmul(self.pulls.as_mut(), Accum::Replace, self.weights.transpose(), &self.incoming, 1.0, par);
    }
}

/// One product for each edge.
fn products(system: &IncrementSystem, rank: usize) -> Option<Vec<Product<'_>>> {
    fn product(edge: &Edge, rank: usize) -> Option<Product<'_>> {
        let LinearMap::Dense(weights) = &edge.map else { return None };
        let (n, m) = (weights.nrows(), weights.ncols());
        let (signals, pulls) = (Mat::from_fn(m, rank, |_, _| 1.0), Mat::zeros(m, rank));
        Some(Product { weights, signals, incoming: Mat::zeros(n, rank), pulls })
    }
    system.edges().iter().map(|edge| product(edge, rank)).collect()
}

/// How long something takes.
fn seconds_of(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The middle value (of an even number, the larger of both); 0 for none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
