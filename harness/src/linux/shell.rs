//! Shell commands of a script, in the run's own view of the file system.

use super::executor::Shared;
use super::os::{pidfd, readable, wait_readable};
use super::priority;
use super::room;
use crate::sut::{Outcome, Output};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of what a command says is kept.
const MOST_OUTPUT: u64 = 16 << 10;

/// The commands of one run, made on one thread.
pub(super) struct Shell {
    directory: Option<PathBuf>,
    entered: Option<Result<(), String>>,
    guardian: Option<Guardian>,
}

impl Shell {
    /// Commands that start in `directory`.
    pub(super) fn new(directory: Option<PathBuf>) -> Shell {
        Shell { directory, entered: None, guardian: None }
    }

    /// Enters the run's view of the file system, the first time that it is needed.
    pub(super) fn enter(&mut self) -> Result<(), String> {
        if self.entered.is_none() {
            // Commands compute, and are not to delay what other runs are waiting for.
            priority::ordinary();
        }
        let directory = self.directory.as_deref();
        self.entered.get_or_insert_with(|| room::enter(directory)).clone()
    }

    /// Runs a command. Its exit status is the result (128 and the signal's number where one killed it); what it said is the
    /// output. One that takes more than ten seconds is killed, with all that
    /// runs in the background: ETIMEDOUT.
    pub(super) fn run(&mut self, command: &str, shared: &Shared) -> Outcome {
        if let Err(why) = self.enter() {
            return Outcome { output: Output::Data(why.into_bytes()), ..Outcome::error(libc::EIO) };
        }
        match self.spawn_and_wait(command, shared) {
            Ok(outcome) => outcome,
            Err(error) => {
                let output = Output::Data(error.to_string().into_bytes());
                Outcome { output, ..Outcome::error(error.raw_os_error().unwrap_or(libc::EIO)) }
            }
        }
    }

    fn spawn_and_wait(&mut self, command: &str, shared: &Shared) -> io::Result<Outcome> {
        // A file without a name, gone with its last descriptor; a pipe would have to be emptied meanwhile, and would stay
        // open in whatever runs on in the background.
        let said = OpenOptions::new().read(true).write(true).custom_flags(libc::O_TMPFILE).open("/tmp")?;
        let guardian = match self.guardian.take() {
            Some(guardian) => guardian,
            None => Guardian::start()?,
        };
        let mut child = start(command, guardian.group, &said)?;
        let in_time = wait_for_exit(&child, shared);
        if matches!(in_time, Ok(true)) {
            self.guardian = Some(guardian);
        } else {
            drop(guardian);
        }
        let status = child.wait()?;
        let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        let result =
            if in_time? { Outcome::value(i64::from(status)) } else { Outcome::error(libc::ETIMEDOUT) };
        Ok(Outcome { output: Output::Data(read_back(said)?), ..result })
    }
}

/// The leader of the process group of a run's commands. It kills the group, and itself, when the run is over; and also when
/// this process is gone, however that happened, since it then finds the end of its input.
struct Guardian {
    process: Child,
    group: i32,
}

impl Guardian {
    fn start() -> io::Result<Guardian> {
        let mut command = Command::new("sh");
        command.arg("-c").arg("read -r nothing; kill -KILL 0").process_group(0);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let group = i32::try_from(process.id()).map_err(io::Error::other)?;
        Ok(Guardian { process, group })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // SAFETY: no pointers. The leader is our child and not reaped, so the group's number is not anybody else's.
        unsafe { libc::kill(-self.group, libc::SIGKILL) };
        // It has been killed; where it cannot be waited for there is nothing left to do.
        let _ = self.process.wait();
    }
}

/// Starts `sh -c command`. Its parent is this process, whose number is in PACKETDRILL_PID: what a command writes under that
/// name the next finds under its `$PPID`.
fn start(command: &str, group: i32, said: &File) -> io::Result<Child> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).process_group(group);
    shell.env("PACKETDRILL_PID", std::process::id().to_string());
    shell.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?).spawn()
}

/// Waits for the end of a child; false where it is late, or the run is over.
fn wait_for_exit(child: &Child, shared: &Shared) -> io::Result<bool> {
    let ended = pidfd(child.id())?;
    let until = shared.now() + LIMIT;
    loop {
        let left = until.saturating_since(shared.now());
        if left.is_zero() || shared.is_closing() {
            return Ok(false);
        }
        let mut fds = vec![readable(ended.as_raw_fd())];
        wait_readable(&mut fds, u64::try_from(left.as_nanos()).ok())?;
        if fds.iter().any(|f| f.revents != 0) {
            return Ok(true);
        }
    }
}

fn read_back(mut said: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    said.rewind()?;
    said.take(MOST_OUTPUT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
