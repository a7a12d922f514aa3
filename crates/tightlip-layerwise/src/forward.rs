//! The elimination of a chain's blocks from the input on.
//!
//! With `M_{k−1} = L Lᵀ` and `G = W_k L⁻ᵀ` (so `Γ_k = G Gᵀ`), for slopes with `αβ ≠ 0` also `I + 2 GᵀΛAB G = C Cᵀ` and
//! `G ← G C⁻ᵀ`, one step is
//!
//!   `M_k = 2Λ − ΛS (G Gᵀ) SΛ`.
//!
//! `M` falls geometrically with depth wherever a bound is loose, beyond the range of floating point at some hundred layers. So
//! every `G` is scaled by a power of two, which is exact, to a size about 1, and the multipliers here are those of the scaled
//! matrices: `G = 2^x Ĝ`, `λ = 2^{−2x} λ̂`.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatRef, Par, Spec};
use tightlip_model::{Multipliers, Weight, spectral_norm};

use crate::Chain;

/// Multipliers that prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFeasible {
    /// A pivot is not positive.
    #[error("the multipliers of hidden layer {layer} are not feasible: pivot {pivot} is not positive")]
    Pivot {
        /// The hidden layer, which counts from 1.
        layer: usize,
        /// The pivot.
        pivot: usize,
    },
    /// The bound is not a finite number.
    #[error("the bound is beyond the range of floating point")]
    Range,
}

/// What the elimination of a layer computed; for backward passes.
#[derive(Debug, Clone)]
pub struct Eliminated {
    /// `Ĝ C⁻ᵀ`, `n_k × n_{k−1}`: `Ĝ` itself for slopes with `αβ = 0`.
    pub reached: Mat<f64>,
    /// The lower triangle `C`, where slopes have `αβ ≠ 0`.
    pub inner: Option<Mat<f64>>,
    /// The lower triangle `L̂` with `M̂_k = L̂ L̂ᵀ`; above the diagonal is zero.
    pub factor: Mat<f64>,
    /// `x`: `M_k = 2^{−2x} M̂_k`.
    pub exponent: i32,
}

/// An elimination that has come to some layer.
#[derive(Debug, Clone)]
pub struct Forward<'c> {
    chain: &'c Chain,
    par: Par,
    /// `λ̂` of the layers before.
    multipliers: Vec<Vec<f64>>,
    /// `x` of the layers before.
    exponents: Vec<i32>,
    /// `Ĝ` of the layer it has come to, and its `x`.
    whitened: Mat<f64>,
    exponent: i32,
}

/// Layers from this width on are worth more than one thread: at 80 two of them take three times as long as one, at 300 as long.
const WIDE: usize = 512;

impl<'c> Forward<'c> {
    /// Before the first layer, with `M_0 = I`.
    pub fn new(chain: &'c Chain, threads: usize) -> Self {
        Self::from_first(chain, chain.map(1).clone(), threads)
    }

    /// Before the first layer, with `M_0 = Diag(d)` for the input weights `d > 0`.
    ///
    /// # Panics
    /// If there are not as many weights as inputs.
    pub fn with_input(chain: &'c Chain, weights: &[f64], threads: usize) -> Self {
        let first = chain.map(1);
        assert_eq!(weights.len(), first.ncols(), "one weight for each input");
        let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
        let whitened = Mat::from_fn(first.nrows(), first.ncols(), |i, j| first[(i, j)] / roots[j]);
        Self::from_first(chain, whitened, threads)
    }

    /// Before the first layer, which is whitened already.
    fn from_first(chain: &'c Chain, whitened: Mat<f64>, threads: usize) -> Self {
        let par = if threads > 1 && chain.widest() >= WIDE { Par::rayon(threads) } else { Par::Seq };
        let (whitened, exponent) = normalised(whitened, 0);
        Self { chain, par, multipliers: Vec::new(), exponents: Vec::new(), whitened, exponent }
    }

