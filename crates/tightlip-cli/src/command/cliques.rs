//! `tightlip cliques MODEL`: how sparse the semidefinite program of a model is, and what its cliques would save.

use serde::Serialize;
use tightlip_model::{Case, IncrementSystem, Norm, Reduction, Scaling, file};
use tightlip_sdp::{CliqueTree, Form, Merging, Pencil, Support, Tying};

use super::printed;
use crate::arguments::CliquesArguments;
use crate::failure::CommandFailure;
use crate::{destination, picture, table};

/// What is known of the program.
#[derive(Debug, Serialize)]
struct Cliques {
    schema_version: u32,
    path: String,
    /// Signals that are left after dead ones are gone and input and output are shrunk.
    order: usize,
    neurons: usize,
    forms: Vec<FormFacts>,
}

/// One way to write it.
#[derive(Debug, Serialize)]
struct FormFacts {
    form: &'static str,
    /// Orders of the semidefinite cones, the largest first.
    cones: Vec<usize>,
    /// Entries of the upper triangle that may be nonzero.
    nonzeros: usize,
    /// Entries that are added to make the pattern chordal, or to fill one cone.
    fill: usize,
    variables: usize,
    rows: usize,
    /// What Clarabel is expected to need.
    predicted_mib: u64,
}

/// Runs the command.
pub fn run(arguments: &CliquesArguments) -> Result<(), CommandFailure> {
    let path = &arguments.model.model;
    if let Some(svg) = &arguments.svg {
        destination::check_picture(svg, path)?;
    }
    let network = file::read(path, &arguments.model.read_options())?;
    let query = arguments.question.query();
    query.output.validated(network.outputs())?;
    // ℓ1 inputs and ℓ∞ outputs are asked in cases, each with a program like this one.
    let query = Case::query(&query);
    let system = IncrementSystem::of_network(&network, query.output)?;
    let Some(reduction) = Reduction::new(&system, &query, Scaling::PerNeuron) else {
        let what = format!("{}: no output depends on an input, so there is no program", path.display());
        return Err(CommandFailure::bad_input(what, None));
    };
    let pencil = Pencil::new(reduction.system(), &query, Tying::Neuron);
    let mut forms = Vec::new();
    // The form as published eliminates the output, which only the ℓ2 norm allows.
    if query.output_norm == Norm::L2 {
        let support = Support::new(&pencil, Form::Full);
        forms.push(facts("full", &support, None));
        forms.push(facts("full, cliques", &support, Some(&tree_of(&support))));
    }
    let support = Support::new(&pencil, Form::Bordered);
    let tree = tree_of(&support);
    forms.push(facts("bordered", &support, None));
    forms.push(facts("bordered, cliques", &support, Some(&tree)));
    if let Some(svg) = &arguments.svg {
        let title = format!("{}, bordered form", path.display());
        file::store(svg, picture::svg(&title, &support.pattern, &tree).as_bytes())?;
    }
    let cliques = Cliques {
        schema_version: 1,
        path: path.display().to_string(),
        order: pencil.order(),
        neurons: pencil.neurons().len(),
        forms,
    };
    printed(if arguments.json { table::print_json(&cliques) } else { print(&cliques) })
}

fn tree_of(support: &Support) -> CliqueTree {
    CliqueTree::new(&support.pattern, Merging::ByCost)
}

/// The figures of one form: one cone, or one for each clique of `tree`.
fn facts(form: &'static str, support: &Support, tree: Option<&CliqueTree>) -> FormFacts {
    let order = support.pattern.order();
    let mut cones: Vec<usize> =
        tree.map_or_else(|| vec![order], |tree| tree.cliques().iter().map(|clique| clique.members.len()).collect());
    cones.sort_unstable_by(|one, other| other.cmp(one));
    let separators = tree.into_iter().flat_map(CliqueTree::cliques).map(|clique| entries(clique.separator.len()));
    FormFacts {
        form,
        nonzeros: support.pattern.nonzeros(),
        fill: tree.map_or(entries(order) - support.pattern.nonzeros(), CliqueTree::fill),
        variables: support.variables + separators.sum::<usize>(),
        rows: cones.iter().map(|&order| entries(order)).sum::<usize>() + support.other_rows,
        predicted_mib: tightlip_clarabel::predicted_bytes_of(&cones) >> 20,
        cones,
    }
}

/// Entries of the upper triangle of a matrix of this order.
fn entries(order: usize) -> usize {
    order * (order + 1) / 2
}

/// Prints the human form.
fn print(cliques: &Cliques) -> std::io::Result<()> {
    table::print_lines(&[
        ("model", cliques.path.clone()),
        ("pencil", format!("order {}, {} neurons, after the reduction", cliques.order, cliques.neurons)),
    ])?;
    let row = |form: &FormFacts| {
        let largest = form.cones.first().copied().unwrap_or(0);
        let counts = [form.cones.len(), largest, form.nonzeros, form.fill, form.variables, form.rows];
        let mut row = vec![form.form.to_owned()];
        row.extend(counts.iter().map(ToString::to_string));
        row.push(form.predicted_mib.to_string());
        row
    };
    let header = ["form", "cones", "largest", "nonzeros", "fill", "variables", "rows", "MiB"];
    table::print_rows(&header, &cliques.forms.iter().map(row).collect::<Vec<_>>())
}
