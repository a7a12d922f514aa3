//! The columns that need all rows of a question: ratios, and verdicts on published numbers.

use std::fs;

use tempfile::tempdir;
use tightlip_bench::{RECORDS, Record, Status, Verdict, complete, read_records};

use crate::support::{bare_row, complete_run, estimate, formal, plan_of, upper, witness};

fn ratios(row: &Record) -> [Option<f64>; 3] {
    [row.ratio_to_best_upper, row.ratio_to_best_lower, row.ratio_to_fgl]
}

#[test]
fn ratios_are_those_to_the_best_bounds_of_the_same_question() {
    let elsewhere = |row: Record| Record { network: "other".to_owned(), ..row };
    let mut rows = vec![
        upper("norm-product", 8.0),
        upper("lipsdp-neuron.lifted", 4.0),
        upper("lipsdp-layer.full.clarabel", 5.0),
        witness(1.0),
        witness(2.0),
        formal(2.5),
        formal(0.5),
        elsewhere(upper("norm-product", 3.0)),
        elsewhere(formal(1.5)),
    ];
    complete(&mut rows);
    let of_rows: Vec<_> = rows.iter().map(ratios).collect();
    assert_eq!(of_rows[0], [Some(2.0), Some(4.0), Some(3.2)]);
    assert_eq!(of_rows[1], [Some(1.0), Some(2.0), Some(1.6)]);
    assert_eq!(of_rows[2], [Some(1.25), Some(2.5), Some(2.0)]);
    for row in [3, 4, 5, 6, 8] {
        assert_eq!(of_rows[row], [None; 3], "lower bounds have no ratio");
    }
    assert_eq!(of_rows[7], [Some(1.0), None, Some(2.0)], "what is absent stays empty");
}

#[test]
fn an_estimate_has_no_ratio_and_is_best_nowhere() {
    let planted = Record { proved: Some(1.0), ..estimate(1.0) };
    let large = Record { proved: Some(9.0), ..estimate(9.0) };
    let mut rows = vec![upper("norm-product", 8.0), estimate(1.0), planted, large, witness(2.0), formal(2.5)];
    complete(&mut rows);
    assert_eq!(ratios(&rows[0]), [Some(1.0), Some(4.0), Some(3.2)]);
    for row in &rows[1..4] {
        assert_eq!(ratios(row), [None; 3]);
    }
}

#[test]
fn a_published_estimate_is_compared_with_ours_and_is_the_base_of_nothing() {
    let publish = |number: &str, row: Record| Record { published: Some(number.to_owned()), ..row };
    let relative = |row: Record| Record { published_relative_to: Some("lipsdp-tau.estimate".to_owned()), ..row };
    let mut rows = vec![
        publish("3.000", estimate(3.000_2)),
        publish("3.000", estimate(3.1)),
        publish("1.5", Record { proved: Some(9.0), ..estimate(1.5) }),
        relative(publish("1.0", upper("norm-product", 8.0))),
        witness(2.0),
    ];
    complete(&mut rows);
    let verdicts: Vec<_> = rows.iter().map(|row| row.verdict).collect();
    let wanted = [Some(Verdict::Reproduced), Some(Verdict::Differs), Some(Verdict::NotABound), None, None];
    assert_eq!(verdicts, wanted);
}

#[test]
fn a_ratio_to_nothing_or_to_zero_is_empty() {
    let declined = Record { proved: None, status: Status::Declined, ..upper("norm-product", 1.0) };
    let mut rows = vec![declined, upper("lipsdp-neuron.lifted", 4.0), witness(0.0)];
    complete(&mut rows);
    assert_eq!(ratios(&rows[0]), [None; 3]);
    assert_eq!(ratios(&rows[1]), [Some(1.0), None, None]);
    let mut zero = vec![upper("norm-product", 0.0), witness(0.0)];
    complete(&mut zero);
    assert_eq!(ratios(&zero[0]), [None; 3], "a constant network");
}

#[test]
fn completing_twice_or_after_a_change_leaves_nothing_of_the_time_before() {
    let mut rows = vec![upper("norm-product", 8.0), upper("lipsdp-neuron.lifted", 4.0), witness(2.0)];
    complete(&mut rows);
    let once = rows.clone();
    complete(&mut rows);
    assert_eq!(rows, once);
    rows.truncate(1);
    complete(&mut rows);
    assert_eq!(ratios(&rows[0]), [Some(1.0), None, None]);
}

