//! The search: rank starting points, climb from the best, turn the steepest places into pairs, repeat.

use std::ops::Range;

use faer::{Mat, MatRef};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tightlip_model::{Limits, Network, Query};

use crate::budget::Budget;
use crate::climb::{Effort, climb};
use crate::flips::beyond_kinks;
use crate::linearised::{Linearised, Question};
use crate::pair::pair_at;
use crate::starts::{Starts, gaussian};

/// Two inputs and their difference quotient in double precision. A proposal, not a bound.
#[derive(Debug, Clone, PartialEq)]
pub struct SteepPair {
    /// The first input.
    pub x: Vec<f64>,
    /// The second input.
    pub x_prime: Vec<f64>,
    /// `‖S f(x) − S f(x′)‖_q / ‖x − x′‖_p`, rounded.
    pub quotient: f64,
}

/// A point, a direction of input norm 1, and how much the network stretches it there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) x: Vec<f64>,
    pub(crate) v: Vec<f64>,
    pub(crate) factor: f64,
}

/// Steps of the power method when starting points are ranked.
const RANKING_STEPS: usize = 3;
/// One batch of starting points may take one part in so many of the budget.
const BATCH_PART: usize = 6;
/// Places of each batch to climb from.
const CLIMBS_OF_A_BATCH: usize = 3;
/// Kicks between two batches of starting points.
const KICKS: usize = 20;
/// A kick moves by 10 to the power of a number in this range, in units of the distance from the origin (at least 1).
const KICK_EXPONENTS: Range<f64> = -1.5..0.3;
/// Places that are remembered and kicked.
const POOL: usize = 5;
/// Places whose steepness agrees to this ratio count as one.
const SAME: f64 = 1e-6;
/// The search ends after so many climbs in a row that reach nothing steeper: small networks are exhausted soon.
const PATIENCE: usize = 200;
/// One part in so many of the budget is kept for the last climbs.
const RESERVED_PART: usize = 8;
/// Steepest places that are turned into pairs.
const FINALISTS: usize = 3;

/// Looks for two inputs between which `network` is steep in the norms and outputs of `query`.
///
/// The same network, query and seed give the same pair, whatever the speed of the machine, unless `limits` ends the
/// search early; then the best so far is returned. `None` if no pair with a positive quotient was found (a constant
/// network), or if the network does not have the selected outputs.
pub fn steep_pair(network: &Network, query: &Query, limits: &Limits) -> Option<SteepPair> {
    steep_pairs(network, std::slice::from_ref(query), limits).pop()?
}

/// The same for several questions about one network, in the order of `queries`: they share the budget of one.
///
/// Where a network is steep for one question it often is for the next (the outputs of deep networks, measured: with a tenth
/// of the budget each, 0.97 and 0.88 of what a whole one finds, 0.74 and 0.78 without): each search begins with the points
/// already found.
pub fn steep_pairs(network: &Network, queries: &[Query], limits: &Limits) -> Vec<Option<SteepPair>> {
    let mut pairs: Vec<Option<SteepPair>> = Vec::new();
    for query in queries {
        let known: Vec<&[f64]> = pairs.iter().flatten().map(|pair| pair.x.as_slice()).collect();
        pairs.push(search(network, query, &known, (queries.len(), limits)));
    }
    pairs
}

/// One search; `known` are points where the network is steep for other questions.
fn search(
    network: &Network,
    query: &Query,
    known: &[&[f64]],
    (questions, limits): (usize, &Limits),
) -> Option<SteepPair> {
    let question = Question::new(network, query).ok()?;
    let mut search = Search::new(&question, questions, limits);
    search.climb_from_known(known);
    search.explore();
    let finalists: Vec<Place> = search.pool.drain(..).take(FINALISTS).collect();
    finalists
        .into_iter()
        .map(|place| climb(&question, place, Effort::FINE, &mut search.budget, &mut search.generator))
        .filter_map(|place| pair_at(&question, &place))
        .max_by(|a, b| a.quotient.total_cmp(&b.quotient))
}

/// A search under way.
struct Search<'a> {
    question: &'a Question<'a>,
    budget: Budget<'a>,
    generator: ChaCha8Rng,
    /// The steepest places so far, the steepest first, without doubles.
    pool: Vec<Place>,
    /// Climbs since the steepest place was found.
    idle: usize,
}

impl<'a> Search<'a> {
    fn new(question: &'a Question<'a>, questions: usize, limits: &'a Limits) -> Self {
        let generator = ChaCha8Rng::seed_from_u64(limits.seed);
        let budget = Budget::new(question.network, questions, limits);
        Self { question, budget, generator, pool: Vec::new(), idle: 0 }
    }

