//! Ctrl-C: the first asks for the best proved bound so far, the second ends the program.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a program ended by SIGINT, as shells report it.
const INTERRUPTED: i32 = 130;

/// A flag that Ctrl-C sets.
pub fn flag() -> Arc<AtomicBool> {
    flag_with("interrupted: proving the best bound so far (Ctrl-C again to quit)")
}

/// The same for a run of many cells.
pub fn between_cells() -> Arc<AtomicBool> {
    flag_with("interrupted: the running cell ends (Ctrl-C again to quit)")
}

fn flag_with(message: &'static str) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&flag);
    // Where no handler can be installed, Ctrl-C ends the program as usual.
    let _ = ctrlc::set_handler(move || {
        if shared.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
        let _ = writeln!(std::io::stderr(), "{message}");
    });
    flag
}
