//! The questions of a suite about a network, in the order of the file, without doubles.

use tightlip_model::{OutputSelection, Outputs, Query};

use super::networks::Named;
use crate::suite::{NetworkEntry, Suite};

/// The questions about one network of `entry`. The network is looked at only where `each` output is asked about.
///
/// # Errors
/// In words, if the outputs of a network have to be counted that is not here or cannot be read.
pub(super) fn about(suite: &Suite, entry: &NetworkEntry, named: &Named) -> Result<Vec<Query>, String> {
    let entries = if entry.queries.is_empty() { &suite.queries } else { &entry.queries };
    if entries.is_empty() {
        return Ok(vec![Query::euclidean(OutputSelection::All)]);
    }
    let outputs = if entries.iter().any(|entry| entry.output == Outputs::Each) { count(named)? } else { 0 };
    let mut queries: Vec<Query> = Vec::new();
    for query in entries.iter().flat_map(|entry| entry.queries(outputs)) {
        if !queries.contains(&query) {
            queries.push(query);
        }
    }
    Ok(queries)
}

/// How many outputs a network has.
fn count(named: &Named) -> Result<usize, String> {
    let fault =
        |what: &str| format!("{}: output = \"each\" needs to know how many outputs there are: {what}", named.name);
    match &named.model {
        Ok(network) => network.outputs(named.sha256.as_deref()).map_err(|what| fault(&what)),
        Err(reason) => Err(fault(&format!("{reason}; name the outputs one by one instead"))),
    }
}
