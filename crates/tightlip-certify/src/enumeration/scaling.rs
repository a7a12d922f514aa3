//! Powers of two between the weights of a network and those of the chain, whose layers are scaled to about one.

use faer::Mat;

use crate::directed::UNDERFLOW;
use crate::enclosure::Enclosure;

/// The network's norms are those of the chain times `2^exponent`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scaling {
    exponent: i32,
}

impl Scaling {
    /// Scales a matrix by a power of two so that its largest entry is in [1, 2), and takes the power along. What
    /// underflows on the way is entered in the radius.
    pub(crate) fn take(&mut self, weights: &mut Enclosure) {
        let largest = weights.mid.norm_max();
        if largest == 0.0 || !largest.is_finite() {
            return;
        }
        let exponent = largest.log2().floor() as i32;
        self.exponent += exponent;
        let down = |x: f64| shifted(x, -exponent);
        let lost = |x: f64| x != 0.0 && down(x).abs() < f64::MIN_POSITIVE;
        let (rows, columns) = (weights.mid.nrows(), weights.mid.ncols());
        let any_lost = weights.mid.col_iter().any(|column| column.iter().any(|&x| lost(x)));
        if any_lost || weights.radius.is_some() {
            let radius = |i, j| {
                let radius = weights.radius_at(i, j);
                let floor = if lost(radius) || lost(weights.mid[(i, j)]) { UNDERFLOW } else { 0.0 };
                down(radius).max(floor)
            };
            weights.radius = Some(Mat::from_fn(rows, columns, radius));
        }
        weights.mid = Mat::from_fn(rows, columns, |i, j| down(weights.mid[(i, j)]));
    }

    /// Scales a number ≥ 0 by a power of two to [1, 2), exactly, and takes the power along.
    pub(crate) fn take_number(&mut self, x: f64) -> f64 {
        if x == 0.0 || !x.is_finite() {
            return x;
        }
        let exponent = x.log2().floor() as i32;
        self.exponent += exponent;
        shifted(x, -exponent)
    }

    /// Both powers.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { exponent: self.exponent + other.exponent }
    }

    /// An upper bound of a norm of the network, as one of the chain.
    pub(crate) fn into_chain_up(self, value: f64) -> f64 {
        Self { exponent: -self.exponent }.out_of_chain_up(value)
    }

    /// A lower bound of a norm of the network, as one of the chain.
    pub(crate) fn into_chain(self, value: f64) -> f64 {
        normal_or_zero(shifted(value, -self.exponent))
    }

    /// A lower bound of a norm of the chain, as one of the network.
    pub(crate) fn out_of_chain_down(self, value: f64) -> f64 {
        normal_or_zero(shifted(value, self.exponent))
    }

    /// An upper bound of a norm of the chain, as one of the network.
    pub(crate) fn out_of_chain_up(self, value: f64) -> f64 {
        let shifted = shifted(value, self.exponent);
        if value != 0.0 && shifted < f64::MIN_POSITIVE { shifted.next_up() } else { shifted }
    }
}

/// Exact within the normal range; below it may have been rounded up, so zero.
fn normal_or_zero(value: f64) -> f64 {
    if value < f64::MIN_POSITIVE { 0.0 } else { value }
}

/// `x · 2^exponent`, rounded only where it leaves the normal range.
fn shifted(x: f64, exponent: i32) -> f64 {
    /// Powers of two in this range are normal floats.
    const STEP: i32 = 1000;
    let mut x = x;
    let mut left = exponent;
    while left != 0 {
        let step = left.clamp(-STEP, STEP);
        x *= 2f64.powi(step);
        left -= step;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_exactly_and_are_rounded_to_the_safe_side_where_they_leave_the_range() {
        let mut scaling = Scaling::default();
        for weight in [1e-200, 1e-150, 3e7] {
            let mut weights = Enclosure { mid: Mat::from_fn(1, 2, |_, j| [0.3, 1.0][j] * weight), radius: None };
            scaling.take(&mut weights);
            assert!((1.0..2.0).contains(&weights.mid.norm_max()));
        }
        let mut wide = Enclosure { mid: Mat::from_fn(1, 2, |_, j| [1e300, 1e-20][j]), radius: None };
        Scaling::default().take(&mut wide);
        assert_eq!((wide.radius_at(0, 0), wide.radius_at(0, 1)), (0.0, UNDERFLOW));
        let value = 1.234_567;
        assert_eq!(scaling.out_of_chain_down(value), 0.0);
        assert!(scaling.out_of_chain_up(value) > 0.0);
        assert_eq!(scaling.out_of_chain_up(0.0), 0.0);
        let moderate = Scaling { exponent: -700 };
        assert_eq!(moderate.into_chain(moderate.out_of_chain_up(value)), value);
        assert_eq!(moderate.out_of_chain_up(value), moderate.out_of_chain_down(value));
    }
}
