//! Proofs that contradict each other raise the alarm, and nothing else does; the worst comes first.

use tightlip_bench::{Finding, Record, Severity, Status, inspect};

use crate::support::{bare_row, estimate, formal, upper, witness};

fn severities(rows: &[Record]) -> Vec<Severity> {
    inspect(rows).iter().map(|finding| finding.severity).collect()
}

/// The only finding about rows.
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

/// The smallest number above.
fn above(value: f64) -> f64 {
    f64::from_bits(value.to_bits() + 1)
}

#[test]
fn a_run_without_contradictions_has_no_findings() {
    let relaxation = Record { relaxation_lower: Some(3.9), ..upper("lipsdp-neuron.lifted", 4.0) };
    assert_eq!(severities(&[upper("norm-product", 8.0), relaxation, formal(3.0), witness(2.0)]), []);
    assert_eq!(severities(&[]), []);
}

#[test]
fn a_witness_above_an_upper_bound_is_an_alarm_and_at_equality_is_none() {
    let lower = Record { seed: 1, ..witness(1.0) };
    let rows = |value| [upper("norm-product", 8.0), upper("lipsdp-neuron.lifted", 4.0), witness(value), lower.clone()];
    assert_eq!(severities(&rows(4.0)), []);
    let finding = only(&rows(above(4.0)));
    assert_eq!(finding.severity, Severity::Alarm);
    let wanted = ["net: the proved lower bound 4.000000000000001 of witness", "4.0 of lipsdp-neuron.lifted", "defect"];
    says(&finding, &wanted);
    assert!(finding.reproduction.iter().any(|command| command.contains("--method witness")), "{finding:?}");
    assert!(finding.reproduction.iter().any(|command| command.contains("--method lipsdp-neuron.lifted")));
}

#[test]
fn a_witness_that_comes_with_an_upper_bound_counts_too() {
    let row = Record { lower_witness: Some(4.5), ..upper("lipsdp-neuron.lifted", 5.0) };
    let finding = only(&[row, upper("norm-product", 4.0)]);
    assert_eq!(finding.severity, Severity::Alarm);
    says(&finding, &["4.5 of lipsdp-neuron.lifted", "4.0 of norm-product"]);
}

#[test]
fn a_formal_lower_bound_above_an_upper_bound_is_an_alarm_and_at_equality_is_none() {
    let rows = |value| [upper("norm-product", 4.0), formal(value)];
    assert_eq!(severities(&rows(4.0)), []);
    let finding = only(&rows(above(4.0)));
    assert_eq!(finding.severity, Severity::Alarm);
    says(&finding, &["formal constant", "of fgl-pattern", "4.0 of norm-product"]);
}

#[test]
fn a_relaxation_contradicts_upper_bounds_of_its_own_formulation_only() {
    let rows = |value, method: &str| {
        let relaxation = Record { relaxation_lower: Some(value), ..upper("lipsdp-neuron.lifted", 6.0) };
        // Ended by a limit, so that the two need not agree.
        let other = Record { status: Status::Interrupted, ..upper(method, 4.0) };
        [relaxation, other]
    };
    assert_eq!(severities(&rows(4.0, "lipsdp-neuron.full.clarabel")), []);
    assert_eq!(severities(&rows(above(4.0), "norm-product")), [], "a tighter relaxation may be below");
    assert_eq!(severities(&rows(above(4.0), "lipsdp-layer.full.clarabel")), []);
    let finding = only(&rows(above(4.0), "lipsdp-neuron.full.clarabel"));
    assert_eq!(finding.severity, Severity::Alarm);
    says(&finding, &["lower bound of the relaxation", "of lipsdp-neuron.lifted", "4.0 of lipsdp-neuron.full.clarabel"]);
}

#[test]
fn bounds_of_different_questions_do_not_contradict_each_other() {
    let low = upper("norm-product", 1.0);
    for other in [
        Record { network: "other".to_owned(), ..low.clone() },
        Record { input_norm: "inf".to_owned(), ..low.clone() },
        Record { output_norm: "1".to_owned(), ..low.clone() },
        Record { output: "0-1".to_owned(), ..low.clone() },
    ] {
        assert_eq!(severities(&[other, witness(2.0)]), []);
    }
    assert_eq!(severities(&[low, witness(2.0)]), [Severity::Alarm]);
}

