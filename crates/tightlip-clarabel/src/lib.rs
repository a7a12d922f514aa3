//! Solves the conic programs of tightlip with Clarabel; the only crate that names Clarabel.
//!
//! Clarabel (Goulart and Chen 2024) is a homogeneous primal-dual interior-point method. What it returns is a proposal:
//! a status of "solved" says nothing about the last digits, and the verifier decides.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultInfo, DefaultSettings, DefaultSettingsBuilder, DefaultSolver, IPSolver, SolverStatus, SupportedConeT,
};
use tightlip_model::Limits;
use tightlip_sdp::{Cone, ConicForm};

// Brings the BLAS and LAPACK symbols that Clarabel's semidefinite cone calls.
use tightlip_lapack as _;

/// Why Clarabel stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Its tolerances are met.
    Solved,
    /// Only its reduced tolerances are met.
    AlmostSolved,
    /// The time limit or an interrupt; the last iterate is returned.
    Interrupted,
    /// The iteration limit; the last iterate is returned.
    IterationLimit,
    /// It could not make progress any more; the last iterate is returned.
    Stalled,
    /// It claims there is no solution, which is wrong for every pencil of ours: the answer is useless.
    Infeasible,
}

impl Status {
    /// The word for tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::AlmostSolved => "almost-solved",
            Self::Interrupted => "interrupted",
            Self::IterationLimit => "iteration-limit",
            Self::Stalled => "stalled",
            Self::Infeasible => "infeasible",
        }
    }
}

/// What Clarabel returned.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Why it stopped.
    pub status: Status,
    /// The variables, in the order of the program.
    pub solution: Vec<f64>,
    /// The objective it reports.
    pub objective: f64,
    /// Interior-point iterations.
    pub iterations: u32,
    /// Seconds inside Clarabel, setup and iterations.
    pub solve_s: f64,
}

/// State of the iteration, for progress displays.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Iterations done.
    pub iteration: u32,
    /// The primal objective now.
    pub objective: f64,
    /// The relative duality gap now.
    pub relative_gap: f64,
}

/// A program Clarabel does not accept or breaks down on.
#[derive(Debug, thiserror::Error)]
#[error("Clarabel gives no answer: {reason}")]
pub struct Rejected {
    reason: String,
}

/// Whether Clarabel decomposes semidefinite cones itself, and how it merges the cliques it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnDecomposition {
    /// Cones stay as they are.
    Off,
    /// Decomposed, cliques not merged.
    Unmerged,
    /// Decomposed, children merged into parents (Sun, Andersen and Vandenberghe 2014).
    ParentChild,
    /// Decomposed, cliques merged along the clique graph (Garstka, Cannon and Goulart 2020).
    CliqueGraph,
}

impl OwnDecomposition {
    /// Clarabel's word for the merging; `off` without decomposition.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Unmerged => "none",
            Self::ParentChild => "parent_child",
            Self::CliqueGraph => "clique_graph",
        }
    }
}

/// The settings that change answers, written out; `settings_text` records them.
fn settings(decomposition: OwnDecomposition, limits: &Limits) -> DefaultSettings<f64> {
    let decomposes = decomposition != OwnDecomposition::Off;
    let mut builder = DefaultSettingsBuilder::default();
    if decomposes {
        builder
            .chordal_decomposition_merge_method(decomposition.name().to_owned())
            // Measured up to seven times slower without.
            .chordal_decomposition_compact(true)
            // Only the slacks' matrices would be completed; the multipliers are the program's own variables.
            .chordal_decomposition_complete_dual(false);
    }
    builder
        .verbose(false)
        .max_iter(MAX_ITERATIONS)
        // Time and interrupts go through the callback, so that both return the iterate the same way.
        .time_limit(f64::INFINITY)
        .tol_gap_abs(TOLERANCE)
        .tol_gap_rel(TOLERANCE)
        .tol_feas(TOLERANCE)
        .max_threads(u32::try_from(limits.threads).unwrap_or(u32::MAX))
        // Measured ten times faster than QDLDL on these programs, whose KKT matrices are nearly dense.
        .direct_solve_method("faer".to_owned())
        // On by default in Clarabel; a full form must stay full.
        .chordal_decomposition_enable(decomposes)
        .presolve_enable(false)
        .equilibrate_enable(true)
        .build()
        .expect("the settings are within Clarabel's ranges")
}

/// Gap and feasibility tolerance: tighter than the default 1e-8, because what is lost here the proof pays for.
const TOLERANCE: f64 = 1e-9;
/// Programs of this family take 10 to 40 iterations.
const MAX_ITERATIONS: u32 = 200;

