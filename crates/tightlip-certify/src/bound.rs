//! What has been proved. Only this crate can construct a [`Bound`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which side of the constant a number is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BoundKind {
    /// The constant is at most the value.
    Upper,
    /// The constant is at least the value.
    Lower,
}

impl fmt::Display for BoundKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upper => "upper",
            Self::Lower => "lower",
        })
    }
}

/// How sure a bound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Level {
    /// Proved for the real-number network with exactly these float weights.
    Rigorous,
    /// Holds for the real-number network with exactly these float weights, except with a stated probability over the
    /// verifier's random start. Rounding errors are enclosed as for rigorous bounds.
    Probabilistic,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rigorous => "rigorous",
            Self::Probabilistic => "probabilistic",
        })
    }
}

/// A proved bound of a Lipschitz constant `L` (not of `L²`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    kind: BoundKind,
    level: Level,
    value: f64,
    failure_probability: f64,
}

impl Bound {
    /// An upper bound whose proof has just succeeded.
    pub(crate) fn upper(value: f64) -> Self {
        Self { kind: BoundKind::Upper, level: Level::Rigorous, value, failure_probability: 0.0 }
    }

    /// An upper bound whose proof has just succeeded and may be wrong with the given probability.
    pub(crate) fn probably_upper(value: f64, failure_probability: f64) -> Self {
        Self { kind: BoundKind::Upper, level: Level::Probabilistic, value, failure_probability }
    }

    /// A lower bound whose witness has just been evaluated.
    pub(crate) fn lower(value: f64) -> Self {
        Self { kind: BoundKind::Lower, level: Level::Rigorous, value, failure_probability: 0.0 }
    }

    /// Upper or lower.
    pub fn kind(self) -> BoundKind {
        self.kind
    }

    /// How sure it is.
    pub fn level(self) -> Level {
        self.level
    }

    /// The probability with which the proof may be wrong: 0 for a rigorous bound.
    pub fn failure_probability(self) -> f64 {
        self.failure_probability
    }

    /// The bound of `L`, rounded to the safe side.
    pub fn value(self) -> f64 {
        self.value
    }
}
