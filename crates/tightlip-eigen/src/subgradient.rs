//! A projected subgradient method in relative multipliers.
//!
//! Around a centre `ŷ` of bound `v̂`, with `z_j = y_j/ŷ_j ≥ 0` and the scaled pencil of [`crate::spectral_bundle`], minimise
//!
//!   `f(z) = ½(weight_in + weight_out)/v̂ + ρ max(0, −λ_min(D̂^{−½} F(ŷz) D̂^{−½}))`,   `ρ > H + 1`: an exact penalty.
//!
//! *Step*: `z ← max(0, z − (f − level)/‖g‖² M^{−1} g)` with the norm of `M^{−1}`, `M` the diagonal with 2 for a hidden block and 1 for
//! inputs and outputs, shared among their multipliers, which is what the dual optimum has there.
//!
//! *Level* (Goffin and Kiwiel 1999): the record less a gap. Where the value falls by half the gap, the record is new; where the path
//! since has become too long, the level is out of reach, and the gap is halved. The centre then moves to the best feasible point.
//!
//! *What is judged* is the best retraction of a record.

use faer::Mat;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tightlip_model::Multipliers;

use crate::companion::{Candidate, Companion, Ending, Run, Step, Verdict, cut_short};
use crate::lanczos::extreme_pairs;
use crate::pairs::Stop;
use crate::recent::Recent;
use crate::retraction::{PENALTY, Retraction, bound};
use crate::scaled_pencil::{Passes, ScaledPencil};
use crate::settings::{End, LanczosSettings, Progress, Start, Watch};
use crate::variables::Variables;

/// How the method is run.
#[derive(Debug, Clone, Copy)]
pub struct SubgradientSettings {
    /// Steps at most.
    pub most_iterations: u64,
    /// Seed of Lanczos.
    pub seed: u64,
}

impl Default for SubgradientSettings {
    fn default() -> Self {
        Self { most_iterations: 2000, seed: 0 }
    }
}

/// The first gap between record and level, relative.
const FIRST_GAP: f64 = 0.25;
/// Gaps below this are rounding.
const LEAST_GAP: f64 = 1e-10;
/// Path, over the root of the sum of `M`, after which a level is out of reach: shorter ones halve the gap too soon (on random
/// chains and MNIST 784-50-10 a quarter of this leaves gaps two to five times as large after a thousand steps).
const LONG_PATH: f64 = 2.0;
/// No multiplier falls below this part of the centre's: the pencil is scaled by them, and a live signal needs one.
const LEAST: f64 = 1e-9;
/// Residual of an eigenvalue for a retraction: with a large one it may belong to another eigenvalue near the smallest.
const EXACT: f64 = 1e-11;
/// Vectors that Lanczos begins with: the last eigenvector alone can hide the smallest eigenvalue, and what was retracted too
/// little would never be beaten.
const BLOCK: usize = 4;

/// Runs the method from `start`, positive, until `companion` has enough.
pub fn projected_subgradient(
    passes: &Passes<'_>,
    variables: &Variables,
    start: &Multipliers,
    settings: &SubgradientSettings,
    companion: &mut dyn Companion,
) -> Run {
    let centre = variables.pack(start);
    let value = bound(variables, &centre);
    let mut run = Subgradient {
        passes,
        variables,
        settings,
        retraction: Retraction::new(passes.system(), variables),
        random: ChaCha8Rng::seed_from_u64(settings.seed),
        weights: metric(variables),
        value,
        best: (f64::INFINITY, centre.clone()),
        z: vec![1.0; centre.len()],
        centre,
        level: Level { record: f64::INFINITY, gap: FIRST_GAP, path: 0.0 },
        recent: Recent::default(),
        iterations: 0,
        products: 0,
    };
    let ending = run.iterate(companion);
    Run { ending, iterations: run.iterations, products: run.products, best: run.candidate() }
}

/// `M`.
fn metric(variables: &Variables) -> Vec<f64> {
    let last = variables.blocks() - 1;
    let share = |k: usize| {
        let entries = variables.entries(k).len();
        std::iter::repeat_n(if k == 0 || k == last { 1.0 } else { 2.0 } / entries as f64, entries)
    };
    (0..=last).flat_map(share).collect()
}

