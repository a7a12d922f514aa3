//! Scalar activations φ and the slopes their chords can have.
//!
//! A slope interval [α, β] of φ means `α ≤ (φ(s) − φ(t)) / (s − t) ≤ β` for all `s ≠ t`, equivalently
//! `(δ − α σ)(β σ − δ) ≥ 0` for `σ = s − t`, `δ = φ(s) − φ(t)`. For differentiable φ it is the range of φ′.
//! Where an end point is irrational it is rounded outward, so the interval always contains every slope.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The largest derivative of SiLU, `max σ(x)(1 + x(1 − σ(x)))`, at x ≈ 2.399357; rounded up.
/// The smallest is one minus the largest, because `φ′(x) + φ′(−x) = 1`.
const SILU_SLOPE: f64 = 1.099_839_320_128_867_1;
/// The largest derivative of GELU (erf form), `Φ(√2) + √2 · pdf(√2)`; rounded up. The smallest is one minus it.
const GELU_SLOPE: f64 = 1.128_904_145_185_155;
/// `α = 1 − β` is computed in floating point; one unit in the last place of `β` outward covers its rounding.
const ONE_ULP_AT_ONE: f64 = f64::EPSILON;

/// The closed interval [lower, upper] that contains every chord slope of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SlopeInterval {
    lower: f64,
    upper: f64,
}

impl SlopeInterval {
    /// Slopes of ReLU and tanh.
    pub const UNIT: Self = Self { lower: 0.0, upper: 1.0 };

    /// The interval [lower, upper].
    ///
    /// # Errors
    /// [`Error::Slope`] unless both ends are finite and `lower ≤ upper`.
    pub fn new(lower: f64, upper: f64) -> Result<Self, Error> {
        if lower.is_finite() && upper.is_finite() && lower <= upper {
            Ok(Self { lower, upper })
        } else {
            Err(Error::Slope { lower, upper })
        }
    }

    /// The lower end α.
    pub fn lower(self) -> f64 {
        self.lower
    }

    /// The upper end β.
    pub fn upper(self) -> f64 {
        self.upper
    }

    /// `max(|α|, |β|)`, the Lipschitz constant of an activation with these slopes.
    pub fn magnitude(self) -> f64 {
        self.lower.abs().max(self.upper.abs())
    }
}

