//! Runs a cell in a process of its own.
//!
//! A cell that crashes, hangs or eats memory takes nobody with it, and the memory it used at its peak is its own. The task
//! goes in as JSON on standard input, the answer comes out as JSON on standard output. The process limits itself; this side
//! ends it when it overstays.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::plan::Task;
use crate::record::Status;

/// Something that answers tasks.
pub trait Executor {
    /// The answer; what goes wrong is part of it.
    fn execute(&mut self, task: &Task) -> Answer;
}

/// Answers tasks in processes of their own.
#[derive(Debug, Clone)]
pub struct ProcessExecutor {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Set when the run is to end: passed on once, so that the cell ends with the best answer it has.
    pub interrupt: Arc<AtomicBool>,
}

impl Executor for ProcessExecutor {
    fn execute(&mut self, task: &Task) -> Answer {
        match self.run(task) {
            Ok(answer) => answer,
            Err(error) => Answer::without(Status::Failed, format!("cannot run {}: {error}", self.program.display())),
        }
    }
}

/// How often a running cell is looked at for an interrupt.
const GLANCE: Duration = Duration::from_millis(50);

impl ProcessExecutor {
    /// Starts the process, waits for it, and reads its answer.
    fn run(&self, task: &Task) -> io::Result<Answer> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C at a terminal reaches the whole group; the cell is told once, by us.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let text = serde_json::to_vec(task)?;
        let sent = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(&text));
        let complaints = child.stderr.take().map(|pipe| collect(pipe, Most(1 << 16)));
        let output = child.stdout.take().map(|pipe| collect(pipe, Most(1 << 30)));
        let (Some(output), Some(complaints)) = (output, complaints) else {
            return Err(io::Error::other("the pipes to the process are missing"));
        };
        let ended = self.wait(&mut child, &output, patience(task));
        let exit = child.wait()?;
        // A child's own child may hold the pipe open; what is there must do.
        let complaints = complaints.recv_timeout(GLANCE).unwrap_or_default();
        Ok(match ended {
            Ended::Overstayed => Answer::without(
                Status::Killed,
                format!(
                    "ended {} s after it began: it did not stop at its limit of {} s",
                    patience(task).as_secs(),
                    task.time_s
                ),
            ),
            Ended::ByItself(bytes) => match serde_json::from_slice(&bytes) {
                Ok(answer) if exit.success() => answer,
                _ => without_answer(exit, &complaints, sent.err()),
            },
        })
    }

    /// Waits until the process closes its output or overstays.
    fn wait(&self, child: &mut Child, output: &Receiver<Vec<u8>>, patience: Duration) -> Ended {
        let start = Instant::now();
        let mut told = false;
        loop {
            match output.recv_timeout(GLANCE) {
                Ok(bytes) => return Ended::ByItself(bytes),
                Err(RecvTimeoutError::Disconnected) => return Ended::ByItself(Vec::new()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if start.elapsed() > patience {
                // Where it has just ended there is nothing to kill.
                let _ = child.kill();
                return Ended::Overstayed;
            }
            if !told && self.interrupt.load(Ordering::Relaxed) {
                told = true;
                interrupt(child);
            }
        }
    }
}

/// How a process ended.
enum Ended {
    ByItself(Vec<u8>),
    Overstayed,
}

/// How long a cell may take in all: loading, warming up, its limit for the method, and as much again as a solver's
/// iteration or the proof of a large network may take after it.
fn patience(task: &Task) -> Duration {
    const LOADING_S: f64 = 20.0;
    const WARMUP_S: f64 = 5.0;
    const AFTER_LIMIT: f64 = 1.5;
    Duration::from_secs_f64(LOADING_S + WARMUP_S * f64::from(task.warmup) + AFTER_LIMIT * task.time_s)
}

/// Asks a process to end with the best answer it has.
fn interrupt(child: &mut Child) {
    #[cfg(unix)]
    {
        let process = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(process) = process {
            // Where it has just ended there is nobody to ask.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
        }
    }
    #[cfg(not(unix))]
    let _ = child.kill();
}

/// The most bytes that are kept.
struct Most(u64);

/// Reads a pipe to its end in a thread of its own, so that a full pipe never blocks the cell.
fn collect(pipe: impl Read + Send + 'static, Most(most): Most) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends like one that is closed.
        let _ = pipe.take(most).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// What can be said of a process that gave no answer.
fn without_answer(exit: ExitStatus, complaints: &[u8], sent: Option<io::Error>) -> Answer {
    /// Characters of its last words that are kept.
    const LAST_WORDS: usize = 300;
    let text = String::from_utf8_lossy(complaints);
    if text.contains("memory allocation of") {
        return Answer::without(Status::Killed, "it outgrew its memory limit".to_owned());
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let skipped = words.chars().count().saturating_sub(LAST_WORDS);
    let words: String = words.chars().skip(skipped).collect();
    let unsent = sent.map_or_else(String::new, |error| format!("; its task could not be sent: {error}"));
    let said = if words.is_empty() { "it said nothing".to_owned() } else { format!("its last words: {words}") };
    Answer::without(Status::Crashed, format!("the process ended with {exit} and without an answer; {said}{unsent}"))
}
