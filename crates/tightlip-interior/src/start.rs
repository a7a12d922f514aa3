//! Where the iteration starts.
//!
//! With the slope of larger magnitude called `β` and `α′ = α/β`, the sector form of a neuron bounds its gain,
//!
//!   `2λ (δ − αs)(δ − βs) = κ (δ² − β² s²) + a square`   for `λ = κ / (1 − α′)`,
//!
//! so with one `κ_k` for each block, and `J_k` the joint operator norm of the edges into block `k`, `F(y)` is positive
//! definite when every block pays for the blocks that read it: `κ_i > Σ_{k reads i} β_k² J_k² κ_k`, the outputs counted
//! with `κ = 1/q`. That is the product of norms as multipliers; a Cholesky factorisation checks it. Where it fails the
//! iteration starts from `F(y) + shift I` and takes the shift away as it goes.

use faer::Mat;

use crate::incoming::Incoming;
use crate::program::Program;
use crate::workspace::Workspace;

/// How much more than needed every block pays in sum over all blocks; the prototype's choice, not sensitive.
const MARGIN: f64 = 0.5;
/// A neuron with nearly equal slopes gets no larger factor than the inverse of this.
const NARROWEST: f64 = 1e-3;
/// Steps of the power method; what is missing the margin covers.
const POWER_STEPS: usize = 30;

/// Multipliers of the product of norms.
pub(crate) fn multipliers(program: &Program) -> Vec<f64> {
    let blocks = &program.blocks;
    let last = blocks.len() - 1;
    let growth = 1.0 + MARGIN / last as f64;
    let mut pays = vec![0.0; blocks.len()];
    pays[last] = 1.0;
    for k in (1..=last).rev() {
        let gain = blocks[k].clone().map(|i| program.lower[i].abs().max(program.upper[i].abs())).fold(0.0, f64::max);
        let gain = if k == last { 1.0 } else { gain };
        let edges = edges_into(program, k);
        let price = growth * pays[k] * gain * gain * joint_norm_squared(program.order, &edges);
        for (i, pay) in pays.iter_mut().enumerate().take(k) {
            if edges.iter().any(|edge| blocks[i].contains(&edge.1)) {
                *pay += price;
            }
        }
    }
    // Blocks that nothing reads still need a positive diagonal.
    let smallest = pays.iter().copied().filter(|&pay| pay > 0.0).fold(1.0, f64::min);
    // F(y) ≻ 0 for (t, λ, q) and for (t/c, λ/c, c q): the best c makes both halves of the objective equal.
    let balance = pays[0].max(smallest).sqrt();
    let mut sums = vec![(0.0, 0.0); program.variables()];
    for (k, block) in blocks.iter().enumerate() {
        for i in block.clone() {
            let (alpha, beta) = (program.lower[i], program.upper[i]);
            let larger = if alpha.abs() > beta.abs() { alpha } else { beta };
            let ratio = if larger == 0.0 { 0.0 } else { (alpha + beta - larger) / larger };
            let value = match k {
                _ if k == last => balance,
                0 => pays[0].max(smallest) / balance,
                _ => pays[k].max(smallest) / balance / (1.0 - ratio).max(NARROWEST),
            };
            let sum = &mut sums[program.variable[i]];
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    sums.iter().map(|&(sum, count)| if count > 0.0 { sum / count } else { 1.0 }).collect()
}

/// The weights into a block as `(target, source, weight)`.
fn edges_into(program: &Program, block: usize) -> Vec<(usize, usize, f64)> {
    let range = &program.blocks[block];
    let mut edges = Vec::new();
    let mut add = |incoming: &Incoming| incoming.for_each(&mut |i, j, w| edges.push((i, j, w)));
    program.incoming.iter().filter(|w| w.target == *range && !range.is_empty()).for_each(&mut add);
    if block + 1 == program.blocks.len() {
        edges.extend(program.constant.iter().map(|&(i, j, value)| (i.max(j), i.min(j), -value)));
    }
    edges
}

/// The squared operator norm of the map from all signals into a block, by the power method.
fn joint_norm_squared(order: usize, edges: &[(usize, usize, f64)]) -> f64 {
    let mut x: Vec<f64> = (0..order).map(|i| 1.0 + 0.1 * (i as f64).sin()).collect();
    let mut squared = 0.0;
    for _ in 0..POWER_STEPS {
        let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length == 0.0 {
            return 0.0;
        }
        let mut image = vec![0.0; order];
        edges.iter().for_each(|&(i, j, w)| image[i] += w * x[j] / length);
        squared = image.iter().map(|x| x * x).sum();
        x.fill(0.0);
        edges.iter().for_each(|&(i, j, w)| x[j] += w * image[i]);
    }
    squared
}

/// A start: the variables, the shift, and the Cholesky factor of `F(y) + shift I`.
pub(crate) struct Start {
    /// The variables.
    pub y: Vec<f64>,
    /// The shift; 0 where `F(y)` is positive definite.
    pub shift: f64,
    /// Lower Cholesky factor.
    pub factor: Mat<f64>,
}

/// The given start if it is strictly feasible, else the product of norms, shifted if need be. `None` if no shift helps,
/// as with numbers that are not finite.
pub(crate) fn start(program: &Program, given: Option<&[f64]>, workspace: &mut Workspace) -> Option<Start> {
    let mut factor = Mat::zeros(program.order, program.order);
    let mut accepted = |y: &[f64], shift: f64, factor: &mut Mat<f64>| {
        program.matrix(y, shift, factor.as_mut(), workspace.par);
        program.signed.iter().all(|&v| y[v] > 0.0) && workspace.factor(factor.as_mut())
    };
    if let Some(y) = given.filter(|y| accepted(y, 0.0, &mut factor)) {
        return Some(Start { y: y.to_vec(), shift: 0.0, factor });
    }
    let y = multipliers(program);
    let largest = y.iter().copied().fold(0.0, f64::max);
    // Shifts a tenth of a part in a thousand upwards: a small one is gone sooner.
    let shifts = std::iter::once(0.0).chain((-3..9).map(|power| 10.0_f64.powi(power) * largest));
    for shift in shifts {
        if accepted(&y, shift, &mut factor) {
            return Some(Start { y, shift, factor });
        }
    }
    None
}
