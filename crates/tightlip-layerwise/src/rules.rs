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
//! feasible for `0 < c < 2` whatever the slopes, the best in the worst case at `c = 1`, the limit of feasibility at `c = 2`.
//!
//! | rule | `D` | `c` |
//! |---|---|---|
//! | SN | `σ_max(Γ) I` | `0 < c < 2`; `c = 1` is ECLipsE-Fast (Xu and Sivaranjani 2024) |
//! | GC | row sums of `|Γ|`, by Gershgorin's circles | `0 < c < 2` |
//! | Shift | `Diag(Γ) + c σ_max(Γ − Diag(Γ)) I`, more than `Γ` for `c > 1` | with `u` at its limit; the published `1/λ = T + c σ_max(Γ/2 − T)`, `T = Diag(Γ/2)` |

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
    let width = slope.upper() - slope.lower();
    let best = 1.0 / (slope.magnitude() * width);
    if c <= 1.0 { c * best } else { best + (c - 1.0) * (LIMIT / (width * width) - best) }
}

/// Row sums of magnitudes.
fn row_sums(gamma: &Mat<f64>) -> Vec<f64> {
    // Symmetric: columns are contiguous.
    gamma.col_iter().map(|column| column.iter().map(|entry| entry.abs()).sum()).collect()
}

/// `Diag(Γ) + c σ_max(Γ − Diag(Γ)) I`.
fn shifted_diagonal(mut gamma: Mat<f64>, c: f64) -> Vec<f64> {
    let diagonal: Vec<f64> = (0..gamma.nrows()).map(|i| std::mem::replace(&mut gamma[(i, i)], 0.0)).collect();
    let rest = c * spectral_norm(gamma.as_ref());
    diagonal.iter().map(|d| d + rest).collect()
}
