//! Neighbouring cells of a piecewise linear network: cross the kink of one neuron and keep the others.
//!
//! If neuron `j` gets another slope and nothing else changes, `J` changes by a matrix of rank one and, for the `u`, `v` that
//! attain the present norm, `uᵀ S J v` grows by exactly `(change of slope) · ż_j λ_j`. So every neighbour with positive gain
//! is steeper, and the search is a climb over cells (Jordan and Dimakis 2020 walk the same graph with linear programs).
//!
//! A point of the neighbouring cell is found by relaxation (Agmon 1954, Motzkin and Schoenberg 1954): with
//! `z_i(x + d) ≈ z_i + g_iᵀ d`, step in turn onto every violated half-space, for margins that shrink until nothing is
//! violated. Steps have the form `d = G a`, so with the Gram matrix `GᵀG` a projection costs one column of it. Neurons
//! whose own flip would gain are left free. What the relaxation returns is only a point to try.

use faer::{Mat, MatRef};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tightlip_model::Activation;

use crate::linearised::{Linearised, Question};
use crate::moves::Proposal;
use crate::steep::{Place, repeated};

/// Single flips in one batch: so many of the largest gain, the nearest, and the largest gain by distance.
const SINGLE: usize = 4;
/// So many of the most promising flips are also tried together.
const TOGETHER: [usize; 4] = [2, 4, 8, 32];
/// Neurons that a batch watches: half of them by gain, half by nearness to a kink. More cost more than they help.
const WATCHED: usize = 128;
/// Sweeps of the relaxation. The margin begins with the median distance of the neurons from their kinks and shrinks
/// after every sweep.
const SWEEPS: usize = 12;
const SHRINK: f64 = 0.4;
/// Neurons that a kick flips, at most.
const KICK: usize = 4;

/// A neuron at the place, between two neighbouring kinks.
#[derive(Debug, Clone)]
struct Neuron {
    /// Which activation, counted from 0, and which of its neurons.
    seat: (usize, usize),
    signal: f64,
    /// The kinks around the signal; infinite where there is none.
    piece: (f64, f64),
    /// The neighbouring piece with the larger gain, and that gain.
    flip: Option<((f64, f64), f64)>,
}

impl Neuron {
    /// The first-order gain of leaving the piece.
    fn gain(&self) -> f64 {
        self.flip.map_or(0.0, |(_, gain)| gain)
    }

    /// Distance of the signal from the nearest kink.
    fn nearness(&self) -> f64 {
        (self.signal - self.piece.0).min(self.piece.1 - self.signal)
    }

    /// Distance of the signal from the piece that it would flip to.
    fn reach(&self) -> f64 {
        self.flip.map_or(f64::INFINITY, |((low, high), _)| (low - self.signal).max(self.signal - high))
    }
}

/// Points in neighbouring cells; none if no neighbour is steeper to first order.
pub(crate) fn neighbours(question: &Question<'_>, place: &Place) -> Proposal {
    let inputs = question.network.inputs();
    let mut neurons = neurons(question, place);
    neurons.sort_by(|a, b| b.gain().total_cmp(&a.gain()));
    let promising = neurons.len().min(WATCHED / 2);
    neurons[promising..].sort_by(|a, b| a.nearness().total_cmp(&b.nearness()));
    neurons.truncate(WATCHED);
    if neurons.iter().all(|neuron| neuron.gain() <= 0.0) {
        return Proposal { points: Mat::zeros(inputs, 0), passes: 3 };
    }
    let gradients = gradients(question, place, &neurons);
    let gram = gradients.transpose() * &gradients;
    let sets = promising_sets(&neurons, gram.as_ref());
    let held: Vec<bool> = neurons.iter().map(|neuron| neuron.gain() <= 0.0).collect();
    let steps: Vec<Vec<f64>> = sets.iter().map(|set| relaxed(&neurons, &held, set, gram.as_ref())).collect();
    let combinations = Mat::from_fn(neurons.len(), steps.len(), |i, c| steps[c][i]);
    let moves = gradients * combinations;
    let points = Mat::from_fn(inputs, steps.len(), |i, c| place.x[i] + moves[(i, c)]);
    Proposal { points, passes: 3 + 2 * neurons.len() }
}

/// Sets of neurons to flip: single ones, and several together. All gain; the nearest are the easiest to reach, and
/// the others promise more.
fn promising_sets(neurons: &[Neuron], gram: MatRef<'_, f64>) -> Vec<Vec<usize>> {
    let distance = |i: usize| neurons[i].reach() / gram[(i, i)].sqrt();
    let candidates: Vec<usize> =
        (0..neurons.len()).filter(|&i| neurons[i].gain() > 0.0 && gram[(i, i)] > 0.0).collect();
    let sorted_by = |key: &dyn Fn(usize) -> f64| {
        let mut sorted = candidates.clone();
        sorted.sort_by(|&i, &j| key(i).total_cmp(&key(j)));
        sorted
    };
    let orders = [
        sorted_by(&|i| -neurons[i].gain()),
        sorted_by(&distance),
        sorted_by(&|i| -neurons[i].gain() / (distance(i) + f64::MIN_POSITIVE)),
    ];
    let mut single: Vec<usize> = orders.iter().flat_map(|order| order.iter().copied().take(SINGLE)).collect();
    single.sort_unstable();
    single.dedup();
    let mut sets: Vec<Vec<usize>> = single.into_iter().map(|i| vec![i]).collect();
    for order in [&orders[0], &orders[2]] {
        sets.extend(TOGETHER.iter().filter(|&&size| size <= order.len()).map(|&size| order[..size].to_vec()));
    }
    sets
}

