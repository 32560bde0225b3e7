//! No text beyond the peer's window, but for a probe's one byte (RFC 9293 section 3.8.6.1).

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::segment::{RST, SYN, before};

/// Remembers nothing: the peer knows the furthest edge that it ever offered.
#[derive(Debug, Default)]
pub(super) struct Room;

impl Oracle for Room {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        let edge = seen.peer.stack_room;
        let beyond = |segment: &crate::scenario::segment::Segment| {
            let end = segment.seq.wrapping_add(segment.payload.len() as u32);
            (!segment.payload.is_empty() && before(edge.wrapping_add(1), end)).then(|| end.wrapping_sub(edge))
        };
        let mut text =
            seen.sent().filter(|(s, h)| !s.has(RST | SYN) && Some(h.bases.0) == seen.peer.stack_iss);
        let excess = text.find_map(|(segment, _)| beyond(segment))?;
        violation(
            "room",
            None,
            format!("{excess} bytes beyond the furthest right edge that was ever offered"),
        )
    }
}
