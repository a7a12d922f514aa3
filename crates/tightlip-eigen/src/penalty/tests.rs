//! Identities of the formulation on small systems, in dense arithmetic, and the numbers of networks written out.

use faer::{Mat, Side};
use rand::{Rng, SeedableRng};
use tightlip_model::{Edge, LinearMap, OutputSelection, SlopeInterval};

use super::*;
use crate::penalty::starts::Init;
use crate::variables::Variables;

type Rows = &'static [&'static [f64]];

fn matrix(rows: Rows) -> LinearMap {
    LinearMap::from_rows(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>())
}

/// A chain with slopes [0, 1].
fn chain(weights: &[Rows]) -> IncrementSystem {
    let edges: Vec<Edge> =
        weights.iter().enumerate().map(|(k, rows)| Edge { from: k, to: k + 1, map: matrix(rows) }).collect();
    let hidden = weights[..weights.len() - 1].iter().map(|rows| vec![SlopeInterval::UNIT; rows.len()]).collect();
    IncrementSystem::new(weights[0][0].len(), hidden, weights[weights.len() - 1].len(), edges).expect("valid")
}

/// Networks C, E and the first output of F of the golden values.
const C: &[Rows] = &[&[&[1.0], &[1.0]], &[&[1.0, -1.0]]];
const E: &[Rows] =
    &[&[&[-3.0, -3.0, -2.0], &[1.0, 0.0, -2.0], &[3.0, 1.0, 1.0], &[3.0, 2.0, -3.0]], &[&[-3.0, 3.0, -1.0, -3.0]]];
const D: &[Rows] = &[
    &[&[0.5, -0.3, 0.8], &[-0.7, 0.2, 0.4], &[0.1, 0.9, -0.6], &[0.3, -0.4, -0.2]],
    &[&[0.6, -0.5, 0.3, 0.2], &[-0.4, 0.8, 0.1, -0.7], &[0.2, 0.3, -0.9, 0.5]],
    &[&[0.7, -0.2, 0.4], &[-0.6, 0.5, 0.9]],
    &[&[1.0, -0.5]],
];
const F0: &[Rows] = &[
    &[&[-1.0, 2.0], &[2.0, -1.0], &[1.0, -1.0]],
    &[&[-2.0, -2.0, -1.0], &[-1.0, 2.0, 1.0], &[0.0, -1.0, -1.0]],
    &[&[-2.0, -1.0, 1.0]],
];
const F1: &[Rows] = &[F0[0], F0[1], &[&[2.0, 2.0, -1.0]]];

/// A system with edges between all its blocks, slopes of all signs, narrow sectors and a constant neuron among them.
fn tangled(seed: u64, outputs: usize) -> IncrementSystem {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let slope = |lower, upper| SlopeInterval::new(lower, upper).expect("ordered");
    let all =
        [slope(0.0, 1.0), slope(-0.5, 1.0), slope(-1.0, 0.3), slope(0.4, 1.0), slope(0.9995, 1.0), slope(0.0, 0.0)];
    let sizes = [3, 4, 5, outputs];
    let mut edges = Vec::new();
    for (from, to) in [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)] {
        let rows: Vec<Vec<f64>> =
            (0..sizes[to]).map(|_| (0..sizes[from]).map(|_| random.random_range(-1.0..1.0)).collect()).collect();
        edges.push(Edge { from, to, map: LinearMap::from_rows(&rows) });
    }
    let hidden = vec![all[..4].to_vec(), all[1..].to_vec()];
    IncrementSystem::new(3, hidden, outputs, edges).expect("valid")
}

fn queries() -> [Query; 2] {
    let euclidean = Query::euclidean(OutputSelection::All);
    [euclidean, Query { input_norm: Norm::LInf, ..euclidean }]
}

fn dense(order: usize, apply: impl Fn(MatRef<'_, f64>, MatMut<'_, f64>)) -> Mat<f64> {
    let mut image = Mat::<f64>::zeros(order, order);
    apply(Mat::<f64>::identity(order, order).as_ref(), image.as_mut());
    image
}

