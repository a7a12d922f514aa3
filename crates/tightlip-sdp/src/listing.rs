//! A conic program as self-describing JSON: named variables, cones, `c`, `b`, and `A` as triplets.
//!
//!   minimise `cᵀx` subject to `b − A x ∈ K_1 × K_2 × …`
//!
//! exactly as [`ConicForm`] holds it, so that no reformulation stands between the solver of the reader's choice and the
//! one used here. The rows of a semidefinite cone are the upper triangle, column by column, off-diagonal times √2.

use std::io::Write;

use serde::{Deserialize, Serialize};
use sprs::TriMat;

use crate::conic::{Cone, ConicForm};
use crate::error::Error;
use crate::variable_name::NamedVariable;

/// What the field `format` of the file says.
const FORMAT: &str = "tightlip-conic-program";

/// The version that is written and read.
const VERSION: u32 = 1;

/// What the field `statement` of the file says, for people.
const STATEMENT: &str = "minimise objective . x subject to offset - constraints x in the product of the cones, which take the rows in \
     order; constraints are triplets [row, variable, value] counted from 0; nonnegative: s >= 0; second_order: \
     s_0 >= |(s_1, ...)|; positive_semidefinite: the upper triangle column by column, off-diagonal entries times the \
     square root of 2";

/// One cone of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ListedCone {
    /// `s ≥ 0`.
    Nonnegative {
        /// Rows it takes.
        rows: usize,
    },
    /// `s_0 ≥ ‖(s_1, …)‖₂`.
    SecondOrder {
        /// Rows it takes.
        rows: usize,
    },
    /// A positive semidefinite matrix.
    PositiveSemidefinite {
        /// Its order; it takes `order (order + 1) / 2` rows.
        order: usize,
    },
}

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    format: String,
    format_version: u32,
    statement: String,
    variables: Vec<NamedVariable>,
    cones: Vec<ListedCone>,
    objective: Vec<f64>,
    offset: Vec<f64>,
    constraints: Vec<(usize, usize, f64)>,
}

