//! Leaving a point that is optimal among its rank but not for the relaxation.
//!
//! Where a converged iteration has multipliers with a negative direction `z` of the pencil, `V Vᵀ + τ² z zᵀ` improves the
//! relaxation to first order (Burer & Monteiro 2005; Boumal, Voroninski & Bandeira 2016): `τ z` becomes a new row of every
//! `V_k`. The rank doubles; the other new rows get a little noise, so that they can take part.

use faer::{Mat, MatMut, MatRef};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tightlip_eigen::{Checks, End, LanczosSettings, ScaledPencil, Start, Watch, extreme_pairs};
use tightlip_model::Multipliers;

use crate::columns::column;
use crate::iteration::LiftedIteration;
use crate::multipliers::{self, diagonal, whole_diagonal};
use crate::state::State;

/// Size of the new row against all of `V`, in the scaled units of the pencil.
const STEP: f64 = 0.2;
/// Size of the noise in the other new rows, against the length of each vector.
const NOISE: f64 = 1e-3;
/// Size of random rows where nothing better is known; ten times less takes ten times the sweeps to grow.
const RANDOM_STEP: f64 = 0.1;

/// A Ritz value of the scaled pencil and its unit vector.
#[derive(Debug, Clone)]
pub(crate) struct RitzPair {
    pub(crate) value: f64,
    /// `order × 1`.
    pub(crate) vector: Mat<f64>,
}

impl LiftedIteration<'_> {
    /// The smallest Ritz value of the scaled pencil at the current multipliers after `steps` Lanczos steps, an upper
    /// bound of its smallest eigenvalue; with its vector. `None` if the multipliers are not finite.
    pub(crate) fn negative_direction(&mut self, steps: usize) -> Option<RitzPair> {
        let multipliers = multipliers::of_pass(&self.relaxation, &self.pass);
        let passes = self.relaxation.passes();
        let pencil = ScaledPencil::new(&passes, whole_diagonal(&self.relaxation, &multipliers));
        let settings = LanczosSettings {
            largest_basis: steps.max(2),
            most_products: steps,
            checks: Checks::FullBasis,
            ..LanczosSettings::new(1, End::Smallest)
        };
        let mut apply = |x: MatRef<'_, f64>, y: MatMut<'_, f64>| pencil.apply(x, y);
        let start = Start::random(&mut self.random);
        let pairs = extreme_pairs(passes.order(), &settings, start, &mut apply, Watch::default()).ok()?;
        let value = *pairs.values.first()?;
        Some(RitzPair { value, vector: pairs.vectors.subcols(0, 1).to_owned() })
    }

    /// Doubles the rank with random rows, for a point that stands still without a negative direction in reach of Lanczos.
    pub(crate) fn widen(&mut self) {
        let rank = self.rank();
        let noise = RANDOM_STEP / (rank as f64).sqrt();
        let mut state = State::zeros(&self.relaxation, 2 * rank);
        for k in 0..self.relaxation.last() {
            let block = self.here.x.block(k);
            fill_wide(&mut state, (k, block), |_| 0.0, &mut Noise { size: noise, random: &mut self.random });
        }
        state.normalise(&self.relaxation);
        self.restart(state);
    }

    /// Doubles the rank and sets off in the direction of `pair`.
    pub(crate) fn escape(&mut self, pair: &RitzPair) {
        let rank = self.rank();
        let multipliers = multipliers::of_pass(&self.relaxation, &self.pass);
        let passes = self.relaxation.passes();
        let pencil = ScaledPencil::new(&passes, whole_diagonal(&self.relaxation, &multipliers));
        let signals = pencil.signals(pair.vector.as_ref());
        let mut incoming = Mat::<f64>::zeros(passes.order(), 1);
        passes.add_incoming(signals.as_ref(), incoming.as_mut());
        let step = STEP * self.scaled_size(&multipliers);
        let noise = NOISE / (rank as f64).sqrt();
        let mut state = State::zeros(&self.relaxation, 2 * rank);
        for k in 0..self.relaxation.last() {
            let block = self.pass.signals[k].as_ref();
            let first: usize = (0..k).map(|i| self.relaxation.system.len(i)).sum();
            let direction = |j| step * signals[(first + j, 0)];
            fill_wide(&mut state, (k, block), direction, &mut Noise { size: noise, random: &mut self.random });
            if k == 0 {
                continue;
            }
            // The direction is what the signal has beside its mean part, v − m u.
            for (j, slope) in self.relaxation.slopes[k - 1].iter().enumerate() {
                let target = state.vector_mut(k, j);
                for (target, u) in target.iter_mut().zip(column(self.pass.incoming[k].as_ref(), j)) {
                    *target -= slope.mean * u;
                }
                target[rank] -= slope.mean * step * incoming[(first + j, 0)];
            }
        }
        state.normalise(&self.relaxation);
        self.restart(state);
    }

    /// `√(Σ_j D_j ‖v_j‖²)`.
    fn scaled_size(&self, multipliers: &Multipliers) -> f64 {
        let blocks = self.pass.signals.iter().enumerate().take(self.relaxation.last());
        let squares = blocks.flat_map(|(k, block)| {
            (0..block.ncols()).map(move |j| diagonal(multipliers, k, j) * block.col(j).squared_norm_l2())
        });
        squares.sum::<f64>().sqrt()
    }
}

