//! Closed-form multipliers: a diagonal `D ⪰ Γ`, and one number.
//!
//! If `Γ_k ⪯ D = Diag(d)`, then `W X⁻¹ Wᵀ ⪯ (D⁻¹ + 2ΛAB)⁻¹`, so that `M_k` is at least the diagonal matrix of
//!
//!   `(2u − u² (α + β)² / (1 + 2αβ u)) / d`   with `u = λ d`, positive for `0 < u < 2/(β − α)²`,
//!
//! largest, `1/(m² d)` with `m = max(|α|, |β|)`, at `u* = 1/(m (β − α))`. The parameter `c` of the literature (Syed and Hu 2025;
//! written for slopes [0, 1], where `u = c`) becomes
//!
//!   `u(c) = c u*` up to `c = 1`,   and from there linearly to `2/(β − α)²` at `c = 2`:
//!
//! feasible for `0 < c < 2` whatever the slopes, the best in the worst case at `c = 1`, the limit of feasibility at `c = 2`. For
//! slopes `[−β, β]` both are the same: there it stays a little below.
//!
//! | rule | `D` | `c` |
//! |---|---|---|
//! | SN | `σ_max(Γ) I` | `0 < c < 2`; `c = 1` is ECLipsE-Fast (Xu and Sivaranjani 2024) |
//! | GC | row sums of `|Γ|`, by Gershgorin's circles | `0 < c < 2` |
//! | Shift | `Diag(Γ) + c σ_max(Γ − Diag(Γ)) I`, more than `Γ` for `c > 1` | with `u` at its limit; the published `1/λ = T + c σ_max(Γ/2 − T)`, `T = Diag(Γ/2)` |
//!
//! Shift as published is at its limit where `Γ` is diagonal (one neuron, or orthogonal rows): there `2 Diag(Γ)` is taken, which
//! for `αβ = 0` is the best in the worst case.

use faer::Mat;
use tightlip_model::{SlopeInterval, spectral_norm};

use crate::Forward;

/// A closed form for the multipliers of a layer, with its parameter `c`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// ECLipsE-SN: by the spectral norm, one multiplier for a layer of equal slopes.
    Sn(f64),
    /// ECLipsE-GC: by Gershgorin's circles.
    Gc(f64),
    /// ECLipsE-Shift: by the diagonal and the norm of the rest.
    Shift(f64),
}

/// `c` at the limit of feasibility.
const LIMIT: f64 = 2.0;

impl Rule {
    /// The nine runs of which Syed and Hu take the minimum.
    pub const PUBLISHED: [Self; 9] = [
        Self::Sn(1.0),
        Self::Sn(1.3),
        Self::Sn(1.5),
        Self::Gc(1.5),
        Self::Gc(1.7),
        Self::Gc(1.99),
        Self::Shift(1.3),
        Self::Shift(1.5),
        Self::Shift(1.7),
    ];

    /// The same rule with another parameter.
    #[must_use]
    pub fn with_parameter(self, c: f64) -> Self {
        match self {
            Self::Sn(_) => Self::Sn(c),
            Self::Gc(_) => Self::Gc(c),
            Self::Shift(_) => Self::Shift(c),
        }
    }

    /// Its short name in the literature, with its parameter.
    pub fn label(self) -> String {
        match self {
            Self::Sn(c) => format!("SN {c}"),
            Self::Gc(c) => format!("GC {c}"),
            Self::Shift(c) => format!("Shift {c}"),
        }
    }

    /// `λ̂` for the layer that `forward` has come to.
    ///
    /// # Panics
    /// If no hidden layer is left.
    pub fn multipliers(self, forward: &Forward<'_>) -> Vec<f64> {
        let slopes = forward.chain().slopes(forward.layer());
        let (majorant, c) = match self {
            Self::Sn(c) => (vec![forward.whitened_norm().powi(2); slopes.len()], c),
            Self::Gc(c) => (row_sums(&forward.gamma()), c),
            Self::Shift(c) => (shifted_diagonal(forward.gamma(), c), LIMIT),
        };
        majorant.iter().zip(slopes).map(|(d, &slope)| unscaled_multiplier(slope, c) / d).collect()
    }

