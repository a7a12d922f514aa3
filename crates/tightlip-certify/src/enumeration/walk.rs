//! The walk through the patterns of a chain, round by round; inside a round one slope changes at a time.

use std::ops::Range;

use faer::Mat;

use super::Counter;
use super::arm::{times_view, weighed};
use super::plan::{Fast, Measure, Plan, check_range};
use super::spectral::{absolute_sum, frobenius_up};
use super::state::{GramState, RowState, State};
use crate::Refusal;
use crate::directed::{UNDERFLOW, gamma, inflated};

/// A pattern counts as no better than the best where its norm is at most this much larger, relative.
const SLACK: f64 = 1e-10;

/// The steepest pattern so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Best {
    /// Its norm, rounded down.
    pub(super) lower: f64,
    /// `None` before the first that is better than what was known.
    pub(super) pattern: Option<u64>,
}

/// A walk with its buffers.
#[derive(Debug, Clone)]
pub(super) struct Walk<'p> {
    plan: &'p Plan,
    inner: Option<Inner<'p>>,
}

/// What changes inside.
#[derive(Debug, Clone)]
struct Inner<'p> {
    fast: &'p Fast,
    bounds: Bounds,
    /// Patterns of the layers after and before the fast one, for which `left` and `right` hold.
    outside: Option<(u64, u64)>,
    /// `L̂`: outputs by neurons.
    left: Mat<f64>,
    /// `R̂ᵀ`: inputs by neurons.
    right: Mat<f64>,
    state: State,
}

/// The errors of all patterns, see the head of `enumeration.rs`.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Of the norm of `L̂ Y R̂`.
    epsilon: f64,
    /// Of what is computed from it: squares for the spectral norm, the sum otherwise.
    delta: f64,
    measure: Measure,
}

/// What a part of the walk has found.
struct Record<'p> {
    plan: &'p Plan,
    /// None for a single pattern.
    bounds: Option<Bounds>,
    best: Best,
    /// The largest upper bound of the patterns that were evaluated.
    evaluated: f64,
    /// What a computed value must not exceed so that its pattern is no better than `best`.
    limit: f64,
}

impl<'p> Walk<'p> {
    /// Prepares the walk.
    ///
    /// # Errors
    /// [`Refusal::Range`] if numbers leave their range.
    pub(super) fn new(plan: &'p Plan) -> Result<Self, Refusal> {
        let inner = plan.fast().map(|fast| Inner::new(plan, fast)).transpose()?;
        Ok(Self { plan, inner })
    }

    /// Rounds of the whole walk.
    pub(super) fn rounds(&self) -> u64 {
        1 << (self.plan.bits() - self.inner_bits())
    }

    fn inner_bits(&self) -> usize {
        self.inner.as_ref().map_or(0, |inner| inner.fast.inner_bits)
    }

    /// What is known, or a pattern if that is better.
    ///
    /// # Errors
    /// [`Refusal::Range`] if numbers leave their range.
    pub(super) fn raised(&self, known: Best, pattern: u64) -> Result<Best, Refusal> {
        let lower = self.plan.evaluate(pattern)?.lower;
        Ok(if lower > known.lower { Best { lower, pattern: Some(pattern) } } else { known })
    }

    /// Goes through some rounds. Returns an upper bound of their patterns and of `(1 + 1e−10)` times what was known, and
    /// the steepest pattern.
    pub(super) fn part(
        &mut self,
        mut rounds: Range<u64>,
        known: Best,
        counter: &Counter<'_>,
    ) -> (Result<f64, Refusal>, Best) {
        let mut record = Record::new(self.plan, self.inner.as_ref().map(|inner| inner.bounds), known);
        let share = 1 << self.inner_bits();
        let result = rounds.try_for_each(|round| {
            self.round(round, &mut record)?;
            counter.add(share)
        });
        (result.map(|()| record.evaluated.max(record.theta())), record.best)
    }

    /// The patterns of one round, in Gray code.
    fn round(&mut self, round: u64, record: &mut Record<'_>) -> Result<(), Refusal> {
        let Some(inner) = &mut self.inner else { return record.enter(round) };
        let bits = inner.fast.inner_bits;
        inner.begin(self.plan, round << bits);
        for step in 0..1_u64 << bits {
            let gray = step ^ step >> 1;
            if step > 0 {
                let bit = step.trailing_zeros() as usize;
                inner.state.change(self.plan.neuron(bit), gray >> bit & 1 == 1);
            }
            if !inner.state.is_within(record.limit) {
                record.enter(round << bits | gray)?;
            }
        }
        Ok(())
    }
}

