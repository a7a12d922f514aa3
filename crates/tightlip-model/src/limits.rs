//! What a computation may use, and how it is told to stop.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Limits of one computation. Cloning shares the interrupt flag.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When to stop with the best answer so far.
    pub deadline: Option<Instant>,
    /// Set from outside (Ctrl-C) to stop with the best answer so far.
    pub interrupt: Arc<AtomicBool>,
    /// Bytes a method may plan to use; a method that needs more declines.
    pub memory_bytes: u64,
    /// Threads for dense linear algebra.
    pub threads: usize,
    /// Seed of every random draw.
    pub seed: u64,
}

impl Limits {
    /// One thread, seed 0, no deadline, and so many bytes.
    pub fn within(memory_bytes: u64) -> Self {
        Self { deadline: None, interrupt: Arc::default(), memory_bytes, threads: 1, seed: 0 }
    }

    /// Whether the computation should stop now.
    pub fn stop_requested(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// `work` on every item, on the threads of the limits; the results are in the order of the items.
    ///
    /// # Panics
    /// If `work` does.
    pub fn each_in_parallel<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let done: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
        let run = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(place) else { break };
                let result = work(item);
                *done[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(items.len()) {
                scope.spawn(run);
            }
            run();
        });
        let taken = |slot: Mutex<Option<R>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.into_iter().map(|slot| taken(slot).expect("every item is worked on")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_whatever_the_threads() {
        let items: Vec<u64> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            let limits = Limits { threads, ..Limits::within(1) };
            assert_eq!(
                limits.each_in_parallel(&items, |item| item * item),
                items.iter().map(|i| i * i).collect::<Vec<_>>()
            );
        }
        assert!(Limits::within(1).each_in_parallel(&[], |item: &u64| *item).is_empty());
    }
}
