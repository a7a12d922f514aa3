//! Runs a plan: cell by cell, each row on disk before the next cell begins.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use tightlip::ProgramSize;

use crate::answer::Answer;
use crate::executor::Executor;
use crate::folder::FolderError;
use crate::plan::{Cell, Plan, Work};
use crate::record::{Record, SCHEMA_VERSION, TraceRecord};

/// What every row of a run says alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The run.
    pub run_id: String,
    /// Version of tightlip.
    pub version: String,
    /// Commit it was built from.
    pub commit: Option<String>,
    /// The processor.
    pub cpu: Option<String>,
}

/// Where rows go.
pub trait Sink {
    /// Keeps a row and its course for good.
    ///
    /// # Errors
    /// If it cannot be kept; then the run ends, with everything before it kept.
    fn append(&mut self, record: &Record, trace: &[TraceRecord]) -> Result<(), FolderError>;
}

/// Somebody to tell how the run goes.
pub trait Observer {
    /// A cell begins: number `index` of `count`, from 1.
    fn begins(&mut self, cell: &Cell, index: usize, count: usize);
    /// A cell has ended.
    fn ended(&mut self, record: &Record);
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Every cell has a row.
    Complete,
    /// It was interrupted; so many cells have no row.
    Interrupted {
        /// Cells left.
        left: usize,
    },
}

/// What becomes of the cell that runs when the run is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// Its row is kept, with the best bound it had: for people who wait.
    Keep,
    /// It is run again when the run is resumed: for measurements.
    Discard,
}

/// Everything a run works with.
pub struct Runner<'r> {
    /// What every row says alike.
    pub stamp: &'r Stamp,
    /// Who answers.
    pub executor: &'r mut dyn Executor,
    /// Where rows go.
    pub sink: &'r mut dyn Sink,
    /// Who is told.
    pub observer: &'r mut dyn Observer,
    /// Set when the run is to end after the current cell.
    pub interrupt: &'r AtomicBool,
    /// What becomes of the cell that runs then.
    pub unfinished: Unfinished,
}

