//! One worker process: its pipes, its CPU time, its end.

use crate::cpu;
use crate::protocol::{Answer, Greeting, Job, Session};
use serde::Serialize;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The longest line that is taken for an answer, in bytes: ladders of long runs are some hundred kilobytes.
const LONGEST: u64 = 64 << 20;
/// How much of a worker's standard error is kept, in bytes, for the message about its end.
const TAIL: usize = 8 << 10;

/// A worker that was started.
pub(super) struct Worker {
    child: Child,
    jobs: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Arc<Mutex<Vec<u8>>>,
    error_reader: Option<std::thread::JoinHandle<()>>,
}

/// What came from a worker within some time.
pub(super) enum Heard {
    /// An answer.
    Answer(Box<Answer>),
    /// Nothing yet.
    Nothing,
    /// A line that is no answer.
    Garbage(String),
    /// Its end: nothing will come.
    End,
}

impl Worker {
    /// Starts the worker of a pool's slot `number`.
    pub(super) fn start(program: &Path, session: &Session, number: usize) -> Result<Worker, String> {
        let mut child = Command::new(program)
            .args(["worker", "--slot", &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("a worker process cannot be started: {e}"))?;
        let (Some(input), Some(output), Some(error)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("a worker process has no pipes".to_owned());
        };
        let (sender, lines) = sync_channel(64);
        std::thread::spawn(move || read_lines(output, &sender));
        let errors = Arc::new(Mutex::new(Vec::new()));
        let kept = errors.clone();
        let error_reader = std::thread::spawn(move || keep_tail(error, &kept));
        let error_reader = Some(error_reader);
        let mut worker = Worker { child, jobs: Some(input), lines, errors, error_reader };
        worker.write(session)?;
        Ok(worker)
    }

    pub(super) fn greeting(&mut self, patience: Duration) -> Result<Greeting, String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => serde_json::from_str(&line).map_err(|e| format!("worker: {e} in {line:?}")),
            Err(RecvTimeoutError::Timeout) => Err(format!("no sign of life within {} s", patience.as_secs())),
            Err(RecvTimeoutError::Disconnected) => Err(format!("the worker ended: {}", self.end())),
        }
    }

    pub(super) fn send(&mut self, job: &Job) -> Result<(), String> {
        self.write(job)
    }

    /// No job will follow.
    pub(super) fn close(&mut self) {
        self.jobs = None;
    }

    fn write(&mut self, message: &impl Serialize) -> Result<(), String> {
        let mut line = serde_json::to_vec(message).map_err(|e| e.to_string())?;
        line.push(b'\n');
        let Some(jobs) = &mut self.jobs else { return Err("the worker is being ended".to_owned()) };
        jobs.write_all(&line).map_err(|e| format!("the worker does not listen: {e}"))
    }

    pub(super) fn hear(&mut self, patience: Duration) -> Heard {
        match self.lines.recv_timeout(patience) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(answer) => Heard::Answer(Box::new(answer)),
                Err(_) => Heard::Garbage(line.chars().take(200).collect()),
            },
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }

    /// The CPU time that the process has taken, and those that it has started.
    pub(super) fn cpu(&self) -> Duration {
        cpu::of_tree(self.child.id(), cpu::ticks)
    }

    /// Ends the process, and says how it ended and the last it wrote to standard error.
    pub(super) fn end(&mut self) -> String {
        self.jobs = None;
        if !self.has_ended() {
            // It closed its output and lives on.
            let _ = self.child.kill();
        }
        let how = match self.child.wait() {
            Ok(status) => status_text(status),
            Err(e) => format!("no exit status: {e}"),
        };
        let said = self.said();
        if said.is_empty() { how } else { format!("{how}; it said: {said}") }
    }

    /// Waits for the end of a process that has answered its last job, so that it can clear up.
    pub(super) fn await_end(&mut self, patience: Duration) {
        while !matches!(self.hear(patience), Heard::End | Heard::Nothing) {}
    }

    /// Whether the process ends within a moment.
    fn has_ended(&mut self) -> bool {
        wait_for(|| matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)))
    }

    pub(super) fn kill(&mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        crate::oracle::clean_after(self.child.id());
    }

    /// The end of what the process wrote to standard error. The process has ended.
    pub(super) fn said(&mut self) -> String {
        if let Some(reader) = self.error_reader.take() {
            // A grandchild may hold the pipe open: what was read by then is enough.
            wait_for(|| reader.is_finished());
        }
        let bytes = self.errors.lock().map(|b| b.clone()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // An idle worker ends with its input; one that does not is killed.
        self.jobs = None;
        if !self.has_ended() {
            self.kill();
        }
    }
}

/// Waits a tenth of a second, no longer, for something that is about to be.
fn wait_for(mut is_so: impl FnMut() -> bool) -> bool {
    for _ in 0..100 {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

fn read_lines(output: impl Read, lines: &SyncSender<String>) {
    let mut output = BufReader::with_capacity(1 << 16, output);
    loop {
        let mut line = Vec::new();
        match output.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(1..) if line.pop() == Some(b'\n') => {
                if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}

fn keep_tail(mut error: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1 << 16];
    while let Ok(n @ 1..) = error.read(&mut buffer) {
        let Ok(mut kept) = kept.lock() else { return };
        kept.extend_from_slice(&buffer[n.saturating_sub(TAIL)..n]);
        let excess = kept.len().saturating_sub(TAIL);
        kept.drain(..excess);
    }
}

fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal().map(nix::sys::signal::Signal::try_from)) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(Ok(signal))) => signal.as_str().to_owned(),
        _ => status.to_string(),
    }
}
