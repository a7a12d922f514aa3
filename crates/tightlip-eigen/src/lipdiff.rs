//! LipDiff: Adam on the exact penalty, with eigenvectors from a few steps of Lanczos (Wang et al. 2024).
//!
//! As published: all variables through the absolute value; one learning rate for `λ`, a larger one for `κ`; the iterations in groups,
//! each of which begins with a new optimiser and goes on from the last iterate; the direction of most iterations from the Ritz
//! vector of a few steps of Lanczos from a random positive vector; `λ_max` to convergence in every hundredth iteration and the last
//! four of a group, and only those compete. Two things are different. A value that competes is `½(κ_0 + ρ(θ + r))` with the
//! residual `r` of the Ritz value `θ`, which alone would be too small. And what is kept are multipliers of LipSDP that claim no
//! more (see [`crate::penalty`]), for only they can be proved.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tightlip_model::{Multipliers, Query};

use self::adam::Adam;
use crate::companion::{Candidate, Companion, Ending, Run, Step, Verdict, cut_short};
use crate::penalty::starts::Init;
use crate::penalty::{Penalty, PenaltyMatrix, PenaltyWeight, Point, Redundant, Top};
use crate::recent::Recent;
use crate::scaled_pencil::Passes;
use crate::settings::{Start, Watch};
use crate::variables::Variables;

mod adam;
mod eliminated;

/// The multipliers `κ_0` and `κ_1` of a point that competes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kappa {
    /// Those of the point.
    Free,
    /// The best output weight for the direction of the other multipliers, from one factorisation.
    Eliminated,
}

/// How LipDiff is run. The default is the run of its publication.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LipDiffSettings {
    /// Iterations of all groups.
    pub iterations: u64,
    /// Groups, at least one.
    pub groups: u64,
    /// Learning rate of `λ`.
    pub rate: f64,
    /// That of `κ` over that of `λ`.
    pub ratio: f64,
    /// Steps of Lanczos for a direction; 0 for converged eigenpairs, and all iterations compete.
    pub lanczos_steps: usize,
    /// The start.
    pub init: Init,
    /// The weight of the penalty.
    pub weight: PenaltyWeight,
    /// The redundant constraints.
    pub redundant: Redundant,
    /// What becomes of `κ` where a point competes.
    pub kappa: Kappa,
    /// Seed of the random start and of Lanczos.
    pub seed: u64,
}

impl Default for LipDiffSettings {
    fn default() -> Self {
        Self {
            iterations: 600,
            groups: 3,
            rate: 0.04,
            ratio: 10.0,
            lanczos_steps: 20,
            init: Init::Schur,
            weight: PenaltyWeight::Code,
            redundant: Redundant::On,
            kappa: Kappa::Free,
            seed: 0,
        }
    }
}

/// Iterations between two values that compete.
const COMPETE_EVERY: u64 = 100;
/// Iterations at the end of a group that compete.
const LAST_COMPETE: u64 = 4;

/// Runs LipDiff on the system of `passes` for ℓ2 outputs, until all iterations are made or `companion` has enough, from `start`
/// instead of that of the settings if there is one.
pub fn lipdiff(
    passes: &Passes<'_>,
    query: &Query,
    (settings, start): (&LipDiffSettings, Option<&Multipliers>),
    companion: &mut dyn Companion,
) -> Run {
    let penalty = Penalty::new(passes, query, settings.weight, settings.redundant);
    let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
    let feasible = penalty.realised(&penalty.start(Init::Schur, &mut random), 0.0);
    let variables = Variables::new(passes.system(), query);
    let point = match start {
        Some(multipliers) => penalty.at(&variables.pack(multipliers)),
        None => penalty.start(settings.init, &mut random),
    };
    let mut run = LipDiff {
        variables,
        best: (penalty.reach().norm_product(), feasible),
        penalty,
        settings,
        random,
        competed: false,
        point,
        recent: Recent::default(),
        iterations: 0,
        products: 0,
    };
    let ending = run.iterate(companion);
    Run { ending, iterations: run.iterations, products: run.products, best: run.candidate() }
}

/// The state between iterations.
struct LipDiff<'a, 's> {
    penalty: Penalty<'a, 's>,
    variables: Variables,
    settings: &'a LipDiffSettings,
    random: ChaCha8Rng,
    /// The variables before the absolute value.
    point: Point,
    /// The best value and its multipliers; those of the product of norms until a point has competed.
    best: (f64, Vec<f64>),
    competed: bool,
    /// The last eigenvectors.
    recent: Recent,
    iterations: u64,
    products: u64,
}

impl LipDiff<'_, '_> {
    /// All groups.
    fn iterate(&mut self, companion: &mut dyn Companion) -> Ending {
        let groups = self.settings.groups.clamp(1, self.settings.iterations.max(1));
        for group in 0..groups {
            // Equal groups, as published; where the number does not divide, the first ones have one more.
            let more = u64::from(group < self.settings.iterations % groups);
            let each = self.settings.iterations / groups + more;
            let mut adam = Adam::new(&self.point);
            for iteration in 0..each {
                if let Some(ending) = self.step((iteration, each), &mut adam, companion) {
                    return ending;
                }
            }
        }
        Ending::Finished
    }

