//! A connection that its user has closed is gone some day, whatever the peer does.

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::operation::{Operation, Plan, UserCall, What};
use crate::scenario::segment::{ACK, FIN, RST, before};
use std::time::Duration;

/// Longer than any user time-out that is configured, and a TIME-WAIT behind it.
const LONG: Duration = Duration::from_secs(4000);

/// How many operations [`closing`] has.
const CLOSING: usize = 6;

/// Closes everything, lets the peer close as well and waits, and asks then whether the connection is still there.
pub fn closing() -> [Operation; CLOSING] {
    let segment = |flags| Operation::at_once(What::Segment(Plan { flags, ..Plan::PLAIN }));
    let call = |call| Operation::at_once(What::Call(call));
    [
        call(UserCall::CloseListener),
        call(UserCall::Close),
        segment(ACK),
        segment(ACK | FIN),
        Operation { what: What::Wait, pause: LONG },
        segment(ACK),
    ]
}

/// Where the operations of [`closing`] begin, if they do.
#[derive(Debug, Default)]
pub(super) struct Closed {
    at: Option<usize>,
}

impl Closed {
    pub(super) fn from(at: usize) -> Closed {
        Closed { at: Some(at) }
    }
}

impl Oracle for Closed {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        let last = self.at? + CLOSING - 1;
        if seen.step.operation != Some(last) {
            return None;
        }
        // For a FIN that never got through the stack may wait as long as it likes: RFC 9293 knows no time-out in FIN-WAIT-2.
        let is_taken = seen.peer.fin.is_some_and(|fin| !before(seen.peer.snd_una, fin));
        let has_both = is_taken && !seen.peer.contradicts;
        let found = "the connection is still there long after both ends closed it";
        (has_both && !seen.has_sent(RST)).then(|| violation("closed", None, found.to_owned()))?
    }
}
