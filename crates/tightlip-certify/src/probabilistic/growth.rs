//! How much the component along the eigenvector of a negative eigenvalue would have grown, from below.
//!
//! One start, one step: `d = α + σ − (β_{j−1}²/d_{j−1}) − φ/η` and `η ← η d / β`, everything rounded down (see the
//! module above). The recurrence does not depend on what is proved; the shift `σ` turns the proof of `μ ≥ 0` into that of
//! `μ ≥ −σ`, so the run that failed tells the margin that was missing.

/// The coefficients of one step of one start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// `α_j`.
    pub(super) alpha: f64,
    /// `β_j ≥ 0`.
    pub(super) beta: f64,
    /// `φ_j`: an upper bound of the length of the residual of the recurrence.
    pub(super) residual: f64,
}

/// Where the proof of one start stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Growth {
    /// The component is at least `floor`, and the next step loses `inherited = β_{j−1}²/d_{j−1}`.
    Growing { floor: f64, inherited: f64 },
    /// The component would exceed the vector: the proof has succeeded.
    Done,
    /// A negative direction has been found, or rounding hides the component: the proof will not succeed.
    Stuck,
}

impl Growth {
    /// One step with the shift `shift ≥ 0`; `reach` bounds the length of the vectors.
    fn advanced(self, step: &Step, shift: f64, reach: f64) -> Self {
        let Self::Growing { floor, inherited } = self else { return self };
        let lost = ((step.residual / floor).next_up() + inherited).next_up();
        let d = ((step.alpha + shift).next_down() - lost).next_down();
        let gain = (d * floor).next_down();
        // A NaN is stuck.
        if !(d > 0.0 && gain > 0.0) {
            return Self::Stuck;
        }
        if gain > (step.beta * reach).next_up() {
            return Self::Done;
        }
        // Here β ≥ gain / reach > 0.
        let floor = (gain / step.beta).next_down();
        Self::Growing { floor, inherited: (step.beta * (step.beta / d).next_up()).next_up() }
    }
}

/// The proofs of all starts, with the coefficients so far.
#[derive(Debug, Clone)]
pub(super) struct Growths {
    first: Vec<f64>,
    reach: f64,
    now: Vec<Growth>,
    history: Vec<Vec<Step>>,
    /// The shortfall when last asked whether it has settled.
    last: f64,
}

impl Growths {
    /// The starts have components of at least `first`; no vector is longer than `reach`.
    pub(super) fn new(first: Vec<f64>, reach: f64) -> Self {
        let now = first.iter().map(|&floor| beginning(floor)).collect();
        Self { first, reach, now, history: Vec::new(), last: f64::INFINITY }
    }

    /// One step of every start.
    pub(super) fn advance(&mut self, steps: &[Step]) {
        for (growth, step) in self.now.iter_mut().zip(steps) {
            *growth = growth.advanced(step, 0.0, self.reach);
        }
        self.history.push(steps.to_vec());
    }

    /// Whether every start has succeeded.
    pub(super) fn all_done(&self) -> bool {
        self.now.iter().all(|growth| *growth == Growth::Done)
    }

    /// Whether some start cannot succeed any more.
    pub(super) fn hopeless(&self) -> bool {
        self.now.contains(&Growth::Stuck)
    }

    /// Steps so far.
    pub(super) fn steps(&self) -> usize {
        self.history.len()
    }

    /// Whether the shortfall is hardly smaller than when last asked. Where the margin is due to too few steps alone,
    /// twice as many divide it by four.
    pub(super) fn settled(&mut self) -> bool {
        const SETTLED: f64 = 0.98;
        let now = self.shortfall();
        let settled = now > SETTLED * self.last;
        self.last = now;
        settled
    }

    /// The smallest shift `σ` (within a thousandth) with which these steps would have been enough.
    pub(super) fn shortfall(&self) -> f64 {
        (0..self.first.len()).map(|start| self.shortfall_of(start)).fold(0.0, f64::max)
    }

    /// The same for one start, by bisection of the logarithm.
    fn shortfall_of(&self, start: usize) -> f64 {
        /// Below any margin that can be asked for.
        const SMALLEST: f64 = 1e-16;
        /// Above any: the scaled matrix has a unit diagonal.
        const LARGEST: f64 = 1e16;
        const PRECISION: f64 = 1.001;
        let (mut low, mut high) = (SMALLEST, LARGEST);
        if !self.succeeds(start, high) {
            return f64::INFINITY;
        }
        while high > PRECISION * low {
            let middle = (low * high).sqrt();
            if self.succeeds(start, middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// Whether the steps of this start prove `μ ≥ −shift`.
    fn succeeds(&self, start: usize, shift: f64) -> bool {
        let mut growth = beginning(self.first[start]);
        for steps in &self.history {
            growth = growth.advanced(&steps[start], shift, self.reach);
        }
        growth == Growth::Done
    }
}

/// The state before the first step.
fn beginning(floor: f64) -> Growth {
    if floor > 0.0 { Growth::Growing { floor, inherited: 0.0 } } else { Growth::Stuck }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recurrence of `[[a, b], [b, c]]` started at the first unit vector: it ends exactly after two steps.
    fn two_by_two(a: f64, b: f64, c: f64, residual: f64) -> [Step; 2] {
        [Step { alpha: a, beta: b, residual }, Step { alpha: c, beta: 0.0, residual }]
    }

    fn outcome(steps: &[Step], first: f64) -> Growths {
        let mut growths = Growths::new(vec![first], 1.0);
        for step in steps {
            growths.advance(&[*step]);
        }
        growths
    }

    #[test]
    fn an_invariant_subspace_decides_by_the_sign_of_the_determinant() {
        assert!(outcome(&two_by_two(2.0, 1.0, 0.501, 0.0), 0.1).all_done());
        assert!(outcome(&two_by_two(2.0, 1.0, 0.499, 0.0), 0.1).hopeless());
        assert!(outcome(&two_by_two(-1e-9, 1.0, 5.0, 0.0), 0.1).hopeless());
    }

    #[test]
    fn a_residual_counts_relative_to_the_component() {
        // The determinant leaves 0.001 for the second pivot; the first vector has the component 0.1, the next 0.2.
        assert!(outcome(&two_by_two(2.0, 1.0, 0.501, 1e-5), 0.1).all_done());
        assert!(outcome(&two_by_two(2.0, 1.0, 0.501, 2e-3), 0.1).hopeless());
        assert!(outcome(&two_by_two(2.0, 1.0, 0.501, 1e-5), 1e-4).hopeless());
    }

    #[test]
    fn the_shortfall_is_the_distance_to_positive_semidefinite() {
        // Eigenvalues of [[2, 1], [1, 0]]: 1 ± √2.
        let growths = outcome(&two_by_two(2.0, 1.0, 0.0, 0.0), 0.1);
        let wanted = std::f64::consts::SQRT_2 - 1.0;
        assert!((growths.shortfall() / wanted - 1.0).abs() < 2e-3, "{}", growths.shortfall());
    }

    #[test]
    fn success_needs_growth_beyond_the_vector_and_nan_never_succeeds() {
        // α = 3, β = 1: the component grows by 3, 3 − 1/3, …
        let step = Step { alpha: 3.0, beta: 1.0, residual: 0.0 };
        assert!(!outcome(&[step], 0.3).all_done() && outcome(&[step], 0.34).all_done());
        assert!(outcome(&[Step { alpha: f64::NAN, ..step }], 0.9).hopeless());
        assert!(outcome(&[Step { residual: f64::NAN, ..step }], 0.9).hopeless());
        assert!(outcome(&[step], f64::NAN).hopeless());
    }
}
