//! `summary.md`: what a reader of the repository sees. Verdict and findings come first, figures last.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::distrust::Severity;
use crate::method_summary::summarise;
use crate::number_text::{self, cell, kind_words, ratio, seconds};
use crate::record::Status;
use crate::report::Pictures;
use crate::results::{CellSummary, Results};
use crate::{program_lines, published_lines};

/// More networks than this make tables nobody reads: methods are summed up instead.
const MOST_NETWORKS: usize = 60;

/// The whole document.
pub fn markdown(results: &Results, pictures: &Pictures) -> String {
    let mut text = heading(results);
    sections(&mut text, results, pictures).expect("a String takes any text");
    text
}

fn sections(text: &mut String, results: &Results, pictures: &Pictures) -> fmt::Result {
    findings(text, results)?;
    let questions = results.questions().len();
    if questions > MOST_NETWORKS {
        writeln!(
            text,
            "\n{questions} questions are too many for a table: every row is in `records.csv` and `report.html`."
        )?;
        methods(text, results)?;
    } else {
        bounds(text, results)?;
        methods(text, results)?;
        comparison(text, results)?;
        programs(text, results)?;
    }
    published(text, results)?;
    environment(text, results)?;
    figures(text, pictures)
}

/// What the run was and how it ended.
fn heading(results: &Results) -> String {
    let Some(first) = results.records().first() else {
        return "# Comparison\n\nThe run has no rows.\n".to_owned();
    };
    let verdict = results.verdict();
    let commit = first.commit.as_ref().map_or(String::new(), |commit| format!(" ({})", escaped(commit)));
    let cells = results.cells().len();
    format!(
        "# Comparison: {}\n\n**Verdict: {}**: {}.\n\n{} rows, {cells} cells, run `{}` of {} with tightlip {}{commit} on {}.\n",
        escaped(&first.suite),
        verdict.word(),
        verdict.meaning(),
        results.records().len(),
        escaped(&first.run_id),
        escaped(&first.timestamp),
        escaped(&first.version),
        escaped(first.cpu.as_deref().unwrap_or("an unnamed processor")),
    )
}

fn findings(text: &mut String, results: &Results) -> fmt::Result {
    text.push_str("\n## Findings\n\n");
    if results.findings().is_empty() {
        text.push_str(
            "None: no proof contradicts another, no method disagrees, no cell failed, no repetition spreads.\n",
        );
    }
    for finding in results.findings() {
        writeln!(text, "- **{}**: {}", severity_word(finding.severity), escaped(&finding.message))?;
        for command in &finding.reproduction {
            write!(text, "\n      {}\n", command.replace('\n', " "))?;
        }
    }
    Ok(())
}

/// The word before a finding.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Failure => "failure",
        Severity::Disagreement => "disagreement",
        Severity::Alarm => "ALARM",
    }
}

/// One table for each kind of question: networks down, methods across.
fn bounds(text: &mut String, results: &Results) -> fmt::Result {
    let mut tables: BTreeMap<(&str, &str, &str), BTreeMap<&str, Vec<&CellSummary>>> = BTreeMap::new();
    for cell in results.cells() {
        let question = &cell.question;
        let key = (question.input_norm.as_str(), question.output_norm.as_str(), question.output.as_str());
        tables.entry(key).or_default().entry(&question.network).or_default().push(cell);
    }
    for ((input, output, selection), networks) in tables {
        write!(text, "\n## Proved bounds, ℓ{input} → ℓ{output}, outputs: {selection}\n\n")?;
        let asked = |method: &&str| networks.values().flatten().any(|cell| cell.method == *method);
        let methods: Vec<&str> = results.methods().filter(asked).collect();
        let columns: Vec<String> = methods.iter().map(|method| heading_of(method, &networks)).collect();
        header(text, "network", &columns)?;
        for (network, cells) in &networks {
            let entry = |method: &&str| cells.iter().find(|cell| cell.method == *method).map(|cell| bound_entry(cell));
            let entries = methods.iter().map(|method| entry(method).unwrap_or_default());
            row(text, std::iter::once(escaped(network)).chain(entries))?;
        }
    }
    Ok(())
}

/// The method, and what its number is where it is not an upper bound.
fn heading_of(method: &str, networks: &BTreeMap<&str, Vec<&CellSummary>>) -> String {
    let kind = networks.values().flatten().find(|cell| cell.method == method).map_or("upper", |cell| &cell.kind);
    if kind == "upper" { name(method) } else { format!("{} ({})", name(method), kind_words(kind)) }
}