    /// Eliminates all layers of a chain by this rule.
    ///
    /// # Errors
    /// [`NotFeasible`](crate::NotFeasible) if rounding leaves a pivot that is not positive, `c` close to its limits;
    /// `stop` ends it early with `Ok(None)`.
    pub fn eliminate<'c>(
        self,
        mut forward: Forward<'c>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Forward<'c>>, crate::NotFeasible> {
        for _ in 0..forward.chain().hidden_layers() {
            if stop() {
                return Ok(None);
            }
            let multipliers = self.multipliers(&forward);
            forward.eliminate(multipliers)?;
        }
        Ok(Some(forward))
    }
}

/// `u(c)`.
pub(crate) fn unscaled_multiplier(slope: SlopeInterval, c: f64) -> f64 {
    /// How far below the limit it stays where the best is at the limit, relative: each layer costs half of it, and norms of wide
    /// layers are known to 1e-9.
    const DISTANCE: f64 = 4e-9;
    let width = slope.upper() - slope.lower();
    let (best, limit) = (1.0 / (slope.magnitude() * width), LIMIT / (width * width));
    if c >= LIMIT {
        return limit;
    }
    let multiplier = if c <= 1.0 { c * best } else { best + (c - 1.0) * (limit - best) };
    multiplier.min((1.0 - DISTANCE) * limit)
}

/// Row sums of magnitudes.
fn row_sums(gamma: &Mat<f64>) -> Vec<f64> {
    // Symmetric: columns are contiguous.
    gamma.col_iter().map(|column| column.iter().map(|entry| entry.abs()).sum()).collect()
}

/// `Diag(Γ) + c σ_max(Γ − Diag(Γ)) I`; `2 Diag(Γ)` where `Γ` is diagonal up to rounding.
fn shifted_diagonal(mut gamma: Mat<f64>, c: f64) -> Vec<f64> {
    /// A rest that is this part of the diagonal is rounding, or too little to keep away from the limit.
    const ROUNDING: f64 = 1e-9;
    let diagonal: Vec<f64> = (0..gamma.nrows()).map(|i| std::mem::replace(&mut gamma[(i, i)], 0.0)).collect();
    let rest = c * spectral_norm(gamma.as_ref());
    let largest = diagonal.iter().fold(0.0_f64, |m, &d| m.max(d));
    if rest <= ROUNDING * largest {
        return diagonal.iter().map(|d| 2.0 * d).collect();
    }
    diagonal.iter().map(|d| d + rest).collect()
}

#[cfg(test)]
mod tests {
    use tightlip_model::{Edge, IncrementSystem, LinearMap};

    use super::*;
    use crate::Chain;

    #[test]
    fn one_neuron_has_its_constant_at_the_best_parameter_and_more_on_both_sides_of_it() {
        for (lower, upper) in [(0.0, 1.0), (0.0, 0.25), (-1.2, 0.0), (-2.0, 1.0), (0.3, 0.8)] {
            let edge = |from, weight| Edge { from, to: from + 1, map: LinearMap::from_rows(&[vec![weight]]) };
            let slope = SlopeInterval::new(lower, upper).expect("an interval");
            let system = IncrementSystem::new(1, vec![vec![slope]], 1, vec![edge(0, 3.0), edge(1, 2.0)]);
            let chain = Chain::new(&system.expect("valid")).expect("two slopes");
            let value = |rule: Rule| {
                let end = rule.eliminate(Forward::new(&chain, 1), &|| false).expect("feasible");
                end.expect("nothing stops it").value()
            };
            let exact = 6.0 * slope.magnitude();
            for rule in [Rule::Sn(1.0), Rule::Gc(1.0)] {
                let found = value(rule);
                assert!((found / exact - 1.0).abs() < 1e-14, "[{lower}, {upper}] {}: {found}", rule.label());
                for c in [0.8, 1.2] {
                    let other = value(rule.with_parameter(c));
                    assert!(other > exact * (1.0 + 1e-4), "[{lower}, {upper}] {c}: {other} for {exact}");
                }
            }
            // Without a rest, twice the diagonal: u* is then not the best, but nothing is at its limit.
            let shift = value(Rule::Shift(1.5));
            assert!(shift >= exact * (1.0 - 1e-14) && shift.is_finite(), "[{lower}, {upper}] {shift}");
        }
    }
}
