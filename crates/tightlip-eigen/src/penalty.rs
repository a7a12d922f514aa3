//! LipDiff's formulation: LipSDP for ℓ2 outputs as an exact penalty on one eigenvalue (Wang et al. 2024).
//!
//! Variables `λ_j ≥ 0` for each hidden neuron and `κ ≥ 0`: `κ_1` of the input (one for ℓ2, one for each coordinate for ℓ∞), `κ_h` of
//! the redundant constraints `δ_j² ≤ b_j` (see [`Reach`]), and `κ_0` of the normalisation. In the signals of the pencil `F`,
//!
//!   `S(λ, κ) = −F(D_in = κ_1, λ, D_out = q) − Diag(κ_h)`,   `q = κ_0 − Σκ_1 − bᵀκ_h`,
//!   minimise `½ (κ_0 + ρ max(0, λ_max(S)))`,
//!
//! whose minimum is LipSDP-Neuron for every `ρ` that bounds the trace of the relaxation. The outputs take the place of the single
//! row 0 of the publication; there may be several.
//!
//! *Every point is a bound*: with `δ = max(0, λ_max(S))` the multipliers `D_in + δ`, `λ`, `q + δ`, enlarged as [`Reach`] says by `δ`
//! on every block and by `κ_h` on the neurons, are feasible for LipSDP and claim `½ (κ_0 + δ ρ)` with the `ρ` of the reaches.

use faer::{Mat, MatMut, MatRef};
use rand_chacha::ChaCha8Rng;
use tightlip_model::{IncrementSystem, Norm, Query};

use crate::lanczos::extreme_pairs;
use crate::pairs::Stop;
use crate::reach::Reach;
use crate::scaled_pencil::Passes;
use crate::settings::{Checks, End, LanczosSettings, LookAgain, Start, Watch};

pub(crate) mod starts;

/// The weight `ρ` of the penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PenaltyWeight {
    /// As published: `1 + R_0 + Σ_j b_j`.
    Code,
    /// The smaller one by the norms of the layers: `1 + Σ_k R_k`.
    Tight,
}

/// The redundant constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redundant {
    /// With their multipliers `κ_h`.
    On,
    /// Without.
    Off,
}

/// A point of the formulation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// One for each hidden neuron.
    pub(crate) lambda: Vec<f64>,
    /// `κ_0`, the entries of `κ_1`, and `κ_h` unless there are no redundant constraints.
    pub(crate) kappa: Vec<f64>,
}

impl Point {
    /// Every entry through `change`.
    pub(crate) fn map(&self, change: impl Fn(f64) -> f64 + Copy) -> Self {
        Self {
            lambda: self.lambda.iter().copied().map(change).collect(),
            kappa: self.kappa.iter().copied().map(change).collect(),
        }
    }
}

/// The formulation for one system.
#[derive(Debug)]
pub(crate) struct Penalty<'a, 's> {
    passes: &'a Passes<'s>,
    reach: Reach,
    /// Entries of `κ_1`.
    inputs: usize,
    redundant: Redundant,
    rho: f64,
}

impl<'a, 's> Penalty<'a, 's> {
    /// The formulation for the system of `passes` and the norms of `query`; ℓ2 outputs.
    pub(crate) fn new(passes: &'a Passes<'s>, query: &Query, weight: PenaltyWeight, redundant: Redundant) -> Self {
        let reach = Reach::new(passes.system(), query.input_norm);
        let inputs = if query.input_norm == Norm::LInf { passes.system().len(0) } else { 1 };
        let rho = match weight {
            PenaltyWeight::Code => reach.rho_code(),
            PenaltyWeight::Tight => reach.rho_tight(),
        };
        Self { passes, reach, inputs, redundant, rho }
    }

    /// The passes of the system.
    pub(crate) fn passes(&self) -> &'a Passes<'s> {
        self.passes
    }

    /// The system.
    pub(crate) fn system(&self) -> &IncrementSystem {
        self.passes.system()
    }

