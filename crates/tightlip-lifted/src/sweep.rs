//! One sweep: a forward and a backward pass of the network on `r` columns.
//!
//! With `u_k = Σ_i W_{k,i} V_i`, mean `m` and half width `h` of the slopes, all signal by signal:
//!
//!   forward :  `V_k = m u_k + h ‖u_k‖ g_k`
//!   output  :  `O = Σ_i W_{out,i} V_i`,   `G = O` on the output sphere,   value `= ⟨G, O⟩`
//!   backward:  `C_i = Σ_k W_{k,i}ᵀ a_k`,   `a_out = G`,   `a_k = m C_k + h ‖C_k‖ u_k/‖u_k‖`,   new `g_k = C_k/‖C_k‖`
//!   input   :  new `V_0 = C_0` on the input sphere.
//!
//! Each unknown moves to the maximiser of the value linearised in it, and the value is convex in each: a power
//! iteration. Nothing is allocated here.

use faer::{Mat, MatRef};

use crate::columns::{Ball, SHORTEST, column, column_mut, lengths};
use crate::relaxation::{Relaxation, Slope};
use crate::state::State;

/// Everything a sweep computes, and the memory it computes in.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    /// `V_k`; `V_0` is a copy of the state's input.
    pub(crate) signals: Vec<Mat<f64>>,
    /// `u_k` of every block, `O` for the output; nothing for the input.
    pub(crate) incoming: Vec<Mat<f64>>,
    /// `‖u_j‖`.
    pub(crate) incoming_lengths: Vec<Vec<f64>>,
    /// `C_k` of input and hidden blocks; `a_k` instead once a block is done; `G` for the output.
    pub(crate) pulls: Vec<Mat<f64>>,
    /// `‖C_j‖`.
    pub(crate) pull_lengths: Vec<Vec<f64>>,
    /// `⟨G, O⟩`: the value of a feasible point of the relaxation.
    pub(crate) value: f64,
}

impl Pass {
    /// Room for sweeps of `rank` columns.
    pub(crate) fn new(relaxation: &Relaxation, rank: usize) -> Self {
        let system = relaxation.system;
        let blocks = || 0..system.blocks();
        let matrices = || -> Vec<Mat<f64>> { blocks().map(|k| Mat::zeros(rank, system.len(k))).collect() };
        let numbers = || -> Vec<Vec<f64>> { blocks().map(|k| vec![0.0; system.len(k)]).collect() };
        Self {
            signals: matrices(),
            incoming: matrices(),
            incoming_lengths: numbers(),
            pulls: matrices(),
            pull_lengths: numbers(),
            value: 0.0,
        }
    }

    /// Sweeps from `state`, leaves the new point in `next` and returns the value at `state`.
    pub(crate) fn sweep(&mut self, relaxation: &Relaxation, state: &State, next: &mut State) -> f64 {
        self.forward(relaxation, state);
        self.backward(relaxation, state, next);
        self.value
    }

    /// The forward pass, up to the value.
    pub(crate) fn forward(&mut self, relaxation: &Relaxation, state: &State) {
        let last = relaxation.last();
        self.signals[0].copy_from(state.block(0));
        for k in 1..=last {
            self.incoming[k].fill(0.0);
            for edge in relaxation.system.edges_into(k) {
                let par = relaxation.parallelism(edge.map.coefficients(), state.rank());
                let (from, to) = (&self.signals[edge.from], &mut self.incoming[k]);
                edge.map.apply_add(from.transpose(), to.transpose_mut(), par);
            }
            lengths(self.incoming[k].as_ref(), &mut self.incoming_lengths[k]);
            if k < last {
                combine(
                    &mut self.signals[k],
                    (&self.incoming[k], &self.incoming_lengths[k]),
                    state.block(k),
                    &relaxation.slopes[k - 1],
                );
            }
        }
        self.value = relaxation.outputs.support(&self.incoming_lengths[last]);
    }

    /// How strongly the value depends on each unknown: `‖C_0‖` for inputs, `h ‖u_j‖ ‖C_j‖` for directions. The gradient
    /// is this times the tangent part of the sweep's image.
    pub(crate) fn strengths(&self, relaxation: &Relaxation, out: &mut [f64]) {
        let (inputs, mut rest) = out.split_at_mut(self.pull_lengths[0].len());
        match relaxation.inputs {
            Ball::Whole => inputs.fill(relaxation.inputs.support(&self.pull_lengths[0])),
            Ball::EachColumn => inputs.copy_from_slice(&self.pull_lengths[0]),
        }
        for (k, slopes) in (1..).zip(&relaxation.slopes) {
            let (block, later) = rest.split_at_mut(slopes.len());
            let lengths = self.incoming_lengths[k].iter().zip(&self.pull_lengths[k]);
            for ((out, slope), (u, c)) in block.iter_mut().zip(slopes).zip(lengths) {
                *out = slope.half * u * c;
            }
            rest = later;
        }
    }

    /// The backward pass.
    fn backward(&mut self, relaxation: &Relaxation, state: &State, next: &mut State) {
        let last = relaxation.last();
        for pull in &mut self.pulls[..last] {
            pull.fill(0.0);
        }
        self.pulls[last].copy_from(&self.incoming[last]);
        relaxation.outputs.normalise(&mut self.pulls[last], &self.incoming_lengths[last]);
        for k in (0..=last).rev() {
            if k < last {
                lengths(self.pulls[k].as_ref(), &mut self.pull_lengths[k]);
            }
            if k == 0 {
                self.place_input(relaxation, state, next);
            } else if k < last {
                let pull = (&mut self.pulls[k], &self.pull_lengths[k][..]);
                let incoming = (&self.incoming[k], &self.incoming_lengths[k][..]);
                turn(pull, incoming, &relaxation.slopes[k - 1], (k, state, next));
            }
            let (earlier, own) = self.pulls.split_at_mut(k);
            for edge in relaxation.system.edges_into(k) {
                let par = relaxation.parallelism(edge.map.coefficients(), state.rank());
                edge.map.apply_transpose_add(own[0].transpose(), earlier[edge.from].transpose_mut(), par);
            }
        }
    }

