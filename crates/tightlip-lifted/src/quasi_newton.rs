//! The memory of L-BFGS (Nocedal 1980) on the product of spheres, in the metric of the sweep.
//!
//! For maximisation with gradients `g`: pairs `s = x⁺ − x`, `y = g − g⁺`. The two-loop recursion starts from
//! `H_0 = γ M^{−1}`, `M` = the strengths of the unknowns: with `γ = 1` and no pairs the step is the sweep itself, which makes
//! the network's own scaling the initial metric. `γ = ⟨s, y⟩ / ⟨y, M^{−1} y⟩` of the newest pair. Tangent vectors of
//! different points are compared as they are, without transport.

use crate::state::State;

/// Pairs kept; with more the passes fall by a tenth, and the work of the recursion doubles.
const PAIRS: usize = 6;
/// A pair must curve the right way by this much, relative.
const CURVATURE: f64 = 1e-10;

/// One step and the change of the gradient along it.
#[derive(Debug, Clone)]
struct Pair {
    step: State,
    change: State,
    /// `1/⟨s, y⟩`.
    inverse: f64,
    /// `⟨s_j, y⟩` with the steps `s_j` of the pairs before, oldest first. It does not depend on the metric.
    with_earlier: [f64; PAIRS],
}

/// The last pairs, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    pairs: Vec<Pair>,
    /// Pairs dropped: their room is used again.
    spare: Vec<Pair>,
}

impl Memory {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.spare.append(&mut self.pairs);
    }

    /// Forgets everything, and the room too: for a new rank.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Remembers the step from `x` to `x_next` with their gradients, if it curves the right way.
    pub(crate) fn remember(&mut self, (x, gradient): (&State, &State), (x_next, gradient_next): (&State, &State)) {
        let mut pair = self.room(x);
        pair.step.copy_from(x_next);
        pair.step.add(-1.0, x);
        pair.change.copy_from(gradient);
        pair.change.add(-1.0, gradient_next);
        let curvature = pair.step.inner(&pair.change);
        let sizes = (pair.step.inner(&pair.step) * pair.change.inner(&pair.change)).sqrt();
        if curvature > CURVATURE * sizes {
            pair.inverse = curvature.recip();
            pair.with_earlier = self.inner_with(|pair| &pair.step, &pair.change);
            self.pairs.push(pair);
        } else {
            self.spare.push(pair);
        }
    }

    /// Room for a pair: that of the oldest if the memory is full, otherwise some that was used before, or new.
    fn room(&mut self, like: &State) -> Pair {
        if self.pairs.len() < PAIRS {
            let new = || Pair { step: like.clone(), change: like.clone(), inverse: 0.0, with_earlier: [0.0; PAIRS] };
            return self.spare.pop().unwrap_or_else(new);
        }
        // What the others know of the oldest goes with it.
        for pair in &mut self.pairs {
            pair.with_earlier.rotate_left(1);
        }
        self.pairs.remove(0)
    }

    /// `direction ← H direction`, with the inverse strengths of the current point.
    ///
    /// The two loops of Nocedal, written so that every vector is read twice instead of four times: inner products with all
    /// steps first, those between pairs known, then one combination; the same for the changes.
    pub(crate) fn apply(&self, direction: &mut State, inverse_strengths: &[f64]) {
        let mut alphas = self.inner_with(|pair| &pair.step, direction);
        for i in (0..self.pairs.len()).rev() {
            let later = (i + 1..self.pairs.len()).map(|j| alphas[j] * self.pairs[j].with_earlier[i]);
            alphas[i] = self.pairs[i].inverse * (alphas[i] - later.sum::<f64>());
        }
        self.combine(direction, |pair| &pair.change, &alphas.map(|alpha| -alpha));
        direction.scale(inverse_strengths);
        if let Some(newest) = self.pairs.last() {
            let gamma = newest.inverse * newest.change.weighted_inner(&newest.change, inverse_strengths);
            let scale = gamma.recip();
            if scale.is_normal() {
                direction.multiply(scale);
            }
        }
        let betas = self.inner_with(|pair| &pair.change, direction);
        let mut weights = [0.0; PAIRS];
        for (i, pair) in self.pairs.iter().enumerate() {
            let earlier: f64 = (0..i).map(|j| weights[j] * pair.with_earlier[j]).sum();
            weights[i] = alphas[i] - pair.inverse * (betas[i] + earlier);
        }
        self.combine(direction, |pair| &pair.step, &weights);
    }

    /// Inner products of `x` with one vector of every pair, oldest first; zeros for pairs that are not there.
    fn inner_with(&self, vector: impl Fn(&Pair) -> &State, x: &State) -> [f64; PAIRS] {
        let mut products = [0.0; PAIRS];
        for (product, value) in products.iter_mut().zip(State::inners(self.pairs.iter().map(vector), x)) {
            *product = value;
        }
        products
    }

    /// `target ← target + Σ factor_i · vector_i`.
    fn combine(&self, target: &mut State, vector: impl Fn(&Pair) -> &State, factors: &[f64; PAIRS]) {
        let vectors: Vec<(f64, &State)> =
            factors.iter().zip(&self.pairs).map(|(&factor, pair)| (factor, vector(pair))).collect();
        target.add_all(&vectors);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query, random_network};

    use crate::relaxation::Relaxation;

    use super::*;

    #[test]
    fn the_two_loops_are_those_of_the_textbook() {
        let network = random_network(&[6, 9, 3], Activation::Relu, 1).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let relaxation = Relaxation::new(&system, &Query::euclidean(OutputSelection::All), 1);
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut draw = || State::random(&relaxation, 4, &mut random);
        let inverse: Vec<f64> = (0..15).map(|j| 0.5 + 0.1 * f64::from(j)).collect();
        let mut memory = Memory::default();
        let (mut x, mut g) = (draw(), draw());
        for _ in 0..12 {
            // A gradient that falls along the step, so that the pair curves the right way.
            let (next, noise) = (draw(), draw());
            let mut after = g.clone();
            after.add(-0.7, &next);
            after.add(0.7, &x);
            after.add(0.05, &noise);
            memory.remember((&x, &g), (&next, &after));
            (x, g) = (next, after);
        }
        assert_eq!(memory.pairs.len(), PAIRS);
        let start = draw();
        let mut fast = start.clone();
        memory.apply(&mut fast, &inverse);
        let mut slow = start;
        let mut alphas = [0.0; PAIRS];
        for (alpha, pair) in alphas.iter_mut().zip(&memory.pairs).rev() {
            *alpha = pair.inverse * pair.step.inner(&slow);
            slow.add(-*alpha, &pair.change);
        }
        slow.scale(&inverse);
        let newest = &memory.pairs[PAIRS - 1];
        slow.multiply((newest.inverse * newest.change.weighted_inner(&newest.change, &inverse)).recip());
        for (alpha, pair) in alphas.iter().zip(&memory.pairs) {
            let beta = pair.inverse * pair.change.inner(&slow);
            slow.add(alpha - beta, &pair.step);
        }
        let size = slow.inner(&slow);
        slow.add(-1.0, &fast);
        assert!(slow.inner(&slow) < 1e-24 * size);
    }
}
