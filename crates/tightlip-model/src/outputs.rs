//! Which outputs are asked about: one question about a selection, or one for each output by itself.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, OutputSelection, Query};

/// What people ask about the outputs of a network. A certificate answers one question, so it names a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Outputs {
    /// One question.
    Selected(OutputSelection),
    /// As many questions as there are outputs, about one each.
    Each,
}

impl Outputs {
    /// The questions about a network with `outputs` outputs, in the norms and the region of `query`.
    pub fn queries(self, query: Query, outputs: usize) -> Vec<Query> {
        match self {
            Self::Selected(output) => vec![Query { output, ..query }],
            Self::Each => (0..outputs).map(|k| Query { output: OutputSelection::Single(k), ..query }).collect(),
        }
    }
}

impl std::fmt::Display for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Selected(selection) => selection.fmt(f),
            Self::Each => f.write_str("each"),
        }
    }
}

impl FromStr for Outputs {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "each" {
            return Ok(Self::Each);
        }
        text.parse().map(Self::Selected).map_err(|_| Error::Parse {
            text: text.to_owned(),
            wanted: "outputs: `all`, one output `K`, a difference `I-J`, or `each` by itself (outputs count from 0)",
        })
    }
}

impl TryFrom<String> for Outputs {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Outputs> for String {
    fn from(outputs: Outputs) -> Self {
        outputs.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_output_is_a_question_of_its_own_and_a_selection_is_one() {
        let query = Query { input_norm: crate::Norm::LInf, ..Query::euclidean(OutputSelection::All) };
        let each = Outputs::Each.queries(query, 3);
        let expected = [0, 1, 2].map(|k| Query { output: OutputSelection::Single(k), ..query });
        assert_eq!(each, expected);
        let margin = Outputs::Selected(OutputSelection::Difference(2, 0));
        assert_eq!(margin.queries(query, 3), [Query { output: OutputSelection::Difference(2, 0), ..query }]);
    }

    #[test]
    fn outputs_are_read_back_as_written() {
        for text in ["each", "all", "7", "2-0"] {
            assert_eq!(text.parse::<Outputs>().expect("valid").to_string(), text);
        }
        for text in ["", "Each", "every", "-1", "1-2-3"] {
            let error = text.parse::<Outputs>().expect_err("no outputs").to_string();
            assert!(error.contains("`each`"), "{text}: {error}");
        }
    }
}