fn eigenvalues(matrix: &Mat<f64>) -> Vec<f64> {
    matrix.self_adjoint_eigenvalues(Side::Lower).expect("eigenvalues of a small matrix")
}

fn largest(penalty: &Penalty<'_, '_>, point: &Point) -> f64 {
    let matrix = penalty.matrix(point);
    *eigenvalues(&dense(penalty.passes().order(), |x, y| matrix.apply(x, y))).last().expect("an order above zero")
}

/// Smallest eigenvalue of the pencil at packed multipliers.
fn smallest(penalty: &Penalty<'_, '_>, variables: &Variables, packed: &[f64]) -> f64 {
    let diagonal = variables.diagonal(packed);
    eigenvalues(&dense(penalty.passes().order(), |x, mut y| {
        y.copy_from(x);
        penalty.passes().apply_form(&diagonal, y);
    }))[0]
}

fn random_point(penalty: &Penalty<'_, '_>, seed: u64) -> Point {
    penalty.start(Init::Random, &mut ChaCha8Rng::seed_from_u64(seed))
}

#[test]
fn the_matrix_is_the_published_one() {
    let system = chain(D);
    let passes = Passes::new(&system, 1);
    let penalty = Penalty::new(&passes, &queries()[0], PenaltyWeight::Code, Redundant::On);
    let point = random_point(&penalty, 5);
    let (lambda, kappa_h) = (&point.lambda, &point.kappa[2..]);
    // Signals of the publication in the order of the pencil, row 0 last.
    let mut s = Mat::<f64>::zeros(13, 13);
    (0..3).for_each(|i| s[(i, i)] = -point.kappa[1]);
    (0..9).for_each(|j| s[(3 + j, 3 + j)] = -2.0 * lambda[j] - kappa_h[j]);
    let redundant: f64 = penalty.reach().rows().iter().zip(kappa_h).map(|(b, kappa)| b * kappa).sum();
    s[(12, 12)] = redundant + point.kappa[1] - point.kappa[0];
    for (k, first, before) in [(0, 3, 0), (1, 7, 3), (2, 10, 7), (3, 12, 10)] {
        for (i, row) in D[k].iter().enumerate() {
            for (j, &weight) in row.iter().enumerate() {
                let factor = if k == 3 { 1.0 } else { lambda[first - 3 + i] };
                s[(first + i, before + j)] = factor * weight;
                s[(before + j, first + i)] = factor * weight;
            }
        }
    }
    let matrix = penalty.matrix(&point);
    let found = dense(13, |x, y| matrix.apply(x, y));
    assert!((found - s).norm_max() < 1e-15);
}

#[test]
fn every_point_is_worth_its_value_in_feasible_multipliers() {
    for (seed, outputs) in [(1, 1), (2, 2), (3, 4)] {
        for (system, query) in [tangled(seed, outputs), chain(D), chain(E)].iter().zip(queries().iter().cycle()) {
            let passes = Passes::new(system, 1);
            let variables = Variables::new(system, query);
            for redundant in [Redundant::On, Redundant::Off] {
                let penalty = Penalty::new(&passes, query, PenaltyWeight::Tight, redundant);
                for draw in 0..5 {
                    let point = random_point(&penalty, 10 * seed + draw);
                    let eigenvalue = largest(&penalty, &point).max(0.0);
                    let packed = penalty.realised(&point, eigenvalue);
                    let scale = packed.iter().copied().fold(1.0, f64::max);
                    assert!(smallest(&penalty, &variables, &packed) >= -1e-12 * scale);
                    let (input, output) = variables.weights(&packed);
                    let value = penalty.value(&point, eigenvalue);
                    assert!((0.5 * (input + output) / value - 1.0).abs() < 1e-12);
                    // With less than the eigenvalue it would be wrong: the theorem has no room that hides errors.
                    let less = penalty.realised(&point, eigenvalue - 0.3 * value);
                    assert!(smallest(&penalty, &variables, &less) < 0.0);
                }
            }
        }
    }
}

