//! Every letter, leading dimension and info code of the LAPACK symbols. What the decompositions themselves are worth is
//! tested with the kernels.

#![allow(unsafe_code, reason = "the interface crates that Clarabel uses are unsafe functions")]

use stored::{POISON, Stored};
use test_matrices::Draw;
use tightlip_lapack as _;

#[path = "support/stored.rs"]
#[allow(dead_code, reason = "the BLAS tests use the rest")]
mod stored;
#[path = "../src/test_matrices.rs"]
#[allow(dead_code, reason = "the kernels' tests use the rest")]
mod test_matrices;

const ORDERS: [usize; 9] = [0, 1, 2, 3, 8, 17, 33, 74, 130];

/// Error of a decomposition relative to entries of order 1, at order ≤ 150.
const TOLERANCE: f64 = 1e-12;

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("a test size is small")
}

/// A symmetric positive definite matrix with eigenvalues from 1 to 10 or so, the other half poisoned.
fn positive_definite(draw: &mut Draw, n: usize, padding: usize, uplo: u8) -> Stored {
    let eigenvalues: Vec<f64> = (0..n).map(|_| 5.5 + 4.5 * draw.number()).collect();
    let a = draw.symmetric(&eigenvalues);
    Stored::of(n, n, padding, |i, j| a[(i, j)]).with_half_poisoned(uplo)
}

fn potrf(uplo: u8, a: &mut Stored) -> i32 {
    let (n, leading) = (int(a.rows), a.leading_i32());
    let mut info = i32::MIN;
    // SAFETY: A is n × n.
    unsafe { lapack::dpotrf(uplo, n, &mut a.data, leading, &mut info) };
    info
}

#[test]
fn dpotrf_factors_one_half_and_leaves_the_other() {
    let mut draw = Draw::seeded(11);
    for n in ORDERS {
        for (uplo, padding) in [(b'L', 0), (b'U', 0), (b'l', 3), (b'u', 2)] {
            let a = positive_definite(&mut draw, n, padding, uplo);
            let mut factor = a.clone();
            assert_eq!(potrf(uplo, &mut factor), 0, "order {n}");
            factor.assert_other_half_untouched(uplo);
            // Entry (i, j) of L, wherever it is stored.
            let lower =
                |i: usize, j: usize| if uplo.eq_ignore_ascii_case(&b'L') { factor.at(i, j) } else { factor.at(j, i) };
            a.assert_close(uplo, TOLERANCE, |i, j| (0..=i.min(j)).map(|k| lower(i, k) * lower(j, k)).sum());
        }
    }
}

#[test]
fn dpotrf_names_the_first_leading_minor_that_is_not_positive() {
    let mut draw = Draw::seeded(12);
    for n in [1, 4, 15, 40, 74, 130] {
        for spoiled in [0, n / 3, n / 2, n - 1] {
            for (uplo, bad) in [(b'L', -1.0), (b'U', -1.0), (b'L', f64::NAN), (b'U', f64::NAN), (b'L', f64::INFINITY)] {
                let mut a = positive_definite(&mut draw, n, 1, uplo);
                a.data[spoiled * (a.leading + 1)] = bad;
                assert_eq!(potrf(uplo, &mut a), int(spoiled + 1), "order {n}, {bad} at {spoiled}");
            }
            // A NaN off the diagonal spoils the minor of the later index.
            let mut a = positive_definite(&mut draw, n, 1, b'L');
            a.data[spoiled] = f64::NAN;
            assert_eq!(potrf(b'L', &mut a), int(spoiled + 1), "order {n}, NaN at ({spoiled}, 0)");
        }
    }
    let mut semidefinite = Stored::of(4, 4, 0, |_, _| 1.0);
    assert_eq!(potrf(b'U', &mut semidefinite), 2, "zero is not positive");
}

#[test]
fn dpotrs_solves_with_either_half() {
    let mut draw = Draw::seeded(13);
    for n in ORDERS {
        for (uplo, padding, columns) in [(b'L', 0, 1), (b'U', 2, 3), (b'U', 0, 0), (b'L', 1, 40)] {
            let a = positive_definite(&mut draw, n, padding, uplo);
            let x = Stored::drawn(&mut draw, n, columns, 0);
            let product = |i, j| (0..n).map(|k| a.symmetric_at(uplo, i, k) * x.at(k, j)).sum();
            let mut b = Stored::of(n, columns, padding, product);
            let mut factor = a.clone();
            assert_eq!(potrf(uplo, &mut factor), 0);
            let (leading, mut info) = (b.leading_i32(), i32::MIN);
            // SAFETY: the factor is n × n and B is n × columns.
            unsafe {
                lapack::dpotrs(
                    uplo,
                    int(n),
                    int(columns),
                    &factor.data,
                    factor.leading_i32(),
                    &mut b.data,
                    leading,
                    &mut info,
                );
            }
            assert_eq!(info, 0);
            b.assert_padding_untouched();
            b.assert_close(b'*', TOLERANCE, |i, j| x.at(i, j));
        }
    }
}

