//! What the tests share: a mock executor, planted answers and rows, suites and runs without a solver.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use tightlip::TraceRow;
use tightlip_bench::{
    Answer, Cell, CellSeconds, Environment, Executor, FolderError, NetworkFacts, Observer, Plan, RECORDS, Record,
    RunEnd, RunFolder, Runner, SCHEMA_VERSION, Sink, Stamp, Status, Suite, Task, TraceRecord, Unfinished,
};

/// Answers tasks with planted answers.
pub struct MockExecutor {
    /// Every task it was given, in order.
    pub tasks: Vec<Task>,
    /// At which call, from 1, the run is interrupted.
    interrupted_at: Option<usize>,
    interrupt: Arc<AtomicBool>,
}

impl MockExecutor {
    /// One that is never interrupted.
    pub fn new() -> Self {
        Self { tasks: Vec::new(), interrupted_at: None, interrupt: Arc::default() }
    }

    /// One during whose `call`-th answer, from 1, somebody presses Ctrl-C.
    pub fn interrupted_at(call: usize) -> Self {
        Self { interrupted_at: Some(call), ..Self::new() }
    }

    /// The methods it was asked for, in order.
    pub fn methods(&self) -> Vec<&str> {
        self.tasks.iter().map(|task| task.method.as_str()).collect()
    }
}

impl Executor for MockExecutor {
    fn execute(&mut self, task: &Task) -> Answer {
        self.tasks.push(task.clone());
        if self.interrupted_at == Some(self.tasks.len()) {
            self.interrupt.store(true, Ordering::Relaxed);
        }
        planted(task)
    }
}

/// A number that depends on the network and nothing else.
fn scale(task: &Task) -> f64 {
    let bytes = task.network.to_string();
    1.0 + bytes.bytes().map(f64::from).sum::<f64>() / 1000.0
}

/// The answer that is planted for a task: witness < formal constant < LipSDP < product of norms.
pub fn planted(task: &Task) -> Answer {
    let scale = scale(task);
    let nothing = Answer { reason: None, ..Answer::without(Status::Solved, "") };
    let seconds = CellSeconds { load: 0.25, assemble: Some(0.5), solve: Some(1.0), certify: None, total: 1.5 };
    let answer = Answer {
        network: Some(NetworkFacts {
            sha256: format!("digest of {}", task.network),
            sizes: "2-3-1".to_owned(),
            parameters: 13,
            activation: "relu".to_owned(),
        }),
        level: Some("rigorous".to_owned()),
        seconds: Some(seconds),
        trace: if task.trace && task.method.ends_with(".lifted") { planted_course(scale) } else { Vec::new() },
        ..nothing
    };
    match task.method.as_str() {
        "witness" => Answer { proved: Some(2.0 * scale), lower_witness: Some(2.0 * scale), ..answer },
        "fgl-pattern" => Answer { proved: Some(2.5 * scale), ..answer },
        "norm-product" => Answer { proved: Some(8.0 * scale), claimed: Some(8.0 * scale), ..answer },
        "lipsdp-layer.full.clarabel" => Answer { proved: Some(5.0 * scale), ..answer },
        _ => Answer { proved: Some(4.0 * scale), iterations: Some(17), rank: Some(16), ..answer },
    }
}

/// Three steps of an iterative method.
fn planted_course(scale: f64) -> Vec<TraceRow> {
    let step = |k: u64| TraceRow {
        time_s: 0.125 * k as f64,
        iterations: 5 * k,
        products: 80 * k,
        value: Some(scale * (4.0 - 1.0 / (1 + k) as f64)),
        claimed: None,
        scaled_eigenvalue: (k > 0).then(|| -1.0 / k as f64),
        rank: Some(16),
        proved: (k > 1).then_some(4.0 * scale),
    };
    (0..3).map(step).collect()
}

/// The plan of a suite's text; no file is read for random networks.
pub fn plan_of(text: &str) -> Plan {
    let path = Path::new("suite.toml");
    let suite = Suite::parse(text, path).expect("a valid suite");
    Plan::new(&suite, path, None).expect("a plan")
}

/// Two networks, three methods, two repetitions, courses and one published number: 13 rows, 12 of them run.
pub fn small_plan() -> Plan {
    plan_of(
        r#"
        name = "small"
        methods = ["norm-product", "lipsdp-neuron.lifted", "witness", "fgl-pattern"]
        repetitions = 2
        traces = true
        network = [{ random = { dims = ["2-3-1", "2-4-1"] } }]
        [[published]]
        network = "2-3-1_relu_s0"
        claim = "somebody's method"
        value = "0.001"
        source = "somewhere, \"Table 1\""
        "#,
    )
}

/// The tasks of a plan, in order.
pub fn tasks_of(plan: &Plan) -> Vec<Task> {
    let task = |cell: &Cell| match &cell.work {
        tightlip_bench::Work::Run(task) => Some(task.clone()),
        tightlip_bench::Work::Skip { .. } | tightlip_bench::Work::Publish => None,
    };
    plan.cells.iter().filter_map(task).collect()
}

/// A run's environment.
pub fn environment(cells: usize) -> Environment {
    Environment {
        run_id: "20260101T000000Z-planted".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        suite: "small".to_owned(),
        description: String::new(),
        suite_file: "suite.toml".to_owned(),
        suite_sha256: "digest of the suite".to_owned(),
        command: "tightlip bench suite.toml".to_owned(),
        shard: None,
        cells,
        version: "0.1.0".to_owned(),
        commit: None,
        build: "release".to_owned(),
        cpu: Some("a processor, with a comma".to_owned()),
        cores: 2,
        memory_mib: None,
        system: "Linux".to_owned(),
        load_before: None,
        merged: 0,
        resumed: Vec::new(),
    }
}

