//! A structured primal–dual interior-point method for LipSDP and GeoLIP.
//!
//!   minimise `½ (weight of the input) + ½ (weight of the output)` subject to `F(y) ⪰ 0`,
//!
//! `F` the pencil of an increment system. Each variable multiplies a matrix of rank two or a few diagonal entries, so the
//! Schur matrix of the HKM direction (Helmberg, Rendl, Vanderbei and Wolkowicz 1996) comes from entrywise products of
//! Gram matrices, and an iteration costs a dozen dense products of the order of the pencil, where a solver that stores
//! the cone as a vector pays the sixth power. Mehrotra's predictor–corrector, as in CSDP (Borchers 1999).
//!
//! What it returns is a proposal: the proof is made elsewhere from the multipliers.

use std::time::Instant;

use tightlip_model::Limits;
use tightlip_sdp::Pencil;

use crate::iteration::Iteration;
use crate::program::Program;

#[cfg(test)]
mod cases;
mod direction;
mod incoming;
mod iteration;
mod measure;
mod normal;
mod program;
mod schur;
mod start;
mod step_length;
mod workspace;

/// Why the iteration stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The tolerance is met.
    Solved,
    /// No progress any more in this precision; the best iterate is returned.
    Stalled,
    /// The iteration limit; the best iterate is returned.
    IterationLimit,
    /// The deadline or an interrupt; the best iterate is returned.
    Interrupted,
}

impl Status {
    /// The word for tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Stalled => "stalled",
            Self::IterationLimit => "iteration-limit",
            Self::Interrupted => "interrupted",
        }
    }
}

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Duality gap and infeasibilities, relative to the objective.
    pub tolerance: f64,
    /// Most iterations.
    pub iterations: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tolerance: 1e-9, iterations: 200 }
    }
}

/// Seconds of each phase of all iterations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PhaseSeconds {
    /// The inverse of `F(y)`.
    pub inverse_s: f64,
    /// Gram matrices.
    pub grams_s: f64,
    /// Schur matrix, its factorisation and its solutions.
    pub schur_s: f64,
    /// Search directions.
    pub directions_s: f64,
    /// Step lengths, with the Cholesky factorisations that check them.
    pub steps_s: f64,
}

/// What the iteration returns.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Why it stopped.
    pub status: Status,
    /// One value for each variable of the pencil, in its order.
    pub values: Vec<f64>,
    /// `½ (weights)` at the values: above the optimum if the dual infeasibility is 0.
    pub objective: f64,
    /// The objective of the matrix `X`: below the optimum up to the primal infeasibility.
    pub lower_objective: f64,
    /// `⟨X, F(y)⟩` relative to the objective.
    pub relative_gap: f64,
    /// What the violation of `⟨F_v, X⟩ = c_v` changes in the lower objective at most, relative to the objective.
    pub primal_infeasibility: f64,
    /// What the shift that makes `F(y)` positive definite contributes to the gap, relative to the objective; 0 when
    /// `F(y)` is positive definite itself.
    pub dual_infeasibility: f64,
    /// Iterations.
    pub iterations: u32,
    /// Seconds of everything.
    pub solve_s: f64,
    /// Where they went.
    pub phases: PhaseSeconds,
}

/// State of the iteration, for progress displays.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Iterations done, those of every start together.
    pub iteration: u32,
    /// The upper objective now.
    pub objective: f64,
    /// The lower objective now.
    pub lower_objective: f64,
    /// The relative gap now.
    pub relative_gap: f64,
    /// The primal infeasibility now.
    pub primal_infeasibility: f64,
    /// The dual infeasibility now.
    pub dual_infeasibility: f64,
}

