//! Text files that other programs, or this one, wrote.

use std::fs;
use std::path::Path;

use crate::failure::CommandFailure;

/// A multiplier takes some 20 bytes; this is enough for fifty million of them.
const LARGEST: u64 = 1 << 30;

/// The text of a regular file; `advice` says which one is wanted.
pub fn read(path: &Path, advice: &str) -> Result<String, CommandFailure> {
    let refuse =
        |what: String| Err(CommandFailure::bad_input(format!("{}: {what}", path.display()), Some(advice.to_owned())));
    if fs::metadata(path).is_ok_and(|found| !found.is_file() || found.len() > LARGEST) {
        return refuse(format!("want a regular file of at most {LARGEST} bytes"));
    }
    fs::read_to_string(path).or_else(|error| refuse(format!("cannot be read: {error}")))
}