/// The bound, with a mark where it was cut short; the status where there is none.
fn bound_entry(cell: &CellSummary) -> String {
    match (cell.bound_text(), cell.status) {
        (bound, status) if bound.is_empty() => status.word().to_owned(),
        (bound, Status::Solved) => bound,
        (bound, status) => format!("{bound} ({})", status.word()),
    }
}

/// One line for each method.
fn methods(text: &mut String, results: &Results) -> fmt::Result {
    text.push_str("\n## Methods\n\nRatios are geometric means over cells, times and memory are medians.\n\n");
    let columns =
        ["cells", "solved", "cut short", "declined", "failed", "÷ best upper", "worst", "÷ best lower", "÷ FGL"];
    let columns: Vec<String> = columns.into_iter().chain(["time", "memory"]).map(str::to_owned).collect();
    header(text, "method", &columns)?;
    for method in summarise(results) {
        let counts = [method.cells, method.solved, method.cut_short, method.declined, method.failed];
        let ratios = [method.to_upper, method.worst, method.to_lower, method.to_fgl];
        let costs = [cell(method.median_s, seconds), cell(method.median_mib, number_text::mebibytes)];
        let counts = counts.iter().map(ToString::to_string);
        let ratios = ratios.iter().map(|value| cell(*value, ratio));
        let label = match method.kind.as_str() {
            "estimate" => format!("{} ({})", name(&method.method), kind_words(&method.kind)),
            _ => name(&method.method),
        };
        row(text, std::iter::once(label).chain(counts).chain(ratios).chain(costs))?;
    }
    Ok(())
}

/// One line for each question and method.
fn comparison(text: &mut String, results: &Results) -> fmt::Result {
    text.push_str("\n## Comparison\n\nMedians over repetitions. ÷ best lower: over the best proved difference quotient of two inputs; ");
    text.push_str("÷ FGL: over the best proved lower bound of the formal constant; ÷ best upper: over the best bound proved here.\n\n");
    let columns = ["method", "proved", "÷ best lower", "÷ FGL", "÷ best upper", "time", "memory", "status"];
    header(text, "network", &columns.map(str::to_owned))?;
    for line in results.cells() {
        let numbers = [
            line.bound_text(),
            cell(line.to_lower, ratio),
            cell(line.to_fgl, ratio),
            cell(line.to_upper, ratio),
            cell(line.total_s, seconds),
            cell(line.peak_rss_mib, number_text::mebibytes),
            line.status.word().to_owned(),
        ];
        row(text, [escaped(&line.question.label()), name(&line.method)].into_iter().chain(numbers))?;
    }
    Ok(())
}

/// The semidefinite programs behind the numbers.
fn programs(text: &mut String, results: &Results) -> fmt::Result {
    write_lines(
        text,
        ("Semidefinite programs", program_lines::NOTE),
        program_lines::COLUMNS,
        program_lines::lines(results),
    )
}

/// What was published, beside what is proved here.
fn published(text: &mut String, results: &Results) -> fmt::Result {
    let lines = published_lines::lines(results);
    write_lines(text, ("Published numbers", published_lines::NOTE), published_lines::COLUMNS, lines)
}

/// A section with a table whose second column names methods; nothing, if the table has no lines.
fn write_lines<const N: usize>(
    text: &mut String,
    (title, note): (&str, &str),
    columns: [&str; N],
    lines: Vec<[String; N]>,
) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    write!(text, "\n## {title}\n\n{note}\n\n")?;
    header(text, columns[0], &columns[1..].iter().map(|column| (*column).to_owned()).collect::<Vec<_>>())?;
    for line in lines {
        let entries = line.iter().enumerate();
        row(text, entries.map(|(column, entry)| if column == 1 { name(entry) } else { escaped(entry) }))?;
    }
    Ok(())
}

fn environment(text: &mut String, results: &Results) -> fmt::Result {
    if results.environment().is_empty() {
        return Ok(());
    }
    text.push_str("\n## Environment\n\n");
    header(text, "what", &["value".to_owned()])?;
    for (name, value) in results.environment() {
        row(text, [escaped(name), escaped(value)].into_iter())?;
    }
    Ok(())
}

fn figures(text: &mut String, pictures: &Pictures) -> fmt::Result {
    text.push_str("\n## Figures\n");
    for figure in &pictures.drawn {
        let (name, title) = (figure.name, &figure.chart.title);
        write!(text, "\n### {title}\n\n![{title}](figures/{name}.png)\n\n{}\n", figure.caption)?;
    }
    if !pictures.missing.is_empty() {
        text.push_str("\nLeft out, for want of data:\n\n");
        for figure in &pictures.missing {
            writeln!(text, "- {}: needs {}.", figure.title, figure.needs)?;
        }
    }
    Ok(())
}

