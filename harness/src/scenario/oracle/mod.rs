//! What must hold for every stack in every scenario, looked at after each step.
//!
//! Output without end, a call that never returns and a clock that stands still are found by [`super::drive()`] itself.

mod ack;
mod alive;
mod cause;
mod closed;
mod deadline;
mod reset;
mod room;
mod stream;
#[cfg(test)]
mod tests;
mod window;

use super::drive::{Violation, Watch};
use super::peer::Peer;
use super::record::Scenario;
use super::segment::RST;
use super::state::State;
use super::trace::{Deed, Step, Stimulus};
use crate::sut::StackUnderTest;
use std::time::Duration;

pub use closed::closing;

/// One thing that must hold.
trait Oracle {
    /// Says what is wrong with a step that is over.
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation>;
}

/// What an oracle is shown.
struct Seen<'a> {
    step: &'a Step,
    peer: &'a Peer,
    stack: &'a dyn StackUnderTest,
    /// The number of the stack's SYN may name another connection than before: a cookie opens one as often as it comes, and a
    /// half-open one that is reset may have been opened by an old duplicate in TIME-WAIT, which goes on (RFC 9293 3.6.1).
    may_be_another: bool,
    /// The control bits of all segments that the stack sent.
    sent_flags: u8,
}

impl<'a> Seen<'a> {
    fn new(step: &'a Step, peer: &'a Peer, stack: &'a dyn StackUnderTest, may_be_another: bool) -> Seen<'a> {
        let seen = Seen { step, peer, stack, may_be_another, sent_flags: 0 };
        let sent_flags = seen.sent().fold(0, |flags, (segment, _)| flags | segment.flags);
        Seen { sent_flags, ..seen }
    }

    /// Whether the stack sent a segment with any of `flags`.
    fn has_sent(&self, flags: u8) -> bool {
        self.sent_flags & flags != 0
    }

    /// The segments that the stack sent.
    fn sent(&self) -> impl Iterator<Item = (&super::segment::Segment, &super::trace::Happening)> {
        self.step.happened.iter().filter_map(|happening| match &happening.what {
            Deed::Sent(segment) => Some((segment, happening)),
            _ => None,
        })
    }
}

/// All oracles, with what they remember of one scenario.
#[derive(Debug, Default)]
pub struct Oracles {
    ack: ack::Ack,
    alive: alive::Alive,
    cause: cause::Cause,
    closed: closed::Closed,
    /// Connections are opened by cookies.
    has_cookies: bool,
    deadline: deadline::Deadline,
    reset: reset::Reset,
    room: room::Room,
    stream: stream::Stream,
    window: window::Window,
}

/// Settings by which a connection gives up sooner than any that has the usual ones.
const HASTY: &str = "net.ipv4.tcp_retries2";
/// The setting by which the acknowledgement of a SYN,ACK is all that a connection needs (RFC 4987 section 3.6).
const COOKIES: &str = "net.ipv4.tcp_syncookies";
/// A connection that its user has closed may be gone after so long.
const GONE: Duration = Duration::from_secs(5);

impl Oracles {
    /// Oracles for `scenario`, which expect the connection to be gone after the operations of [`closing`], which begin at the
    /// operation `at`.
    pub fn with_closing(scenario: &Scenario, at: usize) -> Oracles {
        let has = |setting: &str| scenario.opening.settings.iter().any(|(name, _)| *name == setting);
        let is_hasty = has(HASTY);
        Oracles {
            closed: closed::Closed::from(at),
            has_cookies: has(COOKIES),
            alive: alive::Alive::new(is_hasty),
            cause: cause::Cause::new(is_hasty),
            ..Oracles::default()
        }
    }
}

impl Watch for Oracles {
    fn step(&mut self, step: &Step, peer: &Peer, stack: &dyn StackUnderTest) -> Result<(), Violation> {
        let may_have_gone =
            step.state <= State::Listen || step.state == State::TimeWait || step.length > GONE;
        let is_reset = matches!(&step.stimulus, Stimulus::Segment(segment) if segment.has(RST));
        let may_return = step.state == State::SynReceived && is_reset;
        let may_be_another = self.has_cookies && may_have_gone || may_return;
        let seen = Seen::new(step, peer, stack, may_be_another);
        let found = None
            .or_else(|| self.reset.look(&seen))
            .or_else(|| self.ack.look(&seen))
            .or_else(|| self.window.look(&seen))
            .or_else(|| self.room.look(&seen))
            .or_else(|| self.stream.look(&seen))
            .or_else(|| self.cause.look(&seen))
            .or_else(|| self.alive.look(&seen))
            .or_else(|| self.deadline.look(&seen))
            .or_else(|| self.closed.look(&seen));
        found.map_or(Ok(()), Err)
    }
}

fn violation(oracle: &'static str, requirement: Option<&'static str>, found: String) -> Option<Violation> {
    Some(Violation { oracle, requirement, found })
}
