//! The BLAS symbols.

#![allow(clippy::too_many_arguments, reason = "the prototypes are Fortran's")]

use std::ffi::{c_char, c_int};

use crate::arguments::{Illegal, Operand, Scaling, Triangle, increment, leading, size};
use crate::fortran::{matrix, matrix_mut, stop_if_illegal, vector, vector_mut};
use crate::{multiply, symmetric_update};

/// C ← α op(A) op(B) + β C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dgemm_(
    transa: &c_char,
    transb: &c_char,
    m: &c_int,
    n: &c_int,
    k: &c_int,
    alpha: &f64,
    a: *const f64,
    lda: &c_int,
    b: *const f64,
    ldb: &c_int,
    beta: &f64,
    c: *mut f64,
    ldc: &c_int,
) {
    let run = || -> Result<(), Illegal> {
        let (op_a, op_b) = (Operand::read(1, *transa)?, Operand::read(2, *transb)?);
        let (m, n, k) = (size(3, *m)?, size(4, *n)?, size(5, *k)?);
        let (a_rows, a_columns) = op_a.stored_shape(m, k);
        let (b_rows, b_columns) = op_b.stored_shape(k, n);
        let (lda, ldb, ldc) = (leading(8, *lda, a_rows)?, leading(10, *ldb, b_rows)?, leading(13, *ldc, m)?);
        // SAFETY: the module's contract, for A and B to be read and C to be written.
        let (a, b, c) =
            unsafe { (matrix(a, a_rows, a_columns, lda), matrix(b, b_rows, b_columns, ldb), matrix_mut(c, m, n, ldc)) };
        multiply::general(c, op_a.of(a), op_b.of(b), Scaling { alpha: *alpha, beta: *beta });
        Ok(())
    };
    stop_if_illegal("dgemm", run());
}

/// y ← α op(A) x + β y.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dgemv_(
    trans: &c_char,
    m: &c_int,
    n: &c_int,
    alpha: &f64,
    a: *const f64,
    lda: &c_int,
    x: *const f64,
    incx: &c_int,
    beta: &f64,
    y: *mut f64,
    incy: &c_int,
) {
    let run = || -> Result<(), Illegal> {
        let op = Operand::read(1, *trans)?;
        let (m, n) = (size(2, *m)?, size(3, *n)?);
        let (lda, incx, incy) = (leading(6, *lda, m)?, increment(8, *incx)?, increment(11, *incy)?);
        if m == 0 || n == 0 {
            // The reference leaves y alone here, unlike `dgemm` with an empty sum.
            return Ok(());
        }
        let (y_length, x_length) = op.stored_shape(m, n);
        // SAFETY: the module's contract, for A and x to be read and y to be written.
        let (a, x, y) = unsafe { (matrix(a, m, n, lda), vector(x, x_length, incx), vector_mut(y, y_length, incy)) };
        multiply::general(y.as_mat_mut(), op.of(a), x.as_mat(), Scaling { alpha: *alpha, beta: *beta });
        Ok(())
    };
    stop_if_illegal("dgemv", run());
}

/// y ← α A x + β y with a symmetric A.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsymv_(
    uplo: &c_char,
    n: &c_int,
    alpha: &f64,
    a: *const f64,
    lda: &c_int,
    x: *const f64,
    incx: &c_int,
    beta: &f64,
    y: *mut f64,
    incy: &c_int,
) {
    let run = || -> Result<(), Illegal> {
        let (triangle, n) = (Triangle::read(1, *uplo)?, size(2, *n)?);
        let (lda, incx, incy) = (leading(5, *lda, n)?, increment(7, *incx)?, increment(10, *incy)?);
        // SAFETY: the module's contract, for A and x to be read and y to be written.
        let (a, x, y) = unsafe { (matrix(a, n, n, lda), vector(x, n, incx), vector_mut(y, n, incy)) };
        multiply::symmetric(y, triangle.as_lower(a), x, Scaling { alpha: *alpha, beta: *beta });
        Ok(())
    };
    stop_if_illegal("dsymv", run());
}

/// C ← α op(A) op(A)ᵀ + β C on one half of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsyrk_(
    uplo: &c_char,
    trans: &c_char,
    n: &c_int,
    k: &c_int,
    alpha: &f64,
    a: *const f64,
    lda: &c_int,
    beta: &f64,
    c: *mut f64,
    ldc: &c_int,
) {
    let run = || -> Result<(), Illegal> {
        let (triangle, op) = (Triangle::read(1, *uplo)?, Operand::read(2, *trans)?);
        let (n, k) = (size(3, *n)?, size(4, *k)?);
        let (rows, columns) = op.stored_shape(n, k);
        let (lda, ldc) = (leading(7, *lda, rows)?, leading(10, *ldc, n)?);
        // SAFETY: the module's contract, for A to be read and C to be written.
        let (a, c) = unsafe { (matrix(a, rows, columns, lda), matrix_mut(c, n, n, ldc)) };
        symmetric_update::rank_k(triangle.as_lower_mut(c), op.of(a), Scaling { alpha: *alpha, beta: *beta });
        Ok(())
    };
    stop_if_illegal("dsyrk", run());
}

/// C ← α (op(A) op(B)ᵀ + op(B) op(A)ᵀ) + β C on one half of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsyr2k_(
    uplo: &c_char,
    trans: &c_char,
    n: &c_int,
    k: &c_int,
    alpha: &f64,
    a: *const f64,
    lda: &c_int,
    b: *const f64,
    ldb: &c_int,
    beta: &f64,
    c: *mut f64,
    ldc: &c_int,
) {
    let run = || -> Result<(), Illegal> {
        let (triangle, op) = (Triangle::read(1, *uplo)?, Operand::read(2, *trans)?);
        let (n, k) = (size(3, *n)?, size(4, *k)?);
        let (rows, columns) = op.stored_shape(n, k);
        let (lda, ldb, ldc) = (leading(7, *lda, rows)?, leading(9, *ldb, rows)?, leading(12, *ldc, n)?);
        // SAFETY: the module's contract, for A and B to be read and C to be written.
        let (a, b, c) =
            unsafe { (matrix(a, rows, columns, lda), matrix(b, rows, columns, ldb), matrix_mut(c, n, n, ldc)) };
        let scaling = Scaling { alpha: *alpha, beta: *beta };
        symmetric_update::rank_2k(triangle.as_lower_mut(c), op.of(a), op.of(b), scaling);
        Ok(())
    };
    stop_if_illegal("dsyr2k", run());
}
