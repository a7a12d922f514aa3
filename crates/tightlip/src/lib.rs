//! Proved Lipschitz bounds of neural networks: every method proposes, the verifier disposes.
//!
//! [`METHODS`] is the table of contents of the workbench. [`bound`] asks a method for multipliers, has them proved by
//! `tightlip-certify`, and adds a witnessed lower bound. A method that cannot answer declines with the reason.

pub use context::{Context, Stage};
pub use method::{Decline, Kind, Method, Problem, Proposal};
pub use methods::{METHODS, method_named};
pub use report::{LowerBound, Report, Seconds};
pub use run::{Failure, Outcome, bound, upper_bound};

mod context;
mod method;
mod methods;
mod report;
mod run;
