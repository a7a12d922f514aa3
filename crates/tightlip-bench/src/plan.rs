//! The cells of a suite, in the order they are run.
//!
//! Networks and questions in the order of the file; for each of them the limits, the repetitions, and innermost the
//! methods: A B A B, so that a machine that slows down slows all of them. A shard takes whole questions, so that methods
//! that are compared ran on the same machine.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tightlip::{Kind, choose};
use tightlip_model::Query;

use crate::source::{NetworkSource, digest_of};
use crate::suite::{LimitsEntry, MethodList, NetworkEntry, PublishedEntry, Suite, SuiteError, nearest};
use networks::Named;

mod networks;
mod questions;

/// What is to be done for a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Run it.
    Run(Task),
    /// Nothing: the network is not here.
    Skip {
        /// Why.
        reason: String,
    },
    /// Nothing: it is a published number that no method here makes.
    Publish,
}

/// What a cell's process is told: everything that its answer depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The network.
    pub network: NetworkSource,
    /// Digest the file must have, so that a run is about the file it was planned for.
    pub file_sha256: Option<String>,
    /// Digest the canonical weights must have, for networks that are not part of this repository.
    pub sha256: Option<String>,
    /// The question.
    pub query: Query,
    /// The method.
    pub method: String,
    /// Time limit.
    pub time_s: f64,
    /// Memory limit.
    pub memory_mib: u64,
    /// Threads.
    pub threads: u32,
    /// Relative gap at which an iterative method may stop.
    pub tolerance: f64,
    /// Seed.
    pub seed: u64,
    /// Discarded runs before the one that counts.
    pub warmup: u32,
    /// Whether the course is wanted.
    pub trace: bool,
}

impl Task {
    /// What is wrong, if the model file is not the one the run was planned with.
    pub(crate) fn changed_file(&self) -> Option<String> {
        let (NetworkSource::File { path, .. }, Some(wanted)) = (&self.network, &self.file_sha256) else { return None };
        match digest_of(path) {
            Ok(found) if found == *wanted => None,
            Ok(_) => Some("the model file changed since the run began: take a new folder for the new file".to_owned()),
            Err(error) => Some(format!("the model file cannot be read any more: {error}")),
        }
    }
}

/// One cell: one row to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Digest of everything that defines it.
    pub key: String,
    /// Name of the network.
    pub network: String,
    /// Where it comes from, as the row says it.
    pub source: String,
    /// The question.
    pub query: Query,
    /// The method, or what made a published number.
    pub method: String,
    /// What the method's number is: upper, lower, fgl-lower, estimate, published.
    pub kind: String,
    /// The limits.
    pub limits: LimitsEntry,
    /// Repetition, from 1.
    pub repetition: u32,
    /// The published number it is compared with.
    pub published: Option<PublishedEntry>,
    /// What is to be done.
    pub work: Work,
}

/// A part of a plan: number `index` of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    /// Number of shards.
    pub count: u32,
}

impl Shard {
    /// Reads `2/4`.
    ///
    /// # Errors
    /// In words, if it is not that.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}`: want I/N with I from 1 to N, for example 2/4");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let number = |part: &str| part.parse::<u32>().ok().filter(|_| digits(part)).ok_or_else(wrong);
        let shard = Self { index: number(index)?, count: number(count)? };
        if shard.index == 0 || shard.index > shard.count { Err(wrong()) } else { Ok(shard) }
    }

    /// The name of its folder.
    pub fn folder(self) -> String {
        format!("shard-{}-of-{}", self.index, self.count)
    }
}

/// The cells of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Name of the suite.
    pub suite: String,
    /// The cells, in order.
    pub cells: Vec<Cell>,
}