/// The state between steps.
struct Subgradient<'a, 's> {
    passes: &'a Passes<'s>,
    variables: &'a Variables,
    settings: &'a SubgradientSettings,
    retraction: Retraction,
    random: ChaCha8Rng,
    /// `M`.
    weights: Vec<f64>,
    /// `ŷ` and its bound.
    centre: Vec<f64>,
    value: f64,
    z: Vec<f64>,
    level: Level,
    /// The best retraction and its bound; before the first the start, with no bound.
    best: (f64, Vec<f64>),
    /// The last eigenvectors as signals.
    recent: Recent,
    iterations: u64,
    products: u64,
}

/// The level that the steps aim at.
struct Level {
    record: f64,
    gap: f64,
    /// Length of all steps since the last record or halving.
    path: f64,
}

/// The smallest eigenpair as far as it is known.
struct Lowest {
    value: f64,
    residual: f64,
    signals: Mat<f64>,
}

impl Subgradient<'_, '_> {
    /// Steps until there is a reason to stop.
    fn iterate(&mut self, companion: &mut dyn Companion) -> Ending {
        while self.iterations < self.settings.most_iterations {
            if companion.is_over() {
                return Ending::Interrupted;
            }
            if self.level.gap < LEAST_GAP || !self.value.is_normal() {
                return Ending::Stalled;
            }
            match self.step(companion) {
                None => return cut_short(companion),
                Some(Verdict::Enough) => return Ending::Enough,
                Some(Verdict::More) => {}
            }
        }
        Ending::Finished
    }

    /// One step; `None` if time was over within it.
    fn step(&mut self, companion: &mut dyn Companion) -> Option<Verdict> {
        let variables = self.variables;
        let multipliers: Vec<f64> = self.centre.iter().zip(&self.z).map(|(y, z)| y * z).collect();
        // Finer than the gap by the penalty and something.
        let tolerance = (0.01 * self.level.gap / variables.blocks() as f64).max(EXACT);
        let lowest = self.lowest((&multipliers, &self.centre.clone()), tolerance, companion)?;
        let penalty = PENALTY * self.retraction.slope(variables, &self.centre);
        let costs: Vec<f64> = (0..variables.len()).map(|j| variables.cost(j) * self.centre[j] / self.value).collect();
        let linear: f64 = costs.iter().zip(&self.z).map(|(cost, z)| cost * z).sum();
        let f = linear + penalty * (-lowest.value).max(0.0);
        let mut verdict = Verdict::More;
        let better = f < self.level.record && self.try_retraction(&multipliers, companion)?;
        if better && companion.is_due(self.level.gap) {
            verdict = companion.judge(&self.candidate());
        }
        let mut gradient = costs;
        if lowest.value < 0.0 {
            let slopes = self.slopes(&lowest.signals);
            gradient.iter_mut().zip(slopes).for_each(|(g, slope)| *g -= penalty * slope);
        }
        self.iterations += 1;
        self.recent.add(lowest.signals);
        self.observe(lowest.value, companion);
        if self.level.sees(f, LONG_PATH * self.weights.iter().sum::<f64>().sqrt()) {
            self.move_along(f, &gradient);
        } else {
            self.recentre();
        }
        Some(verdict)
    }

    /// The projected step.
    fn move_along(&mut self, f: f64, gradient: &[f64]) {
        let square: f64 = gradient.iter().zip(&self.weights).map(|(g, weight)| g * g / weight).sum();
        let length = (f - self.level.record + self.level.gap) / square;
        for ((z, g), weight) in self.z.iter_mut().zip(gradient).zip(&self.weights) {
            *z = (*z - length * g / weight).max(LEAST);
        }
        self.level.path += length * square.sqrt();
    }

    /// Moves the centre to the best feasible point.
    fn recentre(&mut self) {
        self.centre.clone_from(&self.best.1);
        self.value = self.best.0;
        self.z.fill(1.0);
        // The centre is feasible: its value is 1.
        self.level.record = 1.0;
    }

