//! From multipliers to a proved bound.
//!
//! `F ⪰ 0` is proved for the inequality rebuilt from the system (see `inequality`), with a shift large enough to cover
//! every rounding error (see `factor`). Then `L ≤ √(weight_in · weight_out)`, rounded up.

use faer::Par;
use tightlip_model::{IncrementSystem, Limits, LinearMap, Multipliers, Norm, Query, Weight};

use crate::directed::{add_up, gamma, mul_up, sqrt_up};
use crate::enclosure::Enclosure;
use crate::factor::Factor;
use crate::inequality::Inequality;
use crate::signals::LiveSignals;
use crate::{Bound, Refusal};

/// Proves the upper bound that `multipliers` give for `system` under the norms of `query`.
///
/// # Errors
/// A [`Refusal`] with the reason, if the multipliers do not fit, are not feasible, or feasibility cannot be decided.
pub fn prove(
    system: &IncrementSystem,
    query: &Query,
    multipliers: &Multipliers,
    limits: &Limits,
) -> Result<Bound, Refusal> {
    let weight_in = weight(&multipliers.input, query.input_norm, Norm::LInf, "input")?;
    let weight_out = weight(&multipliers.output, query.output_norm, Norm::L1, "output")?;
    check_memory(system, limits)?;
    let enclosures: Vec<Enclosure> = system.edges().iter().map(|edge| Enclosure::of(&edge.map)).collect();
    let live = LiveSignals::new(system, &enclosures);
    live.check(system, multipliers)?;
    if live.none() {
        // No path from input to output: the output never moves, whatever the multipliers.
        return Ok(Bound::upper(0.0));
    }
    let inequality = Inequality::new(system, &enclosures, &live, multipliers)?;
    prove_positive(&inequality, parallelism(limits))?;
    // Two roots: the product of the weights may leave the range of floating point where the bound does not.
    let value = mul_up(sqrt_up(weight_in), sqrt_up(weight_out));
    let product = mul_up(weight_in, weight_out);
    // One root rounds less than two, where the product is well inside the range.
    let value = if (1e-200..1e200).contains(&product) { value.min(sqrt_up(product)) } else { value };
    if value.is_finite() { Ok(Bound::upper(value)) } else { Err(Refusal::Range { what: "the bound".to_owned() }) }
}

/// Threads for dense products.
fn parallelism(limits: &Limits) -> Par {
    if limits.threads <= 1 { Par::Seq } else { Par::rayon(limits.threads) }
}

/// The weight of `D_in` or `D_out`, rounded up: the value for ℓ2, the sum for the norm with one value per coordinate.
fn weight(weight: &Weight, norm: Norm, separable: Norm, side: &str) -> Result<f64, Refusal> {
    match weight {
        Weight::Uniform(value) if norm == Norm::L2 => Ok(*value),
        Weight::PerCoordinate(values) if norm == separable => Ok(values.iter().fold(0.0, |sum, &v| add_up(sum, v))),
        Weight::Uniform(_) | Weight::PerCoordinate(_) => Err(Refusal::Unsupported {
            what: format!(
                "the {side} norm ℓ{norm} with this kind of multipliers: want one value for ℓ2, or one value per \
                 coordinate for ℓ{separable}"
            ),
        }),
    }
}

/// Declines a proof that would not fit into memory: the matrix, its factor, and one block of work.
fn check_memory(system: &IncrementSystem, limits: &Limits) -> Result<(), Refusal> {
    const MIB: u64 = 1 << 20;
    let size = |k: usize| system.len(k) as u64;
    let couplings: u64 = system.edges().iter().map(|edge| size(edge.from) * size(edge.to)).sum();
    // Composed maps are multiplied out one after another, from the input side.
    let inner = |map: &LinearMap| match map {
        LinearMap::Chain(maps) => maps.iter().map(|part| part.rows() as u64).sum::<u64>() * map.cols() as u64,
        _ => 0,
    };
    let composed: u64 = system.edges().iter().map(|edge| inner(&edge.map)).sum();
    // The input block stays diagonal unless some slopes have αβ ≠ 0.
    let product = |k: usize| system.slopes(k).iter().any(|slope| slope.lower() * slope.upper() != 0.0);
    let first = usize::from(!(1..system.output_block()).any(product));
    let diagonals: u64 = (first..system.blocks()).map(|k| size(k) * size(k)).sum();
    // Enclosure, its live part, the scaled block, its radius and the factor for couplings; factor and work for pivots.
    let needed = 8 * (6 * couplings + 4 * composed + 3 * diagonals);
    if needed <= limits.memory_bytes {
        Ok(())
    } else {
        Err(Refusal::Memory { needed_mib: needed / MIB, limit_mib: limits.memory_bytes / MIB })
    }
}

