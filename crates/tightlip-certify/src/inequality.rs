//! The matrix inequality of a proposal, rebuilt from the increment system alone.
//!
//! For multipliers `(D_in, λ, D_out)` the form whose non-negativity proves the bound is
//!
//!   `vᵀ F v = δ_0ᵀ D_in δ_0 + 2 Σ_j λ_j (δ_j − α_j s_j)(δ_j − β_j s_j) + ηᵀ D_out η − 2 ηᵀ s_out`,   `s_k = Σ_i W_{k,i} δ_i`,
//!
//! over free `v = (δ_0, …, δ_H, η)`: for true increments the sum is ≤ 0, so `F ⪰ 0` gives `2ηᵀδ_out ≤ δ_0ᵀD_inδ_0 + ηᵀD_outη`.
//! Multiplied out, with `Λ = Diag(λ)`, `A = Diag(α)`, `B = Diag(β)` of block `k`:
//!
//!   `F_{k,k} ∋ 2Λ`,   `F_{k,i} ∋ −Λ(A+B) W_{k,i}`,   `F_{i,i′} ∋ 2 W_{k,i}ᵀ ΛAB W_{k,i′}`,   `F_{out,i} = −W_{out,i}`.
//!
//! The rows and columns are scaled by powers of two, `S F S` with `S_j ≈ (2λ_j)^{−1/2}`, which is exact and changes
//! nothing about definiteness. Every other rounding goes into a radius, summed up row by row.

use std::collections::BTreeMap;

use faer::{Mat, Par};
use tightlip_model::{Multipliers, SlopeInterval};

use crate::Refusal;
use crate::ball::dyadic::power_of_two;
use crate::directed::{UNDERFLOW, UNIT, add_up, gamma, inflated};
use crate::gram::{Gram, weighted_gram};
use crate::skeleton::{Coupling, Layout, Skeleton};
use crate::sums::{Sums, add_absolute_symmetric_times, column, map_entries};

/// A symmetric matrix in blocks (lower triangle of blocks), known up to an error whose row sums are bounded. Blocks stand
/// in the order of their elimination.
#[derive(Debug, Clone)]
pub(crate) struct Inequality {
    /// Order of each block.
    pub(crate) sizes: Vec<usize>,
    /// `blocks[(i, j)]`, `i > j`: the block below the diagonal, where it may differ from zero.
    pub(crate) below: BTreeMap<(usize, usize), Mat<f64>>,
    /// Diagonals of the diagonal blocks.
    pub(crate) diagonal: Vec<Vec<f64>>,
    /// What the diagonal blocks have beside their diagonals (`2 WᵀΛABW`), where anything: lower triangles.
    pub(crate) beside: BTreeMap<usize, Mat<f64>>,
    /// For every block and row, an upper bound of the row sum of entry errors.
    pub(crate) error: Vec<Vec<f64>>,
}

impl Inequality {
    /// Rebuilds `S F S` for the live signals of a system.
    ///
    /// # Errors
    /// [`Refusal::Range`] if a multiplier is too large or small to scale, or an entry overflows.
    pub(crate) fn new(skeleton: &Skeleton, multipliers: &Multipliers, par: Par) -> Result<Self, Refusal> {
        let last = skeleton.slopes.len() - 1;
        let values: Vec<Vec<f64>> =
            (0..=last).map(|k| block_multipliers(k, last, skeleton.live.of(k), multipliers)).collect();
        let scales =
            values.iter().enumerate().map(|(k, block)| scaling(k, block)).collect::<Result<Vec<_>, Refusal>>()?;
        let order = skeleton.elimination.order();
        let diagonal = |&k: &usize| values[k].iter().zip(&scales[k]).map(|(value, s)| value * s * s).collect();
        let mut inequality = Self {
            sizes: order.iter().map(|&k| values[k].len()).collect(),
            below: BTreeMap::new(),
            diagonal: order.iter().map(diagonal).collect(),
            beside: BTreeMap::new(),
            error: order.iter().map(|&k| vec![0.0; values[k].len()]).collect(),
        };
        for k in 1..=last {
            let sector = if k == last {
                Sector::output(&scales[k])
            } else {
                Sector::hidden(&skeleton.slopes[k], &values[k], &scales[k])
                    .map_err(|neuron| slopes_out_of_range(skeleton, k, neuron))?
            };
            inequality.add_crosses(skeleton, k, &sector, &scales);
            if sector.products.iter().any(|&product| product != 0.0) {
                inequality.add_products(skeleton, k, (&sector.products, &scales), par);
            }
        }
        inequality.check_range()?;
        Ok(inequality)
    }

