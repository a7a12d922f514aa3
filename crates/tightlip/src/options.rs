//! Methods with options: `NAME:OPTION=VALUE:OPTION=VALUE`.
//!
//! A method with other options than the usual ones is another method: it has this text as its name in reports, records and
//! certificates. The first value of an option is the usual one.

use std::ops::RangeInclusive;

use tightlip_model::Norm;

use crate::method::{Decline, FoundEstimate, FoundLower, Kind, Method, Problem, Proposal};
use crate::{Context, Judge, METHODS, method_named};

/// An option of a method.
#[derive(Debug, Clone)]
pub struct MethodOption {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub values: Values,
    /// What it does, one line.
    pub about: &'static str,
}

/// The values of an option.
#[derive(Debug, Clone)]
pub enum Values {
    /// One of these words, the first if nothing is said.
    OneOf(&'static [&'static str]),
    /// A whole number in a range, and the one if nothing is said.
    Whole(RangeInclusive<u64>, u64),
    /// A number in a range, and the one if nothing is said.
    Real(RangeInclusive<f64>, f64),
}

impl Values {
    /// The usual value.
    pub fn usual(&self) -> String {
        match self {
            Self::OneOf(words) => words[0].to_owned(),
            Self::Whole(_, usual) => usual.to_string(),
            Self::Real(_, usual) => usual.to_string(),
        }
    }

    /// The value in its one spelling, if it is one.
    fn checked(&self, value: &str) -> Option<String> {
        match self {
            Self::OneOf(words) => words.contains(&value).then(|| value.to_owned()),
            Self::Whole(range, _) => {
                value.parse().ok().filter(|number| range.contains(number)).map(|n: u64| n.to_string())
            }
            // NaN is in no range.
            Self::Real(range, _) => {
                value.parse().ok().filter(|number| range.contains(number)).map(|x: f64| x.to_string())
            }
        }
    }
}

impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OneOf(words) => f.write_str(&words.join("|")),
            Self::Whole(range, usual) => write!(f, "{}…{}, usually {usual}", range.start(), range.end()),
            Self::Real(range, usual) => write!(f, "{}…{}, usually {usual}", range.start(), range.end()),
        }
    }
}

/// Why a text names no method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// There is no such method.
    #[error("there is no method {name}; there are: {}", METHODS.iter().map(|method| method.name()).collect::<Vec<_>>().join(", "))]
    Method {
        /// The name.
        name: String,
    },
    /// The method has no such option.
    #[error("{method} has no option `{option}`; {known}")]
    Option {
        /// The method.
        method: &'static str,
        /// What was written.
        option: String,
        /// The options there are, in words.
        known: String,
    },
    /// An option is said twice.
    #[error("{method}: the option {option} is said twice")]
    Repeated {
        /// The method.
        method: &'static str,
        /// The option.
        option: &'static str,
    },
    /// The option has no such value.
    #[error("{method}: the option {option} cannot be `{value}`; want {option}={values}")]
    Value {
        /// The method.
        method: &'static str,
        /// The option.
        option: &'static str,
        /// What was written.
        value: String,
        /// What can be.
        values: String,
    },
}

/// A method with options.
struct WithOptions {
    inner: Inner,
    label: String,
}

/// The method behind it.
enum Inner {
    /// One of the list, as it is.
    Listed(&'static dyn Method),
    /// One of the list with other options.
    Changed(Box<dyn Method>),
}

impl WithOptions {
    fn inner(&self) -> &dyn Method {
        match &self.inner {
            Inner::Listed(method) => *method,
            Inner::Changed(method) => method.as_ref(),
        }
    }
}

/// The method that a text names, with its options.
///
/// # Errors
/// [`ChoiceError`] with what there is instead.
pub fn choose(text: &str) -> Result<Box<dyn Method>, ChoiceError> {
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or(text);
    let listed = method_named(name).ok_or_else(|| ChoiceError::Method { name: name.to_owned() })?;
    let mut chosen = WithOptions { inner: Inner::Listed(listed), label: String::new() };
    let mut said: Vec<(&'static str, String)> = Vec::new();
    for part in parts {
        let (option, value) = part.split_once('=').unwrap_or((part, ""));
        let Some(known) = listed.options().iter().find(|known| known.name == option) else {
            let known = known_options(listed);
            return Err(ChoiceError::Option { method: listed.name(), option: option.to_owned(), known });
        };
        let value = known.values.checked(value).ok_or_else(|| ChoiceError::Value {
            method: listed.name(),
            option: known.name,
            value: value.to_owned(),
            values: known.values.to_string(),
        })?;
        if said.iter().any(|(earlier, _)| *earlier == known.name) {
            return Err(ChoiceError::Repeated { method: listed.name(), option: known.name });
        }
        chosen.inner = Inner::Changed(chosen.inner().with_option(known.name, &value));
        said.push((known.name, value));
    }
    chosen.label = label(listed, &said);
    Ok(Box::new(chosen))
}

/// The name with the options that are not the usual ones, in the order of the method's list.
fn label(method: &dyn Method, said: &[(&'static str, String)]) -> String {
    let unusual = |option: &MethodOption| {
        let (_, value) = said.iter().find(|(name, _)| *name == option.name)?;
        (*value != option.values.usual()).then(|| format!("{}={value}", option.name))
    };
    let parts: Vec<String> = method.options().iter().filter_map(unusual).collect();
    if parts.is_empty() { method.name().to_owned() } else { format!("{}:{}", method.name(), parts.join(":")) }
}

/// The options of a method in words.
fn known_options(method: &dyn Method) -> String {
    if method.options().is_empty() {
        return "it has none".to_owned();
    }
    let words: Vec<String> =
        method.options().iter().map(|option| format!("{} ({})", option.name, option.values)).collect();
    format!("it has: {}", words.join("; "))
}

impl Method for WithOptions {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn summary(&self) -> &'static str {
        self.inner().summary()
    }

    fn kind(&self) -> Kind {
        self.inner().kind()
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        self.inner().norms()
    }

    fn reference(&self) -> &'static str {
        self.inner().reference()
    }

    fn is_closed_form(&self) -> bool {
        self.inner().is_closed_form()
    }

    fn options(&self) -> &'static [MethodOption] {
        self.inner().options()
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        self.inner().with_option(option, value)
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        self.inner().propose(problem, context, judge)
    }

    fn find_lower(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundLower, Decline> {
        self.inner().find_lower(problem, context)
    }

    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        self.inner().estimate(problem, context)
    }
}
