//! Bytes arrive as they were sent: both ends send a pattern of the stream's offset.

use super::{Oracle, Seen, violation};
use crate::packet::pattern;
use crate::scenario::drive::Violation;
use crate::scenario::operation::UserCall;
use crate::scenario::segment::{SYN, URG};
use crate::scenario::trace::{Deed, Stimulus};

/// How much the user has read.
#[derive(Debug, Default)]
pub(super) struct Stream {
    read: u32,
    /// Urgent data was announced: BSD's sockets take its last byte out of the stream.
    has_holes: bool,
}

impl Oracle for Stream {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        for (segment, happening) in seen.sent().filter(|(s, _)| !s.payload.is_empty() && !s.has(SYN)) {
            let offset = segment.seq.wrapping_sub(happening.bases.0.wrapping_add(1));
            // A keep-alive probe may have one byte of garbage (RFC 9293 section 3.8.4).
            if segment.payload.len() == 1 && segment.end() == seen.peer.stack_nxt {
                continue;
            }
            if !pattern::is_at(offset, &segment.payload) {
                return violation(
                    "stream",
                    None,
                    format!("the text at offset {offset} is not what the user sent"),
                );
            }
        }
        match &seen.step.stimulus {
            Stimulus::Segment(segment) => self.has_holes |= segment.has(URG),
            Stimulus::Call(call) if matches!(call.plain(), UserCall::Accept | UserCall::Connect) => {
                self.read = 0
            }
            // From there on the offsets of what RECEIVE gives are not known.
            Stimulus::Call(UserCall::Receive(_)) if !self.has_holes => return self.receive(seen),
            _ => {}
        }
        None
    }
}

impl Stream {
    fn receive(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        for happening in &seen.step.happened {
            let Deed::Returned { data, .. } = &happening.what else { continue };
            if !pattern::is_at(self.read, data) {
                let offset = self.read;
                return violation(
                    "stream",
                    None,
                    format!("the user reads at offset {offset} what the peer did not send"),
                );
            }
            self.read = self.read.wrapping_add(data.len() as u32);
        }
        None
    }
}
