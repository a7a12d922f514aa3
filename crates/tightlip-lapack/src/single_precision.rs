//! The single-precision twins: symbols without a routine behind them.
//!
//! Clarabel is generic over the scalar and compiles its `f32` instance into every program, so the linker wants
//! `sgemm_`, … although nobody calls them: everything here solves in `f64`. A call ends the process with a message,
//! since returning would hand the caller an untouched result.

use std::ffi::c_void;

/// Defines symbols with the given numbers of arguments. Every Fortran argument is an address, so the number is the
/// whole prototype.
macro_rules! refuse {
    ($($symbol:ident($($argument:ident)*);)*) => {$(
        /// Stops the process.
        #[unsafe(no_mangle)]
        #[allow(clippy::too_many_arguments, reason = "the prototype is Fortran's")]
        pub extern "C" fn $symbol($($argument: *const c_void),*) {
            $(let _ = $argument;)*
            panic!(
                "{}: tightlip-lapack has no single precision; solve with Clarabel's f64 types",
                stringify!($symbol).trim_end_matches('_')
            );
        }
    )*};
}

refuse! {
    sgemm_(transa transb m n k alpha a lda b ldb beta c ldc);
    sgemv_(trans m n alpha a lda x incx beta y incy);
    ssymv_(uplo n alpha a lda x incx beta y incy);
    ssyrk_(uplo trans n k alpha a lda beta c ldc);
    ssyr2k_(uplo trans n k alpha a lda b ldb beta c ldc);
    spotrf_(uplo n a lda info);
    spotrs_(uplo n nrhs a lda b ldb info);
    sgesv_(n nrhs a lda ipiv b ldb info);
    sgesdd_(jobz m n a lda s u ldu vt ldvt work lwork iwork info);
    sgesvd_(jobu jobvt m n a lda s u ldu vt ldvt work lwork info);
    ssyevr_(
        jobz range uplo n a lda vl vu il iu abstol m w z ldz isuppz work lwork iwork liwork info
    );
}
