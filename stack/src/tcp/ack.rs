//! When to acknowledge: delayed ACKs (RFC 9293 3.8.6.3, RFC 5681 4.2).

use crate::time::Instant;
use core::time::Duration;

/// How urgently an ACK is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Not at all.
    #[default]
    Nothing,
    /// Before the delay is over.
    Delayed,
    /// With the next thing sent, now; one ACK does for several segments that came together (RFC 9293 MUST-58).
    Now,
    /// In a segment of its own, for the peer counts them: duplicate ACKs.
    Separately,
}

/// What is owed to the peer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AckState {
    due: Due,
    /// Bytes taken since the last ACK was sent.
    bytes: u32,
    /// The largest segment seen: what the peer seems to take for full-sized.
    largest: u32,
    /// Segments of text that are still to be acknowledged at once.
    quick: u32,
    /// The user answers what it is sent: ACKs go with the answers.
    interactive: bool,
    /// When the peer was last heard with something new.
    heard: Option<Instant>,
}

/// An answer comes sooner than that: Linux's TCP_ATO_MIN.
const ANSWER: Duration = Duration::from_millis(40);

impl AckState {
    /// Of a new connection, which acknowledges the first `quick` segments of text at once.
    pub(crate) fn new(quick: u32) -> AckState {
        AckState { quick, ..AckState::default() }
    }

    pub(crate) fn due(&self) -> Due {
        self.due
    }

    /// Owes an ACK at least as urgently as `due`.
    pub(crate) fn owe(&mut self, due: Due) {
        self.due = self.due.max(due);
    }

    /// Text of `len` bytes arrived in order. At least every second full-sized segment is acknowledged at once
    /// (SHLD-19); what is full-sized lies between `default_mss`, which holds if nobody said otherwise, and `rmss`, what
    /// we announced.
    pub(crate) fn text_arrived(&mut self, len: u32, default_mss: u32, rmss: u32, quick: bool) {
        self.bytes = self.bytes.saturating_add(len);
        self.largest = self.largest.max(len).max(default_mss).min(rmss);
        let quick = quick || (self.quick > 0 && !self.interactive);
        self.quick = self.quick.saturating_sub(1);
        self.owe(if quick || self.bytes >= 2 * self.largest { Due::Now } else { Due::Delayed });
    }

    /// Text has come.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// Text goes to the peer: an answer, where it goes soon enough.
    pub(crate) fn text_sent(&mut self, now: Instant) {
        let soon = self.heard.is_some_and(|heard| now.saturating_since(heard) < ANSWER);
        self.interactive |= soon || self.due == Due::Now;
    }

    /// The delay is over, and no answer came.
    pub(crate) fn delay_is_over(&mut self) {
        self.interactive = false;
    }

    /// An ACK of everything has been sent.
    pub(crate) fn sent(&mut self) {
        self.due = Due::Nothing;
        self.bytes = 0;
    }
}
