//! What is asked about a network: norms, outputs, region.
//!
//! The question is always the smallest `L` with `‖S f(x) − S f(x′)‖_q ≤ L ‖x − x′‖_p` for all `x, x′` of the region,
//! where `S` selects outputs: all of them, one, or the difference of two (a margin).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, LinearMap};

/// A vector norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Norm {
    /// Sum of absolute values.
    L1,
    /// Euclidean.
    L2,
    /// Largest absolute value.
    LInf,
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1 => "1",
            Self::L2 => "2",
            Self::LInf => "inf",
        })
    }
}

impl FromStr for Norm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "1" => Ok(Self::L1),
            "2" => Ok(Self::L2),
            "inf" => Ok(Self::LInf),
            _ => Err(Error::Parse { text: text.to_owned(), wanted: "a norm: 1, 2 or inf" }),
        }
    }
}

/// Which outputs the constant is about. Outputs count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OutputSelection {
    /// The whole output vector.
    All,
    /// One output.
    Single(usize),
    /// The first minus the second: a classification margin.
    Difference(usize, usize),
}

impl OutputSelection {
    /// Checks the selection against a network with `outputs` outputs.
    ///
    /// # Errors
    /// [`Error::Output`] if an index is out of range or the two of a difference are equal.
    pub fn validated(self, outputs: usize) -> Result<Self, Error> {
        let fits = match self {
            Self::All => true,
            Self::Single(k) => k < outputs,
            Self::Difference(i, j) => i < outputs && j < outputs && i != j,
        };
        if fits {
            Ok(self)
        } else {
            Err(Error::Output { selection: self.to_string(), last: outputs.saturating_sub(1) })
        }
    }

    /// The linear map `S` of the selection, `None` for the whole vector.
    pub fn map(self, outputs: usize) -> Option<LinearMap> {
        match self {
            Self::All => None,
            Self::Single(k) => Some(LinearMap::from_triplets(1, outputs, &[(0, k, 1.0)])),
            Self::Difference(i, j) => Some(LinearMap::from_triplets(1, outputs, &[(0, i, 1.0), (0, j, -1.0)])),
        }
    }
}

impl fmt::Display for OutputSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Single(k) => write!(f, "{k}"),
            Self::Difference(i, j) => write!(f, "{i}-{j}"),
        }
    }
}

impl FromStr for OutputSelection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Parse {
            text: text.to_owned(),
            wanted: "an output selection: `all`, one output `K`, or a difference `I-J` (outputs count from 0)",
        };
        // `parse` alone would also take a sign.
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let index = |part: &str| part.parse::<usize>().ok().filter(|_| digits(part)).ok_or_else(wrong);
        match text.split_once('-') {
            _ if text == "all" => Ok(Self::All),
            None => Ok(Self::Single(index(text)?)),
            Some((first, second)) => Ok(Self::Difference(index(first)?, index(second)?)),
        }
    }
}

/// The inputs the bound holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Region {
    /// Every pair of inputs.
    #[default]
    Global,
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
        }
    }
}

/// One question about a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Norm of input differences.
    pub input_norm: Norm,
    /// Norm of output differences.
    pub output_norm: Norm,
    /// The outputs asked about.
    pub output: OutputSelection,
    /// The inputs the bound holds for.
    pub region: Region,
}

impl Query {
    /// The global ℓ2 → ℓ2 question about `output`.
    pub fn euclidean(output: OutputSelection) -> Self {
        Self { input_norm: Norm::L2, output_norm: Norm::L2, output, region: Region::Global }
    }
}

/// Text in files: the same words the command line takes.
macro_rules! text_in_files {
    ($($kind:ty),*) => {$(
        impl TryFrom<String> for $kind {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }
        impl From<$kind> for String {
            fn from(value: $kind) -> Self {
                value.to_string()
            }
        }
    )*};
}
text_in_files!(Norm, OutputSelection, crate::Activation);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_read_back_as_written_and_checked_against_the_network() {
        for text in ["all", "0", "7", "3-1"] {
            assert_eq!(text.parse::<OutputSelection>().expect("valid").to_string(), text);
        }
        for text in ["", "-1", "+1", "1-", "a", "1-2-3", "1.5"] {
            assert!(text.parse::<OutputSelection>().is_err(), "{text}");
        }
        assert!(OutputSelection::Single(3).validated(3).is_err());
        assert!(OutputSelection::Difference(1, 1).validated(3).is_err());
        assert!(OutputSelection::Difference(0, 2).validated(3).is_ok());
    }
}
