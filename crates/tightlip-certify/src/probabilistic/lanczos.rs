//! The Lanczos recurrence from several independent starts at once, without reorthogonalisation, and an upper bound of
//! what rounding leaves of it.
//!
//! One step computes `w = A v_j`, any numbers `α_j`, `β_j`, and `v_{j+1} = (w − α_j v_j − β_{j−1} v_{j−1}) / β_j`. The
//! residual `f_j = A v_j − β_{j−1} v_{j−1} − α_j v_j − β_j v_{j+1}` consists of the error of the product, at most
//! `γ_m ‖|A|‖₂ ‖v_j‖`, and of four roundings of each term.

use faer::Mat;
use rand_chacha::ChaCha20Rng;
use rand_distr::{Distribution, StandardNormal};

use super::growth::Step;
use super::operator::Operator;
use crate::Refusal;
use crate::directed::{UNIT, gamma, inflated};

/// The state of the recurrence: one column for each start.
#[derive(Debug)]
pub(super) struct Lanczos<'a> {
    operator: &'a Operator<'a>,
    previous: Mat<f64>,
    current: Mat<f64>,
    /// `β_{j−1}` of each start.
    betas: Vec<f64>,
    /// Lengths of the Gaussian vectors.
    lengths: Vec<f64>,
    /// `ν`: no vector is longer.
    reach: f64,
    /// Bounds `‖A v‖` for every vector `v` of the recurrence.
    norm: f64,
    /// Bounds the error of computing it.
    product_error: f64,
}

/// Shorter remainders count as zero: their squares could underflow.
const SMALLEST_BETA: f64 = 1e-120;
/// Covers remainders that count as zero, and underflows (see `Operator::rounding`).
const FLOOR: f64 = 1e-110;
/// How far a number drawn may be from a normal deviate: the tables (up to 4) and the uniform numbers of the ziggurat
/// have 52 bits.
const DRAWN: f64 = 1.0 / (1_u64 << 44) as f64;

impl<'a> Lanczos<'a> {
    /// Gaussian vectors on the live signals.
    ///
    /// # Errors
    /// [`Refusal::Range`] if the operator leaves the range of floating point.
    pub(super) fn start(
        operator: &'a Operator<'a>,
        starts: usize,
        generator: &mut ChaCha20Rng,
    ) -> Result<Self, Refusal> {
        let n = operator.order();
        let mut current = Mat::zeros(n, starts);
        let mut lengths = Vec::with_capacity(starts);
        for c in 0..starts {
            let column = current.col_as_slice_mut(c);
            for (i, entry) in column.iter_mut().enumerate() {
                let deviate: f64 = StandardNormal.sample(generator);
                *entry = if operator.is_live(i) { deviate } else { 0.0 };
            }
            let length = length(column);
            for entry in column.iter_mut() {
                *entry /= length;
            }
            lengths.push(length);
        }
        let reach = 1.0 + 2.0 * gamma(n + 8);
        let (norm, roundings) = operator.rounding()?;
        let norm = inflated(norm * reach, 2);
        Ok(Self {
            operator,
            previous: Mat::zeros(n, starts),
            current,
            betas: vec![0.0; starts],
            lengths,
            reach,
            norm,
            product_error: inflated(gamma(roundings) * norm, 2),
        })
    }

    /// Lower bounds of the components of the first vectors, for Gaussian vectors with the component `smallest`.
    pub(super) fn first_components(&self, smallest: f64) -> Vec<f64> {
        let n = self.operator.order();
        let drawn = smallest - DRAWN * (n as f64).sqrt();
        // The computed length is off by γ_{n+2}, each quotient by one rounding of an entry of at most one.
        self.lengths.iter().map(|length| drawn / length * (1.0 - gamma(n + 8)) - DRAWN).collect()
    }

    /// No vector of the recurrence is longer.
    pub(super) fn reach(&self) -> f64 {
        self.reach
    }

    /// One step of every start.
    pub(super) fn step(&mut self) -> Vec<Step> {
        let mut next = self.operator.apply(self.current.as_ref());
        let mut steps = Vec::with_capacity(self.betas.len());
        for (c, before) in self.betas.iter_mut().enumerate() {
            let w = next.col_as_slice_mut(c);
            let (v, last) = (self.current.col_as_slice(c), self.previous.col_as_slice(c));
            w.iter_mut().zip(last).for_each(|(w, last)| *w -= *before * last);
            let alpha: f64 = w.iter().zip(v).map(|(w, v)| w * v).sum();
            w.iter_mut().zip(v).for_each(|(w, v)| *w -= alpha * v);
            let length = length(w);
            // A NaN stays one and is refused later.
            let beta = if length < SMALLEST_BETA { 0.0 } else { length };
            for w in w.iter_mut() {
                *w = if beta == 0.0 { 0.0 } else { *w / beta };
            }
            let terms = 2.0 * self.norm + alpha.abs() + *before + beta;
            let residual = inflated(self.product_error + 8.0 * UNIT * terms * self.reach, 8) + FLOOR;
            steps.push(Step { alpha, beta, residual });
            *before = beta;
        }
        self.previous = std::mem::replace(&mut self.current, next);
        steps
    }
}

/// The Euclidean length.
fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::probabilistic::tests::{residual_block, strictly_feasible};

    #[test]
    fn the_recurrence_holds_up_to_its_residual() {
        let system = residual_block();
        let (live, multipliers) = strictly_feasible(&system);
        let operator = Operator::new(&system, &live, &multipliers).expect("in range");
        let dense = operator.apply(Mat::identity(operator.order(), operator.order()).as_ref());
        let mut generator = ChaCha20Rng::seed_from_u64(5);
        let mut lanczos = Lanczos::start(&operator, 3, &mut generator).expect("in range");
        for _ in 0..4 {
            let before = (lanczos.previous.clone(), lanczos.betas.clone());
            let v = lanczos.current.clone();
            let product = &dense * &v;
            for (c, step) in lanczos.step().iter().enumerate() {
                let next = lanczos.current.col(c) * faer::Scale(step.beta);
                let old = before.0.col(c) * faer::Scale(before.1[c]) + v.col(c) * faer::Scale(step.alpha);
                let residual = (product.col(c) - old - next).norm_l2();
                assert!(residual <= step.residual && step.residual < 1e-12, "{residual:e} {step:?}");
                assert!(v.col(c).norm_l2() <= lanczos.reach());
            }
        }
    }

    #[test]
    fn a_component_of_a_start_is_small_as_often_as_its_distribution_says() {
        let system = residual_block();
        let (live, multipliers) = strictly_feasible(&system);
        let operator = Operator::new(&system, &live, &multipliers).expect("in range");
        let mut generator = ChaCha20Rng::seed_from_u64(6);
        let lanczos = Lanczos::start(&operator, 4000, &mut generator).expect("in range");
        // P(|N| < 0.3) = 0.2358 for a normal number; the bound 0.3 √(2/π) is 0.2394. One standard deviation is 0.007.
        let first = lanczos.first_components(0.3);
        // The third and fourth coordinates are inputs and neurons that live, the mean of both is a unit vector times √½.
        let component = |c: usize| (lanczos.current[(2, c)] + lanczos.current[(3, c)]) * 0.5_f64.sqrt();
        let small = (0..4000).filter(|&c| component(c).abs() < first[c]).count();
        assert!((small as f64 / 4000.0 - 0.2358).abs() < 0.021, "{small} of 4000");
    }
}
