//! Compressed data, within limits.

use std::io::{self, Read};

use super::fault::Fault;

/// Trained weights hardly compress; matrices with long runs of zeros compress by up to a thousand. This much is allowed
/// whatever the size of the file, and [`RATIO`] times its size on top.
const ALLOWANCE_BYTES: u64 = 1 << 28;
const RATIO: u64 = 64;

/// How much a compressed file may unpack to, over all its parts.
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    /// The budget of a file of so many bytes.
    pub fn of_file(bytes: usize) -> Self {
        Self { left: ALLOWANCE_BYTES + RATIO * bytes as u64 }
    }

    /// Everything `reader` gives.
    pub fn read(&mut self, reader: impl Read) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let read = reader.take(self.left + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            Fault::new("the compressed data unpacks to more than 64 times its size: this is not what weights look like")
                .advise("store the file uncompressed if it is meant to be so")
        })?;
        Ok(bytes)
    }
}

/// Damaged or truncated compressed data.
fn damaged(error: &io::Error) -> Fault {
    Fault::new(format!("the compressed data is damaged or cut off: {error}")).advise("copy or download the file again")
}
