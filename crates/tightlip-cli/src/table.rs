//! Aligned tables on stdout.

use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

/// Prints labelled lines, the labels aligned.
pub fn print_lines(lines: &[(&str, String)]) -> io::Result<()> {
    let width = lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for (label, value) in lines {
        writeln!(out, "{label:width$}  {value}")?;
    }
    Ok(())
}

/// Prints rows below a header, columns aligned.
pub fn print_rows(header: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header.to_vec());
    table.add_rows(rows.iter().cloned());
    for (at, column) in table.column_iter_mut().enumerate() {
        // Numbers are compared digit by digit.
        let is_number = |row: &Vec<String>| row[at].starts_with(|c: char| c.is_ascii_digit()) || row[at] == "-";
        if rows.iter().all(is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = io::stdout().lock();
    for line in table.to_string().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Prints one JSON object.
pub fn print_json(object: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, object)?;
    writeln!(out)
}
