//! The multipliers of LipSDP-Network and of Chordal-LipSDP with τ ≥ 1: **unsound**, for comparison with the literature only.
//!
//! Beside `λ_j ≥ 0` for each neuron there is `ζ_ij ≥ 0` for each pair of neurons with `1 ≤ j − i ≤ τ`, counted through all
//! hidden layers, and the multiplier matrix is `T = Diag(λ) + Σ ζ_ij (e_i − e_j)(e_i − e_j)ᵀ` (Fazlyab et al. 2019, LipSDP-Network:
//! all pairs; Xue et al. 2022: a band). With `u = e_i − e_j` and `s = w_i − w_j` a pair contributes
//!
//!   `ζ (2 u uᵀ − (α+β)(u sᵀ + s uᵀ) + 2αβ s sᵀ)`.
//!
//! That would need `(δ_i − δ_j)((s_i − s_j) − (δ_i − δ_j)) ≥ 0`, which is false: a slope between 0 and 1 of each of two scalar maps
//! says nothing of their difference. Let `φ` be ReLU, `s_i: 0 → 1` and `s_j: −1 → 0`. Both inputs grow by 1, the outputs by 1 and
//! 0, and the expression is `1 · (0 − 1) = −1`. So for `W_1 = (1, 1)ᵀ, W_2 = (1, −1)` and biases `(0, −1)`, which is
//! `relu(x) − relu(x − 1)` with Lipschitz constant 1, the pair multiplier makes `AᵀTA` vanish while it dominates `W_2ᵀW_2`: the
//! "bound" is 0 (tests/estimates.rs).

use super::{add_neuron, add_weights, input_cost};
use crate::conic::{Cone, ConicForm};
use crate::layout::Assembly;
use crate::pencil::{NeuronTerm, Pencil, Variable};

/// A program whose optimum, a square, is no bound.
#[derive(Debug, Clone)]
pub struct Banded {
    /// Its optimum is the square of the number that was published as a bound.
    pub program: ConicForm,
    /// Order of its semidefinite cone.
    pub order: usize,
}

/// The program of a band of pairs, in the form as published (Xue et al. 2022; with a large `tau` LipSDP-Network of Fazlyab et
/// al. 2019). Its optimum is **no bound**: for `relu(x) − relu(x − 1)`, whose Lipschitz constant is 1, it is 0, because the
/// term of a pair would need `(δ_i − δ_j)((s_i − s_j) − (δ_i − δ_j)) ≥ 0`, and with `s_i: 0 → 1`, `s_j: −1 → 0` that is −1.
///
/// `None` if the neurons do not all have the same slopes or share multipliers, for which nothing was published.
///
/// # Panics
/// If the pencil has one output weight per coordinate.
pub fn assemble_banded(pencil: &Pencil, tau: usize) -> Option<Banded> {
    let terms = pencil.neurons();
    let alike = |pair: &[NeuronTerm]| pair[0].slope == pair[1].slope && pair[0].variable != pair[1].variable;
    if !terms.windows(2).all(alike) {
        return None;
    }
    let variables = pencil.variables().len() - 1;
    assert!(pencil.variables().last() == Some(&Variable::OutputUniform), "published for the ℓ2 output norm");
    let kept: Vec<usize> = (0..pencil.output_coordinates().start).collect();
    let mut assembly = Assembly::new(pencil.order(), &kept, None);
    add_weights(&mut assembly, pencil, variables);
    for term in terms {
        add_neuron(&mut assembly, term);
    }
    super::full::add_outputs(&mut assembly, pencil);
    let mut next = variables;
    for (i, one) in terms.iter().enumerate() {
        for other in terms[i + 1..].iter().take(tau) {
            add_pair(&mut assembly, one, other, next);
            next += 1;
        }
    }
    // With pairs the cone does not imply the signs any more.
    let first = assembly.cone(Cone::Nonnegative(next - 1));
    let signed = (0..next).filter(|&variable| variable >= variables || input_cost(pencil.variables()[variable]) == 0.0);
    let signed: Vec<usize> = signed.collect();
    for (row, &variable) in signed.iter().enumerate() {
        assembly.add_row(first + row, variable, 1.0);
    }
    let objective = (0..variables).map(|v| input_cost(pencil.variables()[v])).collect();
    Some(Banded { program: assembly.finish(objective, next), order: kept.len() })
}

