//! `tightlip bench SUITE.toml -o DIR`: every cell of a suite, each in a process of its own.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tightlip_bench::{
    Environment, Finding, ProcessExecutor, RECORDS, Record, RunEnd, RunFolder, Runner, Shard, Stamp, Suite, Unfinished,
    complete, inspect, merge,
};

use super::printed;
use crate::arguments::{BenchArguments, BenchTask};
use crate::failure::CommandFailure;
use crate::progress::CellDisplay;
use crate::{findings, interrupt, machine, table};

/// A suite with the cells that are this run's.
struct Prepared {
    plan: tightlip_bench::Plan,
    environment: Environment,
    shard: Option<Shard>,
}

/// Runs the command.
pub fn run(arguments: &BenchArguments) -> Result<(), CommandFailure> {
    if let Some(BenchTask::Merge(arguments)) = &arguments.task {
        let records = merge(&arguments.folder)?;
        return conclude(&records, &arguments.folder);
    }
    let suite = arguments.suite.as_deref().ok_or_else(|| CommandFailure::bad_input("want a suite file", None))?;
    let prepared = prepare(suite, arguments)?;
    if arguments.list {
        return list(&prepared);
    }
    let output = arguments.output.as_deref().ok_or_else(|| CommandFailure::bad_input("want a folder: -o DIR", None))?;
    let folder = prepared.shard.map_or_else(|| output.to_path_buf(), |shard| output.join(shard.folder()));
    measure(&prepared, &folder, arguments)
}

/// Reads the suite and makes its plan.
fn prepare(path: &Path, arguments: &BenchArguments) -> Result<Prepared, CommandFailure> {
    let suite = Suite::read(path)?;
    if let Some(folder) = arguments.external.as_deref().filter(|folder| !folder.is_dir()) {
        let what = format!("--external {}: there is no such folder", folder.display());
        return Err(CommandFailure::bad_input(what, None));
    }
    let mut plan = tightlip_bench::Plan::new(&suite, path, arguments.external.as_deref())?;
    let shard = match arguments.shard {
        Some(shard) => Some(shard),
        None => shard_of_array()?,
    };
    if let (Some(shard), None) = (shard, arguments.shard) {
        let part = format!("{} of {}", shard.index, shard.count);
        tell(&format!("part {part}, because this is a task of a SLURM array; --shard 1/1 runs everything"));
    }
    if let Some(shard) = shard {
        plan = plan.shard(shard);
    }
    plan.check_networks().map_err(|what| CommandFailure::bad_input(format!("{}: {what}", path.display()), None))?;
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let part = shard.map_or_else(String::new, |shard| format!("-{}of{}", shard.index, shard.count));
    let bytes = std::fs::read(path)
        .map_err(|error| CommandFailure::bad_input(format!("{}: cannot be read: {error}", path.display()), None))?;
    let mut environment = Environment {
        run_id: format!("{}-{}{part}", now.replace(['-', ':'], ""), suite.name),
        started: now,
        suite: suite.name,
        description: suite.description,
        suite_file: path.display().to_string(),
        suite_sha256: Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")),
        command: command_line(),
        shard,
        cells: plan.cells.len(),
        version: String::new(),
        commit: None,
        build: String::new(),
        cpu: None,
        cores: 0,
        memory_mib: None,
        system: String::new(),
        load_before: None,
        merged: 0,
        resumed: Vec::new(),
    };
    machine::describe(&mut environment);
    Ok(Prepared { plan, environment, shard })
}

/// The part that a SLURM array gives this process. Arrays that do not count from the first task are numbered from there.
fn shard_of_array() -> Result<Option<Shard>, CommandFailure> {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(id), Some(count)) = (variable("SLURM_ARRAY_TASK_ID"), variable("SLURM_ARRAY_TASK_COUNT")) else {
        return Ok(None);
    };
    let first = variable("SLURM_ARRAY_TASK_MIN").unwrap_or_else(|| "1".to_owned());
    let number = |text: &str| text.parse::<u32>().ok();
    let index = number(&id).zip(number(&first)).and_then(|(id, first)| id.checked_sub(first)?.checked_add(1));
    let shard = index.and_then(|index| Shard::parse(&format!("{index}/{count}")).ok());
    shard.map(Some).ok_or_else(|| {
        CommandFailure::bad_input(
            format!(
                "SLURM_ARRAY_TASK_ID={id}, SLURM_ARRAY_TASK_COUNT={count}, first {first}: this is no part of a run"
            ),
            Some("number the array without gaps (--array=1-N), or give --shard I/N".to_owned()),
        )
    })
}