/// Proves that the inequality holds, or says why not.
fn prove_positive(inequality: &Inequality, par: Par) -> Result<(), Refusal> {
    /// The residual hardly depends on the shift, so the second try succeeds unless the matrix is not definite enough.
    const TRIES: usize = 3;
    let n = inequality.order();
    let largest = inequality.error.iter().flatten().fold(0.0_f64, |m, &e| m.max(e));
    // A first guess of the residual: every row of |L||Lᵀ| sums to about √n at unit diagonal.
    let mut shift = 4.0 * (gamma(n + 4) * (n as f64).sqrt() + largest);
    let mut residual = f64::INFINITY;
    for _ in 0..TRIES {
        residual = Factor::new(inequality, shift, par)?.residual_bound(inequality, par);
        if residual <= shift {
            return Ok(());
        }
        shift = 1.5 * residual;
        if !shift.is_finite() {
            break;
        }
    }
    Err(Refusal::NotPositive {
        reason: format!("the rounding errors, {residual:e}, exceed the shift {shift:e} that had to cover them"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use tightlip_model::{Edge, OutputSelection, SlopeInterval};

    use super::*;

    fn limits() -> Limits {
        Limits {
            deadline: None,
            interrupt: Arc::new(AtomicBool::new(false)),
            memory_bytes: 1 << 30,
            threads: 1,
            seed: 0,
        }
    }

    /// One input, one neuron with the given slopes, one output.
    fn one_neuron(slope: (f64, f64), first: f64, second: f64) -> IncrementSystem {
        let edge = |from, weight: f64| Edge { from, to: from + 1, map: LinearMap::from_rows(&[vec![weight]]) };
        let slope = SlopeInterval::new(slope.0, slope.1).expect("an interval");
        IncrementSystem::new(1, vec![vec![slope]], 1, vec![edge(0, first), edge(1, second)]).expect("valid")
    }

    fn multipliers(t: f64, lambda: f64, q: f64) -> Multipliers {
        Multipliers { input: Weight::Uniform(t), hidden: vec![vec![lambda]], output: Weight::Uniform(q) }
    }

    #[test]
    fn one_neuron_has_the_bound_that_pencil_and_paper_give_and_nothing_below() {
        // f(x) = 2 relu(3x): L = 6 with t = q = 6 and λ from 2λ − 9λ²/6 − 4/6 ≥ 0, that is λ = 2/3.
        let query = Query::euclidean(OutputSelection::All);
        let system = one_neuron((0.0, 1.0), 3.0, 2.0);
        let bound =
            prove(&system, &query, &multipliers(6.0 + 1e-8, 2.0 / 3.0, 6.0 + 1e-8), &limits()).expect("a proof");
        assert!(bound.value() >= 6.0 && bound.value() < 6.0 + 2e-8);
        for wrong in [(6.0 - 1e-8, 2.0 / 3.0, 6.0), (6.0, 0.66, 6.0), (6.0, 0.674, 6.0)] {
            let refusal = prove(&system, &query, &multipliers(wrong.0, wrong.1, wrong.2), &limits());
            assert!(matches!(refusal, Err(Refusal::NotPositive { .. })), "{wrong:?}: {refusal:?}");
        }
    }

    #[test]
    fn slopes_whose_product_underflows_are_refused_instead_of_losing_a_part_of_the_inequality() {
        let query = Query::euclidean(OutputSelection::All);
        let system = one_neuron((-1e-170, 1e-170), 1e60, 1e60);
        let refusal = prove(&system, &query, &multipliers(1e-144, 5e143, 2e-24), &limits());
        assert!(matches!(refusal, Err(Refusal::Range { .. })), "{refusal:?}");
    }

    #[test]
    fn multipliers_and_weights_out_of_range_and_too_little_memory_are_refused() {
        let query = Query::euclidean(OutputSelection::All);
        let system = one_neuron((0.0, 1.0), 3.0, 2.0);
        for wrong in [(1e-200, 1.0, 1.0), (1.0, 1e200, 1.0)] {
            let refusal = prove(&system, &query, &multipliers(wrong.0, wrong.1, wrong.2), &limits());
            assert!(matches!(refusal, Err(Refusal::Range { .. })), "{wrong:?}: {refusal:?}");
        }
        let heavy = one_neuron((0.0, 1.0), 1e61, 2.0);
        assert!(matches!(prove(&heavy, &query, &multipliers(6.0, 0.6, 6.0), &limits()), Err(Refusal::Range { .. })));
        let little = Limits { memory_bytes: 8, ..limits() };
        assert!(matches!(prove(&system, &query, &multipliers(6.0, 0.6, 6.0), &little), Err(Refusal::Memory { .. })));
    }
}
