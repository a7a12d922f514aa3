//! Where and how a run was made: `environment.json`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::folder::{ENVIRONMENT, FolderError, access};
use crate::plan::Shard;

/// Everything beside the suite and the models that a repetition needs to know. Absent values are `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The run.
    pub run_id: String,
    /// When it began, UTC.
    pub started: String,
    /// Name of the suite.
    pub suite: String,
    /// What it is for.
    pub description: String,
    /// The suite file as it was given.
    pub suite_file: String,
    /// SHA-256 of its bytes.
    pub suite_sha256: String,
    /// The command line.
    pub command: String,
    /// The part of the suite, for runs in parts.
    pub shard: Option<Shard>,
    /// Cells of the suite or of the part.
    pub cells: usize,
    /// Version of tightlip.
    pub version: String,
    /// Commit it was built from.
    pub commit: Option<String>,
    /// How it was built.
    pub build: String,
    /// The processor.
    pub cpu: Option<String>,
    /// Cores this process may use.
    pub cores: usize,
    /// Memory of the machine.
    pub memory_mib: Option<u64>,
    /// Operating system and its kernel.
    pub system: String,
    /// Average number of runnable processes in the minute before, where the system tells: the neighbours.
    pub load_before: Option<f64>,
    /// Shards this run was put together from; 0 for a run that was made as a whole.
    #[serde(default)]
    pub merged: u32,
    /// When the run was continued, UTC.
    #[serde(default)]
    pub resumed: Vec<String>,
}

impl Environment {
    /// Reads that of a run.
    ///
    /// # Errors
    /// If the file is not there or damaged.
    pub fn read(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(ENVIRONMENT);
        let text = fs::read_to_string(&path).map_err(access(&path, "read"))?;
        serde_json::from_str(&text).map_err(|error| FolderError::Environment { path, what: error.to_string() })
    }

    /// The text of the file.
    ///
    /// # Panics
    /// Never: text and numbers are JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a flat struct of text and numbers is JSON");
        text.push('\n');
        text
    }

    /// Name and value of each entry, for reports.
    ///
    /// # Panics
    /// Never: text and numbers are JSON.
    pub fn entries(&self) -> Vec<(String, String)> {
        let value = serde_json::to_value(self).expect("a flat struct of text and numbers is JSON");
        let serde_json::Value::Object(map) = value else { return Vec::new() };
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => "unknown".to_owned(),
            other => other.to_string(),
        };
        map.iter().map(|(key, value)| (key.clone(), text(value))).collect()
    }
}
