//! The folder of a run: `records.csv`, `traces.csv`, `environment.json`.
//!
//! A row is appended in one write and synced before the next cell begins; the course of a cell goes before its row, so a
//! row says that the cell is complete. Whatever kills the run, at most the row being written is cut off, and a run that is
//! resumed takes it away and runs that cell again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::{thread, time::Duration};

#[cfg(unix)]
use rustix::fs::FlockOperation;
use serde::Serialize;

use crate::environment::Environment;
use crate::record::{Record, TraceRecord};
use crate::runner::Sink;
use crate::table::{self, TableError};

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Something cannot be read or written.
    #[error("{}: cannot be {action}: {source}", path.display())]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// `read`, `written`, `created` or `removed`.
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// There is a run already.
    #[error("{}: there is a run in this folder already: continue it with --resume, or take another folder", path.display())]
    Occupied {
        /// Its records.
        path: PathBuf,
    },
    /// There is no run.
    #[error("{}: there is no run in this folder: no records.csv", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Another process is at it.
    #[error("{}: another process writes this run: wait for it, or take another folder", path.display())]
    Locked {
        /// Its records.
        path: PathBuf,
    },
    /// A table is damaged.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The rows are not those of this suite.
    #[error(
        "{}: {count} rows are not cells of this suite, the first is {first}: the suite or a model file changed since, or \
         --external was given then; take another folder, or what the run began with",
        path.display()
    )]
    Foreign {
        /// The records.
        path: PathBuf,
        /// How many.
        count: usize,
        /// Network and method of the first.
        first: String,
    },
    /// The suite file changed.
    #[error(
        "{}: this run began with another suite file (SHA-256 {began}, now {now}): continue it with that one, or take another \
         folder",
        path.display()
    )]
    OtherSuite {
        /// The folder.
        path: PathBuf,
        /// Digest of the suite it began with.
        began: String,
        /// Digest of this suite.
        now: String,
    },
    /// A row could not be kept.
    #[error(
        "{}: a row could not be written ({source}); every row before it is on disk: make room and continue with --resume; \
         the row that was lost: {row}",
        path.display()
    )]
    Append {
        /// The table.
        path: PathBuf,
        /// Why.
        source: io::Error,
        /// The row.
        row: String,
    },
    /// What is known of the run is damaged.
    #[error("{}: {what}: the file is damaged; mend it, or make the run again in a new folder", path.display())]
    Environment {
        /// `environment.json`.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Shards do not make a run.
    #[error("{}: {what}", path.display())]
    Shards {
        /// The folder.
        path: PathBuf,
        /// What is missing or contradictory, and what to do.
        what: String,
    },
}

/// The records of a folder.
pub const RECORDS: &str = "records.csv";
/// The courses.
pub const TRACES: &str = "traces.csv";
/// Where and how it ran.
pub const ENVIRONMENT: &str = "environment.json";

/// The folder of a run that is being written.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    records: Table,
    traces: Table,
}

/// A table that is only appended to.
#[derive(Debug)]
struct Table {
    path: PathBuf,
    file: File,
}

impl RunFolder {
    /// A new run in `path`, which is created where it does not exist.
    ///
    /// # Errors
    /// If there is a run already, or the folder cannot be written.
    pub fn create(path: &Path, environment: &Environment) -> Result<Self, FolderError> {
        let records = path.join(RECORDS);
        if fs::symlink_metadata(&records).is_ok() {
            return Err(FolderError::Occupied { path: records });
        }
        fs::create_dir_all(path).map_err(access(path, "created"))?;
        let traces = path.join(TRACES);
        remove_unbegun(&traces, &table::header_of_traces())?;
        store(&path.join(ENVIRONMENT), environment.to_json().as_bytes())?;
        let traces = Table::create(traces, &table::header_of_traces())?;
        let records = Table::create(records, &table::header_of_records())?;
        Self { path: path.into(), records, traces }.locked()
    }