impl Listing {
    /// Lists a program.
    ///
    /// # Errors
    /// [`Error::Coefficient`] if a coefficient is not finite.
    ///
    /// # Panics
    /// If there is not one name for each variable.
    pub fn new(program: &ConicForm, variables: Vec<NamedVariable>) -> Result<Self, Error> {
        assert_eq!(variables.len(), program.variables(), "one name for each variable");
        program.check_finite()?;
        let cones = program.cones.iter().map(|cone| match *cone {
            Cone::Nonnegative(rows) => ListedCone::Nonnegative { rows },
            Cone::SecondOrder(rows) => ListedCone::SecondOrder { rows },
            Cone::PositiveSemidefinite(order) => ListedCone::PositiveSemidefinite { order },
        });
        let triplets = program.constraints.iter().map(|(&value, (row, variable))| (row, variable, value));
        Ok(Self {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            statement: STATEMENT.to_owned(),
            variables,
            cones: cones.collect(),
            objective: program.objective.clone(),
            offset: program.offset.clone(),
            constraints: triplets.collect(),
        })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::Json`] if the writer fails.
    pub fn write(&self, mut out: impl Write) -> Result<(), Error> {
        serde_json::to_writer(&mut out, self)?;
        writeln!(out)?;
        out.flush()?;
        Ok(())
    }

    /// Reads the file and checks that its parts fit together.
    ///
    /// # Errors
    /// If it is not such a file; the part that does not fit is named.
    pub fn read(text: &str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Err(Error::Empty { wanted: "a conic program as JSON" });
        }
        let listing: Self = serde_json::from_str(text)?;
        listing.check()?;
        Ok(listing)
    }

    /// The variables in order.
    pub fn variables(&self) -> &[NamedVariable] {
        &self.variables
    }

    /// The program.
    pub fn program(&self) -> ConicForm {
        let mut triplets = TriMat::with_capacity((self.offset.len(), self.objective.len()), self.constraints.len());
        for &(row, variable, value) in &self.constraints {
            triplets.add_triplet(row, variable, value);
        }
        let cones = self.cones.iter().map(|cone| match *cone {
            ListedCone::Nonnegative { rows } => Cone::Nonnegative(rows),
            ListedCone::SecondOrder { rows } => Cone::SecondOrder(rows),
            ListedCone::PositiveSemidefinite { order } => Cone::PositiveSemidefinite(order),
        });
        ConicForm {
            objective: self.objective.clone(),
            constraints: triplets.to_csc(),
            offset: self.offset.clone(),
            cones: cones.collect(),
        }
    }

    /// Whether the parts fit together. Numbers are finite: JSON has no others, and one that overflows is refused.
    fn check(&self) -> Result<(), Error> {
        let wrong =
            |what: &str, found: String, wanted: String| Err(Error::Shape { what: what.to_owned(), found, wanted });
        if self.format != FORMAT {
            return wrong("`format`", self.format.clone(), format!("`{FORMAT}`"));
        }
        if self.format_version != VERSION {
            return wrong("`format_version`", self.format_version.to_string(), VERSION.to_string());
        }
        let (variables, rows) = (self.objective.len(), self.offset.len());
        if self.variables.len() != variables {
            return wrong(
                "the number of variables",
                self.variables.len().to_string(),
                format!("{variables}, one for each cost"),
            );
        }
        // In u128, for an order in a file may be any number.
        let taken = self.cones.iter().map(|cone| match *cone {
            ListedCone::Nonnegative { rows } | ListedCone::SecondOrder { rows } => rows as u128,
            ListedCone::PositiveSemidefinite { order } => (order as u128).saturating_mul(order as u128 + 1) / 2,
        });
        let taken = taken.fold(0, u128::saturating_add);
        if taken != rows as u128 {
            return wrong(
                "the number of rows of the cones",
                taken.to_string(),
                format!("{rows}, the length of the offset"),
            );
        }
        if let Some((row, variable, _)) = self.constraints.iter().find(|c| c.0 >= rows || c.1 >= variables) {
            let wanted = format!("a row below {rows} and a variable below {variables}");
            return wrong("a constraint", format!("at row {row}, variable {variable}"), wanted);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{Decomposition, Form, assemble};
    use crate::pencil::{Pencil, Tying};
    use crate::variable_name::named_variables;
    use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query, random_network};

    fn listing() -> (ConicForm, String) {
        let query = Query::euclidean(OutputSelection::All);
        let network = random_network(&[3, 4, 5, 2], Activation::LeakyRelu { slope: 0.3 }, 11).expect("valid");
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        let pencil = Pencil::new(&system, &query, Tying::Neuron);
        let assembled = assemble(&pencil, Form::Bordered, Decomposition::Whole);
        let listing = Listing::new(&assembled.program, named_variables(&assembled.variables)).expect("finite");
        let mut text = Vec::new();
        listing.write(&mut text).expect("a vector takes everything");
        (assembled.program, String::from_utf8(text).expect("JSON is UTF-8"))
    }

    #[test]
    fn a_listed_program_is_read_back_bit_by_bit() {
        let (program, text) = listing();
        let read = Listing::read(&text).expect("as written");
        assert_eq!(read.variables()[0].name, "input_weight");
        let again = read.program();
        assert_eq!(again.objective, program.objective);
        assert_eq!(again.offset, program.offset);
        assert_eq!(again.cones, program.cones);
        assert_eq!(again.constraints, program.constraints);
    }

    #[test]
    fn hostile_listings_are_refused() {
        let (_, text) = listing();
        let first = text.find("\"constraints\":[[").expect("constraints") + "\"constraints\":[[".len();
        let misplaced = format!("{}9{}", &text[..first], &text[first..]);
        let cases = [
            (String::new(), "the file is empty"),
            (text[..text.len() - 9].to_owned(), "EOF"),
            (text.replace("\"order\":9", "\"order\":99999999999"), "the number of rows of the cones is 4999"),
            (text.replace("\"order\":9", "\"order\":18446744073709551615"), "want 69, the length of the offset"),
            (text.replace("\"objective\":[", "\"objective\":[0.0,"), "the number of variables is 16: want 17"),
            (text.replace("\"objective\":[0.5", "\"objective\":[NaN"), "line 1"),
            (text.replace("\"objective\":[0.5", "\"objective\":[1e999"), "out of range"),
            (misplaced, "a constraint is at row 9"),
            (text.replace(FORMAT, "other"), "`format` is other"),
        ];
        for (text, wanted) in cases {
            let message = Listing::read(&text).expect_err(wanted).to_string();
            assert!(message.contains(wanted), "{message}, want {wanted}");
        }
    }
}