/// A suite whose network's planted bounds are 4 (LipSDP), 8 (product of norms), 2 (witness) and 2.5 (formal) times the same
/// number near 2.2.
const SUITE: &str = r#"
    name = "published"
    methods = ["norm-product", "lipsdp-neuron.lifted", "witness", "fgl-pattern"]
    repetitions = 2
    network = [{ random = { dims = ["2-3-1", "2-4-1"] } }]
    [[published]]
    network = "2-3-1_relu_s0"
    method = "lipsdp-neuron.lifted"
    value = "VALUE"
    source = "Table 1"
    [[published]]
    network = "2-3-1_relu_s0"
    claim = "too small"
    value = "0.5"
    source = "Table 2"
    [[published]]
    network = "2-3-1_relu_s0"
    claim = "a ratio"
    value = "0.75"
    half_width = 0.01
    relative_to = "norm-product"
    source = "Figure 3"
"#;

#[test]
fn published_numbers_have_rows_of_their_own_or_stand_beside_the_method_that_makes_them() {
    let place = tempdir().expect("a folder");
    let (_, probe) = complete_run(&plan_of(&SUITE.replace("VALUE", "1")), &place.path().join("probe"));
    let proved = probe[1].proved.expect("planted");
    let plan = plan_of(&SUITE.replace("VALUE", &format!("{proved:.4}")));
    let (mut folder, mut rows) = complete_run(&plan, &place.path().join("run"));
    complete(&mut rows);
    folder.finish(&rows).expect("room");
    let on_disk = read_records(&place.path().join("run").join(RECORDS)).expect("whole").0;
    assert_eq!(on_disk, rows, "ratios and verdicts are in the file");
    let listed: Vec<(&str, &str, Option<&str>, Option<Verdict>)> = rows[..8]
        .iter()
        .map(|row| (row.method.as_str(), row.kind.as_str(), row.published.as_deref(), row.verdict))
        .collect();
    let digits = format!("{proved:.4}");
    let published = |row: usize| listed[row];
    for row in [1, 5] {
        let wanted = ("lipsdp-neuron.lifted", "upper", Some(&digits[..]), Some(Verdict::Reproduced));
        assert_eq!(published(row), wanted, "each repetition");
    }
    assert_eq!(published(0).2, None);
    let rows_of_claims: Vec<_> = listed.iter().filter(|row| row.1 == "published").collect();
    let too_small = ("too small", "published", Some("0.5"), Some(Verdict::NotABound));
    let ratio = ("a ratio", "published", Some("0.75"), Some(Verdict::NotRecreated));
    assert!(rows_of_claims.contains(&&too_small) && rows_of_claims.contains(&&ratio), "{rows_of_claims:?}");
    let ratio = rows.iter().find(|row| row.method == "a ratio").expect("a row");
    assert_eq!(ratio.status, Status::Published);
    assert_eq!(
        (ratio.published_half_width, ratio.published_relative_to.as_deref()),
        (Some(0.01), Some("norm-product"))
    );
    assert_eq!(ratio.published_source.as_deref(), Some("Figure 3"));
    assert_eq!((ratio.proved, ratio.reason.as_deref(), ratios(ratio)), (None, None, [None; 3]));
    assert!(rows[8..].iter().all(|row| row.published.is_none() && row.verdict.is_none()), "the other network");
}

#[test]
fn a_published_number_below_the_formal_constant_is_no_bound() {
    let claim = |value: &str| Record {
        kind: "published".to_owned(),
        status: Status::Published,
        published: Some(value.to_owned()),
        ..bare_row()
    };
    let judged = |value: &str, lower: Record| {
        let mut rows = vec![claim(value), lower, upper("norm-product", 9.0)];
        complete(&mut rows);
        rows[0].verdict
    };
    assert_eq!(judged("2.4", formal(2.5)), Some(Verdict::NotABound));
    assert_eq!(judged("2.5", formal(2.5)), Some(Verdict::NotRecreated));
    assert_eq!(judged("1.9", witness(2.0)), Some(Verdict::NotABound));
    // Everything from 1.95 rounds to it.
    assert_eq!(judged("2.0", witness(2.04)), Some(Verdict::NotRecreated));
    assert_eq!(judged("2.0", witness(2.06)), Some(Verdict::NotABound));
}

#[test]
fn finishing_replaces_the_table_whole_and_leaves_no_other_file() {
    let place = tempdir().expect("a folder");
    let (mut folder, mut rows) = complete_run(&plan_of(&SUITE.replace("VALUE", "1")), place.path());
    assert!(rows.iter().all(|row| ratios(row) == [None; 3]), "rows are appended without what needs all rows");
    complete(&mut rows);
    folder.finish(&rows).expect("room");
    let mut files: Vec<String> = fs::read_dir(place.path())
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, ["environment.json", "records.csv", "traces.csv"]);
}
