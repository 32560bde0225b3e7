//! One line on standard error that says how far a long command is.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nothing is said about what takes less.
const PATIENCE: Duration = Duration::from_secs(2);
/// The line is written again no sooner.
const PERIOD: Duration = Duration::from_millis(200);

/// How far a command is. Writes only where a person looks on, and wipes its line at the end.
pub(crate) struct Progress {
    what: String,
    total: usize,
    done: usize,
    due: Instant,
    is_shown: bool,
    is_terminal: bool,
}

impl Progress {
    /// `total` things of the kind `what` are about to be done.
    pub(crate) fn new(what: impl Into<String>, total: usize) -> Progress {
        let is_terminal = std::io::stderr().is_terminal();
        Progress {
            what: what.into(),
            total,
            done: 0,
            due: Instant::now() + PATIENCE,
            is_shown: false,
            is_terminal,
        }
    }

    /// One more is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        let now = Instant::now();
        if self.is_terminal && now >= self.due {
            self.due = now + PERIOD;
            self.is_shown = true;
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\x1b[K{}: {}/{}", self.what, self.done, self.total);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
