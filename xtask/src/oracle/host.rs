//! The host's side of a guest: a worker that takes a batch, boots a kernel for it and passes on what it answers.

use super::folder::{ANSWERS, CASES, Folder, JOBS, ROOT, SESSION};
use super::guest::{BELL, MARK};
use super::store::{self, KERNEL, Kernel, SEEDS};
use crate::protocol::{Answer, Greeting, Job, Session};
use crate::results::StackInfo;
use harness::linux::{LinkChoice, in_virtual_time};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

/// The guest's memory.
const MEMORY: &str = "mem=128M";

/// A kernel that was found, and the session to play on it.
pub(crate) struct Host {
    kernel: Kernel,
    session: Session,
    info: StackInfo,
}

impl Host {
    /// Finds the newest kernel of the session's series.
    ///
    /// # Errors
    /// Says in one line how to get one.
    pub(crate) fn open(session: &Session, series: &str) -> Result<Host, String> {
        let kernel = store::newest(series)?;
        let link: LinkChoice = session.link.as_deref().map_or(Ok(LinkChoice::Auto), str::parse)?;
        let info = StackInfo::from(&in_virtual_time(&session.stack, &kernel.record.release, &link));
        Ok(Host { kernel, session: session.clone(), info })
    }

    /// The first line that is said.
    pub(crate) fn greeting(&self) -> Greeting {
        Greeting::Ready(self.info.clone())
    }

    /// Plays all `jobs` in one guest, and says each answer as it comes.
    ///
    /// # Errors
    /// Says how the guest ended, where that was before the last answer.
    pub(crate) fn play(
        &self,
        jobs: Vec<Job>,
        say: &mut dyn FnMut(&Answer) -> Result<(), String>,
    ) -> Result<(), String> {
        if jobs.is_empty() {
            return Ok(());
        }
        let folder = Folder::make(&self.session.root)?;
        let guest_session = Session {
            root: Path::new("/").join(CASES),
            stack: self.session.stack.clone(),
            ..self.session.clone()
        };
        write_lines(&folder.exchange(SESSION), &[guest_session])?;
        write_lines(&folder.exchange(JOBS), &jobs.iter().map(in_guest).collect::<Vec<_>>())?;
        let mut child = boot(&self.kernel, &folder)?;
        let mut relay = Relay::new(&folder, jobs)?;
        let heard = relay.listen(&mut child, say);
        let status = child.wait().map_err(|e| format!("the guest: {e}"))?;
        heard?;
        relay.pass_on(say)?;
        relay.check_end(status)
    }
}

/// Starts the kernel. Its command line is the same on every machine, since it goes into the kernel's random numbers: what is
/// the host's is named through the process's own folder.
fn boot(kernel: &Kernel, folder: &Folder) -> Result<Child, String> {
    let mut command = Command::new(kernel.folder.join(KERNEL));
    command.arg(MEMORY).arg("rootfstype=hostfs").arg(format!("rootflags=/proc/self/cwd/{ROOT}"));
    command.args(["root=/dev/root", "rw", "init=/init", "con=null", "con0=null,fd:1", "quiet", "panic=-1"]);
    command.args(["time-travel=inf-cpu", "time-travel-start=1000000000000000000", "norandmaps"]);
    command.args(["uml_dir=/proc/self/cwd/", "umid=guest"]);
    if kernel.record.seccomp {
        command.arg("seccomp=on");
    }
    command.arg(format!("{MARK}=1"));
    command.current_dir(&folder.path).env_clear();
    command
        .env("HOME", &folder.path)
        .env("PATH", "/usr/bin:/bin")
        .env("LD_PRELOAD", kernel.folder.join(SEEDS));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.spawn().map_err(|e| format!("the kernel cannot be started: {e}"))
}

/// The job as the guest plays it: what it writes goes where it can write.
fn in_guest(job: &Job) -> Job {
    let mut job = job.clone();
    job.wants.pcap = job.wants.pcap.map(|_| Path::new("/").join("io").join(capture(job.run)));
    job
}

fn capture(run: usize) -> PathBuf {
    PathBuf::from(format!("{run}.pcapng"))
}

fn write_lines<T: serde::Serialize>(path: &Path, lines: &[T]) -> Result<(), String> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line).map_err(|e| e.to_string())?;
        text.push('\n');
    }
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Hears the guest's console and reads its answers.
struct Relay<'a> {
    folder: &'a Folder,
    answers: File,
    partial: String,
    jobs: std::vec::IntoIter<Job>,
    is_over: bool,
    since: Instant,
}

impl Relay<'_> {
    fn new(folder: &Folder, jobs: Vec<Job>) -> Result<Relay<'_>, String> {
        let path = folder.exchange(ANSWERS);
        let answers = File::create_new(&path).and_then(|_| File::open(&path));
        let answers = answers.map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Relay {
            folder,
            answers,
            partial: String::new(),
            jobs: jobs.into_iter(),
            is_over: false,
            since: Instant::now(),
        })
    }

    /// Until the console is closed: passes answers on at each bell, and everything else on to standard error.
    fn listen(
        &mut self,
        child: &mut Child,
        say: &mut dyn FnMut(&Answer) -> Result<(), String>,
    ) -> Result<(), String> {
        let Some(console) = child.stdout.take() else { return Err("the guest has no console".to_owned()) };
        let mut console = BufReader::new(console);
        let mut line = Vec::new();
        while console.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if text == BELL {
                self.pass_on(say)?;
            } else {
                eprintln!("{text}");
            }
        }
        Ok(())
    }

    /// Says the answers that are there by now.
    fn pass_on(&mut self, say: &mut dyn FnMut(&Answer) -> Result<(), String>) -> Result<(), String> {
        self.answers.read_to_string(&mut self.partial).map_err(|e| format!("{ANSWERS}: {e}"))?;
        while let Some((line, rest)) = self.partial.split_once('\n') {
            let mut answer: Answer =
                serde_json::from_str(line).map_err(|e| format!("the guest said: {e} in {line}"))?;
            self.partial = rest.to_owned();
            let Some(job) = self.jobs.next() else { return Err("the guest answered too often".to_owned()) };
            if let Some(pcap) = &job.wants.pcap {
                self.bring_out(&capture(job.run), pcap)?;
            }
            answer.wall_us = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.since = Instant::now();
            self.is_over |= answer.is_last;
            say(&answer)?;
        }
        Ok(())
    }

    /// Moves a file that the guest wrote to where it was wanted; a run without frames may have written none.
    fn bring_out(&self, from: &Path, to: &Path) -> Result<(), String> {
        let from = self.folder.path.join("io").join(from);
        if !from.exists() {
            return Ok(());
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        std::fs::copy(&from, to).map(drop).map_err(|e| format!("{}: {e}", to.display()))
    }

    /// Whether the guest has ended as it should.
    fn check_end(&self, status: ExitStatus) -> Result<(), String> {
        if self.is_over || self.jobs.len() == 0 {
            return Ok(());
        }
        Err(format!("the guest ended ({status}) with {} runs to go", self.jobs.len()))
    }
}