impl Plan {
    /// The plan of `suite`, read from `path`; networks that are not part of the repository are looked for in `external`.
    ///
    /// # Errors
    /// [`SuiteError`] if a file is missing, two networks share a name, or nothing would be run.
    pub fn new(suite: &Suite, path: &Path, external: Option<&Path>) -> Result<Self, SuiteError> {
        let content = |what| SuiteError::Content { path: path.into(), what };
        let mut cells = Vec::new();
        // What two entries ask for is run once.
        let mut keys = BTreeSet::new();
        let mut names: Vec<(String, String)> = Vec::new();
        for entry in &suite.networks {
            let earlier = names.len();
            for named in networks::of_entry(entry, path, external).map_err(content)? {
                networks::keep_names_apart(&mut names, earlier, &named).map_err(content)?;
                for query in questions::about(suite, entry, &named).map_err(content)? {
                    let asked = Self::question(suite, entry, &named, query).map_err(content)?;
                    cells.extend(asked.into_iter().filter(|cell| keys.insert(cell.key.clone())));
                }
            }
        }
        let mut plan = Self { suite: suite.name.clone(), cells };
        plan.enter_published(suite, &names).map_err(content)?;
        Ok(plan)
    }

    /// Looks at every network once: what cannot be read, or does not have the outputs asked about, is one error before
    /// anything runs instead of a row for each method.
    ///
    /// # Errors
    /// In words, with the name of the network.
    pub fn check_networks(&self) -> Result<(), String> {
        let mut known: Vec<(&NetworkSource, usize)> = Vec::new();
        for cell in &self.cells {
            let Work::Run(task) = &cell.work else { continue };
            let fault = |what: String| format!("{}: {what}", cell.network);
            let seen = known.iter().find(|(network, _)| **network == task.network).map(|(_, outputs)| *outputs);
            let outputs = if let Some(outputs) = seen {
                outputs
            } else {
                let outputs = task.network.outputs(task.sha256.as_deref()).map_err(fault)?;
                known.push((&task.network, outputs));
                outputs
            };
            task.query.output.validated(outputs).map_err(|error| fault(error.to_string()))?;
        }
        Ok(())
    }

    /// One question about each of `models`, named, by each method, under one limit.
    ///
    /// # Errors
    /// If a method is not known.
    pub fn of_models(
        models: &[(String, NetworkSource)],
        methods: &MethodList,
        query: Query,
        limits: LimitsEntry,
    ) -> Result<Self, String> {
        let suite = Suite::ad_hoc("compare", methods.clone(), limits);
        let mut cells = Vec::new();
        for (name, source) in models {
            let named = Named {
                name: name.clone(),
                source: source.to_string(),
                model: Ok(source.clone()),
                sha256: None,
                digest: None,
            };
            cells.extend(Self::question(&suite, &NetworkEntry::default(), &named, query)?);
        }
        Ok(Self { suite: suite.name, cells })
    }

    /// The cells of one question about one network.
    fn question(suite: &Suite, entry: &NetworkEntry, named: &Named, query: Query) -> Result<Vec<Cell>, String> {
        let methods = if entry.methods.is_unsaid() { &suite.methods } else { &entry.methods }.resolve()?;
        let mut cells = Vec::new();
        for limits in suite.limits() {
            for repetition in 1..=suite.repetitions {
                for name in &methods {
                    let kind = choose(name).map_or(Kind::Upper, |method| method.kind());
                    // Lower bounds are what the others are measured with; once is enough.
                    if matches!(kind, Kind::Lower | Kind::FglLower) && repetition > 1 {
                        continue;
                    }
                    cells.push(Cell::new(suite, named, query, (name, kind), (limits, repetition)));
                }
            }
        }
        Ok(cells)
    }

    /// Enters published numbers into the cells that should make them, and adds rows for the others.
    fn enter_published(&mut self, suite: &Suite, names: &[(String, String)]) -> Result<(), String> {
        for entry in &suite.published {
            let fault = |what: String| Err(format!("published value {} of {}: {what}", entry.value, entry.network));
            let Some((name, source)) = names.iter().find(|(name, _)| *name == entry.network) else {
                let known: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
                return fault(format!("the suite has no network of this name{}", nearest(&entry.network, &known)));
            };
            let runs = |method: &String| self.cells.iter().any(|cell| cell.is_about(entry) && cell.method == *method);
            if let Some(base) = entry.relative_to.as_ref().filter(|base| !runs(base)) {
                return fault(format!("it is a ratio to {base}, but the suite does not run {base} on this question"));
            }
            if let Some(method) = &entry.method {
                let mut found = false;
                for cell in self.cells.iter_mut().filter(|cell| cell.is_about(entry) && cell.method == *method) {
                    if cell.published.is_some() {
                        return fault(format!("there is another one for {method} and this question"));
                    }
                    cell.published = Some(entry.clone());
                    found = true;
                }
                if !found {
                    return fault(format!("the suite does not run {method} on this question"));
                }
            } else {
                let cell = Cell::of_published(suite, (name, source), entry);
                if self.cells.iter().any(|other| other.key == cell.key) {
                    return fault("it stands there twice".to_owned());
                }
                let after = self.cells.iter().rposition(|cell| cell.network == entry.network);
                self.cells.insert(after.map_or(self.cells.len(), |at| at + 1), cell);
            }
        }
        Ok(())
    }

