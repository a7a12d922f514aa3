//! The spectral bundle method in the metric of the multipliers.
//!
//! LipSDP as eigenvalue optimisation: minimise `½(weight_in + weight_out)` with an exact penalty on the smallest eigenvalue of
//! the pencil (Helmberg and Rendl 2000, for LipSDP Wang et al. 2024). Four things make it fast here.
//!
//! *Relative multipliers*: the penalty is on the scaled pencil `D̂^{−½} F(y) D̂^{−½}` around the centre `ŷ`, and the
//! variables are `z_j = y_j / ŷ_j`. The problem then does not depend on units of neurons or layers, the trace of the optimal dual
//! matrix is `H + 1` times the bound for `H` hidden blocks, which is the exact penalty on chains, and the weight of the proximal term of
//! each multiplier is what of the dual matrix lies at its signals.
//!
//! *Retraction*: where `λ_min = −δ`, multiplying with powers of `1 + δ` along the network gives feasible multipliers (for chains
//! with slopes `[0, 1]` exactly) with a bound `(1 + δ)^{H+1}` times as large, whatever the sign of `δ`; other systems are made feasible
//! term by term. Every centre is feasible as far as its eigenvalue is known, what a step is worth needs no penalty parameter, and how
//! fast the bound grows with `δ` is the exact penalty.
//!
//! *Eigenvalues* are computed by block Lanczos from the last eigenvectors, as exactly as the promised gain asks for and no more; a
//! centre that is to be proved, or that no step can leave, is looked at more closely and retracted again.
//!
//! *The model* keeps the space of the last eigenvectors together with the leading directions of the last dual matrix; the
//! subproblem is a small quadratic semidefinite program.

use faer::Mat;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tightlip_model::Multipliers;

use self::model::{Model, side_by_side};
use crate::companion::{Candidate, Companion, Ending, Run, Step, Verdict, cut_short};
use crate::lanczos::extreme_pairs;
use crate::pairs::Stop;
use crate::retraction::{PENALTY, Retraction, bound};
use crate::scaled_pencil::{Passes, ScaledPencil};
use crate::settings::{Checks, End, LanczosSettings, Progress, Start, Watch};
use crate::variables::Variables;

mod model;
mod quadratic;

/// How the bundle is run.
#[derive(Debug, Clone, Copy)]
pub struct BundleSettings {
    /// Eigenvectors of each new pencil that join the model; at least one.
    pub new_vectors: usize,
    /// Directions of the last dual matrix that stay at most.
    pub kept_vectors: usize,
    /// Steps at most.
    pub most_iterations: u64,
    /// Seed of the first block of vectors.
    pub seed: u64,
}

impl Default for BundleSettings {
    fn default() -> Self {
        Self { new_vectors: 8, kept_vectors: 6, most_iterations: 2000, seed: 0 }
    }
}

/// Part of the proximal weights of a block that all its multipliers share.
const SHARED: f64 = 0.05;
/// A step that gains more than this part of what the model promised loosens the proximal term, one that gains less than
/// the other tightens it.
const GOOD: f64 = 0.7;
const POOR: f64 = 0.2;
const LOOSER: f64 = 0.6;
const LITTLE_LOOSER: f64 = 0.9;
const TIGHTER: f64 = 2.0;
/// The range of the proximal factor.
const PROXIMAL: (f64, f64) = (1e-3, 1e4);
/// No multiplier changes by more than this factor, as a logarithm, in one step.
const LARGEST_CHANGE: f64 = 1.0;

/// Runs the bundle from `start`, feasible or not, until `companion` has enough.
pub fn spectral_bundle(
    passes: &Passes<'_>,
    variables: &Variables,
    start: &Multipliers,
    settings: &BundleSettings,
    companion: &mut dyn Companion,
) -> Run {
    let mut bundle = Bundle::new(passes, variables, start, settings);
    let ending = bundle.iterate(companion);
    Run { ending, iterations: bundle.iterations, products: bundle.products, best: bundle.candidate() }
}

