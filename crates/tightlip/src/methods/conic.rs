//! What the Clarabel methods share: reduce, assemble, solve, lift the multipliers back.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_model::{Edge, IncrementSystem, Norm, Query, Reduction, Scaling};
use tightlip_sdp::{Form, Pencil, Tying, assemble};

use super::constant;
use crate::method::{Decline, Problem, Proposal};
use crate::{Context, Stage};

/// Solves LipSDP with one semidefinite cone through Clarabel.
pub(super) fn propose_full(
    method: &'static str,
    tying: Tying,
    problem: &Problem<'_>,
    context: &Context,
) -> Result<Proposal, Decline> {
    context.report(&Stage::Assembling);
    let start = Instant::now();
    let query = &problem.query;
    // Reducing a wide network takes long; whether its cone fits is known from the sizes.
    let limit = context.limits.memory_bytes;
    let order = predicted_order(&problem.system, query);
    let needed = tightlip_clarabel::predicted_bytes(order);
    if needed > limit {
        let what = format!("a semidefinite cone of order {order}");
        return Err(Decline::Memory { method, what, needed_mib: needed >> 20, limit_mib: limit >> 20 });
    }
    let scaling = match tying {
        Tying::Neuron => Scaling::PerNeuron,
        Tying::Layer => Scaling::PerLayer,
    };
    let Some(reduction) = Reduction::new(&problem.system, query, scaling) else {
        return Ok(constant::proposal(&problem.system, query));
    };
    let pencil = Pencil::new(reduction.system(), query, tying);
    let assembled = assemble(&pencil, Form::Bordered);
    debug_assert_eq!(assembled.order, order, "the order is predicted");
    let assemble_s = start.elapsed().as_secs_f64();
    if context.limits.stop_requested() {
        return Err(Decline::Stopped { method });
    }
    let (scale, watcher) = (reduction.bound_scale(), context.clone());
    let observe = Box::new(move |progress: tightlip_clarabel::Progress| {
        watcher.report(&Stage::Solving {
            iteration: u64::from(progress.iteration),
            claimed: scale * progress.objective,
            gap: Some(progress.relative_gap),
        });
    });
    let answer = tightlip_clarabel::solve(&assembled.program, &context.limits, observe)
        .map_err(|rejected| Decline::Solver { method, reason: rejected.to_string() })?;
    let multipliers = reduction.lift(&assembled.multipliers(&answer.solution));
    Ok(Proposal {
        claimed: scale * assembled.constant(answer.objective),
        candidates: vec![vec![Segment { end_block: problem.system.output_block(), multipliers }]],
        iterations: Some(u64::from(answer.iterations)),
        options: format!("form=bordered, {}", tightlip_clarabel::settings_text()),
        status: answer.status.name().to_owned(),
        interrupted: answer.status == tightlip_clarabel::Status::Interrupted,
        assemble_s,
        solve_s: answer.solve_s,
        ..Proposal::default()
    })
}

/// The order of the semidefinite cone after the reduction: live signals, input and output shrunk by QR, the neurons
/// of blocks that only outputs read eliminated.
fn predicted_order(system: &IncrementSystem, query: &Query) -> usize {
    let last = system.output_block();
    let live: Vec<usize> = system.live().iter().map(|block| block.iter().filter(|&&l| l).count()).collect();
    let total = |from: &dyn Fn(&Edge) -> Option<usize>| -> usize { system.edges().iter().filter_map(from).sum() };
    let (mut input, mut output) = (live[0], live[last]);
    if query.input_norm == Norm::L2 {
        input = input.min(total(&|edge| (edge.from == 0).then_some(live[edge.to])));
    }
    if query.output_norm == Norm::L2 {
        let into = total(&|edge| (edge.to == last).then_some(if edge.from == 0 { input } else { live[edge.from] }));
        output = output.min(into);
    }
    let read = |k: usize| system.edges().iter().any(|edge| edge.from == k && edge.to < last);
    input + output + (1..last).filter(|&k| read(k)).map(|k| live[k]).sum::<usize>()
}
