//! A candidate Cholesky factor of the shifted inequality.
//!
//! Let `A` be the scaled inequality and `c > 0` a shift. A matrix `L` with `L Lᵀ ≈ A − cI` is obtained block by block:
//!
//!   `S_{ij} = A_{ij} − c[i = j] − Σ_{k<j} L_{ik} L_{jk}ᵀ`,   `L_{jj} L_{jj}ᵀ ≈ S_{jj}`,   `L_{ij} ≈ S_{ij} L_{jj}^{−ᵀ}`.
//!
//! Nothing about how `L` was computed is used; the remainders `S`, which are products of the final blocks of `L`, are kept
//! for the bound of what `L` misses, see `residual.rs`. A block with nothing but a diagonal stays a diagonal.

use std::collections::BTreeMap;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltError, LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par, Spec};

use crate::inequality::Inequality;
use crate::sums::map_entries;

/// A diagonal block of the factor.
#[derive(Debug, Clone)]
pub(crate) enum Pivot {
    /// A diagonal block with this diagonal.
    Diagonal(Vec<f64>),
    /// A lower triangle; what is above means nothing.
    Lower(Mat<f64>),
}

/// A block lower triangular matrix `L`.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    pub(crate) pivots: Vec<Pivot>,
    pub(crate) below: BTreeMap<(usize, usize), Mat<f64>>,
    /// `S_{ij}` where products were subtracted; elsewhere it is `A_{ij}`. Of diagonal blocks the lower triangle.
    pub(crate) remainders: BTreeMap<(usize, usize), Mat<f64>>,
    pub(crate) shift: f64,
}

/// A pivot that is not positive: the matrix is not positive definite, or too close to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Breakdown {
    /// The block, in the order of the elimination.
    pub(crate) block: usize,
    /// The row in the block.
    pub(crate) row: usize,
}

impl Factor {
    /// Factorises `A − shift · I`.
    pub(crate) fn new(inequality: &Inequality, shift: f64, par: Par) -> Result<Self, Breakdown> {
        let (below, remainders) = (BTreeMap::new(), BTreeMap::new());
        let mut factor = Self { pivots: Vec::new(), below, remainders, shift };
        for j in 0..inequality.sizes.len() {
            let pivot = factor.pivot(inequality, j, par)?;
            for i in j + 1..inequality.sizes.len() {
                let remainder = factor.remainder(inequality, i, j, par);
                if let Some(block) = remainder.as_ref().or_else(|| inequality.below.get(&(i, j))) {
                    factor.below.insert((i, j), divided_by_pivot(block, &pivot, par));
                }
                if let Some(remainder) = remainder {
                    factor.remainders.insert((i, j), remainder);
                }
            }
            factor.pivots.push(pivot);
        }
        Ok(factor)
    }

    /// The factor of diagonal block `j` after the elimination of the blocks before it; keeps what was left of it.
    fn pivot(&mut self, inequality: &Inequality, j: usize, par: Par) -> Result<Pivot, Breakdown> {
        let untouched = !inequality.beside.contains_key(&j) && self.row(j, j).next().is_none();
        if untouched {
            let roots: Vec<f64> = inequality.diagonal[j].iter().map(|d| (d - self.shift).sqrt()).collect();
            // A NaN root (negative pivot) and a zero root both stop here.
            return match roots.iter().position(|root| !root.is_normal()) {
                Some(row) => Err(Breakdown { block: j, row }),
                None => Ok(Pivot::Diagonal(roots)),
            };
        }
        let mut block = self.shifted_diagonal(inequality, j);
        for (k, left) in self.row(j, j) {
            debug_assert!(k < j, "only earlier blocks are eliminated");
            let par = threads(par, left.nrows() * left.nrows() * left.ncols() / 2);
            let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
            triangular::matmul(&mut block, lower, Accum::Add, left, full, left.transpose(), full, -1.0, par);
        }
        let mut lower = block.clone();
        self.remainders.insert((j, j), block);
        cholesky(&mut lower, par).map_err(|row| Breakdown { block: j, row })?;
        Ok(Pivot::Lower(lower))
    }

    /// The lower triangle of `A_{jj} − shift · I`.
    fn shifted_diagonal(&self, inequality: &Inequality, j: usize) -> Mat<f64> {
        let n = inequality.sizes[j];
        let mut block = inequality.beside.get(&j).cloned().unwrap_or_else(|| Mat::zeros(n, n));
        for (k, d) in inequality.diagonal[j].iter().enumerate() {
            block[(k, k)] += d - self.shift;
        }
        block
    }

    /// The blocks `L_{i,k}` with `k < limit`.
    fn row(&self, i: usize, limit: usize) -> impl Iterator<Item = (usize, &Mat<f64>)> {
        self.below.range((i, 0)..(i, limit)).map(|(&(_, k), block)| (k, block))
    }

