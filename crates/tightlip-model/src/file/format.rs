//! The formats: one line each.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Error, Network};

use super::fault::Fault;
use super::{Source, json, mat, nnet, npy, npz, onnx, safetensors};

/// A format of model files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// ONNX.
    Onnx,
    /// ONNX, compressed with gzip.
    OnnxGz,
    /// The text format of the Stanford NNet repository.
    Nnet,
    /// A NumPy archive.
    Npz,
    /// One NumPy array.
    Npy,
    /// Safetensors.
    Safetensors,
    /// MATLAB version 5.
    Mat,
    /// The project's own format.
    Json,
}

type Reader = fn(&Source) -> Result<Network, Fault>;
type Writer = fn(&Network) -> Result<Vec<u8>, Fault>;

/// Whether a file says which functions connect its weights.
#[derive(PartialEq)]
enum Graph {
    InFile,
    Missing,
}

/// A line of the table.
struct Entry {
    format: Format,
    extension: &'static str,
    graph: Graph,
    read: Reader,
    write: Option<Writer>,
}

/// In the order of the variants. A file belongs to the entry with the longest extension that ends its name.
#[rustfmt::skip]
const TABLE: [Entry; 8] = [
    Entry { format: Format::Onnx, extension: ".onnx", graph: Graph::InFile, read: onnx::read, write: Some(onnx::write) },
    Entry { format: Format::OnnxGz, extension: ".onnx.gz", graph: Graph::InFile, read: onnx::read_gz, write: None },
    Entry { format: Format::Nnet, extension: ".nnet", graph: Graph::InFile, read: nnet::read, write: Some(nnet::write) },
    Entry { format: Format::Npz, extension: ".npz", graph: Graph::Missing, read: npz::read, write: Some(npz::write) },
    Entry { format: Format::Npy, extension: ".npy", graph: Graph::Missing, read: npy::read, write: None },
    Entry { format: Format::Safetensors, extension: ".safetensors", graph: Graph::Missing, read: safetensors::read, write: None },
    Entry { format: Format::Mat, extension: ".mat", graph: Graph::Missing, read: mat::read, write: None },
    Entry { format: Format::Json, extension: ".json", graph: Graph::InFile, read: json::read, write: Some(json::write) },
];

/// Formats that are refused because they hold no graph or run code when loaded, with what to do instead.
const REFUSED: [(&str, &str); 9] = [
    (".pt", PYTORCH),
    (".pth", PYTORCH),
    (".ckpt", PYTORCH),
    (".pkl", PYTORCH),
    (".pickle", PYTORCH),
    (".h5", KERAS),
    (".keras", KERAS),
    (".tflite", "convert it with `python -m tf2onnx.convert --tflite model.tflite --output model.onnx`"),
    (".pb", "convert its folder with `python -m tf2onnx.convert --saved-model FOLDER --output model.onnx`"),
];
const PYTORCH: &str = "a pickle holds no graph, and loading it can run any code; export the model from Python:\n  \
     model.eval()\n  torch.onnx.export(model, torch.zeros(1, INPUTS), \"model.onnx\")";
const KERAS: &str = "export the model from Python:\n  import tf2onnx\n  \
     tf2onnx.convert.from_keras(model, output_path=\"model.onnx\")";

impl Format {
    /// The format that the name of a file says; upper and lower case are the same.
    ///
    /// # Errors
    /// [`Error::File`] for an unknown extension, and for one of a format that is refused with the way to export from it.
    pub fn of_path(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        TABLE
            .iter()
            .filter(|entry| name.ends_with(entry.extension))
            .max_by_key(|entry| entry.extension.len())
            .map(|entry| entry.format)
            .ok_or_else(|| unknown(&name, path.to_owned()))
    }

    /// The extension, with its dot.
    pub fn extension(self) -> &'static str {
        self.entry().extension
    }

    /// Whether files of this format say which activations stand between the layers.
    pub fn carries_graph(self) -> bool {
        self.entry().graph == Graph::InFile
    }

    /// Whether files of this format can be written.
    pub fn is_writable(self) -> bool {
        self.entry().write.is_some()
    }

    pub(super) fn reader(self) -> Reader {
        self.entry().read
    }

    pub(super) fn writer(self) -> Result<Writer, Fault> {
        self.entry().write.ok_or_else(|| {
            let written: Vec<&str> =
                TABLE.iter().filter(|entry| entry.write.is_some()).map(|entry| entry.extension).collect();
            Fault::new(format!("{self} files cannot be written")).advise(format!("write {}", written.join(", ")))
        })
    }

    fn entry(self) -> &'static Entry {
        const ENTRIES: &[Entry] = &TABLE;
        ENTRIES.iter().find(|entry| entry.format == self).expect("every format has an entry")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

/// The error for a name whose extension stands in no table, or among the refused.
fn unknown(name: &str, path: PathBuf) -> Error {
    if let Some((extension, advice)) = REFUSED.iter().find(|(extension, _)| name.ends_with(extension)) {
        return Error::File {
            path,
            what: format!("{extension} files cannot be read"),
            advice: Some((*advice).to_owned()),
        };
    }
    let known: Vec<&str> = TABLE.iter().map(|entry| entry.extension).collect();
    Error::File {
        path,
        what: format!("the name does not say the format: want one that ends in {}", known.join(", ")),
        advice: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_extension_decides_and_case_does_not() {
        let format = |name: &str| Format::of_path(Path::new(name)).ok();
        assert_eq!(format("a.onnx"), Some(Format::Onnx));
        assert_eq!(format("a/b.tar/NET.ONNX.GZ"), Some(Format::OnnxGz));
        assert_eq!(format("x.npz.json"), Some(Format::Json));
        for unknown in ["net", "net.gz", "onnx", "net.onnx/", "net.txt", "..", "/"] {
            let expected = if unknown == "net.onnx/" { Some(Format::Onnx) } else { None };
            assert_eq!(format(unknown), expected, "{unknown}");
        }
    }

    #[test]
    fn every_format_finds_its_own_line() {
        for entry in &TABLE {
            assert_eq!(entry.format.extension(), entry.extension);
            assert_eq!(Format::of_path(Path::new(&format!("net{}", entry.extension))).ok(), Some(entry.format));
        }
    }

    #[test]
    fn pickles_are_refused_with_the_export_recipe() {
        for name in ["net.pt", "net.PTH", "net.pkl", "net.ckpt"] {
            let Err(Error::File { advice: Some(advice), .. }) = Format::of_path(Path::new(name)) else {
                panic!("{name} must be refused with advice");
            };
            assert!(advice.contains("torch.onnx.export(model,"), "{advice}");
        }
    }
}
