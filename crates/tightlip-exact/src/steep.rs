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
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;
    use tightlip_model::{Activation, Affine, Layer, LinearMap, Norm, OutputSelection, random_network};

    fn limits(seed: u64) -> Limits {
        Limits { deadline: None, interrupt: Arc::default(), memory_bytes: 1 << 30, threads: 1, seed }
    }

    fn affine(rows: &[Vec<f64>], bias: &[f64]) -> Layer {
        Layer::Affine(Affine::new(LinearMap::from_rows(rows), bias.to_vec()))
    }

    fn euclidean() -> Query {
        Query::euclidean(OutputSelection::All)
    }

    fn quotient(network: &Network, query: &Query) -> f64 {
        steep_pair(network, query, &limits(7)).expect("not constant").quotient
    }

    /// The largest spectral norm of the Jacobian of a network with two inputs, over grids of three sizes.
    fn grid_maximum(network: &Network, query: &Query) -> f64 {
        const SIDE: i32 = 100;
        let question = Question::new(network, query).expect("valid");
        let mut largest: f64 = 0.0;
        for size in [0.3, 3.0, 30.0] {
            for row in -SIDE..SIDE {
                let at = |k: i32| (f64::from(k) + 0.5) / f64::from(SIDE) * size;
                let columns: Vec<i32> = (-SIDE..SIDE).collect();
                let x = Mat::from_fn(2, columns.len(), |i, c| at(if i == 0 { row } else { columns[c] }));
                let here = Linearised::at(&question, x.as_ref());
                let axis = |k: usize| Mat::from_fn(2, columns.len(), |i, _| f64::from(u8::from(i == k)));
                let (a, b) = (here.forward(axis(0).as_ref()).0, here.forward(axis(1).as_ref()).0);
                for c in 0..columns.len() {
                    let (aa, bb) = (a.col(c).squared_norm_l2(), b.col(c).squared_norm_l2());
                    let ab = a.col(c).transpose() * b.col(c);
                    // The larger eigenvalue of [[aa, ab], [ab, bb]].
                    let eigenvalue = 0.5 * (aa + bb) + (0.25 * (aa - bb) * (aa - bb) + ab * ab).sqrt();
                    largest = largest.max(eigenvalue.sqrt());
                }
            }
        }
        largest
    }

    #[test]
    fn tiny_relu_networks_are_as_steep_as_on_a_dense_grid() {
        let mut reached = 0;
        for seed in 0..50 {
            let dims: &[usize] = [&[2, 8, 1][..], &[2, 8, 8, 2], &[2, 6, 6, 6, 3]][seed % 3];
            let network = random_network(dims, Activation::Relu, seed as u64).expect("valid");
            let found = quotient(&network, &euclidean());
            reached += usize::from(found >= 0.999 * grid_maximum(&network, &euclidean()));
        }
        assert!(reached >= 45, "{reached} of 50");
    }

    #[test]
    fn affine_networks_get_their_operator_norm_in_every_pair_of_norms() {
        let network = Network::new(vec![affine(&[vec![3.0, -1.0], vec![0.0, 2.0], vec![1.0, 1.0]], &[1.0, -2.0, 0.5])])
            .expect("valid");
        // From ℓ1: columns (3, 0, 1) and (−1, 2, 1). From ℓ∞: images (2, 2, 2) of (1, 1) and (4, −2, 0) of (1, −1).
        // ℓ2 → ℓ∞: the longest row, (3, −1). ℓ2 → ℓ1: the longest ±row + ±row + ±row, (4, −2) or (4, 2).
        // ℓ2 → ℓ2: WᵀW = [[10, −2], [−2, 6]].
        let spectral = (8.0 + 8f64.sqrt()).sqrt();
        let expected = [
            (Norm::L1, [4.0, 10f64.sqrt(), 3.0]),
            (Norm::L2, [20f64.sqrt(), spectral, 10f64.sqrt()]),
            (Norm::LInf, [6.0, 20f64.sqrt(), 4.0]),
        ];
        for (input_norm, row) in expected {
            for (output_norm, norm) in [Norm::L1, Norm::L2, Norm::LInf].into_iter().zip(row) {
                let query = Query { input_norm, output_norm, ..euclidean() };
                let found = quotient(&network, &query);
                assert!((found / norm - 1.0).abs() < 1e-12, "{input_norm} → {output_norm}: {found}, want {norm}");
            }
        }
    }

    #[test]
    fn known_constants_are_attained() {
        // One neuron: the product of the norms. A pair of neurons: relu(z) − relu(−z) = z.
        let one = vec![
            affine(&[vec![0.5, 1.0, -1.0]], &[-0.25]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![3.0], vec![-4.0]], &[]),
        ];
        let pair = vec![
            affine(&[vec![0.6, 0.8], vec![-0.6, -0.8]], &[0.3, -0.3]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![2.0, -2.0]], &[]),
        ];
        // Steep only far away, and only on a strip: relu(x − 10⁶) − relu(x − 10⁶ − 1).
        let far = vec![
            affine(&[vec![1.0], vec![1.0]], &[-1e6, -1e6 - 1.0]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![1.0, -1.0]], &[]),
        ];
        // Dead neurons beside a live one.
        let dead = vec![
            affine(&[vec![0.0], vec![2.0], vec![1.0]], &[-1.0, 0.0, 0.0]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![5.0, 1.0, 0.0]], &[]),
        ];
        for (layers, constant) in [(one, 7.5), (pair, 2.0), (far, 1.0), (dead, 2.0)] {
            let network = Network::new(layers).expect("valid");
            let found = quotient(&network, &euclidean());
            assert!((found / constant - 1.0).abs() < 1e-9, "{found}, want {constant}");
        }
    }

    #[test]
    fn smooth_activations_reach_their_largest_slope() {
        for (name, steepest) in [("tanh", 1.0), ("sigmoid", 0.25), ("gelu", 1.128_904_145), ("softplus", 1.0)] {
            let layers = vec![
                affine(&[vec![3.0, 4.0]], &[-40.0]),
                Layer::Activation(name.parse().expect("known")),
                affine(&[vec![2.0]], &[]),
            ];
            let network = Network::new(layers).expect("valid");
            let found = quotient(&network, &euclidean());
            assert!((found / (10.0 * steepest) - 1.0).abs() < 1e-6, "{name}: {found}, want {}", 10.0 * steepest);
        }
    }

    #[test]
    fn several_questions_share_one_budget_and_begin_where_others_found_something() {
        let network = random_network(&[8, 20, 10], Activation::Relu, 3).expect("valid");
        let queries: Vec<Query> = (0..10).map(|k| Query::euclidean(OutputSelection::Single(k))).collect();
        let together = steep_pairs(&network, &queries, &limits(7));
        for (query, pair) in queries.iter().zip(&together) {
            let (alone, found) = (quotient(&network, query), pair.as_ref().expect("not constant").quotient);
            assert!(found >= 0.95 * alone, "output {}: {found}, alone {alone}", query.output);
        }
        // The same question again begins at the point that was found for it: no search finds less than the one before.
        let again = steep_pairs(&network, &[queries[0]; 8], &limits(7));
        let quotients: Vec<f64> = again.iter().map(|pair| pair.as_ref().expect("not constant").quotient).collect();
        assert!(quotients.windows(2).all(|pair| pair[1] >= pair[0] * (1.0 - 1e-9)), "{quotients:?}");
    }

    #[test]
    fn a_network_that_starts_or_ends_with_an_activation_is_searched() {
        let layers = vec![
            Layer::Activation(Activation::Relu),
            affine(&[vec![1.0, 2.0]], &[]),
            Layer::Activation(Activation::Tanh),
        ];
        let network = Network::new(layers).expect("valid");
        assert!((quotient(&network, &euclidean()) / 5f64.sqrt() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_quotient_is_below_the_product_of_norms_and_belongs_to_the_pair() {
        for (seed, name) in ["relu", "leaky:-0.3", "tanh", "silu", "hardtanh", "abs"].into_iter().enumerate() {
            let activation: Activation = name.parse().expect("known");
            let network = random_network(&[5, 8, 7, 3], activation, seed as u64).expect("valid");
            let product: f64 = network
                .layers()
                .iter()
                .map(|layer| match layer {
                    Layer::Affine(affine) => affine.map().to_dense().singular_values().expect("converges")[0],
                    Layer::Activation(activation) => activation.slope_interval().magnitude(),
                })
                .product();
            let pair = steep_pair(&network, &euclidean(), &limits(3)).expect("not constant");
            assert!(pair.quotient <= product * (1.0 + 1e-9), "{name}: {} above {product}", pair.quotient);
            let points = Mat::from_fn(5, 2, |i, c| if c == 0 { pair.x[i] } else { pair.x_prime[i] });
            let values = network.evaluate(points.as_ref());
            let length = |y: &Mat<f64>| (0..y.nrows()).map(|i| (y[(i, 0)] - y[(i, 1)]).powi(2)).sum::<f64>().sqrt();
            assert!((length(&values) / length(&points) / pair.quotient - 1.0).abs() < 1e-9, "{name}");
        }
    }

    #[test]
    fn constant_networks_and_missing_outputs_have_no_pair() {
        let constant = vec![
            affine(&[vec![1.0], vec![-1.0]], &[1.0, 2.0]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![0.0, 0.0]], &[3.0]),
        ];
        let network = Network::new(constant).expect("valid");
        assert_eq!(steep_pair(&network, &euclidean(), &limits(1)), None);
        assert_eq!(steep_pair(&network, &Query::euclidean(OutputSelection::Single(1)), &limits(1)), None);
        let flat = Network::new(vec![affine(&[vec![0.0, 0.0]], &[1.0])]).expect("valid");
        assert_eq!(steep_pair(&flat, &euclidean(), &limits(1)), None);
    }

    #[test]
    fn the_seed_decides_and_a_request_to_stop_leaves_the_best_so_far() {
        let network = random_network(&[6, 20, 20, 4], Activation::Relu, 2).expect("valid");
        assert_eq!(steep_pair(&network, &euclidean(), &limits(5)), steep_pair(&network, &euclidean(), &limits(5)));
        let full = quotient(&network, &euclidean());
        let stopped = Limits { interrupt: Arc::new(AtomicBool::new(true)), ..limits(7) };
        let expired = Limits { deadline: Some(Instant::now()), ..limits(7) };
        for limits in [stopped, expired] {
            let pair = steep_pair(&network, &euclidean(), &limits).expect("the starting points are ranked");
            assert!(pair.quotient > 0.2 * full && pair.quotient <= full * (1.0 + 1e-9));
        }
    }
}
