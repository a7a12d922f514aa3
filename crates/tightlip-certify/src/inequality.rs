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

use faer::Mat;
use tightlip_model::{Edge, IncrementSystem, Multipliers};

use crate::Refusal;
use crate::ball::dyadic::power_of_two;
use crate::directed::{GRAM_UNDERFLOW, UNDERFLOW, UNIT, add_up, gamma, inflated};
use crate::enclosure::{Enclosure, absolute};
use crate::signals::LiveSignals;

/// A symmetric matrix in blocks (lower triangle of blocks; a diagonal block is stored whole), known up to an error
/// whose row sums are bounded.
#[derive(Debug, Clone)]
pub(crate) struct Inequality {
    /// Order of each block.
    pub(crate) sizes: Vec<usize>,
    /// `blocks[(i, j)]`, `i > j`: the block below the diagonal, where it may differ from zero.
    pub(crate) below: BTreeMap<(usize, usize), Mat<f64>>,
    /// Diagonals of the diagonal blocks.
    pub(crate) diagonal: Vec<Vec<f64>>,
    /// What the diagonal blocks have beside their diagonals (`2 WᵀΛABW`), where anything.
    pub(crate) beside: BTreeMap<usize, Mat<f64>>,
    /// For every block and row, an upper bound of the row sum of entry errors.
    pub(crate) error: Vec<Vec<f64>>,
}

/// Larger weights could underflow beside small multipliers by more than `UNDERFLOW` covers.
const LARGEST_WEIGHT: f64 = 1e60;

impl Inequality {
    /// Rebuilds `S F S` for the live signals of `system`.
    ///
    /// # Errors
    /// [`Refusal::Range`] if a multiplier or a weight is too large or small to scale, or an entry overflows.
    pub(crate) fn new(
        system: &IncrementSystem,
        weights: &[Enclosure],
        live: &LiveSignals,
        multipliers: &Multipliers,
    ) -> Result<Self, Refusal> {
        if let Some(at) = weights.iter().position(|enclosure| !within(&enclosure.mid, LARGEST_WEIGHT)) {
            let Edge { from, to, .. } = system.edges()[at];
            return Err(Refusal::Range {
                what: format!(
                    "a weight from block {from} to block {to} (want at most {LARGEST_WEIGHT:e} in magnitude)"
                ),
            });
        }
        let last = system.output_block();
        let values: Vec<Vec<f64>> = (0..=last).map(|k| block_multipliers(k, last, live.of(k), multipliers)).collect();
        let scales =
            values.iter().enumerate().map(|(k, block)| scaling(k, block)).collect::<Result<Vec<_>, Refusal>>()?;
        let diagonal = values
            .iter()
            .zip(&scales)
            .map(|(block, scale)| block.iter().zip(scale).map(|(value, s)| value * s * s).collect())
            .collect();
        let sizes: Vec<usize> = values.iter().map(Vec::len).collect();
        let error = sizes.iter().map(|&n| vec![0.0; n]).collect();
        let mut inequality = Self { sizes, below: BTreeMap::new(), diagonal, beside: BTreeMap::new(), error };
        for k in 1..=last {
            let edges: Vec<(usize, Enclosure)> = system
                .edges()
                .iter()
                .zip(weights)
                .filter(|(edge, _)| edge.to == k)
                .map(|(edge, weights)| (edge.from, weights.part(live.of(k), live.of(edge.from))))
                .collect();
            if k == last {
                inequality.add_output(&edges, k, &scales);
            } else {
                let terms = sector_terms(system, k, live.of(k), &values[k], &scales[k])?;
                inequality.add_hidden(&edges, k, &terms, &scales);
            }
        }
        inequality.check_range()?;
        Ok(inequality)
    }

