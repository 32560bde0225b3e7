//! The eleven states of a connection (RFC 9293 3.3.2).

use core::fmt;

/// A state. LISTEN belongs to a listener; a connection begins in SYN-SENT or SYN-RECEIVED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No connection.
    Closed,
    /// Waiting for a connection request.
    Listen,
    /// Waiting for a matching request after having sent one.
    SynSent,
    /// Waiting for the acknowledgment of our request after having received and sent one.
    SynReceived,
    /// Open: data flows both ways.
    Established,
    /// Our FIN is sent or queued behind data; neither it nor the peer's has been acknowledged or seen.
    FinWait1,
    /// Our FIN is acknowledged; waiting for the peer's.
    FinWait2,
    /// The peer's FIN has come; waiting for the user's CLOSE.
    CloseWait,
    /// Both FINs are sent; waiting for the acknowledgment of ours.
    Closing,
    /// The peer's FIN came first, ours is sent; waiting for its acknowledgment.
    LastAck,
    /// Waiting until the peer has surely got our acknowledgment of its FIN and old segments are gone.
    TimeWait,
}

impl State {
    /// Every state.
    pub const ALL: [State; 11] = [
        State::Closed,
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// Whether both sequence spaces are agreed on: ESTABLISHED and what comes after (RFC 9293 3.5.2 group 3).
    pub fn is_synchronized(self) -> bool {
        self >= State::Established
    }

    /// Whether text from the peer may still arrive (RFC 9293 3.10.7.4, seventh).
    pub fn receives_text(self) -> bool {
        matches!(self, State::Established | State::FinWait1 | State::FinWait2)
    }

    /// Whether the user may still send (RFC 9293 3.10.2), be it that the data waits for ESTABLISHED.
    pub fn accepts_send(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived | State::Established | State::CloseWait)
    }
}

impl fmt::Display for State {
    /// The RFC's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Closed => "CLOSED",
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        })
    }
}
