//! LipSDP-Layer by subspaces: one multiplier for each layer, the program projected to a few directions.
//!
//! With `λ_k` for all neurons of layer `k` and the outputs eliminated, the matrix of the inequality is a pencil of few variables,
//!
//!   `minimise ρ = L²`   subject to   `F(ρ, λ) = ρ E_0 + Σ_k λ_k F_k − C ⪰ 0`,
//!
//! of the order of all neurons. Its projection `VᵀF V ⪰ 0` to a few columns is a tiny program whose optimum is a *lower*
//! bound. For any multipliers the elimination of the blocks (`forward.rs`) gives the smallest feasible `ρ`, an *upper* bound, and by back
//! substitution
//!
//!   `v_{k−1} = X_{k−1}⁻¹ W_kᵀ S Λ v_k`   from `v_H = M_H⁻¹ W_{H+1}ᵀ y`,   `y` the leading directions of the outputs,
//!
//! the null vectors of `F` there, or where a pivot fails, from the directions in which it is negative. They become columns of
//! `V`, whole and cut into groups of blocks, and the next multipliers are those of the projected program. Eigenvectors that are wrong to first order make its optimum
//! wrong to second order, so that the gap closes in about ten eliminations (Kressner, Lu and Vandereycken 2018 and Kangal et al. 2018
//! show it for largest eigenvalues): no cone, and no dense matrix of the order of all neurons.
//!
//! *Slack.* The projected optimum is infeasible until the end. So it is rounded before it is evaluated: with `s_H = 1`,
//! `s_{k−1} = s_k + ε/s_k`, the multipliers `s_k s_{k−1} (1 + ε) λ_k` and `(s_0² + ε)(1 + ε) ρ` are feasible if `F ⪰ −εD/s_0²`,
//! `D` its diagonal, for slopes [0, 1]; `ε` is a tenth of what the gap leaves to each layer.

use crate::barrier::{Barrier, PathEnd, follow};
use crate::{Chain, Forward, NotFeasible, Rule};
use evaluation::{Evaluation, evaluate};
use model::Model;
use subspace::Subspace;

mod evaluation;
mod model;
mod subspace;

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TiedEnd {
    /// The gap is as small as was asked for.
    Closed,
    /// Nothing lets the gap shrink any more: rounding, or the most eliminations are over.
    Stalled,
    /// A limit.
    Interrupted,
}

/// How the search stands after an elimination.
#[derive(Debug, Clone, Copy)]
pub struct TiedProgress {
    /// Eliminations so far; the start counts as one.
    pub evaluations: u32,
    /// The smallest bound of the chain so far.
    pub value: f64,
    /// A lower bound of the optimum, but for rounding; 0 if there is none yet.
    pub lower: f64,
}

/// The best tied multipliers of a chain.
#[derive(Debug, Clone)]
pub struct Tied<'c> {
    /// The elimination with them.
    pub forward: Forward<'c>,
    /// How the search stood at the end.
    pub progress: TiedProgress,
    /// Why it ended.
    pub end: TiedEnd,
}

/// `c` of the rule SN at the start: well inside.
const START: [f64; 4] = [0.9, 0.5, 0.1, 0.01];
/// Eliminations: ten suffice mostly.
const MOST_EVALUATIONS: u32 = 80;
/// Slack tried at one projected optimum: this part of the gap, then more.
const SLACKS: [f64; 3] = [0.1, 1.0, 10.0];
/// Slack for the start of the projected program at the best multipliers, which are on its boundary.
const START_SLACKS: [f64; 6] = [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5];
/// Reach at the start, the largest, and the smallest. Far from the best multipliers of a deep chain the projected program knows nothing.
const REACH: f64 = 16.0;
const FARTHEST: f64 = 1e8;
const NEAREST: f64 = 2.5;
/// Part of the gap to which the projected program is solved.
const MODEL_SHARE: f64 = 0.02;
/// And no further than this.
const MODEL_GAP: f64 = 1e-10;

impl<'c> Tied<'c> {
    /// Order of the projected matrices at most; there is one for each layer and one for the bound.
    pub const LARGEST_PROJECTION: usize = subspace::MOST_COLUMNS;

    /// Searches until bound and lower bound differ by `tolerance`, relative, at most. `stop` is asked after the
    /// start, before every further elimination and every Newton step, `observe` told after each.
    ///
    /// # Errors
    /// [`NotFeasible`] if rounding leaves no positive pivot even at the start.
    pub fn new(
        chain: &'c Chain,
        (threads, tolerance): (usize, f64),
        stop: &dyn Fn() -> bool,
        observe: &mut dyn FnMut(TiedProgress),
    ) -> Result<Self, NotFeasible> {
        let mut search = Search::new(chain, threads)?;
        observe(search.progress);
        let end = loop {
            if search.gap() <= tolerance {
                break TiedEnd::Closed;
            }
            if stop() {
                break TiedEnd::Interrupted;
            }
            if search.progress.evaluations >= MOST_EVALUATIONS || !search.advance(stop, observe) {
                break if stop() { TiedEnd::Interrupted } else { TiedEnd::Stalled };
            }
        };
        Ok(Self { forward: search.best, progress: search.progress, end })
    }
}

