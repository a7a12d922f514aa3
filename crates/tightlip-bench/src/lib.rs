//! Comparisons of Lipschitz bounds that anyone can repeat: one suite file in; records, figures and a report out.

pub use generator::{GeneratorError, chordal_network, eclipse_network};
pub use record::{Question, Record, SCHEMA_VERSION, Status, TraceRecord, Verdict};

mod generator;
mod record;