impl Runner<'_> {
    /// Runs the cells of `plan` that have no row in `records` and adds theirs.
    ///
    /// # Errors
    /// If a row cannot be kept. Everything before it is on disk; `records` has the lost row, too.
    pub fn run(&mut self, plan: &Plan, records: &mut Vec<Record>) -> Result<RunEnd, FolderError> {
        let done: std::collections::HashSet<String> = records.iter().map(|record| record.cell.clone()).collect();
        let missing: Vec<&Cell> = plan.cells.iter().filter(|cell| !done.contains(&cell.key)).collect();
        for (at, cell) in missing.iter().enumerate() {
            if self.interrupt.load(Ordering::Relaxed) {
                return Ok(RunEnd::Interrupted { left: missing.len() - at });
            }
            self.observer.begins(cell, at + 1, missing.len());
            let answer = match &cell.work {
                Work::Run(task) => self.executor.execute(task),
                Work::Skip { reason } => Answer::without(crate::Status::Skipped, reason.clone()),
                Work::Publish => Answer { reason: None, ..Answer::without(crate::Status::Published, "") },
            };
            if self.unfinished == Unfinished::Discard && self.interrupt.load(Ordering::Relaxed) {
                return Ok(RunEnd::Interrupted { left: missing.len() - at });
            }
            let trace = self.trace(cell, &answer);
            let record = self.record(plan, cell, answer);
            let kept = self.sink.append(&record, &trace);
            self.observer.ended(&record);
            records.push(record);
            kept?;
        }
        Ok(RunEnd::Complete)
    }

    /// The row of a cell and its answer.
    fn record(&self, plan: &Plan, cell: &Cell, answer: Answer) -> Record {
        let (network, seconds, program) = (answer.network, answer.seconds, answer.program);
        Record {
            schema_version: SCHEMA_VERSION,
            run_id: self.stamp.run_id.clone(),
            timestamp: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            suite: plan.suite.clone(),
            cell: cell.key.clone(),
            network: one_line(&cell.network),
            network_source: one_line(&cell.source),
            network_sha256: network.as_ref().map(|facts| facts.sha256.clone()),
            sizes: network.as_ref().map(|facts| facts.sizes.clone()),
            parameters: network.as_ref().map(|facts| facts.parameters),
            activation: network.map(|facts| facts.activation).filter(|text| !text.is_empty()),
            input_norm: cell.query.input_norm.to_string(),
            output_norm: cell.query.output_norm.to_string(),
            output: cell.query.output.to_string(),
            method: one_line(&cell.method),
            options: answer.options.map(|text| one_line(&text)),
            kind: cell.kind.clone(),
            level: answer.level,
            claimed: answer.claimed,
            proved: answer.proved,
            relaxation_lower: answer.relaxation_lower,
            lower_witness: answer.lower_witness,
            ratio_to_best_upper: None,
            ratio_to_best_lower: None,
            ratio_to_fgl: None,
            published: cell.published.as_ref().map(|entry| entry.value.clone()),
            published_half_width: cell.published.as_ref().and_then(|entry| entry.half_width),
            published_relative_to: cell.published.as_ref().and_then(|entry| entry.relative_to.clone()),
            published_source: cell.published.as_ref().map(|entry| one_line(&entry.source)),
            verdict: None,
            iterations: answer.iterations,
            passes: answer.passes,
            products: answer.products,
            rank: answer.rank,
            order: size(program, |program| program.order),
            cones: size(program, |program| program.cones),
            largest_cone: size(program, |program| program.largest_cone),
            variables: size(program, |program| program.variables),
            rows: size(program, |program| program.rows),
            nonzeros: size(program, |program| program.nonzeros),
            load_s: seconds.map(|seconds| seconds.load),
            assemble_s: seconds.and_then(|seconds| seconds.assemble),
            solve_s: seconds.and_then(|seconds| seconds.solve),
            certify_s: seconds.and_then(|seconds| seconds.certify),
            total_s: seconds.map(|seconds| seconds.total),
            peak_rss_mib: answer.peak_rss_mib,
            time_limit_s: cell.limits.time_s,
            memory_limit_mib: cell.limits.memory_mib,
            tolerance: cell.limits.tolerance,
            threads: cell.limits.threads,
            status: answer.status,
            reason: answer.reason.map(|text| one_line(&text)).filter(|text| !text.is_empty()),
            seed: cell.limits.seed,
            version: self.stamp.version.clone(),
            commit: self.stamp.commit.clone(),
            cpu: self.stamp.cpu.as_deref().map(one_line),
            repetition: cell.repetition,
        }
    }

    /// The rows of a cell's course.
    fn trace(&self, cell: &Cell, answer: &Answer) -> Vec<TraceRecord> {
        let row = |step: &tightlip::TraceRow| TraceRecord {
            run_id: self.stamp.run_id.clone(),
            cell: cell.key.clone(),
            network: one_line(&cell.network),
            input_norm: cell.query.input_norm.to_string(),
            output_norm: cell.query.output_norm.to_string(),
            output: cell.query.output.to_string(),
            method: one_line(&cell.method),
            repetition: cell.repetition,
            time_s: step.time_s,
            iterations: step.iterations,
            products: step.products,
            value: step.value,
            claimed: step.claimed,
            scaled_eigenvalue: step.scaled_eigenvalue,
            rank: step.rank.map(|rank| rank as u64),
            proved: step.proved,
        };
        match &cell.work {
            Work::Run(task) if task.trace => answer.trace.iter().map(row).collect(),
            _ => Vec::new(),
        }
    }
}

/// One of the sizes of a program, where there is one.
fn size(program: Option<ProgramSize>, of: fn(ProgramSize) -> usize) -> Option<u64> {
    program.map(|program| of(program) as u64)
}

/// Text without line breaks: a row is a line, so that a row that was cut off can be told from one that was not.
fn one_line(text: &str) -> String {
    if text.contains(char::is_control) {
        text.split(char::is_control).collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}
