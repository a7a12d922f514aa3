//! `tightlip methods`: what there is.

use serde::Serialize;
use tightlip::{Kind, METHODS};

use super::printed;
use crate::arguments::MethodsArguments;
use crate::failure::CommandFailure;
use crate::table;

/// One method.
#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    kind: Kind,
    norms: Vec<String>,
    summary: &'static str,
    reference: &'static str,
}

/// Runs the command.
pub fn run(arguments: &MethodsArguments) -> Result<(), CommandFailure> {
    let entries: Vec<Entry> = METHODS
        .iter()
        .map(|method| Entry {
            name: method.name(),
            kind: method.kind(),
            norms: method.norms().iter().map(|(input, output)| format!("{input}→{output}")).collect(),
            summary: method.summary(),
            reference: method.reference(),
        })
        .collect();
    if arguments.json {
        return printed(table::print_json(&entries));
    }
    let mut lines = Vec::new();
    for entry in &entries {
        lines.push((entry.name, format!("{} bound, ℓ{}: {}", entry.kind, entry.norms.join(", ℓ"), entry.summary)));
        lines.push(("", entry.reference.to_owned()));
    }
    printed(table::print_lines(&lines))
}
