//! `tightlip cliques MODEL`: how sparse the semidefinite program of a model is, and what its cliques would save.

use serde::Serialize;
use tightlip_model::{Case, IncrementSystem, Norm, Query, Reduction, Scaling, file};
use tightlip_sdp::{CliqueTree, Cone, Form, Merging, Pencil, Support, Tying};

use super::printed;
use crate::arguments::{CliqueForm, CliquesArguments};
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
    /// The form whose cliques are listed.
    listed: &'static str,
    /// Coordinates in the order of their elimination.
    elimination_order: Vec<String>,
    tree: Vec<CliqueFacts>,
}

/// One clique.
#[derive(Debug, Serialize)]
struct CliqueFacts {
    clique: usize,
    order: usize,
    /// Coordinates by block: inputs and outputs of the reduced system, neurons of hidden layers.
    members: Vec<String>,
    /// The clique it hangs on.
    parent: Option<usize>,
    /// What it shares with that.
    separator: Vec<String>,
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
    check_form(arguments, &query)?;
    let pencil = Pencil::new(reduction.system(), &query, Tying::Neuron);
    let mut forms = Vec::new();
    let mut analyse = |form: Form, names: [&'static str; 2]| {
        let support = Support::new(&pencil, form);
        let tree = CliqueTree::new(&support.pattern, Merging::ByCost);
        forms.push(facts(names[0], &support, None));
        forms.push(facts(names[1], &support, Some(&tree)));
        (names[0], support, tree)
    };
    // The form as published eliminates the output, which only the ℓ2 norm allows.
    let published = query.output_norm == Norm::L2;
    let full = published.then(|| analyse(Form::Full, ["full", "full, cliques"]));
    let bordered = analyse(Form::Bordered, ["bordered", "bordered, cliques"]);
    let (listed, support, tree) = match arguments.form {
        CliqueForm::Full => full.unwrap_or(bordered),
        CliqueForm::Bordered => bordered,
    };
    if let Some(svg) = &arguments.svg {
        let title = format!("{}, {listed} form", path.display());
        file::store(svg, picture::svg(&title, &support.pattern, &tree).as_bytes())?;
    }
    let named = |rows: &[usize]| named(&pencil, rows.iter().map(|&row| support.coordinates[row]));
    let cliques = Cliques {
        schema_version: 1,
        path: path.display().to_string(),
        order: pencil.order(),
        neurons: pencil.neurons().len(),
        forms,
        listed,
        elimination_order: named(tree.elimination_order()),
        tree: tree
            .cliques()
            .iter()
            .enumerate()
            .map(|(number, clique)| CliqueFacts {
                clique: number,
                order: clique.members.len(),
                members: named(&clique.members),
                parent: clique.parent,
                separator: named(&clique.separator),
            })
            .collect(),
    };
    printed(if arguments.json { table::print_json(&cliques) } else { print(&cliques) })
}

/// Refuses to list the cliques of a form that the question does not have.
fn check_form(arguments: &CliquesArguments, query: &Query) -> Result<(), CommandFailure> {
    match arguments.form {
        CliqueForm::Full if query.output_norm != Norm::L2 => Err(CommandFailure::bad_input(
            "--form full: it eliminates the outputs, which only their ℓ2 norm allows".to_owned(),
            Some("take --form bordered, or --output-norm 2".to_owned()),
        )),
        CliqueForm::Full | CliqueForm::Bordered => Ok(()),
    }
}

/// Coordinates by block, runs together: `inputs 0–3`, `layer 2: 5`.
fn named(pencil: &Pencil, coordinates: impl Iterator<Item = usize>) -> Vec<String> {
    let last = pencil.blocks().len() - 1;
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for coordinate in coordinates {
        let block = pencil.blocks().partition_point(|block| block.end <= coordinate);
        let index = coordinate - pencil.blocks()[block].start;
        match runs.last_mut() {
            Some((known, _, end)) if *known == block && *end + 1 == index => *end = index,
            _ => runs.push((block, index, index)),
        }
    }
    let text = |(block, first, end): (usize, usize, usize)| {
        let place = match block {
            0 => "input".to_owned(),
            block if block == last => "output".to_owned(),
            block => format!("layer {block}:"),
        };
        if first == end { format!("{place} {first}") } else { format!("{place} {first}–{end}") }
    };
    runs.into_iter().map(text).collect()
}

/// The figures of one form: one cone, or one for each clique of `tree`.
fn facts(form: &'static str, support: &Support, tree: Option<&CliqueTree>) -> FormFacts {
    let order = support.pattern.order();
    let mut cones = tree.map_or_else(|| vec![order], CliqueTree::orders);
    cones.sort_unstable_by(|one, other| other.cmp(one));
    FormFacts {
        form,
        nonzeros: support.pattern.nonzeros(),
        fill: tree.map_or(entries(order) - support.pattern.nonzeros(), CliqueTree::fill),
        variables: support.variables + tree.map_or(0, CliqueTree::separator_entries),
        rows: cones.iter().map(|&order| entries(order)).sum::<usize>() + support.other_rows,
        predicted_mib: tightlip_clarabel::predicted_bytes_of(&cones) >> 20,
        cones,
    }
}

/// Entries of the upper triangle of a matrix of this order.
fn entries(order: usize) -> usize {
    Cone::PositiveSemidefinite(order).rows()
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
    table::print_rows(&header, &cliques.forms.iter().map(row).collect::<Vec<_>>())?;
    print_tree(cliques)
}

/// Prints elimination order and clique tree.
fn print_tree(cliques: &Cliques) -> std::io::Result<()> {
    /// More cliques than this are for programs to read.
    const SHOWN: usize = 60;
    let order = cliques.elimination_order.join(", ");
    table::print_lines(&[
        ("listed", format!("the cliques of the {} form; coordinates of the reduced system", cliques.listed)),
        ("eliminated", order),
    ])?;
    let row = |clique: &CliqueFacts| {
        let parent = clique.parent.map_or_else(|| "root".to_owned(), |parent| parent.to_string());
        let parts = [clique.clique.to_string(), clique.order.to_string(), clique.members.join(", "), parent];
        let mut row = parts.to_vec();
        row.push(clique.separator.join(", "));
        row
    };
    let rows: Vec<_> = cliques.tree.iter().take(SHOWN).map(row).collect();
    table::print_rows(&["clique", "order", "members", "parent", "separator"], &rows)?;
    match cliques.tree.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => table::print_lines(&[("", format!("{more} more cliques; --json lists all"))]),
    }
}