    /// Order of the whole matrix.
    pub(crate) fn order(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// The couplings of block `k` with its sources: `−Λ(A+B)W`, or `−W` for the output.
    fn add_crosses(&mut self, skeleton: &Skeleton, k: usize, sector: &Sector, scales: &[Vec<f64>]) {
        for coupling in skeleton.into(k) {
            let cols = &scales[coupling.from];
            let block = coupled(coupling, &coupling.weights.mid, &sector.crosses, cols);
            // |exact − computed| ≤ rounding · |computed| + |cross| · radius · col · (1 + rounding), entry by entry.
            let mut error = if sector.rounding == 0.0 {
                Sums::zeros(block.nrows(), block.ncols())
            } else {
                scaled(Sums::absolute(&block), sector.rounding)
            };
            if let Some(radius) = &coupling.weights.radius {
                let carried = Sums::absolute(&coupled(coupling, radius, &sector.crosses, cols));
                add(&mut error, &scaled(carried, 1.0 + sector.rounding));
            }
            let at = (skeleton.elimination.position(k), skeleton.elimination.position(coupling.from));
            self.add_below((at.0.max(at.1), at.0.min(at.1)), block, &error);
        }
    }

    /// Adds `2 W_iᵀ ΛAB W_{i′}` at block `(i, i′)` for all pairs of sources of block `k`.
    fn add_products(&mut self, skeleton: &Skeleton, k: usize, (products, scales): (&[f64], &[Vec<f64>]), par: Par) {
        let position = |coupling: &Coupling| skeleton.elimination.position(coupling.from);
        for one in skeleton.into(k) {
            for other in skeleton.into(k).filter(|other| position(other) <= position(one)) {
                let gram = weighted_gram((one, &scales[one.from]), (other, &scales[other.from]), products, par);
                if one.from == other.from {
                    self.add_beside(position(one), gram);
                } else {
                    self.add_below((position(one), position(other)), gram.mid, &gram.error);
                }
            }
        }
    }

    /// Adds a symmetric block on the diagonal.
    fn add_beside(&mut self, i: usize, Gram { mid, error }: Gram) {
        let size = mid.nrows();
        let mut more = error.rows;
        let sum = match self.beside.remove(&i) {
            None => mid,
            Some(before) => {
                let sum = &before + &mid;
                let mut magnitude = vec![0.0; size];
                add_absolute_symmetric_times(&sum, &vec![1.0; size], &mut magnitude);
                more.iter_mut().zip(magnitude).for_each(|(e, m)| *e += 2.0 * UNIT * m);
                sum
            }
        };
        add_errors(&mut self.error[i], &more, size);
        self.beside.insert(i, sum);
    }

    /// Adds a block below the diagonal with the sums of its entries' errors, underflow of one product not counted.
    fn add_below(&mut self, (i, j): (usize, usize), block: Mat<f64>, error: &Sums) {
        let mut error = error.clone();
        let sum = match self.below.remove(&(i, j)) {
            None => block,
            Some(before) => {
                let sum = &before + &block;
                add(&mut error, &scaled(Sums::absolute(&sum), 2.0 * UNIT));
                sum
            }
        };
        // The block stands twice in the matrix: its columns are rows above the diagonal.
        add_errors(&mut self.error[i], &error.rows, sum.ncols());
        add_errors(&mut self.error[j], &error.columns, sum.nrows());
        self.below.insert((i, j), sum);
    }

    /// Refuses entries or radii that are not finite.
    fn check_range(&self) -> Result<(), Refusal> {
        let finite = self.below.values().chain(self.beside.values()).all(is_finite)
            && self.error.iter().flatten().all(|e| e.is_finite());
        if finite { Ok(()) } else { Err(Refusal::Range { what: "an entry of the matrix inequality".to_owned() }) }
    }
}

/// `−(cross_i · w_{ij}) · col_j`, stored like the coupling. `weights` are the middle or the radius of its enclosure.
fn coupled(coupling: &Coupling, weights: &Mat<f64>, crosses: &[f64], cols: &[f64]) -> Mat<f64> {
    match coupling.layout {
        Layout::TargetsBySources => map_entries(weights, (crosses, cols), |w, cross, col| -(cross * w) * col),
        Layout::SourcesByTargets => map_entries(weights, (cols, crosses), |w, col, cross| -(cross * w) * col),
    }
}

/// Adds sums of `terms` errors each to the errors of a block, with an underflow for each, rounded up.
fn add_errors(target: &mut [f64], more: &[f64], terms: usize) {
    for (error, sum) in target.iter_mut().zip(more) {
        // At most five roundings beside the additions: of the entry, of the factor in front, and of these sums.
        *error = add_up(*error, inflated(sum + terms as f64 * UNDERFLOW, terms + 8));
    }
}

/// Sums times a factor.
fn scaled(mut sums: Sums, factor: f64) -> Sums {
    sums.rows.iter_mut().chain(&mut sums.columns).for_each(|sum| *sum *= factor);
    sums
}

/// Adds sums to sums.
fn add(sums: &mut Sums, more: &Sums) {
    sums.rows.iter_mut().zip(&more.rows).for_each(|(sum, more)| *sum += more);
    sums.columns.iter_mut().zip(&more.columns).for_each(|(sum, more)| *sum += more);
}

/// What the neurons of one block contribute, already scaled on their own side.
struct Sector {
    /// `S_j λ_j (α_j + β_j)`.
    crosses: Vec<f64>,
    /// `2 λ_j α_j β_j`, unscaled, two roundings.
    products: Vec<f64>,
    /// Relative error bound of `crosses` times a weight.
    rounding: f64,
}

impl Sector {
    /// The outputs: `S_j`, exact, also after the product with a weight.
    fn output(scales: &[f64]) -> Self {
        Self { crosses: scales.to_vec(), products: Vec::new(), rounding: 0.0 }
    }