impl<'p> Record<'p> {
    /// Before the first pattern.
    fn new(plan: &'p Plan, bounds: Option<Bounds>, best: Best) -> Self {
        let mut record = Self { plan, bounds, best, evaluated: 0.0, limit: 0.0 };
        record.set_limit();
        record
    }

    /// `θ`: what is at most this is no better than the best.
    fn theta(&self) -> f64 {
        self.best.lower * (1.0 + SLACK)
    }

    /// The limit for the best so far.
    fn set_limit(&mut self) {
        self.limit = self.bounds.map_or(0.0, |bounds| bounds.limit(self.theta()));
    }

    /// Evaluates a pattern that may be better than the best.
    fn enter(&mut self, pattern: u64) -> Result<(), Refusal> {
        let between = self.plan.evaluate(pattern)?;
        self.evaluated = self.evaluated.max(between.upper);
        if between.lower > self.best.lower {
            self.best = Best { lower: between.lower, pattern: Some(pattern) };
            self.set_limit();
        }
        Ok(())
    }
}

impl Bounds {
    /// For all patterns of a plan.
    fn new(plan: &Plan, fast: &Fast) -> Result<Self, Refusal> {
        let slopes = plan.slopes();
        let (left, right) = (fast.left.reach(slopes), fast.right.reach(slopes));
        check_range(&left.size)?;
        check_range(&right.size)?;
        let magnitudes: Vec<f64> = slopes[fast.layer].iter().map(|slope| slope.magnitude()).collect();
        let n = magnitudes.len();
        let weights = weighed(&left.size, &magnitudes);
        let sizes = times_view(weights.as_ref(), right.size.transpose());
        let errors = times_view(weighed(&left.error, &magnitudes).as_ref(), right.size.transpose())
            + times_view(weights.as_ref(), right.error.transpose());
        check_range(&sizes)?;
        check_range(&weights)?;
        let measure = plan.measure();
        let (m, d) = (left.size.nrows(), right.size.nrows());
        let changes = 1_usize << fast.inner_bits;
        let rounding = gamma(3 * d + 2 * n + m + 4 * changes + 16);
        let (epsilon, size) = match measure {
            Measure::Spectral => (frobenius_up(&errors), frobenius_up(&sizes).powi(2)),
            Measure::Sum => (absolute_sum(&errors), absolute_sum(&sizes)),
        };
        // Entries of both are sums of n and 2 n products, summed up over all entries.
        let terms = 4 * n + m * d + 16;
        let delta = inflated(rounding * inflated(size, terms), terms) + UNDERFLOW;
        Ok(Self { epsilon: inflated(epsilon, terms), delta, measure })
    }

    /// What a computed value must not exceed so that the norm is at most `theta`; negative if nothing is good enough.
    fn limit(&self, theta: f64) -> f64 {
        /// For the roundings of these few operations.
        const BELOW: f64 = 1.0 - 4.0 * f64::EPSILON;
        let room = (theta - self.epsilon) * BELOW;
        let limit = match self.measure {
            _ if room <= 0.0 => return -1.0,
            Measure::Spectral => room * room * BELOW - self.delta,
            Measure::Sum => room - self.delta,
        };
        limit - limit.abs() * f64::EPSILON
    }
}

impl<'p> Inner<'p> {
    fn new(plan: &Plan, fast: &'p Fast) -> Result<Self, Refusal> {
        let bounds = Bounds::new(plan, fast)?;
        let n = plan.slopes()[fast.layer].len();
        let (m, d) = (fast.left.rows(), fast.right.rows());
        let state = match plan.measure() {
            Measure::Spectral => State::Gram(GramState::new(n, m)),
            Measure::Sum => State::Row(RowState::new(n, d)),
        };
        Ok(Self { fast, bounds, outside: None, left: Mat::zeros(m, n), right: Mat::zeros(d, n), state })
    }

    /// Computes everything anew for a pattern.
    fn begin(&mut self, plan: &Plan, pattern: u64) {
        let slopes = plan.slopes_of(pattern);
        let others = pattern >> self.fast.own_bits;
        let (after, before) = (others & ((1 << self.fast.after_bits) - 1), others >> self.fast.after_bits);
        if self.outside.is_none_or(|(_, known)| known != before) {
            self.right = self.fast.right.product(&slopes);
            self.state.turn_to(&self.right);
        }
        if self.outside.is_none_or(|(known, _)| known != after) {
            self.left = self.fast.left.product(&slopes);
            self.state.weigh_by(&self.left, &plan.slopes()[self.fast.layer]);
        }
        self.outside = Some((after, before));
        self.state.begin(&slopes[self.fast.layer]);
    }
}
