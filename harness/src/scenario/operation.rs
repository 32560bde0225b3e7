//! What a scenario does, in terms that hold whatever the stack has done before: a segment's numbers are relative to the
//! connection, a call's descriptor is the connection's.

use super::extras::{self, Extra, ExtraCall, IcmpError, Setting};
use super::record::Record;
use super::segment::{ACK, FIN, PSH, RST, SYN, URG};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the connection is like when the scenario's first operation comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// ESTABLISHED, opened by the peer.
    Established,
    /// ESTABLISHED, opened by the stack.
    Connected,
    /// LISTEN.
    Listen,
    /// SYN-SENT.
    SynSent,
    /// SYN-RECEIVED from LISTEN.
    SynReceived,
    /// SYN-RECEIVED from SYN-SENT: the SYNs have crossed.
    Crossing,
    /// FIN-WAIT-1.
    FinWait1,
    /// FIN-WAIT-2.
    FinWait2,
    /// CLOSE-WAIT.
    CloseWait,
    /// CLOSING.
    Closing,
    /// LAST-ACK.
    LastAck,
    /// TIME-WAIT.
    TimeWait,
    /// Nothing: no socket.
    Closed,
}

/// Which IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// How a scenario begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Where the connection is.
    pub start: Start,
    /// Which IP it runs over.
    pub version: Version,
    /// What the peer's SYN offers.
    pub offer: Offer,
    /// The peer's initial sequence number.
    pub iss: u32,
    /// The window of the peer's segments where they say nothing else, unscaled.
    pub window: u16,
    /// The host's settings that are not as usual.
    pub settings: &'static [Setting],
}

/// The options of the peer's SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Maximum segment size.
    pub mss: Option<u16>,
    /// Window scale.
    pub scale: Option<u8>,
    /// SACK permitted.
    pub sack: bool,
    /// Timestamps.
    pub timestamps: bool,
}

pub(super) const STARTS: &[Start] = &[
    Start::Established,
    Start::Connected,
    Start::Listen,
    Start::SynSent,
    Start::SynReceived,
    Start::Crossing,
    Start::FinWait1,
    Start::FinWait2,
    Start::CloseWait,
    Start::Closing,
    Start::LastAck,
    Start::TimeWait,
    Start::Closed,
    Start::Established,
    Start::Established,
    Start::Connected,
];
pub(super) const SIZES: &[Option<u16>] = &[Some(1460), Some(1000), Some(536), None, Some(100), Some(65_535)];
pub(super) const SCALES: &[Option<u8>] = &[None, Some(0), Some(7), Some(2), None, Some(14)];
pub(super) const FIRST_NUMBERS: &[u32] = &[0x1000_0000, 0xffff_ff00, 0x7fff_ff00, 0];
pub(super) const WINDOWS: &[u16] = &[65_535, 30_000, 5_000, 1_000, 100, 0];

impl Opening {
    /// Takes away what [`super::extras`] reads.
    pub(super) fn plain(record: &mut Record) {
        record.0[7] = 0;
    }

    /// Takes away what hides too much of what else a scenario could show: a window that is closed for good.
    pub(super) fn tame(record: &mut Record) {
        if Opening::decode(record).window == 0 {
            record.0[6] = 0;
        }
    }

    /// Reads the first record of a scenario.
    pub fn decode(record: &Record) -> Opening {
        let options = record.0[4];
        Opening {
            start: record.choose(0, STARTS),
            version: if record.0[1] & 7 == 7 { Version::V6 } else { Version::V4 },
            offer: Offer {
                mss: record.choose(2, SIZES),
                scale: record.choose(3, SCALES),
                sack: options & 1 != 0,
                timestamps: options & 2 != 0,
            },
            iss: record.choose(5, FIRST_NUMBERS),
            window: record.choose(6, WINDOWS),
            settings: extras::settings(record),
        }
    }
}

/// One thing that is done, and how long nothing is done after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What.
    pub what: What,
    /// How long until the next one, at least a millisecond.
    pub pause: Duration,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The peer sends a segment.
    Segment(Plan),
    /// The user makes a call.
    Call(UserCall),
    /// Something happens to the peer's segments on the way.
    Network(Effect),
    /// Nothing: time passes.
    Wait,
}