    /// Order of the whole matrix.
    pub(crate) fn order(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// `F_{out,i} = −W`, scaled.
    fn add_output(&mut self, edges: &[(usize, Enclosure)], k: usize, scales: &[Vec<f64>]) {
        for (from, weights) in edges {
            let (rows, cols) = (&scales[k], &scales[*from]);
            let block = Mat::from_fn(rows.len(), cols.len(), |i, j| -(rows[i] * weights.mid[(i, j)] * cols[j]));
            let radius = weights
                .radius
                .as_ref()
                .map(|r| Mat::from_fn(rows.len(), cols.len(), |i, j| inflated(rows[i] * r[(i, j)] * cols[j], 2)));
            self.add_below(k, *from, block, radius);
        }
    }

    /// The parts of hidden block `k`: `−Λ(A+B)W` and `2 WᵀΛABW`.
    fn add_hidden(&mut self, edges: &[(usize, Enclosure)], k: usize, terms: &[SectorTerm], scales: &[Vec<f64>]) {
        // Two roundings before the weight (α + β, times λ), one after; scalings are exact.
        let rounding = gamma(4);
        for (from, weights) in edges {
            let cols = &scales[*from];
            let block = Mat::from_fn(terms.len(), cols.len(), |i, j| -(terms[i].cross * weights.mid[(i, j)]) * cols[j]);
            let radius = Mat::from_fn(terms.len(), cols.len(), |i, j| {
                let carried = terms[i].cross.abs() * weights.radius_at(i, j) * cols[j] * (1.0 + rounding);
                inflated(rounding * block[(i, j)].abs() + carried, 4)
            });
            self.add_below(k, *from, block, Some(radius));
        }
        if terms.iter().any(|term| term.product != 0.0) {
            for (at, (from, weights)) in edges.iter().enumerate() {
                for (other_from, other) in &edges[..=at] {
                    let gram = weighted_gram((weights, &scales[*from]), (other, &scales[*other_from]), terms);
                    self.add_gram(*from, *other_from, gram);
                }
            }
        }
    }

    /// Adds `2 W_iᵀ ΛAB W_{i′}` at block `(i, i′)`.
    fn add_gram(&mut self, i: usize, other: usize, (mid, radius): (Mat<f64>, Mat<f64>)) {
        if i != other {
            // Edges are sorted by their sources, so i > other.
            self.add_below(i, other, mid, Some(radius));
            return;
        }
        for row in 0..radius.nrows() {
            let sum: f64 = radius.row(row).iter().sum();
            self.error[i][row] = add_up(self.error[i][row], inflated(sum, radius.ncols()));
        }
        match self.beside.remove(&i) {
            None => {
                self.beside.insert(i, mid);
            }
            Some(before) => {
                let sum = &before + &mid;
                for row in 0..sum.nrows() {
                    let magnitude: f64 = sum.row(row).iter().map(|x| x.abs()).sum();
                    self.error[i][row] = add_up(self.error[i][row], inflated(2.0 * UNIT * magnitude, sum.ncols()));
                }
                self.beside.insert(i, sum);
            }
        }
    }

    /// Adds a block below the diagonal, with the radii of its entries (`None`: exact up to underflow).
    fn add_below(&mut self, i: usize, j: usize, block: Mat<f64>, radius: Option<Mat<f64>>) {
        let (rows, cols) = (block.nrows(), block.ncols());
        let mut radius = radius.unwrap_or_else(|| Mat::zeros(rows, cols));
        let sum = match self.below.remove(&(i, j)) {
            None => block,
            Some(before) => {
                let sum = &before + &block;
                radius += absolute(sum.as_ref()) * faer::Scale(2.0 * UNIT);
                sum
            }
        };
        for row in 0..rows {
            let total: f64 = radius.row(row).iter().sum::<f64>() + cols as f64 * UNDERFLOW;
            self.error[i][row] = add_up(self.error[i][row], inflated(total, cols + 2));
        }
        for col in 0..cols {
            let total: f64 = radius.col(col).iter().sum::<f64>() + rows as f64 * UNDERFLOW;
            self.error[j][col] = add_up(self.error[j][col], inflated(total, rows + 2));
        }
        self.below.insert((i, j), sum);
    }

    /// Refuses entries or radii that are not finite.
    fn check_range(&self) -> Result<(), Refusal> {
        let finite = self.below.values().chain(self.beside.values()).all(|block| within(block, f64::MAX))
            && self.error.iter().flatten().all(|e| e.is_finite());
        if finite { Ok(()) } else { Err(Refusal::Range { what: "an entry of the matrix inequality".to_owned() }) }
    }
}

/// What one hidden neuron contributes, already scaled on its own side.
struct SectorTerm {
    /// `S_j λ_j (α_j + β_j)`, two roundings.
    cross: f64,
    /// `2 λ_j α_j β_j`, unscaled, two roundings.
    product: f64,
}

/// The sector terms of the live neurons of block `k`; `values` are `2λ`, `scales` their `S`.
///
/// # Errors
/// [`Refusal::Range`] if a product of slopes is so small that its part of the inequality could vanish by underflow.
fn sector_terms(
    system: &IncrementSystem,
    k: usize,
    live: &[usize],
    values: &[f64],
    scales: &[f64],
) -> Result<Vec<SectorTerm>, Refusal> {
    /// With multipliers of at least `2^−480` the products below stay in the normal range.
    const SMALLEST_PRODUCT: f64 = 1e-100;
    live.iter()
        .zip(values.iter().zip(scales))
        .map(|(&neuron, (&doubled, &scale))| {
            let slope = system.slopes(k)[neuron];
            let product = slope.lower() * slope.upper();
            if slope.lower() != 0.0 && slope.upper() != 0.0 && product.abs() < SMALLEST_PRODUCT {
                return Err(Refusal::Range {
                    what: format!("the product of the slopes {slope:?} of neuron {neuron} of hidden layer {k}"),
                });
            }
            Ok(SectorTerm {
                cross: 0.5 * doubled * scale * (slope.lower() + slope.upper()),
                product: doubled * product,
            })
        })
        .collect()
}

/// `S W_iᵀ Diag(product) W_{i′} S′` with entrywise radius. The factor `S` goes in by columns first, so that nothing
/// leaves the range of floating point on the way.
fn weighted_gram(
    (left, left_scale): (&Enclosure, &[f64]),
    (right, right_scale): (&Enclosure, &[f64]),
    terms: &[SectorTerm],
) -> (Mat<f64>, Mat<f64>) {
    let n = terms.len();
    // Each side gets the square root of |product| so that both stay near one; the sign goes to the left.
    let roots: Vec<f64> = terms.iter().map(|term| term.product.abs().sqrt()).collect();
    let signs: Vec<f64> = terms.iter().map(|term| term.product.signum()).collect();
    let scaled = |side: &Enclosure, scale: &[f64], signed: &[f64]| {
        Mat::from_fn(n, scale.len(), |i, j| signed[i] * (roots[i] * (side.mid[(i, j)] * scale[j])))
    };
    let radii = |side: &Enclosure, scale: &[f64]| {
        Mat::from_fn(n, scale.len(), |i, j| roots[i] * (side.radius_at(i, j) * scale[j]))
    };
    let ones = vec![1.0; n];
    let (x, y) = (scaled(left, left_scale, &signs), scaled(right, right_scale, &ones));
    let (abs_x, abs_y) = (absolute(x.as_ref()), absolute(y.as_ref()));
    let mid = x.transpose() * &y;
    // Roundings per summand: two of `product`, then root (halved, but squared again), product and weight on both
    // sides: at most ten, beside the n of the sum.
    let mut radius = abs_x.transpose() * &abs_y * faer::Scale(gamma(n + 12));
    if left.radius.is_some() || right.radius.is_some() {
        let (rx, ry) = (radii(left, left_scale), radii(right, right_scale));
        radius += rx.transpose() * (&abs_y + &ry) + abs_x.transpose() * &ry;
    }
    let floor = GRAM_UNDERFLOW * (n + 1) as f64;
    let radius = Mat::from_fn(mid.nrows(), mid.ncols(), |i, j| inflated(radius[(i, j)], 3 * n + 16) + floor);
    (mid, radius)
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

/// Whether every entry is a number of at most this magnitude. (faer's `norm_max` passes over NaN.)
fn within(matrix: &Mat<f64>, largest: f64) -> bool {
    matrix.col_iter().all(|column| column.iter().all(|entry| entry.abs() <= largest))
}
