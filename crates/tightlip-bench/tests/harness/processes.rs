//! Cells in processes of their own, played by shell scripts: every way to end gives a row, soon.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::tempdir;
use tightlip_bench::{Answer, Executor, NetworkSource, ProcessExecutor, Status, Task};

use crate::support::{plan_of, planted, tasks_of};

/// A task whose cell is to take a hundredth of a second.
fn short_task() -> Task {
    let text = "name = \"p\"\nmethods = [\"lipsdp-neuron.lifted\"]\ntraces = true\nlimits = [{ time_s = 0.01 }]\n";
    tasks_of(&plan_of(&format!("{text}network = [{{ random = {{ dims = [\"2-3-1\"] }} }}]"))).remove(0)
}

/// Runs cells with a shell script.
fn shell(script: &str) -> ProcessExecutor {
    ProcessExecutor {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        interrupt: Arc::default(),
        loading: ProcessExecutor::LOADING,
    }
}

/// Runs cells with a shell script, and ends them soon.
fn impatient(script: &str) -> ProcessExecutor {
    ProcessExecutor { loading: Duration::from_millis(300), ..shell(script) }
}

/// The answer of a script, and whether it came long before the sleeps of these scripts end.
fn answer_of(mut executor: ProcessExecutor, task: &Task) -> Answer {
    let start = Instant::now();
    let answer = executor.execute(task);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}: {answer:?}", start.elapsed());
    answer
}

#[track_caller]
fn without_answer(answer: &Answer, status: Status, words: &[&str]) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.proved.is_none() && answer.network.is_none(), "{answer:?}");
    let reason = answer.reason.as_deref().unwrap_or_default();
    for word in words {
        assert!(reason.contains(word), "no `{word}` in: {reason}");
    }
}

/// A script that writes an answer.
fn says(answer: &Answer) -> String {
    format!("cat <<'END'\n{}\nEND\n", serde_json::to_string(answer).expect("an answer is JSON"))
}

#[test]
fn the_task_goes_in_and_the_answer_comes_out() {
    let place = tempdir().expect("a folder");
    let file = place.path().join("task.json");
    let task = short_task();
    let wanted = planted(&task);
    let script = format!("cat > '{}'; {}", file.display(), says(&wanted));
    assert_eq!(answer_of(shell(&script), &task), wanted);
    let told: Task = serde_json::from_slice(&fs::read(&file).expect("a task")).expect("JSON");
    assert_eq!(told, task);
}

#[test]
fn numbers_come_back_bit_by_bit() {
    let task = short_task();
    for proved in [0.1 + 0.2, 5e-324, 1e300, f64::MAX, 1.0 + f64::EPSILON] {
        let wanted = Answer { proved: Some(proved), claimed: Some(-proved), ..planted(&task) };
        assert_eq!(answer_of(shell(&says(&wanted)), &task), wanted);
    }
}

#[test]
fn a_crash_is_a_row_with_the_last_words() {
    let task = short_task();
    let crashed = |script: &str, words: &[&str]| {
        without_answer(&answer_of(shell(script), &task), Status::Crashed, words);
    };
    crashed("echo 'thread main\npanicked' >&2; exit 3", &["exit status: 3", "its last words: thread main panicked"]);
    crashed("kill -SEGV $$", &["signal: 11", "said nothing"]);
    crashed("kill -KILL $$", &["signal: 9", "said nothing"]);
    crashed("exit 0", &["exit status: 0", "without an answer", "said nothing"]);
    crashed("echo garbage", &["without an answer"]);
    crashed("printf '\\377\\000'; printf '\\377' >&2", &["without an answer"]);
    crashed("echo '{}'", &["without an answer"]);
    crashed("exec 0<&-; exit 4", &["exit status: 4"]);
    for words in ["memory allocation of 123 bytes failed", "called `Result::unwrap()` on an `Err` value: AllocError"] {
        let killed = answer_of(shell(&format!("echo '{words}' >&2; kill -ABRT $$")), &task);
        without_answer(&killed, Status::Killed, &["memory limit"]);
    }
}

#[test]
fn last_words_do_not_tell_where_the_program_was_built() {
    let script = "printf '%s\\n' \"thread 'main' (7) panicked at /home/me/src/main.rs:1:2:\" 'index out of bounds' \
                  'note: run with RUST_BACKTRACE=1' >&2; [ \"$RUST_BACKTRACE\" = 0 ] && exit 101";
    let answer = answer_of(shell(script), &short_task());
    without_answer(&answer, Status::Crashed, &["exit status: 101", "its last words: index out of bounds"]);
    assert!(answer.reason.is_some_and(|reason| !reason.contains("/home") && !reason.contains("note")));
}

#[test]
fn an_answer_before_a_crash_or_with_words_after_it_is_not_believed() {
    let task = short_task();
    let answer = says(&planted(&task));
    for script in [format!("{answer}exit 3"), format!("{answer}kill -SEGV $$"), format!("{answer}echo more")] {
        without_answer(&answer_of(shell(&script), &task), Status::Crashed, &["without an answer"]);
    }
}

