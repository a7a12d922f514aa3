//! Bounds in segments: a system cut after some hidden blocks.
//!
//! Where no edge jumps over block `k`, the system is a composition: inputs → signals before the activations of block
//! `k` → (activations) → outputs. Every cut has a norm in which its signals are measured, ℓ1, ℓ2 or ℓ∞. Activations work
//! coordinate by coordinate, so their Lipschitz constant is `m_k = max_j max(|α_j|, |β_j|)` in each of them, and with
//! a proved bound for each part, between the norms at its two ends, `L ≤ L_1 · m_{k_1} · L_2 · m_{k_2} ⋯`. One segment is
//! LipSDP itself; segments without hidden blocks give the product of operator norms; anything between is LipSDP with
//! splitting (the published code forgets the factors `m_k`, which matter where slopes exceed 1 in magnitude).
//!
//! A segment is proved by its multipliers, for ℓ1 at its input and ℓ∞ at its output with ℓ2 in their place
//! (`‖x‖₂ ≤ ‖x‖₁`, `‖y‖_∞ ≤ ‖y‖₂`), or, without hidden blocks and multipliers, by the formula of its norm (see `induced`).

use serde::{Deserialize, Serialize};
use tightlip_model::{Case, Edge, IncrementSystem, Limits, Multipliers, Norm, Query};

use crate::induced::induced_norm;
use crate::scaled_product::ScaledProduct;
use crate::{Bound, Draw, Refusal, prove, prove_probably};

/// A part of a system and what bounds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The block the segment ends in: a hidden block it is cut at, or the output block for the last segment.
    pub end_block: usize,
    /// The norm at the cut: of the signals before the activations of the hidden block the segment ends in, and of the
    /// input of the next segment. The last segment, which ends in the norm of the question, has ℓ2 here. Absent in files
    /// for ℓ2.
    #[serde(default = "euclidean", skip_serializing_if = "is_euclidean")]
    pub cut_norm: Norm,
    /// Multipliers of the part: its input is the block the segment before ended in (block 0 for the first). Absent for a
    /// part without hidden blocks whose norm has a formula: from ℓ1, to ℓ∞.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipliers: Option<Multipliers>,
}

/// The norm at a cut where none is said.
fn euclidean() -> Norm {
    Norm::L2
}

/// Whether the norm goes without saying.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_euclidean(norm: &Norm) -> bool {
    *norm == euclidean()
}

impl Segment {
    /// The segment up to `end_block`, proved by multipliers, ℓ2 at its cut.
    pub fn new(end_block: usize, multipliers: Multipliers) -> Self {
        Self { end_block, cut_norm: euclidean(), multipliers: Some(multipliers) }
    }

    /// The segment up to `end_block`, proved by the formula of its norm, ℓ2 at its cut.
    pub fn by_formula(end_block: usize) -> Self {
        Self { end_block, cut_norm: euclidean(), multipliers: None }
    }

    /// The same segment with another norm at its cut.
    #[must_use]
    pub fn cut_in(self, cut_norm: Norm) -> Self {
        Self { cut_norm, ..self }
    }

    /// The same segment with its multipliers, where it has them, replaced by a function of them.
    #[must_use]
    pub fn mapped(&self, change: impl FnOnce(&Multipliers) -> Multipliers) -> Self {
        Self { multipliers: self.multipliers.as_ref().map(change), ..self.clone() }
    }
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
    Ok(Bound::upper(product((system, query), segments, limits, &prove_part)?))
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
    Ok(Bound::probably_upper(product((system, query), segments, limits, &prove_part)?, draw.failure_probability()))
}

/// Proves a part, given its index, itself, its norms and its multipliers.
type ProvePart<'a> = dyn Fn(usize, &IncrementSystem, &Query, &Multipliers) -> Result<f64, Refusal> + 'a;

/// The product of the bounds that `prove_part` or a formula gives for the segments, and of the factors at the cuts.
fn product(
    (system, query): (&IncrementSystem, &Query),
    segments: &[Segment],
    limits: &Limits,
    prove_part: &ProvePart<'_>,
) -> Result<f64, Refusal> {
    let last = system.output_block();
    check_order(segments, last)?;
    let (mut start, mut input_norm) = (0, query.input_norm);
    let mut value = ScaledProduct::ONE;
    for (index, segment) in segments.iter().enumerate() {
        let end = segment.end_block;
        let part = part(system, start, end)?;
        let output_norm = if end == last { query.output_norm } else { segment.cut_norm };
        let between = Query { input_norm, output_norm, ..*query };
        value.multiply(match &segment.multipliers {
            Some(multipliers) => prove_part(index, &part, &Case::query(&between), multipliers)?,
            None => induced_norm(&part, &between, limits)?,
        });
        if end < last {
            let steepest = system.slopes(end).iter().fold(0.0_f64, |m, slope| m.max(slope.magnitude()));
            value.multiply(steepest);
        }
        (start, input_norm) = (end, segment.cut_norm);
    }
    let value = value.value();
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Refusal::Range { what: "the product of the segments' bounds".to_owned() })
    }
}

