//! The scaled inequality as an operator: `A v = S F S v` from products with the maps and their transposes alone.
//!
//! With `x = S v`, the signals `s_k = Σ_i W_{k,i} x_i` before block `k`, and for hidden blocks `Λ`, `A`, `B` as in
//! `inequality.rs`, the coordinates `k` and the sources `i` of block `k` receive
//!
//!   `y_k ∋ D x_k + C s_k`,   `y_i ∋ W_{k,i}ᵀ (C x_k + P s_k)`,   `D = 2Λ`,   `C = −Λ(A+B)`,   `P = 2ΛAB`,
//!
//! for the output block with `D = D_out`, `C = −I`, `P = 0`; the input has `D = D_in` alone. Scales are `S = D^{−1/2}`,
//! zero for dead signals. Every product of coefficients along a path from `v` to `A v` gathers at most `m` roundings, so
//! `|fl(A v) − A v| ≤ γ_m |A| |v|`, where `|A|` has all magnitudes and pluses in place of the signs.

use faer::{Mat, MatRef};
use tightlip_model::{IncrementSystem, LinearMap, Multipliers};

use super::live::LiveMask;
use super::passes::{Direction, Weighing, pass};
use crate::Refusal;
use crate::directed::inflated;

/// The coefficients of one block.
#[derive(Debug, Clone, Default)]
struct Coefficients {
    /// Where the block begins in the vectors.
    offset: usize,
    /// `S`.
    scale: Vec<f64>,
    /// `D`.
    diagonal: Vec<f64>,
    /// `C`.
    cross: Vec<f64>,
    /// `P`.
    product: Vec<f64>,
}

/// The matrix `A`, never formed.
#[derive(Debug)]
pub(super) struct Operator<'a> {
    system: &'a IncrementSystem,
    blocks: Vec<Coefficients>,
    order: usize,
}

impl<'a> Operator<'a> {
    /// The operator of the live signals of `system`, with zero rows and columns for the others.
    ///
    /// # Errors
    /// [`Refusal::Range`] if a coefficient underflows or overflows.
    pub(super) fn new(
        system: &'a IncrementSystem,
        live: &LiveMask,
        multipliers: &Multipliers,
    ) -> Result<Self, Refusal> {
        let mut blocks = Vec::with_capacity(system.blocks());
        let mut order = 0;
        for k in 0..system.blocks() {
            let mut block = Coefficients { offset: order, ..Coefficients::default() };
            for (i, &live) in live.of(k).iter().enumerate() {
                let [diagonal, cross, product] =
                    if live { coefficients(system, multipliers, (k, i))? } else { [0.0; 3] };
                block.scale.push(if live { diagonal.sqrt().recip() } else { 0.0 });
                block.diagonal.push(diagonal);
                block.cross.push(cross);
                block.product.push(product);
            }
            order += block.scale.len();
            blocks.push(block);
        }
        Ok(Self { system, blocks, order })
    }

    /// Signals of all blocks, dead ones included.
    pub(super) fn order(&self) -> usize {
        self.order
    }

    /// Whether coordinate `i` of the vectors takes part.
    pub(super) fn is_live(&self, i: usize) -> bool {
        let k = self.blocks.partition_point(|block| block.offset + block.scale.len() <= i);
        self.blocks[k].scale[i - self.blocks[k].offset] != 0.0
    }

    /// `A v` for every column `v`, rounded.
    pub(super) fn apply(&self, v: MatRef<'_, f64>) -> Mat<f64> {
        let columns = v.ncols();
        let mut y = Mat::from_fn(self.order, columns, |_, _| 0.0);
        let x: Vec<Mat<f64>> = self
            .blocks
            .iter()
            .map(|block| Mat::from_fn(block.scale.len(), columns, |i, c| block.scale[i] * v[(block.offset + i, c)]))
            .collect();
        for (k, block) in self.blocks.iter().enumerate() {
            let mut before = Mat::<f64>::zeros(block.scale.len(), columns);
            for edge in self.system.edges_into(k) {
                before += edge.map.apply(x[edge.from].as_ref());
            }
            for c in 0..columns {
                for i in 0..block.scale.len() {
                    y[(block.offset + i, c)] += block.diagonal[i] * x[k][(i, c)] + block.cross[i] * before[(i, c)];
                }
            }
            let back = Mat::from_fn(block.scale.len(), columns, |i, c| {
                block.cross[i] * x[k][(i, c)] + block.product[i] * before[(i, c)]
            });
            for edge in self.system.edges_into(k) {
                let source = &self.blocks[edge.from];
                let mut target = y.as_mut().subrows_mut(source.offset, source.scale.len());
                target += edge.map.apply_transpose(back.as_ref());
            }
        }
        for block in &self.blocks {
            for c in 0..columns {
                block.scale.iter().enumerate().for_each(|(i, s)| y[(block.offset + i, c)] *= s);
            }
        }
        y
    }

