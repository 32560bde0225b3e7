//! The host's side of a guest: a worker that takes a batch, boots a kernel for it and passes on what it answers.

use super::folder::{ANSWERS, BEGUN, EXCHANGE, Folder, JOBS, OUTPUT, ROOT, SESSION};
use super::guest::MARK;
use super::store::{self, KERNEL, Kernel, SEEDS};
use crate::cpu;
use crate::exit::Outcome;
use crate::protocol::{Answer, Greeting, Job, Session};
use crate::results::StackInfo;
use crate::worker;
use harness::linux::{LinkChoice, in_virtual_time};
use harness::run::Verdict;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

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
        let mut info = StackInfo::from(&in_virtual_time(&session.stack, &kernel.record.release, &link));
        info.made_of = Some(kernel.record.made_of());
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
        let guest_session =
            Session { root: folder.cases.clone(), stack: self.session.stack.clone(), ..self.session.clone() };
        write_lines(&folder.exchange(SESSION), &[guest_session])?;
        write_lines(&folder.exchange(JOBS), &jobs.iter().map(in_guest).collect::<Vec<_>>())?;
        make_exchange(&folder)?;
        let mut child = boot(&self.kernel, &folder)?;
        let mut relay = Relay::new(&folder, jobs, child.id())?;
        let heard = relay.listen(&mut child, say);
        let status = child.wait().map_err(|e| format!("the guest: {e}"))?;
        heard?;
        relay.pass_on(say)?;
        relay.check_end(status, say)
    }
}

/// What is needed to boot a kernel in the current folder.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Boot {
    /// The kernel's own folder.
    kernel: PathBuf,
    /// It is to run its programs under seccomp.
    #[arg(long)]
    seccomp: bool,
}

/// Starts this program as one that becomes the kernel.
fn boot(kernel: &Kernel, folder: &Folder) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
    let mut command = Command::new(program);
    command.arg("boot").arg(&kernel.folder).args(kernel.record.seccomp.then_some("--seccomp"));
    command.current_dir(&folder.path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.spawn().map_err(|e| format!("the kernel cannot be started: {e}"))
}

/// Makes this process the kernel, which ends with its parent. Its command line is the same on every machine, since it goes
/// into the kernel's random numbers: what is the host's is named through the process's own folder.
pub(crate) fn become_kernel(boot: &Boot) -> Outcome {
    worker::die_with_parent()?;
    let mut command = Command::new(boot.kernel.join(KERNEL));
    // The first argument is not on the kernel's own command line, and nobody else's business.
    command.arg0(KERNEL).arg(MEMORY).arg("rootfstype=hostfs").arg(format!("rootflags=/proc/self/cwd/{ROOT}"));
    command.args(["root=/dev/root", "ro", "init=/init", "con=null", "quiet", "panic=-1"]);
    command.args(["time-travel=inf-cpu", "time-travel-start=1000000000000000000", "norandmaps"]);
    command.args(["uml_dir=/proc/self/cwd/", "umid=guest"]);
    command.args(boot.seccomp.then_some("seccomp=on")).arg(format!("{MARK}=1"));
    command.env_clear().env("HOME", "/proc/self/cwd").env("PATH", "/usr/bin:/bin");
    command.env("LD_PRELOAD", boot.kernel.join(SEEDS));
    Err(format!("{}: {}", boot.kernel.join(KERNEL).display(), command.exec()))
}