    /// Goes on with the run in `path`: its rows, and how many bytes of a row cut short were taken away. `is_planned` says
    /// which rows are cells of the suite; rows of skipped cells that are not are left out, to be run now.
    ///
    /// # Errors
    /// If there is no run, it is damaged, or it is another suite's.
    pub fn resume(path: &Path, is_planned: impl Fn(&str) -> bool) -> Result<(Self, Vec<Record>, usize), FolderError> {
        let records = path.join(RECORDS);
        if !records.is_file() {
            return Err(FolderError::Empty { path: path.into() });
        }
        let mut folder =
            Self { path: path.into(), records: Table::open(records)?, traces: Table::open(path.join(TRACES))? }
                .locked()?;
        folder.begin_again()?;
        let (mut rows, cut) = table::read_records(&folder.records.path)?;
        let before = rows.len();
        rows.retain(|row| row.status != crate::Status::Skipped || is_planned(&row.cell));
        let foreign: Vec<&Record> = rows.iter().filter(|row| !is_planned(&row.cell)).collect();
        if let Some(first) = foreign.first() {
            let first = format!("{}, {}", first.network, first.method);
            return Err(FolderError::Foreign { path: folder.records.path, count: foreign.len(), first });
        }
        let (mut traces, cut_traces) = table::read_traces(&folder.traces.path)?;
        let steps = traces.len();
        let known: std::collections::HashSet<&str> = rows.iter().map(|row| row.cell.as_str()).collect();
        traces.retain(|step| known.contains(step.cell.as_str()));
        if rows.len() < before || cut > 0 {
            folder.records.replace(&table::of_records(&rows))?;
        }
        if traces.len() < steps || cut_traces > 0 {
            folder.traces.replace(&table::of_traces(&traces))?;
        }
        Ok((folder, rows, cut))
    }

    /// Takes rows away, to be made again.
    ///
    /// # Errors
    /// If the tables cannot be written.
    pub fn forget(
        &mut self,
        records: &mut Vec<Record>,
        is_wanted: impl Fn(&Record) -> bool,
    ) -> Result<(), FolderError> {
        let before = records.len();
        records.retain(|row| !is_wanted(row));
        if records.len() < before {
            self.records.replace(&table::of_records(records))?;
        }
        Ok(())
    }

    /// Remembers that the run goes on, with what is different now, and returns what it began with.
    ///
    /// # Errors
    /// If `environment.json` is damaged or cannot be written.
    pub fn resumed_at(&mut self, now: &Environment) -> Result<Environment, FolderError> {
        let mut environment = Environment::read(&self.path)?;
        if environment.suite_sha256 != now.suite_sha256 {
            let (began, now) = (environment.suite_sha256, now.suite_sha256.clone());
            return Err(FolderError::OtherSuite { path: self.path.clone(), began, now });
        }
        let commit = now.commit.as_deref().unwrap_or("unknown");
        environment.resumed.push(format!("{}: version {}, commit {commit}, {}", now.started, now.version, now.build));
        environment.cells = now.cells;
        store(&self.path.join(ENVIRONMENT), environment.to_json().as_bytes())?;
        Ok(environment)
    }

    /// Writes the header of the records again, if the run was killed before it was whole; courses have none by then.
    fn begin_again(&mut self) -> Result<(), FolderError> {
        let header = table::header_of_records();
        let has_courses = self.traces.start(table::header_of_traces().len() + 1)? != table::header_of_traces();
        let start = self.records.start(header.len())?;
        if start.len() < header.len() && header.starts_with(&start) && !has_courses {
            self.records.replace(&header)?;
        }
        Ok(())
    }

