//! What a method is given beside the problem: limits, and somebody to tell how it goes.

use std::sync::Arc;

use tightlip_model::Limits;

use crate::method::Decline;

/// A step of the work, for progress displays.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// The program is being assembled.
    Assembling,
    /// A solver works.
    Solving {
        /// Iterations so far.
        iteration: u64,
        /// The bound the current iterate claims; not proved.
        claimed: f64,
        /// The solver's relative gap, where it has one.
        gap: Option<f64>,
    },
    /// Patterns are being enumerated.
    Enumerating {
        /// Patterns so far.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// Cases of slopes are being searched.
    Branching {
        /// Cases bounded so far.
        nodes: u64,
        /// Cases open.
        open: u64,
        /// The best pattern found.
        lower: f64,
        /// The largest proved bound of an open case.
        upper: f64,
    },
    /// Multipliers are being proved.
    Certifying,
    /// A steep pair of points is being searched.
    SearchingLowerBound,
}

/// Limits, tolerance and observer of one computation. Cloning shares the interrupt flag and the observer.
#[derive(Clone)]
pub struct Context {
    /// Time, memory, threads, seed.
    pub limits: Limits,
    /// Relative gap between proved bound and relaxation at which an iterative method may stop.
    pub tolerance: f64,
    observer: Arc<dyn Fn(&Stage) + Send + Sync>,
}

impl Context {
    /// The tolerance where none is asked for.
    pub const TOLERANCE: f64 = 1e-5;
    /// The smallest tolerance that can be asked for: below, rounding to nine digits or so costs more than the gap.
    pub const SMALLEST_TOLERANCE: f64 = 1e-9;

    /// A context with the usual tolerance that reports stages to `observer`.
    pub fn new(limits: Limits, observer: impl Fn(&Stage) + Send + Sync + 'static) -> Self {
        Self { limits, tolerance: Self::TOLERANCE, observer: Arc::new(observer) }
    }

    /// A context that tells nobody.
    pub fn silent(limits: Limits) -> Self {
        Self::new(limits, |_| {})
    }

    /// Declines for `method` what needs more bytes than the limit; `what` takes most of them.
    pub(crate) fn check_memory(
        &self,
        method: &'static str,
        needed: u64,
        what: impl FnOnce() -> String,
    ) -> Result<(), Decline> {
        let limit = self.limits.memory_bytes;
        if needed <= limit {
            return Ok(());
        }
        Err(Decline::Memory { method, what: what(), needed_mib: needed >> 20, limit_mib: limit >> 20 })
    }

    /// Reports a stage.
    pub fn report(&self, stage: &Stage) {
        (self.observer)(stage);
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("limits", &self.limits)
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}