    /// The bounds of its signals.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Number of entries of `λ` and of `κ`.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let neurons = self.system().neurons();
        (neurons, 1 + self.inputs + if self.redundant == Redundant::On { neurons } else { 0 })
    }

    /// `κ_1` of a point.
    fn kappa_1<'p>(&self, point: &'p Point) -> &'p [f64] {
        &point.kappa[1..=self.inputs]
    }

    /// `κ_h` of a point, zeros where there is none.
    fn kappa_h(&self, point: &Point) -> Vec<f64> {
        match self.redundant {
            Redundant::On => point.kappa[1 + self.inputs..].to_vec(),
            Redundant::Off => vec![0.0; point.lambda.len()],
        }
    }

    /// `q`, negative where the point claims more than `κ_0` has.
    fn output_weight(&self, point: &Point) -> f64 {
        let inputs: f64 = self.kappa_1(point).iter().sum();
        let redundant: f64 = self.reach.rows().iter().zip(self.kappa_h(point)).map(|(b, kappa)| b * kappa).sum();
        point.kappa[0] - inputs - redundant
    }

    /// `S` at a point.
    pub(crate) fn matrix(&self, point: &Point) -> PenaltyMatrix<'a, 's> {
        let (order, outputs) = (self.passes.order(), self.system().output_block());
        let (mut diagonal, mut own) = (vec![self.output_weight(point); order], vec![0.0; order]);
        let kappa_1 = self.kappa_1(point);
        for i in self.passes.block(0) {
            diagonal[i] = kappa_1[i.min(self.inputs - 1)];
        }
        let hidden = self.passes.block(0).end..self.passes.block(outputs).start;
        for ((i, lambda), kappa) in hidden.zip(&point.lambda).zip(self.kappa_h(point)) {
            diagonal[i] = 2.0 * lambda;
            own[i] = kappa;
        }
        PenaltyMatrix { passes: self.passes, diagonal, own }
    }

    /// The objective at a point where `λ_max(S)` is `eigenvalue`.
    pub(crate) fn value(&self, point: &Point, eigenvalue: f64) -> f64 {
        0.5 * (point.kappa[0] + self.rho * eigenvalue.max(0.0))
    }

    /// A subgradient of the objective where `λ_max(S)` is `eigenvalue` with the unit eigenvector `vector`:
    /// `½ρ` times `−‖v_η‖²`, `‖v_η‖² − v_x²`, `b_j‖v_η‖² − v_j²` and `−2(v_j − α_j s_j)(v_j − β_j s_j)`, and `½` for `κ_0`.
    pub(crate) fn subgradient(&self, eigenvalue: f64, vector: MatRef<'_, f64>) -> Point {
        let (neurons, count) = self.sizes();
        let mut gradient = Point { lambda: vec![0.0; neurons], kappa: vec![0.0; count] };
        gradient.kappa[0] = 0.5;
        if eigenvalue <= 0.0 {
            return gradient;
        }
        let half = 0.5 * self.rho;
        let square = |block: usize| self.passes.block(block).map(|i| vector[(i, 0)].powi(2)).sum::<f64>();
        let output = square(self.system().output_block());
        gradient.kappa[0] -= half * output;
        if self.inputs == 1 {
            gradient.kappa[1] = half * (output - square(0));
        } else {
            for i in 0..self.inputs {
                gradient.kappa[1 + i] = half * (output - vector[(i, 0)].powi(2));
            }
        }
        let mut incoming = Mat::<f64>::zeros(vector.nrows(), 1);
        self.passes.add_incoming(vector, incoming.as_mut());
        let first = self.passes.block(0).end;
        for j in 0..neurons {
            let (v, s) = (vector[(first + j, 0)], incoming[(first + j, 0)]);
            gradient.lambda[j] = -2.0 * half * self.passes.sector_form(first + j, v, s);
            if self.redundant == Redundant::On {
                gradient.kappa[1 + self.inputs + j] = half * (self.reach.rows()[j] * output - v * v);
            }
        }
        gradient
    }

    /// The feasible multipliers behind a point where `λ_max(S) ≤ surplus`: weights of inputs, hidden neurons, weight of outputs,
    /// as [`crate::Variables`] packs them. They claim `½ (κ_0 + surplus · ρ)` at most, with the smaller `ρ`.
    pub(crate) fn realised(&self, point: &Point, surplus: f64) -> Vec<f64> {
        let own = vec![surplus; self.system().output_block()];
        self.packed(
            self.kappa_1(point),
            &point.lambda,
            (&own, &self.kappa_h(point)),
            self.output_weight(point) + surplus,
        )
    }

    /// Multipliers enlarged by `own` on the blocks and by `kappa` on the neurons, as [`crate::Variables`] packs them.
    fn packed(&self, inputs: &[f64], lambda: &[f64], (own, kappa): (&[f64], &[f64]), output: f64) -> Vec<f64> {
        let mut lambda = lambda.to_vec();
        let need = self.reach.enlarge(own, kappa, &mut lambda);
        let mut packed: Vec<f64> = inputs.iter().map(|weight| weight + need).collect();
        packed.extend(lambda);
        packed.push(output);
        packed
    }
}

