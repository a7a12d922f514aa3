//! Products of the layers' operator norms, with the norm at every cut chosen so that the product is smallest.
//!
//! Between the layers of a chain the signals are measured in ℓ1, ℓ2 or ℓ∞; activations have the constant
//! `m_k = max_j max(|α_j|, |β_j|)` in each of them. The best choice is a shortest path through three norms at each cut,
//!
//!   `log L = min over p_1 … p_H of Σ_k log ‖W_k‖_{p_{k−1} → p_k} + Σ_k log m_k`,
//!
//! by dynamic programming. For ℓ2 → ℓ2 all cuts stay in ℓ2: the product of spectral norms is what the literature means by
//! the product (Szegedy et al. 2014), and an index to others. With every cut in the norm of the inputs the product is that of
//! GeoLIP's comparisons for ℓ∞, the row sums.
//!
//! *Norms without a formula.* With `|W|` entrywise, row sums `r_i` and column sums `c_j` of it, diagonal dominance of
//! `[[D_in, −Wᵀ], [−W, D_out]]` in weighted form, `2 |w_ij x_j y_i| ≤ |w_ij| (u_ij x_j² + y_i² / u_ij)`, gives
//!
//!   ∞ → 1: `Σ |w_ij|` with `D_in = Diag(c)`, `D_out = Diag(r)` (`u = 1`);
//!   ∞ → 2: `q = √(Σ r_i²)` with `D_in = Diag(Σ_i r_i |w_ij|) / q`, `D_out = q I` (`u = r_i / q`);
//!   2 → 1: `t = √(Σ c_j²)` with `D_in = t I`, `D_out = Diag(Σ_j c_j |w_ij|) / t` (`u = t / c_j`).
//!
//! The other choice is the spectral norm, times `√n` for every end in ℓ∞ or ℓ1: the smaller of both is taken.

use std::cell::OnceCell;

use faer::Mat;
use tightlip_model::{Edge, IncrementSystem, Multipliers, Norm, Query, Weight, spectral_norm};

use crate::forward::power_of_two;

/// Which norms the cuts may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cuts {
    /// Those with the smallest product; ℓ2 for ℓ2 → ℓ2.
    Smallest,
    /// The norm of the inputs at every cut.
    Input,
}

/// One layer of a product.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// The block the layer ends in.
    pub block: usize,
    /// The norm its output is measured in.
    pub output_norm: Norm,
    /// The operator norm, or a bound of it; rounded.
    pub value: f64,
    /// What proves it, up to rounding; `None` where the norm has a formula.
    pub multipliers: Option<Multipliers>,
}

/// A product of norms.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// The layers, from the input on.
    pub layers: Vec<LayerNorm>,
    /// The product of their norms and of the activations' constants, rounded.
    pub value: f64,
    /// Whether Frobenius norms, which are there at once and not smaller, stand in the place of some spectral ones.
    pub is_hurried: bool,
}

/// Norms in the order in which equally good ones are taken.
const NORMS: [Norm; 3] = [Norm::L2, Norm::LInf, Norm::L1];

/// A product of norms of `system` between the norms of `query`. `stop` is asked before every layer; once it is true the layers that are
/// left have Frobenius norms in the place of spectral ones.
///
/// # Panics
/// If the system is not a chain.
pub fn product_of_norms(system: &IncrementSystem, query: &Query, cuts: Cuts, stop: &dyn Fn() -> bool) -> Product {
    assert!(system.is_chain(), "products of norms are for chains");
    let (input, output) = (query.input_norm, query.output_norm);
    let at_cuts: &[Norm] = match (cuts, input, output) {
        (Cuts::Smallest, Norm::L2, Norm::L2) => &[Norm::L2],
        (Cuts::Smallest, _, _) => &NORMS,
        (Cuts::Input, _, _) => &[input],
    };
    let (mut reached, mut logs) = (vec![input], vec![0.0]);
    let mut ways: Vec<Vec<Way>> = Vec::new();
    let mut is_hurried = false;
    for edge in system.edges() {
        is_hurried = is_hurried || stop();
        let layer = Layer::new(edge, is_hurried);
        let ends = if edge.to == system.output_block() { &[output][..] } else { at_cuts };
        let next: Vec<Way> = ends.iter().map(|&end| shortest((&reached, &logs), &layer, end)).collect();
        (reached, logs) = (ends.to_vec(), next.iter().map(|way| way.log).collect());
        ways.push(next);
    }
    let layers = walked_back(ways);
    let constants = (1..system.output_block()).map(|k| steepest(system, k));
    let factors: Vec<f64> = layers.iter().map(|layer| layer.value).chain(constants).collect();
    Product { value: product(&factors), layers, is_hurried }
}

