//! Patterns of one layer by single flips. What they find is below the maximum, so its product over the layers bounds nothing.
//!
//! A flip of neuron `j` by `σ = ±(β_j − α_j)` takes `M = A Y B` to `M + σ a bᵀ`, `a` the column and `b` the row of the neuron. With
//! `M Mᵀ = U D Uᵀ`, `ã = Uᵀa`, `c̃ = UᵀMb`, the eigenvalues of the new Gram matrix are those of
//!
//!   `D + G C Gᵀ`,   `G = [ã, c̃]`,   `C = [[σ²|b|², σ], [σ, 0]]`,   `C⁻¹ = [[0, 1/σ], [1/σ, −|b|²]]`,
//!
//! a change of rank two with one negative direction. By Haynsworth's additivity of inertia the largest of them exceeds `x > D_1`
//! if and only if `Gᵀ(x − D)⁻¹G − C⁻¹` is positive definite:
//!
//!   `p (r + |b|²) > (q − 1/σ)²`,   `p = Σ ã_i²/(x − D_i)`,   `q = Σ ã_i c̃_i/(x − D_i)`,   `r = Σ c̃_i²/(x − D_i)`.
//!
//! So a flip is tested in as many operations as `M` has rows, and only those that win are evaluated, by bisection.

use std::ops::Range;

use faer::{Mat, MatRef, Side};
use tightlip_model::{Limits, SlopeInterval, spectral_norm};

use super::LayerFactor;

/// An improvement of the square has to be as large as this, relative: the decomposition is not more exact.
const STRICT: f64 = 1e-10;
/// Halvings of the interval in which a square is looked for.
const BISECTIONS: usize = 50;
/// Sweeps of the heuristic with leading triplets at most (the published code).
const MOST_SWEEPS: usize = 10;

/// The norm `‖A Y B‖` reached from the upper ends of all slopes by the best single flip, time and again until none improves.
/// `None` if a limit struck or the eigenvalues did not converge.
pub fn by_best_flips(factor: &LayerFactor, limits: &Limits) -> Option<f64> {
    let mut position = Position::new(factor.after.as_ref(), factor.before.as_ref(), &factor.slopes)?;
    let neurons = factor.slopes.len();
    loop {
        if limits.stop_requested() {
            return None;
        }
        let flips = position.flips(0..neurons);
        let mut level = position.threshold();
        let mut best = None;
        for (j, flip) in flips.iter().enumerate().filter(|(_, flip)| flip.strength != 0.0) {
            if position.exceeds(flip, level) {
                level = position.square(flip, level);
                best = Some(j);
            }
        }
        match best {
            Some(j) if position.flip(j)? => {}
            Some(_) | None => return Some(position.norm()),
        }
    }
}

/// The same with the `rank` leading singular triplets of both maps only, where every flip that improves is made at once, in at most
/// ten sweeps.
pub fn by_leading_triplets(factor: &LayerFactor, rank: usize, limits: &Limits) -> Option<f64> {
    let after = factor.after.as_ref().subrows(0, rank.min(factor.after.nrows()));
    let before = factor.before.as_ref().subcols(0, rank.min(factor.before.ncols()));
    let mut position = Position::new(after, before, &factor.slopes)?;
    for _ in 0..MOST_SWEEPS {
        let mut improved = false;
        for j in 0..factor.slopes.len() {
            if limits.stop_requested() {
                return None;
            }
            let flips = position.flips(j..j + 1);
            let better = flips[0].strength != 0.0 && position.exceeds(&flips[0], position.threshold());
            if better && position.flip(j)? {
                improved = true;
            }
        }
        if !improved {
            break;
        }
    }
    Some(position.norm())
}

/// A pattern with the decomposition of its matrix.
struct Position<'f> {
    /// `A`, or `Bᵀ` if that has fewer rows.
    outer: MatRef<'f, f64>,
    /// `B`, or `Aᵀ`.
    inner: MatRef<'f, f64>,
    slopes: &'f [SlopeInterval],
    at_upper: Vec<bool>,
    matrix: Mat<f64>,
    /// Eigenvectors `U` of `M Mᵀ` and its eigenvalues, by rising eigenvalues.
    basis: Mat<f64>,
    squares: Vec<f64>,
}

