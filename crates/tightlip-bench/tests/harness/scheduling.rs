//! What is run, in which order, under which limits; what an interrupt leaves behind and what a resumed run does.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tempfile::tempdir;
use tightlip_bench::{
    Cell, Observer, Plan, RECORDS, Record, RunEnd, RunFolder, Runner, Status, Suite, Unfinished, Work, read_records,
};

use crate::support::{
    MockExecutor, complete_run, environment, plan_of, planted, resumed, run, small_plan, stamp, tasks_of, timeless,
};

#[test]
fn methods_take_turns_within_each_repetition_and_lower_bounds_run_once() {
    let plan = plan_of(
        r#"
        name = "order"
        methods = ["norm-product", "witness", "lipsdp-neuron.lifted", "fgl-pattern"]
        repetitions = 3
        limits = [{ time_s = 1 }, { time_s = 2 }]
        query = [{}, { output = "0" }]
        network = [{ random = { dims = ["2-3-1"] } }, { random = { dims = ["2-4-1"] } }]
        "#,
    );
    let ran: Vec<(&str, String, f64, u32, &str)> = plan
        .cells
        .iter()
        .map(|cell| {
            let query = cell.query.output.to_string();
            (cell.network.as_str(), query, cell.limits.time_s, cell.repetition, cell.method.as_str())
        })
        .collect();
    let mut expected = Vec::new();
    for network in ["2-3-1_relu_s0", "2-4-1_relu_s0"] {
        for query in ["all", "0"] {
            for time_s in [1.0, 2.0] {
                let mut turn = |repetition, method| {
                    expected.push((network, query.to_owned(), time_s, repetition, method));
                };
                turn(1, "norm-product");
                turn(1, "witness");
                turn(1, "lipsdp-neuron.lifted");
                turn(1, "fgl-pattern");
                for repetition in [2, 3] {
                    turn(repetition, "norm-product");
                    turn(repetition, "lipsdp-neuron.lifted");
                }
            }
        }
    }
    assert_eq!(ran, expected);
}