    /// Takes the lock that keeps a second process away. A cell of a run that was just killed may hold it for a moment,
    /// between its birth and its own program.
    fn locked(self) -> Result<Self, FolderError> {
        #[cfg(unix)]
        {
            /// Attempts, so far apart.
            const ATTEMPTS: u32 = 40;
            const APART: Duration = Duration::from_millis(50);
            let free = || rustix::fs::flock(&self.records.file, FlockOperation::NonBlockingLockExclusive).is_ok();
            let taken = (0..ATTEMPTS).any(|attempt| {
                if attempt > 0 {
                    thread::sleep(APART);
                }
                free()
            });
            if !taken {
                return Err(FolderError::Locked { path: self.records.path });
            }
        }
        Ok(self)
    }

    /// Writes the finished tables, with the columns that need all rows.
    ///
    /// # Errors
    /// If they cannot be written; the rows as they were appended stay.
    pub fn finish(&mut self, records: &[Record]) -> Result<(), FolderError> {
        store(&self.records.path, &table::of_records(records))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Sink for RunFolder {
    fn append(&mut self, record: &Record, trace: &[TraceRecord]) -> Result<(), FolderError> {
        self.traces.append(trace)?;
        self.records.append(std::slice::from_ref(record))
    }
}

impl Table {
    /// A new table with its header.
    fn create(path: PathBuf, header: &[u8]) -> Result<Self, FolderError> {
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(access(&path, "created"))?;
        file.write_all(header).and_then(|()| file.sync_all()).map_err(access(&path, "written"))?;
        Ok(Self { path, file })
    }

    /// A table that exists.
    fn open(path: PathBuf) -> Result<Self, FolderError> {
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(access(&path, "read"))?;
        Ok(Self { path, file })
    }

    /// Its first bytes, at most so many.
    fn start(&mut self, most: usize) -> Result<Vec<u8>, FolderError> {
        let mut bytes = Vec::new();
        let read = |file: &mut File, bytes: &mut Vec<u8>| {
            file.seek(SeekFrom::Start(0))?;
            file.take(most as u64).read_to_end(bytes)
        };
        read(&mut self.file, &mut bytes).map_err(access(&self.path, "read"))?;
        Ok(bytes)
    }

    /// Appends rows in one write, and waits until they are on disk. What was written of rows that failed is taken away.
    fn append<R: Serialize>(&mut self, rows: &[R]) -> Result<(), FolderError> {
        if rows.is_empty() {
            return Ok(());
        }
        let bytes = table::lines(rows);
        let end = self.file.seek(SeekFrom::End(0)).map_err(access(&self.path, "written"))?;
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(|source| {
            // Where even that fails, the next reader takes the torn row away.
            let _ = self.file.set_len(end);
            let row = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            FolderError::Append { path: self.path.clone(), source, row }
        })
    }

    /// Replaces everything.
    fn replace(&mut self, bytes: &[u8]) -> Result<(), FolderError> {
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write(&mut self.file).map_err(access(&self.path, "written"))
    }
}

/// Takes away a table that a run left that was killed while its folder was made.
fn remove_unbegun(path: &Path, header: &[u8]) -> Result<(), FolderError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(metadata) if metadata.is_file() && metadata.len() <= header.len() as u64 => {
            let bytes = fs::read(path).map_err(access(path, "read"))?;
            if header.starts_with(&bytes) {
                return fs::remove_file(path).map_err(access(path, "removed"));
            }
        }
        Ok(_) | Err(_) => {}
    }
    let what = "it is there already, without its records.csv: put that back, or take another folder";
    Err(access(path, "created")(io::Error::new(io::ErrorKind::AlreadyExists, what)))
}

/// Writes a file beside its place, syncs it and renames it.
pub(crate) fn store(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    tightlip_model::file::store(path, bytes).map_err(|error| FolderError::Access {
        path: path.into(),
        action: "written",
        source: io::Error::other(error),
    })
}

/// An error of the file system with its place.
pub(crate) fn access<'p>(path: &'p Path, action: &'static str) -> impl FnOnce(io::Error) -> FolderError + 'p {
    move |source| FolderError::Access { path: path.into(), action, source }
}
