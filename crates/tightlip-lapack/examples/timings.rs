//! Milliseconds of each routine Clarabel calls at the orders of its cones: the best of many calls, one thread.
//!
//! `cargo run --release -p tightlip-lapack --example timings`

#![allow(unsafe_code, reason = "the interface crates that Clarabel uses are unsafe functions")]

use std::hint::black_box;
use std::time::Instant;

use tightlip_lapack as _;

/// Best of `REPETITIONS` calls, in milliseconds.
fn best_ms(mut call: impl FnMut()) -> f64 {
    const REPETITIONS: usize = 100;
    let once = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..REPETITIONS).map(|_| once(&mut call)).fold(f64::INFINITY, f64::min)
}

/// A symmetric positive definite matrix without structure, by columns.
fn positive_definite(n: usize) -> Vec<f64> {
    let entry = |i: usize, j: usize| ((1 + i.min(j)) as f64 * (7 + i.max(j)) as f64).sin();
    (0..n * n).map(|index| (index % n, index / n)).map(|(i, j)| if i == j { n as f64 } else { entry(i, j) }).collect()
}

/// gemm, syrk, syr2k: the products.
fn products(n: usize, a: &[f64]) -> [f64; 3] {
    let order = i32::try_from(n).expect("a cone is small");
    let mut c = a.to_vec();
    // SAFETY: every matrix is n × n.
    let times = unsafe {
        [
            best_ms(|| blas::dgemm(b'T', b'N', order, order, order, 1.0, a, order, a, order, 0.0, &mut c, order)),
            best_ms(|| blas::dsyrk(b'U', b'N', order, order, 1.0, a, order, 0.0, &mut c, order)),
            best_ms(|| blas::dsyr2k(b'U', b'N', order, order, 0.5, a, order, a, order, 0.0, &mut c, order)),
        ]
    };
    black_box(&c);
    times
}

/// potrf, gesdd, syevr without vectors: the decompositions, each with the copy of the matrix it overwrites.
fn decompositions(n: usize, a: &[f64]) -> [f64; 3] {
    let order = i32::try_from(n).expect("a cone is small");
    let (mut c, mut u, mut vt, mut values) = (a.to_vec(), a.to_vec(), a.to_vec(), vec![0.0; n]);
    let (mut work, mut iwork, mut support) = (vec![0.0; 20 * n * n + 4096], vec![0; 8 * n], vec![0; 2 * n]);
    let lwork = i32::try_from(work.len()).expect("a cone is small");
    let (mut info, mut found) = (0, 0);
    // SAFETY: every matrix is n × n, and the workspaces are larger than a query would say.
    let times = unsafe {
        [
            best_ms(|| {
                c.copy_from_slice(a);
                lapack::dpotrf(b'L', order, &mut c, order, &mut info);
            }),
            best_ms(|| {
                c.copy_from_slice(a);
                lapack::dgesdd(
                    b'S',
                    order,
                    order,
                    &mut c,
                    order,
                    &mut values,
                    &mut u,
                    order,
                    &mut vt,
                    order,
                    &mut work,
                    lwork,
                    &mut iwork,
                    &mut info,
                );
            }),
            best_ms(|| {
                c.copy_from_slice(a);
                lapack::dsyevr(
                    b'N',
                    b'A',
                    b'U',
                    order,
                    &mut c,
                    order,
                    0.0,
                    0.0,
                    0,
                    0,
                    -1.0,
                    &mut found,
                    &mut values,
                    &mut u,
                    order,
                    &mut support,
                    &mut work,
                    lwork,
                    &mut iwork,
                    order,
                    &mut info,
                );
            }),
        ]
    };
    black_box((&c, &u, &vt));
    times
}

fn main() {
    let names = ["gemm", "syrk", "syr2k", "potrf", "gesdd", "syevr N"];
    println!("order {}", names.map(|name| format!("{name:>9}")).join(" "));
    for n in [10, 20, 40, 74, 100, 150] {
        let a = positive_definite(n);
        let times = products(n, &a).into_iter().chain(decompositions(n, &a));
        println!("{n:>5} {}", times.map(|time| format!("{time:>9.4}")).collect::<Vec<_>>().join(" "));
    }
}
