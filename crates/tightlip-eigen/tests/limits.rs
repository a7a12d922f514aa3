//! What a run is not to exceed, and how it ends early.

use faer::{Mat, MatMut, MatRef};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tightlip_eigen::{
    Checks, End, LanczosError, LanczosSettings, Progress, RitzPairs, Start, Stop, Watch, extreme_pairs,
};

/// Second differences, whose smallest eigenvalues are crowded; counts its products.
fn second_differences(count: &mut usize) -> impl FnMut(MatRef<'_, f64>, MatMut<'_, f64>) {
    move |x, mut y| {
        let n = x.nrows();
        *count += x.ncols();
        for j in 0..x.ncols() {
            for i in 0..n {
                let beside = if i > 0 { x[(i - 1, j)] } else { 0.0 } + if i + 1 < n { x[(i + 1, j)] } else { 0.0 };
                y[(i, j)] = 2.0 * x[(i, j)] - beside;
            }
        }
    }
}

/// A run on second differences from a seed, with the products counted by the operator.
fn run(order: usize, settings: &LanczosSettings, watch: Watch<'_>) -> (RitzPairs, usize) {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut count = 0;
    let pairs = extreme_pairs(order, settings, Start::random(&mut random), &mut second_differences(&mut count), watch);
    (pairs.expect("finite"), count)
}

#[test]
fn products_are_counted_and_never_exceed_their_limit() {
    for block in [1, 3, 8] {
        for most_products in [0, 1, 2, 7, 60, 61] {
            let settings = LanczosSettings { block, most_products, ..LanczosSettings::new(2, End::Smallest) };
            let (pairs, count) = run(300, &settings, Watch::default());
            assert_eq!(pairs.products, count);
            assert!(count <= most_products && count + block > most_products, "{count} of {most_products}");
            assert_eq!(pairs.stop, Stop::Products);
            assert!(!pairs.converged && pairs.values.len() == most_products.min(2));
            assert!(pairs.values.iter().all(|&value| value > 0.0));
        }
    }
}

#[test]
fn the_caller_can_stop_by_value_and_by_time() {
    let settings = LanczosSettings { checks: Checks::EveryBlock, ..LanczosSettings::new(1, End::Smallest) };
    let mut seen = Vec::new();
    let mut enough = |progress: &Progress<'_>| {
        seen.push((progress.products, progress.values[0]));
        progress.values[0] < 0.1
    };
    let (pairs, count) = run(300, &settings, Watch { enough: Some(&mut enough), deadline: None });
    assert_eq!((pairs.stop, pairs.converged), (Stop::Enough, false));
    assert!(pairs.values[0] < 0.1 && seen.last() == Some(&(count, pairs.values[0])));
    assert!(seen.iter().enumerate().all(|(i, seen)| seen.0 == i + 1), "a check after every product");
    assert!(seen.windows(2).all(|pair| pair[1].1 <= pair[0].1 + 1e-14), "Ritz values fall");

    let mut asked = 0;
    let mut deadline = || {
        asked += 1;
        asked > 25
    };
    let (pairs, count) = run(300, &settings, Watch { deadline: Some(&mut deadline), enough: None });
    assert_eq!((pairs.stop, count, pairs.values.len()), (Stop::Deadline, 25, 1));
    let (pairs, count) = run(300, &settings, Watch { deadline: Some(&mut || true), enough: None });
    assert_eq!((pairs.stop, count, pairs.values.len()), (Stop::Deadline, 0, 0));
}

#[test]
fn a_small_basis_restarts_and_stays_small() {
    for (block, largest_basis) in [(1, 12), (2, 12), (4, 24), (16, 30)] {
        let settings =
            LanczosSettings { block, largest_basis, tolerance: 1e-9, ..LanczosSettings::new(2, End::Smallest) };
        let mut largest = 0;
        let mut enough = |progress: &Progress<'_>| {
            largest = largest.max(progress.basis);
            false
        };
        let (pairs, _) = run(150, &settings, Watch { enough: Some(&mut enough), deadline: None });
        assert!(pairs.converged && pairs.restarts > 0, "{block}, {largest_basis}: {:?}", pairs.residuals);
        assert!(largest <= largest_basis);
        for (j, value) in pairs.values.iter().enumerate() {
            let exact = 2.0 - 2.0 * (std::f64::consts::PI * (j + 1) as f64 / 151.0).cos();
            assert!((value - exact).abs() < 1e-12, "{value} for {exact} after {} restarts", pairs.restarts);
        }
    }
}