/// What every row says alike.
pub fn stamp() -> Stamp {
    Stamp {
        run_id: "20260101T000000Z-planted".to_owned(),
        version: "0.1.0".to_owned(),
        commit: None,
        cpu: Some("a processor, with a comma".to_owned()),
    }
}

/// Nobody looks on.
pub struct Nobody;

impl Observer for Nobody {
    fn begins(&mut self, _: &Cell, _: usize, _: usize) {}
    fn ended(&mut self, _: &Record) {}
}

/// Runs what is missing in `records`.
pub fn run(
    plan: &Plan,
    executor: &mut MockExecutor,
    sink: &mut dyn Sink,
    records: &mut Vec<Record>,
    unfinished: Unfinished,
) -> Result<RunEnd, FolderError> {
    let interrupt = Arc::clone(&executor.interrupt);
    let stamp = stamp();
    Runner { stamp: &stamp, executor, sink, observer: &mut Nobody, interrupt: &interrupt, unfinished }
        .run(plan, records)
}

/// A complete run of `plan` in a new folder at `path`; its rows and the folder, not finished.
pub fn complete_run(plan: &Plan, path: &Path) -> (RunFolder, Vec<Record>) {
    let mut folder = RunFolder::create(path, &environment(plan.cells.len())).expect("a new folder");
    let mut records = Vec::new();
    let end = run(plan, &mut MockExecutor::new(), &mut folder, &mut records, Unfinished::Discard);
    assert_eq!(end.expect("room on disk"), RunEnd::Complete);
    (folder, records)
}

/// So many cases, the same ones in every run, and nothing written beside the tests.
pub fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() }
}

/// Goes on with the run in `path`: the folder and its rows.
pub fn resumed(plan: &Plan, path: &Path) -> Result<(RunFolder, Vec<Record>), FolderError> {
    let planned = |key: &str| plan.cells.iter().any(|cell| cell.key == key);
    RunFolder::resume(path, planned).map(|(folder, records, _)| (folder, records))
}

/// Rows without the moment they were made at.
pub fn timeless(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { timestamp: String::new(), ..record.clone() }).collect()
}

/// The lines of a run's records.
pub fn lines(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join(RECORDS)).expect("records");
    text.lines().map(str::to_owned).collect()
}

/// Every column of a row, absent where it may be.
pub fn bare_row() -> Record {
    Record {
        schema_version: SCHEMA_VERSION,
        run_id: "run".to_owned(),
        timestamp: "2026-01-01T00:00:00Z".to_owned(),
        suite: "suite".to_owned(),
        cell: "0123456789abcdef".to_owned(),
        network: "net".to_owned(),
        network_source: "random:2-3-1:relu:0".to_owned(),
        network_sha256: None,
        sizes: None,
        parameters: None,
        activation: None,
        input_norm: "2".to_owned(),
        output_norm: "2".to_owned(),
        output: "all".to_owned(),
        method: "norm-product".to_owned(),
        options: None,
        kind: "upper".to_owned(),
        level: None,
        claimed: None,
        proved: None,
        relaxation_lower: None,
        lower_witness: None,
        ratio_to_best_upper: None,
        ratio_to_best_lower: None,
        ratio_to_fgl: None,
        published: None,
        published_half_width: None,
        published_relative_to: None,
        published_source: None,
        verdict: None,
        iterations: None,
        passes: None,
        products: None,
        rank: None,
        order: None,
        cones: None,
        largest_cone: None,
        variables: None,
        rows: None,
        nonzeros: None,
        load_s: None,
        assemble_s: None,
        solve_s: None,
        certify_s: None,
        total_s: None,
        peak_rss_mib: None,
        time_limit_s: 60.0,
        memory_limit_mib: 4096,
        tolerance: 1e-5,
        threads: 1,
        status: Status::Solved,
        reason: None,
        seed: 0,
        version: "0.1.0".to_owned(),
        commit: None,
        cpu: None,
        repetition: 1,
    }
}

/// A step of a course.
pub fn step() -> TraceRecord {
    TraceRecord {
        run_id: "run".to_owned(),
        cell: "0123456789abcdef".to_owned(),
        network: "net".to_owned(),
        input_norm: "2".to_owned(),
        output_norm: "inf".to_owned(),
        output: "0-1".to_owned(),
        method: "lipsdp-neuron.lifted".to_owned(),
        repetition: 1,
        time_s: 0.5,
        iterations: 3,
        products: 48,
        value: Some(4.0),
        claimed: None,
        scaled_eigenvalue: None,
        rank: Some(16),
        proved: None,
    }
}

/// A solved row of an upper bound.
pub fn upper(method: &str, proved: f64) -> Record {
    Record { method: method.to_owned(), proved: Some(proved), ..bare_row() }
}

/// A solved row of a number of the literature that bounds nothing.
pub fn estimate(claimed: f64) -> Record {
    let row = Record { method: "lipsdp-tau.estimate".to_owned(), kind: "estimate".to_owned(), ..bare_row() };
    Record { claimed: Some(claimed), ..row }
}

/// The row of a pair of points.
pub fn witness(value: f64) -> Record {
    let row = Record { method: "witness".to_owned(), kind: "lower".to_owned(), ..bare_row() };
    Record { proved: Some(value), lower_witness: Some(value), ..row }
}

/// The row of a lower bound of the formal constant.
pub fn formal(value: f64) -> Record {
    let row = Record { method: "fgl-pattern".to_owned(), kind: "fgl-lower".to_owned(), ..bare_row() };
    Record { proved: Some(value), ..row }
}
