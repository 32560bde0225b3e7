//! One slot of a pool: keeps a worker busy, and judges its silence and its end.

use super::Pool;
use super::process::{Heard, Worker};
use crate::oracle;
use crate::protocol::{Answer, Greeting, Job, TRACE};
use harness::run::Verdict;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// How often a silent worker is looked at.
const GLANCE: Duration = Duration::from_millis(100);

pub(super) struct Slot<'a> {
    pool: &'a Pool,
    /// Which of the pool's slots it is.
    number: usize,
    queue: &'a Mutex<VecDeque<Job>>,
    answers: Sender<Answer>,
    /// What the worker has ahead of it, in order.
    ahead: VecDeque<Job>,
    /// How many workers in a row ended before they took a job.
    fruitless: usize,
}

/// More workers in a row that end before they take a job are no accident.
const FRUITLESS: usize = 3;

/// A worker and when it last answered.
struct Watched {
    worker: Worker,
    /// It takes no more jobs: what it has answered is still to be heard.
    is_deaf: bool,
    cpu: Duration,
    since: Instant,
}

impl<'a> Slot<'a> {
    pub(super) fn new(
        pool: &'a Pool,
        number: usize,
        queue: &'a Mutex<VecDeque<Job>>,
        answers: Sender<Answer>,
    ) -> Slot<'a> {
        Slot { pool, number, queue, answers, ahead: VecDeque::new(), fruitless: 0 }
    }

    /// Plays until the queue is empty.
    pub(super) fn run(self) {
        match oracle::batch(&self.pool.session.stack) {
            Some(size) => self.run_batches(size),
            None => self.run_one_by_one(),
        }
    }

    /// Each batch has a worker of its own.
    fn run_batches(mut self, size: usize) {
        while self.claim_batch(size) {
            match self.start() {
                Ok(mut current) => {
                    self.hand_over(&mut current);
                    self.serve(&mut current);
                    current.worker.await_end(self.pool.limits.silence);
                }
                Err(reason) => {
                    for job in std::mem::take(&mut self.ahead) {
                        self.answer(Answer::broken(job.run, Verdict::Error, "adapter", reason.clone()));
                    }
                }
            }
        }
    }

    /// Takes the batch that is first in the queue, whole or what is left of it: jobs whose numbers are the same but for the
    /// rest of a division, so that which jobs come before a job never depends on who was faster.
    fn claim_batch(&mut self, size: usize) -> bool {
        let Ok(mut queue) = self.queue.lock() else { return false };
        let batch = queue.front().map(|job| job.run / size.max(1));
        while queue.front().is_some_and(|job| Some(job.run / size.max(1)) == batch) {
            self.ahead.extend(queue.pop_front());
        }
        !self.ahead.is_empty()
    }

    /// Gives a worker its batch, and nothing after that. Where it does not listen, its end will be heard.
    fn hand_over(&mut self, current: &mut Watched) {
        let _ = self.ahead.iter().try_for_each(|job| current.worker.send(job));
        current.worker.close();
        current.is_deaf = true;
    }

    fn run_one_by_one(mut self) {
        let mut watched: Option<Watched> = None;
        while let Some(job) = self.next_job() {
            let mut current = match watched.take().map_or_else(|| self.start(), Ok) {
                Ok(current) => current,
                Err(reason) => {
                    self.answer(Answer::broken(job.run, Verdict::Error, "adapter", reason));
                    continue;
                }
            };
            if self.fruitless >= FRUITLESS {
                let how =
                    format!("{FRUITLESS} workers ended before they took a run: {}", current.worker.end());
                self.answer(Answer::broken(job.run, Verdict::Error, "adapter", how));
                continue;
            }
            self.give_back(job);
            watched = self.serve(&mut current).then_some(current);
        }
    }

    fn start(&self) -> Result<Watched, String> {
        let mut worker = Worker::start(&self.pool.program, &self.pool.session, self.number)?;
        match worker.greeting(self.pool.limits.silence)? {
            Greeting::Ready(_) => {
                Ok(Watched { cpu: worker.cpu(), worker, is_deaf: false, since: Instant::now() })
            }
            Greeting::Refused(reason) => Err(reason),
        }
    }

    fn next_job(&self) -> Option<Job> {
        self.queue.lock().ok()?.pop_front()
    }

    fn give_back(&self, job: Job) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.push_front(job);
        }
    }

    fn answer(&self, answer: Answer) {
        // The receiver lives as long as the slots do.
        let _ = self.answers.send(answer);
    }

    /// Keeps the worker busy until the queue is empty (true) or the worker is no longer of use (false).
    fn serve(&mut self, current: &mut Watched) -> bool {
        loop {
            self.refill(current);
            if self.ahead.is_empty() {
                return !current.is_deaf;
            }
            match current.worker.hear(GLANCE) {
                Heard::Answer(answer) if self.ahead.front().is_some_and(|job| job.run == answer.run) => {
                    self.ahead.pop_front();
                    let is_last = answer.is_last;
                    self.answer(*answer);
                    if is_last {
                        self.return_ahead();
                        return false;
                    }
                    current.since = Instant::now();
                    current.cpu = Duration::MAX;
                }
                Heard::Answer(answer) => return self.lose(current, format!("answered run {}", answer.run)),
                Heard::Garbage(line) => return self.lose(current, format!("no answer: {line}")),
                Heard::End => return self.bury(current),
                Heard::Nothing => {
                    if let Some(reason) = self.overdue(current) {
                        return self.give_up(current, &reason);
                    }
                }
            }
        }
    }

    fn refill(&mut self, current: &mut Watched) {
        while !current.is_deaf && self.ahead.len() < self.pool.depth.max(1) {
            let Some(job) = self.next_job() else { return };
            if current.worker.send(&job).is_ok() {
                self.fruitless = 0;
                self.ahead.push_back(job);
            } else {
                current.is_deaf = true;
                self.fruitless += 1;
                self.give_back(job);
            }
        }
    }

    /// Why the worker is given up, if it is.
    fn overdue(&self, current: &mut Watched) -> Option<String> {
        let now = current.worker.cpu();
        // The first glance after an answer sets the mark: one run more or less is nothing beside the limit.
        if current.cpu == Duration::MAX {
            current.cpu = now;
        }
        let limits = self.pool.limits;
        if now.saturating_sub(current.cpu) >= limits.cpu {
            return Some(format!("no answer within {} s of CPU time", limits.cpu.as_secs_f64()));
        }
        let silent = current.since.elapsed() >= limits.silence;
        silent.then(|| format!("no answer within {} s", limits.silence.as_secs_f64()))
    }

    /// The worker has hung: that is the verdict of the run, which is played once more to learn the last frame.
    fn give_up(&mut self, current: &mut Watched, reason: &str) -> bool {
        current.worker.kill();
        if let Some(job) = self.ahead.pop_front() {
            let mut answer = Answer::broken(job.run, Verdict::Fail, "hang", reason.to_owned());
            if let Some(difference) = &mut answer.difference {
                difference.note = self.last_stimulus(&job);
            }
            self.answer(answer);
        }
        self.return_ahead();
        false
    }

    /// The worker has died: the run that it was at has failed with that.
    fn bury(&mut self, current: &mut Watched) -> bool {
        let how = current.worker.end();
        if let Some(job) = self.ahead.pop_front() {
            let mut answer = Answer::broken(job.run, Verdict::Fail, "crash", how);
            if let Some(difference) = &mut answer.difference {
                difference.note = self.last_stimulus(&job);
            }
            self.answer(answer);
        }
        self.return_ahead();
        false
    }

    /// The worker speaks nonsense, which is our fault.
    fn lose(&mut self, current: &mut Watched, what: String) -> bool {
        current.worker.kill();
        if let Some(job) = self.ahead.pop_front() {
            self.answer(Answer::broken(job.run, Verdict::Error, "adapter", what));
        }
        self.return_ahead();
        false
    }

    fn return_ahead(&mut self) {
        if let Ok(mut queue) = self.queue.lock() {
            while let Some(job) = self.ahead.pop_back() {
                queue.push_front(job);
            }
        }
    }

    /// Plays a run that did not end once more, alone and traced: the last stimulus before the end.
    fn last_stimulus(&self, job: &Job) -> String {
        let mut job = job.clone();
        job.wants.trace = true;
        let Ok(mut watched) = self.start() else { return String::new() };
        if watched.worker.send(&job).is_err() {
            return String::new();
        }
        watched.worker.close();
        loop {
            match watched.worker.hear(GLANCE) {
                Heard::Nothing if self.overdue(&mut watched).is_none() => {}
                Heard::Answer(_) => return "a second run, alone, came to its end".to_owned(),
                _ => break,
            }
        }
        watched.worker.kill();
        let said = watched.worker.said();
        let last = said.lines().rev().find_map(|line| line.strip_prefix(TRACE));
        last.map_or_else(String::new, |what| format!("the last before it: {what}"))
    }
}
