//! Methods for the same number that both say they solved it must agree, and so must repetitions.

use tightlip_bench::{Finding, Record, Severity, Status, inspect};

use crate::support::{bare_row, estimate, upper, witness};

const LIFTED: &str = "lipsdp-neuron.lifted";
const FULL: &str = "lipsdp-neuron.full.clarabel";

fn with_tolerance(row: Record, tolerance: f64) -> Record {
    Record { tolerance, ..row }
}

fn severities(rows: &[Record]) -> Vec<Severity> {
    inspect(rows).iter().map(|finding| finding.severity).collect()
}

#[track_caller]
fn only(rows: &[Record]) -> Finding {
    let findings = inspect(rows);
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.into_iter().next().expect("one")
}

#[track_caller]
fn says(finding: &Finding, words: &[&str]) {
    for word in words {
        assert!(finding.message.contains(word), "no `{word}` in: {}", finding.message);
    }
}

#[test]
fn solved_methods_of_one_formulation_may_differ_by_their_tolerances_and_no_more() {
    // Twice the larger tolerance, and 1e-6 for ends and proofs.
    for (one, other, allowed) in [(1e-5, 1e-5, 2.1e-5), (1e-5, 1e-3, 2.001e-3), (1e-9, 1e-9, 1.002e-6)] {
        let rows = |apart: f64| {
            let high = with_tolerance(upper(FULL, 4.0 * (1.0 + apart)), other);
            [with_tolerance(upper(LIFTED, 4.0), one), high]
        };
        assert_eq!(severities(&rows(0.99 * allowed)), [], "{one:e} {other:e}");
        assert_eq!(severities(&rows(1.01 * allowed)), [Severity::Disagreement], "{one:e} {other:e}");
        let [low, high] = rows(1.01 * allowed);
        let swapped = [Record { method: FULL.to_owned(), ..low }, Record { method: LIFTED.to_owned(), ..high }];
        assert_eq!(severities(&swapped), [Severity::Disagreement], "whichever of the two is above");
    }
}

#[test]
fn a_disagreement_tells_both_numbers_and_how_to_see_them_again() {
    let finding = only(&[upper(LIFTED, 4.0), upper(FULL, 5.0)]);
    says(&finding, &["net: ", LIFTED, FULL, "solved lipsdp-neuron", "4.0", "5.0", "2.5e-1", "2.1e-5"]);
    assert!(finding.reproduction.iter().any(|command| command.contains(LIFTED)));
    assert!(finding.reproduction.iter().any(|command| command.contains(FULL)));
}

#[test]
fn methods_of_different_formulations_may_differ() {
    assert_eq!(severities(&[upper("lipsdp-layer.full.clarabel", 5.0), upper(LIFTED, 4.0)]), []);
    assert_eq!(severities(&[upper("norm-product", 5.0), upper(LIFTED, 4.0)]), []);
    let restricted = |solver: &str| format!("geolip.dual.{solver}:one-multiplier-per-layer=yes");
    assert_eq!(severities(&[upper(&restricted("interior"), 5.0), upper("geolip.lifted", 4.0)]), []);
    let rows = [upper(&restricted("interior"), 5.0), upper(&restricted("clarabel"), 4.0)];
    assert_eq!(severities(&rows), [Severity::Disagreement]);
}

#[test]
fn only_rows_that_say_solved_can_disagree() {
    for status in [Status::Interrupted, Status::Stalled] {
        assert_eq!(severities(&[upper(LIFTED, 4.0), Record { status, ..upper(FULL, 9.0) }]), []);
        assert_eq!(severities(&[Record { status, ..upper(LIFTED, 4.0) }, upper(FULL, 9.0)]), []);
    }
}

#[test]
fn a_loose_run_of_one_method_does_not_hide_the_disagreement_of_tight_ones() {
    let loose = with_tolerance(upper(LIFTED, 4.2), 1e-1);
    let rows = [loose, with_tolerance(upper(LIFTED, 4.0), 1e-7), with_tolerance(upper(FULL, 4.1), 1e-7)];
    let found: Vec<Finding> =
        inspect(&rows).into_iter().filter(|finding| finding.severity == Severity::Disagreement).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    says(&found[0], &["4.0", "4.1"]);
}

