//! Ball arithmetic of any precision: real numbers enclosed as `mid ± rad`.
//!
//! Why not intervals of doubles: the radius of a layer's output is at least `Σ_j |w_ij| rad_j`, so it grows by the row
//! sums of `|W|`, a factor 5 per layer at width 50, while a witness is a difference of two nearly equal outputs. With
//! `p` bits the radius starts at `2^−p`, and `p` can be chosen as large as the depth needs.
//!
//! The proof obligations, and what they rest on:
//!
//! - A midpoint is a [`Dyadic`] `m · 2^e`. Sums, differences, products and comparisons of dyadics are *exact*, so only
//!   integer arithmetic is trusted.
//! - Rounding is ours: it drops low bits of `m`, which moves the value by less than the last bit kept.
//! - No rounding guarantee of a library's division or square root is used. A quotient or root is *any* dyadic near
//!   the true one, and its error is bounded afterwards from the exact residual:
//!
//!     `a/b − q = ((mid_a − q mid_b) + (a − mid_a) − q (b − mid_b)) / b`,  `|s − √a| = |s² − a| / (s + √a) ≤ |s² − a| / s`.
//!
//! - Radii are doubles, rounded up after every operation; a radius that overflows becomes infinite or NaN, which
//!   whoever reads the ball must refuse.

use crate::directed::{add_up, mul_up};
use dyadic::power_of_two;

mod activation;
pub(crate) mod dyadic;
mod elementary;
mod evaluation;

pub(crate) use dyadic::Dyadic;
pub(crate) use evaluation::evaluate;

/// Numbers below `2^TINY` become a radius, so that exponents cannot drift apart without limit.
const TINY: isize = -1000;
/// Numbers above `2^HUGE` get an infinite radius: soon no double can describe them.
const HUGE: isize = 1000;

/// All real numbers within `rad` of `mid`. A radius that is not finite encloses nothing useful.
#[derive(Debug, Clone)]
pub(crate) struct Ball {
    pub(crate) mid: Dyadic,
    pub(crate) rad: f64,
}

impl Ball {
    /// The ball of one number.
    pub(crate) fn point(mid: Dyadic) -> Self {
        Self { mid, rad: 0.0 }
    }

    /// The ball of one double.
    pub(crate) fn of(x: f64) -> Self {
        Self::point(Dyadic::of(x))
    }

    /// The same numbers, and all within `more` of them.
    fn widened(mut self, more: f64) -> Self {
        self.rad = add_up(self.rad, more);
        self
    }

    /// An upper bound of the absolute values in the ball.
    fn above(&self) -> f64 {
        add_up(self.mid.magnitude().1, self.rad)
    }

    /// `factor` times the ball, not rounded.
    pub(crate) fn scaled(&self, factor: f64) -> Self {
        Self { mid: &self.mid * &Dyadic::of(factor), rad: mul_up(factor.abs(), self.rad) }
    }

    /// The sum, not rounded.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self { mid: self.mid.clone() + &other.mid, rad: add_up(self.rad, other.rad) }
    }

    /// The difference, not rounded.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self { mid: self.mid.clone() - &other.mid, rad: add_up(self.rad, other.rad) }
    }
}

/// Arithmetic that keeps midpoints at a number of bits.
#[derive(Debug)]
pub(crate) struct Precision {
    bits: usize,
    /// `1 / √(2π)`, computed when GELU first asks for it.
    gaussian_factor: std::cell::OnceCell<Ball>,
}

impl Precision {
    /// Arithmetic with `bits` bits.
    pub(crate) fn new(bits: usize) -> Self {
        Self { bits, gaussian_factor: std::cell::OnceCell::new() }
    }

    /// Drops the bits of the midpoint beyond the precision.
    pub(crate) fn rounded(&self, ball: Ball) -> Ball {
        match ball.mid.binary_order() {
            Some(order) if order < TINY => Ball { mid: Dyadic::ZERO, rad: add_up(ball.rad, power_of_two(TINY)) },
            Some(order) if order > HUGE => Ball { mid: ball.mid, rad: f64::INFINITY },
            _ => {
                let (mid, lost) = ball.mid.truncated(self.bits);
                Ball { mid, rad: add_up(ball.rad, lost) }
            }
        }
    }

    /// `a · b`: `|ab − mid_a mid_b| ≤ |mid_a| rad_b + |b| rad_a`.
    fn product(&self, a: &Ball, b: &Ball) -> Ball {
        let rad = match (a.rad == 0.0, b.rad == 0.0) {
            (true, true) => 0.0,
            _ => add_up(mul_up(a.mid.magnitude().1, b.rad), mul_up(b.above(), a.rad)),
        };
        self.rounded(Ball { mid: &a.mid * &b.mid, rad })
    }