/// What is known about a flip.
struct Flip {
    /// `σ`.
    strength: f64,
    /// `ã`.
    column: Vec<f64>,
    /// `c̃`.
    image: Vec<f64>,
    /// `|b|²`.
    square: f64,
}

impl<'f> Position<'f> {
    /// All slopes at their upper ends.
    fn new(after: MatRef<'f, f64>, before: MatRef<'f, f64>, slopes: &'f [SlopeInterval]) -> Option<Self> {
        let (outer, inner) =
            if after.nrows() <= before.ncols() { (after, before) } else { (before.transpose(), after.transpose()) };
        let weighed = Mat::from_fn(outer.nrows(), slopes.len(), |i, j| outer[(i, j)] * slopes[j].upper());
        let matrix = weighed * inner;
        let (basis, squares) = decomposed(&matrix)?;
        Some(Self { outer, inner, slopes, at_upper: vec![true; slopes.len()], matrix, basis, squares })
    }

    /// `‖M‖₂`.
    fn norm(&self) -> f64 {
        spectral_norm(self.matrix.as_ref())
    }

    /// `‖M‖₂²`.
    fn largest(&self) -> f64 {
        self.squares.last().copied().unwrap_or(0.0)
    }

    /// What the square has to exceed to count as better.
    fn threshold(&self) -> f64 {
        self.largest() * (1.0 + STRICT) + f64::MIN_POSITIVE
    }

    /// `σ` of the flip of a neuron.
    fn strength(&self, j: usize) -> f64 {
        let spread = self.slopes[j].upper() - self.slopes[j].lower();
        if self.at_upper[j] { -spread } else { spread }
    }

    /// The flips of some neurons.
    fn flips(&self, neurons: Range<usize>) -> Vec<Flip> {
        let count = neurons.len();
        let columns = self.basis.transpose() * self.outer.subcols(neurons.start, count);
        let rows = self.inner.subrows(neurons.start, count);
        let images = self.basis.transpose() * (&self.matrix * rows.transpose());
        let of = |matrix: &Mat<f64>, c: usize| matrix.col(c).iter().copied().collect();
        neurons
            .enumerate()
            .map(|(c, j)| Flip {
                strength: self.strength(j),
                column: of(&columns, c),
                image: of(&images, c),
                square: rows.row(c).squared_norm_l2(),
            })
            .collect()
    }

    /// Whether the square after a flip exceeds `x`, which is above the present one.
    fn exceeds(&self, flip: &Flip, x: f64) -> bool {
        let (mut p, mut q, mut r) = (0.0, 0.0, 0.0);
        for ((a, c), square) in flip.column.iter().zip(&flip.image).zip(&self.squares) {
            let weight = 1.0 / (x - square);
            p += a * a * weight;
            q += a * c * weight;
            r += c * c * weight;
        }
        p * (r + flip.square) > (q - 1.0 / flip.strength).powi(2)
    }