#[test]
fn repetitions_of_one_method_do_not_hide_the_disagreement_of_two() {
    // The extremes are both of one method; between them stands another one.
    let other = Record { tolerance: 1e-6, ..upper(LIFTED, 5.0) };
    let rows = [upper(LIFTED, 4.0), other, upper(FULL, 4.5)];
    assert!(severities(&rows).contains(&Severity::Disagreement), "{:?}", inspect(&rows));
}

#[test]
fn rows_under_one_name_about_different_weights_are_red() {
    let of = |digest: &str, row: Record| Record { network_sha256: Some(digest.to_owned()), ..row };
    assert_eq!(severities(&[of("aa", upper("norm-product", 4.0)), of("aa", witness(1.0)), bare_row()]), []);
    let finding = only(&[of("aa", upper("norm-product", 4.0)), of("bb", witness(1.0))]);
    assert_eq!(finding.severity, Severity::Disagreement);
    says(&finding, &["net", "2 different networks", "aa, bb", "cannot be compared"]);
}

#[test]
fn an_estimate_disagrees_with_nobody() {
    let of = |method: &str, claimed: f64| Record { method: method.to_owned(), ..estimate(claimed) };
    assert_eq!(severities(&[of("lipsdp-neuron.estimate", 1.0), upper(LIFTED, 4.0)]), []);
    assert_eq!(severities(&[of("lipsdp-tau.estimate", 1.0), of("lipsdp-tau.other", 2.0)]), []);
    let proved = Record { proved: Some(9.0), ..of("lipsdp-neuron.estimate", 9.0) };
    assert_eq!(severities(&[proved, upper(LIFTED, 4.0)]), []);
}

#[test]
fn repetitions_of_an_estimate_prove_nothing_but_their_times_tell_of_a_busy_machine() {
    let row = |proved, total_s| Record { proved: Some(proved), total_s: Some(total_s), ..estimate(proved) };
    assert_eq!(severities(&[row(1.0, 1.0), row(2.0, 1.0)]), []);
    says(&only(&[row(1.0, 1.0), row(1.0, 2.0)]), &["lipsdp-tau.estimate", "busy"]);
}

/// Two repetitions that took so long.
fn repetitions(first_s: f64, second_s: f64) -> [Record; 2] {
    let row = |total_s, repetition| Record { total_s: Some(total_s), repetition, ..upper(LIFTED, 4.0) };
    [row(first_s, 1), row(second_s, 2)]
}

#[test]
fn repetitions_that_spread_by_a_fifth_are_a_warning() {
    assert_eq!(severities(&repetitions(1.0, 1.19)), []);
    assert_eq!(severities(&repetitions(1.19, 1.0)), []);
    for rows in [repetitions(1.0, 1.21), repetitions(1.21, 1.0)] {
        let finding = only(&rows);
        assert_eq!(finding.severity, Severity::Warning);
        says(&finding, &["net, lipsdp-neuron.lifted: 1.000 to 1.210 s", "1 of 1 repeated cells", "20 %", "busy"]);
    }
    // Below five milliseconds that is the clock.
    assert_eq!(severities(&repetitions(0.001, 0.0055)), []);
    assert_eq!(severities(&repetitions(0.001, 0.0065)), [Severity::Warning]);
}

#[test]
fn runs_under_different_limits_are_no_repetitions_of_each_other() {
    let [first, second] = repetitions(1.0, 3.0);
    for other in [
        Record { time_limit_s: 10.0, ..second.clone() },
        Record { memory_limit_mib: 10, ..second.clone() },
        Record { tolerance: 1e-3, ..second.clone() },
        Record { seed: 1, ..second.clone() },
        Record { threads: 2, ..second.clone() },
        Record { output: "0".to_owned(), ..second.clone() },
        Record { status: Status::Interrupted, ..second.clone() },
    ] {
        assert_eq!(severities(&[first.clone(), other.clone()]), [], "{other:?}");
    }
    assert_eq!(severities(&[first, second]), [Severity::Warning]);
}

#[test]
fn repetitions_that_prove_different_numbers_are_a_warning() {
    let [first, second] = repetitions(1.0, 1.0);
    let finding = only(&[first, Record { proved: Some(4.000_000_000_000_001), ..second }]);
    assert_eq!(finding.severity, Severity::Warning);
    says(&finding, &[LIFTED, "proved 4.0 and 4.000000000000001", "should not depend"]);
}
