//! The iteration until its multipliers are good enough, for somebody else to judge.
//!
//! Sweep; when the value has settled to the tolerance, ask the judge; while it wants more, sweep on and ask again, less
//! often than sweeping costs; when the value stands still and the judge still wants more, the point is optimal for its
//! rank only: escape.

use std::time::Instant;

use tightlip_model::Limits;

use crate::LiftedIteration;

/// How the iteration is run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The rank is not doubled beyond this.
    pub largest_rank: usize,
    /// Sweeps after which it gives up.
    pub most_sweeps: u64,
    /// A judgement takes about as long as this many sweeps; so many are made before the next one.
    pub judgement_sweeps: u64,
}

/// Who follows a run: judges multipliers and watches the steps.
pub trait Companion {
    /// The relative gap that is aimed at now: the judge is asked when the value changes by no more.
    fn aim(&self) -> f64;

    /// Whether the current multipliers are good enough.
    fn judge(&mut self, iteration: &LiftedIteration<'_>) -> Verdict;

    /// Sees every step.
    fn observe(&mut self, row: &Row);
}

/// What the judge says about the current multipliers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They prove what was wanted.
    Enough,
    /// Sweep on.
    More,
}

/// Why the iteration stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The judge had enough.
    Solved,
    /// Time or patience of the user ended.
    Interrupted,
    /// The value stands still at the largest rank, but the multipliers prove less than wanted.
    Stalled,
    /// The most sweeps were made.
    SweepLimit,
}

/// The state after one step.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Seconds since the start, judgements included.
    pub seconds: f64,
    /// Sweeps made.
    pub sweeps: u64,
    /// Value of the relaxation.
    pub value: f64,
    /// Ritz value of the scaled pencil, where it was computed: an upper bound of its smallest eigenvalue.
    pub scaled_eigenvalue: Option<f64>,
    /// Number of columns.
    pub rank: usize,
}

/// Steps over which the change of the value is measured.
const WINDOW: usize = 10;
/// Relative change over the window that counts as standing still: rounding of a value summed over thousands of terms.
const STILL: f64 = 1e-13;
/// A Ritz value above this may as well be rounding; it is no direction to go.
const NEGATIVE: f64 = -1e-9;
/// Lanczos steps for the direction of an escape.
const LANCZOS_STEPS: usize = 60;
/// Sweeps between judgements grow by this factor, so that their number is logarithmic.
const LATER: f64 = 1.15;