/// dgesv on A and B, with pivots counted from 0.
fn gesv(a: &mut Stored, b: &mut Stored) -> (i32, Vec<usize>) {
    let (mut pivots, mut info) = (vec![0; a.rows], i32::MIN);
    let (lda, ldb) = (a.leading_i32(), b.leading_i32());
    // SAFETY: A is n × n, B has n rows and there are n pivots.
    unsafe {
        lapack::dgesv(int(a.rows), int(b.columns), &mut a.data, lda, &mut pivots, &mut b.data, ldb, &mut info);
    }
    (info, pivots.iter().map(|&pivot| usize::try_from(pivot - 1).expect("counted from 1")).collect())
}

/// Panics unless P A = L U.
fn assert_factors(a: &Stored, factors: &Stored, pivots: &[usize]) {
    let n = a.rows;
    let mut order: Vec<usize> = (0..n).collect();
    for (i, &pivot) in pivots.iter().enumerate() {
        assert!(pivot >= i, "a row is exchanged with a later one");
        order.swap(i, pivot);
    }
    for (i, &row) in order.iter().enumerate() {
        for j in 0..n {
            let lower = |k| if k == i { 1.0 } else { factors.at(i, k) };
            let product: f64 = (0..=i.min(j)).map(|k| lower(k) * factors.at(k, j)).sum();
            let error = (product - a.at(row, j)).abs();
            assert!(error <= TOLERANCE, "({i}, {j}) of {n}: {error}");
            assert!(j >= i || factors.at(i, j).abs() <= 1.0, "multipliers are at most 1");
        }
    }
}

#[test]
fn dgesv_finds_a_planted_solution() {
    let mut draw = Draw::seeded(14);
    for n in ORDERS {
        for (padding, columns) in [(0, 1), (2, 4), (1, 0)] {
            let a = Stored::drawn(&mut draw, n, n, padding);
            let x = Stored::drawn(&mut draw, n, columns, 0);
            let mut b = Stored::of(n, columns, padding, |i, j| (0..n).map(|k| a.at(i, k) * x.at(k, j)).sum());
            let mut factors = a.clone();
            let (info, pivots) = gesv(&mut factors, &mut b);
            assert_eq!(info, 0);
            factors.assert_padding_untouched();
            b.assert_padding_untouched();
            assert_factors(&a, &factors, &pivots);
            b.assert_close(b'*', 1e-9, |i, j| x.at(i, j));
        }
    }
}

#[test]
fn dgesv_reports_the_first_zero_pivot_completes_the_factors_and_leaves_the_right_hand_side() {
    let mut draw = Draw::seeded(15);
    for (n, zero_column) in [(1, 0), (5, 0), (5, 2), (40, 33), (70, 69), (70, 20)] {
        let full = Stored::drawn(&mut draw, n, n, 1);
        let a = Stored::of(n, n, 1, |i, j| if j == zero_column { 0.0 } else { full.at(i, j) });
        let (mut factors, mut b) = (a.clone(), Stored::of(n, 2, 0, |i, j| (i + j) as f64));
        let (info, pivots) = gesv(&mut factors, &mut b);
        assert_eq!(info, int(zero_column + 1));
        assert_factors(&a, &factors, &pivots);
        b.assert_close(b'*', 0.0, |i, j| (i + j) as f64);
    }
}

#[test]
fn illegal_arguments_are_named_and_nothing_is_written() {
    let (mut a, mut b, mut info) = ([2.0, 7.0, 7.0, 2.0], [3.0, 4.0], 0);
    let untouched = (a, b);
    // SAFETY: no call gets past the check of its arguments.
    unsafe {
        lapack::dpotrf(b'X', 2, &mut a, 2, &mut info);
        assert_eq!(info, -1);
        lapack::dpotrf(b'L', -2, &mut a, 2, &mut info);
        assert_eq!(info, -2);
        lapack::dpotrf(b'L', 2, &mut a, 1, &mut info);
        assert_eq!(info, -4);
        lapack::dpotrs(b'L', 2, -1, &a, 2, &mut b, 2, &mut info);
        assert_eq!(info, -3);
        lapack::dpotrs(b'L', 2, 1, &a, 2, &mut b, 1, &mut info);
        assert_eq!(info, -7);
        lapack::dgesv(2, 1, &mut a, 1, &mut [0, 0], &mut b, 2, &mut info);
        assert_eq!(info, -4);
    }
    assert_eq!((a, b), untouched);
}

#[test]
fn an_empty_matrix_is_factored_and_solved() {
    let mut empty = Stored::of(0, 0, 2, |_, _| POISON);
    assert_eq!(potrf(b'L', &mut empty), 0);
    assert_eq!(gesv(&mut empty, &mut Stored::of(0, 0, 0, |_, _| POISON)), (0, Vec::new()));
}