/// The best way over one layer to one norm at its end.
struct Way {
    /// Which of the norms before the layer it comes from.
    from: usize,
    /// Logarithm of the product of norms so far.
    log: f64,
    norm: LayerNorm,
}

/// The shortest way over a layer to the norm `end`, from the norms `reached` by ways of the lengths `logs`.
fn shortest((reached, logs): (&[Norm], &[f64]), layer: &Layer<'_>, end: Norm) -> Way {
    let mut best: Option<Way> = None;
    for (from, (&start, before)) in reached.iter().zip(logs).enumerate() {
        let norm = layer.norm(start, end);
        let log = before + norm.value.ln();
        if best.as_ref().is_none_or(|best| log < best.log) {
            best = Some(Way { from, log, norm });
        }
    }
    best.expect("a norm is reached at every cut")
}

/// The layers of the best path, from its end in the only norm of the outputs back to the inputs.
fn walked_back(ways: Vec<Vec<Way>>) -> Vec<LayerNorm> {
    let mut at = 0;
    let mut layers: Vec<LayerNorm> = Vec::new();
    for mut step in ways.into_iter().rev() {
        let way = step.swap_remove(at);
        at = way.from;
        layers.push(way.norm);
    }
    layers.reverse();
    layers
}

/// A layer's matrix with what several of its norms need.
struct Layer<'e> {
    edge: &'e Edge,
    matrix: Mat<f64>,
    /// Sums of magnitudes.
    rows: Vec<f64>,
    columns: Vec<f64>,
    is_hurried: bool,
    spectral: OnceCell<f64>,
}

impl<'e> Layer<'e> {
    /// The layer of an edge.
    fn new(edge: &'e Edge, is_hurried: bool) -> Self {
        let matrix = edge.map.to_dense();
        let (mut rows, mut columns) = (vec![0.0; matrix.nrows()], vec![0.0; matrix.ncols()]);
        for (column, sum) in matrix.col_iter().zip(&mut columns) {
            for (entry, row) in column.iter().zip(&mut rows) {
                *sum += entry.abs();
                *row += entry.abs();
            }
        }
        Self { edge, matrix, rows, columns, is_hurried, spectral: OnceCell::new() }
    }

    /// The norm between two vector norms, or the best bound of it.
    fn norm(&self, from: Norm, to: Norm) -> LayerNorm {
        let by_formula = |value: f64| self.layer_norm(to, value, None);
        let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        match (from, to) {
            (Norm::L1, Norm::L1) => by_formula(largest(&self.columns)),
            (Norm::LInf, Norm::LInf) => by_formula(largest(&self.rows)),
            (Norm::L1, Norm::LInf) => by_formula(self.matrix.norm_max()),
            (Norm::L1, Norm::L2) => {
                by_formula(self.matrix.col_iter().map(|column| column.norm_l2()).fold(0.0, f64::max))
            }
            (Norm::L2, Norm::LInf) => by_formula(self.matrix.row_iter().map(|row| row.norm_l2()).fold(0.0, f64::max)),
            (Norm::L2, Norm::L2) => self.by_spectral(from, to),
            (Norm::L2 | Norm::LInf, Norm::L1) | (Norm::LInf, Norm::L2) => {
                let (spectral, dominant) = (self.by_spectral(from, to), self.by_dominance(from, to));
                if dominant.value < spectral.value { dominant } else { spectral }
            }
        }
    }

    /// The spectral norm `σ`, with the factor `√n` for every end that is not ℓ2, and both weights `σ`.
    fn by_spectral(&self, from: Norm, to: Norm) -> LayerNorm {
        let matrix = self.matrix.as_ref();
        let sigma =
            *self.spectral.get_or_init(|| if self.is_hurried { matrix.norm_l2() } else { spectral_norm(matrix) });
        let end = |norm: Norm, len: usize| match norm {
            Norm::L2 => (Weight::Uniform(sigma), 1.0),
            Norm::L1 | Norm::LInf => (Weight::PerCoordinate(vec![sigma; len]), (len as f64).sqrt()),
        };
        let ((input, into), (output, out)) = (end(from, self.matrix.ncols()), end(to, self.matrix.nrows()));
        self.layer_norm(to, into * sigma * out, Some((input, output)))
    }

