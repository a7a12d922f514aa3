//! Tables that something else has written to: an error with the line and what to do, and the files as they were.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};
use tightlip_bench::{FolderError, RECORDS, Record, TRACES, read_records, read_traces};

use crate::support::{complete_run, plan_of, resumed, small_plan};

/// The folder of a complete run.
fn a_run() -> TempDir {
    let place = tempdir().expect("a folder");
    drop(complete_run(&small_plan(), place.path()));
    place
}

/// Every file of a folder, byte by byte.
fn contents(place: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(place).expect("a folder").flatten();
    let file = |path: &Path| (path.display().to_string(), fs::read(path).unwrap_or_default());
    let mut files: Vec<_> = entries.map(|entry| file(&entry.path())).collect();
    files.sort();
    files
}

/// Damages a table of a run, and gives the error of resuming it, which is that of reading it and changes nothing.
#[track_caller]
fn error_of(table: &str, damage: impl Fn(&mut Vec<u8>)) -> String {
    let place = a_run();
    let path = place.path().join(table);
    let mut bytes = fs::read(&path).expect("a table");
    damage(&mut bytes);
    fs::write(&path, bytes).expect("room");
    let before = contents(place.path());
    let error = resumed(&small_plan(), place.path()).expect_err("a damaged table").to_string();
    assert_eq!(contents(place.path()), before, "nothing is touched: {error}");
    let read = if table == RECORDS {
        read_records(&path).expect_err("damaged").to_string()
    } else {
        read_traces(&path).expect_err("damaged").to_string()
    };
    assert_eq!(read, error, "whoever reads the table says the same");
    assert!(error.contains(table), "{error}");
    error
}

#[track_caller]
fn says(error: &str, words: &[&str]) {
    for word in words {
        assert!(error.contains(word), "no `{word}` in: {error}");
    }
}

/// Changes line `line`, from 1.
fn edit(bytes: &mut Vec<u8>, line: usize, change: impl Fn(&str) -> String) {
    let text = String::from_utf8(bytes.clone()).expect("text");
    let lines = text.lines().enumerate();
    let lines: Vec<String> =
        lines.map(|(at, text)| if at + 1 == line { change(text) } else { text.to_owned() }).collect();
    *bytes = (lines.join("\n") + "\n").into_bytes();
}

#[test]
fn another_header_is_named_column_by_column() {
    let error = error_of(RECORDS, |bytes| edit(bytes, 1, |line| line.replace("claimed", "said")));
    says(&error, &["column 19 is `said`, want `claimed`", "make the run again", "the version that wrote it"]);
    let error = error_of(RECORDS, |bytes| edit(bytes, 1, |line| line.replace(",proved,", ",")));
    says(&error, &["column 20 is `relaxation_lower`, want `proved`"]);
    let error = error_of(RECORDS, |bytes| edit(bytes, 1, |line| format!("{line},more")));
    says(&error, &["column 58 is `more`, want `nothing`"]);
    let error = error_of(RECORDS, |bytes| edit(bytes, 1, |line| line.replace(",repetition", "")));
    says(&error, &["column 57 is `nothing`, want `repetition`"]);
    let error = error_of(TRACES, |bytes| edit(bytes, 1, |line| line.replace("time_s", "time")));
    says(&error, &["column 9 is `time`, want `time_s`"]);
}

#[test]
fn a_table_without_its_header_is_not_a_table() {
    let error = error_of(RECORDS, |bytes| edit(bytes, 1, |_| "# comment".to_owned()));
    says(&error, &["column 1 is `# comment`, want `schema_version`"]);
    // The courses are those of a run: its records were emptied by something else.
    says(&error_of(RECORDS, Vec::clear), &["no header", "a new folder"]);
    says(&error_of(TRACES, Vec::clear), &["no header", "a new folder"]);
}

#[test]
fn a_row_with_too_few_or_too_many_fields_is_named_with_its_line() {
    let error = error_of(RECORDS, |bytes| {
        edit(bytes, 5, |line| line.rsplit_once(',').expect("fields").0.to_owned());
    });
    says(&error, &["line 5", "56 fields, want 57", "mend or remove that line"]);
    let error = error_of(RECORDS, |bytes| edit(bytes, 5, |line| format!("{line},")));
    says(&error, &["line 5", "58 fields, want 57"]);
    let error = error_of(TRACES, |bytes| edit(bytes, 3, |line| line.split_once(',').expect("fields").1.to_owned()));
    says(&error, &["line 3", "15 fields, want 16"]);
}