    /// The cells of one shard: every `count`-th question.
    #[must_use]
    pub fn shard(mut self, shard: Shard) -> Self {
        let mut questions: Vec<(String, String, Query)> = Vec::new();
        self.cells.retain(|cell| {
            let question = (cell.network.clone(), cell.source.clone(), cell.query);
            let place = questions.iter().position(|known| *known == question).unwrap_or_else(|| {
                questions.push(question);
                questions.len() - 1
            });
            place % shard.count as usize == shard.index as usize - 1
        });
        self
    }
}

impl Cell {
    /// The cell of a method.
    fn new(
        suite: &Suite,
        named: &Named,
        query: Query,
        (method, kind): (&str, Kind),
        (limits, repetition): (LimitsEntry, u32),
    ) -> Self {
        let work = match &named.model {
            Ok(network) => Work::Run(Task {
                network: network.clone(),
                file_sha256: named.digest.clone(),
                sha256: named.sha256.clone(),
                query,
                method: method.to_owned(),
                time_s: limits.time_s,
                memory_mib: limits.memory_mib,
                threads: limits.threads,
                tolerance: limits.tolerance,
                seed: limits.seed,
                warmup: suite.warmup,
                trace: suite.traces,
            }),
            Err(reason) => Work::Skip { reason: reason.clone() },
        };
        let mut cell = Self {
            key: String::new(),
            network: named.name.clone(),
            source: named.source.clone(),
            query,
            method: method.to_owned(),
            kind: kind.to_string(),
            limits,
            repetition,
            published: None,
            work,
        };
        cell.key = cell.digest(&suite.name, named.digest.as_deref().unwrap_or_default());
        cell
    }

    /// Whether it answers the question of a published number.
    fn is_about(&self, entry: &PublishedEntry) -> bool {
        self.network == entry.network && self.query == entry.query()
    }

    /// The row of a published number that no method here makes.
    fn of_published(suite: &Suite, (name, source): (&str, &str), entry: &PublishedEntry) -> Self {
        let mut cell = Self {
            key: String::new(),
            network: name.to_owned(),
            source: source.to_owned(),
            query: entry.query(),
            method: entry.claim.clone().unwrap_or_default(),
            kind: "published".to_owned(),
            limits: suite.limits()[0],
            repetition: 1,
            published: Some(entry.clone()),
            work: Work::Publish,
        };
        cell.key = cell.digest(&suite.name, &format!("{} {}", entry.value, entry.source));
        cell
    }

    /// Sixteen hexadecimal digits of the hash of everything that defines the cell.
    fn digest(&self, suite: &str, content: &str) -> String {
        let limits = self.limits;
        let runs = match &self.work {
            Work::Run(task) => format!("warmup {} trace {}", task.warmup, task.trace),
            Work::Skip { .. } => "skip".to_owned(),
            Work::Publish => "publish".to_owned(),
        };
        let text = [
            suite.to_owned(),
            self.network.clone(),
            // A file is what is in it, wherever it lies.
            if content.is_empty() { self.source.clone() } else { content.to_owned() },
            format!("{:?}", self.query),
            self.method.clone(),
            format!(
                "{:?} {} {} {:?} {}",
                limits.time_s, limits.memory_mib, limits.threads, limits.tolerance, limits.seed
            ),
            runs,
            self.repetition.to_string(),
        ]
        .join("\n");
        Sha256::digest(text.as_bytes()).iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }
}