/// A point beyond the kinks of a few neurons, drawn among those nearest to one: a kick out of a local maximum.
pub(crate) fn beyond_kinks(
    question: &Question<'_>,
    place: &Place,
    generator: &mut ChaCha8Rng,
) -> Option<(Vec<f64>, usize)> {
    let mut neurons = neurons(question, place);
    neurons.retain(|neuron| neuron.flip.is_some());
    neurons.sort_by(|a, b| a.nearness().total_cmp(&b.nearness()));
    neurons.truncate(WATCHED);
    if neurons.is_empty() {
        return None;
    }
    let flips = generator.random_range(1..=KICK.min(neurons.len()));
    for slot in 0..flips {
        let pick = generator.random_range(slot..neurons.len());
        neurons.swap(slot, pick);
    }
    let gradients = gradients(question, place, &neurons);
    let gram = gradients.transpose() * &gradients;
    let set: Vec<usize> = (0..flips).collect();
    let step = relaxed(&neurons, &vec![true; neurons.len()], &set, gram.as_ref());
    let combination = Mat::from_fn(step.len(), 1, |i, _| step[i]);
    let moved = gradients * combination;
    let x = place.x.iter().enumerate().map(|(i, x)| x + moved[(i, 0)]).collect();
    Some((x, 3 + 2 * neurons.len()))
}

/// All neurons with kinks, with their first-order gains.
fn neurons(question: &Question<'_>, place: &Place) -> Vec<Neuron> {
    let here = Linearised::at(question, repeated(&place.x, 1).as_ref());
    let (u, tangents) = here.attaining(repeated(&place.v, 1).as_ref());
    let (_, cotangents) = here.backward(u.as_ref());
    let mut neurons = Vec::new();
    for (index, (activation, z)) in here.activations().enumerate() {
        let kinks = bends(activation);
        if kinks.is_empty() {
            continue;
        }
        // Pieces of the real line between kinks.
        let mut ends = vec![f64::NEG_INFINITY];
        ends.extend(&kinks);
        ends.push(f64::INFINITY);
        let slope = |piece: usize| activation.derivative(inside((ends[piece], ends[piece + 1])));
        for i in 0..z.nrows() {
            let signal = z[(i, 0)];
            let effect = tangents[index][(i, 0)] * cotangents[index][(i, 0)];
            let own = kinks.iter().filter(|&&kink| kink < signal).count();
            let flip = [own.checked_sub(1), (own < kinks.len()).then_some(own + 1)]
                .into_iter()
                .flatten()
                .map(|piece| ((ends[piece], ends[piece + 1]), (slope(piece) - slope(own)) * effect))
                .max_by(|a, b| a.1.total_cmp(&b.1));
            neurons.push(Neuron { seat: (index, i), signal, piece: (ends[own], ends[own + 1]), flip });
        }
    }
    neurons
}

/// The kinks of an activation, or where a smooth one turns from one slope to another.
fn bends(activation: Activation) -> Vec<f64> {
    match activation {
        Activation::Tanh => vec![-1.0, 1.0],
        Activation::Sigmoid => vec![-2.0, 2.0],
        Activation::Softplus | Activation::Silu | Activation::Gelu | Activation::Elu { .. } => vec![0.0],
        piecewise_linear => piecewise_linear.kinks(),
    }
}

/// A point inside a piece of the real line.
fn inside((low, high): (f64, f64)) -> f64 {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => f64::midpoint(low, high),
        (true, false) => low + 1.0,
        (false, true) => high - 1.0,
        (false, false) => 0.0,
    }
}

/// `∇z_i` for the watched neurons, one in each column.
fn gradients(question: &Question<'_>, place: &Place, watched: &[Neuron]) -> Mat<f64> {
    let here = Linearised::at(question, repeated(&place.x, watched.len()).as_ref());
    let injected: Vec<Mat<f64>> = here
        .entering
        .iter()
        .enumerate()
        .map(|(index, z)| {
            let mut units = Mat::zeros(z.nrows(), watched.len());
            for (c, neuron) in watched.iter().enumerate().filter(|(_, neuron)| neuron.seat.0 == index) {
                units[(neuron.seat.1, c)] = 1.0;
            }
            units
        })
        .collect();
    here.pull_back(&injected)
}

