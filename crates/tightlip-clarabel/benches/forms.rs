//! Compares the conic forms of LipSDP-Neuron: `cargo bench -p tightlip-clarabel --bench forms > forms.csv`.
//!
//! Random chains, each form solved in turn (A B A B), one row per solve: one cone, our cliques, merged or not, and
//! Clarabel's own decomposition. Give layer sizes (`2-10-10-2`) as arguments for other networks. `proved` is the bound after rounding and
//! proof, `loss` how far it lies above the best claimed value of all forms on that network.

use std::time::Instant;

use tightlip_certify::{prove, round_multipliers};
use tightlip_clarabel::OwnDecomposition;
use tightlip_model::{Activation, IncrementSystem, Limits, OutputSelection, Query, Reduction, Scaling, random_network};
use tightlip_sdp::{CliqueTree, Decomposition, Form, Merging, Pencil, Tying, assemble};

/// Layer sizes of the networks.
const NETWORKS: &[&[usize]] = &[
    &[16, 16, 10],
    &[32, 32, 10],
    &[10, 16, 16, 3],
    &[10, 32, 32, 5],
    &[8, 16, 16, 16, 4],
    &[2, 10, 10, 10, 10, 2],
    &[2, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 2],
];
const REPETITIONS: usize = 2;
/// One cone beyond this order takes minutes.
const LARGEST_WHOLE: usize = 80;
/// The forms.
const FORMS: &[(&str, Form, Decomposition, OwnDecomposition)] = &[
    ("full", Form::Full, Decomposition::Whole, OwnDecomposition::Off),
    ("bordered", Form::Bordered, Decomposition::Whole, OwnDecomposition::Off),
    ("full, cliques", Form::Full, Decomposition::Cliques(Merging::ByCost), OwnDecomposition::Off),
    ("bordered, cliques", Form::Bordered, Decomposition::Cliques(Merging::ByCost), OwnDecomposition::Off),
    ("bordered, cliques not merged", Form::Bordered, Decomposition::Cliques(Merging::Off), OwnDecomposition::Off),
    ("bordered, clarabel none", Form::Bordered, Decomposition::Whole, OwnDecomposition::Unmerged),
    ("bordered, clarabel parent_child", Form::Bordered, Decomposition::Whole, OwnDecomposition::ParentChild),
    ("bordered, clarabel clique_graph", Form::Bordered, Decomposition::Whole, OwnDecomposition::CliqueGraph),
];

/// One solve.
struct Row {
    network: String,
    form: &'static str,
    repetition: usize,
    order: usize,
    variables: usize,
    rows: usize,
    iterations: u32,
    status: &'static str,
    claimed: f64,
    proved: Option<f64>,
    epsilon: Option<f64>,
    solve_s: f64,
    prove_s: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits { threads: 2, ..Limits::within(16 << 30) };
    let mut writer = csv::Writer::from_writer(std::io::stdout());
    writer.write_record([
        "network",
        "form",
        "repetition",
        "order",
        "variables",
        "rows",
        "iterations",
        "status",
        "claimed",
        "proved",
        "epsilon",
        "solve_s",
        "prove_s",
        "loss",
    ])?;
    let asked: Vec<Vec<usize>> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .map(|dims| dims.split('-').map(str::parse).collect::<Result<_, _>>())
        .collect::<Result<_, _>>()?;
    let usual = || NETWORKS.iter().map(|dims| dims.to_vec()).collect();
    for dims in if asked.is_empty() { usual() } else { asked } {
        let rows = measure(&dims, &limits)?;
        let best = rows.iter().map(|row| row.claimed).fold(f64::INFINITY, f64::min);
        for row in rows {
            writer.write_record([
                row.network,
                row.form.to_owned(),
                row.repetition.to_string(),
                row.order.to_string(),
                row.variables.to_string(),
                row.rows.to_string(),
                row.iterations.to_string(),
                row.status.to_owned(),
                format!("{:?}", row.claimed),
                row.proved.map_or_else(String::new, |value| format!("{value:?}")),
                row.epsilon.map_or_else(String::new, |value| format!("{value:e}")),
                format!("{:.4}", row.solve_s),
                format!("{:.4}", row.prove_s),
                row.proved.map_or_else(String::new, |value| format!("{:e}", value / best - 1.0)),
            ])?;
        }
        writer.flush()?;
    }
    Ok(())
}

/// All forms of one network, alternating.
fn measure(dims: &[usize], limits: &Limits) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let query = Query::euclidean(OutputSelection::All);
    let network = random_network(dims, Activation::Relu, 1)?;
    let system = IncrementSystem::of_network(&network, query.output)?;
    let reduction = Reduction::new(&system, &query, Scaling::PerNeuron).ok_or("constant network")?;
    // A bound of one half for each layer: enough to keep the numbers of deep networks near 1.
    let reduction = reduction.balanced(0.5_f64.powf(dims.len() as f64 - 2.0));
    let pencil = Pencil::new(reduction.system(), &query, Tying::Neuron);
    let mut rows = Vec::new();
    for repetition in 0..REPETITIONS {
        for &(name, form, decomposition, own) in FORMS {
            let assembled = assemble(&pencil, form, decomposition);
            if decomposition == Decomposition::Whole && own == OwnDecomposition::Off && assembled.order > LARGEST_WHOLE
            {
                continue;
            }
            let answer = tightlip_clarabel::solve(&assembled.program, own, limits, Box::new(|_| {}))?;
            let multipliers = reduction.lift(&assembled.multipliers(&answer.solution));
            let start = Instant::now();
            let mut epsilon = 1e-9;
            let mut proved = None;
            while proved.is_none() && epsilon < 1e-2 {
                proved = prove(&system, &query, &round_multipliers(&multipliers, epsilon), limits)
                    .ok()
                    .map(|bound| (bound.value(), epsilon));
                epsilon *= 4.0;
            }
            rows.push(Row {
                network: dims.iter().map(usize::to_string).collect::<Vec<_>>().join("-"),
                form: name,
                repetition,
                order: assembled.tree.as_ref().map_or(assembled.order, CliqueTree::largest),
                variables: assembled.program.variables(),
                rows: assembled.program.rows(),
                iterations: answer.iterations,
                status: answer.status.name(),
                claimed: reduction.bound_scale() * assembled.constant(answer.objective),
                proved: proved.map(|(value, _)| value),
                epsilon: proved.map(|(_, epsilon)| epsilon),
                solve_s: answer.solve_s,
                prove_s: start.elapsed().as_secs_f64(),
            });
        }
    }
    Ok(rows)
}
