//! Remembers the commit, for the records of measurements.

use std::process::Command;

fn main() {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // A build outside a repository has no commit; so be it.
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).map_or_else(String::new, |commit| {
        let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|changes| !changes.is_empty());
        if changed { format!("{commit}+") } else { commit }
    });
    println!("cargo::rustc-env=TIGHTLIP_COMMIT={commit}");
    if let Some(folder) = git(&["rev-parse", "--absolute-git-dir"]) {
        println!("cargo::rerun-if-changed={folder}/HEAD");
        println!("cargo::rerun-if-changed={folder}/logs/HEAD");
    }
    // All sources: a change makes the commit a `+`.
    println!("cargo::rerun-if-changed=..");
}
