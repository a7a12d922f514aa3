//! `seqlip.certified`: SeqLip's product with a sound bound for the factor of each layer, for layers of any width.
//!
//! A factor is the formal constant of a network with one hidden layer, and LipSDP-Neuron of that network bounds it: a small program
//! for each layer instead of one for all. Where there is no time or memory for a program, the triangle inequality
//! (`LayerFactor::triangle`), which never exceeds the product of norms. Either comes from multipliers, and those of all factors
//! are, weighed, multipliers of the one inequality of the network (`telescoped`), which is what is proved.
//!
//! For inputs in ℓ∞ and outputs in ℓ1 the weight of ℓ2 is given to every coordinate, a factor `√n` each.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_interior::{Settings, Status, predicted_bytes_of, solve};
use tightlip_layerwise::check_slopes;
use tightlip_layerwise::seqlip::{FactorMultipliers, LayerFactor, telescoped};
use tightlip_model::{Multipliers, Norm, OutputSelection, Query, Reduction, Scaling, Weight, spectral_norm};
use tightlip_sdp::{Pencil, Tying};

use super::layerwise::{declined, ends, with_ends};
use super::seqlip::{Factored, REFERENCE};
use super::unit_bound::of_unit_bound;
use super::{DIRECT_NORMS, constant};
use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// The gap of a program at most: the digits come almost free at the end of the iteration.
const USUAL_GAP: f64 = 1e-9;
/// Part of the tolerance that it may use up.
const GAP_SHARE: f64 = 0.1;
/// A neuron that plays no part in its factor has a multiplier that costs this part of `φ²`: 0 is refused where the network reads
/// the neuron.
const LEAST_MULTIPLIER: f64 = 1e-12;

/// SeqLip by multipliers.
pub(super) struct SeqlipCertified;

impl Method for SeqlipCertified {
    fn name(&self) -> &'static str {
        "seqlip.certified"
    }

    fn summary(&self) -> &'static str {
        "SeqLip for wide layers: a factor for each hidden layer by its own LipSDP-Neuron, times √n for ℓ∞ inputs and ℓ1 outputs"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn reference(&self) -> &'static str {
        REFERENCE
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let Some(Factored { reduction, factors }) = Factored::new(self.name(), problem, context)? else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        check_slopes(reduction.system()).map_err(|unsuitable| declined(self.name(), &reduction, &unsuitable))?;
        let assemble_s = start.elapsed().as_secs_f64();
        let mut parts = Vec::new();
        let (mut programs, mut iterations) = (0, 0);
        for (layer, factor) in factors.iter().enumerate() {
            let triangle = factor.triangle();
            let solved = program(factor, context);
            if let Some((_, made)) = &solved {
                programs += 1;
                iterations += made;
            }
            let solved = solved.map(|(solved, _)| solved).filter(|solved| solved.bound < triangle.bound);
            let part = solved.unwrap_or(triangle);
            context.report(&Stage::Solving { iteration: 1 + layer as u64, claimed: part.bound, gap: None });
            parts.push(part);
        }
        let (multipliers, bound) = if parts.is_empty() { single_map(&reduction) } else { telescoped(&parts) };
        let multipliers = with_ends(reduction.lift(&multipliers), problem);
        let layers = parts.len();
        Ok(Proposal {
            candidates: vec![vec![Segment::new(problem.system.output_block(), multipliers)]],
            claimed: ends(problem) * reduction.bound_scale() * bound,
            iterations: Some(iterations),
            options: format!("tol={:e}", gap(context)),
            status: if programs == layers {
                "solved".to_owned()
            } else {
                format!("{programs} of {layers} layers by their program, the others by the triangle inequality")
            },
            interrupted: context.limits.stop_requested(),
            assemble_s,
            solve_s: start.elapsed().as_secs_f64() - assemble_s,
            ..Proposal::default()
        })
    }
}

/// The gap that programs are solved to.
fn gap(context: &Context) -> f64 {
    USUAL_GAP.min(GAP_SHARE * context.tolerance)
}

/// LipSDP-Neuron of a factor, with the iterations it took; `None` where memory or time do not suffice, or the solver did not come to
/// its end.
fn program(factor: &LayerFactor, context: &Context) -> Option<(FactorMultipliers, u64)> {
    let order = factor.before.ncols() + factor.slopes.len() + factor.after.nrows();
    let fits = predicted_bytes_of(order, factor.slopes.len() + 2) <= context.limits.memory_bytes;
    if !fits || context.limits.stop_requested() {
        return None;
    }
    let query = Query::euclidean(OutputSelection::All);
    let reduction = Reduction::new(&factor.system(), &query, Scaling::PerNeuron)?;
    let reduction = of_unit_bound(reduction, &query, context);
    let pencil = Pencil::new(reduction.system(), &query, Tying::Neuron);
    let settings = Settings { tolerance: gap(context), ..Settings::default() };
    let answer = solve(&pencil, None, &settings, &context.limits, &mut |_| {}).ok()?;
    if answer.status != Status::Solved {
        return None;
    }
    let Multipliers { input, hidden, output } = reduction.lift(&pencil.multipliers(&answer.values));
    // t |u|² − |A δ|²/q − … ≥ 0, times q.
    let (t, q) = (input.total(), output.total());
    let bound = t.sqrt() * q.sqrt();
    let hidden =
        hidden[0].iter().enumerate().map(|(j, lambda)| (q * lambda).max(least_multiplier(factor, j, bound))).collect();
    Some((FactorMultipliers { bound, hidden }, u64::from(answer.iterations)))
}

/// A multiplier of neuron `j` that hardly costs anything: `2λ (δ − αs)(βs − δ) ≤ ½ λ (β − α)² s²`, and `|s| ≤ |b| |u|` with the row
/// `b` of `B`. A part of the other multipliers would not do: those of badly scaled rows are far apart.
fn least_multiplier(factor: &LayerFactor, j: usize, bound: f64) -> f64 {
    let slope = &factor.slopes[j];
    let reach = (slope.upper() - slope.lower()) * factor.before.row(j).norm_l2();
    let least = 2.0 * LEAST_MULTIPLIER * (bound / reach).powi(2);
    if least.is_finite() { least } else { 0.0 }
}

/// A network without hidden layers: the norm of its only map.
fn single_map(reduction: &Reduction) -> (Multipliers, f64) {
    let norm = spectral_norm(reduction.system().edges()[0].map.to_dense().as_ref());
    (Multipliers { input: Weight::Uniform(norm), hidden: Vec::new(), output: Weight::Uniform(norm) }, norm)
}