/// The term of a pair.
fn add_pair(assembly: &mut Assembly, one: &NeuronTerm, other: &NeuronTerm, variable: usize) {
    let (alpha, beta) = (one.slope.lower(), one.slope.upper());
    let own = [(one.coordinate, 1.0), (other.coordinate, -1.0)];
    let incoming: Vec<(usize, f64)> =
        one.incoming.iter().copied().chain(other.incoming.iter().map(|&(source, weight)| (source, -weight))).collect();
    let mut add_products = |left: &[(usize, f64)], right: &[(usize, f64)], factor: f64| {
        for &(i, a) in left {
            for &(j, b) in right {
                // Half of it stands on each side of the diagonal, all of it on the diagonal.
                assembly.add((i, j), variable, if i == j { 1.0 } else { 0.5 } * factor * a * b);
            }
        }
    };
    add_products(&own, &own, 2.0);
    // u sᵀ + s uᵀ: each product once from either side.
    add_products(&own, &incoming, -(alpha + beta));
    add_products(&incoming, &own, -(alpha + beta));
    if alpha * beta != 0.0 {
        add_products(&incoming, &incoming, 2.0 * alpha * beta);
    }
}

#[cfg(test)]
mod tests {
    use faer::Mat;
    use tightlip_model::{Activation, IncrementSystem, OutputSelection, Query, random_network};

    use super::*;
    use crate::pencil::Tying;
    use crate::triangle;

    /// `[A; B]ᵀ [−2αβT, (α+β)T; (α+β)T, −2T] [A; B] + blkdiag(−g I, 0, CᵀC)`, the matrix that was published, negated.
    fn published(pencil: &Pencil, (alpha, beta): (f64, f64), (g, t): (f64, &Mat<f64>)) -> Mat<f64> {
        let order = pencil.output_coordinates().start;
        let neurons = pencil.neurons().len();
        let (mut a, mut b) = (Mat::<f64>::zeros(neurons, order), Mat::<f64>::zeros(neurons, order));
        for (row, term) in pencil.neurons().iter().enumerate() {
            b[(row, term.coordinate)] = 1.0;
            term.incoming.iter().for_each(|&(source, weight)| a[(row, source)] = weight);
        }
        let mut c = Mat::<f64>::zeros(pencil.output_coordinates().len(), order);
        for coupling in pencil.couplings() {
            c[(coupling.output - order, coupling.source)] = coupling.weight;
        }
        let (at, bt) = (a.transpose(), b.transpose());
        let mut z = faer::Scale(2.0 * alpha * beta) * (at * t * &a)
            - faer::Scale(alpha + beta) * (at * t * &b + bt * t * &a)
            + faer::Scale(2.0) * (bt * t * &b)
            - c.transpose() * &c;
        for i in pencil.weight_coordinates(0) {
            z[(i, i)] += g;
        }
        z
    }

    #[test]
    fn the_program_is_the_published_matrix_with_a_band_of_pairs() {
        let query = Query::euclidean(OutputSelection::All);
        for (slope, activation) in [
            (0.0, Activation::Relu),
            (0.3, Activation::LeakyRelu { slope: 0.3 }),
            (-0.5, Activation::LeakyRelu { slope: -0.5 }),
        ] {
            let network = random_network(&[2, 3, 4, 2], activation, 3).expect("valid");
            let system = IncrementSystem::of_network(&network, query.output).expect("valid");
            let pencil = Pencil::new(&system, &query, Tying::Neuron);
            for tau in [0, 1, 2, 6, 40] {
                let banded = assemble_banded(&pencil, tau).expect("slopes are alike");
                let x: Vec<f64> = (0..banded.program.variables()).map(|at| 0.4 + 0.1 * at as f64).collect();
                let mut t = Mat::<f64>::zeros(7, 7);
                (0..7).for_each(|i| t[(i, i)] = x[1 + i]);
                let mut next = 8;
                for i in 0..7 {
                    for j in i + 1..7.min(i + 1 + tau) {
                        for (row, column, sign) in [(i, i, 1.0), (j, j, 1.0), (i, j, -1.0), (j, i, -1.0)] {
                            t[(row, column)] += sign * x[next];
                        }
                        next += 1;
                    }
                }
                assert_eq!(next, x.len());
                let expected = published(&pencil, (slope, 1.0), (x[0], &t));
                let mut rows = banded.program.offset.clone();
                for (&value, (row, variable)) in &banded.program.constraints {
                    rows[row] -= value * x[variable];
                }
                let found = Mat::from_fn(banded.order, banded.order, |i, j| {
                    let (place, scale) = triangle::place(i, j, 1.0);
                    rows[place] / scale
                });
                assert!((found - expected).norm_max() < 1e-12, "tau {tau}, slope {slope}");
                assert_eq!(rows[triangle::length(banded.order)..], x[1..]);
            }
        }
    }
}
