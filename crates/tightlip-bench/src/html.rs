//! `report.html`: one page that works from a disk, offline: style, script, figures and rows are inside it.
//!
//! The page refuses every load by its own policy. Text of the run enters in two ways only: escaped, or as JSON without
//! `<`, which the script shows as text; a network called `</script>` is a name like any other.

mod rows;

use std::fmt::{self, Write};

use crate::distrust::Severity;
use crate::method_summary::summarise;
use crate::number_text::{self, cell, kind_words, ratio, seconds};
use crate::report::{DrawnFigure, Pictures};
use crate::results::{Results, RunVerdict};
use crate::summary::severity_word;
use crate::{program_lines, published_lines};

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");
/// Nothing is loaded; the script may make a file of a figure for its reader.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:";

/// The whole page.
pub fn page(results: &Results, pictures: &Pictures) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}: tightlip comparison</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escaped(suite(results))
    );
    body(&mut page, results, pictures).expect("a String takes any text");
    page.push_str("</main>\n<div id=\"tip\" role=\"tooltip\" hidden></div>\n");
    page.push_str("<script type=\"application/json\" id=\"rows\">");
    page.push_str(&rows::json(results.records()));
    page.push_str("</script>\n<script>\n");
    page.push_str(SCRIPT);
    page.push_str("</script>\n</body>\n</html>\n");
    page
}

/// What is seen, from top to bottom.
fn body(page: &mut String, results: &Results, pictures: &Pictures) -> fmt::Result {
    header(page, results)?;
    page.push_str("<main>\n");
    findings(page, results)?;
    methods(page, results)?;
    let programs = program_lines::lines(results);
    lines(page, ("programs", "Semidefinite programs", program_lines::NOTE), &program_lines::COLUMNS, programs)?;
    let published = published_lines::lines(results);
    lines(page, ("published", "Published numbers", published_lines::NOTE), &published_lines::COLUMNS, published)?;
    figures(page, pictures)?;
    page.push_str(TABLE);
    environment(page, results)
}

/// The suite, or that there is nothing.
fn suite(results: &Results) -> &str {
    results.records().first().map_or("no rows", |record| &record.suite)
}

/// The frame the script fills with rows.
const TABLE: &str = "<section id=\"all-rows\"><h2>All rows</h2>\n\
    <noscript><p class=\"note\">Sorting, filtering and the rows themselves need JavaScript; the same rows are in \
    <code>records.csv</code>.</p></noscript>\n\
    <div class=\"controls\"><label>Filter <input id=\"filter\" type=\"search\" placeholder=\"words, all of them in one row\" \
    autocomplete=\"off\"></label><span id=\"count\" role=\"status\"></span>\
    <details id=\"columns\"><summary>Columns</summary><div id=\"column-list\"></div></details></div>\n\
    <div class=\"scroll\"><table id=\"table\"><thead></thead><tbody></tbody></table></div>\n\
    <nav class=\"pager\" aria-label=\"Pages of rows\"><button id=\"previous\" type=\"button\">Previous</button>\
    <span id=\"page\"></span><button id=\"next\" type=\"button\">Next</button></nav></section>\n";

/// Title, badge, numbers of the run.
fn header(page: &mut String, results: &Results) -> fmt::Result {
    let verdict = results.verdict();
    let class = match verdict {
        RunVerdict::Green => "green",
        RunVerdict::Red => "red",
        RunVerdict::Alarm => "alarm",
    };
    write!(
        page,
        "<header><p class=\"kicker\">tightlip comparison</p><h1>{}</h1>\
         <p class=\"verdict\"><span class=\"badge {class}\">{}</span> {}</p>\n<dl class=\"facts\">",
        escaped(suite(results)),
        verdict.word(),
        verdict.meaning(),
    )?;
    if let Some(first) = results.records().first() {
        let commit = first.commit.as_ref().map_or(String::new(), |commit| format!(" ({commit})"));
        let facts = [
            ("rows", results.records().len().to_string()),
            ("cells", results.cells().len().to_string()),
            ("run", first.run_id.clone()),
            ("date", first.timestamp.clone()),
            ("version", format!("{}{commit}", first.version)),
            ("processor", first.cpu.clone().unwrap_or_default()),
        ];
        for (name, value) in facts {
            write!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(&value))?;
        }
    }
    page.push_str("</dl></header>\n");
    Ok(())
}

