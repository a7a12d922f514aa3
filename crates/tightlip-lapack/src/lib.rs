//! The eleven BLAS and LAPACK routines Clarabel calls, over faer: no Fortran, no system library.
//!
//! Clarabel reaches dense linear algebra through the Fortran symbols `dgemm_`, `dpotrf_`, … and leaves it to the final
//! program to bring a library that defines them. This crate defines them:
//!
//! | routine | computes | file |
//! |---|---|---|
//! | `dgemm` | C ← α op(A) op(B) + β C | `multiply.rs` |
//! | `dgemv`, `dsymv` | y ← α op(A) x + β y | `multiply.rs` |
//! | `dsyrk`, `dsyr2k` | C ← α A Aᵀ + β C, C ← α (A Bᵀ + B Aᵀ) + β C | `symmetric_update.rs` |
//! | `dpotrf`, `dpotrs` | A = L Lᵀ; A X = B | `cholesky.rs` |
//! | `dgesv` | P A = L U; A X = B | `lu.rs` |
//! | `dgesdd`, `dgesvd` | A = U Σ Vᵀ | `svd.rs` |
//! | `dsyevr` | A = Z Λ Zᵀ | `eigen.rs` |
//!
//! `fortran.rs` turns pointers, leading dimensions and letters into faer's views and calls these kernels, which are
//! safe code. Semantics follow the reference BLAS and LAPACK 3.12 documentation; where a routine does less than that
//! (an eigenvalue range, a job letter `O`), it refuses with the argument's number and never guesses.
//!
//! # Linking
//!
//! A crate that depends on Clarabel with `sdp`, `blas-src`, `lapack-src` and on no BLAS backend writes
//! `use tightlip_lapack as _;` once: without a mention in the source rustc drops the crate, and the linker then misses
//! `dgemm_`. Nothing needs to be called.
//!
//! # Threads
//!
//! Sequential unless [`set_threads`] says otherwise, and always sequential below a size where threads cost more than
//! they bring.
//!
//! Not here: single precision (the symbols exist, since Clarabel is generic over the scalar, and stop the process with
//! a message), complex scalars, and every routine Clarabel does not call.

pub use threads::set_threads;

mod arguments;
mod cholesky;
mod eigen;
#[allow(unsafe_code, reason = "a Fortran interface passes raw pointers and needs unmangled names")]
mod fortran;
mod lu;
mod multiply;
#[allow(unsafe_code, reason = "a Fortran interface needs unmangled names")]
mod single_precision;
mod svd;
mod symmetric_update;
#[cfg(test)]
mod test_matrices;
mod threads;
