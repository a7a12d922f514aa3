//! Enclosures of `e^{−y}`, `ln(1 + t)`, the normal distribution and `1/√(2π)`.
//!
//! Each is a finite formula in ball arithmetic plus a remainder that is proved here:
//!
//! - `e^{−y} = (e^{−z})^{2^s}`, `z = y 2^{−s} ≤ 2^{−8}`. The Taylor series of `e^{−z}` alternates with decreasing terms,
//!   so what follows the first `K` terms is at most `z^K / K! ≤ 2^{−8K} / K!`.
//! - `ln(1 + t) = y + ln(1 + r)`, `1 + r = (1 + t) e^{−y}` for a guess `y`, with `|r| ≤ 2^{−40}`. What follows the
//!   first `K − 1` terms of `ln(1 + r) = r − r²/2 + …` is at most `|r|^K / (K (1 − |r|)) ≤ 2^{1−40K}`.
//! - `Φ(a) = ½ + pdf(a) Σ_k a^{2k+1} / (1·3·…·(2k+1))` for `a ≥ 0`, all terms positive. The ratio of neighbours is
//!   `a² / (2k+3)`; once it is at most ½, all that follows is at most the last term.
//!   Far out, `1 − Φ(a) ≤ ½ e^{−a²/2}`.
//! - `π = 16 arctan(1/5) − 4 arctan(1/239)` (Machin); the series alternate, so the remainder is at most the next term.

use super::dyadic::power_of_two;
use super::{Ball, Dyadic, Precision};
use crate::directed::{add_up, mul_up};

/// `e^{−z}` is summed for `z ≤ 2^{−REDUCTION}`: about as many squarings as terms at 160 bits.
const REDUCTION: isize = 8;
/// A double is a good enough guess of a logarithm for a remainder `|r| ≤ 2^{−GUESS_BITS}`.
const GUESS_BITS: usize = 40;

impl Precision {
    /// The radius `2^{−bits}` that counts as nothing.
    pub(super) fn negligible(&self) -> f64 {
        power_of_two(-self.bits.cast_signed())
    }

    /// `a / k`.
    fn over(&self, a: &Ball, k: u64) -> Ball {
        self.quotient(a, &Ball::point(Dyadic::integer(k)))
    }

    /// `e^{−y}` for `y ≥ 0`.
    pub(super) fn exp_negative(&self, y: &Dyadic) -> Ball {
        if *y > Dyadic::integer(self.bits as u64) {
            // e^{−y} < 2^{−y} < 2^{−bits}.
            return Ball::point(Dyadic::ZERO).widened(self.negligible());
        }
        let squarings = y.binary_order().map_or(0, |order| (order + REDUCTION).max(0));
        let z = self.rounded(Ball::point(y.clone() >> squarings));
        let terms = exponential_terms(self.bits);
        // Horner with the denominator (K − 1)!: n ← (K−1)!/(k−1)! − z n, so that one division is enough.
        let mut denominator = Dyadic::ONE;
        let mut sum = Ball::of(1.0);
        for k in (1..terms).rev() {
            denominator = &denominator * &Dyadic::integer(k);
            sum = self.rounded(Ball::point(denominator.clone()).minus(&self.product(&z, &sum)));
        }
        let mut power = self.quotient(&sum, &Ball::point(denominator)).widened(self.negligible());
        for _ in 0..squarings {
            power = self.product(&power, &power);
        }
        power
    }

    /// `ln(1 + t)` for a number in [0, 1] that the ball encloses.
    pub(super) fn ln_1p(&self, t: &Ball) -> Ball {
        let guess = Dyadic::of(t.mid.double_guess().clamp(0.0, 1.0).ln_1p());
        let one = Ball::of(1.0);
        let r = self.product(&one.plus(t), &self.exp_negative(&guess)).minus(&one);
        if r.above() > power_of_two(-GUESS_BITS.cast_signed()) || r.rad.is_nan() {
            // A wide `t`: 0 ≤ ln(1 + t) ≤ t ≤ 1 is all that is claimed.
            return Ball::of(0.5).widened(0.5);
        }
        // ln(1 + r) = r (1 − r (1/2 − r (1/3 − …))).
        let terms = self.bits / GUESS_BITS + 2;
        let mut sum = Ball::of(0.0);
        for k in (1..terms as u64).rev() {
            sum = self.over(&one, k).minus(&self.product(&r, &sum));
        }
        self.rounded(Ball::point(guess).plus(&self.product(&r, &sum)).widened(self.negligible()))
    }