/// Random numbers of a size that is relative to the vector they are for.
struct Noise<'r> {
    size: f64,
    random: &'r mut ChaCha8Rng,
}

/// Fills block `k` of a state of twice the rank: the old rows, then `direction` in the first new one, and noise in all new
/// ones.
fn fill_wide(
    state: &mut State,
    (k, old): (usize, MatRef<'_, f64>),
    direction: impl Fn(usize) -> f64,
    noise: &mut Noise<'_>,
) {
    for j in 0..old.ncols() {
        let size = noise.size * old.col(j).norm_l2();
        let (kept, new) = state.vector_mut(k, j).split_at_mut(old.nrows());
        kept.copy_from_slice(column(old, j));
        for x in new.iter_mut() {
            *x = size * noise.random.sample::<f64, _>(StandardNormal);
        }
        new[0] += direction(j);
    }
}

#[cfg(test)]
mod tests {
    use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query, Reduction, Scaling, random_network};

    use super::*;

    #[test]
    fn an_escape_sets_off_along_the_direction_in_every_block() {
        let network = random_network(&[8, 20, 20, 4], Activation::Relu, 3).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let query = Query::euclidean(OutputSelection::All);
        let reduction = Reduction::new(&system, &query, Scaling::PerNeuron).expect("not constant");
        let mut iteration = LiftedIteration::new(reduction.system(), &query, 2, 1, 1);
        for _ in 0..300 {
            iteration.step();
        }
        let pair = iteration.negative_direction(60).expect("finite");
        assert!(pair.value < -1e-3, "rank 2 is a saddle: {}", pair.value);
        let passes = iteration.relaxation.passes();
        let multipliers = multipliers::of_pass(&iteration.relaxation, &iteration.pass);
        let diagonal = whole_diagonal(&iteration.relaxation, &multipliers);
        let direction = ScaledPencil::new(&passes, diagonal).signals(pair.vector.as_ref());
        iteration.escape(&pair);
        let mut first = 0;
        for k in 0..iteration.relaxation.last() {
            let (mut along, mut new, mut old) = (0.0, 0.0, 0.0);
            for (j, column) in iteration.pass.signals[k].col_iter().enumerate() {
                let (z, row) = (direction[(first + j, 0)], column[2]);
                along += z * row;
                new += row * row;
                old += z * z;
            }
            assert!(along > 0.9 * (new * old).sqrt(), "block {k}: cosine {}", along / (new * old).sqrt());
            first += iteration.relaxation.system.len(k);
        }
    }
}
