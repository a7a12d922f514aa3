//! The accelerated iteration: quasi-Newton steps in the metric of the sweep.
//!
//! A sweep from `x` has an image `S(x)` on the spheres, and the gradient of the value is `M` times its tangent part, `M` the
//! strengths of the unknowns. The plain step `x ← S(x)` never lowers the value. L-BFGS with `M^{−1}` as its first metric needs
//! about a third of the sweeps of Nesterov's momentum (measured; Anderson acceleration lies between), at one sweep a
//! step: the full step is nearly always accepted. Where no step length raises the value enough, the plain step is taken
//! and the memory cleared.

use faer::MatRef;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tightlip_model::{IncrementSystem, Multipliers, Query, RelaxationPoint};

use crate::columns::{SHORTEST, column, dot};
use crate::quasi_newton::Memory;
use crate::relaxation::{Relaxation, Slope};
use crate::state::State;
use crate::sweep::Pass;
use crate::{multipliers, null_space};

/// Plain steps at the start: the first ones gain most, and curvature there says nothing.
const PLAIN: u32 = 3;
/// Step lengths tried before the plain step.
const TRIES: usize = 3;
/// Part of the linear gain that a step must reach (Armijo).
const ENOUGH: f64 = 1e-4;
/// Rounding of the value, relative: falls below it do not count.
const ROUNDING: f64 = 1e-14;

/// A point with its image and gradient.
#[derive(Debug, Clone)]
pub(crate) struct Visited {
    pub(crate) x: State,
    image: State,
    gradient: State,
    value: f64,
}

/// What the slope of a neuron means for the value: it moves by `strength · (1 ± cosine)/2` when the slope is fixed at its lower
/// or upper end and nothing else changes.
#[derive(Debug, Clone, Copy)]
pub struct Leverage {
    /// `(β − α) ‖u‖ ‖C‖`.
    pub strength: f64,
    /// The cosine between what comes in, `u`, and the gradient, `C`: 1 says that the slope is at β, −1 at α.
    pub cosine: f64,
}

/// The lifted power iteration on one system.
#[derive(Debug, Clone)]
pub struct LiftedIteration<'s> {
    pub(crate) relaxation: Relaxation<'s>,
    /// The current point; `pass` belongs to it.
    pub(crate) here: Visited,
    /// Room for the next one.
    there: Visited,
    pub(crate) pass: Pass,
    direction: State,
    strengths: Vec<f64>,
    inverse_strengths: Vec<f64>,
    memory: Memory,
    /// Plain steps still to make.
    plain: u32,
    sweeps: u64,
    pub(crate) random: ChaCha8Rng,
}

impl<'s> LiftedIteration<'s> {
    /// Starts from a random point of the given rank.
    ///
    /// # Panics
    /// If `rank` is 0, or for norms other than ℓ2 or ℓ∞ in and ℓ2 or ℓ1 out.
    pub fn new(system: &'s IncrementSystem, query: &Query, rank: usize, seed: u64, threads: usize) -> Self {
        assert!(rank > 0, "a vector needs a coordinate");
        let relaxation = Relaxation::new(system, query, threads);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let x = State::random(&relaxation, rank, &mut random);
        let pass = Pass::new(&relaxation, rank);
        let direction = x.clone();
        let here = Visited { image: x.clone(), gradient: x.clone(), value: 0.0, x };
        let strengths = vec![0.0; here.x.signals()];
        let mut iteration = Self {
            relaxation,
            there: here.clone(),
            here,
            pass,
            direction,
            inverse_strengths: strengths.clone(),
            strengths,
            memory: Memory::default(),
            plain: plain_steps(rank),
            sweeps: 0,
            random,
        };
        iteration.visit();
        std::mem::swap(&mut iteration.here, &mut iteration.there);
        iteration
    }

    /// Starts from `point`, of which the vectors are scaled to length one.
    ///
    /// # Panics
    /// If the point does not have the shape of the system or has no columns, or for norms other than ℓ2 or ℓ∞ in and ℓ2 or ℓ1
    /// out.
    pub fn from_point(system: &'s IncrementSystem, query: &Query, point: &RelaxationPoint, threads: usize) -> Self {
        let rank = point.input.nrows();
        let mut iteration = Self::new(system, query, rank, 0, threads);
        let mut state = State::zeros(&iteration.relaxation, rank);
        for (k, block) in std::iter::once(&point.input).chain(&point.directions).enumerate() {
            assert_eq!(block.ncols(), system.len(k), "a point of this system");
            for j in 0..block.ncols() {
                state.vector_mut(k, j).copy_from_slice(column(block.as_ref(), j));
            }
        }
        state.normalise(&iteration.relaxation);
        iteration.restart(state);
        iteration
    }

    /// One accelerated step; returns the value, which never falls beyond rounding.
    pub fn step(&mut self) -> f64 {
        if self.plain > 0 || !self.quasi_newton_step() {
            self.plain = self.plain.saturating_sub(1);
            self.memory.clear();
            self.there.x.copy_from(&self.here.image);
            self.visit();
        }
        std::mem::swap(&mut self.here, &mut self.there);
        self.here.value
    }

