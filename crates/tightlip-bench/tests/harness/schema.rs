//! The columns of the tables, and that values survive being written.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::tempdir;
use tightlip_bench::{
    RECORDS, Record, RunFolder, Sink, Status, TRACES, TraceRecord, Unfinished, Verdict, read_records, read_traces,
    table_of_records,
};

use crate::support::{MockExecutor, bare_row, environment, lines, plan_of, run, seeded, step};

const RECORDS_HEADER: &str = "schema_version,run_id,timestamp,suite,cell,network,network_source,network_sha256,sizes,\
parameters,activation,input_norm,output_norm,output,method,options,kind,level,claimed,proved,relaxation_lower,\
lower_witness,ratio_to_best_upper,ratio_to_best_lower,ratio_to_fgl,published,published_half_width,published_relative_to,\
published_source,verdict,iterations,passes,products,rank,order,cones,largest_cone,variables,\
rows,nonzeros,load_s,assemble_s,solve_s,certify_s,total_s,peak_rss_mib,time_limit_s,memory_limit_mib,\
tolerance,threads,status,reason,seed,version,commit,cpu,repetition";

const TRACES_HEADER: &str = "run_id,cell,network,input_norm,output_norm,output,method,repetition,time_s,iterations,\
products,value,claimed,scaled_eigenvalue,rank,proved";

/// Columns that every row has.
const REQUIRED: [&str; 20] = [
    "schema_version",
    "run_id",
    "timestamp",
    "suite",
    "cell",
    "network",
    "network_source",
    "input_norm",
    "output_norm",
    "output",
    "method",
    "kind",
    "time_limit_s",
    "memory_limit_mib",
    "tolerance",
    "threads",
    "status",
    "seed",
    "version",
    "repetition",
];

#[test]
fn the_headers_are_these() {
    let place = tempdir().expect("a folder");
    drop(RunFolder::create(place.path(), &environment(0)).expect("a new folder"));
    let text = |file: &str| fs::read_to_string(place.path().join(file)).expect("a table");
    assert_eq!(text(RECORDS), format!("{RECORDS_HEADER}\n"));
    assert_eq!(text(TRACES), format!("{TRACES_HEADER}\n"));
    assert_eq!(table_of_records(&[]), format!("{RECORDS_HEADER}\n").as_bytes());
}

#[test]
fn every_column_is_documented_in_the_order_of_the_table_and_no_other() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benchmarks/README.md");
    let readme = fs::read_to_string(readme).expect("the measurements are described");
    for (file, header) in [(RECORDS, RECORDS_HEADER), (TRACES, TRACES_HEADER)] {
        let title = format!("## Columns of {file}\n");
        let section = readme.split(&title).nth(1).unwrap_or_else(|| panic!("benchmarks/README.md lacks {title}"));
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let documented: Vec<&str> = rows.filter_map(|row| row.split_once("` |").map(|(column, _)| column)).collect();
        assert_eq!(documented, header.split(',').collect::<Vec<_>>(), "{file}");
    }
}

#[test]
fn absent_is_an_empty_cell_never_zero_and_never_nan() {
    let table = table_of_records(&[bare_row()]);
    let mut reader = csv::Reader::from_reader(&table[..]);
    let header = reader.headers().expect("a header").clone();
    let row = reader.records().next().expect("a row").expect("text");
    for (column, cell) in header.iter().zip(&row) {
        assert_eq!(cell.is_empty(), !REQUIRED.contains(&column), "{column}: `{cell}`");
    }
}

#[test]
fn values_stand_in_the_column_of_their_name() {
    let row = Record {
        claimed: Some(1.5),
        proved: Some(2.5),
        relaxation_lower: Some(3.5),
        lower_witness: Some(4.5),
        order: Some(11),
        cones: Some(12),
        largest_cone: Some(13),
        variables: Some(14),
        rows: Some(15),
        nonzeros: Some(16),
        certify_s: Some(5.5),
        total_s: Some(6.5),
        status: Status::Interrupted,
        verdict: Some(Verdict::NotABound),
        ..bare_row()
    };
    let table = table_of_records(&[row]);
    let mut reader = csv::Reader::from_reader(&table[..]);
    let header = reader.headers().expect("a header").clone();
    let row = reader.records().next().expect("a row").expect("text");
    let cell = |name: &str| header.iter().position(|column| column == name).and_then(|at| row.get(at));
    let wanted = [
        ("claimed", "1.5"),
        ("proved", "2.5"),
        ("relaxation_lower", "3.5"),
        ("lower_witness", "4.5"),
        ("order", "11"),
        ("cones", "12"),
        ("largest_cone", "13"),
        ("variables", "14"),
        ("rows", "15"),
        ("nonzeros", "16"),
        ("certify_s", "5.5"),
        ("total_s", "6.5"),
        ("status", "interrupted"),
        ("verdict", "not a bound"),
    ];
    for (column, value) in wanted {
        assert_eq!(cell(column), Some(value), "{column}");
    }
}

#[test]
fn the_words_of_statuses_and_verdicts_are_those_of_the_table() {
    use Status::{Crashed, Declined, Failed, Interrupted, Killed, Published, Refused, Skipped, Solved, Stalled};
    let statuses = [Solved, Interrupted, Stalled, Declined, Refused, Failed, Killed, Crashed, Skipped, Published];
    for status in statuses {
        assert_eq!(serde_json::to_string(&status).expect("a word"), format!("\"{}\"", status.word()));
        assert_eq!(status.is_failure(), [Refused, Failed, Killed, Crashed].contains(&status), "{status:?}");
    }
    for verdict in [Verdict::Reproduced, Verdict::Differs, Verdict::NotABound, Verdict::NotRecreated] {
        assert_eq!(serde_json::to_string(&verdict).expect("words"), format!("\"{}\"", verdict.words()));
    }
}

