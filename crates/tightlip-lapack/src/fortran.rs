//! From the pointers of a Fortran call to faer's views, and back to its way of reporting errors.
//!
//! A Fortran matrix of m rows and n columns with leading dimension l ≥ m keeps entry (i, j) at offset i + j l; a vector
//! of n entries with increment d keeps entry i at offset i d if d > 0 and at (i − n + 1) d if d < 0.
//!
//! Every scalar argument is passed by address. The prototypes here take references, which are addresses with a promise
//! the caller keeps anyway: not null, aligned, initialised, and for written ones not shared. Arrays stay raw pointers,
//! since how much of them may be touched is known only after the sizes are.
//!
//! # Safety
//!
//! Every routine of this module requires of its caller what the reference documentation requires: each array argument
//! points to as many initialised numbers as its dimensions, leading dimension or increment and length say, arrays that
//! are written overlap no other argument, and nothing else touches any of them during the call.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::slice;

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::{ColMut, ColRef, MatMut, MatRef};

use crate::arguments::Illegal;

mod blas;
mod lapack;

/// A matrix to be read.
///
/// # Safety
///
/// If `rows` and `columns` are positive, `data` is a matrix of that shape and leading dimension, valid for reads and
/// unwritten during `'a`.
unsafe fn matrix<'a>(data: *const f64, rows: usize, columns: usize, leading: usize) -> MatRef<'a, f64> {
    let data = if rows == 0 || columns == 0 { NonNull::dangling().as_ptr() } else { data.cast_mut() };
    // SAFETY: the entries are those the caller vouches for, or there are none; faer reads no others.
    unsafe { MatRef::from_raw_parts(data, rows, columns, 1, leading.cast_signed()) }
}

/// A matrix to be written.
///
/// # Safety
///
/// As for [`matrix`], and valid for writes and untouched by anyone else during `'a`.
unsafe fn matrix_mut<'a>(data: *mut f64, rows: usize, columns: usize, leading: usize) -> MatMut<'a, f64> {
    let data = if rows == 0 || columns == 0 { NonNull::dangling().as_ptr() } else { data };
    // SAFETY: the entries are those the caller vouches for, or there are none; faer touches no others, not even those
    // between the columns.
    unsafe { MatMut::from_raw_parts_mut(data, rows, columns, 1, leading.cast_signed()) }
}

/// A vector to be read.
///
/// # Safety
///
/// If `length` is positive, `data` is a vector of that length and increment, valid for reads and unwritten during `'a`.
unsafe fn vector<'a>(data: *const f64, length: usize, increment: isize) -> ColRef<'a, f64> {
    // SAFETY: the caller's promise is the one `first_entry` asks for.
    let first = unsafe { first_entry(data.cast_mut(), length, increment) };
    // SAFETY: the entries are those the caller vouches for, or there are none; faer reads no others.
    unsafe { ColRef::from_raw_parts(first, length, increment) }
}

/// A vector to be written.
///
/// # Safety
///
/// As for [`vector`], and valid for writes and untouched by anyone else during `'a`.
unsafe fn vector_mut<'a>(data: *mut f64, length: usize, increment: isize) -> ColMut<'a, f64> {
    // SAFETY: the caller's promise is the one `first_entry` asks for.
    let first = unsafe { first_entry(data, length, increment) };
    // SAFETY: the entries are those the caller vouches for, or there are none; faer touches no others.
    unsafe { ColMut::from_raw_parts_mut(first, length, increment) }
}

/// Where entry 0 of a vector is: at the far end when the increment is negative.
///
/// # Safety
///
/// If `length` is positive, `data` is a vector of that length and increment.
unsafe fn first_entry(data: *mut f64, length: usize, increment: isize) -> *mut f64 {
    if length == 0 {
        return NonNull::dangling().as_ptr();
    }
    let offset = if increment < 0 { -increment * (length.cast_signed() - 1) } else { 0 };
    // SAFETY: the vector spans |increment| · (length − 1) + 1 numbers from `data` on, so the offset is inside of it.
    unsafe { data.offset(offset) }
}

/// An array of `length` values to be written.
///
/// # Safety
///
/// If `length` is positive, `data` points to that many initialised values, untouched by anyone else during `'a`.
unsafe fn array_mut<'a, T>(data: *mut T, length: usize) -> &'a mut [T] {
    let data = if length == 0 { NonNull::dangling().as_ptr() } else { data };
    // SAFETY: the values are those the caller vouches for, or there are none.
    unsafe { slice::from_raw_parts_mut(data, length) }
}

/// How many numbers of workspace hold `scratch` wherever they start; what a workspace query answers.
fn workspace_length(scratch: StackReq) -> usize {
    scratch.unaligned_bytes_required().div_ceil(size_of::<f64>()).max(1)
}

/// Runs a kernel in the caller's workspace of `length` numbers, or in memory of our own if the caller kept to LAPACK's
/// documented minimum and that is too little for faer.
///
/// # Safety
///
/// `work` points to `length` numbers, initialised or not, untouched by anyone else during the call.
unsafe fn in_workspace<T>(
    work: *mut f64,
    length: usize,
    scratch: StackReq,
    kernel: impl FnOnce(&mut MemStack) -> T,
) -> T {
    // SAFETY: the caller vouches for the memory, and `MaybeUninit` asks nothing of its content. The kernel writes
    // before it reads; what it leaves behind is plain bytes, and the caller expects no particular numbers.
    let supplied = unsafe { array_mut(work.cast::<MaybeUninit<f64>>(), length) };
    let stack = MemStack::new_any(supplied);
    if stack.can_hold(scratch) { kernel(stack) } else { kernel(MemStack::new(&mut MemBuffer::new(scratch))) }
}

/// A row number or an order as Fortran wants it.
fn integer(value: usize) -> c_int {
    c_int::try_from(value).expect("no larger than a dimension, which came as a c_int")
}

/// Puts an integer result of LAPACK together: 0 or positive from the routine, negative for an illegal argument.
fn info_of(outcome: Result<c_int, Illegal>) -> c_int {
    outcome.unwrap_or_else(|Illegal(position)| -position)
}

/// Ends the process when an argument of a BLAS routine is illegal, as the reference `xerbla` does: BLAS has no way to
/// report it, and a panic cannot leave an `extern "C"` function.
fn stop_if_illegal(routine: &str, outcome: Result<(), Illegal>) {
    if let Err(Illegal(position)) = outcome {
        panic!("{routine}: argument {position} has an illegal value");
    }
}
