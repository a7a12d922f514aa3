//! Multiplier descent: the bound itself is minimised over the logarithms of all multipliers, by L-BFGS.
//!
//! Eliminating the chain at any multipliers either fails or proves a bound, so every point that is visited is a bound, and the
//! best one is kept. `log L` is not smooth where the largest eigenvalue is not simple; `log L_p` is (`objective.rs`), and one
//! backward pass gives its gradient. Two ways to the minimum:
//!
//! - *Sharpening*: `p` grows. Enough wherever the optimum's eigenvalue is no more multiple than there are outputs.
//! - *Continuation*: with few outputs the minimum lies where `M_H` is singular, and descent stands still before that wall. So
//!   `ε ‖W_{H+1}‖ I` is put below `W_{H+1}`, which keeps away from the wall, and `ε` falls. The bounds are those of the network
//!   itself, without these rows. Tried where sharpening kept running into the wall.
//!
//! Inputs in ℓ∞ and outputs in ℓ1 have weights of their own, which are variables too.

use tightlip_exact::Curvature;
use tightlip_model::{Multipliers, Norm};

use self::objective::{Layout, Objective, Point};
use crate::{Chain, Forward, NotFeasible, Rule};

mod objective;

/// Closed forms to start from: the best of them. SN is good where weights are trained or non-negative, GC on random and badly
/// scaled ones, Shift on deep ones (5-(19x40)-2 ends at 2.02 times the optimum without it, at 1.12 with it).
const STARTS: [Rule; 4] = [Rule::Sn(1.0), Rule::Gc(1.5), Rule::Gc(1.7), Rule::Shift(1.7)];
/// `p`, and the part of the steps it gets. Sharper at once takes more steps, and no sharper end is worth them.
const SHARPENING: [(f64, f64); 3] = [(8.0, 1.0 / 6.0), (20.0, 1.0 / 3.0), (60.0, 0.5)];
/// `ε` and `p`, each for all the steps: deep networks need them.
const CONTINUATION: [(f64, f64); 5] = [(1.0, 2.0), (0.3, 3.0), (0.1, 4.0), (0.03, 6.0), (0.01, 8.0)];
/// Sharpening ran into the wall if more than this part of its steps had to be shortened for a pivot.
const AT_THE_WALL: f64 = 0.25;
/// No logarithm changes by more in a step.
const LONGEST: f64 = 1.0;
/// The largest change of a logarithm in a first step.
const FIRST: f64 = 0.3;
/// A step that is too long becomes so much shorter, at most so often.
const SHORTER: f64 = 0.4;
const TRIALS: u32 = 25;
/// Part of the promised decrease that a step must make (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// A stage is over after so many small steps in a row.
const PATIENCE: u32 = 3;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Steps of sharpening, and of each of the five stages of continuation.
    pub steps: u64,
    /// A decrease per step below this, relative, is small.
    pub tolerance: f64,
    /// Threads of dense products.
    pub threads: usize,
}

/// State of the descent after a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps so far.
    pub steps: u64,
    /// The best bound so far.
    pub bound: f64,
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// All stages are over.
    Finished,
    /// It was told to stop.
    Interrupted,
}

/// The best multipliers.
#[derive(Debug, Clone)]
pub struct Descended {
    /// They prove the bound.
    pub multipliers: Multipliers,
    /// The bound.
    pub bound: f64,
    /// Steps made.
    pub steps: u64,
    /// Why it ended.
    pub ending: Ending,
}

/// Minimises the bound of a chain for the norms of its ends (ℓ2 or ℓ∞ inputs, ℓ2 or ℓ1 outputs). `stop` is asked between
/// eliminations; `Ok(None)` if it stopped before there was a bound.
///
/// # Errors
/// [`NotFeasible`] if no closed form gives a start.
pub fn descend(
    chain: &Chain,
    norms: (Norm, Norm),
    settings: &Settings,
    stop: &dyn Fn() -> bool,
    observe: &mut dyn FnMut(Progress),
) -> Result<Option<Descended>, NotFeasible> {
    let layout = Layout::new(chain, norms);
    let Some((start, at_start)) = best_start(chain, &layout, settings.threads, stop)? else { return Ok(None) };
    let best = Best { x: start.clone(), log_bound: at_start };
    let mut descent = Descent { layout: &layout, settings, stop, observe, best, steps: 0, shortened: 0 };
    descent.tell();
    let mut ending = descent.sharpen(chain, &start);
    if ending == Ending::Finished && descent.shortened as f64 > AT_THE_WALL * descent.steps as f64 {
        ending = descent.follow(chain, start);
    }
    let (steps, best) = (descent.steps, descent.best);
    let point = Objective::new(chain, chain, &layout, settings.threads).at(&best.x)?;
    Ok(Some(Descended { multipliers: point.multipliers(), bound: point.log_bound.exp(), steps, ending }))
}

