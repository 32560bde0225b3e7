//! Worker processes and the watch over them.
//!
//! Each slot of a pool is a thread with a worker of its own. A worker has several jobs ahead of it, answers in order, and
//! is replaced where it dies or hangs; what it had ahead goes back to the others.

mod process;
mod slot;

use crate::protocol::{Answer, Greeting, Job, Session};
use crate::results::StackInfo;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

/// Runs on a real clock mostly wait, so a processor serves several.
pub(crate) const WAITING: usize = 12;

/// When a worker that does not answer is given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// CPU time for one run.
    pub(crate) cpu: Duration,
    /// Time without an answer: a run that waits for ever takes no CPU.
    pub(crate) silence: Duration,
}

/// What is needed to start workers for one stack.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    /// This program.
    pub(crate) program: PathBuf,
    /// The stack and the tree.
    pub(crate) session: Session,
    /// How many workers at once.
    pub(crate) workers: usize,
    /// How many jobs a worker has ahead of it.
    pub(crate) depth: usize,
    /// When a worker is given up.
    pub(crate) limits: Limits,
}

impl Pool {
    /// Starts a worker to see whether the stack can run here, and what it is.
    ///
    /// # Errors
    /// Says in one line why it cannot.
    pub(crate) fn greet(&self) -> Result<StackInfo, String> {
        let mut worker = process::Worker::start(&self.program, &self.session, 0)?;
        match worker.greeting(self.limits.silence)? {
            Greeting::Ready(info) => Ok(info),
            Greeting::Refused(reason) => Err(reason),
        }
    }

    /// Plays `jobs`, calls `done` for each as it is answered, and returns the answers in the order of the jobs.
    pub(crate) fn play(&self, jobs: Vec<Job>, done: &mut dyn FnMut(&Answer)) -> Vec<Answer> {
        let total = jobs.len();
        let queue = Mutex::new(VecDeque::from(jobs));
        let mut answers = Vec::with_capacity(total);
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            for number in 0..self.workers.clamp(1, total.max(1)) {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || slot::Slot::new(self, number, queue, sender).run());
            }
            drop(sender);
            for answer in receiver {
                done(&answer);
                answers.push(answer);
            }
        });
        answers.sort_by_key(|a: &Answer| a.run);
        answers
    }
}
