//! The human form of a report.

use tightlip::{Kind, Report};

use crate::table;

/// Prints the human form of a report.
pub fn print(report: &Report) -> std::io::Result<()> {
    let seconds = &report.seconds;
    let layers: Vec<String> = report
        .network
        .hidden
        .iter()
        .zip(&report.network.activations)
        .map(|(width, activation)| format!("{width} {activation} → "))
        .collect();
    let path = report.network.path.as_deref().unwrap_or("network");
    let proved = |level: String, value: f64| format!("{value:<22?}  proved ({level})");
    let mut lines = vec![
        ("network", format!("{path}: {} → {}{}", report.network.inputs, layers.concat(), report.network.outputs)),
        (
            "question",
            format!(
                "ℓ{} → ℓ{}, output {}, {}",
                report.query.input_norm, report.query.output_norm, report.query.output, report.query.region
            ),
        ),
        ("method", report.method.clone()),
        (
            if report.kind == Kind::Upper { "upper bound" } else { "FGL at least" },
            match (report.value, report.level) {
                (Some(value), Some(level)) => proved(level.to_string(), value),
                (_, _) => "none".to_owned(),
            },
        ),
        ("claimed", format!("{:<22?}  by the method, not proved", report.claimed)),
    ];
    if report.failure_probability > 0.0 {
        lines.push((
            "",
            format!("wrong with probability at most {:e}, over the verifier's own draw", report.failure_probability),
        ));
    }
    if report.kind == Kind::FglLower {
        lines.push((
            "",
            "FGL is the largest constant over all biases; no method that ignores biases goes below".to_owned(),
        ));
    } else {
        let lower = report.lower.as_ref();
        let text = |value: f64, kind: &str| format!("{value:<22?}  proved ({kind})");
        lines.push(("lower bound", lower.map_or_else(|| "none".to_owned(), |lower| text(lower.value, lower.kind))));
    }
    if let (Some(lower), Some(gap)) = (report.relaxation_lower, report.gap) {
        lines.push((
            "relaxation",
            format!("{lower:<22?}  at least: the upper bound is within {gap:.1e} of the optimum"),
        ));
    }
    if let (Some(upper), Some(lower)) = (report.value, report.lower.as_ref().filter(|lower| lower.value > 0.0)) {
        lines.push(("upper / lower", format!("{:.6}", upper / lower.value)));
    }
    let count = |n: Option<u64>, what: &str| n.map_or_else(String::new, |n| format!(", {n} {what}"));
    let rank = report.rank.map_or_else(String::new, |rank| format!(" of rank {rank}"));
    let iterations = count(report.iterations, if report.kind == Kind::Upper { "iterations" } else { "starts" });
    lines.push(("status", format!("{}{iterations}{}{rank}", report.status, count(report.sweeps, "sweeps"))));
    lines.push((
        "seconds",
        format!(
            "{:.3} = load {:.3}, assemble {:.3}, solve {:.3}, certify {:.3}, rest {:.3}",
            seconds.total,
            seconds.load,
            seconds.assemble,
            seconds.solve,
            seconds.certify,
            (seconds.total - seconds.load - seconds.assemble - seconds.solve - seconds.certify).max(0.0)
        ),
    ));
    if let Some(peak) = report.peak_rss_mib {
        lines.push(("memory", format!("{peak:.0} MiB at most")));
    }
    if let Some(certificate) = &report.certificate {
        lines.push(("certificate", certificate.clone()));
    }
    table::print_lines(&lines)
}
