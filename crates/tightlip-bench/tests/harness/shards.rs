//! Runs in parts: a shard takes whole questions, and the parts make the run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};
use tightlip_bench::{
    Environment, Plan, RECORDS, Record, RunEnd, RunFolder, Shard, TRACES, Unfinished, complete, merge, read_records,
    read_traces,
};

use crate::support::{MockExecutor, complete_run, environment, plan_of, resumed, run, seeded, small_plan, timeless};

/// A plan with so many networks and so many questions about each.
fn wide_plan(networks: usize, queries: usize) -> Plan {
    let dims: Vec<String> = (0..networks).map(|k| format!("\"2-{}-3\"", k + 1)).collect();
    let outputs = ["all", "0", "1", "2", "0-1"];
    let queries: Vec<String> = outputs[..queries].iter().map(|output| format!("{{ output = \"{output}\" }}")).collect();
    plan_of(&format!(
        r#"
        name = "wide"
        methods = ["norm-product", "witness"]
        repetitions = 2
        query = [{}]
        network = [{{ random = {{ dims = [{}] }} }}]
        [[published]]
        network = "2-1-3_relu_s0"
        claim = "somebody's method"
        value = "1"
        source = "somewhere"
        "#,
        queries.join(", "),
        dims.join(", "),
    ))
}

fn question(cell: &tightlip_bench::Cell) -> (String, String) {
    (cell.network.clone(), format!("{:?}", cell.query))
}

proptest! {
    #![proptest_config(seeded(64))]

    #[test]
    fn shards_are_a_partition_by_question(networks in 1_usize..7, queries in 1_usize..5, count in 1_u32..40) {
        let plan = wide_plan(networks, queries);
        let mut home: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut keys = Vec::new();
        let mut sizes = Vec::new();
        for index in 1..=count {
            let part = plan.clone().shard(Shard { index, count });
            sizes.push(part.cells.iter().map(question).collect::<BTreeSet<_>>().len());
            for cell in &part.cells {
                prop_assert_eq!(*home.entry(question(cell)).or_insert(index), index, "a question is not divided");
            }
            // Within a shard the order is that of the plan.
            let places = part.cells.iter().map(|cell| plan.cells.iter().position(|other| other == cell));
            let places: Option<Vec<usize>> = places.collect();
            prop_assert!(places.is_some_and(|places| places.is_sorted()));
            keys.extend(part.cells.into_iter().map(|cell| cell.key));
        }
        let mut wanted: Vec<String> = plan.cells.iter().map(|cell| cell.key.clone()).collect();
        keys.sort();
        wanted.sort();
        prop_assert_eq!(keys, wanted, "every cell in one shard");
        let (least, most) = (sizes.iter().min(), sizes.iter().max());
        prop_assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "work is dealt out evenly");
    }
}

/// Runs shard `index` of `count` of `plan` to its end in its folder below `place`.
fn run_shard(plan: &Plan, place: &Path, index: u32, count: u32) {
    let shard = Shard { index, count };
    let part = plan.clone().shard(shard);
    let path = place.join(shard.folder());
    let of_part = Environment { shard: Some(shard), ..environment(part.cells.len()) };
    let mut folder = RunFolder::create(&path, &of_part).expect("a new folder");
    let mut records = Vec::new();
    run(&part, &mut MockExecutor::new(), &mut folder, &mut records, Unfinished::Discard).expect("room");
    complete(&mut records);
    folder.finish(&records).expect("room");
}

/// All shards of the small plan.
fn sharded(count: u32) -> TempDir {
    let place = tempdir().expect("a folder");
    (1..=count).for_each(|index| run_shard(&small_plan(), place.path(), index, count));
    place
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by(|one, other| one.cell.cmp(&other.cell));
    timeless(&records)
}

/// The essential words of the error of a merge that writes nothing.
fn refused(place: &Path) -> String {
    let error = merge(place).expect_err("these are no whole run").to_string();
    assert!(!place.join(RECORDS).exists() && !place.join(TRACES).exists(), "nothing is written: {error}");
    error
}

#[test]
fn merged_shards_are_the_rows_of_the_run_in_one_piece() {
    let plan = small_plan();
    let whole = tempdir().expect("a folder");
    let (_, mut expected) = complete_run(&plan, whole.path());
    complete(&mut expected);
    // Three shards of two questions: the last is empty.
    for count in 1..=3 {
        let place = sharded(count);
        let merged = merge(place.path()).expect("whole");
        assert_eq!(sorted(merged.clone()), sorted(expected.clone()), "{count} shards");
        assert_eq!(read_records(&place.path().join(RECORDS)).expect("whole"), (merged, 0));
        let traces = |path: &Path| {
            let mut rows = read_traces(&path.join(TRACES)).expect("whole").0;
            rows.sort_by(|one, other| (&one.cell, one.iterations).cmp(&(&other.cell, other.iterations)));
            rows
        };
        assert_eq!(traces(place.path()), traces(whole.path()));
        let merged = Environment::read(place.path()).expect("an environment");
        assert_eq!((merged.shard, merged.cells), (None, plan.cells.len()));
        assert_eq!(merge(place.path()).expect("again").len(), plan.cells.len(), "merging twice does no harm");
    }
}

