//! What a computation may use, and how it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
}