/// A scalar activation, applied to every neuron of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` for `x ≥ 0`, `slope · x` below.
    LeakyRelu {
        /// The slope of the negative half-line.
        slope: f64,
    },
    /// Hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^{−x})`.
    Sigmoid,
    /// `x` for `x ≥ 0`, `scale (e^x − 1)` below.
    Elu {
        /// The limit of φ at −∞ is `−scale`.
        scale: f64,
    },
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x · sigmoid(x)`, also called Swish.
    Silu,
    /// `x · Φ(x)` with the normal distribution function (the erf form).
    Gelu,
    /// `min(max(x, low), high)`.
    HardTanh {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `|x|`.
    Abs,
    /// `x`; dropped when a network is built.
    Identity,
}

impl Activation {
    /// φ(x).
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::LeakyRelu { slope } => {
                if x >= 0.0 {
                    x
                } else {
                    slope * x
                }
            }
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::Elu { scale } => {
                if x >= 0.0 {
                    x
                } else {
                    scale * x.exp_m1()
                }
            }
            // ln(1 + e^x) = max(x, 0) + ln(1 + e^{−|x|}) never overflows.
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Silu => x * sigmoid(x),
            Self::Gelu => x * normal_distribution(x),
            Self::HardTanh { low, high } => x.clamp(low, high),
            Self::Relu6 => x.clamp(0.0, 6.0),
            Self::Abs => x.abs(),
            Self::Identity => x,
        }
    }

    /// φ′(x); at a kink one of the two one-sided derivatives.
    pub fn derivative(self, x: f64) -> f64 {
        match self {
            Self::Relu => f64::from(u8::from(x > 0.0)),
            Self::LeakyRelu { slope } => {
                if x > 0.0 {
                    1.0
                } else {
                    slope
                }
            }
            Self::Tanh => {
                let cosh = x.cosh();
                (cosh * cosh).recip()
            }
            Self::Sigmoid => sigmoid(x) * sigmoid(-x),
            Self::Elu { scale } => {
                if x > 0.0 {
                    1.0
                } else {
                    scale * x.exp()
                }
            }
            Self::Softplus => sigmoid(x),
            Self::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
            Self::Gelu => normal_distribution(x) + x * normal_density(x),
            Self::HardTanh { low, high } => f64::from(u8::from(x > low && x < high)),
            Self::Relu6 => f64::from(u8::from(x > 0.0 && x < 6.0)),
            Self::Abs => {
                if x > 0.0 {
                    1.0
                } else {
                    -1.0
                }
            }
            Self::Identity => 1.0,
        }
    }

    /// The smallest interval of chord slopes whose ends are `f64`, rounded outward.
    pub fn slope_interval(self) -> SlopeInterval {
        let (lower, upper) = match self {
            Self::Relu | Self::Tanh | Self::Softplus | Self::Relu6 => (0.0, 1.0),
            Self::HardTanh { low, high } => (0.0, if low < high { 1.0 } else { 0.0 }),
            Self::LeakyRelu { slope } => (slope.min(1.0), slope.max(1.0)),
            Self::Sigmoid => (0.0, 0.25),
            // The derivative of the negative half is scale · e^x, between 0 and scale; 1 on the other half.
            Self::Elu { scale } => (scale.min(0.0), scale.max(1.0)),
            Self::Silu => (1.0 - SILU_SLOPE - ONE_ULP_AT_ONE, SILU_SLOPE),
            Self::Gelu => (1.0 - GELU_SLOPE - ONE_ULP_AT_ONE, GELU_SLOPE),
            Self::Abs => (-1.0, 1.0),
            Self::Identity => (1.0, 1.0),
        };
        SlopeInterval { lower, upper }
    }

    /// Whether φ is piecewise linear, so that the network is affine on each activation pattern.
    pub fn is_piecewise_linear(self) -> bool {
        match self {
            Self::Relu | Self::LeakyRelu { .. } | Self::HardTanh { .. } | Self::Relu6 | Self::Abs | Self::Identity => {
                true
            }
            Self::Tanh | Self::Sigmoid | Self::Elu { .. } | Self::Softplus | Self::Silu | Self::Gelu => false,
        }
    }

    /// The points where φ has a kink, in increasing order; empty for smooth φ.
    pub fn kinks(self) -> Vec<f64> {
        match self {
            Self::Relu | Self::LeakyRelu { .. } | Self::Abs => vec![0.0],
            Self::Elu { scale } if scale != 1.0 => vec![0.0],
            Self::HardTanh { low, high } => vec![low, high],
            Self::Relu6 => vec![0.0, 6.0],
            Self::Elu { .. }
            | Self::Tanh
            | Self::Sigmoid
            | Self::Softplus
            | Self::Silu
            | Self::Gelu
            | Self::Identity => Vec::new(),
        }
    }

    /// Checks that the parameters are finite and in order.
    ///
    /// # Errors
    /// [`Error::Activation`] naming the parameter.
    pub fn validated(self) -> Result<Self, Error> {
        let sound = match self {
            Self::LeakyRelu { slope } => slope.is_finite(),
            Self::Elu { scale } => scale.is_finite(),
            Self::HardTanh { low, high } => low.is_finite() && high.is_finite() && low <= high,
            _ => true,
        };
        if sound { Ok(self) } else { Err(Error::Activation { name: self.to_string() }) }
    }
}

/// The logistic function; both branches avoid overflow of `e^{|x|}`.
fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        (1.0 + (-x).exp()).recip()
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `e^{−x²/2} / √(2π)`.
fn normal_density(x: f64) -> f64 {
    /// `1 / √(2π)`.
    const INVERSE_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_7;
    INVERSE_ROOT_TWO_PI * (-0.5 * x * x).exp()
}

/// Φ(x), by the series `½ + pdf(x) Σ x^{2k+1} / (1·3·…·(2k+1))`, whose terms all have the sign of `x`.
fn normal_distribution(x: f64) -> f64 {
    // Beyond 9 standard deviations Φ differs from 0 or 1 by less than 2e-19.
    const FAR: f64 = 9.0;
    if x.abs() > FAR {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let mut term = x;
    let mut sum = x;
    let mut odd = 1.0;
    while term.abs() > f64::EPSILON * 1e-2 * sum.abs() {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + normal_density(x) * sum
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relu => f.write_str("relu"),
            Self::LeakyRelu { slope } => write!(f, "leaky:{slope}"),
            Self::Tanh => f.write_str("tanh"),
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::Elu { scale } => write!(f, "elu:{scale}"),
            Self::Softplus => f.write_str("softplus"),
            Self::Silu => f.write_str("silu"),
            Self::Gelu => f.write_str("gelu"),
            Self::HardTanh { low, high } => write!(f, "hardtanh:{low}:{high}"),
            Self::Relu6 => f.write_str("relu6"),
            Self::Abs => f.write_str("abs"),
            Self::Identity => f.write_str("identity"),
        }
    }
}

/// Parses the names that `Display` writes; parameters may be left out where a customary default exists
/// (`leaky` = 0.01, `elu` = 1, `hardtanh` = −1:1).
impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::Activation { name: text.to_owned() };
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let parameters =
            parts.map(|part| part.parse::<f64>().map_err(|_| unknown())).collect::<Result<Vec<f64>, Error>>()?;
        let activation = match (name.as_str(), parameters.as_slice()) {
            ("relu", []) => Self::Relu,
            ("leaky", []) => Self::LeakyRelu { slope: 0.01 },
            ("leaky", [slope]) => Self::LeakyRelu { slope: *slope },
            ("tanh", []) => Self::Tanh,
            ("sigmoid", []) => Self::Sigmoid,
            ("elu", []) => Self::Elu { scale: 1.0 },
            ("elu", [scale]) => Self::Elu { scale: *scale },
            ("softplus", []) => Self::Softplus,
            ("silu", []) => Self::Silu,
            ("gelu", []) => Self::Gelu,
            ("hardtanh", []) => Self::HardTanh { low: -1.0, high: 1.0 },
            ("hardtanh", [low, high]) => Self::HardTanh { low: *low, high: *high },
            ("relu6", []) => Self::Relu6,
            ("abs", []) => Self::Abs,
            ("identity", []) => Self::Identity,
            _ => return Err(unknown()),
        };
        activation.validated()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 14] = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::LeakyRelu { slope: -0.3 },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Elu { scale: 1.0 },
        Activation::Elu { scale: 1.7 },
        Activation::Softplus,
        Activation::Silu,
        Activation::Gelu,
        Activation::HardTanh { low: -1.0, high: 2.0 },
        Activation::Relu6,
        Activation::Abs,
        Activation::Identity,
    ];

    #[test]
    fn every_chord_slope_lies_in_the_interval_and_both_ends_are_approached() {
        for activation in ALL {
            let interval = activation.slope_interval();
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            for step in -40_000..40_000 {
                let (s, t) = (f64::from(step) * 5e-4, f64::from(step + 1) * 5e-4);
                let slope = (activation.value(t) - activation.value(s)) / (t - s);
                // Differences of values of size 20 over steps of 5e-4 carry rounding errors up to 2e-11.
                assert!(slope >= interval.lower() - 2e-11, "{activation}: {slope} below {}", interval.lower());
                assert!(slope <= interval.upper() + 2e-11, "{activation}: {slope} above {}", interval.upper());
                least = least.min(activation.derivative(s));
                most = most.max(activation.derivative(s));
            }
            assert!(least <= interval.lower() + 1e-6, "{activation}: lower end {} is loose", interval.lower());
            assert!(most >= interval.upper() - 1e-6, "{activation}: upper end {} is loose", interval.upper());
        }
    }

    #[test]
    fn the_derivative_is_the_limit_of_difference_quotients() {
        for activation in ALL {
            for step in -60..60 {
                let x = f64::from(step) * 0.117 + 0.013;
                let h = 1e-6;
                let quotient = (activation.value(x + h) - activation.value(x - h)) / (2.0 * h);
                assert!((quotient - activation.derivative(x)).abs() < 1e-8, "{activation} at {x}");
            }
        }
    }

    #[test]
    fn names_are_read_back_as_written() {
        for activation in ALL {
            assert_eq!(activation.to_string().parse::<Activation>().expect("own name"), activation);
        }
        for wrong in ["", "swish2", "leaky:x", "leaky:1:2", "hardtanh:1:-1", "elu:nan", "relu:1"] {
            assert!(wrong.parse::<Activation>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn normal_distribution_agrees_with_tabulated_values() {
        for (x, value) in [(0.0, 0.5), (1.0, 0.841_344_746_068_542_9), (-2.5, 0.006_209_665_325_776_132)] {
            assert!((normal_distribution(x) - value).abs() < 1e-15);
        }
    }
}
