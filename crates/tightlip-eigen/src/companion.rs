//! Who follows a method: watches its steps and judges what it holds for feasible.

use faer::Mat;
use tightlip_model::Multipliers;

/// Watches a run and decides when it has proved enough.
pub trait Companion {
    /// Sees every step.
    fn observe(&mut self, step: &Step);

    /// Whether the method should have what it holds proved now, where it expects to gain so large a part of its bound yet.
    fn is_due(&self, promised: f64) -> bool;

    /// Tries to prove what the method has.
    fn judge(&mut self, candidate: &Candidate) -> Verdict;

    /// Whether the time is over.
    fn is_over(&self) -> bool;
}

/// The state after one step.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Steps so far.
    pub iterations: u64,
    /// Products of the pencil with one vector so far: passes of the network forward and back.
    pub products: u64,
    /// The bound that the step claims, in units of the system; not proved.
    pub claimed: f64,
    /// The smallest Ritz value of the scaled pencil where it was computed: an upper bound of its smallest eigenvalue.
    pub scaled_eigenvalue: Option<f64>,
}

/// What a method would have proved.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Multipliers that are feasible as far as the method can see.
    pub multipliers: Multipliers,
    /// The bound they claim.
    pub claimed: f64,
    /// The part of the bound that the method expects to gain yet.
    pub promised: f64,
    /// Vectors over all signals, `order × r`, that span the method's dual solution: the relaxation near its optimum. Empty where
    /// the method has none.
    pub vectors: Mat<f64>,
}

/// What is said about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It proves what was wanted.
    Enough,
    /// Go on.
    More,
}

/// Why a method stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The judge had enough.
    Enough,
    /// All iterations were made.
    Finished,
    /// No step makes the bound smaller.
    Stalled,
    /// Time or patience of the user ended.
    Interrupted,
}

/// What a run has come to.
#[derive(Debug, Clone)]
pub struct Run {
    /// Why it ended.
    pub ending: Ending,
    /// Steps.
    pub iterations: u64,
    /// Products of the pencil with one vector.
    pub products: u64,
    /// The best candidate.
    pub best: Candidate,
}

/// Why a method stopped that could not make its next step: time was over, or numbers left their range.
pub(crate) fn cut_short(companion: &dyn Companion) -> Ending {
    if companion.is_over() { Ending::Interrupted } else { Ending::Stalled }
}
