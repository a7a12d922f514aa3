//! What a run's rows say against each other, and the columns that need all rows of a question.
//!
//! A row can be wrong without looking wrong. Three things are always checked: a proved lower bound above a proved upper one
//! of the same quantity (a defect of tightlip: the soundness alarm), two methods for the same number that both say they
//! solved it and differ (the run is red), and repetitions that spread (a warning: the machine was busy).

use std::collections::BTreeMap;

use crate::published;
use crate::record::{Question, Record, Status};
use crate::source::NetworkSource;
use spread::Repetitions;

mod spread;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The numbers stand; read them with care.
    Warning,
    /// A cell has no answer for a reason nobody asked for.
    Failure,
    /// Two methods contradict each other: the run's verdict is red.
    Disagreement,
    /// Two proofs contradict each other: a defect of tightlip.
    Alarm,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found, where, and what to do.
    pub message: String,
    /// Commands that show it again.
    pub reproduction: Vec<String>,
}

/// Relative difference of two solved answers to the same problem, beyond the tolerances they were asked for, that is a
/// disagreement: interior-point methods end at 1e-8, and rounding and proving cost about as much again.
const AGREEMENT: f64 = 1e-6;
/// Everything found, the worst first.
pub fn inspect(records: &[Record]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut repetitions = Repetitions::default();
    for (question, rows) in by_question(records) {
        // Rows about different weights may say different things.
        if let Some(mixed) = mixed_networks(&question, &rows) {
            findings.push(mixed);
        } else {
            findings.extend(contradictions(&question, &rows));
            findings.extend(disagreements(&question, &rows));
        }
        findings.extend(failures(&question, &rows));
        repetitions.look_at(&question, &rows);
    }
    findings.extend(repetitions.findings());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Fills the columns that need all rows of a question: the ratios and the verdicts on published numbers.
pub fn complete(records: &mut [Record]) {
    let bests: BTreeMap<Question, Best> =
        by_question(records).into_iter().map(|(question, rows)| (question, Best::of(&rows))).collect();
    let bases = published::bases(records);
    for record in records {
        let best = bests[&record.question()];
        let ratio = |base: Option<f64>| Some(record.upper()? / base.filter(|base| *base > 0.0)?);
        let ratios = (ratio(best.upper), ratio(best.witness), ratio(best.formal));
        (record.ratio_to_best_upper, record.ratio_to_best_lower, record.ratio_to_fgl) = ratios;
        record.verdict = published::verdict(record, best.lower(), &bases);
    }
}

/// The best proved bounds of one question.
#[derive(Debug, Clone, Copy, Default)]
struct Best {
    upper: Option<f64>,
    witness: Option<f64>,
    formal: Option<f64>,
}

impl Best {
    fn of(rows: &[&Record]) -> Self {
        let formal = rows.iter().filter_map(|row| formal_lower(row));
        Self {
            upper: rows.iter().filter_map(|row| row.upper()).reduce(f64::min),
            witness: rows.iter().filter_map(|row| row.lower_witness).reduce(f64::max),
            formal: formal.reduce(f64::max),
        }
    }

    /// The largest number that a bound ignoring biases, like all methods here so far, cannot be below.
    fn lower(self) -> Option<f64> {
        self.witness.into_iter().chain(self.formal).reduce(f64::max)
    }
}

/// A proved lower bound of the formal constant: of a pattern, or of a method that computes the constant itself.
fn formal_lower(row: &Record) -> Option<f64> {
    match row.kind.as_ref() {
        "fgl-lower" => row.proved,
        _ if row.formulation() == "fgl" => row.relaxation_lower,
        _ => None,
    }
}

/// The rows of each question, in order.
pub(crate) fn by_question(records: &[Record]) -> BTreeMap<Question, Vec<&Record>> {
    let mut groups: BTreeMap<Question, Vec<&Record>> = BTreeMap::new();
    for record in records {
        groups.entry(record.question()).or_default().push(record);
    }
    groups
}

/// Proved lower bounds above proved upper bounds of the same quantity: one finding for each kind of lower bound, with the
/// worst pair.
fn contradictions(question: &Question, rows: &[&Record]) -> Vec<Finding> {
    let uppers = || rows.iter().filter_map(|row| Some((*row, row.upper()?)));
    let mut findings = Vec::new();
    let mut alarm = |what: &str, lower: Option<(&Record, f64)>, upper: Option<(&Record, f64)>| {
        let (Some((low_row, low)), Some((up_row, up))) = (lower, upper) else { return };
        if low > up {
            findings.push(Finding {
                severity: Severity::Alarm,
                message: format!(
                    "{}: {what} {low:?} of {} exceeds the proved upper bound {up:?} of {}: one of the two proofs is wrong, \
                     which is a defect of tightlip; please report it with the model",
                    question.label(),
                    low_row.method,
                    up_row.method,
                ),
                reproduction: [reproduction(low_row), reproduction(up_row)].concat(),
            });
        }
    };
    let witness = rows.iter().filter_map(|row| Some((*row, row.lower_witness?)));
    alarm("the proved lower bound", largest(witness), smallest(uppers()));
    // Every upper bound here ignores biases, so it holds for the formal constant, too.
    let formal = rows.iter().filter_map(|row| Some((*row, formal_lower(row)?)));
    alarm("the proved lower bound of the formal constant", largest(formal), smallest(uppers()));
    for formulation in formulations(rows) {
        // What an estimate relaxes is not what the bounds of its name relax.
        let own = |row: &&Record| row.formulation() == formulation && !row.is_estimate();
        let lower = rows.iter().copied().filter(own).filter_map(|row| Some((row, row.relaxation_lower?)));
        let upper = uppers().filter(|(row, _)| row.formulation() == formulation);
        alarm("the proved lower bound of the relaxation", largest(lower), smallest(upper));
    }
    findings
}

/// Methods for the same number that say they solved it, but differ by more than both were asked for.
fn disagreements(question: &Question, rows: &[&Record]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for formulation in formulations(rows) {
        let solved = rows.iter().filter(|row| row.formulation() == formulation && row.status == Status::Solved);
        let solved: Vec<(&Record, f64)> = solved.filter_map(|row| Some((*row, row.upper()?))).collect();
        // Every pair: a loose run beside them, or another run of the same method, must not hide two that differ.
        let pairs = solved.iter().flat_map(|low| solved.iter().map(move |high| (*low, *high)));
        let excess = |(low, high): &((&Record, f64), (&Record, f64))| high.1 - low.1 * (1.0 + allowed(low.0, high.0));
        let apart = pairs.filter(|pair| pair.0.0.method != pair.1.0.method && excess(pair) > 0.0);
        let worst = apart.max_by(|one, other| excess(one).total_cmp(&excess(other)));
        if let Some(((low_row, low), (high_row, high))) = worst {
            let allowed = allowed(low_row, high_row);
            findings.push(Finding {
                severity: Severity::Disagreement,
                message: format!(
                    "{}: {} and {} both say they solved {formulation}, but proved {low:?} and {high:?}, {:.1e} apart, where \
                     their tolerances allow {allowed:.1e}",
                    question.label(),
                    low_row.method,
                    high_row.method,
                    high / low - 1.0,
                ),
                reproduction: [reproduction(low_row), reproduction(high_row)].concat(),
            });
        }
    }
    findings
}

/// The relative difference that the tolerances of two rows allow.
fn allowed(one: &Record, other: &Record) -> f64 {
    2.0 * one.tolerance.max(other.tolerance) + AGREEMENT
}

/// Rows under one name that are about different weights.
fn mixed_networks(question: &Question, rows: &[&Record]) -> Option<Finding> {
    let mut digests: Vec<&str> = rows.iter().filter_map(|row| row.network_sha256.as_deref()).collect();
    digests.sort_unstable();
    digests.dedup();
    (digests.len() > 1).then(|| Finding {
        severity: Severity::Disagreement,
        message: format!(
            "{}: the rows are about {} different networks ({}): the file changed between runs, so they cannot be compared",
            question.label(),
            digests.len(),
            digests.join(", "),
        ),
        reproduction: Vec::new(),
    })
}

/// Cells without an answer for a reason nobody asked for; repetitions that failed alike count once.
fn failures(question: &Question, rows: &[&Record]) -> Vec<Finding> {
    let mut seen: Vec<(&str, Status, Option<&str>)> = Vec::new();
    let mut findings = Vec::new();
    for row in rows.iter().filter(|row| row.status.is_failure()) {
        let what = (row.method.as_str(), row.status, row.reason.as_deref());
        if seen.contains(&what) {
            continue;
        }
        seen.push(what);
        // A baseline that is ended at its limit is a result; a crash is not.
        let severity = if row.status == Status::Killed { Severity::Warning } else { Severity::Failure };
        findings.push(Finding {
            severity,
            message: format!(
                "{}: {} {}: {}",
                question.label(),
                row.method,
                row.status.word(),
                row.reason.as_deref().unwrap_or("no reason given"),
            ),
            reproduction: reproduction(row),
        });
    }
    findings
}

/// The formulations among the rows, each once.
fn formulations<'r>(rows: &[&'r Record]) -> Vec<&'r str> {
    let mut names: Vec<&str> = rows.iter().map(|row| row.formulation()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn largest<'r>(values: impl Iterator<Item = (&'r Record, f64)>) -> Option<(&'r Record, f64)> {
    values.max_by(|one, other| one.1.total_cmp(&other.1))
}

