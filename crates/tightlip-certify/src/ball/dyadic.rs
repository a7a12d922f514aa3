//! Numbers `m · 2^e` with integers `m`, `e` of any size, on which +, −, × and comparison are exact.
//!
//! The numbers are dashu's floats in unlimited precision. The trap this type closes: there, an operator takes the
//! *larger* of the two precisions and unlimited counts as 0, so one operand made from an integer (whose precision is
//! its own length) would silently round the result to a few bits. Here every value is made unlimited on entry, and
//! nothing rounds but [`Dyadic::truncated`] and what says so. Of dashu only integer arithmetic is trusted.

use std::ops::{Add, AddAssign, Mul, Neg, Shl, Shr, Sub};

use dashu_base::{Abs, Approximation, BitTest};
use dashu_float::{Context, FBig, round::mode::Zero};

/// Bits read off a number for bounds of its magnitude; one less than a double holds, so that adding 1 is exact.
const MAGNITUDE_BITS: usize = 52;
/// Exponents of the doubles: the smallest, the smallest normal one, the largest.
const DOUBLE_EXPONENTS: [isize; 3] = [-1074, -1022, 1023];

/// A number `m · 2^e`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dyadic(FBig<Zero, 2>);

impl Dyadic {
    /// 0.
    pub(crate) const ZERO: Self = Self(FBig::ZERO);
    /// 1.
    pub(crate) const ONE: Self = Self(FBig::ONE);

    /// The exact value of a finite double.
    ///
    /// # Panics
    /// If `x` is not finite.
    pub(crate) fn of(x: f64) -> Self {
        assert!(x.is_finite(), "only finite numbers have a dyadic value");
        Self::unlimited(FBig::try_from(x).expect("a finite double is m · 2^e"))
    }

    /// The exact value of an integer.
    pub(crate) fn integer(k: u64) -> Self {
        Self::unlimited(FBig::from(k))
    }

    /// The same value, on which operators are exact.
    fn unlimited(x: FBig<Zero, 2>) -> Self {
        Self(FBig::from_repr(x.into_repr(), Context::new(0)))
    }

    /// A guess, 0 in place of the infinity that dashu returns for a division by zero.
    fn finite(guess: FBig<Zero, 2>) -> Self {
        if guess.repr().is_finite() { Self::unlimited(guess) } else { Self::ZERO }
    }

    /// Some number near `self / divisor`, meant to be correct to about `bits` bits, but nothing is promised.
    pub(crate) fn quotient_guess(&self, divisor: &Self, bits: usize) -> Self {
        let guess = Context::<Zero>::new(bits).div(self.0.repr(), divisor.0.repr());
        Self::finite(guess.map_or(FBig::ZERO, Approximation::value))
    }

    /// Some number near `√self`, meant to be correct to about `bits` bits, but nothing is promised.
    pub(crate) fn root_guess(&self, bits: usize) -> Self {
        let guess = Context::<Zero>::new(bits).sqrt(self.0.repr());
        Self::finite(guess.map_or(FBig::ZERO, Approximation::value))
    }

    /// Some double near the number, meant to be the next one towards zero, but nothing is promised.
    pub(crate) fn double_guess(&self) -> f64 {
        self.0.to_f64().value()
    }

    /// The absolute value.
    pub(crate) fn abs(&self) -> Self {
        Self(self.0.clone().abs())
    }

    /// `k` with `2^{k−1} ≤ |x| < 2^k`; `None` for 0.
    pub(crate) fn binary_order(&self) -> Option<isize> {
        let repr = self.0.repr();
        match repr.significand().bit_len() {
            0 => None,
            length => Some(repr.exponent().saturating_add(length.cast_signed())),
        }
    }

    /// At most `bits` leading bits of the number, and a bound of what was dropped.
    pub(crate) fn truncated(self, bits: usize) -> (Self, f64) {
        let (m, e) = self.0.into_repr().into_parts();
        let drop = m.bit_len().saturating_sub(bits);
        if drop == 0 {
            return (Self::unlimited(FBig::from_parts(m, e)), 0.0);
        }
        let unit = e + drop.cast_signed();
        // The shift rounds down: what it drops is between 0 and one unit.
        (Self::unlimited(FBig::from_parts(m >> drop, unit)), power_of_two(unit))
    }

    /// Doubles `(below, above)` with `below ≤ |x| ≤ above`; they are equal if `x` has at most 52 bits and lies in the
    /// range of doubles.
    pub(crate) fn magnitude(&self) -> (f64, f64) {
        let (m, e) = self.abs().0.into_repr().into_parts();
        let drop = m.bit_len().saturating_sub(MAGNITUDE_BITS);
        let top = u64::try_from(m >> drop).expect("52 bits fit into 64") as f64;
        let unit = e + drop.cast_signed();
        let scale = power_of_two(unit);
        // Both products are exact, integers below 2^53 times a power of two, unless `scale` is only an upper bound.
        let in_range = DOUBLE_EXPONENTS[0] <= unit && (top * scale).is_finite();
        let next = if drop == 0 { top } else { top + 1.0 };
        (if in_range { top * scale } else { 0.0 }, if next == 0.0 { 0.0 } else { next * scale })
    }
}