/// Which number a distance is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The next number that the sender would use.
    Next,
    /// The first number that is not acknowledged.
    Acked,
    /// The right edge of the receiver's window.
    Edge,
    /// The number of the SYN.
    First,
}

/// A segment of the peer's relative to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The control bits, FIN lowest.
    pub flags: u8,
    /// The sequence number: in the peer's own numbers, the edge being that of the stack's window.
    pub seq: (Anchor, i64),
    /// The acknowledgement number: in the stack's numbers; the edge is that of the peer's window.
    pub ack: (Anchor, i64),
    /// The window, where it is not the scenario's own.
    pub window: Option<u16>,
    /// The options.
    pub options: OptionsPlan,
    /// How many bytes of payload.
    pub payload: u16,
    /// The urgent pointer.
    pub urgent: u16,
    /// What few segments have.
    pub extra: Extra,
}

/// The options of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsPlan {
    /// What belongs there: the offer in a SYN, timestamps where they were agreed on.
    Usual,
    /// None at all.
    None,
    /// Timestamps whose TSval is this much off.
    Timestamp(i32),
    /// Timestamps whose TSecr is this much off.
    Echo(i32),
    /// A SACK block of the stack's numbers: from so many bytes behind SND.UNA, so many long.
    Sack(i32, u32),
    /// A maximum segment size, in whatever segment.
    Mss(u16),
    /// A window scale, in whatever segment.
    Scale(u8),
    /// Bytes that are not an option, or not one that is known.
    Raw(&'static [u8]),
}

/// A call of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UserCall {
    /// SEND so many bytes.
    Send(u16),
    /// RECEIVE so many bytes at most.
    Receive(u16),
    /// Shut down the sending side.
    ShutdownWrite,
    /// CLOSE.
    Close,
    /// Accept a connection.
    Accept,
    /// OPEN, passive.
    Listen,
    /// OPEN, active.
    Connect,
    /// ABORT: close with a linger time of zero.
    Abort,
    /// Shut down the receiving side.
    ShutdownRead,
    /// Shut down both.
    ShutdownBoth,
    /// Close the listener.
    CloseListener,
    /// TCP_NODELAY on.
    Nodelay,
    /// The receive buffer of the connection is made small: so many bytes.
    ReceiveBuffer(u16),
    /// Keep-alive on, probing after 10 s.
    Keepalive,
    /// Take the pending error (SO_ERROR).
    TakeError,
    /// One that few users make.
    Extra(ExtraCall),
}

impl UserCall {
    /// The call of RFC 9293 that this one is, or is a form of.
    pub fn plain(self) -> UserCall {
        match self {
            UserCall::Extra(call) => call.plain().unwrap_or(self),
            call => call,
        }
    }
}

/// What happens to segments of the peer's on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The last segment arrives once more.
    Duplicate,
    /// So many bytes of the peer's data are lost: what it sends next is behind them.
    Lose(u16),
    /// Two segments of so many bytes arrive in the wrong order.
    Swap(u16),
    /// What was lost is sent again.
    Repair,
    /// A router or the peer's host reports an error about what the stack sent last.
    Icmp(IcmpError),
}

pub(super) const KINDS: &[Kind] = &[
    Kind::Segment,
    Kind::Segment,
    Kind::Call,
    Kind::Segment,
    Kind::Wait,
    Kind::Segment,
    Kind::Call,
    Kind::Network,
];
/// What kind of operation a record is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Segment,
    Call,
    Network,
    Wait,
}

pub(super) const FLAGS: &[u8] = &[
    ACK,
    ACK | PSH,
    ACK | FIN,
    RST,
    SYN,
    ACK,
    ACK | SYN,
    ACK | RST,
    ACK | PSH | FIN,
    0,
    ACK | URG,
    FIN,
    PSH,
    SYN | FIN,
    SYN | RST,
    ACK,
];
pub(super) const ANCHORS: &[Anchor] =
    &[Anchor::Next, Anchor::Next, Anchor::Acked, Anchor::Edge, Anchor::Next, Anchor::First];