#[test]
fn what_a_method_merely_claims_raises_no_alarm() {
    let claimed = Record { proved: None, claimed: Some(1.0), ..upper("norm-product", 1.0) };
    assert_eq!(severities(&[claimed, witness(2.0)]), []);
    let published = Record { kind: "published".to_owned(), published: Some("1.0".to_owned()), ..bare_row() };
    assert_eq!(severities(&[published, witness(2.0)]), []);
}

#[test]
fn an_estimate_contradicts_no_proof_whatever_its_row_says() {
    assert_eq!(severities(&[estimate(1.0), witness(2.0), formal(3.0), upper("norm-product", 4.0)]), []);
    assert_eq!(severities(&[estimate(9.0), upper("norm-product", 4.0)]), []);
    // Columns that no program fills for an estimate, but a hand may.
    let proved = Record { proved: Some(1.0), ..estimate(1.0) };
    assert_eq!(severities(&[proved, witness(2.0)]), []);
    let bound = upper("lipsdp-neuron.lifted", 4.0);
    let relaxed =
        |value| Record { relaxation_lower: Some(value), method: "lipsdp-neuron.estimate".into(), ..estimate(1.0) };
    assert_eq!(severities(&[relaxed(5.0), bound.clone()]), [], "its relaxation is another one");
    let relaxed = Record { kind: "upper".to_owned(), ..relaxed(5.0) };
    assert_eq!(severities(&[relaxed, bound]), [Severity::Alarm], "that of a bound is not");
}

#[test]
fn an_estimate_that_fails_is_found_like_any_other_cell() {
    let crashed =
        Record { status: Status::Crashed, claimed: None, reason: Some("its reason".to_owned()), ..estimate(1.0) };
    let finding = only(&[crashed]);
    assert_eq!(finding.severity, Severity::Failure);
    says(&finding, &["lipsdp-tau.estimate", "its reason"]);
}

#[test]
fn a_question_is_named_with_its_norms_and_outputs_where_they_are_unusual() {
    let ask = |row: Record| Record {
        input_norm: "inf".to_owned(),
        output_norm: "1".to_owned(),
        output: "0-1".to_owned(),
        ..row
    };
    says(&only(&[ask(upper("norm-product", 1.0)), ask(witness(2.0))]), &["net ℓ∞→ℓ1, output 0-1: "]);
}

#[test]
fn failures_are_found_and_a_cell_that_was_ended_is_only_a_warning() {
    let with = |status, reason: &str| Record {
        status,
        reason: Some(reason.to_owned()),
        proved: None,
        ..upper("lipsdp-neuron.full.clarabel", 1.0)
    };
    for (status, severity) in [
        (Status::Crashed, Severity::Failure),
        (Status::Failed, Severity::Failure),
        (Status::Refused, Severity::Failure),
        (Status::Killed, Severity::Warning),
    ] {
        let finding = only(&[with(status, "its reason")]);
        assert_eq!(finding.severity, severity);
        says(&finding, &["net: lipsdp-neuron.full.clarabel", status.word(), "its reason"]);
        assert!(!finding.reproduction.is_empty());
    }
    for status in [Status::Solved, Status::Interrupted, Status::Stalled, Status::Declined, Status::Skipped] {
        assert_eq!(severities(&[with(status, "its reason")]), [], "{status:?}");
    }
    let repeated = [with(Status::Crashed, "one"), with(Status::Crashed, "one"), with(Status::Crashed, "two")];
    assert_eq!(severities(&repeated), [Severity::Failure, Severity::Failure], "repetitions count once");
}

#[test]
fn the_worst_comes_first() {
    let killed = Record { status: Status::Killed, ..bare_row() };
    let crashed = Record { status: Status::Crashed, method: "witness".to_owned(), ..bare_row() };
    let disagreeing = [upper("lipsdp-neuron.lifted", 4.0), upper("lipsdp-neuron.full.clarabel", 5.0)];
    let in_another = |row: Record| Record { network: "a".to_owned(), ..row };
    let mut rows = vec![killed, crashed, in_another(upper("norm-product", 1.0)), in_another(witness(2.0))];
    rows.extend(disagreeing.map(|row| Record { network: "z".to_owned(), ..row }));
    let worst_first = [Severity::Alarm, Severity::Disagreement, Severity::Failure, Severity::Warning];
    assert_eq!(severities(&rows), worst_first);
    rows.reverse();
    assert_eq!(severities(&rows), worst_first);
}
