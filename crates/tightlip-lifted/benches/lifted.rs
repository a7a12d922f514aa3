//! Measures the lifted power iteration: `cargo bench -p tightlip-lifted --bench lifted > benchmarks/lifted.csv`.
//!
//! One row for each network and repetition, written when it exists. Bounds come from the method as users call it, proofs
//! included; sweeps are timed on the iteration itself. Arguments follow `--`; see `-- --help`.

use std::error::Error;
use std::fs;
use std::io::Write;

use clap::Parser;
use tightlip::Problem;
use tightlip_model::{IncrementSystem, Limits, OutputSelection, Query, Reduction, Scaling};

use crate::arguments::Arguments;
use crate::networks::{Candidate, candidates, warm_up};
use crate::row::{Row, Shape};

#[path = "lifted/arguments.rs"]
mod arguments;
#[path = "lifted/gaps.rs"]
mod gaps;
#[path = "lifted/networks.rs"]
mod networks;
#[path = "lifted/row.rs"]
mod row;
#[path = "lifted/speed.rs"]
mod speed;

/// Bytes that proofs may plan to use.
const MEMORY_BYTES: u64 = 16 << 30;
/// Columns with which sweeps are timed where no run says how many it ended with: those the method starts with.
const RANK: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    // As the command line does: products outside the iteration use it.
    faer::set_global_parallelism(match arguments.threads {
        0 | 1 => faer::Par::Seq,
        threads => faer::Par::rayon(threads),
    });
    let mut writer = csv::Writer::from_writer(std::io::stdout());
    let mut has_header = false;
    // Not written: threads start and pages are mapped in the first one.
    measure(&warm_up(), &arguments, 0)?;
    for candidate in candidates(&arguments)? {
        for seed in 0..arguments.repetitions {
            let cells =
                measure(&candidate, &arguments, seed).map_err(|error| format!("{}: {error}", candidate.name))?.cells();
            if !has_header {
                writer.write_record(cells.iter().map(|(column, _)| column))?;
                has_header = true;
            }
            writer.write_record(cells.iter().map(|(_, cell)| cell))?;
            writer.flush()?;
            let told = cells.iter().map(|(column, cell)| format!("{column} {cell}")).collect::<Vec<_>>().join(", ");
            writeln!(std::io::stderr(), "{told}")?;
        }
    }
    Ok(())
}

/// One row.
fn measure(candidate: &Candidate, arguments: &Arguments, seed: u64) -> Result<Row, Box<dyn Error>> {
    let limits = Limits { threads: arguments.threads, seed, ..Limits::within(MEMORY_BYTES) };
    let query = Query::euclidean(OutputSelection::All);
    let network = candidate.network()?;
    let gaps = gaps::measure(&network, query, &limits, arguments.time_limit())?;
    let problem = Problem::new(&network, query)?;
    let reduction = Reduction::new(&problem.system, &query, Scaling::PerNeuron);
    let reduced = reduction.as_ref().map(Reduction::system);
    let rank = gaps.middle.as_ref().map_or(RANK, |run| run.rank);
    let weights =
        |system: &IncrementSystem| -> usize { system.edges().iter().map(|edge| edge.map.coefficients()).sum() };
    Ok(Row {
        network: candidate.name.clone(),
        family: candidate.family,
        shape: Shape {
            parameters: weights(&problem.system),
            reduced_parameters: reduced.map_or(0, weights),
            neurons: problem.system.neurons(),
            depth: problem.system.hidden_blocks(),
            width: (1..problem.system.output_block()).map(|k| problem.system.len(k)).max().unwrap_or(0),
        },
        gaps,
        speed: reduced.and_then(|system| speed::measure(system, &query, rank, &limits)),
        process_peak_mib: process_peak_mib(),
        threads: arguments.threads,
        seed,
    })
}

/// Largest resident memory of this process so far, where the system tells.
fn process_peak_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
