//! Clarabel on semidefinite programs with known optima, with no other linear algebra than ours.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};
use test_matrices::Draw;
use tightlip_lapack as _;

#[path = "../src/test_matrices.rs"]
#[allow(dead_code, reason = "the kernels' tests use the rest")]
mod test_matrices;

/// Where entry (i, j), i ≤ j, of a symmetric matrix is in Clarabel's vector: the upper triangle by columns.
fn position(i: usize, j: usize) -> usize {
    j * (j + 1) / 2 + i
}

/// The optimum of min ⟨C, X⟩, X_ii = 1 for each i or tr X = 1, X ⪰ 0, with C given on and above the diagonal by
/// `cost`; off the diagonal Clarabel's variables are √2 X_ij.
fn optimum(n: usize, cost: impl Fn(usize, usize) -> f64, unit_diagonal: bool) -> f64 {
    let variables = n * (n + 1) / 2;
    let mut objective = vec![0.0; variables];
    for j in 0..n {
        for i in 0..=j {
            let weight = if i == j { 1.0 } else { std::f64::consts::SQRT_2 };
            objective[position(i, j)] = weight * cost(i, j);
        }
    }
    let equations = if unit_diagonal { n } else { 1 };
    let (mut rows, mut columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        rows.push(if unit_diagonal { i } else { 0 });
        columns.push(position(i, i));
        values.push(1.0);
    }
    for k in 0..variables {
        rows.push(equations + k);
        columns.push(k);
        values.push(-1.0);
    }
    let constraints = CscMatrix::new_from_triplets(equations + variables, variables, rows, columns, values);
    let mut right = vec![1.0; equations];
    right.resize(equations + variables, 0.0);
    let cones = [SupportedConeT::ZeroConeT(equations), SupportedConeT::PSDTriangleConeT(n)];
    let settings = DefaultSettings { verbose: false, ..DefaultSettings::default() };
    let nothing_quadratic = CscMatrix::zeros((variables, variables));
    let mut solver = DefaultSolver::new(&nothing_quadratic, &objective, &constraints, &right, &cones, settings)
        .expect("the program has consistent shapes");
    solver.solve();
    assert_eq!(solver.solution.status, SolverStatus::Solved);
    solver.solution.obj_val
}

#[test]
fn the_smallest_eigenvalue_is_found_at_orders_with_and_without_blas() {
    // Up to order 3 Clarabel has formulas of its own; above it calls us.
    for n in [2, 3, 4, 7, 12, 20] {
        let mut draw = Draw::seeded(n as u64);
        let eigenvalues: Vec<f64> = (0..n).map(|i| 1.5 * i as f64 - 2.0).collect();
        let c = draw.symmetric(&eigenvalues);
        let found = optimum(n, |i, j| c[(i, j)], false);
        assert!((found - -2.0).abs() < 1e-6, "order {n}: {found}");
    }
}

#[test]
fn the_max_cut_bound_of_an_odd_cycle_is_that_of_delorme_and_poljak() {
    // max ¼⟨L, X⟩ over X_ii = 1 is n/2 (1 + cos(π/n)) for the cycle of odd length n: 9/4 for the triangle.
    for n in [3, 5, 9, 15] {
        let is_edge = |i: usize, j: usize| (j - i) % n == 1 || (j - i) == n - 1;
        let minus_laplacian = |i, j| {
            if i == j {
                -2.0
            } else if is_edge(i, j) {
                1.0
            } else {
                0.0
            }
        };
        let bound = -0.25 * optimum(n, minus_laplacian, true);
        let wanted = n as f64 / 2.0 * (1.0 + (std::f64::consts::PI / n as f64).cos());
        assert!((bound - wanted).abs() < 1e-6, "cycle of {n}: {bound}, want {wanted}");
    }
}
