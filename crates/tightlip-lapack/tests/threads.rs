//! The routines give the same answer with several threads as with one, up to rounding.

#![allow(unsafe_code, reason = "the interface crates that Clarabel uses are unsafe functions")]

use test_matrices::Draw;
use tightlip_lapack::set_threads;

#[path = "../src/test_matrices.rs"]
#[allow(dead_code, reason = "the kernels' tests use the rest")]
mod test_matrices;

/// Large enough for threads to be used.
const ORDER: usize = 320;
const N: i32 = 320;

/// What each routine gives, one after the other, for the same positive definite matrix.
fn results(a: &[f64]) -> Vec<Vec<f64>> {
    let room = || vec![0.0; ORDER * ORDER];
    let (mut product, mut update, mut factor) = (room(), room(), a.to_vec());
    let (mut solution, mut pivots, mut info) = (vec![1.0; ORDER], vec![0; ORDER], 0);
    let (mut singular, mut eigen, mut found) = (vec![0.0; ORDER], vec![0.0; ORDER], 0);
    let (mut work, mut iwork) = (vec![0.0; 1], vec![0; 8 * ORDER]);
    // SAFETY: every matrix is of the order given, and one number of workspace is enough.
    unsafe {
        blas::dgemm(b'N', b'T', N, N, N, 1.0, a, N, a, N, 0.0, &mut product, N);
        blas::dsyrk(b'U', b'N', N, N, 1.0, a, N, 0.0, &mut update, N);
        lapack::dpotrf(b'L', N, &mut factor, N, &mut info);
        assert_eq!(info, 0);
        lapack::dgesv(N, 1, &mut a.to_vec(), N, &mut pivots, &mut solution, N, &mut info);
        assert_eq!(info, 0);
        let (mut u, mut vt) = (room(), room());
        lapack::dgesdd(
            b'S',
            N,
            N,
            &mut a.to_vec(),
            N,
            &mut singular,
            &mut u,
            N,
            &mut vt,
            N,
            &mut work,
            1,
            &mut iwork,
            &mut info,
        );
        assert_eq!(info, 0);
        lapack::dsyevr(
            b'N',
            b'A',
            b'U',
            N,
            &mut a.to_vec(),
            N,
            0.0,
            0.0,
            0,
            0,
            0.0,
            &mut found,
            &mut eigen,
            &mut [],
            N,
            &mut pivots,
            &mut work,
            1,
            &mut iwork,
            1,
            &mut info,
        );
        assert_eq!((info, found), (0, N));
    }
    vec![product, update, factor, solution, singular, eigen]
}

#[test]
fn threads_change_nothing_but_rounding() {
    let mut draw = Draw::seeded(51);
    let eigenvalues: Vec<f64> = (0..ORDER).map(|_| 2.0 + draw.number()).collect();
    let a = draw.symmetric(&eigenvalues);
    let a: Vec<f64> = (0..ORDER * ORDER).map(|index| a[(index % ORDER, index / ORDER)]).collect();
    let one = results(&a);
    for threads in [2, 0] {
        set_threads(threads);
        for (routine, (few, many)) in one.iter().zip(results(&a)).enumerate() {
            let error = few.iter().zip(&many).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
            assert!(error < 1e-11, "routine {routine} with {threads} threads: {error}");
        }
    }
}
