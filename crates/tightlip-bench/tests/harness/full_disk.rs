//! A disk that fills up ends the run with the rows before it kept; with room again the run goes on.

use std::fs;
use std::io;

use tempfile::tempdir;
use tightlip_bench::{
    FolderError, Plan, RECORDS, Record, RunEnd, RunFolder, Sink, TRACES, TraceRecord, Unfinished, read_records,
};

use crate::support::{MockExecutor, complete_run, environment, resumed, run, small_plan, tasks_of, timeless};

/// A folder on a disk with room for so many rows.
struct SmallDisk {
    folder: RunFolder,
    room: usize,
    refused: Vec<Record>,
}

impl Sink for SmallDisk {
    fn append(&mut self, record: &Record, trace: &[TraceRecord]) -> Result<(), FolderError> {
        if self.room == 0 {
            self.refused.push(record.clone());
            let source = io::Error::from(io::ErrorKind::StorageFull);
            let row = format!("{}, {}, {}", record.network, record.method, record.cell);
            return Err(FolderError::Append { path: self.folder.path().join(RECORDS), source, row });
        }
        self.room -= 1;
        self.folder.append(record, trace)
    }
}

#[test]
fn rows_before_a_full_disk_are_kept_and_the_run_goes_on_with_room() {
    let plan = small_plan();
    let whole = tempdir().expect("a folder");
    let (_, undisturbed) = complete_run(&plan, whole.path());
    for room in [0, 1, 5, 12] {
        let place = tempdir().expect("a folder");
        let folder = RunFolder::create(place.path(), &environment(plan.cells.len())).expect("a new folder");
        let mut disk = SmallDisk { folder, room, refused: Vec::new() };
        let (mut executor, mut records) = (MockExecutor::new(), Vec::new());
        let error = run(&plan, &mut executor, &mut disk, &mut records, Unfinished::Discard).expect_err("a full disk");
        let message = error.to_string();
        for words in [&plan.cells[room].key[..], "could not be written", "no storage space", "--resume", "on disk"] {
            assert!(message.contains(words), "{words}: {message}");
        }
        assert_eq!(disk.refused.len(), 1, "the run ends with the first row that is lost");
        assert_eq!(records.len(), room + 1, "whoever waits sees the lost row, too");
        assert_eq!(read_records(&place.path().join(RECORDS)).expect("whole"), (records[..room].to_vec(), 0));
        drop(disk);

        let (mut folder, mut records) = resumed(&plan, place.path()).expect("a run");
        let mut executor = MockExecutor::new();
        let end = run(&plan, &mut executor, &mut folder, &mut records, Unfinished::Discard).expect("room");
        assert_eq!(end, RunEnd::Complete);
        let left = Plan { cells: plan.cells[room..].to_vec(), ..plan.clone() };
        assert_eq!(executor.tasks, tasks_of(&left), "the cell whose row was lost and those after it");
        assert_eq!(timeless(&records), timeless(&undisturbed));
    }
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_with_its_place() {
    let place = tempdir().expect("a folder");
    let file = place.path().join("file");
    fs::write(&file, b"not a folder").expect("room");
    for path in [file.clone(), file.join("below")] {
        let error = RunFolder::create(&path, &environment(1)).expect_err("no folder").to_string();
        assert!(error.contains("file") && error.contains("cannot be"), "{error}");
    }
    assert_eq!(fs::read(&file).expect("it is there"), b"not a folder");
}

#[test]
fn a_run_whose_courses_are_gone_is_not_resumed_in_silence() {
    let plan = small_plan();
    let place = tempdir().expect("a folder");
    drop(complete_run(&plan, place.path()));
    fs::remove_file(place.path().join(TRACES)).expect("it is there");
    let before = fs::read(place.path().join(RECORDS)).expect("records");
    let error = resumed(&plan, place.path()).expect_err("courses are missing").to_string();
    assert!(error.contains(TRACES) && error.contains("cannot be read"), "{error}");
    assert_eq!(fs::read(place.path().join(RECORDS)).expect("records"), before);
}
