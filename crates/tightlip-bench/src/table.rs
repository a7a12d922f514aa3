//! Records and courses as CSV: written row by row, read back strictly.
//!
//! A row is one line. The last line of a table may be cut short, if the process or the machine died while it was written;
//! everything before it must be whole.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{Record, SCHEMA_VERSION, TraceRecord};

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The table.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is not even a header.
    #[error("{}: the table has no header: whatever was in it is gone; make the run again in a new folder", path.display())]
    NoHeader {
        /// The table.
        path: PathBuf,
    },
    /// Its columns are other ones.
    #[error(
        "{}: column {column} is `{found}`, want `{wanted}`: not a table of tightlip {version}; make the run again, or read it \
         with the version that wrote it",
        path.display(),
        version = env!("CARGO_PKG_VERSION")
    )]
    Header {
        /// The table.
        path: PathBuf,
        /// The first column that differs, from 1.
        column: usize,
        /// Its name there.
        found: String,
        /// Its name here.
        wanted: String,
    },
    /// A row is damaged.
    #[error("{}, line {line}: {what}: the table is damaged there; mend or remove that line, the others are kept", path.display())]
    Row {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// The rows of `records.csv`, and the bytes of a last row that was cut short.
///
/// # Errors
/// If the file cannot be read, has other columns, or a damaged row.
pub fn read_records(path: &Path) -> Result<(Vec<Record>, usize), TableError> {
    let mut cells = HashSet::new();
    read(path, &header_of_records(), |row: &Record| {
        if row.schema_version != SCHEMA_VERSION {
            return Some(format!("`schema_version` is {}, want {SCHEMA_VERSION}", row.schema_version));
        }
        if !cells.insert(row.cell.clone()) {
            return Some(format!("the cell {} has a row already", row.cell));
        }
        not_finite(&record_numbers(row))
    })
}

/// The rows of `traces.csv`, and the bytes of a last row that was cut short.
///
/// # Errors
/// As for [`read_records`].
pub fn read_traces(path: &Path) -> Result<(Vec<TraceRecord>, usize), TableError> {
    read(path, &header_of_traces(), |row: &TraceRecord| not_finite(&trace_numbers(row)))
}

/// Every column with a number that is not whole.
fn record_numbers(row: &Record) -> [(&'static str, Option<f64>); 16] {
    [
        ("claimed", row.claimed),
        ("proved", row.proved),
        ("relaxation_lower", row.relaxation_lower),
        ("lower_witness", row.lower_witness),
        ("ratio_to_best_upper", row.ratio_to_best_upper),
        ("ratio_to_best_lower", row.ratio_to_best_lower),
        ("ratio_to_fgl", row.ratio_to_fgl),
        ("published_half_width", row.published_half_width),
        ("load_s", row.load_s),
        ("assemble_s", row.assemble_s),
        ("solve_s", row.solve_s),
        ("certify_s", row.certify_s),
        ("total_s", row.total_s),
        ("peak_rss_mib", row.peak_rss_mib),
        ("time_limit_s", Some(row.time_limit_s)),
        ("tolerance", Some(row.tolerance)),
    ]
}

/// Every column with a number that is not whole.
fn trace_numbers(row: &TraceRecord) -> [(&'static str, Option<f64>); 5] {
    [
        ("time_s", Some(row.time_s)),
        ("value", row.value),
        ("claimed", row.claimed),
        ("scaled_eigenvalue", row.scaled_eigenvalue),
        ("proved", row.proved),
    ]
}

/// What is wrong, if a number is none.
fn not_finite(numbers: &[(&'static str, Option<f64>)]) -> Option<String> {
    let found = numbers.iter().find(|(_, number)| number.is_some_and(|number| !number.is_finite()));
    found.map(|(column, _)| format!("`{column}` is not finite"))
}

/// The header line of `records.csv`.
pub fn header_of_records() -> Vec<u8> {
    first_line(&of_records(&[Record::example()]))
}

/// The header line of `traces.csv`.
pub fn header_of_traces() -> Vec<u8> {
    first_line(&of_traces(&[TraceRecord::example()]))
}

/// `records.csv` as a whole.
pub fn of_records(rows: &[Record]) -> Vec<u8> {
    if rows.is_empty() { header_of_records() } else { written(rows, true) }
}

/// `traces.csv` as a whole.
pub fn of_traces(rows: &[TraceRecord]) -> Vec<u8> {
    if rows.is_empty() { header_of_traces() } else { written(rows, true) }
}

/// Rows without a header.
pub(crate) fn lines<R: Serialize>(rows: &[R]) -> Vec<u8> {
    written(rows, false)
}

fn written<R: Serialize>(rows: &[R], with_header: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().has_headers(with_header).from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).expect("rows are flat structs, and memory does not fail to be written");
    }
    writer.into_inner().expect("memory does not fail to be written")
}

fn first_line(bytes: &[u8]) -> Vec<u8> {
    bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default().to_vec()
}

/// Reads a table with this header; `damaged` names a column that cannot be right.
fn read<R: DeserializeOwned>(
    path: &Path,
    header: &[u8],
    mut damaged: impl FnMut(&R) -> Option<String>,
) -> Result<(Vec<R>, usize), TableError> {
    let bytes = bytes_of(path).map_err(|source| TableError::Read { path: path.into(), source })?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let cut = bytes.len() - whole;
    if whole == 0 {
        return Err(TableError::NoHeader { path: path.into() });
    }
    let row = |line, what: String| TableError::Row { path: path.into(), line, what };
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(&bytes[..whole]);
    let found = reader.headers().map_err(|error| row(1, reason(&error, header)))?.clone();
    check_header(path, header, &found)?;
    let lines = numbered_lines(&bytes[..whole]);
    let mut rows = Vec::new();
    for (at, result) in reader.deserialize().enumerate() {
        // The first line is the header.
        let line = lines.get(at + 1).copied().unwrap_or(at + 2);
        let read = result.map_err(|error| row(line, reason(&error, header)))?;
        if let Some(what) = damaged(&read) {
            return Err(row(line, what));
        }
        rows.push(read);
    }
    Ok((rows, cut))
}

/// Whether the columns are those of `header`.
fn check_header(path: &Path, header: &[u8], found: &csv::StringRecord) -> Result<(), TableError> {
    let wanted = names(header);
    let count = wanted.len().max(found.len());
    let Some(at) = (0..count).find(|&at| wanted.get(at).map(String::as_str) != found.get(at)) else { return Ok(()) };
    let wanted = wanted.get(at).map_or("nothing", String::as_str).to_owned();
    let found = found.get(at).unwrap_or("nothing").to_owned();
    Err(TableError::Header { path: path.into(), column: at + 1, found, wanted })
}

/// The names of a header's columns.
fn names(header: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(header).trim_end().split(',').map(str::to_owned).collect()
}

/// Numbers, from 1, of the lines that are not empty: editors count empty lines, readers of CSV pass over them.
fn numbered_lines(bytes: &[u8]) -> Vec<usize> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines.filter(|(_, line)| !line.is_empty() && *line != b"\r").map(|(at, _)| at + 1).collect()
}

/// The bytes of a regular file: a device may never end.
pub(crate) fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    BufReader::new(File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong with a row, without the position, which is said already.
fn reason(error: &csv::Error, header: &[u8]) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} fields, want {expected_len}"),
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|field| names(header).into_iter().nth(field as usize));
            let column = column.map_or_else(String::new, |column| format!("`{column}`: "));
            format!("{column}{}", err.kind())
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}