/// The job as the guest plays it: what it writes goes where it can write.
fn in_guest(job: &Job) -> Job {
    let mut job = job.clone();
    job.wants.pcap = job.wants.pcap.map(|_| Path::new("/").join(EXCHANGE).join(capture(job.run)));
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

/// Makes the files that the guest will write to.
fn make_exchange(folder: &Folder) -> Result<(), String> {
    for name in [OUTPUT, ANSWERS] {
        let path = folder.exchange(name);
        File::create_new(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Reads what the guest writes.
struct Relay<'a> {
    folder: &'a Folder,
    output: File,
    answers: File,
    partial: String,
    jobs: std::vec::IntoIter<Job>,
    is_over: bool,
    since: Instant,
    guest: u32,
    cpu: Duration,
}

/// How an answer is passed on.
type Say<'a> = &'a mut dyn FnMut(&Answer) -> Result<(), String>;

impl Relay<'_> {
    fn new(folder: &Folder, jobs: Vec<Job>, guest: u32) -> Result<Relay<'_>, String> {
        let open = |name: &str| {
            let path = folder.exchange(name);
            File::open(&path).map_err(|e| format!("{}: {e}", path.display()))
        };
        Ok(Relay {
            folder,
            output: open(OUTPUT)?,
            answers: open(ANSWERS)?,
            partial: String::new(),
            jobs: jobs.into_iter(),
            is_over: false,
            since: Instant::now(),
            guest,
            cpu: Duration::ZERO,
        })
    }

    /// Until the guest is gone: passes on what it writes, as it writes it.
    fn listen(&mut self, child: &mut Child, say: Say<'_>) -> Result<(), String> {
        let Some(mut console) = child.stdout.take() else {
            return Err("the guest has no console".to_owned());
        };
        let problem = |e: Errno| format!("waiting for the guest: {e}");
        let changes = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).map_err(problem)?;
        let exchange = self.folder.path.join(EXCHANGE);
        changes.add_watch(&exchange, AddWatchFlags::IN_MODIFY).map_err(problem)?;
        let mut rest = [0; 4096];
        loop {
            self.pass_on(say)?;
            let mut waited = [readable(changes.as_fd()), readable(console.as_fd())];
            match poll(&mut waited, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(e) => return Err(problem(e)),
            }
            let [_, has_spoken] = waited.map(|fd| fd.any() == Some(true));
            // What it was that changed is of no interest.
            let _ = changes.read_events();
            if has_spoken && console.read(&mut rest).map_err(|e| format!("the guest's console: {e}"))? == 0 {
                return Ok(());
            }
        }
    }

    /// Says the answers that are there by now, and what else the guest wrote.
    fn pass_on(&mut self, say: Say<'_>) -> Result<(), String> {
        std::io::copy(&mut self.output, &mut std::io::stderr()).map_err(|e| format!("{OUTPUT}: {e}"))?;
        self.answers.read_to_string(&mut self.partial).map_err(|e| format!("{ANSWERS}: {e}"))?;
        while let Some((line, rest)) = self.partial.split_once('\n') {
            let mut answer: Answer =
                serde_json::from_str(line).map_err(|e| format!("the guest said: {e} in {line}"))?;
            self.partial = rest.to_owned();
            let Some(job) = self.jobs.next() else { return Err("the guest answered too often".to_owned()) };
            if let Some(pcap) = &job.wants.pcap {
                self.bring_out(&capture(job.run), pcap)?;
            }
            let cpu = cpu::of_tree(self.guest, cpu::first_thread);
            answer.cpu_us = micros(cpu.saturating_sub(self.cpu));
            answer.wall_us = micros(self.since.elapsed());
            (self.since, self.cpu) = (Instant::now(), cpu);
            self.is_over |= answer.is_last;
            say(&answer)?;
        }
        Ok(())
    }

    /// Moves a file that the guest wrote to where it was wanted; a run without frames may have written none.
    fn bring_out(&self, from: &Path, to: &Path) -> Result<(), String> {
        let from = self.folder.path.join(EXCHANGE).join(from);
        if !from.exists() {
            return Ok(());
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        std::fs::copy(&from, to).map(drop).map_err(|e| format!("{}: {e}", to.display()))
    }

    /// Whether the guest has ended as it should. Where it never got as far as playing it is no run's fault, and no use to try
    /// again: then each run is answered so.
    fn check_end(&mut self, status: ExitStatus, say: Say<'_>) -> Result<(), String> {
        if self.is_over || self.jobs.len() == 0 {
            return Ok(());
        }
        if self.folder.exchange(BEGUN).exists() {
            return Err(format!("the guest ended ({status}) with {} runs to go", self.jobs.len()));
        }
        let output = std::fs::read_to_string(self.folder.exchange(OUTPUT)).unwrap_or_default();
        let last = output.lines().next_back().unwrap_or("it said nothing");
        for job in self.jobs.by_ref() {
            let reason = format!("the guest ended ({status}) before it began to play: {last}");
            say(&Answer::broken(job.run, Verdict::Error, "adapter", reason))?;
        }
        Ok(())
    }
}

fn readable(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::POLLIN)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
