//! What is wrong with a suite, where, and what would be right.

use std::path::{Path, PathBuf};

/// A suite that cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The suite file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML, or has a key or a value that is not known.
    #[error("{}, line {line}: {what}", path.display())]
    Syntax {
        /// The suite file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// It says something impossible.
    #[error("{}: {what}", path.display())]
    Content {
        /// The suite file.
        path: PathBuf,
        /// What, and what was wanted.
        what: String,
    },
}

impl SuiteError {
    /// The error of the TOML reader, with the nearest key where one is misspelt.
    pub(super) fn of_toml(error: &toml::de::Error, text: &str, path: &Path) -> Self {
        let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        Self::Syntax { path: path.into(), line, what: explained(error.message()) }
    }
}

/// "unknown field `x`, expected one of `a`, `b`" as people would say it.
fn explained(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [unknown, known @ ..] if message.starts_with("unknown field") && !known.is_empty() => {
            format!("unknown key `{unknown}`{}; there are: {}", nearest(unknown, known), known.join(", "))
        }
        _ => message.trim().replace('\n', "; "),
    }
}

/// `, did you mean ‘b’?` if a known word is near.
pub(super) fn nearest(word: &str, known: &[&str]) -> String {
    /// Jaro–Winkler similarity from which a suggestion helps more than it misleads.
    const NEAR: f64 = 0.75;
    let similarity = |candidate: &str| strsim::jaro_winkler(word, candidate);
    let best = known.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    match best.filter(|best| similarity(best) >= NEAR) {
        Some(best) => format!(" (did you mean `{best}`?)"),
        None => String::new(),
    }
}