    /// Climbs from the steepest of `points`.
    fn climb_from_known(&mut self, points: &[&[f64]]) {
        let points = Mat::from_fn(self.question.network.inputs(), points.len(), |i, c| points[c][i]);
        for place in self.ranked(&points).into_iter().take(CLIMBS_OF_A_BATCH) {
            self.climb_from(place);
        }
    }

    /// Batches of starting points in turn with kicks, until the budget or the patience is spent.
    fn explore(&mut self) {
        let mut starts = Starts::new(self.question.network, &mut self.generator);
        let largest_batch = (self.budget.left() / BATCH_PART / ranking_passes()).max(1);
        let reserve = self.budget.left() / RESERVED_PART;
        // A network without activations is equally steep everywhere.
        let affine = self.question.network.hidden().is_empty();
        loop {
            let points = starts.batch(largest_batch, &mut self.generator);
            let mut ranked = self.ranked(&points);
            for choice in 0..CLIMBS_OF_A_BATCH.min(ranked.len()) {
                // The steepest start, then any: the next steepest ones often lie on the same hill.
                let pick = if choice == 0 { 0 } else { self.generator.random_range(0..ranked.len()) };
                let place = ranked.swap_remove(pick);
                self.climb_from(place);
            }
            for _ in 0..KICKS {
                if affine || self.idle >= PATIENCE || self.budget.left() <= reserve {
                    return;
                }
                if let Some(place) = self.kicked() {
                    self.climb_from(place);
                }
            }
        }
    }

    /// The columns of `points` as places, the steepest first.
    fn ranked(&mut self, points: &Mat<f64>) -> Vec<Place> {
        let (count, outputs) = (points.ncols(), self.question.outputs());
        let drawn: Vec<Vec<f64>> = (0..count).map(|_| gaussian(outputs, 1.0, &mut self.generator)).collect();
        let u = Mat::from_fn(outputs, count, |i, c| drawn[c][i]);
        let here = Linearised::at(self.question, points.as_ref());
        let stretch = here.stretch(here.directions_seen_by(u.as_ref()), RANKING_STEPS);
        self.budget.spend(count * ranking_passes());
        let mut places: Vec<Place> = (0..count)
            .map(|c| Place {
                x: column(points.as_ref(), c),
                v: column(stretch.directions.as_ref(), c),
                factor: stretch.factors[c],
            })
            .filter(|place| place.factor.is_finite() && place.factor > 0.0)
            .collect();
        places.sort_by(|a, b| b.factor.total_cmp(&a.factor));
        places
    }

    /// A place some way off one of the pool, beyond some kinks or anywhere; steep ones are kicked more often.
    fn kicked(&mut self) -> Option<Place> {
        if self.pool.is_empty() {
            return None;
        }
        let mut draw = || self.generator.random_range(0..self.pool.len());
        let home = &self.pool[draw().min(draw())];
        let across = self.generator.random_bool(0.5).then(|| beyond_kinks(self.question, home, &mut self.generator));
        let x = if let Some((x, passes)) = across.flatten() {
            self.budget.spend(passes);
            x
        } else {
            let size = length(&home.x).max(1.0) / (home.x.len() as f64).sqrt();
            let reach = size * 10f64.powf(self.generator.random_range(KICK_EXPONENTS));
            let push = gaussian(home.x.len(), reach, &mut self.generator);
            home.x.iter().zip(push).map(|(x, p)| x + p).collect()
        };
        let here = Linearised::at(self.question, repeated(&x, 1).as_ref());
        let stretch = here.stretch(repeated(&home.v, 1), RANKING_STEPS);
        self.budget.spend(ranking_passes());
        Some(Place { x, v: column(stretch.directions.as_ref(), 0), factor: stretch.factors[0] })
    }

    /// Climbs and remembers where that led.
    fn climb_from(&mut self, place: Place) {
        let top = climb(self.question, place, Effort::COARSE, &mut self.budget, &mut self.generator);
        self.idle += 1;
        let known = |other: &Place| (other.factor - top.factor).abs() <= SAME * top.factor;
        if !(top.factor.is_finite() && top.factor > 0.0) || self.pool.iter().any(known) {
            return;
        }
        let position = self.pool.partition_point(|other| other.factor > top.factor);
        if position == 0 {
            self.idle = 0;
        }
        self.pool.insert(position, top);
        self.pool.truncate(POOL);
    }
}

/// Passes that ranking one point takes.
fn ranking_passes() -> usize {
    3 + 2 * RANKING_STEPS
}

/// `count` columns equal to `x`.
pub(crate) fn repeated(x: &[f64], count: usize) -> Mat<f64> {
    Mat::from_fn(x.len(), count, |i, _| x[i])
}

/// Column `c` as a vector.
pub(crate) fn column(x: MatRef<'_, f64>, c: usize) -> Vec<f64> {
    x.col(c).iter().copied().collect()
}

/// Euclidean length.
pub(crate) fn length(x: &[f64]) -> f64 {
    x.iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests;
