//! A connection lives until something ends it: a segment from outside of its window does not (RFC 9293 section 3.10.7.4), nor
//! does a reset that is not exactly at RCV.NXT (RFC 5961 section 3.2).

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::operation::UserCall;
use crate::scenario::segment::{RST, SYN};
use crate::scenario::state::{Event, State};
use crate::scenario::trace::Stimulus;
use std::time::Duration;

/// A timer that gives a connection up takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether anything has happened to the connection that may end it.
#[derive(Debug, Default)]
pub(super) struct Alive {
    /// The number of the stack's SYN, which names the connection.
    connection: u32,
    is_doomed: bool,
    /// There was a reset that does not end it.
    had_wild_reset: bool,
}

impl Oracle for Alive {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        let step = seen.step;
        let connection = seen.peer.stack_iss.unwrap_or(0);
        if connection != self.connection {
            *self = Alive { connection, is_doomed: false, had_wild_reset: false };
        }
        // Before the connection is synchronized a reset answers whatever does not fit.
        self.is_doomed |= step.state < State::Established || step.state > State::CloseWait;
        self.is_doomed |= step.length > PATIENCE || may_end(&step.stimulus, step.event);
        self.had_wild_reset |= is_wild_reset(&step.stimulus, step.event);
        let is_reset = seen.sent().any(|(segment, _)| segment.has(RST));
        let found = if self.had_wild_reset {
            "the connection is gone, and nothing but a reset that is not at RCV.NXT was there to end it"
        } else {
            "the stack resets a connection that nothing has ended"
        };
        let requirement = self.had_wild_reset.then_some("RFC5961-3.2-3");
        (is_reset && !self.is_doomed).then(|| violation("alive", requirement, found.to_owned()))?
    }
}

fn is_wild_reset(stimulus: &Stimulus, event: Option<Event>) -> bool {
    matches!((stimulus, event), (Stimulus::Segment(s), Some(Event::ResetInexact)) if s.has(RST))
}

/// Whether a stack may end the connection because of this: in doubt it may.
fn may_end(stimulus: &Stimulus, event: Option<Event>) -> bool {
    match stimulus {
        Stimulus::Time => false,
        Stimulus::Call(call) => !matches!(
            call,
            UserCall::Send(_)
                | UserCall::Receive(_)
                | UserCall::Accept
                | UserCall::Nodelay
                | UserCall::TakeError
        ),
        Stimulus::Segment(segment) => {
            let is_outside = matches!(event, Some(Event::Outside | Event::ResetInexact));
            segment.has(SYN) || (segment.has(RST) && !is_outside)
        }
    }
}