/// An upper bound of `2^e`, exact in the range of doubles.
pub(crate) fn power_of_two(e: isize) -> f64 {
    let [smallest, smallest_normal, largest] = DOUBLE_EXPONENTS;
    if e < smallest {
        f64::from_bits(1)
    } else if e < smallest_normal {
        f64::from_bits(1 << (e - smallest))
    } else if e <= largest {
        f64::from_bits(((e - smallest_normal + 1) as u64) << 52)
    } else {
        f64::INFINITY
    }
}

impl Add<&Dyadic> for Dyadic {
    type Output = Dyadic;
    fn add(self, other: &Dyadic) -> Dyadic {
        Dyadic(self.0 + &other.0)
    }
}

impl AddAssign<Dyadic> for Dyadic {
    fn add_assign(&mut self, other: Dyadic) {
        self.0 += other.0;
    }
}

impl Sub<&Dyadic> for Dyadic {
    type Output = Dyadic;
    fn sub(self, other: &Dyadic) -> Dyadic {
        Dyadic(self.0 - &other.0)
    }
}

impl Mul<&Dyadic> for &Dyadic {
    type Output = Dyadic;
    fn mul(self, other: &Dyadic) -> Dyadic {
        Dyadic(&self.0 * &other.0)
    }
}

impl Neg for Dyadic {
    type Output = Dyadic;
    fn neg(self) -> Dyadic {
        Dyadic(-self.0)
    }
}

/// `x · 2^k`.
impl Shl<isize> for Dyadic {
    type Output = Dyadic;
    fn shl(self, k: isize) -> Dyadic {
        Dyadic(self.0 << k)
    }
}

/// `x / 2^k`, exact.
impl Shr<isize> for Dyadic {
    type Output = Dyadic;
    fn shr(self, k: isize) -> Dyadic {
        Dyadic(self.0 >> k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_do_not_round() {
        let (large, small) = (Dyadic::of(1e300), Dyadic::of(-3e-320));
        assert_eq!((large.clone() + &small) - &large, small);
        let third = Dyadic::of(1.0 / 3.0);
        let mut power = Dyadic::ONE;
        for _ in 0..20 {
            power = &power * &third;
        }
        // A significand of 53 bits to the 20th power has more than 1000 bits, and all of them are kept.
        assert!(power.0.repr().significand().bit_len() > 1000);
        // Integers carry no precision of their own into the result.
        let scaled = &power * &Dyadic::integer(3);
        assert_eq!(scaled - &power, power.clone() << 1);
        assert_eq!((power.clone() + &Dyadic::integer(1)) - &Dyadic::ONE, power);
        assert_eq!(Dyadic::of(0.0), Dyadic::of(-0.0));
        assert_eq!(-(Dyadic::of(3.0) >> 1), Dyadic::of(-1.5));
    }

    #[test]
    fn comparisons_see_the_last_bit() {
        let near = Dyadic::ONE + &Dyadic::of(1e-300);
        assert!(near > Dyadic::ONE && -near < -Dyadic::ONE);
        assert!(Dyadic::of(f64::MAX) > Dyadic::of(1e-320) && Dyadic::of(-1e-320) < Dyadic::ZERO);
    }

    #[test]
    fn powers_of_two_are_exact_in_range_and_above_outside() {
        assert_eq!([power_of_two(-2000), power_of_two(-1074)], [f64::from_bits(1); 2]);
        assert_eq!(power_of_two(-1023), f64::MIN_POSITIVE / 2.0);
        assert_eq!(power_of_two(-1022), f64::MIN_POSITIVE);
        assert_eq!([power_of_two(-1), power_of_two(0), power_of_two(10)], [0.5, 1.0, 1024.0]);
        assert_eq!(power_of_two(1023), f64::MAX / (2.0 - f64::EPSILON));
        assert_eq!(power_of_two(1024), f64::INFINITY);
    }

    #[test]
    fn magnitudes_enclose() {
        for x in [0.0, 1.5, -0.1, 1e300, -1e-310, f64::MAX, f64::MIN_POSITIVE, f64::from_bits(1)] {
            let (below, above) = Dyadic::of(x).magnitude();
            assert!(below <= x.abs() && x.abs() <= above, "{x}");
            assert!(above <= x.abs() * (1.0 + 1e-15), "{x}: {above} is loose");
        }
        let long = &Dyadic::of(-0.1) * &Dyadic::of(0.1) + &Dyadic::of(1e-40);
        let (below, above) = long.magnitude();
        assert!(Dyadic::of(below) < long.abs() && long.abs() < Dyadic::of(above) && above - below < 1e-17);
        let vast = Dyadic::ONE << 5000;
        assert!(vast.magnitude() == (0.0, f64::INFINITY) && (vast >> 10_000).magnitude() == (0.0, f64::from_bits(1)));
    }

    #[test]
    fn truncation_moves_by_less_than_its_bound_for_both_signs() {
        for x in [255.0, 256.0, 257.0, 1e10 + 1.0, 1e-5, -257.0, -1e10 - 1.0, -0.1] {
            let (short, lost) = Dyadic::of(x).truncated(8);
            assert!((short.clone() - &Dyadic::of(x)).abs() <= Dyadic::of(lost), "{x}");
            assert!(lost <= x.abs() / 128.0, "{x}: lost {lost}");
            assert_eq!(lost == 0.0, short == Dyadic::of(x), "{x}");
        }
    }
}