/// The state between steps.
struct Bundle<'a, 's> {
    passes: &'a Passes<'s>,
    variables: &'a Variables,
    settings: &'a BundleSettings,
    retraction: Retraction,
    random: ChaCha8Rng,
    /// The centre: multipliers that are feasible as far as Lanczos can see.
    centre: Vec<f64>,
    value: f64,
    /// How fast the bound grows with the shortfall of the eigenvalue at the centre, relative.
    slope: f64,
    /// Vectors whose span is the next model.
    vectors: Mat<f64>,
    /// The eigenvectors of the last pencil, to start the next search from.
    last: Mat<f64>,
    /// The leading directions of the dual matrix of the last step.
    dual: Mat<f64>,
    /// What of the dual matrix lies at each multiplier.
    flows: Vec<f64>,
    proximal: f64,
    /// The last gain that the model promised, relative.
    promised: f64,
    /// The part of a promised gain, per block, to which eigenvalues are computed now.
    accuracy: f64,
    /// The best centre that a closer look has confirmed, and its bound.
    best: Option<(f64, Vec<f64>)>,
    /// Steps without a gain since the last that had one.
    nulls: u32,
    iterations: u64,
    products: u64,
}

/// What Lanczos says about a pencil.
struct Seen {
    /// `−λ_min`, with the estimated error of the Ritz value added.
    shortfall: f64,
    /// The eigenvectors as signals.
    signals: Mat<f64>,
}

impl<'a, 's> Bundle<'a, 's> {
    fn new(
        passes: &'a Passes<'s>,
        variables: &'a Variables,
        start: &Multipliers,
        settings: &'a BundleSettings,
    ) -> Self {
        let order = passes.order();
        let centre = variables.pack(start);
        let value = bound(variables, &centre);
        Self {
            passes,
            variables,
            settings,
            retraction: Retraction::new(passes.system(), variables),
            slope: 1.0,
            random: ChaCha8Rng::seed_from_u64(settings.seed),
            centre,
            value,
            vectors: Mat::zeros(order, 0),
            last: Mat::zeros(order, 0),
            dual: Mat::zeros(order, 0),
            flows: vec![1.0; variables.len()],
            proximal: 1.0,
            promised: 1.0,
            accuracy: ACCURACY.1,
            best: None,
            nulls: 0,
            iterations: 0,
            products: 0,
        }
    }

    /// Steps until there is a reason to stop.
    fn iterate(&mut self, companion: &mut dyn Companion) -> Ending {
        /// So many steps that together gain no more than this part are the end.
        const PATIENCE: u32 = 40;
        const NO_GAIN: f64 = 1e-10;
        let (mut before, mut idle) = (f64::INFINITY, 0);
        if !self.confirm(companion) {
            return cut_short(companion);
        }
        loop {
            if self.iterations >= self.settings.most_iterations || idle > PATIENCE || companion.is_due(self.promised) {
                if !self.confirm(companion) {
                    return cut_short(companion);
                }
                let verdict = companion.judge(&self.candidate());
                self.observe(companion);
                if verdict == Verdict::Enough {
                    return Ending::Enough;
                }
            } else {
                self.observe(companion);
            }
            if self.iterations >= self.settings.most_iterations {
                return Ending::Finished;
            }
            if self.value < before * (1.0 - NO_GAIN) || idle > PATIENCE && self.value > before * (1.0 + NO_GAIN) {
                (before, idle) = (self.value, 0);
            }
            idle += 1;
            if idle > PATIENCE + 1 || !self.value.is_normal() || !self.has_model() {
                return Ending::Stalled;
            }
            if companion.is_over() || !self.step(companion) {
                return cut_short(companion);
            }
            // A centre that no step can leave may claim too much.
            if self.nulls >= NULLS && !self.confirm(companion) {
                return cut_short(companion);
            }
        }
    }

    /// Whether there is something to make a model of: numbers that have left their range leave nothing.
    fn has_model(&self) -> bool {
        let finite = |vectors: &Mat<f64>| vectors.col_iter().all(|column| column.iter().all(|x| x.is_finite()));
        self.vectors.ncols() > 0 && finite(&self.vectors) && self.slope.is_finite()
    }