/// `S` at some point.
#[derive(Debug)]
pub(crate) struct PenaltyMatrix<'a, 's> {
    passes: &'a Passes<'s>,
    /// The diagonal `D` of the pencil.
    diagonal: Vec<f64>,
    /// What a signal has beside it: `κ_h`.
    own: Vec<f64>,
}

/// The largest eigenvalue as far as it is known.
#[derive(Debug)]
pub(crate) struct Top {
    /// A Ritz value: never above the eigenvalue.
    pub(crate) value: f64,
    /// How far above it the eigenvalue next to it can be.
    pub(crate) error: f64,
    /// A unit vector, `order × 1`.
    pub(crate) vector: Mat<f64>,
    /// Products made.
    pub(crate) products: usize,
}

impl PenaltyMatrix<'_, '_> {
    /// `y ← S x` for every column.
    pub(crate) fn apply(&self, x: MatRef<'_, f64>, mut y: MatMut<'_, f64>) {
        y.copy_from(x);
        self.passes.apply_form(&self.diagonal, y.as_mut());
        for (mut image, vector) in y.col_iter_mut().zip(x.col_iter()) {
            for (i, own) in self.own.iter().enumerate() {
                image[i] = -image[i] - own * vector[i];
            }
        }
    }

    /// The largest Ritz value of `steps` steps of Lanczos from the vector `start`. `None` where numbers leave their range.
    pub(crate) fn top_after(&self, steps: usize, start: MatRef<'_, f64>, random: &mut ChaCha8Rng) -> Option<Top> {
        let settings = LanczosSettings {
            largest_basis: steps + 2,
            most_products: steps,
            tolerance: 0.0,
            checks: Checks::FullBasis,
            ..LanczosSettings::new(1, End::Largest)
        };
        self.top(&settings, Start::given(start, random), Watch::default())
    }

    /// The largest eigenpair, to convergence. `None` where time is over or numbers leave their range.
    pub(crate) fn top(&self, settings: &LanczosSettings, start: Start<'_>, watch: Watch<'_>) -> Option<Top> {
        let found = extreme_pairs(self.passes.order(), settings, start, &mut |x, y| self.apply(x, y), watch).ok()?;
        if found.stop == Stop::Deadline {
            return None;
        }
        let (&value, &error) = found.values.first().zip(found.residuals.first())?;
        Some(Top { value, error, vector: found.vectors.subcols(0, 1).to_owned(), products: found.products })
    }

    /// The settings for an eigenpair to convergence.
    pub(crate) fn converged() -> LanczosSettings {
        /// Vectors of the basis: an operator of a smaller order is decomposed exactly.
        const BASIS: usize = 160;
        LanczosSettings {
            largest_basis: BASIS,
            tolerance: 1e-12,
            look_again: LookAgain::AfterConvergence,
            ..LanczosSettings::new(1, End::Largest)
        }
    }
}

#[cfg(test)]
mod tests;
