//! A connection lives until something ends it: a segment from outside of its window does not (RFC 9293 section 3.10.7.4).

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::operation::UserCall;
use crate::scenario::peer::Peer;
use crate::scenario::segment::{RST, SYN, before};
use crate::scenario::state::State;
use crate::scenario::trace::{Deed, Stimulus};
use stack::Instant;
use std::time::Duration;

/// A timer that gives a connection up takes longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// In so much time, all together, none has fired.
const LONGEST: Duration = Duration::from_secs(60);
/// Nor in this where it is as short as it can be set: three retransmissions come before it.
const LONGEST_OF_HASTY: Duration = Duration::from_secs(1);

/// Whether anything has happened to the connection that may end it.
#[derive(Debug, Default)]
pub(super) struct Alive {
    /// The number of the stack's SYN, which names the connection.
    connection: u32,
    is_doomed: bool,
    /// It is synchronized for sure: it was accepted, text was sent, or a SYN,ACK was acknowledged.
    is_confirmed: bool,
    /// There was a reset that does not end it.
    had_wild_reset: bool,
    /// Connections of this host are given up soon.
    is_hasty: bool,
}

impl Alive {
    /// Of a host that gives connections up soon, or does not.
    pub(super) fn new(is_hasty: bool) -> Alive {
        Alive { is_hasty, ..Alive::default() }
    }
}

impl Oracle for Alive {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        let step = seen.step;
        let connection = seen.peer.stack_iss.unwrap_or(0);
        if connection != self.connection {
            *self = Alive { connection, ..Alive::new(self.is_hasty) };
        }
        // Before the connection is synchronized a reset answers whatever does not fit, and a reset or SYN ends it.
        let is_open = (State::Established..=State::CloseWait).contains(&step.state);
        let ends = |flags| matches!(&step.stimulus, Stimulus::Segment(segment) if segment.has(flags));
        let is_opening_ended = match step.state {
            State::SynReceived => ends(RST | SYN),
            state => state < State::Established && ends(RST),
        };
        // Whoever says two things of where the stream ends cannot know what state the stack is in.
        let longest = if self.is_hasty { LONGEST_OF_HASTY } else { LONGEST };
        let has_waited = step.length > PATIENCE || seen.stack.now().saturating_since(Instant::ZERO) > longest;
        let is_unsure = seen.peer.contradicts;
        self.is_doomed |= step.state > State::CloseWait || is_opening_ended || is_unsure;
        self.is_doomed = self.is_doomed || is_open && (has_waited || may_end(&step.stimulus, seen.peer));
        self.had_wild_reset |= matches!(&step.stimulus, Stimulus::Segment(s) if s.has(RST));
        self.is_confirmed = self.is_confirmed || confirms(seen);
        let is_reset = seen.has_sent(RST);
        let found = if self.had_wild_reset {
            "the connection is gone, and nothing but a reset from outside of the window was there to end it"
        } else {
            "the stack resets a connection that nothing has ended"
        };
        let requirement = self.had_wild_reset.then_some("RFC9293-3.10.7.4-4");
        let is_wrong = is_open && is_reset && self.is_confirmed && !self.is_doomed;
        self.is_doomed |= is_reset;
        is_wrong.then(|| violation("alive", requirement, found.to_owned()))?
    }
}

/// Whether a step shows that the stack has synchronized the connection.
fn confirms(seen: &Seen<'_>) -> bool {
    let is_opening = seen.step.state == State::SynSent;
    let is_accepted = matches!(seen.step.stimulus, Stimulus::Call(UserCall::Accept))
        && seen.step.happened.iter().any(|h| matches!(h.what, Deed::Returned { result: Ok(_), .. }));
    let mut segments = seen.sent().filter(|(segment, _)| !segment.has(SYN | RST));
    is_accepted || segments.any(|(segment, _)| is_opening || !segment.payload.is_empty())
}

/// Whether a stack may end the connection because of this: in doubt it may.
fn may_end(stimulus: &Stimulus, peer: &Peer) -> bool {
    match stimulus {
        Stimulus::Time => false,
        // RFC 9293 3.9.2.2: a hard error may end it.
        Stimulus::Icmp(_) => true,
        Stimulus::Call(UserCall::Extra(call)) => !call.is_harmless(),
        Stimulus::Call(call) => !matches!(
            call,
            UserCall::Send(_)
                | UserCall::Receive(_)
                | UserCall::Accept
                | UserCall::Nodelay
                | UserCall::TakeError
        ),
        Stimulus::Segment(segment) => segment.has(SYN) || (segment.has(RST) && !is_wild(segment.seq, peer)),
    }
}

/// Whether a number is outside of the window, whichever of the numbers that the stack may wait for is the one.
fn is_wild(seq: u32, peer: &Peer) -> bool {
    let furthest = if before(peer.edge, peer.expected) { peer.expected } else { peer.edge };
    before(seq, peer.snd_una) || before(furthest, seq)
}
