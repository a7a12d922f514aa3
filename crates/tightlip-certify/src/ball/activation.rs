//! Enclosures of activations: `φ(mid)` plus the Lipschitz constant of φ times the radius.
//!
//! The constant is the magnitude of the slope interval, which the model rounds outward. Piecewise linear activations
//! are exact at the midpoint, and the Lipschitz bound holds across kinks as well. The smooth ones are written with
//! `t = e^{−|x|} ∈ (0, 1]`, so that nothing overflows:
//!
//!   `σ(x) = 1/(1+t)` or `t/(1+t)`,  `tanh |x| = (1 − t²)/(1 + t²)`,  `softplus(x) = max(x, 0) + ln(1 + t)`,
//!   `elu(−|x|) = scale (t − 1)`,  `silu(x) = x σ(x)`,  `gelu(|x|) = |x| Φ(|x|)`, `gelu(−|x|) = gelu(|x|) − |x|`.

use tightlip_model::Activation;

use super::elementary::carried;
use super::{Ball, Dyadic, Precision};
use crate::Refusal;

impl Precision {
    /// `φ` of every number in `x`.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for an activation this version has no enclosure of.
    pub(super) fn activation(&self, activation: Activation, x: &Ball) -> Result<Ball, Refusal> {
        let at_mid = self.activation_at(activation, &x.mid)?;
        let slope = activation.slope_interval().magnitude();
        Ok(self.rounded(carried(at_mid, slope, x.rad)))
    }

    /// `φ(x)` at one number.
    fn activation_at(&self, activation: Activation, x: &Dyadic) -> Result<Ball, Refusal> {
        let clamped = |low: f64, high: f64| Ball::point(x.clone().max(Dyadic::of(low)).min(Dyadic::of(high)));
        let positive = *x >= Dyadic::ZERO;
        let value = match activation {
            Activation::Identity => Ball::point(x.clone()),
            Activation::Abs => Ball::point(x.abs()),
            Activation::Relu => Ball::point(x.clone().max(Dyadic::ZERO)),
            Activation::Relu6 => clamped(0.0, 6.0),
            Activation::HardTanh { low, high } => clamped(low, high),
            Activation::LeakyRelu { .. } | Activation::Elu { .. } if positive => Ball::point(x.clone()),
            Activation::LeakyRelu { slope } => Ball::point(x * &Dyadic::of(slope)),
            Activation::Elu { scale } => self.decay(x).minus(&Ball::of(1.0)).scaled(scale),
            Activation::Tanh => self.tanh(x),
            Activation::Sigmoid => self.sigmoid(x),
            Activation::Softplus => Ball::point(x.clone().max(Dyadic::ZERO)).plus(&self.ln_1p(&self.decay(x))),
            Activation::Silu => self.product(&Ball::point(x.clone()), &self.sigmoid(x)),
            Activation::Gelu => {
                let size = x.abs();
                let mean = self.normal_mean(&size);
                if positive { mean } else { mean.minus(&Ball::point(size)) }
            }
            other => {
                return Err(Refusal::Unsupported { what: format!("witnesses through the activation {other}") });
            }
        };
        Ok(value)
    }

    /// `t = e^{−|x|}`.
    fn decay(&self, x: &Dyadic) -> Ball {
        self.exp_negative(&x.abs())
    }

    /// The logistic function.
    fn sigmoid(&self, x: &Dyadic) -> Ball {
        let t = self.decay(x);
        let one = Ball::of(1.0);
        let numerator = if *x >= Dyadic::ZERO { &one } else { &t };
        self.quotient(numerator, &one.plus(&t))
    }

    /// The hyperbolic tangent.
    fn tanh(&self, x: &Dyadic) -> Ball {
        let t = self.exp_negative(&(x.abs() << 1));
        let one = Ball::of(1.0);
        let tangent = self.quotient(&one.minus(&t), &one.plus(&t));
        if *x >= Dyadic::ZERO { tangent } else { tangent.scaled(-1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 16] = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::LeakyRelu { slope: -0.3 },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Elu { scale: 1.0 },
        Activation::Elu { scale: 1.7 },
        Activation::Elu { scale: -0.4 },
        Activation::Softplus,
        Activation::Silu,
        Activation::Gelu,
        Activation::HardTanh { low: -1.0, high: 2.0 },
        Activation::HardTanh { low: 0.5, high: 0.5 },
        Activation::Relu6,
        Activation::Abs,
        Activation::Identity,
    ];

    #[test]
    fn values_agree_with_double_precision() {
        let precision = Precision::new(128);
        for activation in ALL {
            for step in -300..300 {
                let x = f64::from(step) * 0.0917 + 0.003;
                let ball = precision.activation(activation, &Ball::of(x)).expect("supported");
                let value = activation.value(x);
                // Four roundings in double precision and the one of reading the ball.
                let tolerance = 1e-15 * value.abs().max(x.abs());
                assert!((ball.mid.double_guess() - value).abs() <= tolerance, "{activation} at {x}");
                assert!(ball.rad <= 1e-30, "{activation} at {x}: radius {}", ball.rad);
            }
        }
    }

    #[test]
    fn precisions_and_signs_are_consistent() {
        for activation in ALL {
            for x in [0.0, -0.0, 1e-200, -1e-200, 0.5, -0.5, 11.0, -11.0, 800.0, -800.0, 1e18, -1e18] {
                let at = |bits| Precision::new(bits).activation(activation, &Ball::of(x)).expect("supported");
                let (coarse, fine) = (at(100), at(400));
                assert!(coarse.meets(&fine), "{activation} at {x}");
                assert!(coarse.rad <= 1e-25 * (1.0 + x.abs()), "{activation} at {x}: radius {}", coarse.rad);
            }
        }
    }

    #[test]
    fn a_wide_argument_is_carried_through_kinks() {
        let precision = Precision::new(100);
        for activation in ALL {
            let ball = precision.activation(activation, &Ball::of(0.1).widened(0.75)).expect("supported");
            for step in -10..=10 {
                let inner = 0.1 + 0.075 * f64::from(step);
                let value = precision.activation(activation, &Ball::of(inner)).expect("supported");
                // The ends of the ball are rounded, so they may lie outside by one rounding.
                assert!(ball.clone().widened(1e-15).meets(&value), "{activation} at {inner}");
            }
            assert!(ball.rad <= 0.75 * 1.71, "{activation}: radius {}", ball.rad);
        }
    }
}
