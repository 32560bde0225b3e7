//! When an event is due, and how far off it may be.

use super::config::PacketdrillConfig;
use crate::lang::ast::EventTime;
use crate::sut::{Capabilities, Clock};
use stack::Instant;
use std::time::Duration;

/// The time in which something must happen, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Not before.
    pub earliest: Instant,
    /// Not after.
    pub latest: Instant,
}

impl Window {
    pub(super) fn contains(&self, at: Instant) -> bool {
        self.earliest <= at && at <= self.latest
    }
}

/// How lateness is judged.
#[derive(Clone, Debug)]
pub(super) enum Tolerance {
    /// Our cases: nothing but what the stack declares of its clock.
    Declared(Capabilities),
    /// Upstream scripts: an amount, or a proportion of the time since the event before, whichever is larger.
    Packetdrill { amount: Duration, proportion: f64 },
}

impl Tolerance {
    pub(super) fn packetdrill(config: &PacketdrillConfig) -> Tolerance {
        Tolerance::Packetdrill { amount: config.tolerance, proportion: config.tolerance_proportion }
    }

    /// The window for something due between `from` and `to`, `gap` after the event before.
    ///
    /// What is due at once is due at that instant; what a timer provokes may come later by the granularity that the
    /// stack declares for a timer of that length; on a real clock the machine's own jitter comes on top.
    pub(super) fn window(&self, from: Instant, to: Instant, gap: Duration) -> Window {
        match self {
            Tolerance::Packetdrill { amount, proportion } => {
                let slack = (*amount).max(gap.mul_f64(*proportion));
                Window { earliest: from - slack, latest: to + slack }
            }
            Tolerance::Declared(stack) => {
                let jitter = match stack.clock {
                    Clock::Virtual => stack.resolution,
                    Clock::Real { jitter } => jitter.max(stack.resolution),
                };
                let timer = if gap.is_zero() { Duration::ZERO } else { stack.granularity.slack(gap) };
                Window { earliest: from - jitter, latest: to + timer + jitter }
            }
        }
    }
}

/// The points of the script's time that an event's time means: `origin` is the script's start, `base` the event before.
/// `None` where any time will do.
pub(super) fn due(time: EventTime, origin: Instant, base: Instant) -> Option<(Instant, Instant)> {
    match time {
        EventTime::Absolute(t) => Some((origin + t, origin + t)),
        EventTime::AbsoluteRange(from, to) => Some((origin + from, origin + to)),
        EventTime::Relative(t) => Some((base + t, base + t)),
        EventTime::RelativeRange(from, to) => Some((base + from, base + to)),
        EventTime::Untimed => Some((base, base)),
        EventTime::Any => None,
    }
}
