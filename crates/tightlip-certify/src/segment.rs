//! Bounds in segments: a system cut after some hidden blocks.
//!
//! Where no edge jumps over block `k`, the system is a composition: inputs → signals before the activations of block
//! `k` → (activations, Lipschitz constant `m_k = max_j max(|α_j|, |β_j|)`) → outputs. With a proved bound for each
//! part, `L ≤ L_1 · m_{k_1} · L_2 · m_{k_2} ⋯`, measured in ℓ2 at every cut. One segment is LipSDP itself; segments
//! without hidden blocks give the product of operator norms; anything between is LipSDP with splitting (the published
//! code forgets the factors `m_k`, which matter where slopes exceed 1 in magnitude).

use serde::{Deserialize, Serialize};
use tightlip_model::{Edge, IncrementSystem, Limits, Multipliers, Norm, Query};

use crate::directed::mul_up;
use crate::{Bound, Draw, Refusal, prove, prove_probably};

/// A part of a system and the multipliers that bound it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The block the segment ends in: a hidden block it is cut at, or the output block for the last segment.
    pub end_block: usize,
    /// Multipliers of the part: its input is the block the segment before ended in (block 0 for the first).
    pub multipliers: Multipliers,
}

/// Proves the product bound of consecutive segments that together cover `system`.
///
/// # Errors
/// A [`Refusal`] if the cuts are not in order, an edge jumps over one, or a segment cannot be proved.
pub fn prove_segments(
    system: &IncrementSystem,
    query: &Query,
    segments: &[Segment],
    limits: &Limits,
) -> Result<Bound, Refusal> {
    let prove_part = |_, part: &IncrementSystem, query: &Query, multipliers: &Multipliers| {
        Ok(prove(part, query, multipliers, limits)?.value())
    };
    Ok(Bound::upper(product(system, query, segments, &prove_part)?))
}

/// Proves the product bound of consecutive segments that together cover `system`, except with the failure probability
/// of `draw`, of which every segment gets an equal share.
///
/// # Errors
/// A [`Refusal`] as for [`prove_segments`] and [`prove_probably`].
pub fn prove_segments_probably(
    system: &IncrementSystem,
    query: &Query,
    segments: &[Segment],
    limits: &Limits,
    draw: &Draw,
) -> Result<Bound, Refusal> {
    let prove_part = |index, part: &IncrementSystem, query: &Query, multipliers: &Multipliers| {
        let share = draw.share(index, segments.len());
        Ok(prove_probably(part, query, multipliers, limits, &share)?.value())
    };
    Ok(Bound::probably_upper(product(system, query, segments, &prove_part)?, draw.failure_probability()))
}

/// Proves a part, given its index, itself, its norms and its multipliers.
type ProvePart<'a> = dyn Fn(usize, &IncrementSystem, &Query, &Multipliers) -> Result<f64, Refusal> + 'a;

/// The product of the bounds that `prove_part` gives for the segments, and of the factors at the cuts.
fn product(
    system: &IncrementSystem,
    query: &Query,
    segments: &[Segment],
    prove_part: &ProvePart<'_>,
) -> Result<f64, Refusal> {
    let unsupported = |what: String| Err(Refusal::Unsupported { what });
    let last = system.output_block();
    if segments.last().is_none_or(|segment| segment.end_block != last) {
        return unsupported(format!("the last segment has to end in the output block {last}"));
    }
    let mut start = 0;
    let mut value = 1.0;
    for (index, segment) in segments.iter().enumerate() {
        let end = segment.end_block;
        if end <= start || end > last {
            return unsupported(format!(
                "segments have to lead forward: one starts at block {start} and ends at {end}"
            ));
        }
        let part = part(system, start, end)?;
        let query = Query {
            input_norm: if start == 0 { query.input_norm } else { Norm::L2 },
            output_norm: if end == last { query.output_norm } else { Norm::L2 },
            ..*query
        };
        value = mul_up(value, prove_part(index, &part, &query, &segment.multipliers)?);
        if end < last {
            let steepest = system.slopes(end).iter().fold(0.0_f64, |m, slope| m.max(slope.magnitude()));
            value = mul_up(value, steepest);
        }
        start = end;
    }
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Refusal::Range { what: "the product of the segments' bounds".to_owned() })
    }
}

/// The subsystem from block `start` (as input) to the signals before the activations of block `end` (as output).
fn part(system: &IncrementSystem, start: usize, end: usize) -> Result<IncrementSystem, Refusal> {
    if (start, end) == (0, system.output_block()) {
        return Ok(system.clone());
    }
    let jumping = |edge: &&Edge| edge.from < end && edge.to > end || edge.from < start && edge.to > start;
    if let Some(edge) = system.edges().iter().find(jumping) {
        return Err(Refusal::Unsupported {
            what: format!("the edge {} → {} jumps over a cut; segments need a chain there", edge.from, edge.to),
        });
    }
    let edges = system
        .edges()
        .iter()
        .filter(|edge| edge.from >= start && edge.to <= end)
        .map(|edge| Edge { from: edge.from - start, to: edge.to - start, map: edge.map.clone() })
        .collect();
    let hidden = (start + 1..end).map(|k| system.slopes(k).to_vec()).collect();
    IncrementSystem::new(system.len(start), hidden, system.len(end), edges)
        .map_err(|error| Refusal::Unsupported { what: error.to_string() })
}