#[test]
fn cells_are_executed_in_the_order_of_the_plan_and_every_one_has_a_row() {
    let (plan, place) = (small_plan(), tempdir().expect("a folder"));
    let mut folder = RunFolder::create(place.path(), &environment(plan.cells.len())).expect("a new folder");
    let (mut executor, mut records) = (MockExecutor::new(), Vec::new());
    let end = run(&plan, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
    assert_eq!(end, RunEnd::Complete);
    assert_eq!(executor.tasks, tasks_of(&plan));
    let first =
        ["norm-product", "lipsdp-neuron.lifted", "witness", "fgl-pattern", "norm-product", "lipsdp-neuron.lifted"];
    assert_eq!(executor.methods(), [first, first].concat());
    let keys = |cells: &[Cell]| cells.iter().map(|cell| cell.key.clone()).collect::<Vec<_>>();
    assert_eq!(records.iter().map(|record| record.cell.clone()).collect::<Vec<_>>(), keys(&plan.cells));
    let (on_disk, cut) = read_records(&place.path().join(RECORDS)).expect("whole");
    assert_eq!((on_disk, cut), (records, 0));
}

#[test]
fn every_limit_of_the_suite_reaches_the_task() {
    let plan = plan_of(
        r#"
        name = "limits"
        methods = ["norm-product"]
        warmup = 3
        traces = true
        limits = [{ time_s = 2.5, memory_mib = 7, threads = 5, tolerance = 1e-3, seed = 11 }]
        query = [{ input_norm = "inf", output_norm = "1", output = "2-0" }]
        network = [{ random = { dims = ["2-3-3"], seeds = [9], activation = "leaky:0.1" } }]
        "#,
    );
    let [task] = &tasks_of(&plan)[..] else { panic!("one task") };
    assert_eq!((task.time_s, task.memory_mib, task.threads), (2.5, 7, 5));
    assert_eq!((task.tolerance, task.seed, task.warmup, task.trace), (1e-3, 11, 3, true));
    assert_eq!(task.network.to_string(), "random:2-3-3:leaky:0.1:9");
    let query = task.query;
    let words = (query.input_norm.to_string(), query.output_norm.to_string(), query.output.to_string());
    assert_eq!(words, ("inf".to_owned(), "1".to_owned(), "2-0".to_owned()));
    let text = serde_json::to_string(task).expect("a task is JSON");
    assert_eq!(serde_json::from_str::<tightlip_bench::Task>(&text).expect("the cell reads it"), *task);
}

#[test]
fn limits_reach_the_row() {
    let plan = plan_of(
        r#"
        name = "limits"
        methods = ["norm-product"]
        limits = [{ time_s = 2.5, memory_mib = 7, threads = 5, tolerance = 1e-3, seed = 11 }]
        network = [{ random = { dims = ["2-3-3"] } }]
        "#,
    );
    let place = tempdir().expect("a folder");
    let (_, records) = complete_run(&plan, place.path());
    let row = &records[0];
    assert_eq!((row.time_limit_s, row.memory_limit_mib, row.threads), (2.5, 7, 5));
    assert_eq!((row.tolerance, row.seed, row.repetition), (1e-3, 11, 1));
    let seconds = (row.load_s, row.assemble_s, row.solve_s, row.certify_s, row.total_s);
    assert_eq!(seconds, (Some(0.25), Some(0.5), Some(1.0), None, Some(1.5)));
}

#[test]
fn a_resumed_run_executes_the_missing_cells_and_no_other() {
    let plan = small_plan();
    let whole = tempdir().expect("a folder");
    let (_, undisturbed) = complete_run(&plan, whole.path());
    let tasks = tasks_of(&plan);
    for call in 1..=tasks.len() {
        let place = tempdir().expect("a folder");
        let mut folder = RunFolder::create(place.path(), &environment(plan.cells.len())).expect("a new folder");
        let mut records = Vec::new();
        let mut executor = MockExecutor::interrupted_at(call);
        let end = run(&plan, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
        assert_eq!(end, RunEnd::Interrupted { left: plan.cells.len() - records.len() });
        assert_eq!(executor.tasks, tasks[..call], "no cell begins after the interrupt");
        drop(folder);
        let (mut folder, mut records) = resumed(&plan, place.path()).expect("a run");
        let mut executor = MockExecutor::new();
        let end = run(&plan, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
        assert_eq!(end, RunEnd::Complete);
        assert_eq!(executor.tasks, tasks[call - 1..], "the discarded cell and those after it");
        assert_eq!(timeless(&records), timeless(&undisturbed));
    }
}

#[test]
fn the_cell_that_is_interrupted_is_kept_for_people_and_discarded_for_measurements() {
    let plan = small_plan();
    let cells = plan.cells.len();
    for (unfinished, kept) in [(Unfinished::Keep, 3), (Unfinished::Discard, 2)] {
        let place = tempdir().expect("a folder");
        let mut folder = RunFolder::create(place.path(), &environment(cells)).expect("a new folder");
        let (mut executor, mut records) = (MockExecutor::interrupted_at(3), Vec::new());
        let end = run(&plan, &mut executor, &mut folder, &mut records, unfinished).expect("room");
        assert_eq!(end, RunEnd::Interrupted { left: cells - kept }, "{unfinished:?}");
        assert_eq!(records.len(), kept);
        assert_eq!(read_records(&place.path().join(RECORDS)).expect("whole").0.len(), kept);
    }
}

#[test]
fn an_interrupt_during_the_last_cell_leaves_it_or_nothing() {
    let plan = small_plan();
    let last = tasks_of(&plan).len();
    for (unfinished, expected) in
        [(Unfinished::Keep, RunEnd::Complete), (Unfinished::Discard, RunEnd::Interrupted { left: 1 })]
    {
        let place = tempdir().expect("a folder");
        let mut folder = RunFolder::create(place.path(), &environment(plan.cells.len())).expect("a new folder");
        let mut executor = MockExecutor::interrupted_at(last);
        let end = run(&plan, &mut executor, &mut folder, &mut Vec::new(), unfinished).expect("room");
        assert_eq!(end, expected);
    }
}

/// What an observer was told.
#[derive(Default)]
struct Log(Vec<String>);

impl Observer for Log {
    fn begins(&mut self, cell: &Cell, index: usize, count: usize) {
        self.0.push(format!("{index}/{count} {}", cell.method));
    }
    fn ended(&mut self, record: &Record) {
        self.0.push(format!("{} {}", record.method, record.status.word()));
    }
}

#[test]
fn the_observer_is_told_of_each_cell_and_its_place_among_the_missing_ones() {
    let plan = plan_of(
        r#"
        name = "told"
        methods = ["norm-product", "witness"]
        network = [{ random = { dims = ["2-3-1"] } }]
        "#,
    );
    let place = tempdir().expect("a folder");
    let mut folder = RunFolder::create(place.path(), &environment(2)).expect("a new folder");
    let (mut log, mut executor, interrupt) = (Log::default(), MockExecutor::new(), AtomicBool::new(false));
    let stamp = stamp();
    let mut runner = Runner {
        stamp: &stamp,
        executor: &mut executor,
        sink: &mut folder,
        observer: &mut log,
        interrupt: &interrupt,
        unfinished: Unfinished::Discard,
    };
    let mut records = Vec::new();
    runner.run(&plan, &mut records).expect("room");
    let _ = records.remove(0);
    runner.run(&plan, &mut records).expect("room");
    let told = ["1/2 norm-product", "norm-product solved", "2/2 witness", "witness solved", "1/1 norm-product"];
    assert_eq!(log.0[..5], told);
}

#[test]
fn an_interrupt_before_the_first_cell_executes_nothing() {
    let plan = small_plan();
    let place = tempdir().expect("a folder");
    let mut folder = RunFolder::create(place.path(), &environment(plan.cells.len())).expect("a new folder");
    let (mut executor, interrupt) = (MockExecutor::new(), Arc::new(AtomicBool::new(true)));
    let stamp = stamp();
    let end = Runner {
        stamp: &stamp,
        executor: &mut executor,
        sink: &mut folder,
        observer: &mut Log::default(),
        interrupt: &interrupt,
        unfinished: Unfinished::Keep,
    }
    .run(&plan, &mut Vec::new())
    .expect("room");
    assert_eq!(end, RunEnd::Interrupted { left: plan.cells.len() });
    assert!(executor.tasks.is_empty());
}

/// A suite with one network that is not part of the repository.
fn with_external(external: Option<&Path>) -> Plan {
    let text = format!(
        r#"
        name = "external"
        methods = ["norm-product", "witness"]
        network = [
          {{ external = "far.mat", sha256 = "{}", about = "weights of somebody", activation = "relu" }},
          {{ random = {{ dims = ["2-3-1"] }} }},
        ]
        "#,
        "ab".repeat(32),
    );
    let path = Path::new("suite.toml");
    Plan::new(&Suite::parse(&text, path).expect("valid"), path, external).expect("a plan")
}

#[test]
fn a_network_that_was_not_there_is_run_when_the_run_is_resumed_with_it() {
    let place = tempdir().expect("a folder");
    let plan = with_external(None);
    let (folder, records) = complete_run(&plan, place.path());
    drop(folder);
    let statuses: Vec<Status> = records.iter().map(|record| record.status).collect();
    assert_eq!(statuses, [Status::Skipped, Status::Skipped, Status::Solved, Status::Solved]);
    let reason = records[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("weights of somebody") && reason.contains("--external"), "{reason}");
    assert_eq!(records[0].network_source, "external:far.mat?relu");

    let far = tempdir().expect("a folder");
    let absent = with_external(Some(far.path()));
    let Work::Skip { reason } = &absent.cells[0].work else { panic!("there is no such file yet") };
    assert!(reason.contains("far.mat"), "{reason}");
    fs::write(far.path().join("far.mat"), b"weights").expect("room");
    let arrived = with_external(Some(far.path()));
    let (mut folder, mut records) = resumed(&arrived, place.path()).expect("a run");
    assert_eq!(records.len(), 2, "the skipped rows make room");
    let mut executor = MockExecutor::new();
    run(&arrived, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
    let wanted: Vec<_> = tasks_of(&arrived)[..2].to_vec();
    assert_eq!(executor.tasks, wanted);
    assert!(wanted.iter().all(|task| task.sha256 == Some("ab".repeat(32))), "the digest is checked by the cell");
    assert_eq!(records.iter().filter(|row| row.status == Status::Solved).count(), 4);
    assert_eq!(records[2].proved, planted(&wanted[0]).proved);
    assert_eq!(records[2].network_source, "external:far.mat?relu", "the row does not tell where the folder is");
}

#[test]
fn rows_that_are_still_skipped_stay_as_they_are() {
    let place = tempdir().expect("a folder");
    let plan = with_external(None);
    let (folder, before) = complete_run(&plan, place.path());
    drop(folder);
    let (mut folder, mut records) = resumed(&plan, place.path()).expect("a run");
    let mut executor = MockExecutor::new();
    run(&plan, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
    assert!(executor.tasks.is_empty());
    assert_eq!(records, before);
}
