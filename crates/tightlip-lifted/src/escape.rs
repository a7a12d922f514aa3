//! Leaving a point that is optimal among its rank but not for the relaxation.
//!
//! Where a converged iteration has multipliers with a negative direction `z` of the pencil, `V Vᵀ + τ² z zᵀ` improves the
//! relaxation to first order (Burer & Monteiro 2005; Boumal, Voroninski & Bandeira 2016): `τ z` becomes a new row of every
//! `V_k`. The rank doubles; the other new rows get a little noise, so that they can take part.

use faer::Mat;
use rand::Rng;
use rand_distr::StandardNormal;

use crate::columns::column;
use crate::iteration::LiftedIteration;
use crate::lanczos::{RitzPair, smallest};
use crate::multipliers;
use crate::scaled_pencil::ScaledPencil;
use crate::state::State;

/// Size of the new row against all of `V`, in the scaled units of the pencil.
const STEP: f64 = 0.2;
/// Size of the noise in the other new rows, against the length of each vector.
const NOISE: f64 = 1e-3;
/// Size of random rows where nothing better is known; ten times less takes ten times the sweeps to grow.
const RANDOM_STEP: f64 = 0.1;

impl LiftedIteration<'_> {
    /// The smallest Ritz value of the scaled pencil at the current multipliers after `steps` Lanczos steps, an upper
    /// bound of its smallest eigenvalue; with its vector. `None` if the multipliers are not finite.
    pub(crate) fn negative_direction(&mut self, steps: usize) -> Option<RitzPair> {
        let multipliers = multipliers::of_pass(&self.relaxation, &self.pass);
        let pencil = ScaledPencil::new(&self.relaxation, &multipliers);
        smallest(pencil.order(), steps, &mut self.random, &mut |x, y| pencil.apply(x, y))
    }

    /// Doubles the rank with random rows, for a point that stands still without a negative direction in reach of Lanczos.
    pub(crate) fn widen(&mut self) {
        let rank = self.rank();
        let blocks: Vec<_> = (0..self.relaxation.last()).map(|k| self.state().block(k).to_owned()).collect();
        let noise = RANDOM_STEP / (rank as f64).sqrt();
        let mut state = State::zeros(&self.relaxation, 2 * rank);
        for (k, block) in blocks.iter().enumerate() {
            self.fill_wide(&mut state, (k, block), |_| 0.0, noise);
        }
        state.normalise(&self.relaxation);
        self.restart(state);
    }

    /// Doubles the rank and sets off in the direction of `pair`.
    pub(crate) fn escape(&mut self, pair: &RitzPair) {
        let rank = self.rank();
        let multipliers = multipliers::of_pass(&self.relaxation, &self.pass);
        let pencil = ScaledPencil::new(&self.relaxation, &multipliers);
        let signals = pencil.signals(pair.vector.as_ref());
        let incoming = pencil.incoming(&signals);
        let step = STEP * self.scaled_size(&multipliers);
        let noise = NOISE / (rank as f64).sqrt();
        let mut state = State::zeros(&self.relaxation, 2 * rank);
        for k in 0..self.relaxation.last() {
            let block = self.pass.signals[k].clone();
            self.fill_wide(&mut state, (k, &block), |j| step * signals[k][(j, 0)], noise);
            if k == 0 {
                continue;
            }
            // The direction is what the signal has beside its mean part, v − m u.
            for (j, slope) in self.relaxation.slopes[k - 1].iter().enumerate() {
                let target = state.vector_mut(k, j);
                for (target, u) in target.iter_mut().zip(column(self.pass.incoming[k].as_ref(), j)) {
                    *target -= slope.mean * u;
                }
                target[rank] -= slope.mean * step * incoming[k][(j, 0)];
            }
        }
        state.normalise(&self.relaxation);
        self.restart(state);
    }

    /// Fills block `k` of a state of twice the rank: the old rows, then `direction` in the first new one, and noise
    /// relative to each vector in all new ones.
    fn fill_wide(
        &mut self,
        state: &mut State,
        (k, old): (usize, &Mat<f64>),
        direction: impl Fn(usize) -> f64,
        noise: f64,
    ) {
        let rank = old.nrows();
        for j in 0..old.ncols() {
            let size = noise * old.col(j).norm_l2();
            let (kept, new) = state.vector_mut(k, j).split_at_mut(rank);
            kept.copy_from_slice(column(old.as_ref(), j));
            for x in new.iter_mut() {
                *x = size * self.random.sample::<f64, _>(StandardNormal);
            }
            new[0] += direction(j);
        }
    }

    /// `√(Σ_j D_j ‖v_j‖²)`.
    fn scaled_size(&self, multipliers: &tightlip_model::Multipliers) -> f64 {
        let last = self.relaxation.last();
        let mut sum = 0.0;
        for (k, block) in self.pass.signals.iter().enumerate().take(last) {
            for j in 0..block.ncols() {
                let d = if k == 0 { multipliers.input.at(j) } else { 2.0 * multipliers.hidden[k - 1][j] };
                sum += d * block.col(j).squared_norm_l2();
            }
        }
        sum.sqrt()
    }
}