/// Writes rows to a file and reads them back.
fn round_trip(rows: &[Record]) -> Vec<Record> {
    let place = tempdir().expect("a folder");
    let path = place.path().join(RECORDS);
    fs::write(&path, table_of_records(rows)).expect("room");
    let (read, cut) = read_records(&path).expect("whole");
    assert_eq!(cut, 0);
    read
}

/// Any finite number, those near the ends of the range more often.
fn finite() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let ends = [1e300, -1e300, f64::MAX, f64::MIN_POSITIVE, 5e-324, -5e-324, 0.0, -0.0, 0.1, 1e21, 1e16 + 2.0];
    prop_oneof![POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO, proptest::sample::select(ends.to_vec())]
}

fn bits(values: &[Option<f64>]) -> Vec<Option<u64>> {
    values.iter().map(|value| value.map(f64::to_bits)).collect()
}

proptest! {
    #![proptest_config(seeded(64))]

    #[test]
    fn numbers_survive_bit_by_bit(values in prop::collection::vec(prop::option::of(finite()), 14), exact in finite()) {
        let row = Record {
            claimed: values[0],
            proved: values[1],
            relaxation_lower: values[2],
            lower_witness: values[3],
            ratio_to_best_upper: values[4],
            ratio_to_best_lower: values[5],
            ratio_to_fgl: values[6],
            published_half_width: values[7],
            load_s: values[8],
            assemble_s: values[9],
            solve_s: values[10],
            certify_s: values[11],
            total_s: values[12],
            peak_rss_mib: values[13],
            tolerance: exact,
            iterations: Some(u64::MAX),
            seed: u64::MAX,
            ..bare_row()
        };
        let read = round_trip(std::slice::from_ref(&row)).remove(0);
        let numbers = |row: &Record| {
            let ratios = [row.ratio_to_best_upper, row.ratio_to_best_lower, row.ratio_to_fgl, row.published_half_width];
            let bounds = [row.claimed, row.proved, row.relaxation_lower, row.lower_witness];
            let seconds = [row.load_s, row.assemble_s, row.solve_s, row.certify_s, row.total_s];
            bits(&[&ratios[..], &bounds, &seconds, &[row.peak_rss_mib, Some(row.tolerance)]].concat())
        };
        prop_assert_eq!(numbers(&read), numbers(&row));
        prop_assert_eq!(read, row);
    }

    #[test]
    fn text_survives_with_commas_quotes_and_letters_of_all_the_world(
        network in "[ -~äℓ∞,;\"'|\u{2028}網]{1,12}",
        reason in "[ -~äℓ∞,;\"'|\u{2028}網]{1,12}",
    ) {
        let row = Record { network, reason: Some(reason.clone()), cpu: Some(reason), ..bare_row() };
        // A row before and one after: neither is touched.
        let [before, after] = ["before", "after"].map(|cell| Record { cell: cell.to_owned(), ..bare_row() });
        let rows = [before, row, after];
        prop_assert_eq!(round_trip(&rows), rows.to_vec());
    }

    #[test]
    fn steps_survive_bit_by_bit(values in prop::collection::vec(prop::option::of(finite()), 4), exact in finite()) {
        let step = TraceRecord {
            network: "a, \"network\"".to_owned(),
            time_s: exact.abs(),
            value: values[0],
            claimed: values[1],
            scaled_eigenvalue: values[2],
            proved: values[3],
            ..step()
        };
        let place = tempdir().expect("a folder");
        let mut folder = RunFolder::create(place.path(), &environment(1)).expect("a new folder");
        folder.append(&bare_row(), std::slice::from_ref(&step)).expect("room");
        let (read, _) = read_traces(&place.path().join(TRACES)).expect("whole");
        let numbers = |step: &TraceRecord| bits(&[step.value, step.claimed, step.scaled_eigenvalue, step.proved]);
        prop_assert_eq!(numbers(&read[0]), numbers(&step));
        prop_assert_eq!(read, vec![step]);
    }
}

#[test]
fn line_breaks_never_reach_a_table_so_that_a_row_is_a_line() {
    let mut plan =
        plan_of("name = \"lines\"\nmethods = [\"witness\"]\nnetwork = [{ random = { dims = [\"2-3-1\"] } }]");
    let cell = &mut plan.cells[0];
    cell.network = "two\nlines, \"quoted\"".to_owned();
    cell.source = "file:a\r\nb".to_owned();
    cell.work = tightlip_bench::Work::Skip { reason: "it\nis\tnot\u{85}here".to_owned() };
    let place = tempdir().expect("a folder");
    let mut folder = RunFolder::create(place.path(), &environment(1)).expect("a new folder");
    let mut records = Vec::new();
    run(&plan, &mut MockExecutor::new(), &mut folder, &mut records, Unfinished::Discard).expect("room");
    assert_eq!(lines(place.path()).len(), 2);
    let (read, _) = read_records(&place.path().join(RECORDS)).expect("whole");
    assert_eq!(read, records);
    assert_eq!(read[0].network, "two lines, \"quoted\"");
    assert_eq!(read[0].network_source, "file:a  b");
    assert_eq!(read[0].reason.as_deref(), Some("it is not here"));
}