    /// The square after a flip that exceeds `low`.
    fn square(&self, flip: &Flip, low: f64) -> f64 {
        let reach = flip.strength.abs() * flip.column.iter().map(|a| a * a).sum::<f64>().sqrt() * flip.square.sqrt();
        let (mut low, mut high) = (low, (self.largest().max(0.0).sqrt() + reach).powi(2));
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            if self.exceeds(flip, middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Makes a flip unless the decomposition anew does not confirm that it improves; `None` if that does not converge.
    fn flip(&mut self, j: usize) -> Option<bool> {
        let strength = self.strength(j);
        let change = Mat::from_fn(self.matrix.nrows(), self.matrix.ncols(), |i, l| {
            strength * self.outer[(i, j)] * self.inner[(j, l)]
        });
        let matrix = &self.matrix + change;
        let (basis, squares) = decomposed(&matrix)?;
        let confirmed = squares.last().is_some_and(|&square| square > self.largest());
        if confirmed {
            (self.matrix, self.basis, self.squares) = (matrix, basis, squares);
            self.at_upper[j] = !self.at_upper[j];
        }
        Some(confirmed)
    }
}

/// Eigenvectors and eigenvalues of `M Mᵀ`.
fn decomposed(matrix: &Mat<f64>) -> Option<(Mat<f64>, Vec<f64>)> {
    let eigen = (matrix * matrix.transpose()).self_adjoint_eigen(Side::Lower).ok()?;
    Some((eigen.U().to_owned(), eigen.S().column_vector().iter().copied().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(neurons: usize, inputs: usize, outputs: usize, draw: usize) -> LayerFactor {
        let entry = move |i: usize, j: usize| ((i * 131 + j * 197 + i * j * 7 + draw * 59) % 251) as f64 / 125.0 - 1.0;
        let slope = |lower| SlopeInterval::new(lower, 1.0).expect("below one");
        LayerFactor {
            before: Mat::from_fn(neurons, inputs, entry),
            slopes: (0..neurons).map(|j| slope([0.0, 0.3, -1.0, 1.0][j % 4])).collect(),
            after: Mat::from_fn(outputs, neurons, |i, j| entry(j + 5, i + 3)),
        }
    }

    #[test]
    fn the_square_after_a_flip_is_that_of_the_new_matrix() {
        for (draw, (inputs, outputs)) in [(4, 3), (2, 6), (5, 5), (1, 3)].into_iter().cycle().take(40).enumerate() {
            let factor = factor(7, inputs, outputs, draw);
            let position = Position::new(factor.after.as_ref(), factor.before.as_ref(), &factor.slopes).expect("it");
            for (j, flip) in position.flips(0..7).iter().enumerate().filter(|(_, flip)| flip.strength != 0.0) {
                let mut slopes: Vec<f64> = factor.slopes.iter().map(|slope| slope.upper()).collect();
                slopes[j] = factor.slopes[j].lower();
                let weighed = Mat::from_fn(outputs, 7, |i, l| factor.after[(i, l)] * slopes[l]);
                let wanted = spectral_norm((weighed * &factor.before).as_ref()).powi(2);
                let better = position.exceeds(flip, position.threshold());
                assert_eq!(better, wanted > position.threshold(), "{draw} {j}");
                if better {
                    let found = position.square(flip, position.threshold());
                    assert!((found / wanted - 1.0).abs() < 1e-11, "{draw} {j}: {found} is not {wanted}");
                }
            }
        }
    }

    #[test]
    fn no_single_flip_improves_what_is_found_and_all_triplets_are_as_good() {
        let limits = Limits::within(1 << 30);
        for draw in 0..20 {
            let factor = factor(6, 4, 3, draw);
            let norm = |pattern: u32| {
                let slope =
                    |j: usize| if pattern >> j & 1 == 1 { factor.slopes[j].upper() } else { factor.slopes[j].lower() };
                let weighed = Mat::from_fn(3, 6, |i, j| factor.after[(i, j)] * slope(j));
                spectral_norm((weighed * &factor.before).as_ref())
            };
            let maximum = (0..64).map(norm).fold(0.0, f64::max);
            for found in [by_best_flips(&factor, &limits), by_leading_triplets(&factor, 9, &limits)] {
                let found = found.expect("no limit");
                assert!(found <= maximum * (1.0 + 1e-12), "{draw}");
                let is_stuck = (0..64)
                    .filter(|&pattern| (norm(pattern) / found - 1.0).abs() < 1e-9)
                    .any(|pattern| (0..6).all(|j| norm(pattern ^ 1 << j) <= found * (1.0 + 1e-9)));
                assert!(is_stuck, "{draw}: {found} is no pattern that single flips leave as it is");
            }
        }
    }
}