    /// The layer it has come to: `1 … H`, or `H + 1` at the end.
    pub fn layer(&self) -> usize {
        self.multipliers.len() + 1
    }

    /// The chain.
    pub fn chain(&self) -> &'c Chain {
        self.chain
    }

    /// Parallelism of dense products.
    pub fn par(&self) -> Par {
        self.par
    }

    /// `Ĝ` of the layer it has come to: `Γ = 2^{2x} Ĝ Ĝᵀ`, of norm about 1.
    pub fn whitened(&self) -> MatRef<'_, f64> {
        self.whitened.as_ref()
    }

    /// `x` of that layer.
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// `Γ̂ = Ĝ Ĝᵀ`, both triangles.
    pub fn gamma(&self) -> Mat<f64> {
        let mut gamma = gram(self.whitened(), self.par);
        mirror(&mut gamma);
        gamma
    }

    /// `‖Ĝ‖`, so that `σ_max(Γ̂)` is its square.
    pub fn whitened_norm(&self) -> f64 {
        spectral_norm(self.whitened())
    }

    /// Eliminates the layer it has come to with the multipliers `λ̂` (scaled: those of `Γ̂`).
    ///
    /// # Errors
    /// [`NotFeasible`] if `X` or `M` is not positive definite, or not finite. The elimination is then of no further use: whoever wants to
    /// try other multipliers keeps a copy.
    ///
    /// # Panics
    /// If no layer is left or there are not as many multipliers as neurons.
    pub fn eliminate(&mut self, multipliers: Vec<f64>) -> Result<Eliminated, NotFeasible> {
        let layer = self.layer();
        let slopes = self.chain.slopes(layer);
        assert_eq!(multipliers.len(), slopes.len(), "one multiplier for each neuron");
        let refused = |pivot| NotFeasible::Pivot { layer, pivot };
        let products: Vec<f64> =
            multipliers.iter().zip(slopes).map(|(lambda, s)| 2.0 * lambda * s.lower() * s.upper()).collect();
        let mut reached = std::mem::replace(&mut self.whitened, Mat::new());
        let mut inner = None;
        if products.iter().any(|&product| product != 0.0) {
            let c = factor_of_inner(&reached, &products, self.par).map_err(refused)?;
            let mut transposed = reached.transpose().to_owned();
            solve_lower_triangular_in_place(c.as_ref(), transposed.as_mut(), self.par);
            reached = transposed.transpose().to_owned();
            inner = Some(c);
        }
        let crosses: Vec<f64> =
            multipliers.iter().zip(slopes).map(|(lambda, s)| lambda * (s.lower() + s.upper())).collect();
        let mut factor = gram(reached.as_ref(), self.par);
        for j in 0..factor.ncols() {
            for i in j..factor.nrows() {
                factor[(i, j)] *= -(crosses[i] * crosses[j]);
            }
            factor[(j, j)] += 2.0 * multipliers[j];
        }
        cholesky(&mut factor, self.par).map_err(refused)?;
        let next = divided(self.chain.map(layer + 1), &factor, self.par);
        let exponent = self.exponent;
        (self.whitened, self.exponent) = normalised(next, exponent);
        self.multipliers.push(multipliers);
        self.exponents.push(exponent);
        Ok(Eliminated { reached, inner, factor, exponent })
    }

    /// `λ̂` and `x` of an eliminated layer `k = 1 …`.
    ///
    /// # Panics
    /// If that layer is not eliminated yet.
    pub fn eliminated(&self, k: usize) -> (&[f64], i32) {
        (&self.multipliers[k - 1], self.exponents[k - 1])
    }

    /// The bound, once all layers are eliminated: `2^x ‖Ĝ_{H+1}‖`.
    ///
    /// # Panics
    /// If a layer is left.
    pub fn value(&self) -> f64 {
        assert_eq!(self.layer(), self.chain.hidden_layers() + 1, "all layers are eliminated");
        self.whitened_norm() * power_of_two(self.exponent)
    }

    /// The multipliers of the inequality, scaled so that both ends weigh `value`: `F(L, Lλ, L) ⪰ 0`. `value` is the bound or
    /// anything above it.
    pub fn multipliers(&self, value: f64) -> Multipliers {
        let unscaled = |(lambda, &exponent): (&Vec<f64>, &i32)| {
            // Half of the power on either side: it may be out of range where the product is not.
            let root = power_of_two(-exponent);
            lambda.iter().map(|lambda| (value * root) * (lambda * root)).collect()
        };
        Multipliers {
            input: Weight::Uniform(value),
            hidden: self.multipliers.iter().zip(&self.exponents).map(unscaled).collect(),
            output: Weight::Uniform(value),
        }
    }
}

