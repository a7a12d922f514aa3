//! One factor of the product: a chain with one hidden layer, and what the splits of the maps beside it leave over.

use tightlip_model::{IncrementSystem, Limits, LinearMap, OutputSelection, Query};

use super::chain_of_two;
use super::split::Split;
use crate::directed::{add_up, mul_up, sqrt_up};
use crate::enumeration::Scaling;
use crate::{Enumeration, Refusal};

/// A factor.
#[derive(Debug, Clone)]
pub(super) struct Factor {
    /// `P_k`, the slopes, `Q_{k+1}`.
    pub(super) system: IncrementSystem,
    /// The powers of two between its norms and those that are multiplied: of maps at the ends, which are not split.
    pub(super) units: Scaling,
    /// `√(b² + c² + d²)`, rounded up.
    pub(super) beside: f64,
}

impl Factor {
    /// The factor of hidden block `k` between the splits of the maps before and after it, which were scaled by these powers.
    ///
    /// # Errors
    /// [`Refusal::Range`] if numbers leave their range.
    pub(super) fn new(
        system: &IncrementSystem,
        k: usize,
        (before, after): (&Split, &Split),
        (scaling_before, scaling_after): (Scaling, Scaling),
    ) -> Result<Self, Refusal> {
        let mut units = Scaling::default();
        let mut whole = |edge: usize, scaling: Scaling| {
            units = units.and(scaling);
            system.edges()[edge].map.clone()
        };
        let left = match &before.parts {
            Some((left, _)) => LinearMap::Dense(left.clone()),
            None => whole(k - 1, scaling_before),
        };
        let right = match &after.parts {
            Some((_, right)) => LinearMap::Dense(right.clone()),
            None => whole(k, scaling_after),
        };
        let slopes = system.slopes(k).to_vec();
        let steepest = slopes.iter().fold(0.0_f64, |m, slope| m.max(slope.magnitude()));
        // b, c and d without the slope.
        let terms = [
            mul_up(after.right_norm, before.left_over),
            mul_up(after.eta, before.left_norm),
            mul_up(after.eta, before.left_over),
        ];
        let beside = mul_up(steepest, terms.into_iter().fold(0.0, hypot_up));
        if !beside.is_finite() {
            return Err(Refusal::Range { what: format!("the factor of hidden layer {k}") });
        }
        Ok(Self { system: chain_of_two((left, right), slopes)?, units, beside })
    }

    /// Its patterns.
    ///
    /// # Errors
    /// A [`Refusal`] as of [`Enumeration::new`].
    pub(super) fn enumeration(&self, limits: &Limits) -> Result<Enumeration<'_>, Refusal> {
        Enumeration::new(&self.system, &Query::euclidean(OutputSelection::All), limits)
    }

    /// Goes through them: an upper bound of the factor, and the largest norm over patterns from below, both in the units of the
    /// product.
    ///
    /// # Errors
    /// A [`Refusal`] as of [`Enumeration::run`].
    pub(super) fn run(&self, limits: &Limits, observe: &(dyn Fn(u64) + Sync)) -> Result<(f64, f64), Refusal> {
        let found = self.enumeration(limits)?.run(limits, observe).map_err(|unfinished| unfinished.refusal)?;
        let upper = self.units.into_chain_up(found.bound.value());
        Ok((hypot_up(upper, self.beside), self.units.into_chain(found.lower)))
    }
}

/// An upper bound of `√(a² + b²)` for `a, b ≥ 0`; what is no number stays none.
fn hypot_up(a: f64, b: f64) -> f64 {
    // `max` passes over NaN.
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let (large, small) = (a.max(b), a.min(b));
    if small == 0.0 {
        return large;
    }
    // At most one, so that squares do not leave the range; what underflows is rounded up.
    let ratio = (small / large).next_up();
    mul_up(large, sqrt_up(add_up(1.0, mul_up(ratio, ratio))))
}