pub(super) const DISTANCES: &[i64] = &[
    0,
    0,
    0,
    0,
    -1,
    1,
    -2,
    2,
    0,
    10,
    -10,
    100,
    -100,
    1000,
    -1000,
    1460,
    -1460,
    5000,
    40_000,
    65_535,
    -65_536,
    0x7fff_ffff,
    0x8000_0000,
    0x4000_0000,
];
pub(super) const PEER_WINDOWS: &[Option<u16>] = &[
    None,
    None,
    Some(0),
    None,
    Some(1),
    Some(100),
    Some(1000),
    Some(1460),
    Some(5000),
    Some(32_768),
    None,
    Some(65_535),
];
pub(super) const OPTIONS: &[OptionsPlan] = &[
    OptionsPlan::Usual,
    OptionsPlan::Usual,
    OptionsPlan::Usual,
    OptionsPlan::Usual,
    OptionsPlan::None,
    OptionsPlan::Timestamp(-1),
    OptionsPlan::Timestamp(-1_000_000),
    OptionsPlan::Timestamp(1_000_000),
    OptionsPlan::Echo(-1),
    OptionsPlan::Echo(1_000_000),
    OptionsPlan::Sack(1000, 1000),
    OptionsPlan::Sack(1, 10),
    OptionsPlan::Sack(100_000, 10),
    OptionsPlan::Sack(-1000, 500),
    OptionsPlan::Sack(0, 1000),
    OptionsPlan::Mss(0),
    OptionsPlan::Mss(500),
    OptionsPlan::Scale(3),
    OptionsPlan::Scale(255),
    OptionsPlan::Raw(&[5, 1]),
    OptionsPlan::Raw(&[253, 4, 0xf9, 0x89]),
    OptionsPlan::Raw(&[8, 10, 0]),
    OptionsPlan::Raw(&[0, 255, 255]),
    OptionsPlan::Raw(&[5, 255]),
];
pub(super) const PAYLOADS: &[u16] = &[0, 0, 1, 10, 0, 100, 536, 1000, 1400, 0];
pub(super) const POINTERS: &[u16] = &[0, 1, 5, 10, 1000, 65_535];
pub(super) const CALLS: &[UserCall] = &[
    UserCall::Receive(10_000),
    UserCall::Send(100),
    UserCall::Send(1000),
    UserCall::Receive(10),
    UserCall::Send(5000),
    UserCall::ShutdownWrite,
    UserCall::Close,
    UserCall::Send(1),
    UserCall::Accept,
    UserCall::Abort,
    UserCall::Listen,
    UserCall::Connect,
    UserCall::Send(40_000),
    UserCall::ShutdownRead,
    UserCall::ShutdownBoth,
    UserCall::CloseListener,
    UserCall::Nodelay,
    UserCall::ReceiveBuffer(2000),
    UserCall::Keepalive,
    UserCall::TakeError,
    UserCall::Receive(1000),
    UserCall::Close,
    UserCall::Accept,
];
pub(super) const EFFECTS: &[Effect] = &[
    Effect::Duplicate,
    Effect::Lose(1000),
    Effect::Swap(500),
    Effect::Repair,
    Effect::Lose(1),
    Effect::Swap(1),
    Effect::Swap(1400),
];
/// Waits, in milliseconds.
pub(super) const WAITS: &[u64] =
    &[10, 50, 100, 250, 600, 1_100, 3_300, 7_000, 20_000, 65_000, 130_000, 250_000, 1_000_000];
/// Pauses behind other operations, in milliseconds.
pub(super) const PAUSES: &[u64] = &[1, 1, 1, 1, 1, 10, 60, 300];

impl Operation {
    /// An operation with nothing but a millisecond behind it.
    pub fn at_once(what: What) -> Operation {
        Operation { what, pause: Duration::from_millis(1) }
    }

    /// Takes away what [`super::extras`] reads.
    pub(super) fn plain(record: &mut Record) {
        match record.choose(0, KINDS) {
            Kind::Segment => record.0[10] = 0,
            Kind::Call | Kind::Network => record.0[2] = 0,
            Kind::Wait => {}
        }
    }