/// The settings as they go into records: every switch that changes answers.
pub fn settings_text(decomposition: OwnDecomposition) -> String {
    let own = decomposition.name();
    format!(
        "clarabel 0.11.1, kkt=faer, chordal={own}, presolve=off, equilibrate=on, tol={TOLERANCE:e}, max_iter={MAX_ITERATIONS}"
    )
}

/// Bytes Clarabel will need for semidefinite cones of the given orders, measured at orders 26 to 128: the dense block of
/// the `r = order (order + 1) / 2` rows of each is held six to seven times (KKT matrix, its factor, permutations, the
/// cone's own scaling).
pub fn predicted_bytes_of(orders: &[usize]) -> u64 {
    const COPIES: u64 = 8;
    const BASE: u64 = 32 << 20;
    let block = |&order: &usize| {
        let rows = Cone::PositiveSemidefinite(order).rows() as u64;
        rows.saturating_mul(rows).saturating_mul(8 * COPIES)
    };
    orders.iter().map(block).fold(BASE, u64::saturating_add)
}

/// Solves `program`, reporting every iteration to `observe`. When a limit strikes, the last iterate is returned.
///
/// # Errors
/// [`Rejected`] if Clarabel refuses the data or breaks down.
///
/// # Panics
/// If the program's matrix is not stored by columns.
pub fn solve(
    program: &ConicForm,
    decomposition: OwnDecomposition,
    limits: &Limits,
    observe: Box<dyn FnMut(Progress) + Send>,
) -> Result<Answer, Rejected> {
    tightlip_lapack::set_threads(limits.threads);
    let start = Instant::now();
    let columns = &program.constraints;
    assert!(columns.is_csc(), "programs are assembled by columns");
    let (m, n) = (columns.rows(), columns.cols());
    let (starts, rows, values) = columns.to_owned().into_raw_storage();
    let matrix = CscMatrix::new(m, n, starts, rows, values);
    let cones: Vec<SupportedConeT<f64>> = program
        .cones
        .iter()
        .map(|cone| match *cone {
            Cone::Nonnegative(rows) => SupportedConeT::NonnegativeConeT(rows),
            Cone::SecondOrder(rows) => SupportedConeT::SecondOrderConeT(rows),
            Cone::PositiveSemidefinite(order) => SupportedConeT::PSDTriangleConeT(order),
        })
        .collect();
    let quadratic = CscMatrix::<f64>::zeros((n, n));
    let mut solver = DefaultSolver::new(
        &quadratic,
        &program.objective,
        &matrix,
        &program.offset,
        &cones,
        settings(decomposition, limits),
    )
    .map_err(|error| Rejected { reason: error.to_string() })?;
    let limits = limits.clone();
    // Clarabel wants a callback that is Sync; the lock is never contended.
    let observe = Arc::new(Mutex::new(observe));
    solver.set_termination_callback(move |info: &DefaultInfo<f64>| {
        if let Ok(mut observe) = observe.lock() {
            observe(Progress { iteration: info.iterations, objective: info.cost_primal, relative_gap: info.gap_rel });
        }
        limits.stop_requested()
    });
    // Clarabel panics where an eigenvalue or singular value computation of its cones fails, as on a NaN iterate.
    std::panic::catch_unwind(AssertUnwindSafe(|| solver.solve()))
        .map_err(|_| Rejected { reason: "it broke down numerically".to_owned() })?;
    let solution = &solver.solution;
    Ok(Answer {
        status: status(solution.status),
        solution: solution.x.clone(),
        objective: solution.obj_val,
        iterations: solution.iterations,
        solve_s: start.elapsed().as_secs_f64(),
    })
}

/// Clarabel's statuses, every one by name.
fn status(status: SolverStatus) -> Status {
    match status {
        SolverStatus::Solved => Status::Solved,
        SolverStatus::AlmostSolved => Status::AlmostSolved,
        SolverStatus::PrimalInfeasible
        | SolverStatus::DualInfeasible
        | SolverStatus::AlmostPrimalInfeasible
        | SolverStatus::AlmostDualInfeasible => Status::Infeasible,
        SolverStatus::MaxIterations => Status::IterationLimit,
        SolverStatus::MaxTime | SolverStatus::CallbackTerminated => Status::Interrupted,
        SolverStatus::NumericalError | SolverStatus::InsufficientProgress | SolverStatus::Unsolved => Status::Stalled,
    }
}
