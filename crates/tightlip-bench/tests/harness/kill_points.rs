//! Whatever moment a run is killed at, resuming it gives the rows of an undisturbed run, and at most the cell that was
//! running is run again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};
use tightlip_bench::{
    Environment, FolderError, Plan, RECORDS, Record, RunEnd, RunFolder, Sink, TRACES, TraceRecord, Unfinished, Work,
    complete,
};

use crate::support::{MockExecutor, bare_row, environment, resumed, run, seeded, small_plan, step, timeless};

/// Lengths of `traces.csv` and `records.csv`.
type Lengths = (usize, usize);

/// An undisturbed run: its files before they were finished, their lengths after each cell (and before the first), its
/// rows, and its finished files.
struct Undisturbed {
    plan: Plan,
    environment: Vec<u8>,
    traces: Vec<u8>,
    records: Vec<u8>,
    lengths: Vec<Lengths>,
    rows: Vec<Record>,
}

static UNDISTURBED: LazyLock<Undisturbed> = LazyLock::new(|| {
    let (plan, place) = (small_plan(), tempdir().expect("a folder"));
    let folder = RunFolder::create(place.path(), &environment(plan.cells.len())).expect("a new folder");
    let mut measured = Measured { lengths: vec![lengths(place.path())], folder };
    let mut rows = Vec::new();
    run(&plan, &mut MockExecutor::new(), &mut measured, &mut rows, Unfinished::Discard).expect("room");
    let read = |file: &str| fs::read(place.path().join(file)).expect("written");
    let (environment, traces, records) = (read("environment.json"), read(TRACES), read(RECORDS));
    Undisturbed { plan, environment, traces, records, lengths: measured.lengths, rows }
});

/// A folder that is measured after each row.
struct Measured {
    lengths: Vec<Lengths>,
    folder: RunFolder,
}

impl Sink for Measured {
    fn append(&mut self, record: &Record, trace: &[TraceRecord]) -> Result<(), FolderError> {
        self.folder.append(record, trace)?;
        self.lengths.push(lengths(self.folder.path()));
        Ok(())
    }
}

fn lengths(place: &Path) -> Lengths {
    let length = |file: &str| fs::metadata(place.join(file)).expect("it is there").len() as usize;
    (length(TRACES), length(RECORDS))
}

/// The folder of a run that was killed when its files had these lengths.
fn killed(lengths: Lengths) -> TempDir {
    let place = tempdir().expect("a folder");
    let run = &*UNDISTURBED;
    let write = |file: &str, bytes: &[u8]| fs::write(place.path().join(file), bytes).expect("room");
    write("environment.json", &run.environment);
    write(TRACES, &run.traces[..lengths.0]);
    write(RECORDS, &run.records[..lengths.1]);
    place
}

/// Lengths at the `byte`-th byte that is written while cell `cell` is appended: its course first, then its row. Also
/// whether the row is whole then.
fn lengths_while_appending(cell: usize, byte: usize) -> (Lengths, bool) {
    let (before, after) = (UNDISTURBED.lengths[cell], UNDISTURBED.lengths[cell + 1]);
    let course = after.0 - before.0;
    if byte <= course {
        ((before.0 + byte, before.1), false)
    } else {
        let lengths = (after.0, (before.1 + byte - course).min(after.1));
        (lengths, lengths.1 == after.1)
    }
}

