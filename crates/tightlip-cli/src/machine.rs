//! What the machine has, what the process uses, and how it is kept within limits, where the system tells and lets.

use std::fs;

use tightlip_bench::Environment;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
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

/// The processor.
pub fn cpu() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// Commit this program was built from, with `+` if the tree had changes; `None` for builds outside a repository.
pub fn commit() -> Option<String> {
    option_env!("TIGHTLIP_COMMIT").filter(|commit| !commit.is_empty()).map(str::to_owned)
}

/// Enters what there is to say about the machine.
pub fn describe(environment: &mut Environment) {
    let word = |file: &str| fs::read_to_string(file).ok().map(|text| text.trim().to_owned());
    environment.cpu = cpu();
    environment.cores = default_threads();
    environment.memory_mib = entry("/proc/meminfo", "MemTotal:").map(|kib| kib * KIB / MIB);
    let kernel = word("/proc/sys/kernel/osrelease").map_or_else(String::new, |kernel| format!(" {kernel}"));
    environment.system = format!("{}-{}{kernel}", std::env::consts::OS, std::env::consts::ARCH);
    environment.load_before = word("/proc/loadavg").and_then(|text| text.split_whitespace().next()?.parse().ok());
    environment.version = String::from(env!("CARGO_PKG_VERSION"));
    environment.commit = commit();
    environment.build = String::from(if cfg!(debug_assertions) { "debug" } else { "release" });
}

/// Has the system refuse this process more memory than a method was told, with some more for everything that is not the
/// method.
pub fn limit_memory(mib: u64) {
    #[cfg(unix)]
    {
        /// The program, the model file as it is read, the threads' stacks.
        const BESIDE_MIB: u64 = 512;
        let bytes = mib.saturating_add(mib / 4 + BESIDE_MIB).saturating_mul(MIB);
        let limit = rustix::process::Rlimit { current: Some(bytes), maximum: Some(bytes) };
        // Where it cannot be limited, methods still keep to what they were told.
        let _ = rustix::process::setrlimit(rustix::process::Resource::Data, limit);
    }
    #[cfg(not(unix))]
    let _ = mib;
}

/// Has the system end this process when the one that started it ends.
pub fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        // Elsewhere, and where it is refused, the time limit ends it.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

/// Keeps this process, and the threads it starts from now on, to `count` of the cores it may use, from number `first` on.
pub fn pin(first: usize, count: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(allowed) = sched_getaffinity(None) else { return };
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
        if cores.is_empty() {
            return;
        }
        let mut chosen = CpuSet::new();
        for at in 0..count.min(cores.len()) {
            chosen.set(cores[(first + at) % cores.len()]);
        }
        // Not pinned is measured all the same.
        let _ = sched_setaffinity(None, &chosen);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (first, count);
}

/// The number of KiB after `key` in a file of the proc system.
fn entry(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
