//! Where an iterate stands.
//!
//! With the residual `r = c − A(X) − x` and `Z = F(y) + shift I`, exactly
//!
//!   `cᵀy − (−⟨F₀, X⟩) = ⟨X, Z⟩ + xᵀy − shift tr X + rᵀy`:
//!
//! the three parts on the right are the gap and the two infeasibilities, all in the unit of the objective, which may be
//! many decades below the weights of a deep network.

use crate::Progress;

/// An iterate in numbers.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    /// `c − A(X) − x`.
    pub residual: Vec<f64>,
    /// `⟨X, Z⟩ + xᵀy`.
    pub gap: f64,
    /// `cᵀy`.
    pub objective: f64,
    /// `−⟨F₀, X⟩`.
    pub lower_objective: f64,
    /// `Σ |r_v y_v|`.
    pub primal_error: f64,
    /// `shift tr X`.
    pub dual_error: f64,
}

impl Measure {
    /// `|number|` relative to the objective.
    fn relative(&self, number: f64) -> f64 {
        number.abs() / self.objective.abs().max(f64::MIN_POSITIVE)
    }

    /// The gap relative to the objective: the larger of the two ways to compute it.
    pub(crate) fn relative_gap(&self) -> f64 {
        self.relative(self.gap.abs().max((self.objective - self.lower_objective).abs()))
    }

    /// The primal infeasibility relative to the objective.
    pub(crate) fn primal_infeasibility(&self) -> f64 {
        self.relative(self.primal_error)
    }

    /// The dual infeasibility relative to the objective.
    pub(crate) fn dual_infeasibility(&self) -> f64 {
        self.relative(self.dual_error)
    }

    /// Gap and infeasibilities in the unit of the objective: what falls from iterate to iterate.
    pub(crate) fn error(&self) -> f64 {
        self.gap.abs() + self.primal_error + self.dual_error.abs()
    }

    /// The largest of the three.
    pub(crate) fn merit(&self) -> f64 {
        self.relative_gap().max(self.primal_infeasibility()).max(self.dual_infeasibility())
    }

    /// As shown to observers.
    pub(crate) fn progress(&self, iteration: u32) -> Progress {
        Progress {
            iteration,
            objective: self.objective,
            lower_objective: self.lower_objective,
            relative_gap: self.relative_gap(),
            primal_infeasibility: self.primal_infeasibility(),
            dual_infeasibility: self.dual_infeasibility(),
        }
    }
}
