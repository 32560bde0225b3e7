//! An error has a cause: nothing is reset that no one reset, nothing times out at once.

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::extras::ExtraCall;
use crate::scenario::operation::UserCall;
use crate::scenario::segment::RST;
use crate::scenario::trace::{Deed, Happening, Stimulus};
use stack::Instant;
use std::time::Duration;

/// No connection times out sooner, by whatever timer: keep-alive probes from 10 s on are the shortest that there are.
const SHORTEST: Duration = Duration::from_secs(10);

/// A soft error is told sooner: after three retransmissions at least (RFC 9293 MUST-20).
const SOFT: Duration = Duration::from_secs(1);

/// What could be a cause.
#[derive(Debug, Default)]
pub(super) struct Cause {
    reset: bool,
    shut: bool,
    /// There is a timer that is shorter than those that every connection has.
    impatient: bool,
}

impl Cause {
    /// Of a host whose connections are impatient, or are not.
    pub(super) fn new(impatient: bool) -> Cause {
        Cause { impatient, ..Cause::default() }
    }
}

impl Oracle for Cause {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        match &seen.step.stimulus {
            Stimulus::Segment(segment) => self.reset |= segment.has(RST),
            Stimulus::Icmp(_) => (self.reset, self.impatient) = (true, true),
            Stimulus::Call(UserCall::Extra(ExtraCall::Disconnect)) => (self.reset, self.shut) = (true, true),
            Stimulus::Call(UserCall::Extra(call)) if !call.is_harmless() => self.impatient = true,
            // Of either side: in SYN-SENT to shut down reading is to give up, on BSD and on Linux.
            Stimulus::Call(UserCall::ShutdownWrite | UserCall::ShutdownBoth | UserCall::ShutdownRead) => {
                self.shut = true;
            }
            // A socket that could not be connected is not.
            Stimulus::Call(call) if call.plain() == UserCall::Connect => {
                self.shut |= seen.step.happened.iter().any(has_failed)
            }
            _ => {}
        }
        // The stack may give up a connection by itself, and says so.
        self.reset |= seen.has_sent(RST);
        let errors = seen.step.happened.iter().filter_map(|happening| match &happening.what {
            Deed::Returned { result, .. } => error(result.map_err(|e| e.0), &seen.step.stimulus),
            _ => None,
        });
        let elapsed = seen.step.at.saturating_since(Instant::ZERO);
        let is_asked = matches!(seen.step.stimulus, Stimulus::Call(UserCall::TakeError));
        let unfounded = errors.into_iter().find(|errno| match *errno {
            libc::ECONNRESET | libc::ECONNREFUSED => !self.reset,
            _ if self.impatient => false,
            libc::EPIPE => !self.reset && !self.shut && elapsed < SHORTEST,
            libc::ETIMEDOUT if is_asked => elapsed < SOFT,
            libc::ETIMEDOUT => elapsed < SHORTEST,
            _ => false,
        });
        violation("cause", None, format!("{} without a cause", crate::sut::Errno(unfounded?)))
    }
}

fn has_failed(happening: &Happening) -> bool {
    matches!(happening.what, Deed::Returned { result: Err(errno), .. } if errno.0 != libc::EINPROGRESS)
}

/// The error that a call returned or took.
fn error(result: Result<i64, i32>, stimulus: &Stimulus) -> Option<i32> {
    match (result, stimulus) {
        (Err(errno), _) => Some(errno),
        (Ok(errno), Stimulus::Call(UserCall::TakeError)) => i32::try_from(errno).ok(),
        _ => None,
    }
}
