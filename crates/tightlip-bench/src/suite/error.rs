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
        let beginning = text.lines().nth(line - 1).unwrap_or_default().trim();
        let table =
            beginning.strip_prefix('[').and_then(|rest| rest.split(']').next()).filter(|_| line_is_table(beginning));
        let what = match table {
            Some(name) if error.message().starts_with("invalid type: map, expected a sequence") => {
                format!("[{name}] begins a table where a list is wanted: write [[{name}]], with two brackets")
            }
            _ => explained(error.message()),
        };
        Self::Syntax { path: path.into(), line, what }
    }
}

fn line_is_table(line: &str) -> bool {
    line.starts_with('[') && !line.starts_with("[[")
}

/// What the readers of TOML and of its values say, as people would say it.
fn explained(message: &str) -> String {
    /// Types of numbers, and what they are.
    const NUMBERS: [(&str, &str); 5] = [
        ("expected f64", "want a number"),
        ("expected u32", "want a whole number from 0"),
        ("expected u64", "want a whole number from 0"),
        ("expected usize", "want a whole number from 0"),
        ("expected a string", "want text: write it in quotes"),
    ];
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [unknown, known @ ..] if message.starts_with("unknown field") && !known.is_empty() => {
            format!("unknown key `{unknown}`{}; there are: {}", nearest(unknown, known), known.join(", "))
        }
        _ => {
            let message = message.trim().replace('\n', "; ");
            let number = NUMBERS.iter().find(|(kind, _)| message.ends_with(kind));
            number.map_or(message.clone(), |(kind, want)| message.replace(kind, want))
        }
    }
}

/// `, did you mean ‘b’?` if a known word is near.
pub(crate) fn nearest(word: &str, known: &[&str]) -> String {
    /// Jaro–Winkler similarity from which a suggestion helps more than it misleads.
    const NEAR: f64 = 0.75;
    /// Whoever writes the beginning of a name means it.
    const BEGINNING: f64 = 1.0;
    let similarity = |candidate: &str| {
        let begun = if !word.is_empty() && candidate.starts_with(word) { BEGINNING } else { 0.0 };
        begun + strsim::jaro_winkler(word, candidate)
    };
    let best = known.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    match best.filter(|best| similarity(best) >= NEAR) {
        Some(best) => format!(" (did you mean `{best}`?)"),
        None => String::new(),
    }
}
