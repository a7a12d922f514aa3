//! Which methods a suite runs.

use serde::Deserialize;
use tightlip::{METHODS, method_named};

use super::error;

/// `"all"`, or a list of names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
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
        for name in names {
            let method = method_named(name).ok_or_else(|| {
                let known: Vec<&str> = METHODS.iter().map(|method| method.name()).collect();
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
