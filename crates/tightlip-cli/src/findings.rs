//! The verdict on a run, and what was found.

use std::io::{self, Write};

use tightlip_bench::{Finding, Severity};

use crate::failure::CommandFailure;

/// The verdict in a word or two.
pub fn verdict(findings: &[Finding]) -> &'static str {
    match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Alarm) => "SOUNDNESS ALARM: two proofs contradict each other",
        Some(Severity::Disagreement) => "red: methods for the same number disagree",
        Some(Severity::Failure) => "red: cells failed",
        Some(Severity::Warning) => "green, with warnings",
        None => "green",
    }
}

/// Prints what was found, the worst first; of many alike only some.
pub fn print(findings: &[Finding]) -> io::Result<()> {
    /// More scroll the verdict away; the report has all of them.
    const SHOWN: usize = 12;
    let mut out = io::stdout().lock();
    for finding in findings.iter().take(SHOWN) {
        writeln!(out, "{}  {}", label(finding.severity), finding.message)?;
        for command in &finding.reproduction {
            writeln!(out, "         again: {command}")?;
        }
    }
    if findings.len() > SHOWN {
        writeln!(out, "and {} more; `tightlip report` shows all of them", findings.len() - SHOWN)?;
    }
    Ok(())
}

/// The failure of a run that is red.
pub fn judged(findings: &[Finding]) -> Result<(), CommandFailure> {
    let worst = findings.iter().filter(|finding| finding.severity > Severity::Warning).count();
    if worst == 0 {
        return Ok(());
    }
    Err(CommandFailure::refused(
        format!("{} ({worst} finding{})", verdict(findings), if worst == 1 { "" } else { "s" }),
        Some("the findings above say where, and how to see it again".to_owned()),
    ))
}

/// A word of fixed width.
fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Alarm => "ALARM  ",
        Severity::Disagreement => "DIFFERS",
        Severity::Failure => "FAILED ",
        Severity::Warning => "warning",
    }
}