#[test]
fn a_hundred_megabytes_of_complaints_neither_block_nor_break_the_cell() {
    let task = short_task();
    let wanted = planted(&task);
    let script = format!("head -c 100000000 /dev/zero >&2 || exit 5; {}", says(&wanted));
    assert_eq!(answer_of(shell(&script), &task), wanted);
    let script = "head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; echo ' the end' >&2; exit 1";
    let answer = answer_of(shell(script), &task);
    without_answer(&answer, Status::Crashed, &["the end"]);
    assert!(answer.reason.is_some_and(|reason| reason.chars().count() < 500), "only the last words");
}

#[test]
fn a_cell_that_ignores_its_limit_is_ended_and_the_row_says_so() {
    let task = short_task();
    let deaf = answer_of(impatient("trap '' INT TERM HUP; sleep 60; sleep 60"), &task);
    without_answer(&deaf, Status::Killed, &["0.3 s after it began", "limit of 0.01 s"]);
    let lingering = answer_of(impatient(&format!("{}exec 1>&-; sleep 60", says(&planted(&task)))), &task);
    without_answer(&lingering, Status::Killed, &["did not stop"]);
}

#[test]
fn patience_grows_with_the_limit_and_the_warm_up() {
    let wanted = planted(&short_task());
    let script = format!("sleep 0.6; {}", says(&wanted));
    let late = answer_of(impatient(&script), &short_task());
    assert_eq!(late.status, Status::Killed);
    assert_eq!(answer_of(impatient(&script), &Task { time_s: 2.0, ..short_task() }), wanted);
    assert_eq!(answer_of(impatient(&script), &Task { warmup: 1, ..short_task() }), wanted);
}

/// Whether a process is there and not merely waiting to be buried.
fn is_alive(process: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", process]).output().expect("ps");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// The process whose number a script wrote to a file is gone, soon.
fn is_gone(file: &Path) -> bool {
    let process = fs::read_to_string(file).expect("its number");
    (0..40).any(|_| {
        thread::sleep(Duration::from_millis(25));
        !is_alive(process.trim())
    })
}

#[test]
fn what_a_cell_has_started_ends_with_it() {
    let (place, task) = (tempdir().expect("a folder"), short_task());
    let file = place.path().join("process");
    let start = format!("sleep 60 & echo $! > '{}';", file.display());
    let overstayed = answer_of(impatient(&format!("{start} wait")), &task);
    without_answer(&overstayed, Status::Killed, &["did not stop"]);
    assert!(is_gone(&file));
    // It holds the pipes open: nobody waits for it.
    without_answer(&answer_of(shell(&format!("{start} exit 3")), &task), Status::Crashed, &["exit status: 3"]);
    assert!(is_gone(&file));
    let wanted = planted(&task);
    assert_eq!(answer_of(shell(&format!("{start} {}", says(&wanted))), &task), wanted);
    assert!(is_gone(&file));
}

#[test]
fn a_task_that_is_longer_than_a_pipe_waits_for_nobody() {
    // Twenty thousand layers are more than the 64 KiB that fit into a pipe.
    let dims = vec![1000; 20_000];
    let activation = "relu".parse().expect("an activation");
    let task = Task { network: NetworkSource::Random { dims, activation, seed: 0 }, ..short_task() };
    without_answer(&answer_of(impatient("sleep 60"), &task), Status::Killed, &["did not stop"]);
    without_answer(&answer_of(shell("exit 3"), &task), Status::Crashed, &["exit status: 3", "could not be sent"]);
    let wanted = planted(&task);
    assert_eq!(answer_of(shell(&format!("cat > /dev/null; {}", says(&wanted))), &task), wanted);
}

#[test]
fn a_program_that_does_not_exist_fails_the_cell_by_name() {
    let executor = ProcessExecutor { program: "/nowhere/tightlip".into(), ..shell("") };
    without_answer(
        &answer_of(executor, &short_task()),
        Status::Failed,
        &["cannot run /nowhere/tightlip", "No such file"],
    );
}

#[test]
fn an_interrupt_is_passed_on_exactly_once() {
    let (place, task) = (tempdir().expect("a folder"), short_task());
    let (ready, heard) = (place.path().join("ready"), place.path().join("heard"));
    let wanted = Answer { status: Status::Interrupted, ..planted(&task) };
    let script = format!(
        "trap 'echo INT >> \"{heard}\"' INT; trap 'echo TERM >> \"{heard}\"' TERM; touch '{ready}'; \
         until [ -e '{heard}' ]; do sleep 0.02; done; sleep 0.3; {answer}",
        heard = heard.display(),
        ready = ready.display(),
        answer = says(&wanted),
    );
    let interrupt = Arc::new(AtomicBool::new(false));
    let executor = ProcessExecutor { interrupt: Arc::clone(&interrupt), ..shell(&script) };
    let ctrl_c = thread::spawn(move || {
        while !ready.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        interrupt.store(true, Ordering::Relaxed);
    });
    assert_eq!(answer_of(executor, &task), wanted, "what it had when it was asked to end");
    ctrl_c.join().expect("it waits for a file and ends");
    assert_eq!(fs::read_to_string(&heard).expect("it heard"), "INT\n");
}
