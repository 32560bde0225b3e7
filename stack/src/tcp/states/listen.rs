//! LISTEN: a listener waits for a SYN (RFC 9293 3.10.7.2).

use crate::tcp::Config;
use crate::tcp::action::{Action, Reset};
use crate::wire::tcp::{Flags, Segment};

/// What a listener makes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not a SYN.
    Not(Action),
    /// A connection request. What else it carries is left to be sent again: only SYN is acknowledged.
    Open,
}

pub(crate) fn segment_arrives(config: &Config, segment: &Segment<'_>) -> Verdict {
    // First, check for a RST: it could not have been sent in response to anything.
    if segment.has(Flags::RST) {
        return Verdict::Not(Action::Drop);
    }
    // Second, check for an ACK: any is bad.
    if segment.has(Flags::ACK) {
        return Verdict::Not(Reset::action(segment));
    }
    // Third, check for a SYN. Fourth, other data or control: drop.
    let opens = segment.has(Flags::SYN) && (config.syn_fin_opens || !segment.has(Flags::FIN));
    if opens { Verdict::Open } else { Verdict::Not(Action::Drop) }
}