fn header(text: &mut String, first: &str, columns: &[String]) -> fmt::Result {
    write!(text, "| {first} | {} |\n|---{}|\n", columns.join(" | "), "|---".repeat(columns.len()))?;
    Ok(())
}

fn row(text: &mut String, entries: impl Iterator<Item = String>) -> fmt::Result {
    let entries: Vec<String> = entries.collect();
    writeln!(text, "| {} |", entries.join(" | "))?;
    Ok(())
}

/// A method, which may be broken before each of its options where a table is too wide.
fn name(method: &str) -> String {
    escaped(method).replace(':', "<wbr>:")
}

/// Text that Markdown shows as it is, inside a table, too.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '\\' | '`' | '*' | '[' | ']' => escaped.extend(['\\', letter]),
            // Names are full of underscores, which GitHub takes for emphasis only at the ends of words.
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{self, record};
    use crate::record::{Record, Verdict};

    fn summary(results: &Results) -> String {
        markdown(results, &Pictures { drawn: Vec::new(), missing: Vec::new() })
    }

    #[test]
    fn every_line_of_a_table_has_the_cells_of_its_header() {
        let text = summary(&planted::run());
        let mut wanted = None;
        for line in text.lines() {
            let cells = line.replace("\\|", "").matches('|').count();
            match wanted {
                _ if !line.starts_with('|') => wanted = None,
                None => wanted = Some(cells),
                Some(wanted) => assert_eq!(cells, wanted, "{line}"),
            }
        }
        assert!(text.contains("table 1 \\| LipSDP-Neuron"), "{text}");
    }

    #[test]
    fn a_bound_that_was_cut_short_says_so_and_a_missing_one_says_why() {
        let text = summary(&planted::run());
        let line = text.lines().find(|line| line.starts_with("| W100-D5")).expect("a line");
        assert!(line.contains("(interrupted)") || line.contains("declined") || line.contains("killed"), "{line}");
    }

    #[test]
    fn a_published_number_stands_beside_what_is_proved() {
        let row = Record {
            published: Some("2.0".into()),
            published_source: Some("paper".into()),
            verdict: Some(Verdict::Reproduced),
            ..record("net", "m")
        };
        let text = summary(&Results::new(vec![row.clone(), row], vec![], vec![], None));
        let line = "| net | m | paper | 2.0 | 2.000000 | reproduced |";
        assert_eq!(text.matches(line).count(), 1, "{text}");
    }

    #[test]
    fn an_estimate_is_marked_in_every_table_and_compared_with_nothing() {
        let mut rows = vec![record("net", "m"), planted::estimate("net", 1.25)];
        crate::complete(&mut rows);
        let text = summary(&Results::new(rows, vec![], vec![], None));
        for line in [
            "| network | lipsdp-tau.estimate (estimate, no bound) | m |",
            "| net | 1.250000 (no bound) | 2.000000 |",
            "| lipsdp-tau.estimate (estimate, no bound) | 1 | 1 | 0 | 0 | 0 |  |  |  |  |",
            "| net | lipsdp-tau.estimate | 1.250000 (no bound) |  |  |  |",
            "| net | m | 2.000000 | 2.00000 |  | 1.00000 |",
        ] {
            assert!(text.contains(line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn an_estimate_that_was_cut_short_says_both() {
        let cut = Record { status: Status::Stalled, ..planted::estimate("net", 1.25) };
        let text = summary(&Results::new(vec![cut], vec![], vec![], None));
        assert!(text.contains("| net | 1.250000 (no bound) (stalled) |"), "{text}");
    }

    #[test]
    fn programs_have_a_section_where_there_are_any() {
        let text = |row| summary(&Results::new(vec![row], vec![], vec![], None));
        let with = text(planted::with_program(record("net", "m:merge=none"), 32));
        assert!(with.contains("## Semidefinite programs"), "{with}");
        assert!(with.contains("| net | m<wbr>:merge=none | 32 | 4 | 8 | 97 | 528 | 2112 |"), "{with}");
        assert!(!text(record("net", "m")).contains("Semidefinite"));
    }

    #[test]
    fn many_networks_are_summed_up_by_method() {
        let rows = (0..61).map(|index| record(&format!("net {index}"), "m")).collect();
        let text = summary(&Results::new(rows, vec![], vec![], None));
        assert!(
            text.contains("61 questions") && text.contains("| m | 61 | 61 |") && !text.contains("| net 3"),
            "{text}"
        );
    }

    #[test]
    fn hostile_names_stay_text() {
        let text = summary(&Results::new(vec![record("a|<script>\n# b", "m")], vec![], vec![], None));
        assert!(text.contains("a\\|&lt;script> # b") && !text.contains("\n# b"), "{text}");
    }
}
