//! The run: blocks, checks, restarts.

use faer::{Mat, MatMut, MatRef};
use rand_chacha::ChaCha8Rng;

use crate::basis::Basis;
use crate::pairs::{LanczosError, RitzPairs, Stop};
use crate::projected::Projected;
use crate::search::{Finding, Search, Stagnation, Verdict};
use crate::settings::{Checks, LanczosSettings, Progress, Start, Watch};

/// Part of the room beside the wanted pairs that a restart fills with further Ritz vectors.
const KEPT: f64 = 0.4;
/// The first check under [`Checks::Rising`] has this many vectors beyond the wanted pairs.
const FIRST_CHECK: usize = 12;

/// Every restart leaves the basis less orthonormal by some `ε`; after this many it is made so again.
const RESTARTS_BETWEEN: usize = 4;

/// Extreme eigenpairs of a symmetric operator by block Lanczos with full reorthogonalisation and thick restarts.
///
/// `apply(x, y)` overwrites `y` with the images of the columns of `x`, both `order × b` with `b` from 1 to the width of a
/// block. The operator must be symmetric; of another one the answer is meaningless, but ends. Up to rounding no Ritz value
/// lies outside the spectrum (see the crate), whatever ended the run.
///
/// # Errors
/// [`LanczosError::NotFinite`] as soon as the operator gives NaN or an infinite number, [`LanczosError::StartOrder`] and
/// [`LanczosError::StartNotFinite`] for starting vectors of another length or with such entries,
/// [`LanczosError::SmallBasis`] where the basis has no room beside the wanted pairs, [`LanczosError::Projected`] if the
/// decomposition of the projected matrix fails.
///
/// # Panics
/// Only where `apply` or the questions of `watch` do.
pub fn extreme_pairs(
    order: usize,
    settings: &LanczosSettings,
    start: Start<'_>,
    apply: &mut dyn FnMut(MatRef<'_, f64>, MatMut<'_, f64>),
    watch: Watch<'_>,
) -> Result<RitzPairs, LanczosError> {
    let Start { vectors, random } = start;
    let pairs = settings.pairs.min(order);
    check_start(order, vectors)?;
    let largest = settings.largest_basis.min(order).min(settings.most_products.max(pairs + 1));
    if largest < order && settings.largest_basis <= pairs {
        return Err(LanczosError::SmallBasis { largest_basis: settings.largest_basis, pairs });
    }
    if pairs == 0 {
        return Ok(nothing(order, Stop::Converged));
    }
    if settings.most_products == 0 {
        return Ok(nothing(order, Stop::Products));
    }
    let room = if largest < order { largest - pairs } else { order };
    let given = vectors.map_or(0, |vectors| vectors.ncols());
    let width = settings.block.max(1).max(given).min(room).min(settings.most_products);
    let mut basis = Basis::new(order, largest, width);
    basis.join(vectors, width, random);
    let mut run = Run {
        settings,
        pairs,
        basis,
        solved: Projected::new(largest, settings.end),
        residuals: Vec::with_capacity(pairs + 1),
        products: 0,
        steps: 0,
        restarts: 0,
        next_check: pairs + FIRST_CHECK,
    };
    let stop = run.iterate(random, apply, watch)?;
    Ok(run.answer(stop))
}

/// Refuses starting vectors that are none.
fn check_start(order: usize, vectors: Option<MatRef<'_, f64>>) -> Result<(), LanczosError> {
    let Some(vectors) = vectors else { return Ok(()) };
    if vectors.nrows() != order {
        return Err(LanczosError::StartOrder { found: vectors.nrows(), order });
    }
    match vectors.col_iter().position(|column| column.iter().any(|x| !x.is_finite())) {
        Some(column) => Err(LanczosError::StartNotFinite { column }),
        None => Ok(()),
    }
}

/// No pairs and no products.
fn nothing(order: usize, stop: Stop) -> RitzPairs {
    RitzPairs {
        values: Vec::new(),
        vectors: Mat::zeros(order, 0),
        residuals: Vec::new(),
        products: 0,
        restarts: 0,
        converged: stop == Stop::Converged,
        stop,
    }
}

/// The state of a run.
struct Run<'s> {
    settings: &'s LanczosSettings,
    /// Wanted, at most the order.
    pairs: usize,
    basis: Basis,
    solved: Projected,
    /// Of the wanted pairs of `solved` and the next one.
    residuals: Vec<f64>,
    products: usize,
    /// Blocks so far.
    steps: usize,
    restarts: usize,
    /// Vectors in the basis at the next check.
    next_check: usize,
}

