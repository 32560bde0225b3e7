//! The right edge of a window never moves to the left (RFC 9293 section 3.8.6).

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::segment::{ACK, RST, SYN, before};

/// The furthest right edge of a connection, which its SYN's number names.
#[derive(Debug, Default)]
pub(super) struct Window {
    furthest: Option<(u32, u32)>,
}

impl Oracle for Window {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        if seen.may_be_another {
            self.furthest = None;
        }
        if !seen.has_sent(ACK) {
            return None;
        }
        let shift = seen.peer.stack_scale;
        for (segment, happening) in seen.sent().filter(|(s, _)| s.has(ACK) && !s.has(RST | SYN)) {
            let connection = happening.bases.0;
            let edge = segment.ack.wrapping_add(u32::from(segment.window) << shift);
            let furthest = self.furthest.filter(|(of, _)| *of == connection).map_or(edge, |(_, edge)| edge);
            // RFC 7323 section 2.4: rounding down may draw the edge back by less than a unit.
            if before(edge.wrapping_add((1 << shift) - 1), furthest) {
                let back = furthest.wrapping_sub(edge);
                return violation(
                    "window",
                    Some("RFC9293-SHLD-14"),
                    format!("the right edge moves back by {back}"),
                );
            }
            self.furthest = Some((connection, if before(furthest, edge) { edge } else { furthest }));
        }
        None
    }
}
