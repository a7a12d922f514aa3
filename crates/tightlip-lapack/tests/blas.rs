//! Every letter, leading dimension, increment and kind of scaling of the BLAS symbols, against the defining sums.

#![allow(unsafe_code, reason = "the interface crates that Clarabel uses are unsafe functions")]

use stored::{POISON, Stored, Strided};
use test_matrices::Draw;
use tightlip_lapack as _;

#[path = "support/stored.rs"]
mod stored;
#[path = "../src/test_matrices.rs"]
#[allow(dead_code, reason = "the kernels' tests use the rest")]
mod test_matrices;

const FACTORS: [(f64, f64); 9] =
    [(0.0, 0.0), (0.0, 1.0), (0.0, 0.3), (1.0, 0.0), (1.0, 1.0), (1.0, 0.3), (-0.7, 0.0), (-0.7, 1.0), (-0.7, 0.3)];

/// Sizes around faer's switches: 1, a register tile, 32³ multiplications, and a cone's order.
const SHAPES: [(usize, usize, usize); 9] =
    [(1, 1, 1), (1, 6, 3), (5, 1, 7), (4, 3, 1), (8, 8, 8), (17, 19, 23), (40, 33, 37), (33, 64, 5), (74, 74, 74)];

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("a test size is small")
}

/// A bound on the rounding error of a sum of `terms` products of numbers in [−1, 1].
fn rounding(terms: usize) -> f64 {
    4.0 * f64::EPSILON * (terms as f64 + 2.0)
}

/// The output before the call: poison when β = 0, since it must not be read then.
fn output(draw: &mut Draw, shape: (usize, usize), padding: usize, beta: f64) -> Stored {
    if beta == 0.0 {
        Stored::poisoned(shape.0, shape.1, padding)
    } else {
        Stored::drawn(draw, shape.0, shape.1, padding)
    }
}

/// An operand: poison when α = 0, since it must not be read then.
fn operand(draw: &mut Draw, letter: u8, shape: (usize, usize), padding: usize, alpha: f64) -> Stored {
    let (rows, columns) = if letter.eq_ignore_ascii_case(&b'N') { shape } else { (shape.1, shape.0) };
    if alpha == 0.0 { Stored::poisoned(rows, columns, padding) } else { Stored::drawn(draw, rows, columns, padding) }
}

/// α · sum + β · before, where a factor of zero means its number is not even looked at.
fn scaled(alpha: f64, sum: impl Fn() -> f64, beta: f64, before: f64) -> f64 {
    let product = if alpha == 0.0 { 0.0 } else { alpha * sum() };
    if beta == 0.0 { product } else { product + beta * before }
}

#[test]
fn dgemm_is_the_sum_of_products_for_every_pair_of_letters() {
    let mut draw = Draw::seeded(1);
    for (m, n, k) in SHAPES {
        for (trans_a, trans_b) in [(b'N', b'N'), (b'N', b'T'), (b'T', b'N'), (b'T', b'T'), (b'c', b'n'), (b'n', b'C')] {
            for (index, (alpha, beta)) in FACTORS.into_iter().enumerate() {
                let padding = index % 4;
                let a = operand(&mut draw, trans_a, (m, k), padding, alpha);
                let b = operand(&mut draw, trans_b, (k, n), 3 - padding, alpha);
                let before = output(&mut draw, (m, n), padding, beta);
                let mut c = before.clone();
                let leading = c.leading_i32();
                // SAFETY: the shapes are those of the letters.
                unsafe {
                    blas::dgemm(
                        trans_a,
                        trans_b,
                        int(m),
                        int(n),
                        int(k),
                        alpha,
                        &a.data,
                        a.leading_i32(),
                        &b.data,
                        b.leading_i32(),
                        beta,
                        &mut c.data,
                        leading,
                    );
                }
                c.assert_padding_untouched();
                c.assert_close(b'*', rounding(k), |i, j| {
                    let sum = || (0..k).map(|l| a.op(trans_a, i, l) * b.op(trans_b, l, j)).sum();
                    scaled(alpha, sum, beta, before.at(i, j))
                });
            }
        }
    }
}

