//! The file beside an exported program: what its variables stand for, and what a solution needs to become a bound.
//!
//! A `.dat-s` file holds numbers only. The importer rebuilds the program from the network and the settings named here,
//! compares ([`Sidecar::check_against`]), and turns the solution into multipliers with [`Assembled::multipliers`]. The
//! sidecar carries no bound and nothing that a proof would trust.

use std::io::Write;

use serde::{Deserialize, Serialize};
use tightlip_model::Query;

use crate::error::Error;
use crate::form::{Assembled, Decomposition, Form, Objective};
use crate::pencil::Tying;
use crate::variable_name::{NamedVariable, named_variables};

/// What the field `format` of the file says.
const FORMAT: &str = "tightlip-sdp-sidecar";

/// The version that is written and read.
const VERSION: u32 = 1;

/// Where a program came from: everything needed to build it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Digest of the network, `Network::sha256`.
    pub network_sha256: String,
    /// The question.
    pub query: Query,
    /// Which neurons share a multiplier.
    pub tying: Tying,
    /// How the pencil became a conic program.
    pub form: Form,
    /// Whether the semidefinite constraint is one cone or one for each clique.
    pub decomposition: Decomposition,
    /// What a bound of the program is multiplied by to be a bound of the network.
    pub bound_scale: f64,
}

/// The sidecar of one exported program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    format: String,
    format_version: u32,
    origin: Origin,
    squared: bool,
    variables: Vec<NamedVariable>,
}

