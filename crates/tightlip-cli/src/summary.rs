//! The human form of a report.

use tightlip::{Kind, Report, Seconds};
use tightlip_model::{Norm, Query};

use crate::table;

/// More equal layers in a row than this are counted.
const LONGEST_RUN: usize = 8;
/// Larger numbers are written with a power of ten.
const LARGEST_PLAIN: f64 = 1e9;
/// Numbers below this have few digits left.
const SMALLEST_PLAIN: f64 = 1e-3;

/// Prints the human form of a report.
pub fn print(report: &Report) -> std::io::Result<()> {
    let norms = question(&report.query, &format!("output {}", report.query.output));
    let mut lines = vec![("network", network(report)), ("question", norms), ("method", report.method.clone())];
    lines.extend(values(report));
    lines.push(("status", status(report)));
    lines.push(("seconds", seconds(&report.seconds)));
    if let Some(peak) = report.peak_rss_mib {
        lines.push(("memory", format!("{peak:.0} MiB at its peak")));
    }
    if let Some(certificate) = &report.certificate {
        lines.push(("certificate", certificate.clone()));
    }
    table::print_lines(&lines)
}

/// Norms, outputs and region in words; `outputs` are those of the query.
pub fn question(query: &Query, outputs: &str) -> String {
    let norm = |norm: Norm| match norm {
        Norm::L1 => "ℓ1",
        Norm::L2 => "ℓ2",
        Norm::LInf => "ℓ∞",
    };
    format!("{} → {}, {outputs}, {}", norm(query.input_norm), norm(query.output_norm), query.region)
}

/// Path and layers.
pub fn network(report: &Report) -> String {
    let hidden = report.network.hidden.iter().zip(&report.network.activations);
    let layers: Vec<String> = hidden.map(|(width, activation)| format!("{width} {activation}")).collect();
    let path = report.network.path.as_deref().unwrap_or("network");
    format!("{path}: {} → {}{}", report.network.inputs, chained(&layers), report.network.outputs)
}

/// Layers with arrows behind them; `49 layers of 300 relu → ` for long runs of equal ones.
fn chained(layers: &[String]) -> String {
    let run = |same: &[String]| {
        if same.len() > LONGEST_RUN {
            format!("{} layers of {} → ", same.len(), same[0])
        } else {
            same.join(" → ") + " → "
        }
    };
    layers.chunk_by(|one, next| one == next).map(run).collect()
}

/// A ratio of bounds, or a number that is not proved: with `digits` decimals, as a power of ten where those would be noise.
pub fn decimals(value: f64, digits: usize) -> String {
    let is_plain = value == 0.0 || (SMALLEST_PLAIN..LARGEST_PLAIN).contains(&value.abs());
    if is_plain { format!("{value:.digits$}") } else { format!("{value:.digits$e}") }
}

/// The bounds from both sides, and how far they are apart.
fn values(report: &Report) -> Vec<(&'static str, String)> {
    let with_remark = |value: f64, remark: &str| format!("{value:<22?}  {remark}");
    let none = || "none".to_owned();
    let proved = report.value.zip(report.level);
    let proved = proved.map_or_else(none, |(value, level)| with_remark(value, &format!("proved ({level})")));
    let claimed = ("claimed", with_remark(report.claimed, "by the method, not proved"));
    if report.kind == Kind::FglLower {
        let meaning = "FGL is the largest constant over all biases; no method that ignores biases goes below";
        return vec![("FGL at least", proved), claimed, ("", meaning.to_owned())];
    }
    if report.kind == Kind::Lower {
        return vec![("lower bound", proved), ("claimed", claimed.1)];
    }
    if report.kind == Kind::Estimate {
        return vec![("estimate", with_remark(report.claimed, "NO BOUND: the network's constant can be larger"))];
    }
    let mut lines = vec![("upper bound", proved)];
    if report.failure_probability > 0.0 {
        let wrong =
            format!("wrong with probability at most {:e}, over the draw of the proof", report.failure_probability);
        lines.push(("", wrong));
    }
    lines.push(claimed);
    let lower = report.lower.as_ref();
    let text = lower.map_or_else(none, |lower| with_remark(lower.value, &format!("proved ({})", lower.kind)));
    lines.push(("lower bound", text));
    if let (Some(lower), Some(gap)) = (report.relaxation_lower, report.gap) {
        let (name, what) =
            if report.is_formal { ("FGL", "the formal constant") } else { ("relaxation", "the optimum") };
        let meaning = format!("or more (proved) is {what}: the upper bound is at most {} above it", distance(gap));
        lines.push((name, with_remark(lower, &meaning)));
    }
    if let Some((upper, lower)) = report.value.zip(lower.filter(|lower| lower.value > 0.0)) {
        lines.push(("upper / lower", decimals(upper / lower.value, 6)));
    }
    lines
}

/// A relative distance: small ones as powers of ten, others in percent.
fn distance(gap: f64) -> String {
    if gap < 0.001 { format!("{gap:.1e}") } else { format!("{:.2} %", 100.0 * gap) }
}

/// Why the method stopped, and after how much work.
pub fn status(report: &Report) -> String {
    let count = |n: Option<u64>, what: &str| n.map_or_else(String::new, |n| format!(", {n} {what}"));
    let steps = match report.kind {
        _ if report.is_formal => "nodes",
        Kind::Upper | Kind::Estimate => "iterations",
        _ => "starts",
    };
    let iterations = count(report.iterations, steps);
    let rank = report.rank.map_or_else(String::new, |rank| format!(" of rank {rank}"));
    format!("{}{iterations}{}{rank}", report.status, count(report.sweeps, "sweeps"))
}

/// Where the time went; the rest is mostly the search for a lower bound.
pub fn seconds(seconds: &Seconds) -> String {
    let known = [seconds.load, seconds.assemble, seconds.solve, seconds.certify];
    let [load, assemble, solve, certify] = known;
    let rest = (seconds.total - known.iter().sum::<f64>()).max(0.0);
    format!(
        "{:.3} = load {load:.3}, assemble {assemble:.3}, solve {solve:.3}, certify {certify:.3}, rest {rest:.3}",
        seconds.total
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_of_equal_layers_are_counted() {
        let layers = |count: usize| vec!["3 relu".to_owned(); count];
        assert_eq!(chained(&[]), "");
        assert_eq!(chained(&layers(2)), "3 relu → 3 relu → ");
        assert_eq!(chained(&[layers(200), vec!["4 tanh".to_owned()]].concat()), "200 layers of 3 relu → 4 tanh → ");
    }

    #[test]
    fn large_and_small_numbers_have_a_power_of_ten() {
        assert_eq!(decimals(1.25, 6), "1.250000");
        assert_eq!(decimals(1.25e40, 6), "1.250000e40");
        assert_eq!(decimals(1.25e-10, 6), "1.250000e-10");
        assert_eq!(decimals(0.0, 6), "0.000000");
        assert_eq!(decimals(f64::INFINITY, 6), "inf");
    }
}
