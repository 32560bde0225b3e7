//! Acknowledgements never go backwards, and never cover what the peer has not sent.

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::segment::{ACK, RST, SYN, before};

/// The largest acknowledgement of a connection, which its SYN's number names.
#[derive(Debug, Default)]
pub(super) struct Ack {
    largest: Option<(u32, u32)>,
}

impl Oracle for Ack {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        if seen.may_be_another {
            self.largest = None;
        }
        if !seen.has_sent(ACK) {
            return None;
        }
        for (segment, happening) in seen.sent().filter(|(s, _)| s.has(ACK) && !s.has(RST | SYN)) {
            let connection = happening.bases.0;
            let largest = self.largest.filter(|(of, _)| *of == connection).map(|(_, ack)| ack);
            if let Some(largest) = largest.filter(|largest| before(segment.ack, *largest)) {
                let back = largest.wrapping_sub(segment.ack);
                return violation(
                    "ack",
                    Some("RFC9293-3.4-1"),
                    format!("an acknowledgement {back} behind an earlier one"),
                );
            }
            self.largest = Some((connection, segment.ack));
        }
        None
    }
}
