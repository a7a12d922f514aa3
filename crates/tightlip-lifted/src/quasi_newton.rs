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
        let mut pair = if self.pairs.len() == PAIRS { Some(self.pairs.remove(0)) } else { self.spare.pop() }
            .unwrap_or_else(|| Pair { step: x.clone(), change: x.clone(), inverse: 0.0 });
        pair.step.copy_from(x_next);
        pair.step.add(-1.0, x);
        pair.change.copy_from(gradient);
        pair.change.add(-1.0, gradient_next);
        let curvature = pair.step.inner(&pair.change);
        let sizes = (pair.step.inner(&pair.step) * pair.change.inner(&pair.change)).sqrt();
        if curvature > CURVATURE * sizes {
            pair.inverse = curvature.recip();
            self.pairs.push(pair);
        } else {
            self.spare.push(pair);
        }
    }

    /// `direction ← H direction`, with the inverse strengths of the current point.
    pub(crate) fn apply(&self, direction: &mut State, inverse_strengths: &[f64]) {
        let mut alphas = [0.0; PAIRS];
        for (alpha, pair) in alphas.iter_mut().zip(&self.pairs).rev() {
            *alpha = pair.inverse * pair.step.inner(direction);
            direction.add(-*alpha, &pair.change);
        }
        direction.scale(inverse_strengths);
        if let Some(newest) = self.pairs.last() {
            let gamma = newest.inverse * newest.change.weighted_inner(&newest.change, inverse_strengths);
            let scale = gamma.recip();
            if scale.is_normal() {
                direction.multiply(scale);
            }
        }
        for (alpha, pair) in alphas.iter().zip(&self.pairs) {
            let beta = pair.inverse * pair.change.inner(direction);
            direction.add(alpha - beta, &pair.step);
        }
    }
}