#[test]
fn a_missing_shard_is_named() {
    let place = sharded(3);
    fs::remove_dir_all(place.path().join("shard-2-of-3")).expect("it is there");
    let error = refused(place.path());
    assert!(error.contains("missing: shard-2-of-3"), "{error}");
    fs::remove_dir_all(place.path().join("shard-1-of-3")).expect("it is there");
    let error = refused(place.path());
    assert!(error.contains("shard-1-of-3, shard-2-of-3"), "{error}");
}

#[test]
fn a_shard_that_is_not_finished_is_named_with_what_to_do() {
    let place = tempdir().expect("a folder");
    let plan = small_plan();
    run_shard(&plan, place.path(), 1, 2);
    let shard = Shard { index: 2, count: 2 };
    let part = plan.shard(shard);
    let path = place.path().join(shard.folder());
    let mut folder = RunFolder::create(&path, &environment(part.cells.len())).expect("a new folder");
    let mut executor = MockExecutor::interrupted_at(2);
    let end = run(&part, &mut executor, &mut folder, &mut Vec::new(), Unfinished::Discard).expect("room");
    assert_eq!(end, RunEnd::Interrupted { left: 5 });
    drop(folder);
    let error = refused(place.path());
    for words in ["shard-2-of-2", "1 of 6 rows", "--resume"] {
        assert!(error.contains(words), "{words}: {error}");
    }
    let (mut folder, mut records) = resumed(&part, &path).expect("a run");
    run(&part, &mut MockExecutor::new(), &mut folder, &mut records, Unfinished::Discard).expect("room");
    // Its rows are complete, but nobody has compared them yet.
    assert!(records.iter().all(|row| row.ratio_to_best_upper.is_none()));
    let merged = merge(place.path()).expect("whole");
    assert_eq!(merged.len(), 13);
    let compared = |row: &Record| row.ratio_to_best_upper.is_some() == row.upper().is_some();
    assert!(merged.iter().all(compared), "{merged:?}");
}

#[test]
fn a_last_row_that_was_cut_short_makes_a_shard_unfinished() {
    let place = sharded(2);
    let records = place.path().join("shard-1-of-2").join(RECORDS);
    let bytes = fs::read(&records).expect("records");
    fs::write(&records, &bytes[..bytes.len() - 1]).expect("room");
    let error = refused(place.path());
    assert!(error.contains("6 of 7 rows") && error.contains("--resume"), "{error}");
}

#[test]
fn shards_of_different_suites_are_not_put_together() {
    let place = sharded(2);
    let file = place.path().join("shard-2-of-2").join("environment.json");
    let text = fs::read_to_string(&file).expect("an environment");
    fs::write(&file, text.replace("digest of the suite", "digest of another suite")).expect("room");
    let error = refused(place.path());
    assert!(error.contains("different suite"), "{error}");
    fs::write(&file, text.replace('{', "")).expect("room");
    let error = refused(place.path());
    assert!(error.contains("environment.json") && error.contains("damaged"), "{error}");
}

#[test]
fn shards_of_different_divisions_and_shards_that_overlap_are_not_put_together() {
    let place = sharded(2);
    run_shard(&small_plan(), place.path(), 3, 3);
    let error = refused(place.path());
    assert!(error.contains("different divisions"), "{error}");

    let place = sharded(2);
    let (one, copy) = (place.path().join("shard-1-of-2"), place.path().join("shard-01-of-2"));
    fs::create_dir(&copy).expect("room");
    for file in ["records.csv", "traces.csv", "environment.json"] {
        fs::copy(one.join(file), copy.join(file)).expect("room");
    }
    let error = refused(place.path());
    assert!(error.contains("overlap") && error.contains("2-3-1_relu_s0"), "{error}");
}

#[test]
fn a_folder_without_shards_and_a_folder_with_another_run_are_refused() {
    let place = tempdir().expect("a folder");
    let error = refused(place.path());
    assert!(error.contains("no folders shard-I-of-N") && error.contains("-o"), "{error}");

    let place = sharded(2);
    let other = plan_of("name = \"other\"\nnetwork = [{ random = { dims = [\"3-3-1\"] } }]");
    drop(complete_run(&other, &place.path().join("other")));
    fs::copy(place.path().join("other").join(RECORDS), place.path().join(RECORDS)).expect("room");
    let before = fs::read(place.path().join(RECORDS)).expect("records");
    let error = merge(place.path()).expect_err("there is another run").to_string();
    assert!(error.contains("there is a run in this folder already"), "{error}");
    assert_eq!(fs::read(place.path().join(RECORDS)).expect("records"), before);
}

#[test]
fn a_shard_is_read_as_written_and_nonsense_is_refused_with_an_example() {
    assert_eq!(Shard::parse("2/4"), Ok(Shard { index: 2, count: 4 }));
    for text in ["", "2", "0/4", "5/4", "-1/4", "+1/4", "1/0", "a/b", "1/2/3", "1/99999999999", "/", "1/"] {
        let error = Shard::parse(text).expect_err("no part of a run");
        assert!(error.contains("2/4") && error.contains(text), "{text}: {error}");
    }
}