#[test]
fn a_tolerance_out_of_reach_ends_the_run_at_rounding() {
    let settings = LanczosSettings {
        tolerance: 0.0,
        largest_basis: 20,
        most_products: 1_000_000,
        ..LanczosSettings::new(1, End::Smallest)
    };
    let (pairs, count) = run(100, &settings, Watch::default());
    assert!(count < 5_000, "{count} products");
    assert!(pairs.residuals[0] < 1e-11 && (pairs.stop == Stop::Stalled || pairs.stop == Stop::Converged));
}

#[test]
fn the_same_seed_gives_the_same_digits() {
    let settings = LanczosSettings { block: 3, most_products: 100, ..LanczosSettings::new(2, End::Smallest) };
    let ((one, _), (two, _)) = (run(90, &settings, Watch::default()), run(90, &settings, Watch::default()));
    assert_eq!((one.values, one.vectors), (two.values, two.vectors));
}

#[test]
fn numbers_that_are_not_finite_are_errors_at_once() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut products = 0;
        let mut apply = |x: MatRef<'_, f64>, mut y: MatMut<'_, f64>| {
            products += x.ncols();
            y.copy_from(Mat::from_fn(x.nrows(), x.ncols(), |i, j| i as f64 * x[(i, j)]));
            if products == 4 {
                y[(5, 0)] = bad;
            }
        };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let settings = LanczosSettings::new(1, End::Largest);
        let answer = extreme_pairs(50, &settings, Start::random(&mut random), &mut apply, Watch::default());
        assert_eq!(answer.err(), Some(LanczosError::NotFinite { products: 4 }));
        let mut start = Mat::<f64>::zeros(50, 2);
        start[(3, 1)] = bad;
        let start = Start::given(start.as_ref(), &mut random);
        let answer = extreme_pairs(50, &settings, start, &mut |_, _| (), Watch::default());
        assert_eq!(answer.err(), Some(LanczosError::StartNotFinite { column: 1 }));
    }
}

#[test]
fn orders_of_zero_and_one_and_settings_without_room() {
    let settings = LanczosSettings::new(2, End::Smallest);
    let (pairs, count) = run(0, &settings, Watch::default());
    assert!(pairs.converged && pairs.values.is_empty() && count == 0);
    let (pairs, _) = run(1, &settings, Watch::default());
    assert!(pairs.converged && pairs.values == [2.0] && (pairs.vectors[(0, 0)].abs() - 1.0).abs() < 1e-15);
    let (pairs, count) = run(9, &LanczosSettings::new(0, End::Smallest), Watch::default());
    assert!(pairs.converged && pairs.values.is_empty() && count == 0);

    let mut random = ChaCha8Rng::seed_from_u64(1);
    let small = LanczosSettings { largest_basis: 2, ..settings };
    let answer = extreme_pairs(9, &small, Start::random(&mut random), &mut |_, _| (), Watch::default());
    assert_eq!(answer.err(), Some(LanczosError::SmallBasis { largest_basis: 2, pairs: 2 }));
    let wrong = Mat::<f64>::zeros(8, 1);
    let start = Start::given(wrong.as_ref(), &mut random);
    let answer = extreme_pairs(9, &settings, start, &mut |_, _| (), Watch::default());
    assert_eq!(answer.err(), Some(LanczosError::StartOrder { found: 8, order: 9 }));
}

#[test]
fn repeated_and_zero_starting_vectors_are_replaced_and_good_ones_save_products() {
    let settings = LanczosSettings { block: 4, ..LanczosSettings::new(2, End::Smallest) };
    let (cold, _) = run(200, &settings, Watch::default());
    assert!(cold.converged);
    // Both vectors found, one of them twice, in other lengths, and a zero.
    let start = Mat::from_fn(200, 4, |i, j| match j {
        0 => 1e120 * cold.vectors[(i, 0)],
        1 => -1e-120 * cold.vectors[(i, 0)],
        2 => 0.0,
        _ => cold.vectors[(i, 1)],
    });
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut count = 0;
    let start = Start::given(start.as_ref(), &mut random);
    let mut apply = second_differences(&mut count);
    let warm = extreme_pairs(200, &settings, start, &mut apply, Watch::default()).expect("finite");
    assert!(warm.converged && 2 * warm.products < cold.products, "{} after {}", warm.products, cold.products);
    for (warm, cold) in warm.values.iter().zip(&cold.values) {
        assert!((warm - cold).abs() < 1e-13);
    }
}
