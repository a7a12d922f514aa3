//! Which methods a suite runs.

use serde::Deserialize;
use tightlip::{METHODS, method_named};

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
    /// The methods; all of them where nothing is said.
    ///
    /// # Errors
    /// If a name is not that of a method, with the nearest one.
    pub fn resolve(&self) -> Result<Vec<&'static str>, String> {
        let names = match self {
            Self::Unsaid => return Ok(METHODS.iter().map(|method| method.name()).collect()),
            Self::Word(word) if word == "all" => return Ok(METHODS.iter().map(|method| method.name()).collect()),
            Self::Word(word) => std::slice::from_ref(word),
            Self::Names(names) => names,
        };
        if names.is_empty() {
            return Err("`methods` is an empty list: nothing would be run; leave it out for all methods".to_owned());
        }
        let mut methods = Vec::new();
        let mut known: Vec<&str> = METHODS.iter().map(|method| method.name()).collect();
        if let Self::Word(_) = self {
            known.push("all");
        }
        for name in names {
            let method = method_named(name).ok_or_else(|| {
                format!("there is no method `{name}`{}; there are: {}", error::nearest(name, &known), known.join(", "))
            })?;
            if methods.contains(&method.name()) {
                return Err(format!("the method {name} is named twice"));
            }
            methods.push(method.name());
        }
        Ok(methods)
    }

    /// Whether nothing was said.
    pub fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }
}