    /// One iteration of a group of `each`; the reason to stop, if there is one.
    fn step(
        &mut self,
        (iteration, each): (u64, u64),
        adam: &mut Adam,
        companion: &mut dyn Companion,
    ) -> Option<Ending> {
        if companion.is_over() {
            return Some(Ending::Interrupted);
        }
        let point = self.point.map(f64::abs);
        let competes =
            self.settings.lanczos_steps == 0 || iteration % COMPETE_EVERY == 0 || iteration + LAST_COMPETE >= each;
        let matrix = self.penalty.matrix(&point);
        let Some(top) = self.top(&matrix, competes, companion) else { return Some(cut_short(companion)) };
        self.products += top.products as u64;
        let better = competes && self.compete(&point, &top);
        let due = better && companion.is_due(f64::INFINITY);
        let enough = due && companion.judge(&self.candidate()) == Verdict::Enough;
        self.observe(companion);
        if enough {
            return Some(Ending::Enough);
        }
        let mut gradient = self.penalty.subgradient(top.value, top.vector.as_ref());
        self.through_absolute_value(&mut gradient);
        let rate = self.settings.rate * decay(iteration, each);
        adam.step(&mut self.point, &gradient, (rate, self.settings.ratio * rate));
        self.recent.add(top.vector);
        self.iterations += 1;
        None
    }

    /// The eigenpair of an iteration.
    fn top(&mut self, matrix: &PenaltyMatrix<'_, '_>, converged: bool, companion: &mut dyn Companion) -> Option<Top> {
        let start = self.penalty.positive_vector(&mut self.random);
        if !converged {
            return matrix.top_after(self.settings.lanczos_steps, start.as_ref(), &mut self.random);
        }
        let mut deadline = || companion.is_over();
        let watch = Watch { deadline: Some(&mut deadline), enough: None };
        let start = Start::given(start.as_ref(), &mut self.random);
        matrix.top(&PenaltyMatrix::converged(), start, watch)
    }

    /// Lets a point compete whose largest eigenvalue is known; whether it is the best.
    fn compete(&mut self, point: &Point, top: &Top) -> bool {
        let eigenvalue = top.value + top.error;
        let mut found = (self.penalty.value(point, eigenvalue), self.penalty.realised(point, eigenvalue.max(0.0)));
        if self.settings.kappa == Kappa::Eliminated {
            let directions = [self.penalty.realised(point, 0.0), found.1.clone()];
            for direction in directions {
                if let Some(best) = eliminated::best_output(self.penalty.passes(), &self.variables, direction)
                    && best.0 < found.0
                {
                    found = best;
                }
            }
        }
        // A number that is not finite is no value.
        let better = found.0.is_finite() && (!self.competed || found.0 < self.best.0);
        if better {
            self.best = found;
            self.competed = true;
        }
        better
    }

    /// The gradient in the variables before the absolute value. At zero its derivative is 0 for `κ_h`, as published (there they
    /// stay 0 from the analytical start), and 1 for the others, which would never leave a start where they are 0.
    fn through_absolute_value(&self, gradient: &mut Point) {
        let others =
            gradient.kappa.len() - if self.settings.redundant == Redundant::On { gradient.lambda.len() } else { 0 };
        let sign = |x: f64, at_zero: f64| if x == 0.0 { at_zero } else { x.signum() };
        for (slope, &x) in gradient.lambda.iter_mut().zip(&self.point.lambda) {
            *slope *= sign(x, 1.0);
        }
        for (at, (slope, &x)) in gradient.kappa.iter_mut().zip(&self.point.kappa).enumerate() {
            *slope *= sign(x, if at < others { 1.0 } else { 0.0 });
        }
    }

    /// The best multipliers, those that are zero a little more: no live signal may be without.
    fn candidate(&self) -> Candidate {
        /// Far below any multiplier that matters.
        const FRACTION: f64 = 1e-12;
        let mut packed = self.best.1.clone();
        for k in 0..self.variables.blocks() {
            let entries = self.variables.entries(k);
            let largest = packed[entries.clone()].iter().copied().fold(f64::MIN_POSITIVE, f64::max);
            packed[entries].iter_mut().for_each(|weight| *weight = weight.max(FRACTION * largest));
        }
        Candidate {
            multipliers: self.variables.unpack(&packed),
            claimed: self.best.0,
            promised: f64::INFINITY,
            vectors: self.recent.vectors(),
        }
    }

    fn observe(&self, companion: &mut dyn Companion) {
        companion.observe(&Step {
            iterations: self.iterations,
            products: self.products,
            claimed: self.best.0,
            scaled_eigenvalue: None,
        });
    }
}

/// The factor of the learning rate: falls by a twentieth fifty times in a group, to a tenth.
fn decay(iteration: u64, each: u64) -> f64 {
    const DECAY: f64 = 0.95;
    const DROPS: u64 = 50;
    const LEAST: f64 = 0.1;
    let drops = iteration / (each / DROPS).max(1);
    let factor = DECAY.powi(drops as i32);
    factor + LEAST * (1.0 - factor)
}

#[cfg(test)]
mod tests {
    use super::decay;

    #[test]
    fn the_learning_rate_falls_fifty_times_in_a_group_to_its_least_part() {
        assert_eq!((decay(0, 200), decay(3, 200)), (1.0, 1.0));
        assert!((decay(4, 200) - 0.955).abs() < 1e-15 && (decay(8, 200) - 0.912_25).abs() < 1e-15);
        assert!((decay(199, 200) - (0.1 + 0.9 * 0.95_f64.powi(49))).abs() < 1e-15);
        // Groups shorter than the number of drops: one in every iteration.
        assert!((decay(2, 10) - 0.912_25).abs() < 1e-15);
    }
}