    /// `a Φ(a)` for `a ≥ 0` with the normal distribution function Φ.
    pub(super) fn normal_mean(&self, a: &Dyadic) -> Ball {
        let point = Ball::point(a.clone());
        let square = a * a;
        if square > Dyadic::integer(2 * self.bits as u64) {
            // a (1 − Φ(a)) ≤ a e^{−a²/2} < a 2^{−bits}.
            return self.rounded(point.clone()).widened(mul_up(point.above(), self.negligible()));
        }
        let factor = self.gaussian_factor.get_or_init(|| self.inverse_root_two_pi());
        let density = self.product(factor, &self.exp_negative(&(square.clone() >> 1)));
        let distribution = Ball::of(0.5).plus(&self.product(&density, &self.odd_factorial_series(a, &square)));
        self.product(&point, &distribution)
    }

    /// `Σ_k a^{2k+1} / (1·3·…·(2k+1))` for `a ≥ 0`.
    fn odd_factorial_series(&self, a: &Dyadic, square: &Dyadic) -> Ball {
        let ratio = self.rounded(Ball::point(square.clone()));
        let mut term = Ball::point(a.clone());
        let mut sum = term.clone();
        let mut odd = 1;
        loop {
            odd += 2;
            term = self.over(&self.product(&term, &ratio), odd);
            sum = self.rounded(sum.plus(&term));
            if Dyadic::integer(odd) > square.clone() << 1 && term.mid.magnitude().1 <= self.negligible() {
                return sum.widened(term.above());
            }
        }
    }

    /// `1 / √(2π)`.
    fn inverse_root_two_pi(&self) -> Ball {
        let two_pi = self.arctan_inverse(5).scaled(32.0).minus(&self.arctan_inverse(239).scaled(8.0));
        self.quotient(&Ball::of(1.0), &self.root(&two_pi))
    }

    /// `arctan(1/n) = Σ_k (−1)^k / ((2k+1) n^{2k+1})` for `n ≥ 2`.
    fn arctan_inverse(&self, n: u64) -> Ball {
        let mut power = self.over(&Ball::of(1.0), n);
        let mut sum = Ball::of(0.0);
        for k in 0u64.. {
            let term = self.over(&power, 2 * k + 1);
            if term.mid.magnitude().1 <= self.negligible() {
                return sum.widened(term.above());
            }
            sum = if k % 2 == 0 { sum.plus(&term) } else { sum.minus(&term) };
            power = self.over(&power, n * n);
        }
        unreachable!("the terms shrink by a factor of at least 4")
    }
}

/// The smallest `K` that `2^{−8K} / K! ≤ 2^{−bits}` is known for, from `K! ≥ Π 2^{⌊log₂ k⌋}`.
fn exponential_terms(bits: usize) -> u64 {
    let mut gained = 0;
    let mut terms = 0u64;
    while gained < bits {
        terms += 1;
        gained += REDUCTION as usize + terms.ilog2() as usize;
    }
    terms
}