    /// By diagonal dominance, for ∞ → 1, ∞ → 2 and 2 → 1.
    fn by_dominance(&self, from: Norm, to: Norm) -> LayerNorm {
        let magnitude = |i: usize, j: usize| self.matrix[(i, j)].abs();
        let (m, n) = (self.matrix.nrows(), self.matrix.ncols());
        let (value, input, output) = match (from, to) {
            (Norm::L2, _) => {
                let t = length(&self.columns);
                let weighted = |i: usize| (0..n).map(|j| self.columns[j] / t * magnitude(i, j)).sum();
                (t, Weight::Uniform(t), Weight::PerCoordinate(quotients(m, t, weighted)))
            }
            (_, Norm::L2) => {
                let q = length(&self.rows);
                let weighted = |j: usize| (0..m).map(|i| self.rows[i] / q * magnitude(i, j)).sum();
                (q, Weight::PerCoordinate(quotients(n, q, weighted)), Weight::Uniform(q))
            }
            (_, _) => {
                let (input, output) = (self.columns.clone(), self.rows.clone());
                (self.rows.iter().sum(), Weight::PerCoordinate(input), Weight::PerCoordinate(output))
            }
        };
        self.layer_norm(to, value, Some((input, output)))
    }

    /// The norm with the weights that prove it.
    fn layer_norm(&self, output_norm: Norm, value: f64, weights: Option<(Weight, Weight)>) -> LayerNorm {
        let multipliers = weights.map(|(input, output)| Multipliers { input, hidden: Vec::new(), output });
        LayerNorm { block: self.edge.to, output_norm, value, multipliers }
    }
}

/// `count` sums with the quotient `1 / divisor` inside; zeros where there is nothing to divide by.
fn quotients(count: usize, divisor: f64, sum: impl Fn(usize) -> f64) -> Vec<f64> {
    if divisor == 0.0 { vec![0.0; count] } else { (0..count).map(sum).collect() }
}

/// The Euclidean length of values ≥ 0, without overflow on the way.
fn length(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    largest * values.iter().map(|value| (value / largest).powi(2)).sum::<f64>().sqrt()
}

/// The product of factors ≥ 0, which may pass the range of floating point on the way.
fn product(factors: &[f64]) -> f64 {
    // Half of a power on either side: it may be out of range where the product is not.
    let times = |value: f64, exponent: i32| {
        let half = exponent / 2;
        value * power_of_two(half) * power_of_two(exponent - half)
    };
    let (mut mantissa, mut exponent) = (1.0, 0);
    for &factor in factors {
        if factor == 0.0 || !factor.is_finite() {
            return factor;
        }
        let shift = factor.log2().round() as i32;
        mantissa *= times(factor, -shift);
        let carried = mantissa.log2().round() as i32;
        mantissa = times(mantissa, -carried);
        exponent += shift + carried;
    }
    times(mantissa, exponent)
}

/// The Lipschitz constant of the activations of hidden block `k`.
fn steepest(system: &IncrementSystem, k: usize) -> f64 {
    system.slopes(k).iter().fold(0.0, |m, slope| m.max(slope.magnitude()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_may_pass_the_range_on_the_way() {
        assert_eq!(product(&[]), 1.0);
        assert_eq!(product(&[3.0, 0.5, 4.0]), 6.0);
        assert_eq!(product(&[1e200, 1e200, 0.0]), 0.0);
        let close = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 1e-13, "{found} for {wanted}");
        close(product(&[1e-162, 3e-162, 1e300]), 3e-24);
        close(product(&[1e300, 1e300, 1e-300, 1e-300, 2.0]), 2.0);
        close(product(&[1.25; 2000]), 1.25_f64.powi(2000));
        close(product(&[f64::from_bits(1), 1e300]), f64::from_bits(1) * 1e300);
        assert_eq!(product(&[1e-200, 1e-200]), 0.0);
        assert_eq!(product(&[f64::INFINITY, 2.0]), f64::INFINITY);
    }
}
