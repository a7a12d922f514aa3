//! What a reader or writer reports before the path of the file is known.

use std::path::Path;

use crate::{Error, UnsupportedNode};

/// An [`Error`] without its path.
#[derive(Debug)]
pub(super) enum Fault {
    /// The content cannot be used.
    Content {
        /// What was found, where, and what was wanted.
        what: String,
        /// What the user can do about it.
        advice: Option<String>,
    },
    /// The content is understood but not supported.
    Unsupported(Vec<UnsupportedNode>),
}

impl Fault {
    /// A fault in the content.
    pub fn new(what: impl Into<String>) -> Self {
        Self::Content { what: what.into(), advice: None }
    }

    /// The same fault with advice.
    pub fn advise(self, text: impl Into<String>) -> Self {
        match self {
            Self::Content { what, .. } => Self::Content { what, advice: Some(text.into()) },
            Self::Unsupported(nodes) => Self::Unsupported(nodes),
        }
    }

    /// The same fault with its place in front.
    pub fn within(self, place: &str) -> Self {
        match self {
            Self::Content { what, advice } => Self::Content { what: format!("{place}: {what}"), advice },
            Self::Unsupported(nodes) => Self::Unsupported(nodes),
        }
    }

    /// The error of a file.
    pub fn at(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Self::Content { what, advice } => Error::File { path, what, advice },
            Self::Unsupported(nodes) => Error::Unsupported { path, nodes },
        }
    }
}

/// What is wrong with a network is wrong with the file it comes from.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}