/// What is wrong, before anything else; warnings folded where there are many.
fn findings(page: &mut String, results: &Results) -> fmt::Result {
    page.push_str("<section id=\"findings\"><h2>Findings</h2>\n");
    let (warnings, serious): (Vec<_>, Vec<_>) =
        results.findings().iter().partition(|finding| finding.severity == Severity::Warning);
    if results.findings().is_empty() {
        page.push_str(
            "<p>None: no proof contradicts another, no method disagrees, no cell failed, no repetition spreads.</p>",
        );
    }
    for (list, folded) in [(serious, false), (warnings, true)] {
        if list.is_empty() {
            continue;
        }
        if folded {
            write!(page, "<details open><summary>{} warnings</summary>", list.len())?;
        }
        page.push_str("<ul class=\"findings\">");
        for finding in list {
            let word = severity_word(finding.severity);
            let message = escaped(&finding.message);
            write!(page, "<li class=\"{}\"><b>{word}</b> {message}", word.to_lowercase())?;
            if !finding.reproduction.is_empty() {
                write!(page, "<pre>{}</pre>", escaped(&finding.reproduction.join("\n")))?;
            }
            page.push_str("</li>");
        }
        page.push_str(if folded { "</ul></details>" } else { "</ul>" });
    }
    page.push_str("</section>\n");
    Ok(())
}

fn methods(page: &mut String, results: &Results) -> fmt::Result {
    page.push_str("<section id=\"methods\"><h2>Methods</h2><p class=\"note\">Ratios are geometric means over cells, times and memory are medians.</p>\n");
    let columns = [
        "method",
        "kind",
        "cells",
        "solved",
        "cut short",
        "declined",
        "failed",
        "÷ best upper",
        "worst",
        "÷ best lower",
        "÷ FGL",
        "time",
        "memory",
    ];
    let rows = summarise(results).into_iter().map(|method| {
        let counts = [method.cells, method.solved, method.cut_short, method.declined, method.failed];
        let ratios = [method.to_upper, method.worst, method.to_lower, method.to_fgl];
        let mut row = vec![method.method, kind_words(&method.kind).to_owned()];
        row.extend(counts.iter().map(ToString::to_string));
        row.extend(ratios.iter().map(|value| cell(*value, ratio)));
        row.extend([cell(method.median_s, seconds), cell(method.median_mib, number_text::mebibytes)]);
        row
    });
    table(page, &columns, rows)?;
    page.push_str("</section>\n");
    Ok(())
}

/// A section with a table; nothing, if the table has no lines.
fn lines<const N: usize>(
    page: &mut String,
    (id, title, note): (&str, &str, &str),
    columns: &[&str; N],
    lines: Vec<[String; N]>,
) -> fmt::Result {
    if !lines.is_empty() {
        writeln!(page, "<section id=\"{id}\"><h2>{title}</h2><p class=\"note\">{note}</p>")?;
        table(page, columns, lines.into_iter().map(Vec::from))?;
        page.push_str("</section>\n");
    }
    Ok(())
}

