//! What an event on a connection leaves to be done by [`super::Connections`], which owns them all.

use super::{Error, SeqNumber};
use crate::wire::tcp::{Flags, Segment};
use core::ops::ControlFlow;

/// What to do after a handler or a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send what is due: text, a pending ACK.
    Done,
    /// The segment is dropped without a reply.
    Drop,
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`, now; the segment is dropped.
    Acknowledge,
    /// The same as a challenge ACK, within its rate limit (RFC 5961 7).
    Challenge,
    /// Send this RST; the state stays.
    Reset(Reset),
    /// Enter CLOSED; the user learns of the error, if there is one.
    Close(Option<Error>),
    /// Send this RST in answer, then CLOSED; the user learns of the error.
    Refuse(Reset, Error),
    /// `<SEQ=SND.NXT><CTL=RST>`, then CLOSED; the user learns of the error.
    Abort(Error),
    /// A passive connection in SYN-RECEIVED vanishes; its listener goes on listening.
    ReturnToListen,
    /// A SYN takes over from TIME-WAIT: the old connection is CLOSED, the SYN goes to the listener.
    Reopen,
}

/// A step of a handler: goes on to the next, or ends with an action.
pub(crate) type Flow = ControlFlow<Action>;

/// Ends a handler.
pub(crate) fn end(action: Action) -> Flow {
    ControlFlow::Break(action)
}

/// A reset in answer to a segment: `<SEQ=SEG.ACK><CTL=RST>` or `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reset {
    pub(crate) seq: SeqNumber,
    /// The acknowledgment number, where the RST has ACK.
    pub(crate) ack: Option<SeqNumber>,
    /// The timestamp to echo (RFC 7323 5.2).
    pub(crate) echo: Option<u32>,
}

impl Reset {
    /// The reset that `segment` gets where it belongs to no connection (RFC 9293 3.10.7.1); none for a RST.
    pub(crate) fn for_segment(segment: &Segment<'_>) -> Option<Reset> {
        if segment.has(Flags::RST) {
            return None;
        }
        let echo = segment.options.timestamps.map(|timestamps| timestamps.tsval);
        Some(if segment.has(Flags::ACK) {
            Reset { seq: segment.ack, ack: None, echo }
        } else {
            Reset { seq: SeqNumber(0), ack: Some(segment.end()), echo }
        })
    }

    /// That reset as a handler's end.
    pub(crate) fn action(segment: &Segment<'_>) -> Action {
        Reset::for_segment(segment).map_or(Action::Drop, Action::Reset)
    }
}