/// Refuses segments that do not lead forward to the output block `last`, or that end there in a norm of their own.
fn check_order(segments: &[Segment], last: usize) -> Result<(), Refusal> {
    let unsupported = |what: String| Err(Refusal::Unsupported { what });
    let Some(final_segment) = segments.last().filter(|segment| segment.end_block == last) else {
        return unsupported(format!("the last segment has to end in the output block {last}"));
    };
    if !is_euclidean(&final_segment.cut_norm) {
        return unsupported(format!(
            "the last segment has the cut norm ℓ{}, but no cut: it ends in the norm of the question",
            final_segment.cut_norm
        ));
    }
    let mut start = 0;
    for segment in segments {
        let end = segment.end_block;
        if end <= start || end > last {
            return unsupported(format!(
                "segments have to lead forward: one starts at block {start} and ends at {end}"
            ));
        }
        start = end;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use tightlip_model::{LinearMap, OutputSelection, SlopeInterval, Weight};

    use super::*;
    use crate::round_multipliers;

    /// Blocks of single signals with these slopes, and edges with these weights.
    fn scalars(slopes: &[(f64, f64)], edges: &[(usize, usize, f64)]) -> IncrementSystem {
        let slope = |&(lower, upper): &(f64, f64)| vec![SlopeInterval::new(lower, upper).expect("an interval")];
        let edge =
            |&(from, to, weight): &(usize, usize, f64)| Edge { from, to, map: LinearMap::from_rows(&[vec![weight]]) };
        let hidden = slopes.iter().map(slope).collect();
        IncrementSystem::new(1, hidden, 1, edges.iter().map(edge).collect()).expect("valid")
    }

    #[test]
    fn every_cut_has_the_constant_of_its_own_activations_whichever_end_is_the_steep_one() {
        let system = scalars(&[(-2.0, 1.0), (0.0, 0.25)], &[(0, 1, 3.0), (1, 2, -5.0), (2, 3, 7.0)]);
        // 3 · 2 · 5 · ¼ · 7.
        let exact = 52.5;
        for norm in [Norm::L1, Norm::LInf] {
            let query = Query { input_norm: norm, output_norm: norm, ..Query::euclidean(OutputSelection::All) };
            let cut = |end| Segment::by_formula(end).cut_in(norm);
            let segments = [cut(1), cut(2), Segment::by_formula(3)];
            let value = prove_segments(&system, &query, &segments, &Limits::within(1 << 20)).expect("formulas").value();
            assert!(value >= exact && value <= exact * (1.0 + 1e-13), "ℓ{norm}: {value}");
        }
    }

    #[test]
    fn segments_with_neurons_are_measured_in_the_norms_at_both_of_their_ends() {
        // Identities: two neurons between two signals, twice. The bounds of a segment between two norms are those of its inequality.
        let identity = |from| Edge { from, to: from + 1, map: LinearMap::identity(2) };
        let slopes = vec![vec![SlopeInterval::UNIT; 2]; 3];
        let system = IncrementSystem::new(2, slopes, 2, (0..4).map(identity).collect()).expect("valid");
        let query = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..Query::euclidean(OutputSelection::All) };
        let weight = |in_coordinates: bool| {
            if in_coordinates { Weight::PerCoordinate(vec![1.0; 2]) } else { Weight::Uniform(1.0) }
        };
        // ℓ∞ → cut, with ℓ2 for ℓ∞ at its end, and cut → ℓ1, with ℓ2 for ℓ1 at its beginning.
        let root = 2f64.sqrt();
        for (cut, expected) in [(Norm::L1, 2.0 * root), (Norm::L2, root * root), (Norm::LInf, root * 2.0)] {
            let multipliers = |from: Norm, to: Norm| {
                let (input, output) = (weight(from == Norm::LInf), weight(to == Norm::L1));
                round_multipliers(&Multipliers { input, hidden: vec![vec![1.0; 2]], output }, 1e-9)
            };
            let first = Segment::new(2, multipliers(Norm::LInf, cut)).cut_in(cut);
            let segments = [first, Segment::new(4, multipliers(cut, Norm::L1))];
            let value = prove_segments(&system, &query, &segments, &Limits::within(1 << 20)).expect("feasible").value();
            assert!(value >= expected && value <= expected * (1.0 + 1e-7), "cut in ℓ{cut}: {value}, want {expected}");
        }
    }

    #[test]
    fn no_part_begins_or_ends_where_an_edge_jumps_over_the_cut() {
        let unit = (0.0, 1.0);
        let system = scalars(&[unit, unit], &[(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0), (2, 3, 1.0)]);
        for (start, end) in [(0, 1), (1, 2), (1, 3)] {
            assert!(matches!(part(&system, start, end), Err(Refusal::Unsupported { .. })), "{start} to {end}");
        }
        assert_eq!(
            (part(&system, 0, 2).expect("whole").edges().len(), part(&system, 2, 3).expect("a map").edges().len()),
            (3, 1)
        );
    }
}
