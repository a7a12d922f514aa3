//! Puts the shards of a run together.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::distrust::complete;
use crate::environment::Environment;
use crate::folder::{ENVIRONMENT, FolderError, RECORDS, TRACES, access, store};
use crate::plan::Shard;
use crate::record::Record;
use crate::table;

/// One shard on disk.
struct Part {
    shard: Shard,
    path: PathBuf,
    environment: Environment,
    records: Vec<Record>,
}

/// Merges the folders `shard-I-of-N` in `folder` into one run in `folder` itself, and returns its rows.
///
/// # Errors
/// If a shard is missing, not finished, damaged, or of another suite; then nothing is written.
pub fn merge(folder: &Path) -> Result<Vec<Record>, FolderError> {
    let fault = |what: String| FolderError::Shards { path: folder.into(), what };
    let parts = parts_of(folder)?;
    check(&parts).map_err(fault)?;
    let mut records: Vec<Record> = parts.iter().flat_map(|part| part.records.iter().cloned()).collect();
    let mut cells = BTreeSet::new();
    if let Some(twice) = records.iter().find(|record| !cells.insert(record.cell.as_str())) {
        return Err(fault(format!("two shards have a row for {}, {}: they overlap", twice.network, twice.method)));
    }
    let target = folder.join(RECORDS);
    if target.exists() {
        let (before, _) = table::read_records(&target)?;
        // Only what an earlier merge wrote is written again.
        if Environment::read(folder).map_or(0, |environment| environment.merged) == 0 {
            return Err(FolderError::Occupied { path: target });
        }
        if before.iter().any(|record| !cells.contains(record.cell.as_str())) {
            return Err(FolderError::Occupied { path: target });
        }
    }
    complete(&mut records);
    let mut traces = Vec::new();
    for part in &parts {
        traces.extend(table::read_traces(&part.path.join(TRACES))?.0);
    }
    store(&folder.join(TRACES), &table::of_traces(&traces))?;
    store(&folder.join(ENVIRONMENT), whole(&parts, records.len()).to_json().as_bytes())?;
    store(&target, &table::of_records(&records))?;
    Ok(records)
}

/// The shards in a folder, by index.
fn parts_of(folder: &Path) -> Result<Vec<Part>, FolderError> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder).map_err(access(folder, "read"))? {
        let path = entry.map_err(access(folder, "read"))?.path();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let shard = name.strip_prefix("shard-").map(|rest| rest.replace("-of-", "/"));
        let Some(shard) = shard.and_then(|text| Shard::parse(&text).ok()).filter(|_| path.is_dir()) else { continue };
        let environment = Environment::read(&path)?;
        let (records, _) = table::read_records(&path.join(RECORDS))?;
        parts.push(Part { shard, path, environment, records });
    }
    parts.sort_by_key(|part| part.shard.index);
    Ok(parts)
}

/// Whether the shards make a whole run.
fn check(parts: &[Part]) -> Result<(), String> {
    let Some(first) = parts.first() else {
        return Err(
            "there are no folders shard-I-of-N here: give the folder that was given to --shard runs with -o".to_owned()
        );
    };
    let count = first.shard.count;
    if let Some(other) = parts.iter().find(|part| part.shard.count != count) {
        return Err(format!(
            "{} and {} are parts of different divisions: keep one of them",
            first.shard.folder(),
            other.shard.folder()
        ));
    }
    if let Some(other) = parts.iter().find(|part| part.environment.suite_sha256 != first.environment.suite_sha256) {
        return Err(format!(
            "{} and {} ran different suite files: run one of them again",
            first.shard.folder(),
            other.shard.folder()
        ));
    }
    let missing: Vec<String> = (1..=count)
        .filter(|index| parts.iter().all(|part| part.shard.index != *index))
        .map(|index| Shard { index, count }.folder())
        .collect();
    if !missing.is_empty() {
        return Err(format!("missing: {}; run them, or copy their folders here", missing.join(", ")));
    }
    match parts.iter().find(|part| part.records.len() < part.environment.cells) {
        Some(part) => Err(format!(
            "{} has {} of {} rows: finish it with --resume",
            part.shard.folder(),
            part.records.len(),
            part.environment.cells
        )),
        None => Ok(()),
    }
}

/// The environment of the whole run.
fn whole(parts: &[Part], cells: usize) -> Environment {
    let mut environment = parts[0].environment.clone();
    environment.shard = None;
    environment.merged = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    environment.cells = cells;
    let of = |text: fn(&Environment) -> Option<String>| {
        let all: BTreeSet<String> = parts.iter().filter_map(|part| text(&part.environment)).collect();
        all.into_iter().collect::<Vec<_>>().join("; ")
    };
    environment.run_id = of(|environment| Some(environment.run_id.clone()));
    environment.cpu = Some(of(|environment| environment.cpu.clone())).filter(|text| !text.is_empty());
    environment.system = of(|environment| Some(environment.system.clone()));
    environment.commit = Some(of(|environment| environment.commit.clone())).filter(|text| !text.is_empty());
    environment.resumed = parts.iter().flat_map(|part| part.environment.resumed.clone()).collect();
    environment
}