/// The logarithms of the closed form with the smallest bound, and the logarithm of that.
fn best_start(
    chain: &Chain,
    layout: &Layout,
    threads: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Option<(Vec<f64>, f64)>, NotFeasible> {
    let objective = Objective::new(chain, chain, layout, threads);
    let mut best: Option<(Vec<f64>, f64)> = None;
    let mut failed = None;
    for rule in STARTS {
        match rule.eliminate(Forward::new(chain, threads), stop) {
            Ok(None) => return Ok(best),
            Err(refused) => failed = Some(refused),
            Ok(Some(forward)) => {
                let x = layout.logarithms(&forward);
                let log_bound = objective.log_bound_of(&forward);
                if log_bound.is_finite() && best.as_ref().is_none_or(|(_, smallest)| log_bound < *smallest) {
                    best = Some((x, log_bound));
                }
            }
        }
    }
    match (best, failed) {
        (Some(best), _) => Ok(Some(best)),
        (None, Some(refused)) => Err(refused),
        (None, None) => Err(NotFeasible::Range),
    }
}

/// The best point so far.
struct Best {
    x: Vec<f64>,
    log_bound: f64,
}

/// A running descent.
struct Descent<'d> {
    layout: &'d Layout,
    settings: &'d Settings,
    stop: &'d dyn Fn() -> bool,
    observe: &'d mut dyn FnMut(Progress),
    best: Best,
    steps: u64,
    /// Steps that had to be shortened because a pivot was not positive.
    shortened: u64,
}

/// A point with what descent wants to know about it.
struct Place {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl Descent<'_> {
    /// Sharpening: `p` grows.
    fn sharpen(&mut self, chain: &Chain, start: &[f64]) -> Ending {
        let objective = Objective::new(chain, chain, self.layout, self.settings.threads);
        let mut x = start.to_vec();
        for (p, part) in SHARPENING {
            let steps = (part * self.settings.steps as f64).ceil() as u64;
            let ending;
            (x, ending) = self.minimise(&objective, x, p, steps);
            if ending == Ending::Interrupted {
                return ending;
            }
        }
        Ending::Finished
    }

    /// Continuation: `ε` falls.
    fn follow(&mut self, chain: &Chain, start: Vec<f64>) -> Ending {
        let mut x = start;
        for (rest, p) in CONTINUATION {
            let extended = chain.with_rest(rest);
            let objective = Objective::new(chain, &extended, self.layout, self.settings.threads);
            let ending;
            (x, ending) = self.minimise(&objective, x, p, self.settings.steps);
            if ending == Ending::Interrupted {
                return ending;
            }
        }
        Ending::Finished
    }

    /// L-BFGS on `log L_p` from `x`; returns where it ends.
    fn minimise(&mut self, objective: &Objective<'_>, x: Vec<f64>, p: f64, steps: u64) -> (Vec<f64>, Ending) {
        let Ok(point) = objective.at(&x) else { return (x, Ending::Finished) };
        let mut place = Place { value: point.smooth(p), gradient: point.gradient(p), x };
        drop(point);
        let mut curvature = Curvature::default();
        let (mut is_fresh, mut small) = (true, 0);
        for _ in 0..steps {
            let downhill: Vec<f64> = place.gradient.iter().map(|g| -g).collect();
            let largest = largest(&downhill);
            if largest == 0.0 {
                break;
            }
            let radius = FIRST * length(&downhill) / largest;
            let direction = curvature.direction(&place.x, &downhill, radius);
            match self.search(objective, &place, &direction, p) {
                Err(ending) => return (place.x, ending),
                Ok(Some(next)) => {
                    small = if place.value - next.value < self.settings.tolerance { small + 1 } else { 0 };
                    (place, is_fresh) = (next, false);
                }
                // A direction that leads nowhere is that of a wrong curvature, unless there is none.
                Ok(None) if is_fresh => break,
                Ok(None) => (curvature, is_fresh) = (Curvature::default(), true),
            }
            self.steps += 1;
            self.tell();
            if small == PATIENCE {
                break;
            }
        }
        (place.x, Ending::Finished)
    }

    /// The first of ever shorter steps that makes the value smaller by enough; `None` if none does.
    fn search(
        &mut self,
        objective: &Objective<'_>,
        place: &Place,
        direction: &[f64],
        p: f64,
    ) -> Result<Option<Place>, Ending> {
        let slope: f64 = direction.iter().zip(&place.gradient).map(|(d, g)| d * g).sum();
        if slope.is_nan() || slope >= 0.0 {
            return Ok(None);
        }
        let mut step = (LONGEST / largest(direction)).min(1.0);
        let mut was_refused = false;
        for _ in 0..TRIALS {
            if (self.stop)() {
                return Err(Ending::Interrupted);
            }
            let x: Vec<f64> = place.x.iter().zip(direction).map(|(x, d)| x + step * d).collect();
            match objective.at(&x) {
                Ok(point) => {
                    self.keep(&x, &point);
                    let value = point.smooth(p);
                    if value <= place.value + SUFFICIENT * step * slope {
                        return Ok(Some(Place { value, gradient: point.gradient(p), x }));
                    }
                }
                Err(_) if !was_refused => {
                    was_refused = true;
                    self.shortened += 1;
                }
                Err(_) => {}
            }
            step *= SHORTER;
        }
        Ok(None)
    }

    /// Keeps the best bound.
    fn keep(&mut self, x: &[f64], point: &Point<'_>) {
        if point.log_bound < self.best.log_bound {
            self.best = Best { x: x.to_vec(), log_bound: point.log_bound };
        }
    }

    /// Says where it is.
    fn tell(&mut self) {
        (self.observe)(Progress { steps: self.steps, bound: self.best.log_bound.exp() });
    }
}

/// `‖x‖_∞`.
fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |largest, x| largest.max(x.abs()))
}

/// `‖x‖₂`.
fn length(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests;
