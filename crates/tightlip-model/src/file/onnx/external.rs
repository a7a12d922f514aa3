//! Tensors whose data is in a file beside the model.
//!
//! Only files in the model's own folder or below are read, and of them only as many bytes as the tensor has.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::super::disk::MAX_FILE_BYTES;
use super::super::fault::Fault;
use super::proto::StringPair;

/// The folder of a model.
pub(super) struct Folder {
    path: PathBuf,
    /// How much may still be read; several tensors can point to the same bytes of a file.
    left: u64,
}

impl Folder {
    /// The folder that the model at `path` is in.
    pub fn beside(path: &Path) -> Self {
        Self { path: path.parent().unwrap_or(Path::new("")).to_owned(), left: MAX_FILE_BYTES }
    }

    /// The `size` bytes that the entries of a tensor point to.
    pub fn read(&mut self, entries: &[StringPair], size: usize) -> Result<Vec<u8>, Fault> {
        let entry = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let location = entry("location").ok_or_else(|| Fault::new("its external data has no location"))?;
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text
                .parse::<u64>()
                .map(Some)
                .map_err(|_| Fault::new(format!("the {key} of its external data is `{text}`: want a number"))),
        };
        let (offset, length, size) = (number("offset")?.unwrap_or(0), number("length")?, size as u64);
        if let Some(length) = length.filter(|&length| length != size) {
            return Err(Fault::new(format!("its external data has {length} bytes, but its shape wants {size}")));
        }
        self.left = self
            .left
            .checked_sub(size)
            .ok_or_else(|| Fault::new(format!("the external data is larger than {MAX_FILE_BYTES} bytes (8 GiB)")))?;
        self.load(location, offset, size)
    }

    /// Bytes `offset` to `offset + size` of a file in the folder.
    fn load(&self, location: &str, offset: u64, size: u64) -> Result<Vec<u8>, Fault> {
        let relative = Path::new(location);
        if location.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Fault::new(format!(
                "its external data is in `{location}`: want a file in the folder of the model"
            ))
            .advise("move the data file beside the model and export again"));
        }
        let path = self.path.join(relative);
        let shown = path.display();
        let available = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) => return Err(Fault::new(format!("its external data `{shown}` is not a file"))),
            Err(error) => {
                return Err(Fault::new(format!("its external data `{shown}` cannot be read: {error}"))
                    .advise("keep the data files of a model in the same folder"));
            }
        };
        if offset.checked_add(size).is_none_or(|end| end > available) {
            return Err(Fault::new(format!(
                "its external data is {size} bytes from byte {offset} of `{shown}`, which has only {available}"
            )));
        }
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(offset))?;
            file.take(size).read_to_end(&mut bytes)
        });
        match read {
            Ok(read) if read as u64 == size => Ok(bytes),
            Ok(read) => Err(Fault::new(format!("only {read} bytes of `{shown}` could be read"))),
            Err(error) => Err(Fault::new(format!("its external data `{shown}` cannot be read: {error}"))),
        }
    }
}