    /// Tries steps along the quasi-Newton direction; whether `there` is one that raises the value enough.
    fn quasi_newton_step(&mut self) -> bool {
        let here = &self.here;
        for (inverse, &strength) in self.inverse_strengths.iter_mut().zip(&self.strengths) {
            *inverse = inverse_strength(strength);
        }
        self.direction.copy_from(&here.gradient);
        self.memory.apply(&mut self.direction, &self.inverse_strengths);
        self.direction.project(&self.relaxation, &here.x);
        let slope = here.gradient.inner(&self.direction);
        if !(slope > 0.0 && slope.is_finite()) {
            return false;
        }
        let mut length = 1.0;
        for _ in 0..TRIES {
            self.there.x.retract(&self.relaxation, &self.here.x, length, &self.direction);
            self.visit();
            let (before, after) = (self.here.value, self.there.value);
            if after >= before + ENOUGH * length * slope - ROUNDING * before {
                self.memory.remember((&self.here.x, &self.here.gradient), (&self.there.x, &self.there.gradient));
                return true;
            }
            // The maximiser of the parabola through both values and the slope.
            let parabola = length * length * slope / (2.0 * (before + length * slope - after));
            length = parabola.clamp(0.1 * length, 0.5 * length);
        }
        false
    }

    /// Sweeps from `there.x` and fills in the rest of `there`.
    fn visit(&mut self) {
        let there = &mut self.there;
        there.value = self.pass.sweep(&self.relaxation, &there.x, &mut there.image);
        self.pass.strengths(&self.relaxation, &mut self.strengths);
        there.gradient.copy_from(&there.image);
        there.gradient.project(&self.relaxation, &there.x);
        there.gradient.scale(&self.strengths);
        self.sweeps += 1;
    }

    /// Begins again from `state`, of any rank.
    pub(crate) fn restart(&mut self, state: State) {
        if state.rank() != self.rank() {
            self.pass = Pass::new(&self.relaxation, state.rank());
        }
        self.memory.reset();
        self.plain = plain_steps(state.rank());
        self.direction = state.clone();
        self.there = Visited { image: state.clone(), gradient: state.clone(), value: 0.0, x: state };
        self.here = self.there.clone();
        self.visit();
        std::mem::swap(&mut self.here, &mut self.there);
    }

    /// The value of the current point: a feasible value of the relaxation, up to rounding.
    pub fn value(&self) -> f64 {
        self.here.value
    }

    /// Sweeps made, those of rejected steps included.
    pub fn sweeps(&self) -> u64 {
        self.sweeps
    }

    /// Number of columns.
    pub fn rank(&self) -> usize {
        self.here.x.rank()
    }

    /// The multipliers that the current point gives by stationarity; feasible in the limit only.
    pub fn multipliers(&self) -> Multipliers {
        multipliers::of_pass(&self.relaxation, &self.pass)
    }

    /// The multipliers by stationarity, corrected so that the pencil vanishes on the space the point spans, for the most
    /// likely dimensions of that space, the likeliest first (see the module `null_space`).
    pub fn corrected_multipliers(&self) -> Vec<Multipliers> {
        null_space::corrected(&self.relaxation, &self.pass, &self.multipliers())
    }

    /// How much the value depends on the slope of each hidden neuron of block `k`, from 1, and which end it leans to.
    ///
    /// # Panics
    /// If `k` is not a hidden block.
    pub fn leverages(&self, k: usize) -> Vec<Leverage> {
        let (pass, slopes) = (&self.pass, &self.relaxation.slopes[k - 1]);
        let sizes = pass.incoming_lengths[k].iter().zip(&pass.pull_lengths[k]);
        let leverage = |(j, (slope, (u, c))): (usize, (&Slope, (&f64, &f64)))| {
            // The image has the directions of the pulls.
            let along = dot(column(pass.incoming[k].as_ref(), j), self.here.image.vector(k, j));
            let cosine = if *u > SHORTEST { along / u } else { 0.0 };
            Leverage { strength: 2.0 * slope.half * u * c, cosine }
        };
        slopes.iter().zip(sizes).enumerate().map(leverage).collect()
    }

    /// The vectors of the inputs (`r × n_0`) and how much the value depends on each.
    pub fn inputs(&self) -> (MatRef<'_, f64>, &[f64]) {
        (self.here.image.block(0), &self.pass.pull_lengths[0])
    }

    /// The vectors of the outputs' dual (`r × n_out`) and how much the value depends on each.
    pub fn outputs(&self) -> (MatRef<'_, f64>, &[f64]) {
        let last = self.relaxation.last();
        (self.pass.pulls[last].as_ref(), &self.pass.incoming_lengths[last])
    }

    /// The current point, and the vectors `a_k` of the hidden blocks that
    /// [`Reduction::lift_point`](tightlip_model::Reduction::lift_point) asks for. The inputs are those of the point's
    /// image, which the vectors belong to.
    pub fn point(&self) -> (RelaxationPoint, &[faer::Mat<f64>]) {
        let directions = (1..self.relaxation.last()).map(|k| self.here.x.block(k).to_owned()).collect();
        let point = RelaxationPoint { input: self.here.image.block(0).to_owned(), directions };
        (point, &self.pass.pulls[1..self.relaxation.last()])
    }
}

/// Plain steps before the quasi-Newton ones. With one column directions are signs, which only a plain step can flip.
fn plain_steps(rank: usize) -> u32 {
    if rank == 1 { u32::MAX } else { PLAIN }
}

/// `1/m`; an unknown on which nothing depends does not move.
fn inverse_strength(m: f64) -> f64 {
    let inverse = m.recip();
    if inverse.is_finite() { inverse } else { 0.0 }
}
