//! The gap between what is proved above and below the optimum of the relaxation, for methods that have vectors of it.

use tightlip_certify::relaxation_value;
use tightlip_model::RelaxationPoint;

use crate::Judge;
use crate::method::Problem;

/// The best safe lower bound of the relaxation so far.
#[derive(Debug, Default)]
pub(super) struct Gap {
    pub(super) lower: Option<f64>,
}

impl Gap {
    /// Evaluates a point of the relaxation safely.
    pub(super) fn bound_below(&mut self, problem: &Problem<'_>, point: &RelaxationPoint) {
        if let Ok(value) = relaxation_value(&problem.system, &problem.query, point) {
            self.lower = Some(self.lower.map_or(value, |lower| lower.max(value)));
        }
    }

    /// Whether what `judge` has proved is at most so far above, relative.
    pub(super) fn is_closed(&self, judge: &Judge<'_>, tolerance: f64) -> bool {
        let proved = judge.best().map(|best| best.bound.value());
        proved.zip(self.lower).is_some_and(|(upper, lower)| upper <= lower * (1.0 + tolerance))
    }
}