/// `2^exponent`, infinite or zero beyond the range.
pub(crate) fn power_of_two(exponent: i32) -> f64 {
    2.0_f64.powi(exponent)
}

/// A matrix and an exponent with the same product, the matrix of a size about 1. Zero and what is not finite stay.
fn normalised(mut matrix: Mat<f64>, exponent: i32) -> (Mat<f64>, i32) {
    let largest = matrix.norm_max();
    if !largest.is_normal() {
        return (matrix, exponent);
    }
    let shift = largest.log2().round() as i32;
    if shift != 0 {
        matrix *= faer::Scale(power_of_two(-shift));
    }
    (matrix, exponent + shift)
}

/// The lower triangle of `G Gᵀ`; above the diagonal is zero.
pub(crate) fn gram(matrix: MatRef<'_, f64>, par: Par) -> Mat<f64> {
    let mut product = Mat::zeros(matrix.nrows(), matrix.nrows());
    let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    triangular::matmul(&mut product, lower, Accum::Replace, matrix, full, matrix.transpose(), full, 1.0, par);
    product
}

/// Copies the lower triangle to the upper one.
pub(crate) fn mirror(matrix: &mut Mat<f64>) {
    for j in 0..matrix.ncols() {
        for i in j + 1..matrix.nrows() {
            matrix[(j, i)] = matrix[(i, j)];
        }
    }
}

/// The Cholesky factor of `I + Gᵀ Diag(products) G`.
pub(crate) fn factor_of_inner(whitened: &Mat<f64>, products: &[f64], par: Par) -> Result<Mat<f64>, usize> {
    let weighted = Mat::from_fn(whitened.nrows(), whitened.ncols(), |i, j| products[i] * whitened[(i, j)]);
    let n = whitened.ncols();
    let mut inner = Mat::<f64>::identity(n, n);
    let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    triangular::matmul(&mut inner, lower, Accum::Add, whitened.transpose(), full, &weighted, full, 1.0, par);
    cholesky(&mut inner, par)?;
    Ok(inner)
}

/// Replaces a lower triangle by its Cholesky factor.
///
/// # Errors
/// The index of a pivot that is not positive or not finite.
pub(crate) fn cholesky(matrix: &mut Mat<f64>, par: Par) -> Result<(), usize> {
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(matrix.nrows(), par, Spec::default()));
    let regularisation = LltRegularization::default();
    let stack = MemStack::new(&mut memory);
    match cholesky_in_place(matrix.as_mut(), regularisation, par, stack, Spec::default()) {
        Ok(_) => {
            let unusable = |&i: &usize| !(matrix[(i, i)].is_finite() && matrix[(i, i)] > 0.0);
            (0..matrix.nrows()).find(unusable).map_or(Ok(()), Err)
        }
        Err(faer::linalg::cholesky::llt::factor::LltError::NonPositivePivot { index }) => Err(index),
    }
}

/// `W L⁻ᵀ`.
fn divided(map: &Mat<f64>, factor: &Mat<f64>, par: Par) -> Mat<f64> {
    let mut transposed = map.transpose().to_owned();
    solve_lower_triangular_in_place(factor.as_ref(), transposed.as_mut(), par);
    transposed.transpose().to_owned()
}
