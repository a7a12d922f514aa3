//! Operator norms of single maps that have a formula.
//!
//! The unit ball of ℓ1 is the hull of `± e_j`, and the ℓ∞ norm is the largest over single coordinates, so
//!
//!   `‖W‖_{1→q} = max_j ‖W e_j‖_q`,   `‖W‖_{p→∞} = max_i ‖Wᵀ e_i‖_{p*}`,
//!
//! that is: 1 → 1 the largest column sum of `|W|`, ∞ → ∞ its largest row sum, 1 → ∞ its largest entry, 1 → 2 the largest
//! length of a column, 2 → ∞ that of a row. Entries are taken from the enclosure of the map, sums are rounded up. The other
//! four pairs (2 → 2, ∞ → 2, 2 → 1, ∞ → 1) have no formula, or one with exponentially many terms: the matrix
//! inequality is for them.

use tightlip_model::{IncrementSystem, Limits, LinearMap, Norm, Query};

use crate::Refusal;
use crate::ball::dyadic::power_of_two;
use crate::directed::{inflated, sqrt_up};
use crate::enclosure::Enclosure;

/// How the entries of a row or column make up its norm.
#[derive(Debug, Clone, Copy)]
enum Gather {
    Sum,
    Length,
    Largest,
}

/// An upper bound of the norm of a system without hidden blocks between the norms of `query`.
///
/// # Errors
/// [`Refusal::Unsupported`] if the system has hidden blocks or the norm no formula, [`Refusal::Memory`] if the matrix
/// does not fit, [`Refusal::Range`] if an entry is not finite.
pub(crate) fn induced_norm(system: &IncrementSystem, query: &Query, limits: &Limits) -> Result<f64, Refusal> {
    let unsupported = |what: String| Err(Refusal::Unsupported { what });
    if system.hidden_blocks() > 0 {
        return unsupported("a segment with hidden blocks needs multipliers".to_owned());
    }
    let (by_columns, gather) = match (query.input_norm, query.output_norm) {
        (Norm::L1, Norm::L1) => (true, Gather::Sum),
        (Norm::L1, Norm::L2) => (true, Gather::Length),
        (Norm::L1, Norm::LInf) => (true, Gather::Largest),
        (Norm::L2, Norm::LInf) => (false, Gather::Length),
        (Norm::LInf, Norm::LInf) => (false, Gather::Sum),
        (input @ (Norm::L2 | Norm::LInf), output @ (Norm::L1 | Norm::L2)) => {
            return unsupported(format!("the norm ℓ{input} → ℓ{output} of a matrix has no formula: want multipliers"));
        }
    };
    let Some(edge) = system.edges().first() else { return Ok(0.0) };
    check_memory(&edge.map, limits)?;
    let weights = Enclosure::of(&edge.map);
    let (rows, cols) = (weights.mid.nrows(), weights.mid.ncols());
    // One rounding up; sums allow for it.
    let entry = |i: usize, j: usize| match weights.radius_at(i, j) {
        0.0 => weights.mid[(i, j)].abs(),
        radius => (weights.mid[(i, j)].abs() + radius).next_up(),
    };
    if (0..cols).any(|j| (0..rows).any(|i| !entry(i, j).is_finite())) {
        return Err(Refusal::Range { what: "an entry of a layer's matrix".to_owned() });
    }
    let lines = if by_columns { cols } else { rows };
    let line = |k: usize| -> Vec<f64> {
        if by_columns { (0..rows).map(|i| entry(i, k)).collect() } else { (0..cols).map(|j| entry(k, j)).collect() }
    };
    Ok((0..lines).map(|k| gathered(&line(k), gather)).fold(0.0, f64::max))
}

/// The norm of one row or column of finite numbers ≥ 0, rounded up.
fn gathered(entries: &[f64], gather: Gather) -> f64 {
    let largest = entries.iter().copied().fold(0.0, f64::max);
    match gather {
        Gather::Largest => largest,
        Gather::Sum => inflated(entries.iter().sum(), entries.len()),
        Gather::Length if largest == 0.0 => 0.0,
        Gather::Length => {
            // By a power of two near the largest entry, so that no square overflows and the largest does not vanish.
            // What underflows is below 2^−1000 of the sum, far less than `inflated` adds.
            let exponent = largest.log2().floor().clamp(-1000.0, 1000.0) as isize;
            let scale = power_of_two(-exponent);
            let squares = entries.iter().map(|entry| (entry * scale) * (entry * scale)).sum();
            let length = sqrt_up(inflated(squares, entries.len()));
            (length * power_of_two(exponent)).next_up()
        }
    }
}

/// Declines a matrix that would not fit: its enclosure, and while it is multiplied out, supports and products.
fn check_memory(map: &LinearMap, limits: &Limits) -> Result<(), Refusal> {
    const MIB: u64 = 1 << 20;
    let dense = |map: &LinearMap| map.rows() as u64 * map.cols() as u64;
    let inner = |map: &LinearMap| match map {
        LinearMap::Chain(maps) => maps.iter().map(|part| part.rows() as u64).sum::<u64>() * map.cols() as u64,
        _ => 0,
    };
    let needed = 8 * (2 * dense(map) + 4 * inner(map));
    if needed <= limits.memory_bytes {
        Ok(())
    } else {
        Err(Refusal::Memory { needed_mib: needed / MIB, limit_mib: limits.memory_bytes / MIB })
    }
}

