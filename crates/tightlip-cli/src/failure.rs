//! How the program fails: one message with what, where and what to do, and an exit code that scripts can tell apart.

use std::fmt;
use std::path::Path;

use tightlip::{Decline, ExchangeError, Failure};
use tightlip_certify::Refusal;

/// The certificate or the proof was refused.
pub const REFUSED: u8 = 1;
/// Bad input or usage.
pub const BAD_INPUT: u8 = 2;
/// The method declined.
pub const DECLINED: u8 = 3;

/// A failed command.
#[derive(Debug)]
pub struct CommandFailure {
    code: u8,
    message: String,
    advice: Option<String>,
}

impl CommandFailure {
    /// Bad input, with advice where there is any.
    pub fn bad_input(message: impl Into<String>, advice: Option<String>) -> Self {
        Self { code: BAD_INPUT, message: message.into(), advice }
    }

    /// A refused proof or certificate.
    pub fn refused(message: impl Into<String>, advice: Option<String>) -> Self {
        Self { code: REFUSED, message: message.into(), advice }
    }

    /// Nothing was answered, and nothing went wrong.
    pub fn declined(message: impl Into<String>) -> Self {
        Self { code: DECLINED, message: message.into(), advice: None }
    }

    /// A sidecar or a solution that does not fit.
    pub fn of_exchange(path: &Path, error: ExchangeError) -> Self {
        match error {
            ExchangeError::Declined(decline) => decline.into(),
            other => Self::bad_input(
                format!("{}: {other}", path.display()),
                Some("export the program again from this model, and solve it again".to_owned()),
            ),
        }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parts of a message can come from a file: control characters must not reach the terminal.
        for character in self.message.chars() {
            if character.is_control() && character != '\n' {
                write!(f, "{}", character.escape_default())?;
            } else {
                fmt::Write::write_char(f, character)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for CommandFailure {}

impl miette::Diagnostic for CommandFailure {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.advice.as_ref().map(|advice| Box::new(advice) as Box<dyn fmt::Display>)
    }
}

impl From<tightlip_model::Error> for CommandFailure {
    fn from(error: tightlip_model::Error) -> Self {
        let advice = error.advice().map(str::to_owned);
        Self::bad_input(error.to_string(), advice)
    }
}

impl From<tightlip_bench::SuiteError> for CommandFailure {
    fn from(error: tightlip_bench::SuiteError) -> Self {
        let advice = "benchmarks/README.md explains every key of a suite; benchmarks/suites has examples";
        Self::bad_input(error.to_string(), Some(advice.to_owned()))
    }
}

impl From<tightlip_bench::FolderError> for CommandFailure {
    fn from(error: tightlip_bench::FolderError) -> Self {
        Self::bad_input(error.to_string(), None)
    }
}

impl From<tightlip_bench::TableError> for CommandFailure {
    fn from(error: tightlip_bench::TableError) -> Self {
        tightlip_bench::FolderError::from(error).into()
    }
}

impl From<tightlip_sdp::Error> for CommandFailure {
    fn from(error: tightlip_sdp::Error) -> Self {
        Self::bad_input(error.to_string(), None)
    }
}

impl From<Decline> for CommandFailure {
    fn from(decline: Decline) -> Self {
        Self {
            code: DECLINED,
            message: format!("declined: {decline}"),
            advice: Some("`tightlip methods` lists what there is".to_owned()),
        }
    }
}

impl From<Failure> for CommandFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Question(error) => Self::bad_input(error.to_string(), error.advice().map(str::to_owned)),
            Failure::Declined(decline) => decline.into(),
            Failure::NotBegun => Self::declined(failure.to_string()),
            Failure::Refused { refusal: Refusal::Memory { .. }, .. } => Self {
                code: DECLINED,
                message: format!("declined: {failure}"),
                advice: Some("raise --memory-limit".to_owned()),
            },
            Failure::Refused { .. } => Self::refused(
                failure.to_string(),
                Some("take another method, or rescale the model if its weights are extreme".to_owned()),
            ),
            other => Self::refused(other.to_string(), None),
        }
    }
}
