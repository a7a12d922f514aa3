//! Proved Lipschitz bounds of neural networks: every method proposes, the verifier disposes.
//!
//! [`METHODS`] is the table of contents of the workbench. [`bound`] asks a method for multipliers, has them proved by
//! `tightlip-certify`, and adds a witnessed lower bound. A method that cannot answer declines with the reason.

pub use closed_forms::{ALL_CLOSED_FORM, ClosedFormAnswer, closed_forms};
pub use context::{Context, Stage};
pub use each::{Answer, answer, each_output};
pub use exchange::{Exchange, ExchangeError, Imported, Writing};
pub use judge::{Judge, Proved};
pub use method::{Decline, FoundEstimate, FoundLower, Kind, Method, Problem, ProgramSize, Proposal, TraceRow};
pub use methods::{METHODS, method_named};
pub use options::{ChoiceError, MethodOption, Values, choose};
pub use report::{LowerBound, Report, SCHEMA_VERSION, Seconds};
pub use run::{Failure, Outcome, bound, estimate, lower_bound, upper_bound};

mod closed_forms;
mod context;
mod each;
mod exchange;
mod judge;
mod method;
mod methods;
mod options;
mod reduced;
mod report;
mod run;
mod settle;