#[cfg(test)]
mod tests {
    use tightlip_model::{Edge, OutputSelection};

    use super::*;

    const PAIRS: [(Norm, Norm); 5] = [
        (Norm::L1, Norm::L1),
        (Norm::LInf, Norm::LInf),
        (Norm::L1, Norm::LInf),
        (Norm::L1, Norm::L2),
        (Norm::L2, Norm::LInf),
    ];

    fn norm(map: LinearMap, (input_norm, output_norm): (Norm, Norm), memory: u64) -> Result<f64, Refusal> {
        let (inputs, outputs) = (map.cols(), map.rows());
        let system = IncrementSystem::new(inputs, vec![], outputs, vec![Edge { from: 0, to: 1, map }]).expect("valid");
        let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
        induced_norm(&system, &query, &Limits::within(memory))
    }

    #[test]
    fn every_formula_gives_the_norm_of_a_matrix_written_out() {
        let rows = [vec![3.0, -4.0, 1.0], vec![-12.0, 3.0, 0.0]];
        let expected = [15.0, 15.0, 12.0, 153f64.sqrt(), 153f64.sqrt()];
        // The third tells rows from columns.
        let other = [vec![1.0, -2.0], vec![0.0, 2.0], vec![2.0, 1.0]];
        let expected_of_other = [5.0, 3.0, 2.0, 3.0, 5f64.sqrt()];
        for (pair, (one, two)) in PAIRS.into_iter().zip(expected.into_iter().zip(expected_of_other)) {
            for (rows, expected) in [(&rows[..], one), (&other[..], two)] {
                let value = norm(LinearMap::from_rows(rows), pair, 1 << 20).expect("a formula");
                assert!(value >= expected && value <= expected * (1.0 + 1e-13), "{pair:?}: {value}, want {expected}");
            }
        }
    }

    #[test]
    fn what_sums_lose_is_added() {
        // In floating point each of the small terms vanishes beside 1: 2^−54 in a sum, 2^−27 squared.
        let row = |small: f64| [vec![1.0, small, small, small]];
        let column = |small: f64| row(small)[0].iter().map(|&entry| vec![entry]).collect::<Vec<_>>();
        for (pair, row_wise, small) in [
            ((Norm::LInf, Norm::LInf), true, -54),
            ((Norm::L1, Norm::L1), false, -54),
            ((Norm::L2, Norm::LInf), true, -27),
            ((Norm::L1, Norm::L2), false, -27),
        ] {
            let small = 2f64.powi(small);
            let map = LinearMap::from_rows(&if row_wise { row(small).to_vec() } else { column(small) });
            assert!(norm(map, pair, 1 << 20).expect("a formula") > 1.0, "{pair:?}");
        }
    }

    #[test]
    fn the_error_of_composed_maps_is_inside_and_extreme_entries_keep_their_length() {
        // Exact: 1e16 + 1 − 1e16 = 1; floating point may lose the 1 entirely.
        let first = LinearMap::from_rows(&[vec![1e16], vec![1.0], vec![-1e16]]);
        let sum = first.then(LinearMap::from_rows(&[vec![1.0, 1.0, 1.0]]));
        for pair in PAIRS {
            assert!(norm(sum.clone(), pair, 1 << 20).expect("a formula") >= 1.0);
            for size in [1e-308, 1e-200, 1.0, 1e200, 1e307] {
                let value = norm(LinearMap::from_rows(&[vec![size]]), pair, 1 << 20).expect("a formula");
                assert!(value >= size && value <= size * (1.0 + 1e-13), "{pair:?} of {size}: {value}");
            }
        }
    }

    #[test]
    fn norms_without_a_formula_hidden_blocks_overflow_and_too_little_memory_are_refused() {
        let map = LinearMap::from_rows(&[vec![1.0, 2.0]]);
        for input in [Norm::L2, Norm::LInf] {
            for output in [Norm::L1, Norm::L2] {
                let refusal = norm(map.clone(), (input, output), 1 << 20);
                assert!(matches!(refusal, Err(Refusal::Unsupported { .. })), "{refusal:?}");
            }
        }
        assert!(matches!(norm(map.clone(), PAIRS[0], 8), Err(Refusal::Memory { .. })));
        let huge = LinearMap::from_rows(&[vec![1e200]]).then(LinearMap::from_rows(&[vec![1e200]]));
        assert!(matches!(norm(huge, PAIRS[0], 1 << 20), Err(Refusal::Range { .. })));
        let slopes = vec![vec![tightlip_model::SlopeInterval::UNIT]];
        let edges = vec![
            Edge { from: 0, to: 1, map: map.clone() },
            Edge { from: 1, to: 2, map: LinearMap::from_rows(&[vec![1.0]]) },
        ];
        let system = IncrementSystem::new(2, slopes, 1, edges).expect("valid");
        let query = Query { input_norm: Norm::L1, ..Query::euclidean(OutputSelection::All) };
        assert!(induced_norm(&system, &query, &Limits::within(1 << 20)).is_err());
    }
}
