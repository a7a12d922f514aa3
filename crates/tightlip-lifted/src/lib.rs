//! The lifted power iteration.

pub use iteration::LiftedIteration;
pub use pattern::{Pattern, best_pattern};
pub use solve::{Companion, Row, Settings, Stop, Verdict, solve};

mod columns;
mod escape;
mod iteration;
mod lanczos;
mod long;
mod multipliers;
mod null_space;
mod pattern;
mod quasi_newton;
mod relaxation;
mod scaled_pencil;
mod solve;
mod state;
mod sweep;
