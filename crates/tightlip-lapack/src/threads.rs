//! How many threads a routine may use.
//!
//! The cones of a sparse conic program are small: of order 10 to 150. There a product takes microseconds, less than
//! waking a thread, so the answer is "one" below a fixed number of multiplications and the caller's choice above it.

use std::sync::atomic::{AtomicUsize, Ordering};

use faer::Par;

/// Multiplications below which threads cost more than they bring: a product of order 256, about a millisecond of one
/// core, against tens of microseconds to hand out the work and collect it.
const SEQUENTIAL_BELOW: usize = 256 * 256 * 256;

static THREADS: AtomicUsize = AtomicUsize::new(1);

/// Lets large products and factorisations use `threads` threads of rayon's global pool, from now on and in every
/// thread of the process.
///
/// 1 is the initial value and means sequential; 0 means as many as the pool has. Small operations stay sequential
/// whatever is asked, and results may differ in the last bits between different numbers of threads.
pub fn set_threads(threads: usize) {
    THREADS.store(threads, Ordering::Relaxed);
}

/// The parallelism an operation of about `multiplications` multiplications deserves.
pub(crate) fn parallelism(multiplications: usize) -> Par {
    match THREADS.load(Ordering::Relaxed) {
        1 => Par::Seq,
        threads if multiplications >= SEQUENTIAL_BELOW => Par::rayon(threads),
        _ => Par::Seq,
    }
}

/// rows · columns · depth, saturating: the argument [`parallelism`] wants.
pub(crate) fn volume(rows: usize, columns: usize, depth: usize) -> usize {
    rows.saturating_mul(columns).saturating_mul(depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_operations_get_the_threads_asked_for() {
        assert_eq!(parallelism(usize::MAX), Par::Seq, "sequential until asked");
        set_threads(3);
        assert_eq!(parallelism(volume(150, 150, 150)), Par::Seq, "a cone is small");
        assert_eq!(parallelism(volume(256, 256, 256)), Par::rayon(3));
        assert_eq!(parallelism(volume(usize::MAX, 2, 2)), Par::rayon(3), "the volume saturates");
        set_threads(1);
        assert_eq!(parallelism(usize::MAX), Par::Seq);
    }
}