fn smallest<'r>(values: impl Iterator<Item = (&'r Record, f64)>) -> Option<(&'r Record, f64)> {
    values.min_by(|one, other| one.1.total_cmp(&other.1))
}

/// The commands that give this row's answer again.
pub fn reproduction(record: &Record) -> Vec<String> {
    let source = &record.network_source;
    let file = source.strip_prefix("external:").map_or_else(|| source.clone(), |file| format!("file:{file}"));
    let (model, activation, mut commands) = if let Ok(NetworkSource::File { path, activation }) = file.parse() {
        (path.display().to_string(), activation, Vec::new())
    } else {
        let model = format!("{}.json", record.network);
        let make = format!("tightlip random --source {source} -o {}", quoted(&model));
        (model, None, vec![make])
    };
    let activation = activation.map_or_else(String::new, |activation| format!(" --activation {activation}"));
    let model = quoted(&model);
    commands.push(format!(
        "tightlip bound {model}{activation} --method {} --input-norm {} --output-norm {} --output {} --tolerance {:e} \
         --threads {} --seed {} --time-limit {} --memory-limit {}",
        record.method,
        record.input_norm,
        record.output_norm,
        record.output,
        record.tolerance,
        record.threads,
        record.seed,
        record.time_limit_s,
        record.memory_limit_mib as f64 / 1024.0,
    ));
    commands
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+:=,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
