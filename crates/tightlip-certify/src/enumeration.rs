//! The formal constant by enumeration: the largest norm over all patterns of slopes.
//!
//! For a chain, `J(y) = W_{H+1} Y_H W_H ⋯ Y_1 W_1` contains every difference quotient of the network for some slopes
//! `y_j ∈ [α_j, β_j]`, whatever the biases, so that `FGL_{p→q} = max_y ‖J(y)‖_{p→q}` bounds its constant. `J` is affine in
//! each slope and a norm convex, so each slope may be taken at an end of its interval: `2^N` patterns for `N` live neurons.
//!
//! Signs are patterns too. `‖J‖_{p→1} = max_η ‖Jᵀη‖_{p*}` over `η ∈ {±1}^m` is one more layer of slopes ±1, the first fixed
//! because `±η` count once; inputs in ℓ∞ are the same for the transposed chain. What is left is the spectral norm, or the
//! sum of the magnitudes of a single row (`plan.rs`).
//!
//! **The walk** (`walk.rs`). With `k` the layer of most neurons, `J = L Y_k R` where `L` and `R` depend on the other layers,
//! whose patterns change outside. Inside, the slopes of `Y_k` change one at a time (Gray code): with `K = R Rᵀ` and
//! `M = K Y Lᵀ` one change is `M ← M ± a_j K_j`, and `J Jᵀ = L Y M`. The number of inputs does not enter.
//!
//! **Each pattern** is either shown to be at most `θ = (1 + 1e−10) ·` the best so far, in floating point with one error
//! bound for all patterns, or it is evaluated by itself from both sides (`arm.rs`, `spectral.rs`) and may be the new best.
//! The maximum is then at most the largest of the last `θ` and of what was evaluated.
//!
//! **The error bound.** Let `|L̂|, |L| ≤ L₊` and `|R̂|, |R| ≤ R₊` for every pattern, `E_L`, `E_R` bound their errors, and
//! `b_j = max(|α_j|, |β_j|)`. Then `‖J‖ ≤ ‖L̂ Y R̂‖ + ε` with `ε = ‖E_L b R₊ + L₊ b E_R‖_F`. For the exact Gram matrix of the
//! floats `L̂ Y R̂` and the one computed after `t` changes, of which each entry of `M` has `3t` roundings, with
//! `P = L₊ b R₊`, `n` neurons in the layer, `d` inputs and `m` outputs,
//!
//!   `‖Ĝ − G‖_F, |tr Ĝ − tr G| ≤ δ = γ_C ‖P‖_F²`,   `C = 3d + 2n + m + 4t + 16`.
//!
//! (`3d`: the roundings of `K`, once at the start and twice through the changes, which telescope: each slope is at most one
//! change away from where it began. `|M| ≤ R₊R₊ᵀ bL₊ᵀ` entrywise, and a change is at most twice that. The matrix
//! `P Pᵀ` is positive semidefinite, so its trace bounds its norm.) `M` begins anew after `2^8` patterns.
//! For the sum of a row `v = ℓ Y R` the same steps give `γ_C ‖P‖_1` with the same `C`.
//!
//! Everything is scaled by powers of two so that the largest weight of each layer is about one. `P` at most `1e100` then
//! keeps what underflows (`2^−1074` each, times at most `1e200` and the number of operations) below [`UNDERFLOW`].
//!
//! [`UNDERFLOW`]: crate::directed::UNDERFLOW

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tightlip_model::{Case, IncrementSystem, Limits, Query};

use crate::{Bound, Refusal};
pub(crate) use arm::times_view;
use plan::Plan;
pub(crate) use scaling::Scaling;
pub(crate) use spectral::frobenius_up;
use walk::{Best, Walk};

mod arm;
mod plan;
mod scaling;
mod spectral;
mod state;
mod walk;

/// Patterns are at most two to this: minutes on one processor.
const MOST_BITS: u32 = 26;
/// The patterns of a case are walked through in this many parts, whatever the threads, so that the result does not depend
/// on them: the first part alone, the others from its best.
const PARTS: u64 = 64;
/// Patterns between two reports of a thread.
const REPORT_EVERY: u64 = 1 << 16;

/// The patterns of a question, counted; ℓ1 inputs and ℓ∞ outputs case by case.
#[derive(Debug, Clone)]
pub struct Enumeration<'s> {
    system: &'s IncrementSystem,
    query: Query,
    cases: Vec<Case>,
    patterns: u64,
    predicted_s: f64,
}

