//! The LAPACK symbols.
//!
//! info = 0: done; info = −k: argument k is illegal and nothing was written; info > 0: as each routine says.

#![allow(clippy::too_many_arguments, reason = "the prototypes are Fortran's")]

use std::ffi::{c_char, c_int};

use faer::linalg::evd::ComputeEigenvectors;

use crate::arguments::{Illegal, Triangle, Vectors, leading, size, upper_case};
use crate::cholesky::NotPositive;
use crate::fortran::{array_mut, in_workspace, info_of, integer, matrix, matrix_mut, workspace_length};
use crate::lu::Singular;
use crate::svd::Failure;
use crate::{cholesky, eigen, lu, svd};

/// The workspace length that asks for the best length instead of a result.
const QUERY: c_int = -1;

/// A = L Lᵀ or Uᵀ U. info = k > 0: the leading minor of order k is not positive, and A is left as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dpotrf_(uplo: &c_char, n: &c_int, a: *mut f64, lda: &c_int, info: &mut c_int) {
    let run = || -> Result<c_int, Illegal> {
        let (triangle, n) = (Triangle::read(1, *uplo)?, size(2, *n)?);
        let lda = leading(4, *lda, n)?;
        // SAFETY: the module's contract, for A to be written.
        let a = unsafe { matrix_mut(a, n, n, lda) };
        Ok(match cholesky::factor(triangle.as_lower_mut(a)) {
            Ok(()) => 0,
            Err(NotPositive { order }) => integer(order),
        })
    };
    *info = info_of(run());
}

/// B ← A⁻¹ B with the factor of `dpotrf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dpotrs_(
    uplo: &c_char,
    n: &c_int,
    nrhs: &c_int,
    a: *const f64,
    lda: &c_int,
    b: *mut f64,
    ldb: &c_int,
    info: &mut c_int,
) {
    let run = || -> Result<c_int, Illegal> {
        let (triangle, n, nrhs) = (Triangle::read(1, *uplo)?, size(2, *n)?, size(3, *nrhs)?);
        let (lda, ldb) = (leading(5, *lda, n)?, leading(7, *ldb, n)?);
        // SAFETY: the module's contract, for A to be read and B to be written.
        let (a, b) = unsafe { (matrix(a, n, n, lda), matrix_mut(b, n, nrhs, ldb)) };
        cholesky::solve(triangle.as_lower(a), b);
        Ok(0)
    };
    *info = info_of(run());
}

/// P A = L U and B ← A⁻¹ B. info = k > 0: U(k, k) = 0, the factors are complete and B is left as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dgesv_(
    n: &c_int,
    nrhs: &c_int,
    a: *mut f64,
    lda: &c_int,
    ipiv: *mut c_int,
    b: *mut f64,
    ldb: &c_int,
    info: &mut c_int,
) {
    let run = || -> Result<c_int, Illegal> {
        let (n, nrhs) = (size(1, *n)?, size(2, *nrhs)?);
        let (lda, ldb) = (leading(4, *lda, n)?, leading(7, *ldb, n)?);
        // SAFETY: the module's contract, for A, B and the n integers of ipiv to be written.
        let (mut a, b, ipiv) = unsafe { (matrix_mut(a, n, n, lda), matrix_mut(b, n, nrhs, ldb), array_mut(ipiv, n)) };
        let mut pivots = vec![0; n];
        let outcome = lu::factor(a.as_mut(), &mut pivots);
        for (reported, pivot) in ipiv.iter_mut().zip(&pivots) {
            *reported = integer(*pivot + 1);
        }
        Ok(match outcome {
            Ok(()) => {
                lu::solve(a.as_ref(), &pivots, b);
                0
            }
            Err(Singular { order }) => integer(order),
        })
    };
    *info = info_of(run());
}

/// The arguments in which `dgesdd` and `dgesvd` agree; the numbers are those of the first job letter's successor.
struct Decomposition<'a> {
    /// The position of `m`: 2 in `dgesdd`, 3 in `dgesvd`.
    position_of_m: c_int,
    m: &'a c_int,
    n: &'a c_int,
    a: *mut f64,
    lda: &'a c_int,
    s: *mut f64,
    u: *mut f64,
    ldu: &'a c_int,
    vt: *mut f64,
    ldvt: &'a c_int,
    work: *mut f64,
    lwork: &'a c_int,
}

