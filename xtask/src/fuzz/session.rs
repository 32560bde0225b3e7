//! Fuzzing several things, so many at a time, until the time is over or somebody wants an end.

use super::engine::{Engine, Finding, Heard, Job};
use super::folders::Folders;
use super::heard::{Status, place};
use super::interrupt::Interrupt;
use super::watch::Watch;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How often the disk is looked at.
const GLANCE: Duration = Duration::from_secs(5);
/// A target with so many findings is left alone.
const ENOUGH: usize = 5;
/// How long a process may take beyond its time.
const GRACE: Duration = Duration::from_secs(30);

/// What came of a job.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    /// Summed over the processes that it took.
    pub(super) status: Status,
    /// One for each place.
    pub(super) findings: Vec<Finding>,
    /// What went wrong with the fuzzer itself.
    pub(super) trouble: Option<String>,
    /// How long it took.
    pub(super) time: Duration,
}

/// How a session goes on at a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtFinding {
    /// The job is done.
    Stop,
    /// It goes on with the time that is left.
    GoOn,
}

/// Jobs, and what came of each so far.
pub(super) struct Session<'a> {
    jobs: Vec<Job>,
    reports: Vec<Report>,
    at_finding: AtFinding,
    running: Vec<Option<Running>>,
    waiting: VecDeque<usize>,
    sender: Sender<(usize, Heard)>,
    receiver: Receiver<(usize, Heard)>,
    folders: &'a [Folders],
    interrupt: &'a Interrupt,
    /// Findings are what is expected, and not told.
    is_quiet: bool,
}

struct Running {
    engine: Engine,
    since: Instant,
    /// Executions of the processes before this one.
    before: u64,
    /// It was told to end, so how it ends says nothing.
    is_stopped: bool,
}

impl<'a> Session<'a> {
    /// `jobs` whose files are in `folders`.
    pub(super) fn new(
        jobs: Vec<Job>,
        at_finding: AtFinding,
        folders: &'a [Folders],
        interrupt: &'a Interrupt,
    ) -> Session<'a> {
        let (sender, receiver) = channel();
        let (count, reports) = (jobs.len(), vec![Report::default(); jobs.len()]);
        let running = (0..count).map(|_| None).collect();
        let waiting = (0..count).collect();
        let is_quiet = false;
        Session {
            jobs,
            reports,
            at_finding,
            running,
            waiting,
            sender,
            receiver,
            folders,
            interrupt,
            is_quiet,
        }
    }

    /// The same without a word about findings.
    pub(super) fn quiet(self) -> Session<'a> {
        Session { is_quiet: true, ..self }
    }

    /// Runs all jobs, at most `parallel` at a time, and gives what came of each.
    ///
    /// # Errors
    /// Where a process cannot be started, or findings can no longer be written.
    pub(super) fn run(mut self, parallel: usize) -> Result<Vec<Report>, String> {
        let mut watch = Watch::new(self.jobs.iter().map(|job| job.time).sum::<Duration>() / parallel as u32);
        let mut looked = Instant::now();
        let mut failure = None;
        loop {
            let is_over = failure.is_some() || self.interrupt.is_here();
            if is_over {
                self.stop();
            } else if let Err(error) = self.fill(parallel) {
                failure = Some(error);
                continue;
            }
            if self.running.iter().all(Option::is_none) {
                break;
            }
            match self.receiver.recv_timeout(Duration::from_millis(100)) {
                Ok((number, said)) => self.hear(number, said, &mut watch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if looked.elapsed() >= GLANCE && failure.is_none() {
                looked = Instant::now();
                failure = self.folders.iter().find_map(|folders| folders.take_bytes().err());
            }
            self.stop_the_late();
            watch.show(&self.names(), &self.reports);
        }
        failure.map_or(Ok(self.reports), Err)
    }

    fn names(&self) -> Vec<&str> {
        let running = self.running.iter().zip(&self.jobs).filter(|(running, _)| running.is_some());
        running.map(|(_, job)| job.name.as_str()).collect()
    }

    /// Starts what is waiting, as far as there is room.
    fn fill(&mut self, parallel: usize) -> Result<(), String> {
        while self.running.iter().flatten().count() < parallel.max(1) {
            let Some(number) = self.waiting.pop_front() else { return Ok(()) };
            self.start(number)?;
        }
        Ok(())
    }

    fn start(&mut self, number: usize) -> Result<(), String> {
        let (job, report) = (&self.jobs[number], &self.reports[number]);
        let time = job.time.saturating_sub(report.time);
        let engine = Engine::start(job, time, number, self.sender.clone())?;
        let before = report.status.executions;
        self.running[number] = Some(Running { engine, since: Instant::now(), before, is_stopped: false });
        Ok(())
    }

    fn hear(&mut self, number: usize, said: Heard, watch: &mut Watch) {
        let (report, job) = (&mut self.reports[number], &self.jobs[number]);
        match said {
            Heard::Status(status) => {
                let before = self.running[number].as_ref().map_or(0, |running| running.before);
                let coverage = status.coverage.max(report.status.coverage);
                report.status = Status { executions: before + status.executions, coverage, ..status };
            }
            Heard::Finding(finding) => {
                let is_known = report.findings.iter().any(|f| place(&f.reason) == place(&finding.reason));
                if !is_known {
                    if !self.is_quiet {
                        watch.tell(&job.name, &finding);
                    }
                    report.findings.push(finding);
                }
            }
            Heard::Ended(trouble) => {
                let Some(running) = self.running[number].take() else { return };
                report.time += running.since.elapsed();
                let is_failure = trouble.is_some() && !running.is_stopped;
                if is_failure {
                    report.trouble = trouble;
                }
                let has_time = report.time + Duration::from_secs(1) < job.time;
                let has_room = !report.findings.is_empty() && report.findings.len() < ENOUGH;
                let goes_on = self.at_finding == AtFinding::GoOn && !running.is_stopped && !is_failure;
                if goes_on && has_time && has_room {
                    self.waiting.push_front(number);
                }
            }
        }
    }

    /// Ends everything, in order.
    fn stop(&mut self) {
        self.waiting.clear();
        for running in self.running.iter_mut().flatten().filter(|running| !running.is_stopped) {
            running.is_stopped = true;
            running.engine.stop();
        }
    }

    /// libFuzzer looks at the time between two inputs; one that hangs without its alarm is ended from here.
    fn stop_the_late(&mut self) {
        for (running, job) in self.running.iter_mut().zip(&self.jobs) {
            let Some(running) = running else { continue };
            if running.since.elapsed() > job.time + GRACE && !running.is_stopped {
                running.is_stopped = true;
                running.engine.stop();
            }
        }
    }
}