    /// Takes away what hides too much of what else a scenario could show: an option of no known form, a segment without any of ACK, RST
    /// and SYN.
    pub(super) fn tame(record: &mut Record) {
        let What::Segment(plan) = Operation::decode(record).what else { return };
        if matches!(plan.options, OptionsPlan::Raw(_)) {
            record.0[7] = 0;
        }
        if plan.flags & (ACK | RST | SYN) == 0 {
            record.0[1] = 0;
        }
    }

    /// Reads a record behind the first.
    pub fn decode(record: &Record) -> Operation {
        let pause = record.choose(11, PAUSES);
        let (what, pause) = match record.choose(0, KINDS) {
            Kind::Segment => (What::Segment(Plan::decode(record)), pause),
            Kind::Call => {
                let extra = ExtraCall::decode(record).map(UserCall::Extra);
                (What::Call(extra.unwrap_or(record.choose(1, CALLS))), pause)
            }
            Kind::Network => {
                let error = IcmpError::decode(record).map(Effect::Icmp);
                (What::Network(error.unwrap_or(record.choose(1, EFFECTS))), pause)
            }
            Kind::Wait => (What::Wait, record.choose(1, WAITS)),
        };
        Operation { what, pause: Duration::from_millis(pause) }
    }
}

impl Plan {
    /// An acknowledgement of everything, without payload.
    pub const PLAIN: Plan = Plan {
        flags: ACK,
        seq: (Anchor::Next, 0),
        ack: (Anchor::Next, 0),
        window: None,
        options: OptionsPlan::Usual,
        payload: 0,
        urgent: 0,
        extra: Extra::None,
    };

    fn decode(record: &Record) -> Plan {
        let flags =
            if record.bit(1, 7) && record.bit(1, 6) { record.0[1] & 0x3f } else { record.choose(1, FLAGS) };
        Plan {
            flags,
            seq: (record.choose(2, ANCHORS), record.choose(3, DISTANCES)),
            ack: (record.choose(4, ANCHORS), record.choose(5, DISTANCES)),
            window: record.choose(6, PEER_WINDOWS),
            options: record.choose(7, OPTIONS),
            payload: record.choose(8, PAYLOADS),
            urgent: if flags & URG == 0 { 0 } else { record.choose(9, POINTERS) },
            extra: Extra::decode(record),
        }
    }
}

impl Opening {
    /// What leads to where the scenario begins.
    pub fn operations(&self) -> Vec<Operation> {
        let call = |call| What::Call(call);
        let flags = |flags| What::Segment(Plan { flags, ..Plan::PLAIN });
        let syn = What::Segment(Plan { flags: SYN, ..Plan::PLAIN });
        let (ack, fin) = (flags(ACK), flags(FIN | ACK));
        let mut steps = match self.start {
            Start::Closed => vec![],
            Start::Connected => vec![call(UserCall::Connect), flags(SYN | ACK)],
            Start::SynSent => vec![call(UserCall::Connect)],
            Start::Crossing => vec![call(UserCall::Connect), syn],
            Start::Listen => vec![call(UserCall::Listen)],
            Start::SynReceived => vec![call(UserCall::Listen), syn],
            _ => vec![call(UserCall::Listen), syn, ack, call(UserCall::Accept)],
        };
        // The acknowledgement that does not cover the stack's FIN.
        let crossing_fin = What::Segment(Plan { flags: FIN | ACK, ack: (Anchor::Next, -1), ..Plan::PLAIN });
        let shutdown = call(UserCall::ShutdownWrite);
        steps.extend(match self.start {
            Start::FinWait1 => vec![shutdown],
            Start::FinWait2 => vec![shutdown, ack],
            Start::CloseWait => vec![fin],
            Start::Closing => vec![shutdown, crossing_fin],
            Start::LastAck => vec![fin, shutdown],
            Start::TimeWait => vec![shutdown, fin],
            _ => vec![],
        });
        steps.into_iter().map(Operation::at_once).collect()
    }
}
