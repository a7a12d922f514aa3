//! Extreme pairs against dense decompositions, where Lanczos is known to have trouble.

use faer::{Accum, Mat, MatMut, MatRef, Par, Side};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tightlip_eigen::{Checks, End, LanczosSettings, LookAgain, RitzPairs, Start, Stop, Watch, extreme_pairs};

/// The operator of a dense matrix.
fn dense(matrix: &Mat<f64>) -> impl FnMut(MatRef<'_, f64>, MatMut<'_, f64>) {
    move |x, y| faer::linalg::matmul::matmul(y, Accum::Replace, matrix, x, 1.0, Par::Seq)
}

/// Pairs from a random start.
fn random_start(matrix: &Mat<f64>, settings: &LanczosSettings, seed: u64) -> RitzPairs {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let start = Start::random(&mut random);
    extreme_pairs(matrix.nrows(), settings, start, &mut dense(matrix), Watch::default()).expect("finite")
}

/// An orthogonal matrix.
fn orthogonal(n: usize, seed: u64) -> Mat<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rough = Mat::from_fn(n, n, |_, _| random.random::<f64>() - 0.5);
    rough.qr().compute_Q()
}

/// A symmetric matrix with this spectrum and unstructured vectors.
fn with_spectrum(spectrum: &[f64], seed: u64) -> Mat<f64> {
    let q = orthogonal(spectrum.len(), seed);
    let scaled = Mat::from_fn(q.nrows(), q.ncols(), |i, j| q[(i, j)] * spectrum[j]);
    let matrix = scaled * q.transpose();
    Mat::from_fn(q.nrows(), q.ncols(), |i, j| matrix[(i.min(j), i.max(j))])
}

/// Largest difference from `exact`, and the checks every answer has to pass: values not outside the spectrum, orthonormal
/// vectors, true residuals.
fn checked(matrix: &Mat<f64>, exact: &[f64], pairs: &RitzPairs, end: End) -> f64 {
    let norm = matrix.norm_max() * matrix.nrows() as f64;
    let rounding = 1e-13 * norm.max(f64::MIN_POSITIVE);
    let count = pairs.values.len();
    let gram = pairs.vectors.transpose() * &pairs.vectors;
    assert!((gram - Mat::<f64>::identity(count, count)).norm_max() < 1e-12);
    let mut error = 0.0_f64;
    for (i, (&value, &residual)) in pairs.values.iter().zip(&pairs.residuals).enumerate() {
        let vector = pairs.vectors.as_ref().subcols(i, 1);
        let direct = (matrix * vector - faer::Scale(value) * vector).norm_l2();
        assert!(
            (direct - residual).abs() <= 1e-6 * direct + rounding,
            "residual {residual:e}, but {direct:e} by a product, norm {norm:e}, {:?} {value:e} {exact:?} {}",
            pairs.stop,
            pairs.restarts
        );
        let outside = if end == End::Smallest { exact[i] - value } else { value - exact[i] };
        assert!(outside <= rounding, "{value} lies outside the spectrum that ends at {}", exact[i]);
        error = error.max((value - exact[i]).abs());
    }
    error
}

/// The spectrum, best first.
fn sorted(spectrum: &[f64], end: End) -> Vec<f64> {
    let mut sorted = spectrum.to_vec();
    sorted.sort_by(|a, b| if end == End::Smallest { a.total_cmp(b) } else { b.total_cmp(a) });
    sorted
}

#[test]
fn crowded_and_isolated_ends_of_spectra_are_found_at_every_scale() {
    let n = 120;
    let spread = |i: usize| i as f64 / n as f64;
    let spectra: Vec<Vec<f64>> = vec![
        (0..n).map(spread).collect(),
        (0..n).map(|i| 2.0 - 2.0 * (std::f64::consts::PI * (i + 1) as f64 / (n + 1) as f64).cos()).collect(),
        (0..n).map(|i| if i < 4 { -1.0 + 1e-10 * i as f64 } else { spread(i) }).collect(),
        (0..n).map(|i| if i == 0 { -3.0 } else { 1.0 + 1e-3 * spread(i) }).collect(),
        (0..n).map(|i| 10_f64.powf(-12.0 * spread(i))).collect(),
    ];
    for (case, spectrum) in spectra.iter().enumerate() {
        for (end, scale) in [(End::Smallest, 1.0), (End::Largest, 1.0), (End::Smallest, 1e200), (End::Largest, 1e-200)]
        {
            let spectrum: Vec<f64> = spectrum.iter().map(|x| scale * x).collect();
            let matrix = with_spectrum(&spectrum, case as u64);
            // Twelve decades cannot be told apart at their lower end before the basis is the whole space.
            let largest_basis = if case == 4 { n } else { 40 };
            let settings = LanczosSettings { tolerance: 1e-11, largest_basis, ..LanczosSettings::new(3, end) };
            for block in [1, 3] {
                let pairs = random_start(&matrix, &LanczosSettings { block, ..settings }, 7);
                assert!(pairs.converged, "case {case}, {end:?}, scale {scale:e}, block {block}: {:?}", pairs.residuals);
                let norm = spectrum.iter().fold(0.0_f64, |norm, x| norm.max(x.abs()));
                let error = checked(&matrix, &sorted(&spectrum, end), &pairs, end);
                assert!(error < 1e-9 * norm, "case {case}, {end:?}, scale {scale:e}, block {block}: {error:e}");
            }
        }
    }
}