/// Coefficients `a` of a step `G a` that carries the neurons of `flipped` into their other piece and keeps the held
/// ones in theirs.
fn relaxed(neurons: &[Neuron], held: &[bool], flipped: &[usize], gram: MatRef<'_, f64>) -> Vec<f64> {
    let mut pieces: Vec<Option<(f64, f64)>> =
        neurons.iter().zip(held).map(|(neuron, &held)| held.then_some(neuron.piece)).collect();
    for &i in flipped {
        pieces[i] = neurons[i].flip.map(|(piece, _)| piece);
    }
    let bound: Vec<(usize, (f64, f64))> = pieces
        .into_iter()
        .enumerate()
        .filter_map(|(i, piece)| piece.map(|piece| (i, piece)))
        .filter(|&(i, _)| gram[(i, i)] > 0.0)
        .collect();
    let lengths: Vec<f64> = bound.iter().map(|&(i, _)| gram[(i, i)].sqrt()).collect();
    let mut coefficients = vec![0.0; neurons.len()];
    let mut signals: Vec<f64> = neurons.iter().map(|neuron| neuron.signal).collect();
    let mut distances: Vec<f64> =
        bound.iter().zip(&lengths).map(|(&(i, _), length)| neurons[i].nearness() / length).collect();
    distances.sort_by(f64::total_cmp);
    let mut margin = distances.get(distances.len() / 2).copied().unwrap_or(0.0);
    for _ in 0..SWEEPS {
        let mut violated = false;
        for (&(i, (low, high)), length) in bound.iter().zip(&lengths) {
            // A bounded piece may be narrower than two margins.
            let inset = (margin * length).min(0.4 * (high - low));
            let wanted = signals[i].max(low + inset).min(high - inset);
            if wanted != signals[i] {
                violated = true;
                let amount = (wanted - signals[i]) / (length * length);
                coefficients[i] += amount;
                signals.iter_mut().zip(gram.col(i).iter()).for_each(|(signal, g)| *signal += amount * g);
            }
        }
        if !violated {
            break;
        }
        margin *= SHRINK;
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;
    use tightlip_model::{OutputSelection, Query, random_network};

    fn place(question: &Question<'_>, x: &[f64]) -> Place {
        let here = Linearised::at(question, repeated(x, 1).as_ref());
        let start = here.directions_seen_by(Mat::full(question.outputs(), 1, 1.0).as_ref());
        let stretch = here.stretch(start, 300);
        Place { x: x.to_vec(), v: stretch.directions.col(0).iter().copied().collect(), factor: stretch.factors[0] }
    }

    /// Which neurons of the single hidden layer are active.
    fn pattern(question: &Question<'_>, x: &[f64]) -> Vec<bool> {
        let here = Linearised::at(question, repeated(x, 1).as_ref());
        here.entering[0].col(0).iter().map(|&z| z > 0.0).collect()
    }

    #[test]
    fn a_single_flip_that_is_reached_gains_at_least_what_it_promised() {
        let mut reached = 0;
        for seed in 0..20 {
            // Fewer neurons than inputs: every pattern is realised, and the signals are linear in the step.
            let network = random_network(&[8, 6, 2], Activation::Relu, seed).expect("valid");
            let query = Query::euclidean(OutputSelection::All);
            let question = Question::new(&network, &query).expect("valid");
            let here = place(&question, &[0.1, -0.2, 0.3, 0.5, -0.4, 0.2, 0.0, 0.6]);
            let before = pattern(&question, &here.x);
            let neurons = neurons(&question, &here);
            for (i, neuron) in neurons.iter().enumerate().filter(|(_, neuron)| neuron.gain() > 1e-6) {
                let gradients = gradients(&question, &here, &neurons);
                let gram = gradients.transpose() * &gradients;
                let step = relaxed(&neurons, &[true; 6], &[i], gram.as_ref());
                let moved = gradients * Mat::from_fn(6, 1, |k, _| step[k]);
                let x: Vec<f64> = here.x.iter().enumerate().map(|(k, x)| x + moved[(k, 0)]).collect();
                let after = pattern(&question, &x);
                let flipped: Vec<usize> = (0..6).filter(|&k| before[k] != after[k]).collect();
                if flipped == [neuron.seat.1] {
                    reached += 1;
                    let there = place(&question, &x);
                    assert!(there.factor >= here.factor + neuron.gain() - 1e-9, "seed {seed}, neuron {i}");
                }
            }
        }
        assert!(reached > 20, "only {reached} flips were reached");
    }

    #[test]
    fn neurons_know_their_pieces() {
        let network = random_network(&[2, 4, 1], "hardtanh".parse().expect("known"), 1).expect("valid");
        let query = Query::euclidean(OutputSelection::All);
        let question = Question::new(&network, &query).expect("valid");
        let here = place(&question, &[2.0, -3.0]);
        for neuron in neurons(&question, &here) {
            assert!(neuron.piece.0 <= neuron.signal && neuron.signal <= neuron.piece.1);
            let ((low, high), _) = neuron.flip.expect("every piece has a neighbour");
            assert!(low == neuron.piece.1 || high == neuron.piece.0);
            assert!(neuron.reach() >= neuron.nearness());
        }
    }
}