#[test]
fn dgemm_with_an_empty_sum_only_scales() {
    let mut c = Stored::of(3, 2, 1, |i, j| (1 + i + 10 * j) as f64);
    // SAFETY: A and B are empty, and C has the shape and leading dimension given.
    unsafe { blas::dgemm(b'N', b'N', 3, 2, 0, 1.0, &[], 3, &[], 1, 2.0, &mut c.data, 4) };
    c.assert_close(b'*', 0.0, |i, j| (2 + 2 * i + 20 * j) as f64);
    // SAFETY: as before.
    unsafe { blas::dgemm(b'N', b'N', 3, 2, 0, 1.0, &[], 3, &[], 1, 0.0, &mut c.data, 4) };
    c.assert_close(b'*', 0.0, |_, _| 0.0);
    c.assert_padding_untouched();
    // SAFETY: C is empty.
    unsafe { blas::dgemm(b'N', b'N', 0, 2, 1, 1.0, &[], 1, &[1.0, 1.0], 1, 0.0, &mut [], 1) };
}

#[test]
fn dgemv_walks_vectors_forwards_and_backwards() {
    let mut draw = Draw::seeded(2);
    for (m, n) in [(1, 1), (1, 9), (9, 1), (6, 4), (17, 33), (74, 74)] {
        for (trans, inc_x, inc_y) in
            [(b'N', 1, 1), (b'T', 1, 1), (b'N', 2, -1), (b'T', -2, 3), (b'N', -1, 2), (b'C', -1, -1), (b'n', -3, -2)]
        {
            for (index, (alpha, beta)) in FACTORS.into_iter().enumerate() {
                let (y_length, x_length) = if trans.eq_ignore_ascii_case(&b'N') { (m, n) } else { (n, m) };
                let a = operand(&mut draw, b'N', (m, n), index % 3, alpha);
                let x = Strided::drawn(&mut draw, x_length, inc_x);
                let drawn = Strided::drawn(&mut draw, y_length, inc_y);
                let before = Strided::of(y_length, inc_y, |i| if beta == 0.0 { POISON } else { drawn.at(i) });
                let mut y = before.clone();
                // SAFETY: the lengths are those of the letter.
                unsafe {
                    blas::dgemv(
                        trans,
                        int(m),
                        int(n),
                        alpha,
                        &a.data,
                        a.leading_i32(),
                        &x.data,
                        inc_x,
                        beta,
                        &mut y.data,
                        inc_y,
                    );
                }
                y.assert_gaps_untouched();
                for i in 0..y_length {
                    let sum = || (0..x_length).map(|l| a.op(trans, i, l) * x.at(l)).sum();
                    let error = (y.at(i) - scaled(alpha, sum, beta, before.at(i))).abs();
                    assert!(error <= rounding(x_length), "{m}×{n} {trans} ({inc_x}, {inc_y}): {error}");
                }
            }
        }
    }
}

#[test]
fn dgemv_leaves_the_result_alone_when_the_matrix_is_empty() {
    let mut y = [1.0, 2.0];
    // SAFETY: the matrix has no columns.
    unsafe { blas::dgemv(b'N', 2, 0, 1.0, &[], 2, &[], 1, 0.0, &mut y, 1) };
    assert_eq!(y, [1.0, 2.0], "the reference returns before scaling");
}