#[test]
fn identity_zero_and_rank_one_end_with_all_their_pairs() {
    for n in [1, 2, 3, 30] {
        let rank_one = Mat::from_fn(n, n, |i, j| -((i + 1) as f64) * (j + 1) as f64);
        let length: f64 = (1..=n).map(|i| (i * i) as f64).sum();
        for (matrix, smallest) in [(Mat::identity(n, n), 1.0), (Mat::zeros(n, n), 0.0), (rank_one, -length)] {
            for (wanted, block) in [(1, 1), (3, 1), (3, 2), (50, 1), (2, 16)] {
                let settings = LanczosSettings { block, ..LanczosSettings::new(wanted, End::Smallest) };
                let pairs = random_start(&matrix, &settings, 1);
                assert!(pairs.converged && pairs.stop == Stop::Converged);
                assert_eq!(pairs.values.len(), wanted.min(n));
                let rest = if smallest == 1.0 { 1.0 } else { 0.0 };
                let exact: Vec<f64> = (0..n).map(|i| if i == 0 { smallest } else { rest }).collect();
                assert!(checked(&matrix, &exact, &pairs, End::Smallest) < 1e-12 * length);
            }
        }
    }
}

#[test]
fn every_copy_of_a_multiple_eigenvalue_is_found() {
    let n = 100;
    let many: Vec<f64> = (0..n).map(|i| if i < 5 { -1.0 } else { f64::from(i) / 20.0 }).collect();
    let few: Vec<f64> = (0..n).map(|i| if i < 5 { -1.0 } else { f64::from(i % 3) }).collect();
    for (spectrum, look_again) in [(many, LookAgain::AfterConvergence), (few, LookAgain::AfterBreakdown)] {
        let matrix = with_spectrum(&spectrum, 3);
        for block in [1, 4] {
            let settings =
                LanczosSettings { block, look_again, largest_basis: 60, ..LanczosSettings::new(5, End::Smallest) };
            let pairs = random_start(&matrix, &settings, 5);
            assert!(pairs.converged);
            let error = checked(&matrix, &sorted(&spectrum, End::Smallest), &pairs, End::Smallest);
            assert!(error < 1e-9, "block {block}, {look_again:?}: {:?}", pairs.values);
        }
    }
}

#[test]
fn an_eigenvector_that_the_start_is_orthogonal_to_is_found_all_the_same() {
    let n = 200;
    let spectrum: Vec<f64> = (0..n).map(|i| if i == 0 { -0.5 } else { i as f64 / n as f64 }).collect();
    let vectors = orthogonal(n, 9);
    let scaled = Mat::from_fn(n, n, |i, j| vectors[(i, j)] * spectrum[j]);
    let rough = scaled * vectors.transpose();
    let diagonal = Mat::from_fn(n, n, |i, j| if i == j { spectrum[i] } else { 0.0 });
    for (matrix, vectors) in [(diagonal, Mat::identity(n, n)), (rough, vectors)] {
        for count in [1, 3] {
            let mut random = ChaCha8Rng::seed_from_u64(2);
            let start = Start::given(vectors.as_ref().subcols(1, count), &mut random);
            let settings = LanczosSettings::new(1, End::Smallest);
            let pairs = extreme_pairs(n, &settings, start, &mut dense(&matrix), Watch::default()).expect("finite");
            assert!(pairs.converged && (pairs.values[0] + 0.5).abs() < 1e-9, "{:?}", pairs.values);
        }
    }
}

#[test]
fn random_matrices_agree_with_their_decompositions() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for case in 0..300 {
        let n = random.random_range(1..60);
        let scale = 10_f64.powi(random.random_range(-20..20));
        let rough = Mat::from_fn(n, n, |_, _| scale * (random.random::<f64>() - 0.5));
        let matrix = &rough + rough.transpose();
        let end = if random.random::<bool>() { End::Smallest } else { End::Largest };
        let wanted = random.random_range(1..6);
        let settings = LanczosSettings {
            block: random.random_range(1..5),
            largest_basis: random.random_range(wanted + 6..wanted + 40),
            checks: [Checks::EveryBlock, Checks::Rising, Checks::FullBasis][case % 3],
            look_again: [LookAgain::AfterBreakdown, LookAgain::AfterConvergence][case % 2],
            ..LanczosSettings::new(wanted, end)
        };
        let pairs = random_start(&matrix, &settings, case as u64);
        assert!(pairs.converged, "case {case}, order {n}, {settings:?}: {:?} {:?}", pairs.stop, pairs.residuals);
        let spectrum = matrix.self_adjoint_eigenvalues(Side::Lower).expect("finite");
        let error = checked(&matrix, &sorted(&spectrum, end), &pairs, end);
        assert!(error <= 1e-9 * scale * n as f64, "case {case}, order {n}, {settings:?}: {error:e}");
    }
}