/// A pencil this method does not take.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Declined {
    /// It needs more memory than the limits allow.
    #[error("order {order} with {variables} variables needs {needed} bytes, the limit is {allowed}")]
    Memory {
        /// Order of the pencil.
        order: usize,
        /// Its variables.
        variables: usize,
        /// Predicted bytes.
        needed: u64,
        /// Bytes of the limits.
        allowed: u64,
    },
    /// No multiple of the identity makes the start positive definite: the weights overflow.
    #[error("no starting point: the weights of the pencil of order {order} are too large for double precision")]
    NoStart {
        /// Order of the pencil.
        order: usize,
    },
}

/// Factor of the first `X`: where it is too small the iteration stands still far from feasible, where it is too large it
/// takes longer (784-512-10: 33, 21, 22 iterations with 1, 2, 10; 100-(9x100)-10: 18, 21, 26). So the next is tried only
/// where one got stuck.
const ABUNDANCE: [f64; 3] = [2.0, 20.0, 200.0];
/// A primal infeasibility beyond this, relative to the objective, means stuck.
const STUCK: f64 = 1e-3;

/// Bytes that solving `pencil` takes.
pub fn predicted_bytes(pencil: &Pencil) -> u64 {
    predicted_bytes_of(pencil.order(), pencil.variables().len())
}

/// Bytes for a pencil of so many rows and variables.
pub fn predicted_bytes_of(order: usize, variables: usize) -> u64 {
    /// `P`, `X`, both factors, two Gram matrices of each, the scratch of an inverse, temporaries of products; and the
    /// incoming weights twice, which together have at most as many numbers as a triangle.
    const MATRICES: u64 = 12;
    /// The Schur matrix and its factor.
    const SCHUR_MATRICES: u64 = 2;
    /// Lanczos basis, packing buffers of the dense products, thread stacks.
    const BASE: u64 = 16 << 20;
    let square = |n: usize| (n as u64).saturating_mul(n as u64).saturating_mul(8);
    (MATRICES * square(order)).saturating_add(SCHUR_MATRICES * square(variables)).saturating_add(BASE)
}

/// Solves the program of `pencil`, reporting every iteration to `observe`. `start`, one value for each variable, is used
/// if the pencil is positive definite there. When a limit strikes, the best iterate is returned.
///
/// # Errors
/// [`Declined`] if the memory limit does not suffice or the weights overflow.
///
/// # Panics
/// If `start` does not have one value for each variable.
pub fn solve(
    pencil: &Pencil,
    start: Option<&[f64]>,
    settings: &Settings,
    limits: &Limits,
    observe: &mut dyn FnMut(Progress),
) -> Result<Answer, Declined> {
    let began = Instant::now();
    let (order, variables) = (pencil.order(), pencil.variables().len());
    assert!(start.is_none_or(|start| start.len() == variables), "one value for each variable");
    let needed = predicted_bytes(pencil);
    if needed > limits.memory_bytes {
        return Err(Declined::Memory { order, variables, needed, allowed: limits.memory_bytes });
    }
    let program = Program::new(pencil);
    let mut iterations = 0;
    let mut best: Option<Answer> = None;
    for abundance in ABUNDANCE {
        let iteration = Iteration::new(&program, start, abundance, limits).ok_or(Declined::NoStart { order })?;
        let made = iterations;
        let mut counted = |now: Progress| observe(Progress { iteration: made + now.iteration, ..now });
        let answer = iteration.run(settings, limits, &mut counted);
        iterations += answer.iterations;
        let stuck = answer.status == Status::Stalled && answer.primal_infeasibility > STUCK;
        if best.as_ref().is_none_or(|best| answer.merit() < best.merit()) {
            best = Some(answer);
        }
        if !stuck || limits.stop_requested() {
            break;
        }
    }
    let best = best.expect("there is a first abundance");
    Ok(Answer { iterations, solve_s: began.elapsed().as_secs_f64(), ..best })
}

impl Answer {
    /// The largest of gap and infeasibilities.
    fn merit(&self) -> f64 {
        self.relative_gap.max(self.primal_infeasibility).max(self.dual_infeasibility)
    }
}
