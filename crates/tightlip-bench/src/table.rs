//! Records and courses as CSV: written row by row, read back strictly.
//!
//! A row is one line. The last line of a table may be cut short, if the process or the machine died while it was written;
//! everything before it must be whole.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{Record, TraceRecord};

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
    let (rows, cut): (Vec<Record>, _) = read(path, &header_of_records())?;
    for (at, row) in rows.iter().enumerate() {
        if row.numbers().iter().flatten().any(|number| !number.is_finite()) {
            let what = "a number is not finite".to_owned();
            return Err(TableError::Row { path: path.into(), line: at + 2, what });
        }
    }
    Ok((rows, cut))
}

/// The rows of `traces.csv`, and the bytes of a last row that was cut short.
///
/// # Errors
/// As for [`read_records`].
pub fn read_traces(path: &Path) -> Result<(Vec<TraceRecord>, usize), TableError> {
    read(path, &header_of_traces())
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

/// Reads a table with this header.
fn read<R: DeserializeOwned>(path: &Path, header: &[u8]) -> Result<(Vec<R>, usize), TableError> {
    let bytes = bytes_of(path).map_err(|source| TableError::Read { path: path.into(), source })?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let cut = bytes.len() - whole;
    let row = |line, what: String| TableError::Row { path: path.into(), line, what };
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(&bytes[..whole]);
    let found = reader.headers().map_err(|error| row(1, error.to_string()))?.clone();
    let wanted = String::from_utf8_lossy(header);
    let mut columns = wanted.trim_end().split(',').zip(found.iter().chain(std::iter::repeat("")));
    let differs = columns.position(|(wanted, found)| wanted != found);
    let count = wanted.split(',').count();
    let differs = differs.or((found.len() != count).then_some(count));
    if let Some(at) = differs {
        let wanted = wanted.trim_end().split(',').nth(at).unwrap_or("nothing").to_owned();
        let found = found.get(at).unwrap_or("nothing").to_owned();
        return Err(TableError::Header { path: path.into(), column: at + 1, found, wanted });
    }
    let mut rows = Vec::new();
    for (at, result) in reader.deserialize().enumerate() {
        rows.push(result.map_err(|error| row(at + 2, reason(&error)))?);
    }
    Ok((rows, cut))
}

/// The bytes of a regular file: a device may never end.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    BufReader::new(File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong with a row, without the position, which is said already.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} fields, want {expected_len}"),
        csv::ErrorKind::Deserialize { err, .. } => {
            let field = err.field().map_or_else(String::new, |field| format!("field {}: ", field + 1));
            format!("{field}{}", err.kind())
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}