/// Says something beside the result.
fn tell(words: &str) {
    // Where nobody listens the run goes on all the same.
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// The command as it was typed, the program without its folder.
fn command_line() -> String {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().map(PathBuf::from);
    let program = program.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    program.into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Runs the cells that have no row yet.
fn measure(prepared: &Prepared, folder: &Path, arguments: &BenchArguments) -> Result<(), CommandFailure> {
    let Prepared { plan, environment, .. } = prepared;
    // A job that is queued again has the same command line, whether it had begun or not.
    let goes_on = arguments.resume && folder.join(RECORDS).exists();
    let (mut run, mut records, stamp) = if goes_on { resumed(prepared, folder)? } else { begun(prepared, folder)? };
    if arguments.retry {
        run.forget(&mut records, |row| row.status.is_failure())?;
    }
    let interrupt = interrupt::between_cells();
    let threads = plan.cells.iter().map(|cell| cell.limits.threads as usize).max().unwrap_or(1);
    let cores = machine::reserve_cores(threads);
    if cores.is_none() {
        tell("other runs measure on these cores, too, so times will be longer than they should; run fewer at once");
    }
    let pin = cores.iter().flat_map(|cores| ["--pin".into(), cores.list().into()]);
    let mut executor = ProcessExecutor {
        program: machine::this_program()?,
        arguments: std::iter::once("cell".into()).chain(pin).collect(),
        interrupt: Arc::clone(&interrupt),
        loading: ProcessExecutor::LOADING,
    };
    let mut display = CellDisplay::start();
    let end = Runner {
        stamp: &stamp,
        executor: &mut executor,
        sink: &mut run,
        observer: &mut display,
        interrupt: &interrupt,
        unfinished: Unfinished::Discard,
    }
    .run(plan, &mut records);
    drop(display);
    match end? {
        RunEnd::Complete => {
            complete(&mut records);
            run.finish(&records)?;
            if environment.shard.is_some() {
                let lines = [
                    ("rows", records.len().to_string()),
                    ("next", "tightlip bench merge, when all shards are done".into()),
                ];
                printed(table::print_lines(&lines))?;
                return findings::judged(&inspect(&records));
            }
            conclude(&records, folder)
        }
        RunEnd::Interrupted { left } => Err(CommandFailure::bad_input(
            format!("interrupted: {} rows are in {}, {left} cells are left", records.len(), folder.display()),
            Some("go on with --resume".to_owned()),
        )),
    }
}

/// A folder, its rows so far, and what its rows say alike.
type Started = (RunFolder, Vec<Record>, Stamp);

/// A new run.
fn begun(prepared: &Prepared, folder: &Path) -> Result<Started, CommandFailure> {
    let environment = &prepared.environment;
    let run = RunFolder::create(folder, environment)?;
    Ok((run, Vec::new(), stamp(environment, environment.run_id.clone())))
}

/// A run that goes on.
fn resumed(prepared: &Prepared, folder: &Path) -> Result<Started, CommandFailure> {
    let planned: HashSet<&str> = prepared.plan.cells.iter().map(|cell| cell.key.as_str()).collect();
    let (mut run, records, cut) = RunFolder::resume(folder, |key| planned.contains(key))?;
    if cut > 0 {
        tell(&format!("the last row was cut short ({cut} bytes): its cell is run again"));
    }
    let before = run.resumed_at(&prepared.environment)?;
    Ok((run, records, stamp(&prepared.environment, before.run_id)))
}

/// What every row says alike.
fn stamp(environment: &Environment, run_id: String) -> Stamp {
    Stamp {
        run_id,
        version: environment.version.clone(),
        commit: environment.commit.clone(),
        cpu: environment.cpu.clone(),
    }
}

/// Prints the verdict on a complete run.
fn conclude(records: &[Record], folder: &Path) -> Result<(), CommandFailure> {
    let found: Vec<Finding> = inspect(records);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        *counts.entry(record.status.word()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
    printed(findings::print(&found))?;
    printed(table::print_lines(&[
        ("rows", format!("{}: {}", records.len(), counts.join(", "))),
        ("verdict", findings::verdict(&found).to_owned()),
        ("records", folder.join(RECORDS).display().to_string()),
        ("next", format!("tightlip report {}", folder.display())),
    ]))?;
    findings::judged(&found)
}

/// Prints the cells.
fn list(prepared: &Prepared) -> Result<(), CommandFailure> {
    let row = |cell: &tightlip_bench::Cell| {
        let question = format!("ℓ{}→ℓ{} {}", cell.query.input_norm, cell.query.output_norm, cell.query.output);
        let work = match &cell.work {
            tightlip_bench::Work::Run(_) => String::new(),
            tightlip_bench::Work::Skip { reason } => format!("skipped: {reason}"),
            tightlip_bench::Work::Publish => "published number".to_owned(),
        };
        let limits = format!("{} s", cell.limits.time_s);
        vec![cell.network.clone(), question, cell.method.clone(), limits, cell.repetition.to_string(), work]
    };
    let rows: Vec<Vec<String>> = prepared.plan.cells.iter().map(row).collect();
    printed(table::print_rows(&["network", "question", "method", "limit", "repetition", ""], &rows))?;
    let text = format!("{} cells", rows.len());
    printed(table::print_lines(&[("in all", text)]))
}
