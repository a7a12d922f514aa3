//! Which methods a suite runs.

use serde::Deserialize;
use tightlip::{ALL_CLOSED_FORM, ChoiceError, Kind, METHODS, choose};

use super::error;

/// `"all"`, or a list of names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "`methods`: want \"all\" or a list of names")]
pub enum MethodList {
    /// Every method there is.
    #[default]
    Unsaid,
    /// One word: `all`.
    Word(String),
    /// These.
    Names(Vec<String>),
}

impl MethodList {
    /// The methods, with their options; where nothing is said all of them that bound something.
    ///
    /// # Errors
    /// If a name is not that of a method, with the nearest one, or an option is not one of its method.
    pub fn resolve(&self) -> Result<Vec<String>, String> {
        // Numbers that bound nothing are for those who ask for them.
        let bounding = METHODS.iter().filter(|method| method.kind() != Kind::Estimate);
        let all = || bounding.map(|method| method.name().to_owned()).collect();
        let names = match self {
            Self::Unsaid => return Ok(all()),
            Self::Word(word) if word == "all" => return Ok(all()),
            Self::Word(word) => std::slice::from_ref(word),
            Self::Names(names) => names,
        };
        if names.is_empty() {
            return Err("`methods` is an empty list: nothing would be run; leave it out for all methods".to_owned());
        }
        let mut methods = Vec::new();
        let mut known: Vec<&str> = METHODS.iter().map(|method| method.name()).chain([ALL_CLOSED_FORM]).collect();
        if let Self::Word(_) = self {
            known.push("all");
        }
        for name in names.iter().flat_map(|name| expanded(name)) {
            let method = choose(&name).map_err(|fault| match fault {
                ChoiceError::Method { name } => {
                    let nearest = error::nearest(&name, &known);
                    format!("there is no method `{name}`{nearest}; there are: {}", known.join(", "))
                }
                other => other.to_string(),
            })?;
            let label = method.label();
            if methods.contains(&label) {
                // What a word brought may be named again.
                if names.iter().filter(|said| **said == name).count() > 1 {
                    return Err(format!("the method {name} is named twice"));
                }
                continue;
            }
            methods.push(label);
        }
        Ok(methods)
    }

    /// Whether nothing was said.
    pub fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }
}

/// The methods a name stands for: itself, or all closed forms that bound something.
fn expanded(name: &str) -> Vec<String> {
    if name != ALL_CLOSED_FORM {
        return vec![name.to_owned()];
    }
    let bounding = METHODS.iter().filter(|method| method.is_closed_form() && method.kind() != Kind::Estimate);
    bounding.map(|method| method.name().to_owned()).collect()
}
