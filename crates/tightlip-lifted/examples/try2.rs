//! Scratch.
use std::time::Instant;
use tightlip_certify::{prove, round_multipliers};
use tightlip_lifted::*;
use tightlip_model::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let threads: usize = args.get(3).map_or(1, |t| t.parse().unwrap());
    let rank: usize = args[2].parse().unwrap();
    faer::set_global_parallelism(if threads == 1 { faer::Par::Seq } else { faer::Par::rayon(threads) });
    let network = if std::path::Path::new(&args[1]).exists() {
        file::read(
            std::path::Path::new(&args[1]),
            &file::ReadOptions {
                activation: (!args[1].ends_with("json") && !args[1].ends_with("onnx")).then_some(Activation::Relu),
                normalisation: file::Normalisation::Apply,
                layer_order: None,
            },
        )
        .unwrap()
    } else {
        let dims: Vec<usize> = args[1].split('-').map(|x| x.parse().unwrap()).collect();
        random_network(&dims, Activation::Relu, 0).unwrap()
    };
    let query = Query::euclidean(OutputSelection::All);
    let system = IncrementSystem::of_network(&network, query.output).unwrap();
    let limits = Limits { deadline: None, interrupt: Default::default(), memory_bytes: 8 << 30, threads, seed: 0 };
    let t0 = Instant::now();
    let reduction = Reduction::new(&system, &query, Scaling::PerNeuron).unwrap();
    let mut it = LiftedIteration::new(reduction.system(), &query, rank, 0, threads);
    let h = system.hidden_blocks() as f64;
    let tol = 1e-5;
    let settings = Settings { tolerance: tol, largest_rank: 256, most_sweeps: 100000 };
    let mut best = (f64::INFINITY, 0.0);
    let mut tp = 0.0;
    let mut np = 0;
    let mut last = 0.0;
    let stop = solve(
        &mut it,
        &settings,
        &limits,
        &mut |it| {
            let v = it.value() * reduction.bound_scale();
            let eps = 0.5 * tol / (h + 1.0);
            let t = Instant::now();
            let mut cands = it.corrected_multipliers();
            cands.push(it.multipliers());
            let tc = t.elapsed().as_secs_f64();
            let mut which = 99;
            let mut r = None;
            for (i, c) in cands.iter().enumerate() {
                let t = Instant::now();
                np += 1;
                r = prove(&system, &query, &round_multipliers(&reduction.lift(c), eps), &limits).ok();
                last = t.elapsed().as_secs_f64();
                tp += last;
                if r.is_some() {
                    which = i;
                    break;
                }
            }
            if std::env::var("V").is_ok() {
                println!(
                    "judge at {} v {v} rank {} which {which} {:?} polish {tc:.4} prove {last:.4}",
                    it.sweeps(),
                    it.rank(),
                    r.as_ref().map(|b| b.value() / v - 1.)
                );
            }
            if let Some(b) = r {
                best = (b.value(), b.value() / v - 1.0);
                if best.1 <= tol {
                    return Verdict::Enough;
                }
            }
            Verdict::More
        },
        &mut |row| {
            if row.scaled_eigenvalue.is_some() {
                println!("{row:?}")
            }
        },
    );
    println!(
        "{} {stop:?} rank {} sweeps {} bound {:.10} gap {:.1e} total {:.4} proofs {np} in {tp:.4} (last {last:.4})",
        args[1].chars().rev().take(40).collect::<String>().chars().rev().collect::<String>(),
        it.rank(),
        it.sweeps(),
        best.0,
        best.1,
        t0.elapsed().as_secs_f64()
    );
}