/// Radius of a ball carried through a function with Lipschitz constant `slope`.
pub(super) fn carried(at_mid: Ball, slope: f64, rad: f64) -> Ball {
    let rad = add_up(at_mid.rad, mul_up(slope, rad));
    Ball { mid: at_mid.mid, rad }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both balls hold the same number, and the coarse one has lost at most 30 of its bits.
    fn assert_consistent(coarse: &Ball, fine: &Ball, bits: usize, what: &str) {
        assert!(coarse.meets(fine), "{what}");
        let allowed = coarse.above().max(1.0) * power_of_two(30 - bits.cast_signed());
        assert!(coarse.rad <= allowed, "{what}: radius {}", coarse.rad);
    }

    /// Whether the ball holds the number printed as `0.…`, give or take one in its last digit.
    fn holds(ball: &Ball, whole: u64, decimals: &str) -> bool {
        let ten = Dyadic::integer(10);
        let start = (Dyadic::integer(whole), Dyadic::ONE);
        let (numerator, denominator) = decimals
            .bytes()
            .fold(start, |(n, d), digit| ((&n * &ten) + &Dyadic::integer(u64::from(digit - b'0')), &d * &ten));
        let unit = decimals.bytes().fold(1.0, |unit, _| unit / 10.0);
        ball.clone().widened(unit).contains(&numerator, &denominator)
    }

    #[test]
    fn constants_agree_with_printed_digits() {
        let precision = Precision::new(160);
        let pi = precision.arctan_inverse(5).scaled(16.0).minus(&precision.arctan_inverse(239).scaled(4.0));
        assert!(
            pi.rad < 1e-45 && holds(&pi, 3, "14159265358979323846264338327950288419716939937510582097494459230781")
        );
        let factor = precision.inverse_root_two_pi();
        assert!(factor.rad < 1e-45);
        assert!(holds(&factor, 0, "39894228040143267793994605993438186847585863116493465766592582967066"));
        let inverse_e = precision.exp_negative(&Dyadic::ONE);
        assert!(inverse_e.rad < 1e-43);
        assert!(holds(&inverse_e, 0, "36787944117144232159552377016146086744581113103176783450783680169746"));
        let ln_two = precision.ln_1p(&Ball::of(1.0));
        assert!(ln_two.rad < 1e-43);
        assert!(holds(&ln_two, 0, "69314718055994530941723212145817656807550013436025525412068000949339"));
        let at_one = precision.normal_mean(&Dyadic::ONE);
        assert!(at_one.rad < 1e-43 && (at_one.mid.double_guess() - 0.841_344_746_068_542_9).abs() < 2e-16);
    }

    #[test]
    fn two_precisions_enclose_the_same_number() {
        for bits in [64, 128, 300] {
            let (coarse, fine) = (Precision::new(bits), Precision::new(2 * bits));
            for x in [0.0, 1e-30, 0.003, 0.7, 1.0, 5.5, 19.0, 63.0] {
                let y = Dyadic::of(x);
                let what = |name: &str| format!("{name} at {x} with {bits} bits");
                assert_consistent(&coarse.exp_negative(&y), &fine.exp_negative(&y), bits, &what("exp"));
                assert_consistent(&coarse.normal_mean(&y), &fine.normal_mean(&y), bits, &what("x Φ(x)"));
                let t = Ball::of(x / 63.0);
                assert_consistent(&coarse.ln_1p(&t), &fine.ln_1p(&t), bits, &what("ln"));
            }
        }
    }

    #[test]
    fn the_exponential_turns_sums_into_products_and_the_logarithm_inverts_it() {
        let precision = Precision::new(128);
        for (a, b) in [(0.1, 0.2), (1.5, 3.25), (0.0, 7.0), (20.0, 30.0)] {
            let product =
                precision.product(&precision.exp_negative(&Dyadic::of(a)), &precision.exp_negative(&Dyadic::of(b)));
            let direct = precision.exp_negative(&(Dyadic::of(a) + &Dyadic::of(b)));
            assert!(product.meets(&direct), "{a} + {b}");
            // 1 + t = 2 − e^{−a}; then e^{−ln(1 + t)} (1 + t) = 1, up to the radius of the logarithm.
            let t = Ball::of(1.0).minus(&precision.exp_negative(&Dyadic::of(a)));
            let logarithm = precision.ln_1p(&t);
            let back = carried(precision.exp_negative(&logarithm.mid), 1.0, logarithm.rad);
            let one = precision.product(&back, &Ball::of(1.0).plus(&t));
            assert!(one.meets(&Ball::of(1.0)) && one.rad < 1e-30, "{a}");
        }
    }

    #[test]
    fn a_wide_argument_of_the_logarithm_gives_a_wide_but_true_answer() {
        let ball = Precision::new(128).ln_1p(&Ball::of(0.5).widened(0.5));
        assert!(ball.mid == Dyadic::of(0.5) && ball.rad >= 0.5);
    }
}