#[test]
fn the_feasible_starts_are_feasible_and_worth_what_they_say() {
    for seed in 1..4 {
        for (system, query) in [tangled(seed, 2), tangled(seed, 2), chain(D)].iter().zip(queries().iter().cycle()) {
            let passes = Passes::new(system, 1);
            for redundant in [Redundant::On, Redundant::Off] {
                let penalty = Penalty::new(&passes, query, PenaltyWeight::Code, redundant);
                let mut values = Vec::new();
                for init in [Init::Schur, Init::Diag, Init::DiagImproved] {
                    let point = penalty.start(init, &mut ChaCha8Rng::seed_from_u64(0));
                    let eigenvalue = largest(&penalty, &point);
                    assert!(eigenvalue < 1e-12, "{init:?}: {eigenvalue}");
                    values.push(penalty.value(&point, eigenvalue));
                }
                assert!((values[0] / penalty.reach().norm_product() - 1.0).abs() < 1e-9);
                assert!(values[2] <= values[1]);
            }
        }
    }
}

#[test]
fn starts_have_the_golden_values_and_the_published_diagonal_start_is_infeasible() {
    let golden: [(&[Rows], [f64; 5]); 5] = [
        (C, [4.0, 4.0, 2.0, 3.0, 2.0]),
        (D, [18.112_862, 12.063_393, 2.470_404_02, 32.339_018_40, 3.101_258_79]),
        (E, [62.0, 42.366_185, 33.619_238_19, 4_598.744_048_11, 84.0]),
        (F0, [201.0, 150.459_026, 28.718_533_32, 28_345.125_581_82, 145.0]),
        (F1, [201.0, 150.459_026, 35.172_876_40, 34_878.592_326_37, 178.5]),
    ];
    for (weights, [rho_code, rho_tight, schur, coded, repaired]) in golden {
        let system = chain(weights);
        let passes = Passes::new(&system, 1);
        let penalty = Penalty::new(&passes, &queries()[0], PenaltyWeight::Code, Redundant::On);
        let close = |found: f64, wanted: f64, digits: f64| {
            assert!((found - wanted).abs() < digits * wanted, "{found} is not {wanted}");
        };
        close(penalty.reach().rho_code(), rho_code, 5e-8);
        close(penalty.reach().rho_tight(), rho_tight, 5e-8);
        let value = |point: &Point| penalty.value(point, largest(&penalty, point));
        let start = |init| penalty.start(init, &mut ChaCha8Rng::seed_from_u64(0));
        close(value(&start(Init::Schur)), schur, 1e-9);
        let mut point = start(Init::Diag);
        close(value(&point), repaired, 1e-8);
        point.kappa[0] = weights[weights.len() - 1][0].iter().map(|w| w.abs()).sum();
        close(value(&point), coded, 1e-8);
    }
    let improved: [(&[Rows], f64); 3] = [(D, 2.614_371_097), (E, 38.167_323_282), (F0, 32.714_202_907)];
    for (weights, wanted) in improved {
        let system = chain(weights);
        let passes = Passes::new(&system, 1);
        let penalty = Penalty::new(&passes, &queries()[0], PenaltyWeight::Code, Redundant::On);
        let point = penalty.start(Init::DiagImproved, &mut ChaCha8Rng::seed_from_u64(0));
        assert!((penalty.value(&point, 0.0) / wanted - 1.0).abs() < 1e-9);
    }
}

#[test]
fn bounds_of_neurons_have_the_golden_values() {
    let golden: [(&[Rows], &[f64]); 4] = [
        (C, &[1.0, 1.0]),
        (D, &[0.98, 0.69, 1.18, 0.29, 1.348_379_89, 2.368_775_49, 2.168_340_64, 2.317_669_38, 4.769_696_41]),
        (E, &[22.0, 5.0, 11.0, 22.0]),
        (F0, &[5.0, 5.0, 2.0, 99.0, 66.0, 22.0]),
    ];
    for (weights, wanted) in golden {
        let reach = Reach::new(&chain(weights), Norm::L2);
        assert_eq!(reach.rows().len(), wanted.len());
        for (found, wanted) in reach.rows().iter().zip(wanted) {
            assert!((found / wanted - 1.0).abs() < 5e-9, "{found} is not {wanted}");
        }
    }
}