    /// `a / b`; the radius is infinite unless `b` is bounded away from zero.
    fn quotient(&self, a: &Ball, b: &Ball) -> Ball {
        let below = (b.mid.magnitude().0 - b.rad).next_down();
        let mid = a.mid.quotient_guess(&b.mid, self.bits);
        let residual = (a.mid.clone() - &(&mid * &b.mid)).magnitude().1;
        let error = add_up(add_up(residual, a.rad), mul_up(mid.magnitude().1, b.rad));
        let rad = match error {
            0.0 => 0.0,
            _ if below > 0.0 => (error / below).next_up(),
            _ => f64::INFINITY,
        };
        Ball { mid, rad }
    }

    /// `√a` for positive `a`; the radius is infinite if the guess is not positive.
    fn root(&self, a: &Ball) -> Ball {
        let mid = a.mid.root_guess(self.bits);
        let error = add_up(((&mid * &mid) - &a.mid).magnitude().1, a.rad);
        let below = if mid > Dyadic::ZERO { mid.magnitude().0 } else { 0.0 };
        let rad = if below > 0.0 { (error / below).next_up() } else { f64::INFINITY };
        Ball { mid, rad }
    }
}

/// Exact questions that tests ask.
#[cfg(test)]
impl Ball {
    /// Whether the ball contains `numerator / denominator`.
    pub(crate) fn contains(&self, numerator: &Dyadic, denominator: &Dyadic) -> bool {
        let distance = ((&self.mid * denominator) - numerator).abs();
        distance <= &Dyadic::of(self.rad) * &denominator.abs()
    }

    /// Whether two balls have a number in common, as two enclosures of one number must.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        (self.mid.clone() - &other.mid).abs() <= Dyadic::of(self.rad) + &Dyadic::of(other.rad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(ball: &Ball, numerator: f64, denominator: f64) -> bool {
        ball.contains(&Dyadic::of(numerator), &Dyadic::of(denominator))
    }

    #[test]
    fn rounding_flushes_tiny_numbers_into_the_radius_and_gives_up_on_huge_ones() {
        let precision = Precision::new(8);
        let rounded = precision.rounded(Ball::of(-257.0));
        assert!(contains(&rounded, -257.0, 1.0) && rounded.rad > 0.0);
        let flushed = precision.rounded(Ball::of(-1e-305));
        assert!(flushed.mid == Dyadic::ZERO && flushed.rad >= 1e-305);
        assert_eq!(precision.rounded(Ball::of(1e305)).rad, f64::INFINITY);
    }

    #[test]
    fn products_quotients_and_roots_enclose_the_exact_fraction() {
        let precision = Precision::new(100);
        for (a, b) in [(1.0, 3.0), (-22.0, 7.0), (5.0, -9.0), (1_000_003.0, 17.0)] {
            let fraction = precision.quotient(&Ball::of(a), &Ball::of(b));
            assert!(contains(&fraction, a, b) && fraction.rad < 1e-24, "{a}/{b}");
            let square = precision.product(&fraction, &fraction);
            assert!(contains(&square, a * a, b * b) && square.rad < 1e-18, "({a}/{b})²");
            let ratio = precision.quotient(&square, &fraction);
            assert!(contains(&ratio, a, b) && ratio.rad < 1e-18, "({a}/{b})²/({a}/{b})");
            let root = precision.root(&square);
            assert!(contains(&root, f64::abs(a), f64::abs(b)) && root.rad < 1e-18, "√({a}/{b})²");
        }
        assert_eq!(precision.quotient(&Ball::of(1.0), &Ball::of(0.0)).rad, f64::INFINITY);
        assert_eq!(precision.quotient(&Ball::of(1.0), &Ball::of(1.0).widened(1.5)).rad, f64::INFINITY);
        assert_eq!(precision.root(&Ball::of(0.0)).rad, f64::INFINITY);
    }

    #[test]
    fn results_of_wide_balls_contain_the_results_of_their_ends() {
        let precision = Precision::new(60);
        let (a, b) = (Ball::of(3.0).widened(0.5), Ball::of(-2.0).widened(0.25));
        for (x, y) in [(2.5, -1.75), (2.5, -2.25), (3.5, -1.75), (3.5, -2.25)] {
            assert!(contains(&precision.product(&a, &b), x * y, 1.0));
            assert!(contains(&a.plus(&b), x + y, 1.0) && contains(&a.minus(&b), x - y, 1.0));
            assert!(contains(&a.scaled(-3.0), -3.0 * x, 1.0) && contains(&precision.quotient(&a, &b), x, y));
        }
        let square = Ball::of(4.0).widened(0.5);
        assert!(contains(&precision.root(&square), f64::sqrt(3.5), 1.0 - 1e-15));
    }
}