    /// New `V_0`: `C_0` on the input sphere; inputs on which nothing depends stay.
    fn place_input(&self, relaxation: &Relaxation, state: &State, next: &mut State) {
        let whole = relaxation.inputs.support(&self.pull_lengths[0]);
        for (j, &own) in self.pull_lengths[0].iter().enumerate() {
            let length = if relaxation.inputs == Ball::Whole { whole } else { own };
            let target = next.vector_mut(0, j);
            if length > SHORTEST {
                let factor = length.recip();
                for (t, c) in target.iter_mut().zip(column(self.pulls[0].as_ref(), j)) {
                    *t = factor * c;
                }
            } else {
                target.copy_from_slice(state.vector(0, j));
            }
        }
    }
}

/// `V = m u + h ‖u‖ g`, neuron by neuron.
fn combine(
    signals: &mut Mat<f64>,
    (incoming, sizes): (&Mat<f64>, &[f64]),
    directions: MatRef<'_, f64>,
    slopes: &[Slope],
) {
    for (j, (slope, size)) in slopes.iter().zip(sizes).enumerate() {
        let (u, g) = (column(incoming.as_ref(), j), column(directions, j));
        let reach = slope.half * size;
        for ((v, u), g) in column_mut(signals.as_mut(), j).iter_mut().zip(u).zip(g) {
            *v = slope.mean * u + reach * g;
        }
    }
}

/// New directions `C/‖C‖` of block `k`, and `C` becomes `a = m C + h ‖C‖ u/‖u‖`. A direction on which nothing depends stays.
fn turn(
    (pulls, pull_sizes): (&mut Mat<f64>, &[f64]),
    (incoming, sizes): (&Mat<f64>, &[f64]),
    slopes: &[Slope],
    (k, state, next): (usize, &State, &mut State),
) {
    for (j, slope) in slopes.iter().enumerate() {
        let u = column(incoming.as_ref(), j);
        let c = column_mut(pulls.as_mut(), j);
        let along = if sizes[j] > SHORTEST { slope.half * pull_sizes[j] / sizes[j] } else { 0.0 };
        let target = next.vector_mut(k, j);
        if pull_sizes[j] > SHORTEST {
            let inverse = pull_sizes[j].recip();
            target.iter_mut().zip(&*c).for_each(|(g, c)| *g = inverse * c);
        } else {
            target.copy_from_slice(state.vector(k, j));
        }
        for (c, u) in c.iter_mut().zip(u) {
            *c = slope.mean * *c + along * u;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use tightlip_model::{Activation, IncrementSystem, Norm, OutputSelection, Query, random_network};

    use super::*;

    #[test]
    fn plain_sweeps_never_lower_the_value_and_every_unknown_stays_on_its_sphere() {
        let slopes = [Activation::Relu, Activation::Tanh, Activation::LeakyRelu { slope: 0.3 }, Activation::Abs];
        for (seed, activation) in slopes.into_iter().enumerate() {
            for (input_norm, output_norm) in
                [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)]
            {
                let network = random_network(&[4, 7, 6, 3], activation, seed as u64).expect("valid");
                let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
                let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
                let relaxation = Relaxation::new(&system, &query, 1);
                let mut state = State::random(&relaxation, 5, &mut ChaCha8Rng::seed_from_u64(7));
                let (mut next, mut pass) = (state.clone(), Pass::new(&relaxation, 5));
                let mut before = 0.0;
                for _ in 0..60 {
                    let value = pass.sweep(&relaxation, &state, &mut next);
                    assert!(value >= before * (1.0 - 1e-13), "{activation} {input_norm} {output_norm}");
                    before = value;
                    std::mem::swap(&mut state, &mut next);
                }
                let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
                let inputs: Vec<f64> = (0..4).map(|j| length(state.vector(0, j))).collect();
                let size = if input_norm == Norm::L2 { length(&inputs) } else { inputs[3] };
                assert!((size - 1.0).abs() < 1e-12);
                assert!((length(state.vector(2, 5)) - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn one_neuron_has_the_value_that_paper_and_pencil_give() {
        // 2 relu(3x) in R^2: V_0 = g gives u = 3, v = 3, O = 6; V_0 = −g gives v = 0.
        let edge = |from: usize, weight: f64| tightlip_model::Edge {
            from,
            to: from + 1,
            map: tightlip_model::LinearMap::from_rows(&[vec![weight]]),
        };
        let slopes = vec![vec![tightlip_model::SlopeInterval::UNIT]];
        let system = IncrementSystem::new(1, slopes, 1, vec![edge(0, 3.0), edge(1, 2.0)]).expect("valid");
        let relaxation = Relaxation::new(&system, &Query::euclidean(OutputSelection::All), 1);
        let mut pass = Pass::new(&relaxation, 2);
        for (sign, value) in [(1.0, 6.0), (-1.0, 0.0)] {
            let mut state = State::zeros(&relaxation, 2);
            state.vector_mut(0, 0).copy_from_slice(&[0.6, 0.8]);
            state.vector_mut(1, 0).copy_from_slice(&[0.6 * sign, 0.8 * sign]);
            pass.forward(&relaxation, &state);
            assert!((pass.value - value).abs() < 1e-14);
        }
    }
}