/// What an enumeration has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Enumerated {
    /// The upper bound of the formal constant, and so of the network's.
    pub bound: Bound,
    /// A lower bound of the formal constant: the norm at `slopes`, rounded down.
    pub lower: f64,
    /// The steepest pattern: a slope for each neuron of each hidden block; of neurons that play no part the lower end.
    pub slopes: Vec<Vec<f64>>,
    /// Patterns gone through.
    pub patterns: u64,
}

/// Why an enumeration has no upper bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfinished {
    /// The reason.
    pub refusal: Refusal,
    /// The norm of the steepest pattern so far, rounded down: a lower bound of the formal constant.
    pub lower: f64,
}

impl<'s> Enumeration<'s> {
    /// Counts the patterns of `system` under the norms of `query`.
    ///
    /// # Errors
    /// [`Refusal::Patterns`] if they are too many, with the time they would take; [`Refusal::Unsupported`] for systems with
    /// skip connections, [`Refusal::Memory`] if the weights do not fit, [`Refusal::Range`] if a number is out of range.
    pub fn new(system: &'s IncrementSystem, query: &Query, limits: &Limits) -> Result<Self, Refusal> {
        check(system, limits)?;
        let count = Case::count(system, query);
        if count > 1 << MOST_BITS {
            let what =
                format!("ℓ1 inputs and ℓ∞ outputs are {count} cases here, more than the 2^{MOST_BITS} patterns tried");
            return Err(Refusal::Unsupported { what });
        }
        let cases = Case::all(system, query);
        let (mut patterns, mut predicted_s) = (0.0, 0.0);
        let mut widest = (0, 0);
        for case in &cases {
            if let Some(plan) = Plan::new(&case.system(system), &Case::query(query))? {
                patterns += (plan.bits() as f64).exp2();
                predicted_s += plan.predicted_s(limits.threads);
                widest = widest.max((plan.bits() - plan.signs(), plan.signs()));
            } else {
                patterns += 1.0;
            }
        }
        if patterns > (1_u64 << MOST_BITS) as f64 {
            return Err(too_many(widest, count, patterns, predicted_s));
        }
        // Exact: a sum of at most 2^26 powers of two.
        Ok(Self { system, query: *query, cases, patterns: patterns.round() as u64, predicted_s })
    }

    /// Patterns of all cases together.
    pub fn patterns(&self) -> u64 {
        self.patterns
    }

    /// Seconds that going through them will take with the threads of the limits, within a factor of two or three.
    pub fn predicted_s(&self) -> f64 {
        self.predicted_s
    }

    /// Goes through all patterns with the threads of `limits`; tells `observe` how many are done, from any thread. The
    /// result does not depend on the threads.
    ///
    /// # Errors
    /// [`Unfinished`]: [`Refusal::Stopped`] if a limit strikes, [`Refusal::Range`] if numbers leave their range.
    pub fn run(&self, limits: &Limits, observe: &(dyn Fn(u64) + Sync)) -> Result<Enumerated, Unfinished> {
        let counter = Counter { done: AtomicU64::new(0), total: self.patterns, observe, limits };
        let mut upper = 0.0_f64;
        let mut best = (0.0_f64, lower_ends(self.system));
        for case in &self.cases {
            let found = self.run_case(*case, &mut best, &counter);
            match found {
                Ok(value) => upper = upper.max(value),
                Err(refusal) => return Err(Unfinished { refusal, lower: best.0 }),
            }
        }
        if !upper.is_finite() {
            let refusal = Refusal::Range { what: "the bound".to_owned() };
            return Err(Unfinished { refusal, lower: best.0 });
        }
        Ok(Enumerated { bound: Bound::upper(upper), lower: best.0, slopes: best.1, patterns: self.patterns })
    }

    /// The upper bound of one case, or of the best of the cases before it if that is larger; raises `best`.
    fn run_case(&self, case: Case, best: &mut (f64, Vec<Vec<f64>>), counter: &Counter<'_>) -> Result<f64, Refusal> {
        let Some(plan) = Plan::new(&case.system(self.system), &Case::query(&self.query))? else {
            counter.add(1)?;
            return Ok(0.0);
        };
        let known = Best { lower: plan.scaling().into_chain(best.0), pattern: None };
        let (upper, found) = go_through(&plan, known, counter);
        let lower = plan.scaling().out_of_chain_down(found.lower);
        if let Some(pattern) = found.pattern.filter(|_| lower > best.0) {
            *best = (lower, plan.slopes_of_system(pattern, lower_ends(self.system)));
        }
        Ok(plan.scaling().out_of_chain_up(upper?))
    }
}

