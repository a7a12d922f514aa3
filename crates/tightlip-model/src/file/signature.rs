//! Files that are something else than their name says.
//!
//! The signature is looked at only after reading failed: a valid file may by chance begin like another format.

use super::Format;
use super::fault::Fault;

/// First bytes, what they announce, and the format they belong to, if it is one of ours.
const SIGNATURES: [(&[u8], &str, Option<Format>); 12] = [
    (b"\x89PNG", "a PNG image", None),
    (b"\xff\xd8\xff", "a JPEG image", None),
    (b"%PDF", "a PDF document", None),
    (b"\x89HDF", "an HDF5 file", None),
    (b"\x7fELF", "a program", None),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself with `git lfs pull`", None),
    (b"<!DOCTYPE", "a web page", None),
    (b"\x80\x02", "a Python pickle", None),
    (b"\x1f\x8b\x08", "gzip data", Some(Format::OnnxGz)),
    (b"PK\x03\x04", "a zip archive", Some(Format::Npz)),
    (b"\x93NUMPY", "a NumPy array", Some(Format::Npy)),
    (b"MATLAB ", "a MATLAB file", Some(Format::Mat)),
];

/// The fault of reading `bytes` as `format`, or a clearer one if they are recognised as something else.
pub(super) fn explained(fault: Fault, bytes: &[u8], format: Format) -> Fault {
    let recognised = SIGNATURES.iter().find(|(start, _, owner)| bytes.starts_with(start) && *owner != Some(format));
    match (fault, recognised) {
        (Fault::Content { .. }, Some((_, content, owner))) => {
            let fault = Fault::new(format!("this is not a {format} file: it begins like {content}"));
            match owner {
                Some(owner) => fault.advise(format!("if it is one, give it a name that ends in {owner}")),
                None => fault,
            }
        }
        (fault, _) => fault,
    }
}
