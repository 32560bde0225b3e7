//! Keeps a stack that sends without end, or that is always due, from hanging the process.

use stack::Instant;
use std::time::Duration;

/// Frames that a stack may send at one instant.
pub(super) const FRAMES_PER_INSTANT: usize = 10_000;
/// Frames that may pile up before the engine takes them.
pub(super) const FRAMES_UNSEEN: usize = 100_000;

const SHORTEST_STEP: Duration = Duration::from_micros(1);
const LONGEST_STEP: Duration = Duration::from_millis(1);

/// How much a stack did, and how fast time may go on.
pub(super) struct Pace {
    at: Instant,
    frames: usize,
    unseen: usize,
    flooded: bool,
    step: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { at: Instant::ZERO, frames: 0, unseen: 0, flooded: false, step: SHORTEST_STEP }
    }
}

impl Pace {
    /// The stack sent a frame.
    pub(super) fn frame(&mut self, now: Instant) {
        if self.at != now {
            self.at = now;
            self.frames = 0;
        }
        self.frames += 1;
        self.unseen += 1;
        self.step = SHORTEST_STEP;
        self.flooded |= self.frames >= FRAMES_PER_INSTANT || self.unseen >= FRAMES_UNSEEN;
    }

    /// The engine took the frames.
    pub(super) fn drained(&mut self) {
        self.unseen = 0;
    }

    /// Whether the stack has sent so much that it is stopped for the rest of the run. The engine sees the frames.
    pub(super) fn is_flooded(&self) -> bool {
        self.flooded
    }

    /// When to poll a stack that says it is due at `due`. One that is due already, although it has just been polled and
    /// did nothing, is asked again after ever longer steps.
    pub(super) fn next(&mut self, now: Instant, due: Instant) -> Instant {
        if due > now {
            self.step = SHORTEST_STEP;
            return due;
        }
        let next = now + self.step;
        self.step = (self.step * 2).min(LONGEST_STEP);
        next
    }
}