    /// The neurons of a hidden block; `values` are `2λ`, `scales` their `S`.
    ///
    /// # Errors
    /// The live neuron of which the product of slopes is so small that its part of the inequality could vanish by
    /// underflow.
    fn hidden(slopes: &[SlopeInterval], values: &[f64], scales: &[f64]) -> Result<Self, usize> {
        /// With multipliers of at least `2^−480` the products below stay in the normal range.
        const SMALLEST_PRODUCT: f64 = 1e-100;
        // Two roundings before the weight (α + β, times λ), one after; scalings are exact.
        let mut sector = Self { crosses: Vec::new(), products: Vec::new(), rounding: gamma(4) };
        for (at, (slope, (&doubled, &scale))) in slopes.iter().zip(values.iter().zip(scales)).enumerate() {
            let product = slope.lower() * slope.upper();
            if slope.lower() != 0.0 && slope.upper() != 0.0 && product.abs() < SMALLEST_PRODUCT {
                return Err(at);
            }
            sector.crosses.push(0.5 * doubled * scale * (slope.lower() + slope.upper()));
            sector.products.push(doubled * product);
        }
        Ok(sector)
    }
}

/// The refusal of a live neuron's slopes.
fn slopes_out_of_range(skeleton: &Skeleton, k: usize, at: usize) -> Refusal {
    let (slope, neuron) = (skeleton.slopes[k][at], skeleton.live.of(k)[at]);
    Refusal::Range { what: format!("the product of the slopes {slope:?} of neuron {neuron} of hidden layer {k}") }
}

/// The diagonal of `F` on the live signals of block `k`: `D_in`, `2λ` or `D_out`. Doubling is exact.
fn block_multipliers(k: usize, last: usize, live: &[usize], multipliers: &Multipliers) -> Vec<f64> {
    let at = |i: usize| match k {
        0 => multipliers.input.at(i),
        _ if k == last => multipliers.output.at(i),
        _ => 2.0 * multipliers.hidden[k - 1][i],
    };
    live.iter().map(|&i| at(i)).collect()
}

/// Powers of two that bring the diagonal of block `k` to `[½, 2]`.
fn scaling(k: usize, diagonal: &[f64]) -> Result<Vec<f64>, Refusal> {
    /// Largest exponent of a scale factor; see `UNDERFLOW`.
    const LARGEST: f64 = 240.0;
    diagonal
        .iter()
        .map(|value| {
            let exponent = (-0.5 * value.log2()).round();
            if exponent.abs() <= LARGEST {
                Ok(power_of_two(exponent as isize))
            } else {
                Err(Refusal::Range { what: format!("the multiplier {value:e} of block {k} (want 1e-144 to 1e144)") })
            }
        })
        .collect()
}

/// Whether every entry is a finite number. (faer's `norm_max` passes over NaN.)
fn is_finite(matrix: &Mat<f64>) -> bool {
    (0..matrix.ncols()).all(|c| column(matrix, c).iter().all(|entry| entry.is_finite()))
}

#[cfg(test)]
mod tests;