    /// `∂λ_min/∂z_j` for the eigenvector with these signals.
    fn slopes(&self, signals: &Mat<f64>) -> Vec<f64> {
        let mut incoming = Mat::<f64>::zeros(signals.nrows(), 1);
        self.passes.add_incoming(signals.as_ref(), incoming.as_mut());
        let mut slopes = vec![0.0; self.variables.len()];
        for i in 0..signals.nrows() {
            let entry = self.variables.of(i);
            let (signal, s) = (signals[(i, 0)], incoming[(i, 0)]);
            let hidden = self.variables.is_hidden(entry);
            let form = if hidden { 2.0 * self.passes.sector_form(i, signal, s) } else { signal * signal };
            slopes[entry] += self.centre[entry] * form;
        }
        slopes
    }

    /// Retracts `multipliers`; whether that is the best so far. `None` if time was over.
    fn try_retraction(&mut self, multipliers: &[f64], companion: &mut dyn Companion) -> Option<bool> {
        let own = self.lowest((multipliers, multipliers), EXACT, companion)?;
        let shortfall = own.residual - own.value;
        let retracted = self.retraction.apply(self.variables, multipliers, shortfall);
        let claimed = bound(self.variables, &retracted);
        let better = claimed < self.best.0;
        if better {
            self.best = (claimed, retracted);
        }
        Some(better)
    }

    /// The smallest eigenpair of the pencil at `multipliers`, scaled by the diagonal of `scale`; `None` if time is over or
    /// numbers left their range.
    fn lowest(
        &mut self,
        (multipliers, scale): (&[f64], &[f64]),
        tolerance: f64,
        companion: &mut dyn Companion,
    ) -> Option<Lowest> {
        let scale = self.variables.diagonal(scale);
        let pencil = ScaledPencil::scaled_by(self.passes, self.variables.diagonal(multipliers), &scale);
        let mut enough = |progress: &Progress<'_>| progress.residuals[0] <= tolerance;
        let mut deadline = || companion.is_over();
        let watch = Watch { deadline: Some(&mut deadline), enough: Some(&mut enough) };
        let settings = LanczosSettings {
            block: BLOCK,
            most_products: 1000,
            tolerance: 0.1 * EXACT,
            ..LanczosSettings::new(1, End::Smallest)
        };
        let warm = self.recent.last().map(|signals| pencil.coordinates(signals.as_ref()));
        let start = match &warm {
            Some(warm) => Start::given(warm.as_ref(), &mut self.random),
            None => Start::random(&mut self.random),
        };
        let found = extreme_pairs(self.passes.order(), &settings, start, &mut |x, y| pencil.apply(x, y), watch).ok()?;
        self.products += found.products as u64;
        if found.stop == Stop::Deadline {
            return None;
        }
        let (&value, &residual) = found.values.first().zip(found.residuals.first())?;
        Some(Lowest { value, residual, signals: pencil.signals(found.vectors.subcols(0, 1)) })
    }

    /// The best retraction, to be proved.
    fn candidate(&self) -> Candidate {
        // Not the value kept: before the first step that is infinite.
        let claimed = bound(self.variables, &self.best.1);
        Candidate {
            multipliers: self.variables.unpack(&self.best.1),
            claimed,
            promised: self.level.gap,
            vectors: self.recent.vectors(),
        }
    }

    fn observe(&self, lowest: f64, companion: &mut dyn Companion) {
        companion.observe(&Step {
            iterations: self.iterations,
            products: self.products,
            claimed: self.best.0,
            scaled_eigenvalue: Some(lowest),
        });
    }
}

impl Level {
    /// Takes note of a value; false if the level is out of reach, and the gap has been halved.
    fn sees(&mut self, f: f64, long_path: f64) -> bool {
        let descent = f <= self.record - 0.5 * self.gap;
        self.record = self.record.min(f);
        if descent {
            self.path = 0.0;
        } else if self.path > long_path {
            (self.path, self.gap) = (0.0, 0.5 * self.gap);
            return false;
        }
        true
    }
}
