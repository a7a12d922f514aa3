//! Seconds per phase for random networks given as arguments, `64-256-10` or `100-(9x100)-10`, as CSV on standard output.
//!
//!     cargo bench -p tightlip-interior --bench interior -- --threads 2 --seed 0 64-256-10
//!
//! Also `--slope A` for LeakyReLU, `--layer` for LipSDP-Layer, `--linf` inputs, `--l1` outputs, `--verbose`.

use tightlip_interior::{Progress, Settings, predicted_bytes, solve};
use tightlip_model::{
    Activation, IncrementSystem, Limits, Norm, OutputSelection, Query, Reduction, Scaling, random_network,
};
use tightlip_sdp::{Pencil, Tying};

/// Bytes nobody reaches here.
const MEMORY: u64 = 1 << 40;

/// `100-(9x100)-10` as sizes.
fn sizes(text: &str) -> Option<Vec<usize>> {
    let mut sizes = Vec::new();
    for part in text.split('-') {
        match part.trim_matches(['(', ')'].as_slice()).split_once('x') {
            Some((count, size)) => {
                let (count, size): (usize, usize) = (count.parse().ok()?, size.parse().ok()?);
                sizes.extend(vec![size; count]);
            }
            None => sizes.push(part.parse().ok()?),
        }
    }
    (sizes.len() > 2).then_some(sizes)
}

/// What the arguments ask for.
struct Request {
    limits: Limits,
    query: Query,
    tying: Tying,
    activation: Activation,
    /// Whether every iteration is shown on standard error.
    verbose: bool,
    networks: Vec<(String, Vec<usize>)>,
}

/// Reads the arguments; what is not understood, such as `--bench` from cargo, is passed over.
fn request() -> Request {
    let mut request = Request {
        limits: Limits { threads: 2, ..Limits::within(MEMORY) },
        query: Query::euclidean(OutputSelection::All),
        tying: Tying::Neuron,
        activation: Activation::Relu,
        verbose: false,
        networks: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        match argument.as_str() {
            "--threads" => request.limits.threads = number() as usize,
            "--seed" => request.limits.seed = number() as u64,
            "--slope" => request.activation = Activation::LeakyRelu { slope: number() },
            "--layer" => request.tying = Tying::Layer,
            "--linf" => request.query.input_norm = Norm::LInf,
            "--l1" => request.query.output_norm = Norm::L1,
            "--verbose" => request.verbose = true,
            _ => request.networks.extend(sizes(&argument).map(|sizes| (argument, sizes))),
        }
    }
    request
}

/// One row.
fn row(request: &Request, name: &str, sizes: &[usize]) -> Vec<String> {
    let network = random_network(sizes, request.activation, request.limits.seed).expect("valid sizes");
    let system = IncrementSystem::of_network(&network, request.query.output).expect("valid");
    let scaling = if request.tying == Tying::Neuron { Scaling::PerNeuron } else { Scaling::PerLayer };
    let reduction = Reduction::new(&system, &request.query, scaling).expect("random networks are alive");
    let pencil = Pencil::new(reduction.system(), &request.query, request.tying);
    let mut observe = |p: Progress| {
        if request.verbose {
            let (upper, lower) = (p.objective, p.lower_objective);
            eprintln!("{:3} {upper:.12e} {lower:.12e} gap {:.1e}", p.iteration, p.relative_gap);
            eprintln!("    infeasibility {:.1e} {:.1e}", p.primal_infeasibility, p.dual_infeasibility);
        }
    };
    let answer = solve(&pencil, None, &Settings::default(), &request.limits, &mut observe).expect("enough memory");
    let phases = answer.phases;
    let mut row = vec![name.to_owned(), request.limits.threads.to_string(), pencil.order().to_string()];
    row.extend([pencil.variables().len().to_string(), answer.status.name().to_owned()]);
    row.extend([answer.iterations.to_string(), format!("{:.10e}", answer.objective)]);
    row.extend([answer.relative_gap, answer.primal_infeasibility].map(|x| format!("{x:.1e}")));
    row.extend([answer.solve_s, phases.inverse_s, phases.grams_s].map(|s| format!("{s:.4}")));
    row.extend([phases.schur_s, phases.directions_s, phases.steps_s].map(|s| format!("{s:.4}")));
    row.push(predicted_bytes(&pencil).to_string());
    row
}

fn main() {
    let request = request();
    let mut rows = csv::Writer::from_writer(std::io::stdout());
    let header = [
        "network",
        "threads",
        "order",
        "variables",
        "status",
        "iterations",
        "objective",
        "relative_gap",
        "primal_infeasibility",
        "solve_s",
        "inverse_s",
        "grams_s",
        "schur_s",
        "directions_s",
        "steps_s",
        "predicted_bytes",
    ];
    rows.write_record(header).expect("standard output");
    for (name, sizes) in &request.networks {
        rows.write_record(row(&request, name, sizes)).expect("standard output");
        rows.flush().expect("standard output");
    }
}
