//! The stack's state as it can be told from outside: from its segments, from those that it is given, and from the calls.

use super::operation::UserCall;
use super::peer::Peer;
use super::segment::{ACK, FIN, RST, SYN, Segment, URG, before};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub use crate::stacks::user_calls::State;

impl State {
    /// Every state with its name in RFC 9293.
    pub const ALL: &'static [(State, &'static str)] = &[
        (State::Closed, "CLOSED"),
        (State::Listen, "LISTEN"),
        (State::SynSent, "SYN-SENT"),
        (State::SynReceived, "SYN-RECEIVED"),
        (State::Established, "ESTABLISHED"),
        (State::FinWait1, "FIN-WAIT-1"),
        (State::FinWait2, "FIN-WAIT-2"),
        (State::CloseWait, "CLOSE-WAIT"),
        (State::Closing, "CLOSING"),
        (State::LastAck, "LAST-ACK"),
        (State::TimeWait, "TIME-WAIT"),
    ];

    /// Its name in RFC 9293.
    pub fn name(self) -> &'static str {
        State::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    /// Whether both ends know each other's numbers.
    pub fn is_synchronized(self) -> bool {
        self > State::SynReceived
    }

    /// Whether there is a connection that segments could be in the window of.
    pub fn has_window(self) -> bool {
        self >= State::SynReceived
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Event {
    /// SYN without ACK.
    Syn,
    /// SYN with ACK.
    SynAck,
    /// RST that ends the connection: exactly at RCV.NXT; in SYN-SENT with the right acknowledgement; elsewhere any.
    Reset,
    /// Any other RST.
    ResetInexact,
    /// A segment outside of the window.
    Outside,
    /// An acknowledgement of what was not sent.
    AckUnsent,
    /// An acknowledgement below SND.UNA.
    AckOld,
    /// A segment without ACK.
    NoAck,
    /// FIN.
    Fin,
    /// Text at RCV.NXT.
    Text,
    /// Text that leaves a gap.
    TextAhead,
    /// Urgent data.
    Urgent,
    /// An acknowledgement of something new.
    AckNew,
    /// An acknowledgement of nothing new.
    Ack,
    /// Passive OPEN.
    Listen,
    /// Active OPEN.
    Connect,
    /// SEND.
    Send,
    /// RECEIVE.
    Receive,
    /// Shutting down one direction or both.
    Shutdown,
    /// CLOSE.
    Close,
    /// ABORT.
    Abort,
    /// Time passes.
    Time,
}

impl Event {
    /// Every event with the name that reports and classes use.
    pub const ALL: &'static [(Event, &'static str)] = &[
        (Event::Syn, "syn"),
        (Event::SynAck, "syn-ack"),
        (Event::Reset, "reset"),
        (Event::ResetInexact, "reset-inexact"),
        (Event::Outside, "outside"),
        (Event::AckUnsent, "ack-unsent"),
        (Event::AckOld, "ack-old"),
        (Event::NoAck, "no-ack"),
        (Event::Fin, "fin"),
        (Event::Text, "text"),
        (Event::TextAhead, "text-ahead"),
        (Event::Urgent, "urgent"),
        (Event::AckNew, "ack-new"),
        (Event::Ack, "ack"),
        (Event::Listen, "listen"),
        (Event::Connect, "connect"),
        (Event::Send, "send"),
        (Event::Receive, "receive"),
        (Event::Shutdown, "shutdown"),
        (Event::Close, "close"),
        (Event::Abort, "abort"),
        (Event::Time, "time"),
    ];

    /// The name that reports and classes use.
    pub fn name(self) -> &'static str {
        Event::ALL.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }

    /// Whether it can happen in `state`: without a window nothing is outside of it, without a socket nothing is called.
    pub fn is_possible_in(self, state: State) -> bool {
        use Event::{
            Abort, Ack, AckNew, AckOld, AckUnsent, Close, Connect, Listen, NoAck, Receive, Reset,
            ResetInexact,
        };
        use Event::{Send, Shutdown, Syn, SynAck, Time};
        match state {
            // Behind the acknowledgement of the FIN nothing is left to acknowledge (RFC 9293 3.3.2).
            State::FinWait2 | State::TimeWait if self == AckNew => false,
            State::Closed => matches!(self, Syn | SynAck | Reset | Ack | NoAck | Listen | Connect),
            State::Listen => matches!(self, Syn | SynAck | Reset | Ack | NoAck | Close | Time),
            State::SynSent => {
                let segments =
                    matches!(self, Syn | SynAck | Reset | ResetInexact | Ack | AckUnsent | AckOld | NoAck);
                segments || matches!(self, Send | Receive | Shutdown | Close | Abort | Time)
            }
            _ => !matches!(self, Listen | Connect),
        }
    }

    /// The event that a segment of the peer's is.
    pub(super) fn of_segment(segment: &Segment, peer: &Peer, state: State) -> Event {
        let ack = segment.has(ACK);
        if segment.has(RST) {
            let is_exact = match state {
                State::Closed | State::Listen => true,
                State::SynSent => ack && segment.ack == peer.stack_nxt,
                _ => segment.seq == peer.expected,
            };
            return if is_exact { Event::Reset } else { Event::ResetInexact };
        }
        if segment.has(SYN) {
            return if ack { Event::SynAck } else { Event::Syn };
        }
        if state.has_window() && !is_in_window(segment, peer) {
            return Event::Outside;
        }
        if !ack {
            return Event::NoAck;
        }
        if state < State::SynSent {
            return Event::Ack;
        }
        if before(peer.stack_nxt, segment.ack) {
            return Event::AckUnsent;
        }
        if before(segment.ack, peer.stack_una) {
            return Event::AckOld;
        }
        let is_new = before(peer.stack_una, segment.ack);
        match segment {
            _ if !state.has_window() => Event::Ack,
            s if s.has(FIN) => Event::Fin,
            s if s.has(URG) => Event::Urgent,
            s if !s.payload.is_empty() && before(peer.expected, s.seq) => Event::TextAhead,
            s if !s.payload.is_empty() => Event::Text,
            _ if is_new => Event::AckNew,
            _ => Event::Ack,
        }
    }

    /// The event that a call is; none where RFC 9293 knows no such call.
    pub(super) fn of_call(call: UserCall) -> Option<Event> {
        Some(match call {
            UserCall::Extra(call) => return call.plain().and_then(Event::of_call),
            UserCall::Send(_) => Event::Send,
            UserCall::Receive(_) => Event::Receive,
            UserCall::ShutdownWrite | UserCall::ShutdownRead | UserCall::ShutdownBoth => Event::Shutdown,
            UserCall::Close | UserCall::CloseListener => Event::Close,
            UserCall::Abort => Event::Abort,
            UserCall::Listen => Event::Listen,
            UserCall::Connect => Event::Connect,
            UserCall::Accept
            | UserCall::Nodelay
            | UserCall::ReceiveBuffer(_)
            | UserCall::Keepalive
            | UserCall::TakeError => return None,
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The four cases of RFC 9293 section 3.10.7.4, first step.
fn is_in_window(segment: &Segment, peer: &Peer) -> bool {
    let inside = |number: u32| !before(number, peer.expected) && before(number, peer.edge);
    match (segment.length(), peer.edge == peer.expected) {
        (0, true) => segment.seq == peer.expected,
        (_, true) => false,
        (0, false) => inside(segment.seq),
        (_, false) => inside(segment.seq) || inside(segment.end().wrapping_sub(1)),
    }
}

/// After so long without a word a connection in TIME-WAIT is taken for gone: twice the largest MSL in use.
const TIME_WAIT: Duration = Duration::from_secs(240);

/// The state, as far as can be told.
#[derive(Clone, Debug)]
pub struct Inference {
    /// The connection's state, LISTEN where there is none but a listener.
    pub state: State,
    is_listening: bool,
    waited: Duration,
    /// What it was before it was taken for gone.
    ended: State,
    /// It is half-open with the ends of one in TIME-WAIT, which goes on where the SYN was an old duplicate (RFC 9293 3.6.1).
    reopens: bool,
}

impl Default for Inference {
    fn default() -> Inference {
        Inference {
            state: State::Closed,
            is_listening: false,
            waited: Duration::ZERO,
            ended: State::Closed,
            reopens: false,
        }
    }
}

impl Inference {
    /// A call has returned.
    pub(super) fn called(&mut self, call: UserCall, succeeded: bool) {
        match call.plain() {
            UserCall::Listen if succeeded => {
                self.is_listening = true;
                self.state = self.state.max(State::Listen);
            }
            UserCall::CloseListener if succeeded => {
                self.is_listening = false;
                if self.state <= State::Listen {
                    self.state = State::Closed;
                }
            }
            UserCall::Close | UserCall::Abort if self.state == State::SynSent => self.gone(),
            _ => {}
        }
    }

    fn gone(&mut self) {
        let returns = self.reopens && self.state == State::SynReceived;
        self.ended = if returns { State::TimeWait } else { self.state };
        self.state = if self.is_listening { State::Listen } else { State::Closed };
    }

    /// Time passes without anything.
    pub(super) fn passed(&mut self, time: Duration) {
        self.waited += time;
        if self.state == State::TimeWait && self.waited >= TIME_WAIT {
            self.gone();
        }
    }

    /// The stack was given a segment; `peer` has taken note of it already.
    pub(super) fn given(&mut self, segment: &Segment, event: Event, peer: &Peer) {
        self.waited = Duration::ZERO;
        let is_ours = segment.ack == peer.stack_nxt && segment.has(ACK) && !peer.is_stale(segment);
        // The SYN of a handshake in which the SYNs have crossed comes a second time, with its acknowledgement.
        let is_second = event == Event::SynAck && segment.seq == peer.iss;
        match (self.state, event) {
            (state, Event::Reset) if state >= State::SynSent => self.gone(),
            (_, Event::Reset | Event::ResetInexact | Event::Outside | Event::AckUnsent) => {}
            (State::SynSent, Event::SynAck) if is_ours => self.state = State::Established,
            (State::SynReceived, _) if is_ours && is_second => self.state = State::Established,
            (_, Event::Syn | Event::SynAck) => {}
            (State::SynReceived, _) if is_ours => self.state = State::Established,
            (State::FinWait1, _) if is_ours => self.state = State::FinWait2,
            (State::Closing, _) if is_ours => self.state = State::TimeWait,
            (State::LastAck, _) if is_ours => self.gone(),
            _ => {}
        }
    }

    /// The stack has sent a segment; `peer` has taken note of it already.
    pub(super) fn sent(&mut self, segment: &Segment, peer: &Peer) {
        self.waited = Duration::ZERO;
        if segment.has(RST) {
            // A reset before the connection is synchronized answers a segment and leaves the state alone.
            if self.state.is_synchronized() {
                self.gone();
            }
            return;
        }
        if segment.has(SYN) {
            self.reopens = match self.state {
                State::TimeWait => true,
                state => self.reopens && state == State::SynReceived,
            };
            self.state = if segment.has(ACK) { State::SynReceived } else { State::SynSent };
            return;
        }
        if self.state <= State::Listen && segment.has(ACK) && self.ended > State::Listen {
            // What sends anything but a reset is not gone.
            self.state = self.ended;
        }
        if peer.fin.is_some_and(|fin| segment.has(ACK) && segment.ack == fin) {
            self.state = match self.state {
                State::Established => State::CloseWait,
                State::FinWait1 => State::Closing,
                State::FinWait2 => State::TimeWait,
                state => state,
            };
        }
        if segment.has(FIN) {
            self.state = match self.state {
                State::Established | State::SynReceived => State::FinWait1,
                State::CloseWait => State::LastAck,
                state => state,
            };
        }
    }
}
