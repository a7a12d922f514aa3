//! Files: read whole within a limit, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::fault::Fault;

/// Far above any network that can be bounded, far below what would make a machine swap for long.
pub(super) const MAX_FILE_BYTES: u64 = 8 << 30;

/// The bytes of a file.
pub(super) fn load(path: &Path) -> Result<Vec<u8>, Fault> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err(Fault::new("this is a directory: want a model file").advise("name a file in it"));
    }
    if !metadata.is_file() {
        return Err(Fault::new("this is a device or a pipe: want a regular file"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Fault::new(format!(
            "the file has {} bytes: files above {MAX_FILE_BYTES} bytes (8 GiB) are declined",
            metadata.len()
        )));
    }
    let mut bytes = Vec::new();
    // The limit is enforced again while reading, because a file can grow.
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&error))?;
    Ok(bytes)
}

/// Writes `bytes` to a new file beside `path` and renames it, so that at every moment `path` holds the old content or
/// the new.
pub(super) fn store(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    if path.is_dir() {
        return Err(Fault::new("this is a directory: want the name of a file to write"));
    }
    // Renaming onto a symbolic link would replace the link; its target is meant.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (partial, mut file) = create_beside(&target).map_err(|error| unwritable(&error))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&partial, &target));
    written.map_err(|error| {
        // The first error is the one to report; a partial file that cannot be removed does no harm.
        let _ = fs::remove_file(&partial);
        unwritable(&error)
    })
}

/// A new file in the directory of `path`.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    /// Leftovers of killed processes with the same identifier are few.
    const ATTEMPTS: u32 = 100;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut attempt = 0;
    loop {
        let partial = path.with_file_name(format!(".{name}.{}-{attempt}.partial", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&partial) {
            Ok(file) => return Ok((partial, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn unreadable(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::new("there is no such file").advise("check the path"),
        _ => Fault::new(format!("the file cannot be read: {error}")),
    }
}

fn unwritable(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::new("there is no such directory to write into").advise("create it first"),
        _ => Fault::new(format!("the file cannot be written: {error}")),
    }
}