fn table(page: &mut String, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
    let rows: Vec<Vec<String>> = rows.collect();
    let numeric = |column: usize| {
        let first = rows.iter().map(|row| &row[column]).find(|entry| !entry.is_empty());
        first.is_some_and(|entry| entry.starts_with(|letter: char| letter.is_ascii_digit()))
    };
    let class = |column: usize| match columns[column] {
        "network" | "method" | "source" | "value" => " class=\"name\"",
        _ if numeric(column) => " class=\"number\"",
        _ => "",
    };
    let classes: Vec<&str> = (0..columns.len()).map(class).collect();
    page.push_str("<div class=\"scroll\"><table><thead><tr>");
    for (column, class) in columns.iter().zip(&classes) {
        write!(page, "<th scope=\"col\"{class}>{column}</th>")?;
    }
    page.push_str("</tr></thead><tbody>");
    for row in &rows {
        page.push_str("<tr>");
        for (entry, class) in row.iter().zip(&classes) {
            write!(page, "<td{class}>{}</td>", breakable(entry))?;
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div>\n");
    Ok(())
}

fn figures(page: &mut String, pictures: &Pictures) -> fmt::Result {
    page.push_str("<section id=\"figures\"><h2>Figures</h2><p class=\"note\">Point at a marker for its network, method and numbers; choose a legend entry to hide and show it.</p><div class=\"figures\">\n");
    for DrawnFigure { name, chart, caption } in &pictures.drawn {
        // Inside a page the namespace is known, and no address should stand in it.
        let svg = chart.interactive_svg().replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
        writeln!(
            page,
            "<figure id=\"figure-{name}\" data-name=\"{name}\"><div class=\"sheet\">{svg}</div>\
             <figcaption>{} <button class=\"save\" type=\"button\">Save SVG</button></figcaption></figure>",
            escaped(caption),
        )?;
    }
    page.push_str("</div>");
    if !pictures.missing.is_empty() {
        page.push_str("<p>Left out, for want of data:</p><ul>");
        for figure in &pictures.missing {
            write!(page, "<li>{}: needs {}.</li>", figure.title, figure.needs)?;
        }
        page.push_str("</ul>");
    }
    page.push_str("</section>\n");
    Ok(())
}

fn environment(page: &mut String, results: &Results) -> fmt::Result {
    if !results.environment().is_empty() {
        page.push_str("<section id=\"environment\"><h2>Environment</h2>\n");
        let rows = results.environment().iter().map(|(name, value)| vec![name.clone(), value.clone()]);
        table(page, &["what", "value"], rows)?;
        page.push_str("</section>\n");
    }
    Ok(())
}

/// Text of a cell: a method's options may be on lines of their own.
fn breakable(text: &str) -> String {
    escaped(text).replace(':', "<wbr>:")
}

/// Text between tags.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::planted::{self, finding, record};

    fn of(results: &Results) -> String {
        page(results, &Pictures::draw(results))
    }

    #[test]
    fn hostile_names_are_inert_wherever_they_stand() {
        let name = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
        let mut row = record(name, name);
        row.published = Some(name.into());
        row.suite = name.into();
        let environment = Environment { command: name.into(), ..planted::environment() };
        let results = Results::new(vec![row], vec![], vec![finding(Severity::Failure, name)], Some(&environment));
        let page = of(&results);
        assert!(!page.contains("<img") && !page.contains("<script>alert"), "markup of a name");
        assert_eq!(page.matches("</script>").count(), 2, "the rows and the script of the page");
    }

    #[test]
    fn the_page_refers_to_nothing_outside_itself() {
        let page = of(&planted::run());
        for outside in ["http://", "https://", "src=", "@import", "url(", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn an_estimate_is_no_bound_in_the_tables_and_for_the_script() {
        let rows = vec![planted::with_program(planted::estimate("net", 1.25), 32)];
        let page = of(&Results::new(rows, vec![], vec![], None));
        assert!(page.contains("<td>estimate, no bound</td>"), "its kind");
        assert!(page.contains("<td class=\"number\">1.250000 (no bound)</td><td></td>"), "its program");
        assert!(SCRIPT.contains("\"estimate\"") && SCRIPT.contains("(no bound)"));
    }

    #[test]
    fn options_of_methods_are_broken_into_lines_and_programs_have_a_section() {
        let row = planted::with_program(record("net", "m:form=published:merge=none"), 32);
        let page = of(&Results::new(vec![row], vec![], vec![], None));
        assert!(page.contains("<section id=\"programs\">"));
        assert!(page.contains("<td class=\"name\">m<wbr>:form=published<wbr>:merge=none</td>"));
        assert!(!of(&Results::new(vec![record("net", "m")], vec![], vec![], None)).contains("id=\"programs\""));
    }

    #[test]
    fn the_badge_tells_the_verdict_and_findings_come_before_figures() {
        let findings = vec![finding(Severity::Alarm, "two proofs"), finding(Severity::Warning, "slow")];
        let page = of(&Results::new(vec![record("net", "m")], vec![], findings, None));
        assert!(page.contains("<span class=\"badge alarm\">ALARM</span>"));
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing"));
        assert!(place("two proofs") < place("slow") && place("slow") < place("id=\"figures\""));
    }
}
