//! Calls that end the process: they run in a child, which is this program again with a name in its environment.

#![allow(unsafe_code, reason = "the interface crates that Clarabel uses are unsafe functions")]

use std::env;
use std::process::Command;

use tightlip_lapack as _;

const CALL: &str = "TIGHTLIP_LAPACK_TEST_CALL";

/// Makes the call the environment names; returns if it names none.
fn make_call() {
    let Ok(name) = env::var(CALL) else { return };
    // SAFETY: no call gets past the check of its arguments, or there is no routine behind it.
    unsafe {
        match name.as_str() {
            "letter" => blas::dgemm(b'X', b'N', 1, 1, 1, 1.0, &[1.0], 1, &[1.0], 1, 0.0, &mut [0.0], 1),
            "leading" => blas::dgemm(b'N', b'N', 2, 1, 1, 1.0, &[1.0; 2], 1, &[1.0], 1, 0.0, &mut [0.0; 2], 2),
            "increment" => blas::dgemv(b'N', 1, 1, 1.0, &[1.0], 1, &[1.0], 1, 0.0, &mut [0.0], 0),
            "order" => blas::dsyrk(b'U', b'N', -1, 1, 1.0, &[1.0], 1, 0.0, &mut [0.0], 1),
            "single" => blas::sgemv(b'N', 1, 1, 1.0, &[1.0], 1, &[1.0], 1, 0.0, &mut [0.0], 1),
            other => panic!("no such call: {other}"),
        }
    }
}

#[test]
fn the_process_ends_with_the_routine_and_the_argument() {
    make_call();
    for (name, message) in [
        ("letter", "dgemm: argument 1 has an illegal value"),
        ("leading", "dgemm: argument 8 has an illegal value"),
        ("increment", "dgemv: argument 11 has an illegal value"),
        ("order", "dsyrk: argument 3 has an illegal value"),
        ("single", "sgemv: tightlip-lapack has no single precision"),
    ] {
        let child = Command::new(env::current_exe().expect("a test knows its own path"))
            .args(["--exact", "--nocapture", "the_process_ends_with_the_routine_and_the_argument"])
            .env(CALL, name)
            .output()
            .expect("a test can start itself");
        let printed = String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success() && printed.contains(message), "{name}: {printed}");
    }
}
