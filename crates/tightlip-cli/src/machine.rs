//! What the machine has, what the process uses, and how it is kept within limits, where the system tells and lets.

use std::fs;
use std::path::PathBuf;

use tightlip_bench::Environment;

use crate::failure::CommandFailure;

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

/// Cores that no other run on this machine measures on, for as long as this value lives.
pub struct Cores {
    numbers: Vec<usize>,
    /// The locks that say so; the system gives them up with the process, however it ends.
    _locks: Vec<fs::File>,
}

impl Cores {
    /// Their numbers, joined by commas.
    pub fn list(&self) -> String {
        self.numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
    }
}

/// Reserves `count` of the cores this process may use, or as many as there are; `None` if other runs have them.
pub fn reserve_cores(count: usize) -> Option<Cores> {
    let allowed = allowed_cores();
    let wanted = count.min(allowed.len());
    let (mut numbers, mut locks) = (Vec::new(), Vec::new());
    for core in allowed {
        if numbers.len() == wanted {
            break;
        }
        if let Some(lock) = locked(core) {
            numbers.push(core);
            locks.push(lock);
        }
    }
    (numbers.len() == wanted && wanted > 0).then_some(Cores { numbers, _locks: locks })
}

/// The lock of a core, if nobody has it.
fn locked(core: usize) -> Option<fs::File> {
    #[cfg(unix)]
    {
        let path = std::env::temp_dir().join(format!("tightlip-core-{core}.lock"));
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path).ok()?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).ok().map(|()| file)
    }
    #[cfg(not(unix))]
    {
        let _ = core;
        None
    }
}

/// The cores this process may use.
fn allowed_cores() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity};
        sched_getaffinity(None)
            .map_or_else(|_| Vec::new(), |allowed| (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect())
    }
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}

/// Keeps this process, and the threads it starts from now on, to the first `count` of these cores.
pub fn pin(cores: &[usize], count: usize) {
    #[cfg(target_os = "linux")]
    {
        let mut chosen = rustix::thread::CpuSet::new();
        for &core in cores.iter().take(count).filter(|&&core| core < rustix::thread::CpuSet::MAX_CPU) {
            chosen.set(core);
        }
        // Not pinned is measured all the same.
        let _ = rustix::thread::sched_setaffinity(None, &chosen);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (cores, count);
}

/// This very program, also when its file is replaced meanwhile.
pub fn this_program() -> Result<PathBuf, CommandFailure> {
    let itself = PathBuf::from("/proc/self/exe");
    if itself.exists() {
        return Ok(itself);
    }
    std::env::current_exe()
        .map_err(|error| CommandFailure::bad_input(format!("the program does not know where it is: {error}"), None))
}

/// The number of KiB after `key` in a file of the proc system.
fn entry(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