#[test]
fn the_subgradient_is_the_derivative_where_the_eigenvalue_is_simple() {
    const STEP: f64 = 1e-6;
    for (query, seed) in queries().iter().zip(7..) {
        let system = tangled(seed, 2);
        let passes = Passes::new(&system, 1);
        let penalty = Penalty::new(&passes, query, PenaltyWeight::Code, Redundant::On);
        let point = random_point(&penalty, seed);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let top = penalty
            .matrix(&point)
            .top(&PenaltyMatrix::converged(), Start::random(&mut random), Watch::default())
            .expect("a small matrix");
        assert!((top.value - largest(&penalty, &point)).abs() < 1e-12 * top.value);
        let gradient = penalty.subgradient(top.value, top.vector.as_ref());
        let value = |point: &Point| penalty.value(point, largest(&penalty, point));
        let (neurons, count) = penalty.sizes();
        for at in 0..neurons + count {
            let moved = |step: f64| {
                let mut point = point.clone();
                let entry = if at < neurons { &mut point.lambda[at] } else { &mut point.kappa[at - neurons] };
                *entry += step;
                value(&point)
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let found = if at < neurons { gradient.lambda[at] } else { gradient.kappa[at - neurons] };
            assert!((found - slope).abs() < 1e-5 * penalty.value(&point, top.value), "entry {at}: {found}, {slope}");
        }
    }
}

#[test]
fn a_few_steps_of_lanczos_would_claim_less_than_the_constant_and_convergence_does_not() {
    /// One neuron matters; the others have short rows and large multipliers, which spread the spectrum.
    const WIDTH: usize = 120;
    let row = |j: usize| if j == 0 { 1.0 } else { 10_f64.powf(-3.0 * j as f64 / WIDTH as f64) };
    let rows: Vec<(usize, usize, f64)> = (0..WIDTH).map(|j| (j, j, row(j))).collect();
    let outgoing: Vec<f64> = (0..WIDTH).map(|j| if j == 0 { 1.0 } else { 1e-3 }).collect();
    let constant = (0..WIDTH).map(|j| (row(j) * outgoing[j]).powi(2)).sum::<f64>().sqrt();
    let edges = vec![
        Edge { from: 0, to: 1, map: LinearMap::from_triplets(WIDTH, WIDTH, &rows) },
        Edge { from: 1, to: 2, map: LinearMap::from_rows(&[outgoing]) },
    ];
    let system = IncrementSystem::new(WIDTH, vec![vec![SlopeInterval::UNIT; WIDTH]], 1, edges).expect("valid");
    let passes = Passes::new(&system, 1);
    let penalty = Penalty::new(&passes, &queries()[0], PenaltyWeight::Tight, Redundant::Off);
    // Of κ_0 = 2 there is less than half.
    let point = Point { lambda: (0..WIDTH).map(|j| 0.5 / row(j).powi(2)).collect(), kappa: vec![0.75, 0.5] };
    let matrix = penalty.matrix(&point);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let start = penalty.positive_vector(&mut random);
    let few = matrix.top_after(20, start.as_ref(), &mut random).expect("finite");
    let top = matrix
        .top(&PenaltyMatrix::converged(), Start::given(start.as_ref(), &mut random), Watch::default())
        .expect("finite");
    let (wrong, right) = (penalty.value(&point, few.value), penalty.value(&point, top.value + top.error));
    assert!(wrong < 0.99 * constant, "{wrong} after few steps, the constant is {constant}");
    assert!(right >= constant, "{right}, the constant is {constant}");
    assert_eq!(few.products, 20);
    // Nor do the multipliers that the wrong value stands for prove anything.
    let variables = Variables::new(&system, &queries()[0]);
    let least = |surplus| smallest(&penalty, &variables, &penalty.realised(&point, surplus));
    assert!(least(few.value.max(0.0)) < -1e-3 && least(top.value + top.error) > -1e-8);
}