    /// Computes the smallest eigenvalue at the centre more exactly than a step needs it, and retracts the centre again. False if time
    /// was over or numbers left their range.
    fn confirm(&mut self, companion: &mut dyn Companion) -> bool {
        let believed = self.wanted();
        self.nulls = 0;
        let Some(seen) = self.look(&self.centre.clone(), CONFIRMED * believed, companion) else { return false };
        if self.vectors.ncols() == 0 {
            self.vectors = seen.signals.clone();
        }
        self.last = seen.signals;
        let mistaken = self.iterations > 0 && seen.shortfall > believed.max(ROUNDING);
        self.accuracy = if mistaken { MORE * self.accuracy } else { self.accuracy / MORE.sqrt() };
        self.accuracy = self.accuracy.clamp(ACCURACY.0, ACCURACY.1);
        self.move_to(self.retraction.apply(self.variables, &self.centre, seen.shortfall));
        match self.best.take() {
            // Back to what was confirmed before, which is looked at again before it counts once more.
            Some((value, centre)) if mistaken && value < self.value => self.move_to(centre),
            _ => self.best = Some((self.value, self.centre.clone())),
        }
        true
    }

    /// The error of eigenvalues that a step can bear.
    fn wanted(&self) -> f64 {
        self.accuracy * self.promised / self.slope
    }

    /// One step; false if time was over within it or numbers left their range.
    fn step(&mut self, companion: &mut dyn Companion) -> bool {
        let variables = self.variables;
        let model = Model::new(self.passes, variables, &self.centre, self.vectors.as_ref());
        if model.width() == 0 {
            return false;
        }
        self.products += model.width() as u64;
        let costs: Vec<f64> = (0..variables.len()).map(|j| variables.cost(j) * self.centre[j] / self.value).collect();
        let weights = self.proximal_weights();
        let penalty = PENALTY * self.slope;
        let solution = model.minimise(&costs, &weights, penalty);
        self.flows = model.flows(variables, &solution.matrix);
        self.dual = model.leading(&solution.matrix);
        let trial: Vec<f64> = self
            .centre
            .iter()
            .zip(&solution.z)
            .map(|(y, z)| y * (z - 1.0).clamp(-LARGEST_CHANGE, LARGEST_CHANGE).exp())
            .collect();
        let promised = self.value - bound(variables, &trial);
        self.promised = promised.abs() / self.value;
        let Some(seen) = self.look(&trial, self.wanted(), companion) else { return false };
        let retracted = self.retraction.apply(variables, &trial, seen.shortfall);
        let gain = self.value - bound(variables, &retracted);
        self.iterations += 1;
        let ratio = if promised > 0.0 { gain / promised } else { -1.0 };
        // A ratio that is no number is poor.
        let change = if ratio > GOOD {
            LOOSER
        } else if ratio >= POOR {
            LITTLE_LOOSER
        } else {
            TIGHTER
        };
        self.proximal = (self.proximal * change).clamp(PROXIMAL.0, PROXIMAL.1);
        let kept = self.dual.as_ref().subcols(0, self.settings.kept_vectors.min(self.dual.ncols()));
        self.vectors = side_by_side(seen.signals.as_ref(), kept);
        self.last = seen.signals;
        if gain > 0.0 {
            self.move_to(retracted);
            self.nulls = 0;
        } else {
            self.nulls += 1;
        }
        true
    }

    /// The weights of the proximal term.
    fn proximal_weights(&self) -> Vec<f64> {
        let variables = self.variables;
        let last = variables.blocks() - 1;
        let mut weights = vec![0.0; variables.len()];
        for k in 0..=last {
            let entries = variables.entries(k);
            let count = entries.len().max(1) as f64;
            let flow: f64 = self.flows[entries.clone()].iter().sum();
            let total = if k == 0 || k == last { 1.0 } else { 2.0 };
            for j in entries {
                let share = if flow > 0.0 { self.flows[j].max(0.0) / flow } else { count.recip() };
                weights[j] = self.proximal * total * ((1.0 - SHARED) * share + SHARED / count);
            }
        }
        weights
    }