    /// An upper bound of `‖|A|‖₂`, and the number of roundings `m` in the bound of the error of [`Self::apply`].
    ///
    /// For a symmetric matrix `|A| ≥ 0` and any vector `x > 0`, `‖|A|‖₂ ≤ max_i (|A|x)_i / x_i` (Collatz, Wielandt).
    ///
    /// # Errors
    /// [`Refusal::Range`] if a product could overflow, or underflow by an amount that matters.
    pub(super) fn rounding(&self) -> Result<(f64, usize), Refusal> {
        /// Passes that improve the vector; the norm enters multiplied by `1e−13`, so a factor of 2 is good enough.
        const PASSES: usize = 4;
        /// No entry of the vector is smaller than this part of the largest, so that no ratio underflows.
        const SMALLEST: f64 = 1e-6;
        /// An underflow is off by at most `2^−1074` and grows by less than this: the sum over fewer than `1e18` of
        /// them stays below `1e−150`.
        const LARGEST: f64 = 1e150;
        let roundings = self.roundings();
        let mut x = vec![1.0; self.order];
        let reach = self.magnitudes(&x, 1.0).into_iter().fold(0.0, |m: f64, y| if y.is_nan() { y } else { m.max(y) });
        // Written so that a NaN is refused.
        if !(reach <= LARGEST && self.magnitudes(&x, 0.0).iter().all(|y| y.is_finite())) {
            return Err(Refusal::Range { what: "a product with the matrix inequality".to_owned() });
        }
        let mut norm = f64::INFINITY;
        for _ in 0..PASSES {
            let y = self.magnitudes(&x, 0.0);
            norm = norm.min(y.iter().zip(&x).fold(0.0, |m, (y, x)| m.max(y / x)));
            let largest = y.iter().fold(0.0_f64, |m, &y| m.max(y));
            x = y.into_iter().map(|y| (y / largest).max(SMALLEST)).collect();
        }
        Ok((inflated(norm, roundings), roundings))
    }

    /// `|A| x` for `x ≥ 0`, rounded, with `injected` added to every number computed on the way.
    fn magnitudes(&self, x: &[f64], injected: f64) -> Vec<f64> {
        let weighing = Weighing::Magnitude { injected };
        let x: Vec<Vec<f64>> = self
            .blocks
            .iter()
            .map(|block| block.scale.iter().zip(&x[block.offset..]).map(|(s, x)| s * x + injected).collect())
            .collect();
        let mut y: Vec<Vec<f64>> = x.iter().map(|block| vec![0.0; block.len()]).collect();
        for (k, block) in self.blocks.iter().enumerate() {
            let mut before = vec![0.0; block.scale.len()];
            for edge in self.system.edges_into(k) {
                add(&mut before, &pass(&edge.map, &x[edge.from], Direction::Forward, weighing));
            }
            let terms = |first: &[f64], second: &[f64]| -> Vec<f64> {
                let products = first.iter().zip(&x[k]).zip(second.iter().zip(&before));
                products.map(|((a, x), (b, s))| a.abs() * x + b.abs() * s + 2.0 * injected).collect()
            };
            add(&mut y[k], &terms(&block.diagonal, &block.cross));
            let back = terms(&block.cross, &block.product);
            for edge in self.system.edges_into(k) {
                add(&mut y[edge.from], &pass(&edge.map, &back, Direction::Backward, weighing));
            }
        }
        let scales = self.blocks.iter().flat_map(|block| &block.scale);
        scales.zip(y.iter().flatten()).map(|(s, y)| s * y + injected).collect()
    }

    /// The roundings that a product of coefficients along a path can gather.
    fn roundings(&self) -> usize {
        /// Scaling twice; three in a coefficient, its product and its sum, on both sides; and a few to spare.
        const OTHERS: usize = 20;
        let edges = self.system.edges();
        // Sums over edges, on both sides; then those of the maps: forward through one edge, back through another.
        let maps = edges.iter().map(|edge| terms(&edge.map)).max().unwrap_or(0);
        2 * (maps + edges.len()) + OTHERS
    }
}

/// Roundings of a map and of its transpose together: a sum of `n` products has at most `n` along each term.
fn terms(map: &LinearMap) -> usize {
    match map {
        LinearMap::Chain(maps) => maps.iter().map(terms).sum(),
        single => single.rows() + single.cols() + 2,
    }
}

/// `D`, `C` and `P` of live signal `i` of block `k`.
///
/// # Errors
/// [`Refusal::Range`] if one of them is not a normal number, though it is not zero in truth.
fn coefficients(
    system: &IncrementSystem,
    multipliers: &Multipliers,
    (k, i): (usize, usize),
) -> Result<[f64; 3], Refusal> {
    let range = || Refusal::Range { what: format!("a coefficient of the inequality for signal {i} of block {k}") };
    let normal = |value: f64, zero: bool| if zero || value.is_normal() { Ok(value) } else { Err(range()) };
    if k == 0 {
        return Ok([normal(multipliers.input.at(i), false)?, 0.0, 0.0]);
    }
    if k == system.output_block() {
        return Ok([normal(multipliers.output.at(i), false)?, -1.0, 0.0]);
    }
    let (lambda, slope) = (multipliers.hidden[k - 1][i], system.slopes(k)[i]);
    let sum = slope.lower() + slope.upper();
    let zero = slope.lower() == 0.0 || slope.upper() == 0.0;
    let product = normal(slope.lower() * slope.upper(), zero)?;
    Ok([normal(2.0 * lambda, false)?, normal(-(lambda * sum), sum == 0.0)?, normal(2.0 * lambda * product, zero)?])
}

/// Adds `more` to `sums`.
fn add(sums: &mut [f64], more: &[f64]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}
