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
    /// How long a cell may take beside its warm-up and its limit: usually [`Self::LOADING`].
    pub loading: Duration,
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
/// How often a cell that has said everything is looked at for its end: a thousandth of the shortest cell anybody measures.
const BLINK: Duration = Duration::from_millis(1);
/// How long the pipes of a process that has ended may take to be read out.
const LINGERING: Duration = Duration::from_secs(1);

impl ProcessExecutor {
    /// What loading the largest network takes, many times over.
    pub const LOADING: Duration = Duration::from_secs(20);

    /// Starts the process, waits for it, and reads its answer.
    fn run(&self, task: &Task) -> io::Result<Answer> {
        let text = serde_json::to_vec(task)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C at a terminal reaches the whole group; the cell is told once, by us.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let sent = child.stdin.take().map(|pipe| send(pipe, text));
        let complaints = child.stderr.take().map(|pipe| collect(pipe, Last(1 << 16)));
        let output = child.stdout.take().map(|pipe| collect(pipe, Last(1 << 29)));
        let (Some(sent), Some(output), Some(complaints)) = (sent, output, complaints) else {
            return Err(io::Error::other("the pipes to the process are missing"));
        };
        let patience = self.patience(task);
        let ended = self.wait(&mut child, &output, patience);
        let exit = child.wait()?;
        Ok(match ended {
            Ended::Overstayed => Answer::without(
                Status::Killed,
                format!(
                    "ended {:.1} s after it began: it did not stop at its limit of {} s",
                    patience.as_secs_f64(),
                    task.time_s
                ),
            ),
            Ended::ByItself(bytes) => match serde_json::from_slice(&bytes) {
                Ok(answer) if exit.success() => answer,
                _ => {
                    let complaints = complaints.recv_timeout(LINGERING).unwrap_or_default();
                    let unsent = sent.recv_timeout(LINGERING).ok().and_then(Result::err);
                    without_answer(exit, &complaints, unsent)
                }
            },
        })
    }

    /// How long a cell may take in all: loading, warming up, its limit for the method, and half as much again for a
    /// solver's last iteration or the proof of a large network.
    fn patience(&self, task: &Task) -> Duration {
        const WARMUP_S: f64 = 5.0;
        const AFTER_LIMIT: f64 = 1.5;
        self.loading + Duration::from_secs_f64(WARMUP_S * f64::from(task.warmup) + AFTER_LIMIT * task.time_s)
    }

    /// Waits until the process has said everything and ended, or overstays. What it has started ends with it: that would
    /// disturb the next cell, or hold the pipes open.
    fn wait(&self, child: &mut Child, output: &Receiver<Vec<u8>>, patience: Duration) -> Ended {
        let start = Instant::now();
        let mut told = false;
        let mut said = None;
        loop {
            if said.is_some() {
                thread::sleep(BLINK);
            } else {
                match output.recv_timeout(GLANCE) {
                    Ok(bytes) => said = Some(bytes),
                    Err(RecvTimeoutError::Disconnected) => said = Some(Vec::new()),
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
            if has_ended(child) {
                end_group(child);
                if let Some(bytes) = said.take() {
                    return Ended::ByItself(bytes);
                }
            }
            if start.elapsed() > patience {
                end_group(child);
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

#[cfg(unix)]
fn pid(child: &Child) -> Option<rustix::process::Pid> {
    i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw)
}

/// Whether a process has ended. It is not buried yet, so that its number remains its own.
fn has_ended(child: &mut Child) -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        pid(child).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), look), Ok(None)))
    }
    #[cfg(not(unix))]
    !matches!(child.try_wait(), Ok(None))
}

/// Ends a process and all it has started.
fn end_group(child: &mut Child) {
    // Where they have just ended there is nothing to end.
    #[cfg(unix)]
    let _ = pid(child).map(|pid| rustix::process::kill_process_group(pid, rustix::process::Signal::KILL));
    #[cfg(not(unix))]
    let _ = child.kill();
}

/// Asks a process to end with the best answer it has.
fn interrupt(child: &mut Child) {
    // Where it has just ended there is nobody to ask.
    #[cfg(unix)]
    let _ = pid(child).map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::INT));
    #[cfg(not(unix))]
    let _ = child.kill();
}

/// Writes to a pipe in a thread of its own, so that a cell that does not read never blocks us.
fn send(mut pipe: impl Write + Send + 'static, bytes: Vec<u8>) -> Receiver<io::Result<()>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(pipe.write_all(&bytes));
    });
    receiver
}

/// So many bytes, the last ones, are kept.
struct Last(usize);

/// Reads a pipe to its end in a thread of its own, so that a full pipe never blocks the cell and a closed one never breaks
/// it.
fn collect(mut pipe: impl Read + Send + 'static, Last(most): Last) -> Receiver<Vec<u8>> {
    /// As much as a pipe holds.
    const CHUNK: usize = 1 << 16;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            match pipe.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A pipe that breaks ends like one that is closed.
                Ok(0) | Err(_) => break,
                Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            }
            if bytes.len() > 2 * most {
                bytes.drain(..bytes.len() - most);
            }
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// What can be said of a process that gave no answer.
fn without_answer(exit: ExitStatus, complaints: &[u8], sent: Option<io::Error>) -> Answer {
    /// Characters of its last words that are kept.
    const LAST_WORDS: usize = 300;
    let text = String::from_utf8_lossy(complaints);
    // The words of the standard library, and of the linear algebra.
    if ["memory allocation of", "AllocError"].iter().any(|words| text.contains(words)) {
        return Answer::without(Status::Killed, "it outgrew its memory limit".to_owned());
    }
    // Where in the sources it happened is for debuggers, and names folders of the machine that built it.
    let location = |line: &&str| line.starts_with("thread '") || line.starts_with("note: ");
    let words =
        text.lines().filter(|line| !location(line)).flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    let skipped = words.chars().count().saturating_sub(LAST_WORDS);
    let words: String = words.chars().skip(skipped).collect();
    let unsent = sent.map_or_else(String::new, |error| format!("; its task could not be sent: {error}"));
    let said = if words.is_empty() { "it said nothing".to_owned() } else { format!("its last words: {words}") };
    Answer::without(Status::Crashed, format!("the process ended with {exit} and without an answer; {said}{unsent}"))
}
