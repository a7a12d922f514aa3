//! Seconds per phase for random networks given as arguments, `64-256-10` or `100-(9x100)-10`, as CSV on standard output.
//!
//!     cargo bench -p tightlip-interior -- --threads 2 64-256-10

use tightlip_interior::{Settings, predicted_bytes, solve};
use tightlip_model::{Activation, IncrementSystem, Limits, OutputSelection, Query, Reduction, Scaling, random_network};
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

fn main() {
    let mut limits = Limits { threads: 2, ..Limits::within(MEMORY) };
    let mut verbose = false;
    let mut networks = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => limits.threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1),
            "--verbose" => verbose = true,
            _ => networks.extend(sizes(&argument).map(|sizes| (argument, sizes))),
        }
    }
    let mut rows = csv::Writer::from_writer(std::io::stdout());
    let header = "network,threads,order,variables,status,iterations,objective,relative_gap,primal_infeasibility,\
                  solve_s,inverse_s,grams_s,schur_s,directions_s,steps_s,predicted_bytes";
    rows.write_record(header.split(',')).expect("standard output");
    for (name, sizes) in networks {
        let network = random_network(&sizes, Activation::Relu, 0).expect("valid sizes");
        let query = Query::euclidean(OutputSelection::All);
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        let reduction = Reduction::new(&system, &query, Scaling::PerNeuron).expect("random networks are alive");
        let pencil = Pencil::new(reduction.system(), &query, Tying::Neuron);
        let mut observe = |p: tightlip_interior::Progress| {
            if verbose {
                eprintln!(
                    "{:3} {:.12e} {:.12e} gap {:.1e} primal {:.1e} dual {:.1e}",
                    p.iteration, p.objective, p.lower_objective, p.relative_gap, p.primal_infeasibility, p.dual_infeasibility
                );
            }
        };
        let answer = solve(&pencil, None, &Settings::default(), &limits, &mut observe).expect("enough memory");
        let phases = answer.phases;
        let mut row = vec![name, limits.threads.to_string(), pencil.order().to_string()];
        row.extend([pencil.variables().len().to_string(), answer.status.name().to_owned()]);
        row.extend([answer.iterations.to_string(), format!("{:.10e}", answer.objective)]);
        row.extend([answer.relative_gap, answer.primal_infeasibility].map(|x| format!("{x:.1e}")));
        let seconds = [answer.solve_s, phases.inverse_s, phases.grams_s, phases.schur_s, phases.directions_s, phases.steps_s];
        row.extend(seconds.map(|s| format!("{s:.4}")));
        row.push(predicted_bytes(&pencil).to_string());
        rows.write_record(&row).expect("standard output");
        rows.flush().expect("standard output");
    }
}