#[test]
fn the_line_is_the_one_an_editor_shows() {
    let error = error_of(RECORDS, |bytes| {
        edit(bytes, 5, |line| format!("{line},"));
        edit(bytes, 3, |line| format!("{line}\n\n"));
    });
    says(&error, &["line 7", "58 fields"]);
    let error = error_of(RECORDS, |bytes| {
        edit(bytes, 5, |line| line.replacen("rigorous,", "rigorous,NaN", 1));
        edit(bytes, 3, |line| format!("{line}\n\n"));
    });
    says(&error, &["line 7", "not finite"]);
}

#[test]
fn numbers_that_are_none_are_named_with_line_and_column() {
    // The cell after the level is the claimed bound.
    for number in ["NaN", "inf", "-inf", "1e999"] {
        let error = error_of(RECORDS, |bytes| {
            edit(bytes, 4, |line| line.replacen("rigorous,", &format!("rigorous,{number}"), 1));
        });
        says(&error, &["line 4", "`claimed`", "not finite", "mend or remove"]);
    }
    let error = error_of(RECORDS, |bytes| edit(bytes, 4, |line| line.replacen("rigorous,", "rigorous,x", 1)));
    says(&error, &["line 4", "`claimed`", "float"]);
    let error = error_of(RECORDS, |bytes| edit(bytes, 2, |line| line.replacen("solved", "slved", 1)));
    says(&error, &["line 2", "slved", "solved"]);
    let error = error_of(TRACES, |bytes| {
        edit(bytes, 4, |line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells[12] = "inf";
            cells.join(",")
        });
    });
    says(&error, &["line 4", "`claimed`", "not finite"]);
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_line() {
    let error = error_of(RECORDS, |bytes| {
        let line = bytes.iter().position(|byte| *byte == b'\n').expect("lines") + 1;
        bytes[line + 3] = 0xff;
    });
    says(&error, &["line 2", "not UTF-8"]);
    let error = error_of(RECORDS, |bytes| bytes[0] = 0xff);
    says(&error, &["line 1", "not UTF-8"]);
}

#[test]
fn a_folder_or_nothing_in_place_of_a_table_is_an_error() {
    let place = a_run();
    let path = place.path().join(RECORDS);
    fs::remove_file(&path).expect("it is there");
    let error = resumed(&small_plan(), place.path()).expect_err("no records").to_string();
    says(&error, &["no run in this folder", "no records.csv"]);
    says(&read_records(&path).expect_err("none").to_string(), &[RECORDS, "cannot be read", "No such file"]);
    fs::create_dir(&path).expect("room");
    assert!(matches!(resumed(&small_plan(), place.path()), Err(FolderError::Empty { .. })));
    says(&read_records(&path).expect_err("a folder").to_string(), &["not a regular file"]);
    says(&read_traces(Path::new("/dev/zero")).expect_err("endless").to_string(), &["not a regular file"]);
}

#[test]
fn rows_of_another_suite_are_counted_and_left_alone() {
    let place = a_run();
    let before = contents(place.path());
    let other =
        plan_of("name = \"other\"\nmethods = [\"norm-product\"]\nnetwork = [{ random = { dims = [\"2-3-1\"] } }]");
    let error = resumed(&other, place.path()).expect_err("another suite").to_string();
    says(&error, &["13 rows", "2-3-1_relu_s0, norm-product", "another folder", "--external"]);
    assert_eq!(contents(place.path()), before);
}

#[test]
fn a_table_is_read_with_either_kind_of_line_ends() {
    let place = a_run();
    let path = place.path().join(RECORDS);
    let text = fs::read_to_string(&path).expect("records");
    let rows: Vec<Record> = read_records(&path).expect("whole").0;
    fs::write(&path, text.replace('\n', "\r\n")).expect("room");
    assert_eq!(read_records(&path).expect("a spreadsheet's line ends").0, rows);
}
