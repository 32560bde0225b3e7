//! A reset is never answered by a reset, or two ends would go on for ever.

use super::{Oracle, Seen, violation};
use crate::scenario::drive::Violation;
use crate::scenario::segment::{ACK, RST, Segment};
use crate::scenario::trace::Stimulus;
use std::time::Duration;

/// What comes later than this was a timer's doing.
const AT_ONCE: Duration = Duration::from_micros(900);

/// Remembers nothing.
#[derive(Debug, Default)]
pub(super) struct Reset;

impl Oracle for Reset {
    fn look(&mut self, seen: &Seen<'_>) -> Option<Violation> {
        let Stimulus::Segment(given) = &seen.step.stimulus else { return None };
        if !given.has(RST) || !seen.has_sent(RST) {
            return None;
        }
        let is_answer = |segment: &Segment| segment.has(RST) && has_answers_numbers(segment, given);
        let answered = seen.sent().any(|(segment, happening)| {
            is_answer(segment) && happening.at.saturating_since(seen.step.at) < AT_ONCE
        });
        let requirement = Some("RFC9293-3.5.2-1");
        answered.then(|| violation("reset", requirement, "a reset answers a reset".to_owned()))?
    }
}

/// RFC 9293 section 3.10.7.1: the numbers that a reset in answer to `given` has.
fn has_answers_numbers(segment: &Segment, given: &Segment) -> bool {
    if given.has(ACK) { segment.seq == given.ack } else { segment.seq == 0 && segment.ack == given.end() }
}
