//! The harness without a solver: planted answers go in, and rows, findings and complaints come out.
//!
//! One program, for the crate below it is large and is linked once.

mod bad_suites;
mod damaged_tables;
mod disagreement;
mod each_output;
mod full_disk;
mod kill_points;
mod processes;
mod published_rows;
mod reproduction;
mod scheduling;
mod schema;
mod shards;
mod soundness_alarm;
mod support;
