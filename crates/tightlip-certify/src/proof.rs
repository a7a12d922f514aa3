//! From multipliers to a proved bound.
//!
//! `F ⪰ 0` is proved for the inequality rebuilt from the system (see `inequality`), with a shift large enough to cover
//! every rounding error (see `factor`). Then `L ≤ √(weight_in · weight_out)`, rounded up.

use faer::Par;
use tightlip_model::{IncrementSystem, Limits, Multipliers, Norm, Query};

use crate::directed::gamma;
use crate::dominance::shows_positive;
use crate::factor::{Breakdown, Factor};
use crate::inequality::Inequality;
use crate::skeleton::Skeleton;
use crate::{Bound, Refusal, claim};

/// Proves the upper bound that `multipliers` give for `system` under the norms of `query`. For one proof; to prove
/// several proposals for the same system, make a [`Prover`].
///
/// # Errors
/// A [`Refusal`] with the reason, if the multipliers do not fit, are not feasible, or feasibility cannot be decided.
pub fn prove(
    system: &IncrementSystem,
    query: &Query,
    multipliers: &Multipliers,
    limits: &Limits,
) -> Result<Bound, Refusal> {
    Prover::new(system, query, limits)?.prove(multipliers, limits)
}

/// Proves bounds for one system and one pair of norms. What depends on the network alone is computed once: enclosures of
/// the maps, live signals, the order of elimination.
#[derive(Debug, Clone)]
pub struct Prover {
    skeleton: Skeleton,
    input_norm: Norm,
    output_norm: Norm,
}

impl Prover {
    /// Prepares proofs for `system` under the norms of `query`.
    ///
    /// # Errors
    /// [`Refusal::Memory`] if a proof would need more memory than `limits` allow, [`Refusal::Range`] if a weight is too
    /// large for the arithmetic of proofs.
    pub fn new(system: &IncrementSystem, query: &Query, limits: &Limits) -> Result<Self, Refusal> {
        let skeleton = Skeleton::new(system, limits)?;
        Ok(Self { skeleton, input_norm: query.input_norm, output_norm: query.output_norm })
    }

    /// Multiplications of the factorisation in a proof, about; the whole proof takes two to three times as many.
    pub fn multiplications(&self) -> f64 {
        self.skeleton.elimination.multiplications()
    }

    /// Proves the upper bound that `multipliers` give, with the threads of `limits`.
    ///
    /// # Errors
    /// A [`Refusal`] with the reason, if the multipliers do not fit, are not feasible, or feasibility cannot be decided.
    pub fn prove(&self, multipliers: &Multipliers, limits: &Limits) -> Result<Bound, Refusal> {
        self.skeleton.live.check(multipliers)?;
        let value = claim::value(multipliers, self.input_norm, self.output_norm)?;
        if self.skeleton.live.none() {
            // No path from input to output: the output never moves, whatever the multipliers.
            return Ok(Bound::upper(0.0));
        }
        let par = parallelism(limits);
        let inequality = Inequality::new(&self.skeleton, multipliers, par)?;
        self.prove_positive(&inequality, par)?;
        Ok(Bound::upper(value))
    }

    /// Proves that the inequality holds, or says why not.
    fn prove_positive(&self, inequality: &Inequality, par: Par) -> Result<(), Refusal> {
        /// The residual hardly depends on the shift, so the second try succeeds unless the matrix is not definite
        /// enough.
        const TRIES: usize = 3;
        if shows_positive(inequality) {
            return Ok(());
        }
        let n = inequality.order();
        let largest = inequality.error.iter().flatten().fold(0.0_f64, |m, &e| m.max(e));
        // A first guess of the residual. At unit diagonal the rows of |L||Lᵀ| sum to about √n, with large blocks to a
        // quarter of their order (measured on random networks at the limit of feasibility: 237 for 1000).
        let reach = 4.0 * (n as f64).sqrt() + 0.2 * self.skeleton.elimination.widest() as f64;
        let mut shift = gamma(n + 4) * reach + 4.0 * largest;
        let mut residual = f64::INFINITY;
        for _ in 0..TRIES {
            let factor = Factor::new(inequality, shift, par).map_err(|breakdown| self.not_positive(breakdown))?;
            residual = factor.residual_bound(inequality, par);
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

    /// The refusal of a breakdown, with the block and the signal of the system.
    fn not_positive(&self, Breakdown { block, row }: Breakdown) -> Refusal {
        let block = self.skeleton.elimination.order()[block];
        let signal = self.skeleton.live.of(block)[row];
        Refusal::NotPositive {
            reason: format!(
                "the factorisation breaks down in block {block} at signal {signal}: the multipliers are not feasible"
            ),
        }
    }
}

/// Threads for dense products.
fn parallelism(limits: &Limits) -> Par {
    if limits.threads <= 1 { Par::Seq } else { Par::rayon(limits.threads) }
}

#[cfg(test)]
mod tests {

    use tightlip_model::{Edge, LinearMap, OutputSelection, SlopeInterval, Weight};

    use super::*;

    fn limits() -> Limits {
        Limits::within(1 << 30)
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
    fn a_prover_answers_every_proposal_as_a_single_proof_does() {
        let query = Query::euclidean(OutputSelection::All);
        let system = one_neuron((0.0, 1.0), 3.0, 2.0);
        let prover = Prover::new(&system, &query, &limits()).expect("a small system");
        let proposals = [(6.0, 0.674, 6.0), (7.0, 0.6, 7.0), (6.0, -1.0, 6.0), (1e-200, 1.0, 1.0), (6.1, 0.66, 6.1)];
        for (t, lambda, q) in proposals.into_iter().chain(proposals) {
            let proposal = multipliers(t, lambda, q);
            let (again, once) = (prover.prove(&proposal, &limits()), prove(&system, &query, &proposal, &limits()));
            assert_eq!(again, once);
            assert_eq!(once.is_ok(), t > 6.05, "{once:?}");
        }
        let other_norms = multipliers(6.1, 0.66, 6.1);
        let other_norms = Multipliers { input: Weight::PerCoordinate(vec![6.1]), ..other_norms };
        assert!(matches!(prover.prove(&other_norms, &limits()), Err(Refusal::Unsupported { .. })));
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
