//! Comparisons of Lipschitz bounds that anyone can repeat: one suite file in; records, figures and a report out.
//!
//! Measuring and analysing are separate. [`Plan`] makes the cells of a [`Suite`], [`Runner`] runs them, each in a process
//! of its own, and appends one [`Record`] each to the [`RunFolder`]. Everything else reads `records.csv` alone:
//! [`inspect`] says what the rows have against each other, the figures and the report show them.
//!
//! | to add | touch |
//! |---|---|
//! | a suite | one file in `benchmarks/suites/` |
//! | a column | one field of [`Record`], one row of `benchmarks/README.md` (a test asks for both) |
//! | a figure | one file in `figure/`, one line in its list |
//! | a family of networks | one file in `generator/`, one variant of [`NetworkSource`] |

pub use answer::{Answer, CellSeconds, NetworkFacts};
pub use distrust::{Finding, Severity, complete, inspect, reproduction};
pub use environment::Environment;
pub use executor::{Executor, ProcessExecutor};
pub use folder::{ENVIRONMENT, FolderError, RECORDS, RunFolder, TRACES};
pub use generator::{GeneratorError, chordal_network, eclipse_network};
pub use merge::merge;
pub use number_text::proved_text;
pub use plan::{Cell, Plan, Shard, Task, Work};
pub use record::{Question, Record, SCHEMA_VERSION, Status, TraceRecord, Verdict};
pub use report::{ReportError, ReportFiles, write_report};
pub use results::{Results, RunVerdict};
pub use runner::{Observer, RunEnd, Runner, Sink, Stamp, Unfinished};
pub use source::{NetworkSource, SourceError, sizes};
pub use suite::{
    ChordalFamily, EclipseFamily, LimitsEntry, MethodList, NetworkEntry, PublishedEntry, QueryEntry, RandomFamily,
    Suite, SuiteError,
};
pub use table::{TableError, of_records as table_of_records, read_records, read_traces};

mod answer;
mod distrust;
mod environment;
mod executor;
mod figure;
mod folder;
mod formulation;
mod generator;
mod html;
mod merge;
mod method_summary;
mod number_text;
mod plan;
#[cfg(test)]
mod planted;
mod plot;
mod program_lines;
mod published;
mod published_lines;
mod record;
mod report;
mod results;
mod runner;
mod source;
mod suite;
mod summary;
mod table;