impl Decomposition<'_> {
    /// A = U Σ Vᵀ, or the answer to a workspace query, which is "done" as well.
    ///
    /// # Safety
    ///
    /// The module's contract.
    unsafe fn run(&self, left: Vectors, right: Vectors) -> Result<Result<(), Failure>, Illegal> {
        let first = self.position_of_m;
        let (m, n) = (size(first, *self.m)?, size(first + 1, *self.n)?);
        let values = m.min(n);
        let (u_columns, v_columns) = (left.count(m, values), right.count(n, values));
        let lda = leading(first + 3, *self.lda, m)?;
        let ldu = leading(first + 6, *self.ldu, if left == Vectors::Absent { 1 } else { m })?;
        let ldvt = leading(first + 8, *self.ldvt, v_columns)?;
        let scratch = svd::scratch(m, n, left, right);
        let length = workspace_length(scratch);
        if *self.lwork == QUERY {
            // SAFETY: a query is called with room for one number.
            unsafe { *self.work = length as f64 };
            return Ok(Ok(()));
        }
        let lwork = leading(first + 10, *self.lwork, 1)?;
        // SAFETY: the module's contract, for A, U, Vᵀ and min(m, n) singular values to be written.
        let (a, u, vt, s) = unsafe {
            (
                matrix_mut(self.a, m, n, lda),
                matrix_mut(self.u, m, u_columns, ldu),
                matrix_mut(self.vt, v_columns, n, ldvt),
                array_mut(self.s, values),
            )
        };
        let u = (left != Vectors::Absent).then_some(u);
        let v = (right != Vectors::Absent).then_some(vt.transpose_mut());
        // SAFETY: the module's contract: `work` has `lwork` ≥ 1 numbers.
        let outcome = unsafe { in_workspace(self.work, lwork, scratch, |stack| svd::decompose(a, s, u, v, stack)) };
        // SAFETY: as before; the kernel is done with the workspace.
        unsafe { *self.work = length as f64 };
        Ok(outcome)
    }

    /// min(m, n): what `info` says when no singular value could be found.
    fn all_values(&self) -> c_int {
        (*self.m).min(*self.n)
    }
}

/// A = U Σ Vᵀ, with `jobz` for both sides. info = −4: an entry of A is not finite; info > 0: no convergence.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dgesdd_(
    jobz: &c_char,
    m: &c_int,
    n: &c_int,
    a: *mut f64,
    lda: &c_int,
    s: *mut f64,
    u: *mut f64,
    ldu: &c_int,
    vt: *mut f64,
    ldvt: &c_int,
    work: *mut f64,
    lwork: &c_int,
    _iwork: *mut c_int,
    info: &mut c_int,
) {
    let call = Decomposition { position_of_m: 2, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork };
    let run = || -> Result<c_int, Illegal> {
        let vectors = Vectors::read(1, *jobz)?;
        // SAFETY: the module's contract.
        match unsafe { call.run(vectors, vectors)? } {
            Ok(()) => Ok(0),
            Err(Failure::NotFinite) => Err(Illegal(4)),
            Err(Failure::NotConverged) => Ok(call.all_values()),
        }
    };
    *info = info_of(run());
}

/// A = U Σ Vᵀ, with a job letter for each side. info > 0: no convergence, or an entry of A is not finite.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dgesvd_(
    jobu: &c_char,
    jobvt: &c_char,
    m: &c_int,
    n: &c_int,
    a: *mut f64,
    lda: &c_int,
    s: *mut f64,
    u: *mut f64,
    ldu: &c_int,
    vt: *mut f64,
    ldvt: &c_int,
    work: *mut f64,
    lwork: &c_int,
    info: &mut c_int,
) {
    let call = Decomposition { position_of_m: 3, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork };
    let run = || -> Result<c_int, Illegal> {
        let (left, right) = (Vectors::read(1, *jobu)?, Vectors::read(2, *jobvt)?);
        // SAFETY: the module's contract.
        match unsafe { call.run(left, right)? } {
            Ok(()) => Ok(0),
            Err(Failure::NotFinite | Failure::NotConverged) => Ok(call.all_values()),
        }
    };
    *info = info_of(run());
}