/// Runs `iteration` until `companion` has enough.
pub fn solve(
    iteration: &mut LiftedIteration<'_>,
    settings: &Settings,
    limits: &Limits,
    companion: &mut dyn Companion,
) -> Stop {
    let start = Instant::now();
    let mut values = [0.0_f64; WINDOW];
    let mut since_restart = 0_usize;
    let mut next_judgement = 0_u64;
    loop {
        let value = iteration.step();
        let seconds = start.elapsed().as_secs_f64();
        let mut row =
            Row { seconds, sweeps: iteration.sweeps(), value, scaled_eigenvalue: None, rank: iteration.rank() };
        let change = (value - values[since_restart % WINDOW]).abs() / value;
        values[since_restart % WINDOW] = value;
        since_restart += 1;
        if limits.stop_requested() {
            companion.observe(&row);
            return Stop::Interrupted;
        }
        if iteration.sweeps() >= settings.most_sweeps {
            companion.observe(&row);
            return Stop::SweepLimit;
        }
        // Nothing gets through, or numbers left the range of floating point.
        if since_restart > WINDOW && !(value > 0.0 && value.is_finite()) {
            companion.observe(&row);
            return Stop::Stalled;
        }
        let settled = since_restart > WINDOW && change <= companion.aim();
        let due = iteration.sweeps() >= next_judgement;
        let still = settled && change <= STILL;
        if settled && (due || still) {
            let verdict = companion.judge(iteration);
            // What was proved now was not known before.
            row.seconds = start.elapsed().as_secs_f64();
            // By counting, not by the clock, so that the same question gets the same answer.
            let later = (iteration.sweeps() as f64 * LATER) as u64;
            next_judgement = later.max(iteration.sweeps() + settings.judgement_sweeps);
            if verdict == Verdict::Enough {
                companion.observe(&row);
                return Stop::Solved;
            }
            if still {
                let pair = iteration.negative_direction(LANCZOS_STEPS);
                row.scaled_eigenvalue = pair.as_ref().map(|pair| pair.value);
                companion.observe(&row);
                if 2 * iteration.rank() > settings.largest_rank {
                    return Stop::Stalled;
                }
                match pair {
                    Some(pair) if pair.value < NEGATIVE => iteration.escape(&pair),
                    Some(_) | None => iteration.widen(),
                }
                since_restart = 0;
                continue;
            }
        }
        companion.observe(&row);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query, Reduction, Scaling, random_network};

    use super::*;

    /// Has enough once the Ritz value of the corrected multipliers is not negative; counts judgements and rows.
    struct Patient {
        enough: bool,
        judgements: usize,
        rows: Vec<Row>,
    }

    impl Companion for Patient {
        fn aim(&self) -> f64 {
            1e-6
        }

        fn judge(&mut self, _: &LiftedIteration<'_>) -> Verdict {
            self.judgements += 1;
            if self.enough { Verdict::Enough } else { Verdict::More }
        }

        fn observe(&mut self, row: &Row) {
            self.rows.push(*row);
        }
    }

    fn limits() -> Limits {
        Limits::within(1 << 30)
    }

    fn settings(largest_rank: usize) -> Settings {
        Settings { largest_rank, most_sweeps: 20_000, judgement_sweeps: 10 }
    }

    fn reduction() -> Reduction {
        let network = random_network(&[20, 40, 40, 10], Activation::Relu, 3).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        Reduction::new(&system, &Query::euclidean(OutputSelection::All), Scaling::PerNeuron).expect("not constant")
    }

    #[test]
    fn a_start_of_too_low_rank_escapes_to_the_optimum_of_a_high_one() {
        let reduction = reduction();
        let query = Query::euclidean(OutputSelection::All);
        let run = |rank: usize| {
            let mut iteration = LiftedIteration::new(reduction.system(), &query, rank, 1, 1);
            let mut patient = Patient { enough: false, judgements: 0, rows: Vec::new() };
            let stop = solve(&mut iteration, &settings(32), &limits(), &mut patient);
            assert_eq!(stop, Stop::Stalled);
            assert!(patient.rows.windows(2).all(|pair| pair[0].sweeps < pair[1].sweeps));
            let eigenvalues: Vec<f64> = patient.rows.iter().filter_map(|row| row.scaled_eigenvalue).collect();
            (iteration.value(), iteration.rank(), eigenvalues)
        };
        let (low, rank, eigenvalues) = run(2);
        let (high, _, _) = run(32);
        assert_eq!(rank, 32);
        assert!(eigenvalues[0] < -1e-4, "rank 2 is stuck at a saddle: {eigenvalues:?}");
        assert!((low / high - 1.0).abs() < 1e-9, "{low} and {high}");
    }

    #[test]
    fn limits_and_the_judge_stop_the_iteration() {
        let reduction = reduction();
        let query = Query::euclidean(OutputSelection::All);
        let mut iteration = LiftedIteration::new(reduction.system(), &query, 8, 1, 1);
        let mut patient = Patient { enough: true, judgements: 0, rows: Vec::new() };
        assert_eq!(solve(&mut iteration, &settings(8), &limits(), &mut patient), Stop::Solved);
        assert_eq!(patient.judgements, 1);
        let few = Settings { most_sweeps: 5, ..settings(8) };
        let mut iteration = LiftedIteration::new(reduction.system(), &query, 8, 1, 1);
        assert_eq!(solve(&mut iteration, &few, &limits(), &mut patient), Stop::SweepLimit);
        let stopped = limits();
        stopped.interrupt.store(true, Ordering::Relaxed);
        assert_eq!(solve(&mut iteration, &settings(8), &stopped, &mut patient), Stop::Interrupted);
    }
}
