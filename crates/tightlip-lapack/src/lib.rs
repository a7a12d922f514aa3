//! The eleven BLAS and LAPACK routines Clarabel calls, over faer: no Fortran, no system library
