//! `.npz`: a zip archive of NumPy arrays `W0, b0, W1, b1, …` or `arr_0, arr_1, …`, `Wk` of shape (outputs, inputs).
//!
//! The activation is not in the file. Members are stored or deflated, as `numpy.savez` and `savez_compressed` write them.

use std::io::{self, Cursor};

use npyz::WriterBuilder;
use npyz::npz::NpzWriter;
use npyz::zip::result::ZipError;
use npyz::zip::write::FileOptions;
use npyz::zip::{CompressionMethod, DateTime, ZipArchive};

use crate::Network;

use super::array::Array;
use super::fault::Fault;
use super::inflate::Budget;
use super::{Source, chain, indexed, npy};

/// Reads a plain chain.
pub(super) fn read(source: &Source) -> Result<Network, Fault> {
    chain::network(indexed::layers(arrays(source.bytes)?)?, source.options.activation)
}

/// Writes a plain chain as float64; the activation is lost. The same network gives the same bytes.
pub(super) fn write(network: &Network) -> Result<Vec<u8>, Fault> {
    let plain = chain::plain(network, ".npz")?;
    let mut writer = NpzWriter::new(Cursor::new(Vec::new()));
    // The archive would otherwise hold the time of writing.
    let options =
        FileOptions::default().compression_method(CompressionMethod::Stored).last_modified_time(DateTime::default());
    let mut add = |name: String, shape: &[u64], values: &mut dyn Iterator<Item = f64>| -> io::Result<()> {
        let mut array = writer.array::<f64>(&name, options)?.default_dtype().shape(shape).begin_nd()?;
        array.extend(values)?;
        array.finish()
    };
    for (index, (weights, bias)) in plain.layers.iter().enumerate() {
        let (rows, cols) = (weights.nrows(), weights.ncols());
        let mut entries = weights.row_iter().flat_map(|row| row.iter().copied());
        add(format!("W{index}"), &[rows as u64, cols as u64], &mut entries).map_err(|error| unwritable(&error))?;
        add(format!("b{index}"), &[rows as u64], &mut bias.iter().copied()).map_err(|error| unwritable(&error))?;
    }
    let archive = writer.zip_writer().finish().map_err(|error| unwritable(&io::Error::other(error)))?;
    Ok(archive.into_inner())
}

/// The arrays of the archive with their names, in no particular order.
fn arrays(bytes: &[u8]) -> Result<Vec<(String, Array)>, Fault> {
    check_directory(bytes)?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut budget = Budget::of_file(bytes.len());
    let mut arrays = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(|error| broken(&error))?;
        let file_name = member.name().to_owned();
        let Some(name) = npyz::npz::array_name_from_file_name(&file_name) else {
            return Err(Fault::new(format!("`{file_name}` in the archive is not a NumPy array"))
                .advise("write the archive with numpy.savez(path, W0=W0, b0=b0, …)"));
        };
        let content = budget.read(member).map_err(|fault| fault.within(name))?;
        arrays.push((name.to_owned(), npy::array(&content).map_err(|fault| fault.within(name))?));
    }
    arrays.sort_by(|(left, _), (right, _)| left.cmp(right));
    match arrays.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(Fault::new(format!("the archive holds two arrays named {}", pair[0].0))),
        None => Ok(arrays),
    }
}

/// Refuses an archive with a 64-bit directory: the `zip` crate takes memory for as many members as it announces, and
/// NumPy writes one only beyond 4 GiB or 65535 arrays.
fn check_directory(bytes: &[u8]) -> Result<(), Fault> {
    /// The record that ends an archive has 22 bytes and a comment of at most 65535.
    const LAST_RECORD_BYTES: usize = 22 + 65535;
    /// Before it stands the locator of the 64-bit directory, if there is one.
    const LOCATOR_BYTES: usize = 20;
    let tail = &bytes[bytes.len().saturating_sub(LAST_RECORD_BYTES + LOCATOR_BYTES)..];
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06").ok_or_else(|| {
        Fault::new("the zip archive has no directory at its end: it is cut off or not a zip archive")
            .advise("copy or download the file again")
    })?;
    let locator = end.checked_sub(LOCATOR_BYTES).map(|start| &tail[start..start + 4]);
    if locator == Some(b"PK\x06\x07") {
        return Err(Fault::new("archives of 4 GiB and more are not read").advise("save the weights as .safetensors"));
    }
    Ok(())
}

fn broken(error: &ZipError) -> Fault {
    Fault::new(format!("the zip archive cannot be read: {error}")).advise("copy or download the file again")
}

fn unwritable(error: &io::Error) -> Fault {
    Fault::new(format!("the archive cannot be written: {error}"))
}
