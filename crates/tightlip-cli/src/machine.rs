//! What the machine has and what the process uses, where the system tells.

use std::fs;

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

/// Memory a method may plan with when the user sets no limit: most of what is available, or a modest amount where the
/// system does not tell.
pub fn default_memory_limit() -> u64 {
    const UNKNOWN: u64 = 4 * GIB;
    // The rest is for the model itself and for other programs.
    entry("/proc/meminfo", "MemAvailable:").map_or(UNKNOWN, |kib| kib * KIB / 10 * 8)
}

/// Largest resident memory of this process so far, in MiB.
pub fn peak_rss_mib() -> Option<f64> {
    entry("/proc/self/status", "VmHWM:").map(|kib| kib as f64 / KIB as f64)
}

/// Threads to use when the user does not say.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The number of KiB after `key` in a file of the proc system.
fn entry(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
