//! Multipliers: what a method proposes and the verifier judges.
//!
//! For weights `D_in`, `D_out` and one `λ_j ≥ 0` per hidden neuron, the pencil
//!
//!   `F = D_in on the input + Σ_j λ_j (a_j b_jᵀ + b_j a_jᵀ) + D_out on the output − (couplings into the output)`,
//!   `a_j = e_j − α_j w_j`,  `b_j = e_j − β_j w_j`,  `w_j` = incoming weights of neuron `j`,
//!
//! being positive semidefinite proves `L² ≤ (weight of D_in)(weight of D_out)`: Fazlyab et al. 2019 (LipSDP), in the
//! bordered form that contains GeoLIP (Wang et al. 2022) as well.

use serde::{Deserialize, Serialize};

/// The diagonal `D_in` or `D_out`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The same value on every coordinate: the Euclidean norm. Its weight is the value.
    Uniform(f64),
    /// One value per coordinate: the ℓ∞ norm of inputs, the ℓ1 norm of outputs. Its weight is the sum.
    PerCoordinate(Vec<f64>),
}

impl Weight {
    /// The value on coordinate `i`.
    ///
    /// # Panics
    /// If there is no such coordinate.
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Self::Uniform(value) => *value,
            Self::PerCoordinate(values) => values[i],
        }
    }

    /// The weight in the bound, `t` or `Σ t_i`, rounded.
    pub fn total(&self) -> f64 {
        match self {
            Self::Uniform(value) => *value,
            Self::PerCoordinate(values) => values.iter().sum(),
        }
    }

    /// All values times `factor`, rounded.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        match self {
            Self::Uniform(value) => Self::Uniform(value * factor),
            Self::PerCoordinate(values) => Self::PerCoordinate(values.iter().map(|value| value * factor).collect()),
        }
    }
}

/// Multipliers of an increment system: input, one vector per hidden block, output. A dead signal has multiplier 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multipliers {
    /// `D_in`.
    pub input: Weight,
    /// `λ`, block by block.
    pub hidden: Vec<Vec<f64>>,
    /// `D_out`.
    pub output: Weight,
}