impl Run<'_> {
    /// Blocks, checks and restarts until there is a reason to stop. The projected eigenproblem is then solved.
    fn iterate(
        &mut self,
        random: &mut ChaCha8Rng,
        apply: &mut dyn FnMut(MatRef<'_, f64>, MatMut<'_, f64>),
        mut watch: Watch<'_>,
    ) -> Result<Stop, LanczosError> {
        let mut search = Search::new(self.settings.look_again);
        let mut stagnation = Stagnation::new();
        let mut fresh = true;
        loop {
            let limit = if self.basis.width() > self.settings.most_products - self.products {
                Some(Stop::Products)
            } else {
                watch.is_over().then_some(Stop::Deadline)
            };
            if let Some(stop) = limit {
                if !fresh {
                    self.solve()?;
                }
                return Ok(stop);
            }
            if self.basis.is_full() {
                if !fresh {
                    self.solve()?;
                }
                if stagnation.has_stalled(self.awaited_residual() / self.scale()) {
                    return Ok(Stop::Stalled);
                }
                self.restart();
            }
            self.expand(apply)?;
            fresh = self.is_check_due();
            if !fresh {
                continue;
            }
            self.solve()?;
            if watch.has_enough(&self.progress()) {
                return Ok(Stop::Enough);
            }
            if self.basis.made() == self.basis.order() {
                return Ok(Stop::Converged);
            }
            match search.judge(self.finding(), self.steps, self.scale()) {
                Verdict::GoOn => {}
                Verdict::Done => return Ok(Stop::Converged),
                Verdict::Join if self.join_room() == 0 => return Ok(Stop::Converged),
                Verdict::Join => {
                    self.basis.join(None, self.join_room(), random);
                    stagnation = Stagnation::new();
                }
            }
        }
    }

    /// One block of products.
    fn expand(&mut self, apply: &mut dyn FnMut(MatRef<'_, f64>, MatMut<'_, f64>)) -> Result<(), LanczosError> {
        self.products += self.basis.width();
        self.steps += 1;
        let products = self.products;
        self.basis.expand(apply).map_err(|_| LanczosError::NotFinite { products })
    }

    /// Whether the projected eigenproblem is to be solved now.
    fn is_check_due(&mut self) -> bool {
        let made = self.basis.made();
        let due = match self.settings.checks {
            Checks::EveryBlock => true,
            Checks::Rising => made >= self.next_check,
            Checks::FullBasis => false,
        };
        if due {
            self.next_check = made + (made / 2).max(1);
        }
        due || self.basis.is_full() || self.basis.width() == 0
    }

    /// The Ritz values and residuals of the basis as it is.
    fn solve(&mut self) -> Result<(), LanczosError> {
        self.solved.solve(self.basis.projected())?;
        let count = self.basis.made().min(self.pairs + 1);
        self.residuals.clear();
        self.residuals.extend((0..count).map(|rank| self.basis.residual(&self.solved, rank)));
        Ok(())
    }

    /// The basis shrinks to its best Ritz vectors.
    fn restart(&mut self) {
        let room = self.basis.largest() - self.basis.width();
        let more = (KEPT * (self.basis.largest() - self.pairs) as f64) as usize;
        let kept = (self.pairs + more).min(room).min(self.basis.made());
        self.basis.compress(&self.solved, kept);
        self.restarts += 1;
        if self.restarts.is_multiple_of(RESTARTS_BETWEEN) {
            self.basis.straighten();
        }
        self.next_check = self.next_check.min(kept + kept / 2 + 1);
    }

    /// Random columns the next block has room for.
    fn join_room(&self) -> usize {
        let largest = self.basis.largest();
        let room = if largest < self.basis.order() { largest - self.pairs } else { largest };
        self.settings.block.max(1).min(room - self.basis.width().min(room))
    }

    /// What a relative residual refers to.
    fn scale(&self) -> f64 {
        let values = self.solved.values();
        let ends = values.first().into_iter().chain(values.last());
        ends.fold(self.basis.scale(), |scale, value| scale.max(value.abs()))
    }

    /// The largest residual of the wanted pairs; that of the next one too where these have converged.
    fn awaited_residual(&self) -> f64 {
        let count = if self.finding().is_converged() { self.pairs + 1 } else { self.pairs };
        self.residuals.iter().take(count).fold(0.0, |worst, &residual| worst.max(residual))
    }

    /// The wanted pairs as far as they are there.
    fn found(&self) -> usize {
        self.pairs.min(self.residuals.len())
    }

    fn progress(&self) -> Progress<'_> {
        let found = self.found();
        Progress {
            values: &self.solved.values()[..found],
            residuals: &self.residuals[..found],
            basis: self.basis.made(),
            products: self.products,
        }
    }

    fn finding(&self) -> Finding<'_> {
        Finding {
            values: &self.solved.values()[..self.residuals.len()],
            residuals: &self.residuals,
            pairs: self.pairs,
            bound: self.settings.tolerance * self.scale(),
            invariant: self.basis.width() == 0,
        }
    }

    /// The pairs of the last solution.
    fn answer(self, stop: Stop) -> RitzPairs {
        let found = self.found();
        let converged = self.finding().is_converged();
        RitzPairs {
            values: self.solved.values()[..found].to_vec(),
            vectors: self.basis.ritz_vectors(&self.solved, found),
            converged,
            products: self.products,
            restarts: self.restarts,
            residuals: self.residuals.into_iter().take(found).collect(),
            stop,
        }
    }
}