#[test]
fn dsymv_reads_one_half_only() {
    let mut draw = Draw::seeded(3);
    for n in [0, 1, 2, 7, 32, 75] {
        for (uplo, inc_x, inc_y) in [(b'U', 1, 1), (b'L', 1, 1), (b'u', 2, -1), (b'l', -3, 2), (b'L', -1, -1)] {
            for (index, (alpha, beta)) in FACTORS.into_iter().enumerate() {
                let a = operand(&mut draw, b'N', (n, n), index % 3, alpha).with_half_poisoned(uplo);
                let x = Strided::drawn(&mut draw, n, inc_x);
                let drawn = Strided::drawn(&mut draw, n, inc_y);
                let before = Strided::of(n, inc_y, |i| if beta == 0.0 { POISON } else { drawn.at(i) });
                let mut y = before.clone();
                // SAFETY: every length is n.
                unsafe {
                    blas::dsymv(
                        uplo,
                        int(n),
                        alpha,
                        &a.data,
                        a.leading_i32(),
                        &x.data,
                        inc_x,
                        beta,
                        &mut y.data,
                        inc_y,
                    );
                }
                y.assert_gaps_untouched();
                for i in 0..n {
                    let sum = || (0..n).map(|l| a.symmetric_at(uplo, i, l) * x.at(l)).sum();
                    let error = (y.at(i) - scaled(alpha, sum, beta, before.at(i))).abs();
                    assert!(error <= rounding(n), "order {n} {uplo} ({inc_x}, {inc_y}): {error}");
                }
            }
        }
    }
}

const UPDATES: [(usize, usize); 9] = [(0, 3), (1, 1), (5, 0), (3, 5), (8, 8), (17, 2), (33, 40), (74, 74), (130, 20)];

#[test]
fn dsyrk_writes_one_half_only() {
    let mut draw = Draw::seeded(4);
    for (n, k) in UPDATES {
        for (uplo, trans) in [(b'U', b'N'), (b'U', b'T'), (b'L', b'N'), (b'L', b'T'), (b'l', b'c'), (b'u', b'n')] {
            for (index, (alpha, beta)) in FACTORS.into_iter().enumerate() {
                let a = operand(&mut draw, trans, (n, k), index % 3, alpha);
                let before = output(&mut draw, (n, n), index % 4, beta).with_half_poisoned(uplo);
                let mut c = before.clone();
                let leading = c.leading_i32();
                // SAFETY: the shapes are those of the letters.
                unsafe {
                    blas::dsyrk(
                        uplo,
                        trans,
                        int(n),
                        int(k),
                        alpha,
                        &a.data,
                        a.leading_i32(),
                        beta,
                        &mut c.data,
                        leading,
                    );
                }
                c.assert_other_half_untouched(uplo);
                c.assert_close(uplo, rounding(k), |i, j| {
                    let sum = || (0..k).map(|l| a.op(trans, i, l) * a.op(trans, j, l)).sum();
                    scaled(alpha, sum, beta, before.at(i, j))
                });
            }
        }
    }
}

#[test]
fn dsyr2k_writes_one_half_only() {
    let mut draw = Draw::seeded(5);
    for (n, k) in UPDATES {
        for (uplo, trans) in [(b'U', b'N'), (b'U', b'T'), (b'L', b'N'), (b'L', b'T'), (b'l', b'c'), (b'u', b'n')] {
            for (index, (alpha, beta)) in FACTORS.into_iter().enumerate() {
                let a = operand(&mut draw, trans, (n, k), index % 3, alpha);
                let b = operand(&mut draw, trans, (n, k), 2 - index % 3, alpha);
                let before = output(&mut draw, (n, n), index % 4, beta).with_half_poisoned(uplo);
                let mut c = before.clone();
                let leading = c.leading_i32();
                // SAFETY: the shapes are those of the letters.
                unsafe {
                    blas::dsyr2k(
                        uplo,
                        trans,
                        int(n),
                        int(k),
                        alpha,
                        &a.data,
                        a.leading_i32(),
                        &b.data,
                        b.leading_i32(),
                        beta,
                        &mut c.data,
                        leading,
                    );
                }
                c.assert_other_half_untouched(uplo);
                c.assert_close(uplo, 2.0 * rounding(k), |i, j| {
                    let term = |l| a.op(trans, i, l) * b.op(trans, j, l) + b.op(trans, i, l) * a.op(trans, j, l);
                    scaled(alpha, || (0..k).map(term).sum(), beta, before.at(i, j))
                });
            }
        }
    }
}