/// A = Z Λ Zᵀ, all eigenvalues (`range` = `A`; `V` and `I` are refused) with or without Z. info > 0: no convergence, or
/// an entry of A is not finite.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsyevr_(
    jobz: &c_char,
    range: &c_char,
    uplo: &c_char,
    n: &c_int,
    a: *mut f64,
    lda: &c_int,
    _vl: &f64,
    _vu: &f64,
    _il: &c_int,
    _iu: &c_int,
    _abstol: &f64,
    m: &mut c_int,
    w: *mut f64,
    z: *mut f64,
    ldz: &c_int,
    isuppz: *mut c_int,
    work: *mut f64,
    lwork: &c_int,
    iwork: *mut c_int,
    liwork: &c_int,
    info: &mut c_int,
) {
    let call = EigenCall { n, a, lda, w, z, ldz, isuppz, work, lwork, iwork, liwork };
    let mut run = || -> Result<c_int, Illegal> {
        let vectors = match upper_case(*jobz) {
            b'N' => ComputeEigenvectors::No,
            b'V' => ComputeEigenvectors::Yes,
            _ => return Err(Illegal(1)),
        };
        if upper_case(*range) != b'A' {
            return Err(Illegal(2));
        }
        let triangle = Triangle::read(3, *uplo)?;
        // SAFETY: the module's contract.
        match unsafe { call.run(vectors, triangle)? } {
            Ok(()) => {
                *m = *n;
                Ok(0)
            }
            Err(Failure::NotFinite | Failure::NotConverged) => Ok(1),
        }
    };
    *info = info_of(run());
}

/// The arguments of `dsyevr` that matter when all eigenvalues are wanted.
struct EigenCall<'a> {
    n: &'a c_int,
    a: *mut f64,
    lda: &'a c_int,
    w: *mut f64,
    z: *mut f64,
    ldz: &'a c_int,
    isuppz: *mut c_int,
    work: *mut f64,
    lwork: &'a c_int,
    iwork: *mut c_int,
    liwork: &'a c_int,
}

impl EigenCall<'_> {
    /// A = Z Λ Zᵀ, or the answer to a workspace query, which is "done" as well.
    ///
    /// # Safety
    ///
    /// The module's contract.
    unsafe fn run(&self, vectors: ComputeEigenvectors, triangle: Triangle) -> Result<Result<(), Failure>, Illegal> {
        let n = size(4, *self.n)?;
        let lda = leading(6, *self.lda, n)?;
        let columns = if vectors == ComputeEigenvectors::Yes { n } else { 0 };
        let ldz = leading(15, *self.ldz, columns)?;
        let scratch = eigen::scratch(n, vectors);
        let length = workspace_length(scratch);
        let query = *self.lwork == QUERY || *self.liwork == QUERY;
        let lwork = if query { 1 } else { leading(18, *self.lwork, 1)? };
        if !query {
            leading(20, *self.liwork, 1)?;
        }
        let mut outcome = Ok(());
        if !query {
            // SAFETY: the module's contract, for A, Z, n eigenvalues and, with vectors, 2n integers to be written.
            let (a, z, w, isuppz) = unsafe {
                (
                    matrix_mut(self.a, n, n, lda),
                    matrix_mut(self.z, n, columns, ldz),
                    array_mut(self.w, n),
                    array_mut(self.isuppz, 2 * columns),
                )
            };
            let z = (vectors == ComputeEigenvectors::Yes).then_some(z);
            // Every vector may be nonzero anywhere: rows 1 to n.
            isuppz.chunks_exact_mut(2).for_each(|rows| rows.copy_from_slice(&[1, *self.n]));
            let lower = triangle.as_lower_mut(a);
            // SAFETY: the module's contract: `work` has `lwork` ≥ 1 numbers.
            outcome = unsafe { in_workspace(self.work, lwork, scratch, |stack| eigen::decompose(lower, w, z, stack)) };
        }
        // SAFETY: both have room for one number, in a query as well; the kernel is done with the workspace.
        unsafe {
            *self.work = length as f64;
            *self.iwork = 1;
        }
        Ok(outcome)
    }
}