/// Resumes the run in `place`, and holds it against the undisturbed one. `whole` rows were whole.
fn resume_and_compare(place: &Path, whole: usize) -> Result<(), TestCaseError> {
    let run_of = &*UNDISTURBED;
    let (mut folder, mut records) = resumed(&run_of.plan, place).map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!(records.len(), whole);
    prop_assert_eq!(timeless(&records), timeless(&run_of.rows[..whole]), "rows before the kill are kept");
    let mut executor = MockExecutor::new();
    let end = run(&run_of.plan, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
    prop_assert_eq!(end, RunEnd::Complete);
    let missing = run_of.plan.cells[whole..].iter().filter(|cell| matches!(cell.work, Work::Run(_))).count();
    prop_assert_eq!(executor.tasks.len(), missing, "the running cell and those after it, nothing else");
    prop_assert_eq!(timeless(&records), timeless(&run_of.rows));
    prop_assert_eq!(&fs::read(place.join(TRACES)).expect("courses"), &run_of.traces, "courses byte by byte");
    let on_disk = tightlip_bench::read_records(&place.join(RECORDS)).expect("whole");
    prop_assert_eq!(&on_disk, &(records.clone(), 0));
    complete(&mut records);
    folder.finish(&records).expect("room");
    let finished = tightlip_bench::read_records(&place.join(RECORDS)).expect("whole").0;
    let mut expected = run_of.rows.clone();
    complete(&mut expected);
    prop_assert_eq!(timeless(&finished), timeless(&expected));
    Ok(())
}

proptest! {
    #![proptest_config(seeded(48))]

    #[test]
    fn a_run_killed_at_any_byte_resumes_to_the_rows_of_an_undisturbed_run(
        cell in 0_usize..13,
        place in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64],
    ) {
        let (before, after) = (UNDISTURBED.lengths[cell], UNDISTURBED.lengths[cell + 1]);
        let written = after.0 - before.0 + after.1 - before.1;
        let byte = (place * written as f64) as usize;
        let (lengths, is_whole) = lengths_while_appending(cell, byte);
        resume_and_compare(killed(lengths).path(), cell + usize::from(is_whole))?;
    }

    #[test]
    fn a_run_killed_twice_resumes_to_the_rows_of_an_undisturbed_run(
        first in 0_usize..12,
        skipped in 1_usize..6,
        byte in 0_usize..300,
    ) {
        let (lengths, is_whole) = lengths_while_appending(first, byte);
        let place = killed(lengths);
        let whole = first + usize::from(is_whole);
        let (mut folder, mut records) = resumed(&UNDISTURBED.plan, place.path()).expect("a run");
        let mut executor = MockExecutor::interrupted_at(skipped);
        let end = run(&UNDISTURBED.plan, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
        drop(folder);
        prop_assert!(records.len() >= whole);
        if end != RunEnd::Complete {
            // The second kill falls into the row of the cell that was interrupted.
            let torn = &UNDISTURBED.rows[records.len()].cell[..5];
            let mut bytes = fs::read(place.path().join(RECORDS)).expect("records");
            bytes.extend(format!("1,run,2026-01-01T00:00:00Z,small,{torn}").bytes());
            fs::write(place.path().join(RECORDS), bytes).expect("room");
        }
        resume_and_compare(place.path(), records.len())?;
    }
}

#[test]
fn every_byte_of_one_course_and_one_row_is_a_place_to_be_killed_at() {
    // The second cell is the first with a course. Reading is enough here: what happens then is tested above.
    let run = &*UNDISTURBED;
    let (before, after) = (run.lengths[1], run.lengths[2]);
    let (place, plan) = (killed(before), &run.plan);
    assert!(after.0 > before.0, "the second cell has a course");
    for byte in 0..=(after.0 - before.0 + after.1 - before.1) {
        let (lengths, is_whole) = lengths_while_appending(1, byte);
        fs::write(place.path().join(TRACES), &run.traces[..lengths.0]).expect("room");
        fs::write(place.path().join(RECORDS), &run.records[..lengths.1]).expect("room");
        let (_, records) = resumed(plan, place.path()).expect("a run");
        assert_eq!(records.len(), 1 + usize::from(is_whole), "byte {byte}");
        let kept = if is_whole { after } else { before };
        let on_disk = self::lengths(place.path());
        assert_eq!(on_disk, kept, "byte {byte}: what is left is whole");
    }
}

#[test]
fn a_run_killed_while_its_folder_was_made_can_be_begun_or_resumed() {
    let run_of = &*UNDISTURBED;
    let (traces, records) = run_of.lengths[0];
    // Without records there is no run yet.
    for length in [0, 1, traces / 2, traces] {
        let place = tempdir().expect("a folder");
        let path = place.path().to_path_buf();
        fs::write(path.join("environment.json"), &run_of.environment).expect("room");
        fs::write(path.join(TRACES), &run_of.traces[..length]).expect("room");
        let error = resumed(&run_of.plan, &path).expect_err("no records").to_string();
        assert!(error.contains("no records.csv"), "{error}");
        RunFolder::create(&path, &environment(13)).expect("nothing is lost by beginning again");
        resume_and_compare(&path, 0).expect("a run");
    }
    for length in [0, 1, records / 2, records - 1, records] {
        let place = killed((traces, length));
        let error = RunFolder::create(place.path(), &environment(13)).expect_err("occupied").to_string();
        assert!(error.contains("--resume"), "{error}");
        resume_and_compare(place.path(), 0).expect("what the error advises works");
    }
}

#[test]
fn beginning_again_does_not_overwrite_courses_that_lost_their_records() {
    let place = killed(UNDISTURBED.lengths[13]);
    fs::remove_file(place.path().join(RECORDS)).expect("it is there");
    let error = RunFolder::create(place.path(), &environment(13)).expect_err("courses").to_string();
    assert!(error.contains(TRACES), "{error}");
    assert_eq!(fs::read(place.path().join(TRACES)).expect("courses"), UNDISTURBED.traces);
}

#[test]
fn a_run_is_begun_once_and_written_by_one_process() {
    let place = tempdir().expect("a folder");
    let path: PathBuf = place.path().join("new").join("folder");
    let folder = RunFolder::create(&path, &environment(13)).expect("folders are made");
    assert_eq!(folder.path(), path);
    assert!(matches!(RunFolder::create(&path, &environment(13)), Err(FolderError::Occupied { .. })));
    let error = resumed(&UNDISTURBED.plan, &path).expect_err("locked").to_string();
    assert!(error.contains("another process"), "{error}");
    drop(folder);
    resumed(&UNDISTURBED.plan, &path).expect("the lock goes with the process");
}

#[test]
fn a_resumed_run_remembers_that_it_was() {
    let place = killed(UNDISTURBED.lengths[3]);
    let (mut folder, _) = resumed(&UNDISTURBED.plan, place.path()).expect("a run");
    let now = Environment { started: "2026-02-02T00:00:00Z".to_owned(), run_id: "new".to_owned(), ..environment(13) };
    let before = folder.resumed_at(&now).expect("an environment");
    assert_eq!(before.run_id, environment(13).run_id, "rows of one run have one name");
    let kept = Environment::read(place.path()).expect("an environment");
    assert_eq!(kept.started, environment(13).started);
    assert!(matches!(&kept.resumed[..], [one] if one.contains("2026-02-02")), "{:?}", kept.resumed);
}

#[test]
fn a_course_is_in_its_file_before_the_row_that_says_the_cell_is_complete() {
    const CELLS: usize = 100;
    let place = tempdir().expect("a folder");
    let mut folder = RunFolder::create(place.path(), &environment(CELLS)).expect("a new folder");
    let begin = lengths(place.path());
    let course = vec![step(); 50];
    folder.append(&bare_row(), &course).expect("room");
    let first = lengths(place.path());
    let (of_course, of_row) = (first.0 - begin.0, first.1 - begin.1);
    let path = place.path().to_path_buf();
    // Somebody looks all the time: first at the records, then at the courses, which only grow.
    let watcher = thread::spawn(move || {
        let length = |file: &str| fs::metadata(path.join(file)).expect("it is there").len() as usize;
        loop {
            let rows = (length(RECORDS) - begin.1).div_ceil(of_row);
            let courses = (length(TRACES) - begin.0) / of_course;
            if courses < rows || rows == CELLS {
                return (courses, rows);
            }
        }
    });
    for _ in 1..CELLS {
        folder.append(&bare_row(), &course).expect("room");
    }
    assert_eq!(watcher.join().expect("it ends with the last row"), (CELLS, CELLS));
}