    /// `A_{ij} − Σ_{k<j} L_{ik} L_{jk}ᵀ`, or `None` where there is nothing to subtract.
    fn remainder(&self, inequality: &Inequality, i: usize, j: usize, par: Par) -> Option<Mat<f64>> {
        let mut block: Option<Mat<f64>> = None;
        for (k, left) in self.row(i, j) {
            if let Some(right) = self.below.get(&(j, k)) {
                let target = block.get_or_insert_with(|| {
                    let untouched = inequality.below.get(&(i, j)).cloned();
                    untouched.unwrap_or_else(|| Mat::zeros(left.nrows(), right.nrows()))
                });
                let par = threads(par, left.nrows() * right.nrows() * left.ncols());
                matmul(target, Accum::Add, left, right.transpose(), -1.0, par);
            }
        }
        block
    }
}

/// The parallelism for a product of so many multiplications: threads cost more than they bring where it is small.
pub(crate) fn threads(par: Par, multiplications: usize) -> Par {
    /// About 0.2 ms of work. Waking threads takes about 0.02 ms, measured with faer 0.24 on two cores.
    const WORTH_THREADS: usize = 5_000_000;
    if multiplications < WORTH_THREADS { Par::Seq } else { par }
}

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor, or gives the row of a pivot that is not
/// positive.
fn cholesky(lower: &mut Mat<f64>, par: Par) -> Result<(), usize> {
    let n = lower.nrows();
    let par = threads(par, n * n * n / 6);
    let params: Spec<LltParams, f64> = Spec::default();
    let mut buffer = MemBuffer::new(cholesky_in_place_scratch::<f64>(n, par, params));
    let stack = MemStack::new(&mut buffer);
    match cholesky_in_place(lower.as_mut(), LltRegularization::default(), par, stack, params) {
        Ok(_) => Ok(()),
        Err(LltError::NonPositivePivot { index }) => Err(index),
    }
}

/// `block · L_{jj}^{−ᵀ}`.
fn divided_by_pivot(block: &Mat<f64>, pivot: &Pivot, par: Par) -> Mat<f64> {
    match pivot {
        Pivot::Diagonal(roots) => map_entries(block, (&vec![0.0; block.nrows()], roots), |x, _, root| x / root),
        Pivot::Lower(lower) => {
            let mut quotient = block.clone();
            let par = threads(par, block.nrows() * block.ncols() * block.ncols() / 2);
            solve_lower_triangular_in_place(lower.as_ref(), quotient.as_mut().transpose_mut(), par);
            quotient
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix of two blocks with a known smallest eigenvalue: `[[1, x], [x, 1]] ⊗ I`, eigenvalues `1 ± x`.
    fn coupled(x: f64, n: usize) -> Inequality {
        let mut below = BTreeMap::new();
        below.insert((1, 0), Mat::from_fn(n, n, |i, j| if i == j { x } else { 0.0 }));
        Inequality {
            sizes: vec![n, n],
            below,
            diagonal: vec![vec![1.0; n]; 2],
            beside: BTreeMap::new(),
            error: vec![vec![0.0; n]; 2],
        }
    }

    #[test]
    fn the_residual_of_a_true_factor_is_tiny_and_a_breakdown_is_reported() {
        let inequality = coupled(1.0 - 1e-6, 5);
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        let bound = factor.residual_bound(&inequality, Par::Seq);
        assert!(bound > 0.0 && bound < 1e-13, "{bound}");
        assert!(Factor::new(&coupled(1.0 + 1e-6, 5), 1e-9, Par::Seq).is_err());
    }

    #[test]
    fn the_residual_bound_sees_every_block_that_is_wrong() {
        let inequality = coupled(0.5, 3);
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        let mut wrong = factor.clone();
        wrong.below.get_mut(&(1, 0)).expect("coupled")[(2, 1)] += 1e-3;
        assert!(wrong.residual_bound(&inequality, Par::Seq) > 0.9e-3);
        let mut wrong = factor.clone();
        if let Pivot::Lower(lower) = &mut wrong.pivots[1] {
            lower[(1, 0)] -= 1e-3;
        }
        assert!(wrong.residual_bound(&inequality, Par::Seq) > 0.8e-3);
        let mut wrong = factor;
        if let Pivot::Diagonal(roots) = &mut wrong.pivots[0] {
            roots[0] += 1e-3;
        }
        assert!(wrong.residual_bound(&inequality, Par::Seq) > 1.9e-3);
    }

    #[test]
    fn errors_of_the_entries_count_fully() {
        let mut inequality = coupled(0.5, 3);
        inequality.error[0][2] = 0.25;
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        assert!(factor.residual_bound(&inequality, Par::Seq) > 0.25);
    }

    #[test]
    fn nan_never_passes() {
        let mut inequality = coupled(0.5, 3);
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("positive definite");
        inequality.below.get_mut(&(1, 0)).expect("coupled")[(0, 0)] = f64::NAN;
        assert_eq!(factor.residual_bound(&inequality, Par::Seq), f64::INFINITY);
        assert!(Factor::new(&inequality, 1e-9, Par::Seq).is_err());
    }
}