impl Sidecar {
    /// The sidecar of an assembled program.
    pub fn new(origin: Origin, assembled: &Assembled) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            origin,
            squared: assembled.objective == Objective::Square,
            variables: named_variables(&assembled.variables),
        }
    }

    /// Where the program came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the objective is `L²` instead of `L`, both before [`Origin::bound_scale`].
    pub fn is_squared(&self) -> bool {
        self.squared
    }

    /// The variables in order.
    pub fn variables(&self) -> &[NamedVariable] {
        &self.variables
    }

    /// Comment lines for the head of the exported program. Plain ASCII, for solvers may print them.
    pub fn remarks(&self) -> String {
        let Origin { network_sha256, query, tying, form, decomposition, bound_scale } = &self.origin;
        let objective = if self.squared { "the square of the bound" } else { "the bound" };
        format!(
            "tightlip: LipSDP, {tying:?} multipliers, {form:?} form, {decomposition:?}\n\
             l{} to l{} norm, output {}, region {}\n\
             network sha256 {network_sha256}\n\
             minimise sum c_i x_i with sum x_i F_i - F_0 positive semidefinite, {} variables\n\
             the optimum is {objective} before the factor {bound_scale:?}\n",
            query.input_norm,
            query.output_norm,
            query.output,
            query.region,
            self.variables.len(),
        )
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`Error::Coefficient`] if the factor is not finite, [`Error::Write`] or [`Error::Json`] if the writer fails.
    pub fn write(&self, mut out: impl Write) -> Result<(), Error> {
        if !self.origin.bound_scale.is_finite() {
            return Err(Error::Coefficient {
                place: "the factor of the bound".to_owned(),
                value: self.origin.bound_scale,
            });
        }
        serde_json::to_writer_pretty(&mut out, self)?;
        writeln!(out)?;
        out.flush()?;
        Ok(())
    }

    /// Reads the file.
    ///
    /// # Errors
    /// If it is not a sidecar of this version.
    pub fn read(text: &str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Err(Error::Empty { wanted: "the JSON sidecar of an exported program" });
        }
        let sidecar: Self = serde_json::from_str(text)?;
        let wrong =
            |what: &str, found: String, wanted: String| Err(Error::Shape { what: what.to_owned(), found, wanted });
        if sidecar.format != FORMAT {
            return wrong("`format`", sidecar.format, format!("`{FORMAT}`"));
        }
        if sidecar.format_version != VERSION {
            return wrong("`format_version`", sidecar.format_version.to_string(), VERSION.to_string());
        }
        let scale = sidecar.origin.bound_scale;
        if !(scale.is_finite() && scale > 0.0) {
            return wrong("`bound_scale`", scale.to_string(), "a positive number".to_owned());
        }
        Ok(sidecar)
    }

    /// Compares a sidecar that was read with the one of the program built again.
    ///
    /// # Errors
    /// [`Error::Sidecar`] naming the first part that differs.
    pub fn check_against(&self, rebuilt: &Self) -> Result<(), Error> {
        let (a, b) = (&self.origin, &rebuilt.origin);
        let differs =
            |what: &str, found: String, wanted: String| Err(Error::Sidecar { what: what.to_owned(), found, wanted });
        if a.network_sha256 != b.network_sha256 {
            return differs("the network", a.network_sha256.clone(), b.network_sha256.clone());
        }
        if a.query != b.query {
            return differs("the query", format!("{:?}", a.query), format!("{:?}", b.query));
        }
        if (a.tying, a.form, a.decomposition) != (b.tying, b.form, b.decomposition) {
            let settings = |o: &Origin| format!("{:?} multipliers, {:?} form, {:?}", o.tying, o.form, o.decomposition);
            return differs("the settings", settings(a), settings(b));
        }
        if a.bound_scale != b.bound_scale {
            return differs("the factor of the bound", a.bound_scale.to_string(), b.bound_scale.to_string());
        }
        if self.squared != rebuilt.squared {
            return differs("`squared`", self.squared.to_string(), rebuilt.squared.to_string());
        }
        if self.variables.len() != rebuilt.variables.len() {
            let counted = |count: usize| format!("{count} variables");
            return differs("a program of", counted(self.variables.len()), counted(rebuilt.variables.len()));
        }
        match self.variables.iter().zip(&rebuilt.variables).position(|(a, b)| a != b) {
            Some(at) => differs(
                &format!("variable {at} called"),
                self.variables[at].name.clone(),
                rebuilt.variables[at].name.clone(),
            ),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cliques::Merging;
    use crate::form::assemble;
    use crate::pencil::Pencil;
    use tightlip_model::{Activation, IncrementSystem, OutputSelection, random_network};

    fn sidecar(form: Form, bound_scale: f64) -> Sidecar {
        decomposed(form, Decomposition::Whole, bound_scale)
    }

    fn decomposed(form: Form, decomposition: Decomposition, bound_scale: f64) -> Sidecar {
        let query = Query::euclidean(OutputSelection::Difference(1, 0));
        let network = random_network(&[3, 4, 5, 2], Activation::Relu, 11).expect("valid");
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        let pencil = Pencil::new(&system, &query, Tying::Neuron);
        let origin =
            Origin { network_sha256: network.sha256(), query, tying: Tying::Neuron, form, decomposition, bound_scale };
        Sidecar::new(origin, &assemble(&pencil, form, decomposition))
    }

    fn written(sidecar: &Sidecar) -> String {
        let mut text = Vec::new();
        sidecar.write(&mut text).expect("a vector takes everything");
        String::from_utf8(text).expect("JSON is UTF-8")
    }

    #[test]
    fn a_sidecar_is_read_back_as_written() {
        let cliques = Decomposition::Cliques(Merging::ByCost);
        for (form, decomposition) in [(Form::Full, Decomposition::Whole), (Form::Bordered, cliques)] {
            let original = decomposed(form, decomposition, 0.1 + 0.2);
            let read = Sidecar::read(&written(&original)).expect("as written");
            assert_eq!(read, original);
            assert!(read.check_against(&original).is_ok());
            assert_eq!(read.is_squared(), form == Form::Full);
            assert!(original.remarks().is_ascii() && original.remarks().contains(&original.origin.network_sha256));
        }
    }

    #[test]
    fn a_sidecar_of_another_program_is_told_apart() {
        let original = sidecar(Form::Full, 2.0);
        let refusal = |other: &Sidecar| original.check_against(other).expect_err("different").to_string();
        assert!(refusal(&sidecar(Form::Bordered, 2.0)).contains("Full form, Whole, here it is Neuron"));
        assert!(refusal(&sidecar(Form::Full, 2.5)).contains("the factor of the bound 2, here it is 2.5"));
        let cliques = decomposed(Form::Full, Decomposition::Cliques(Merging::Off), 2.0);
        assert!(refusal(&cliques).contains("Full form, Cliques(Off): want"));
        let mut other = original.clone();
        other.variables[3].name = "nobody".to_owned();
        assert!(refusal(&other).contains("variable 3 called multiplier_1_2, here it is nobody"));
        other.origin.network_sha256 = "f00d".to_owned();
        assert!(refusal(&other).contains("here it is f00d"));
    }

    #[test]
    fn hostile_sidecars_are_refused() {
        let text = written(&sidecar(Form::Full, 2.0));
        let cases = [
            (String::new(), "the file is empty"),
            (text[..text.len() / 2].to_owned(), "EOF"),
            (text.replace("\"bound_scale\": 2.0", "\"bound_scale\": -2.0"), "`bound_scale` is -2"),
            (text.replace("\"format_version\": 1", "\"format_version\": 99999999999"), "99999999999"),
            (text.replace("\"format_version\": 1", "\"format_version\": 2"), "`format_version` is 2: want 1"),
            (text.replace(FORMAT, "other"), "`format` is other"),
            (text.replace("input_norm", "inputnorm"), "inputnorm"),
        ];
        for (text, wanted) in cases {
            let message = Sidecar::read(&text).expect_err(wanted).to_string();
            assert!(message.contains(wanted), "{message}");
        }
        let mut nan = Vec::new();
        assert!(matches!(sidecar(Form::Full, f64::NAN).write(&mut nan), Err(Error::Coefficient { .. })));
        assert!(nan.is_empty());
    }
}