    /// The smallest eigenpairs of the scaled pencil at `multipliers`, the smallest value up to an error of `wanted`; `None` if time
    /// is over or numbers left their range.
    fn look(&mut self, multipliers: &[f64], wanted: f64, companion: &mut dyn Companion) -> Option<Seen> {
        let pencil = ScaledPencil::new(self.passes, self.variables.diagonal(multipliers));
        let order = self.passes.order();
        let pairs = self.settings.new_vectors.max(1).min(order);
        let wanted = wanted.max(ROUNDING);
        let mut enough = |progress: &Progress<'_>| {
            progress.basis >= order.min(2 * pairs) && eigenvalue_error(progress.values, progress.residuals) <= wanted
        };
        let mut deadline = || companion.is_over();
        let watch = Watch { deadline: Some(&mut deadline), enough: Some(&mut enough) };
        let settings = LanczosSettings {
            largest_basis: 8 * pairs,
            block: pairs,
            most_products: MOST_PRODUCTS,
            tolerance: 1e-9,
            checks: Checks::EveryBlock,
            ..LanczosSettings::new(pairs, End::Smallest)
        };
        // The last place of the block is for a random vector, which finds what the vectors before have in common not to hold.
        let warm = pencil.coordinates(self.last.as_ref().subcols(0, self.last.ncols().min(pairs - 1)));
        let start = Start::given(warm.as_ref(), &mut self.random);
        let found = extreme_pairs(order, &settings, start, &mut |x, y| pencil.apply(x, y), watch).ok()?;
        self.products += found.products as u64;
        if found.values.is_empty() || found.stop == Stop::Deadline {
            return None;
        }
        let shortfall = eigenvalue_error(&found.values, &found.residuals) - found.values[0];
        let signals = pencil.signals(found.vectors.as_ref());
        Some(Seen { shortfall, signals })
    }

    /// Makes feasible multipliers the centre.
    fn move_to(&mut self, multipliers: Vec<f64>) {
        self.centre = multipliers;
        self.value = bound(self.variables, &self.centre);
        self.slope = self.retraction.slope(self.variables, &self.centre);
    }

    /// The best confirmed centre, or before there is one the centre, to be proved.
    fn candidate(&self) -> Candidate {
        let (value, centre) = self.best.as_ref().map_or((self.value, &self.centre), |(value, centre)| (*value, centre));
        Candidate {
            multipliers: self.variables.unpack(centre),
            claimed: value,
            promised: self.promised,
            vectors: self.dual.clone(),
        }
    }

    fn observe(&self, companion: &mut dyn Companion) {
        let (iterations, products) = (self.iterations, self.products);
        companion.observe(&Step { iterations, products, claimed: self.value, scaled_eigenvalue: None });
    }
}

/// The range of the part of a promised gain, per block, to which eigenvalues are computed.
const ACCURACY: (f64, f64) = (1e-4, 0.1);
/// It becomes so much smaller where an eigenvalue turns out to have been less exact.
const MORE: f64 = 0.3;
/// Steps in a row without a gain after which the centre is looked at again.
const NULLS: u32 = 3;
/// The error of a centre that is to be proved, against that of a step.
const CONFIRMED: f64 = 0.1;
/// No eigenvalue is known better.
const ROUNDING: f64 = 1e-13;
/// Products for one pencil at most.
const MOST_PRODUCTS: usize = 800;

/// How far the smallest Ritz value can be from the eigenvalue next to it: its residual, or the square over the distance to
/// the next one (Kato and Temple).
fn eigenvalue_error(values: &[f64], residuals: &[f64]) -> f64 {
    let residual = residuals.first().copied().unwrap_or(0.0);
    // The gap above a cluster: the widest between the wanted values.
    let gap = values.last().map_or(0.0, |last| last - values[0]).max(1e-3);
    residual.min(residual * residual / gap)
}

#[cfg(test)]
mod tests;
