//! `tightlip methods`: what there is.

use serde::Serialize;
use tightlip::{Kind, METHODS, Method, MethodOption};
use tightlip_model::{Case, Norm, OutputSelection, Query};

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
    options: Vec<OptionEntry>,
    reference: &'static str,
}

/// One option of a method.
#[derive(Debug, Serialize)]
struct OptionEntry {
    name: &'static str,
    values: String,
    usual: String,
    about: &'static str,
}

/// Runs the command.
pub fn run(arguments: &MethodsArguments) -> Result<(), CommandFailure> {
    let entries: Vec<Entry> = METHODS
        .iter()
        .map(|method| Entry {
            name: method.name(),
            kind: method.kind(),
            norms: questions(*method).iter().map(|(input, output)| format!("{input}→{output}")).collect(),
            summary: method.summary(),
            options: method.options().iter().map(option).collect(),
            reference: method.reference(),
        })
        .collect();
    if arguments.json {
        return printed(table::print_json(&entries));
    }
    let mut lines = Vec::new();
    for entry in &entries {
        let norms = if entry.norms.len() == NORMS.len().pow(2) {
            "between any of ℓ1, ℓ2, ℓ∞".to_owned()
        } else {
            format!("ℓ{}", entry.norms.join(", ℓ"))
        };
        let kind = match entry.kind {
            Kind::FglLower => "lower bound of FGL",
            Kind::Lower => "lower bound",
            Kind::Estimate => "ESTIMATE, NO BOUND",
            _ => "upper bound",
        };
        lines.push((entry.name, entry.summary.to_owned()));
        lines.push(("", format!("{kind}, {norms}; {}", entry.reference)));
        for OptionEntry { name, values, about, .. } in &entry.options {
            lines.push(("", format!("option {name}: {values}; {about}")));
        }
    }
    printed(table::print_lines(&lines))
}

/// One option; the first value, or the one said to be usual, is the usual one.
fn option(option: &MethodOption) -> OptionEntry {
    OptionEntry {
        name: option.name,
        values: option.values.to_string(),
        usual: option.values.usual(),
        about: option.about,
    }
}

/// All norms.
const NORMS: [Norm; 3] = [Norm::L1, Norm::L2, Norm::LInf];

/// The pairs of norms a method can be asked about: those it supports, and those that reduce to them case by case.
fn questions(method: &dyn Method) -> Vec<(Norm, Norm)> {
    if method.kind() == Kind::Estimate {
        return method.norms().to_vec();
    }
    let supported = |&(input_norm, output_norm): &(Norm, Norm)| {
        let direct = Case::query(&Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) });
        method.norms().contains(&(direct.input_norm, direct.output_norm))
    };
    NORMS.iter().flat_map(|&input| NORMS.map(|output| (input, output))).filter(supported).collect()
}
