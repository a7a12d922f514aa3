//! `tightlip compare MODEL…`: every method on every model, side by side.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tightlip_bench::{
    FolderError, LimitsEntry, MethodList, NetworkFacts, NetworkSource, Observer, Plan, ProcessExecutor, Record, RunEnd,
    Runner, Sink, Stamp, Status, TraceRecord, Unfinished, complete, inspect, table_of_records,
};
use tightlip_model::file;

use super::printed;
use crate::arguments::CompareArguments;
use crate::comparison::Comparison;
use crate::failure::CommandFailure;
use crate::progress::CellDisplay;
use crate::{destination, findings, interrupt, machine, table};

/// Rows that are kept in memory until all are there.
struct Kept;

impl Sink for Kept {
    fn append(&mut self, _: &Record, _: &[TraceRecord]) -> Result<(), FolderError> {
        Ok(())
    }
}

/// Runs the command.
pub fn run(arguments: &CompareArguments) -> Result<(), CommandFailure> {
    if let Some(path) = &arguments.records {
        for model in &arguments.models {
            destination::check_records(path, model)?;
        }
    }
    let mut models = Vec::new();
    let mut facts = Vec::new();
    for path in &arguments.models {
        let name = path.display().to_string();
        if models.iter().any(|(known, _)| *known == name) {
            return Err(CommandFailure::bad_input(format!("{name} is given twice"), None));
        }
        let source = NetworkSource::File { path: path.clone(), activation: arguments.activation };
        facts.push(facts_of(path, arguments)?);
        models.push((name, source));
    }
    let plan = Plan::of_models(&models, &methods(arguments), arguments.question.query(), limits(arguments)?)
        .map_err(|what| CommandFailure::bad_input(format!("--methods: {what}"), None))?;
    let mut records = Vec::new();
    let end = run_plan(&plan, &mut records)?;
    complete(&mut records);
    let found = inspect(&records);
    if arguments.json {
        printed(table::print_json(&records))?;
    } else {
        for ((name, _), facts) in models.iter().zip(&facts) {
            let rows: Vec<&Record> = records.iter().filter(|record| record.network == *name).collect();
            printed(Comparison::new(name, facts, &rows).print())?;
        }
        printed(findings::print(&found))?;
    }
    // After the tables: if it cannot be written, they are not lost.
    if let Some(path) = &arguments.records {
        file::store(path, &table_of_records(&records))?;
    }
    if let RunEnd::Interrupted { left } = end {
        return Err(CommandFailure::bad_input(format!("interrupted: {left} cells were not run"), None));
    }
    findings::judged(&found)?;
    if records.iter().all(|record| record.proved.is_none()) {
        return Err(no_answer(&records));
    }
    Ok(())
}

/// Reads a model once before anything runs, so that a bad file is one clear error.
fn facts_of(path: &Path, arguments: &CompareArguments) -> Result<NetworkFacts, CommandFailure> {
    let options = file::ReadOptions { activation: arguments.activation, ..file::ReadOptions::default() };
    let network = file::read(path, &options)?;
    arguments.question.output.validated(network.outputs())?;
    Ok(NetworkFacts::of(&network))
}

fn methods(arguments: &CompareArguments) -> MethodList {
    match arguments.methods.as_slice() {
        [word] if word == "all" => MethodList::Unsaid,
        names => MethodList::Names(names.to_vec()),
    }
}

fn limits(arguments: &CompareArguments) -> Result<LimitsEntry, CommandFailure> {
    const MIB: u64 = 1 << 20;
    let limits = super::limits_without_interrupt(&arguments.resources, arguments.seed);
    let entry = LimitsEntry {
        time_s: arguments.time_limit,
        memory_mib: (limits.memory_bytes / MIB).max(1),
        threads: u32::try_from(limits.threads).unwrap_or(u32::MAX),
        tolerance: arguments.tolerance,
        seed: arguments.seed,
    };
    entry.check().map_err(|what| CommandFailure::bad_input(what, None)).map(|()| entry)
}

/// Runs the cells, in processes of their own.
fn run_plan(plan: &Plan, records: &mut Vec<Record>) -> Result<RunEnd, CommandFailure> {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let stamp = Stamp {
        run_id: format!("{}-compare", now.replace(['-', ':'], "")),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: machine::commit(),
        cpu: machine::cpu(),
    };
    let interrupt = interrupt::between_cells();
    let program = machine::this_program()?;
    let mut executor = ProcessExecutor {
        program,
        arguments: vec!["cell".into()],
        interrupt: Arc::clone(&interrupt),
        loading: ProcessExecutor::LOADING,
    };
    let mut display = CellDisplay::start();
    let observer: &mut dyn Observer = &mut display;
    Runner {
        stamp: &stamp,
        executor: &mut executor,
        sink: &mut Kept,
        observer,
        interrupt: &interrupt,
        // Who waits for a comparison and interrupts it wants what there is.
        unfinished: Unfinished::Keep,
    }
    .run(plan, records)
    .map_err(Into::into)
}

/// The failure of a comparison in which nothing was proved.
fn no_answer(records: &[Record]) -> CommandFailure {
    let declined = records.iter().all(|record| record.status == Status::Declined);
    let message = "no method proved anything; the table says why".to_owned();
    if declined { CommandFailure::declined(message) } else { CommandFailure::refused(message, None) }
}