/// The state of the search.
struct Search<'c> {
    chain: &'c Chain,
    threads: usize,
    best: Forward<'c>,
    /// `λ/ρ` of the best, one for each layer.
    multipliers: Vec<f64>,
    progress: TiedProgress,
    subspace: Subspace,
    /// How far the next multipliers may be from the best, as a factor.
    reach: f64,
}

impl<'c> Search<'c> {
    /// At the rule SN.
    fn new(chain: &'c Chain, threads: usize) -> Result<Self, NotFeasible> {
        let mut refused = None;
        for c in START {
            let started = smallest_of_layers(Rule::Sn(c), Forward::new(chain, threads)).and_then(|multipliers| {
                match evaluate(chain, threads, &multipliers) {
                    Evaluation::Feasible { forward, directions } => Ok((multipliers, *forward, directions)),
                    Evaluation::Infeasible { refused, .. } => Err(refused),
                }
            });
            match started {
                Ok((multipliers, best, directions)) => {
                    let mut subspace = Subspace::new(chain);
                    subspace.add(&directions);
                    let progress = TiedProgress { evaluations: 1, value: best.value(), lower: 0.0 };
                    return Ok(Self { chain, threads, best, multipliers, progress, subspace, reach: REACH });
                }
                Err(reason) => refused = Some(reason),
            }
        }
        Err(refused.expect("there are rules to start from"))
    }

    /// `1 − lower/value`.
    fn gap(&self) -> f64 {
        1.0 - self.progress.lower / self.progress.value
    }

    /// Solves the projected program and evaluates its multipliers; `false` if nothing can be gained any more.
    fn advance(&mut self, stop: &dyn Fn() -> bool, observe: &mut dyn FnMut(TiedProgress)) -> bool {
        let square = self.progress.value * self.progress.value;
        let scales: Vec<f64> = self.multipliers.iter().map(|lambda| square * lambda).collect();
        let Some(model) = Model::new(self.chain, &self.subspace, (square, self.reach), &scales) else { return false };
        let Some(start) = START_SLACKS.iter().map(|&slack| slackened(&vec![1.0; scales.len()], 1.0, slack)).find_map(
            |(rho, mut factors)| {
                factors.insert(0, -rho);
                model.value(&factors).map(|_| factors)
            },
        ) else {
            return false;
        };
        let guess = self.gap().max(MODEL_GAP) + (start[0] + 1.0).abs();
        let path = follow(&model, start, (guess, (MODEL_SHARE * self.gap()).max(MODEL_GAP)), stop);
        if path.end == PathEnd::Interrupted {
            return false;
        }
        if path.gap.is_finite() && !model.is_boxed(&path.y) {
            let lower = (square * (-path.y[0] - path.gap)).max(0.0).sqrt();
            self.progress.lower = self.progress.lower.max(lower.min(self.progress.value));
        }
        let (before, gap) = (self.progress.value, self.gap());
        let columns = self.subspace.columns();
        for share in SLACKS {
            let slack = share * gap / (1.0 + scales.len() as f64);
            let (rho, factors) = slackened(&path.y[1..], -path.y[0], slack);
            let trial: Vec<f64> = factors.iter().zip(&self.multipliers).map(|(z, lambda)| z * lambda / rho).collect();
            let feasible = self.try_multipliers(trial);
            observe(self.progress);
            if feasible {
                self.reach = (self.reach * self.reach).min(FARTHEST);
                break;
            }
            self.reach = self.reach.sqrt().max(NEAREST);
            if stop() {
                break;
            }
        }
        self.progress.value < before || self.subspace.columns() > columns
    }

    /// Evaluates multipliers, learns from them, and keeps the best; whether they are feasible.
    fn try_multipliers(&mut self, multipliers: Vec<f64>) -> bool {
        self.progress.evaluations += 1;
        match evaluate(self.chain, self.threads, &multipliers) {
            Evaluation::Feasible { forward, directions } => {
                self.subspace.add(&directions);
                let value = forward.value();
                if value < self.progress.value {
                    (self.best, self.multipliers, self.progress.value) = (*forward, multipliers, value);
                }
                true
            }
            Evaluation::Infeasible { directions, .. } => {
                self.subspace.add(&directions);
                false
            }
        }
    }
}

/// For each layer the smallest multiplier of a rule, unscaled.
fn smallest_of_layers(rule: Rule, mut forward: Forward<'_>) -> Result<Vec<f64>, NotFeasible> {
    let mut multipliers = Vec::new();
    for k in 1..=forward.chain().hidden_layers() {
        let smallest = rule.multipliers(&forward).into_iter().fold(f64::INFINITY, f64::min);
        multipliers.push(evaluation::unscaled(smallest, forward.exponent()));
        forward.eliminate(vec![smallest; forward.chain().slopes(k).len()])?;
    }
    Ok(multipliers)
}

/// `ρ` and `λ` with slack `ε`, the weight of the outputs kept.
fn slackened(multipliers: &[f64], rho: f64, slack: f64) -> (f64, Vec<f64>) {
    let mut scaled = multipliers.to_vec();
    let mut s = 1.0;
    for lambda in scaled.iter_mut().rev() {
        let next = s + slack / s;
        *lambda *= s * next * (1.0 + slack);
        s = next;
    }
    ((s * s + slack) * (1.0 + slack) * rho, scaled)
}
