//! CP-Lip (Combettes & Pesquet 2020, SIAM J. Math. Data Sci. 2(2)): norms of all products of neighbouring layers.
//!
//! For slopes in `[α, β]` write every neuron as `δ = c s + r ρ` with `c = (α + β)/2`, `r = (β − α)/2` and `|ρ| ≤ |s|`; ReLU and
//! tanh have `c = r = ½`. The layers between two `ρ` are then linear,
//!
//!   `s_k = Σ_{j<k} A_{kj} ρ_j`,   `A_{kj} = W_k C_{k−1} W_{k−1} ⋯ C_{j+1} W_{j+1} R_j`,   `ρ_0 = δ_0`,   `R_0 = I`,
//!
//! and [`path_sums`](crate::path_sums) of `P_{kj} = ‖A_{kj}‖` give the bound. For slopes [0, 1] it is the published
//! `θ = 2^{−(L−1)} Σ` over all ways to cut the `L` layers into segments of the products of the segments' norms, by a
//! recursion instead of `2^{L−1}` terms. (The weight is `2^{−(L−1)}`: a published code has `2^{−L}`, half of the bound and below
//! the constant.) As `(δ − α s)(δ − β s) = r² (ρ² − s²)`, the multipliers are `λ = μ_k / (2 r²)`. Neurons with `α = β` are linear,
//! `r = 0`, and would need infinite ones.
//!
//! *Cost.* All products from one `j` are formed one after another, `L²/2` products of matrices in all, and the norm of each
//! is iterated for on the matrix. Without forming them an iteration of Lanczos costs `L²/2` chains of up to `L` maps: more,
//! unless layers are twenty times wider than their number, and then either way is quick.

use faer::Mat;
use tightlip_model::{IncrementSystem, SlopeInterval, leading_singular_value};

use crate::chain::{Unsuitable, check_slopes};
use crate::path_sums::{Feasible, PathSums};

/// The bound of Combettes and Pesquet for a chain between ℓ2 norms, with its multipliers.
///
/// `stop` is asked before every norm; once it is true, Frobenius norms and `‖A_{kj}‖ ≤ ‖W_k C_{k−1}‖ ‖A_{k−1,j}‖` stand for those that
/// are missing.
///
/// # Errors
/// [`Unsuitable`] if the system has skip connections or a neuron that is (nearly) linear.
pub fn cp_lip(system: &IncrementSystem, stop: &dyn Fn() -> bool) -> Result<Feasible, Unsuitable> {
    if !system.is_chain() {
        return Err(Unsuitable::SkipConnections);
    }
    check_slopes(system)?;
    let halves = Halves::of(system);
    let (norms, is_complete) = segment_norms(system, &halves, stop);
    let sums = PathSums::new(system.blocks(), &norms);
    let of_block = |k: usize| {
        let weight = 0.5 * sums.multiplier(k);
        halves.radii[k].iter().map(|r| weight / r / r).collect()
    };
    let hidden = (1..system.output_block()).map(of_block).collect();
    Ok(Feasible::new(sums.value(), hidden, is_complete))
}

/// Centres `c` and radii `r` of the slope intervals, for every block; input and output have none.
struct Halves {
    centres: Vec<Vec<f64>>,
    radii: Vec<Vec<f64>>,
}

impl Halves {
    /// Those of `system`.
    fn of(system: &IncrementSystem) -> Self {
        let blocks = system.blocks();
        let mut halves = Self { centres: vec![Vec::new(); blocks], radii: vec![Vec::new(); blocks] };
        for block in 1..system.output_block() {
            let slopes = system.slopes(block);
            let centre = |slope: &SlopeInterval| 0.5 * (slope.lower() + slope.upper());
            halves.centres[block] = slopes.iter().map(centre).collect();
            halves.radii[block] = slopes.iter().map(|slope| 0.5 * (slope.upper() - slope.lower())).collect();
        }
        halves
    }
}

/// `(j, k, P_{kj})` for all `j < k`, and whether all were computed.
fn segment_norms(
    system: &IncrementSystem,
    halves: &Halves,
    stop: &dyn Fn() -> bool,
) -> (Vec<(usize, usize, f64)>, bool) {
    let last = system.output_block();
    let maps: Vec<Mat<f64>> = system.edges().iter().map(|edge| edge.map.to_dense()).collect();
    // With the centres in the columns, W_k C_{k−1}, so that every step is one product.
    let steps: Vec<Mat<f64>> = (1..=last).map(|k| with_columns(&maps[k - 1], &halves.centres[k - 1])).collect();
    let mut norms = Vec::new();
    let mut stopped = false;
    for (j, map) in maps.iter().enumerate() {
        let mut product = with_columns(map, &halves.radii[j]);
        stopped = stopped || stop();
        // The Frobenius norm is there at once.
        let mut norm = if stopped { product.norm_l2() } else { leading_singular_value(product.as_ref()) };
        norms.push((j, j + 1, norm));
        for k in j + 2..=last {
            stopped = stopped || stop();
            if stopped {
                norm *= steps[k - 1].norm_l2();
            } else {
                product = &steps[k - 1] * &product;
                norm = leading_singular_value(product.as_ref());
            }
            norms.push((j, k, norm));
        }
    }
    (norms, !stopped)
}

/// The matrix with its columns multiplied by factors; as it is where there are none.
fn with_columns(matrix: &Mat<f64>, factors: &[f64]) -> Mat<f64> {
    if factors.is_empty() {
        return matrix.clone();
    }
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)] * factors[j])
}
