//! One libFuzzer process.

use super::heard::{Line, Status, keep, read, reason};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Lines kept to say why a process ended.
const KEPT: usize = 60;
/// An input that takes longer is a finding, in seconds.
const TIMEOUT: u32 = 10;
/// More memory is a finding, in MiB.
const MEMORY: u32 = 2048;

/// What is to be fuzzed, with what, and for how long.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// As people read it: the target's name, or the canary's.
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) environment: Vec<(&'static str, String)>,
    pub(super) corpus: PathBuf,
    pub(super) artifacts: PathBuf,
    pub(super) seeds: Vec<PathBuf>,
    pub(super) dictionary: Option<PathBuf>,
    pub(super) time: Duration,
    /// What mutations are drawn from; by chance where it is not given.
    pub(super) seed: Option<u32>,
}

impl Job {
    fn command(&self, time: Duration) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg(format!("-max_total_time={}", time.as_secs().max(1)));
        command.arg(format!("-timeout={TIMEOUT}")).arg(format!("-rss_limit_mb={MEMORY}"));
        command.arg(format!("-artifact_prefix={}/", self.artifacts.display()));
        command.args(self.seed.map(|seed| format!("-seed={seed}")));
        command.args(self.dictionary.iter().map(|file| format!("-dict={}", file.display())));
        command.arg(&self.corpus).args(&self.seeds);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

/// A finding, which is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) file: PathBuf,
    pub(super) reason: String,
}

/// What a process said.
#[derive(Debug)]
pub(super) enum Heard {
    Status(Status),
    Finding(Finding),
    /// It is over. The text says why, where it ended by itself, with a failure, and without a finding.
    Ended(Option<String>),
}

/// A process under way.
#[derive(Debug)]
pub(super) struct Engine {
    pid: Pid,
}

impl Engine {
    /// Starts `job` for `time`; whatever it says goes to `heard` with `number`.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(super) fn start(
        job: &Job,
        time: Duration,
        number: usize,
        heard: Sender<(usize, Heard)>,
    ) -> Result<Engine, String> {
        let mut child = job
            .command(time)
            .spawn()
            .map_err(|e| format!("{} cannot be started: {e}", job.program.display()))?;
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(|e| format!("a process id: {e}"))?);
        std::thread::spawn(move || {
            let ended = listen(&mut child, |said| heard.send((number, said)).is_ok());
            // Nobody listens where the session is over.
            let _ = heard.send((number, Heard::Ended(ended)));
        });
        Ok(Engine { pid })
    }

    /// Asks it to end, which libFuzzer does at once.
    pub(super) fn stop(&self) {
        // It may have ended by itself.
        let _ = kill(self.pid, Signal::SIGTERM);
    }
}

/// Passes on what a process says until it ends.
fn listen(child: &mut Child, mut pass_on: impl FnMut(Heard) -> bool) -> Option<String> {
    let mut last: VecDeque<String> = VecDeque::new();
    let mut has_finding = false;
    let mut seen = Status::default();
    if let Some(output) = child.stderr.take() {
        for bytes in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&bytes).into_owned();
            let said = match read(&line) {
                Line::Status(status) => {
                    seen = status;
                    Some(Heard::Status(status))
                }
                Line::Done(executions) => Some(Heard::Status(Status { executions, ..seen })),
                Line::Finding(file) => {
                    has_finding = true;
                    Some(Heard::Finding(Finding { file, reason: reason(last.make_contiguous()) }))
                }
                Line::Other => None,
            };
            if said.is_some_and(|said| !pass_on(said)) {
                break;
            }
            keep(&mut last, line, KEPT);
        }
    }
    let why = match child.wait() {
        Ok(status) if status.success() => return None,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let lines: Vec<&str> = last.iter().rev().take(4).rev().map(String::as_str).collect();
    (!has_finding).then(|| format!("libFuzzer ended with {why}:\n{}", lines.join("\n")))
}