/// How far it is, and whether to go on.
struct Counter<'c> {
    done: AtomicU64,
    total: u64,
    observe: &'c (dyn Fn(u64) + Sync),
    limits: &'c Limits,
}

impl Counter<'_> {
    /// Counts patterns that are done.
    fn add(&self, patterns: u64) -> Result<(), Refusal> {
        let before = self.done.fetch_add(patterns, Ordering::Relaxed);
        let done = before + patterns;
        if before / REPORT_EVERY != done / REPORT_EVERY {
            (self.observe)(done);
        }
        if done < self.total && self.limits.stop_requested() {
            Err(Refusal::Stopped { done, total: self.total })
        } else {
            Ok(())
        }
    }
}

/// All patterns of one case: the upper bound of their norms, and the steepest found, also where it was stopped.
fn go_through(plan: &Plan, known: Best, counter: &Counter<'_>) -> (Result<f64, Refusal>, Best) {
    let mut walk = match Walk::new(plan) {
        Ok(walk) => walk,
        Err(refusal) => return (Err(refusal), known),
    };
    let known = match walk.raised(known, plan.all_upper()) {
        Ok(seed) => seed,
        Err(refusal) => return (Err(refusal), known),
    };
    let parts = PARTS.min(walk.rounds());
    let share = walk.rounds() / parts;
    let (first, seed) = walk.part(0..share, known, counter);
    let Ok(first) = first else { return (first, seed) };
    let next = AtomicUsize::new(1);
    let found = Mutex::new(Vec::new());
    let work = || {
        let mut walk = walk.clone();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed) as u64;
            if part >= parts {
                return;
            }
            let result = walk.part(part * share..(part + 1) * share, seed, counter);
            let failed = result.0.is_err();
            found.lock().expect("no thread panics while it pushes").push((part, result));
            if failed {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..counter.limits.threads.min(parts as usize) {
            scope.spawn(work);
        }
        work();
    });
    let mut found = found.into_inner().expect("no thread panics while it pushes");
    found.sort_by_key(|(part, _)| *part);
    let mut best = seed;
    let mut upper = Ok(first);
    for (_, (value, steepest)) in found {
        if steepest.lower > best.lower {
            best = steepest;
        }
        upper = upper.and_then(|upper| value.map(|value| upper.max(value)));
    }
    (upper, best)
}

/// The refusal of so many patterns.
fn too_many((neurons, signs): (usize, usize), cases: usize, patterns: f64, predicted_s: f64) -> Refusal {
    Refusal::Patterns { bits: patterns.log2(), neurons, signs, cases, most_bits: MOST_BITS, predicted_s }
}

/// Refuses systems that are no chains, and weights that do not fit.
pub(crate) fn check(system: &IncrementSystem, limits: &Limits) -> Result<(), Refusal> {
    check_chain(system)?;
    check_memory(system, limits)
}

/// Refuses systems that are no chains.
fn check_chain(system: &IncrementSystem) -> Result<(), Refusal> {
    match system.edges().iter().enumerate().find(|(k, edge)| (edge.from, edge.to) != (*k, k + 1)) {
        None => Ok(()),
        Some((_, edge)) => Err(Refusal::Unsupported {
            what: format!(
                "patterns are enumerated for chains; this network has a connection from block {} to block {}",
                edge.from, edge.to
            ),
        }),
    }
}

/// Refuses weights that do not fit as dense matrices.
fn check_memory(system: &IncrementSystem, limits: &Limits) -> Result<(), Refusal> {
    /// Matrices with their radii, in both directions, with what the errors are computed from.
    const COPIES: u64 = 12;
    let needed = 8 * COPIES * system.weights();
    if needed <= limits.memory_bytes {
        return Ok(());
    }
    Err(Refusal::Memory { needed_mib: needed >> 20, limit_mib: limits.memory_bytes >> 20 })
}

/// The lower ends of all slopes.
fn lower_ends(system: &IncrementSystem) -> Vec<Vec<f64>> {
    (1..system.output_block()).map(|k| system.slopes(k).iter().map(|slope| slope.lower()).collect()).collect()
}
