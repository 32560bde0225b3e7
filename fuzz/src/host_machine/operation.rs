//! What is done to a host, read from records. Zero is the tamest value of each byte.

use harness::scenario::record::{Record, records};
use std::time::Duration;

/// The most operations of an input.
const MOST: usize = 64;

/// How a scenario begins, and what is done then.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// Neighbours that are asked for answer.
    pub(super) has_neighbours: bool,
    /// The host is a router.
    pub(super) forwards: bool,
    pub(super) operations: Vec<Operation>,
}

/// One thing that is done, and how long nothing is done after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) what: What,
    /// The interface that a frame arrives at.
    pub(super) interface: usize,
    pub(super) to: LinkDestination,
    /// Bits of one byte of the frame that are turned round: where, and which. What is turned round before checksums are computed
    /// has right ones.
    pub(super) alter: Option<Alter>,
    pub(super) pause: Duration,
}

/// Bits that are turned round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alter {
    pub(super) at: u8,
    pub(super) bits: u8,
    pub(super) is_repaired: bool,
}

/// Whom a frame is for on an Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkDestination {
    /// Whoever has the IP address, or the group's hardware address.
    Usual,
    Broadcast,
    Multicast,
    Other,
}

/// What an operation does.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Datagram(Datagram),
    /// So many of the same, each from a source or with an identification of its own.
    Flood(Datagram, u16),
    Arp {
        kind: u8,
        sender: u8,
        target: u8,
        is_false: bool,
    },
    Discovery {
        kind: u8,
        source: u8,
        target: u8,
        flags: u8,
        option: u8,
        hop_limit: u8,
    },
    /// The last frame that the host sent comes back: as it is, or from where it was sent to.
    Reflect {
        is_turned: bool,
    },
    Call(HostCall),
    Wait,
}

/// A datagram, its parts chosen from tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram {
    pub(super) is_v6: bool,
    /// Places in the tables of addresses.
    pub(super) source: u8,
    pub(super) destination: u8,
    pub(super) ttl: u8,
    pub(super) upper: Upper,
    /// Options or extension headers.
    pub(super) extras: u8,
    /// How it is cut into fragments.
    pub(super) cut: &'static [Piece],
    /// Its identification is that of the datagram before.
    pub(super) is_again: bool,
    /// Bytes of data behind the transport's header.
    pub(super) length: u16,
}

/// What a datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upper {
    Echo,
    EchoReply,
    /// To the port that is open, and to another one.
    Udp,
    UdpClosed,
    /// With these control bits, to a port where nobody listens.
    Tcp(u8),
    /// A protocol that nobody has.
    Unknown,
    /// A query for groups, and a report.
    Query,
    Report,
    /// An ICMP error (type of ICMPv4, type of ICMPv6, code, a number) about what the host sent last.
    Error(u8, u8, u8, u32),
}

/// One fragment: from so many eighths of the datagram's length to so many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) from: u8,
    pub(super) to: u8,
    /// It says the opposite of what is right about more fragments.
    pub(super) has_wrong_end: bool,
    /// Its bytes are not those of the datagram.
    pub(super) is_dirty: bool,
}

/// What the user or the administrator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostCall {
    /// A datagram of so many bytes to an address.
    Send {
        is_v6: bool,
        destination: u8,
        length: u16,
    },
    Receive,
    Link {
        up: bool,
    },
    Address {
        is_v6: bool,
        which: u8,
        add: bool,
    },
    Route {
        is_v6: bool,
        which: u8,
        add: bool,
    },
    Group {
        is_v6: bool,
        join: bool,
    },
}

const fn piece(from: u8, to: u8) -> Piece {
    Piece { from, to, has_wrong_end: false, is_dirty: false }
}

const fn dirty(from: u8, to: u8) -> Piece {
    Piece { is_dirty: true, ..piece(from, to) }
}

const fn wrong(from: u8, to: u8) -> Piece {
    Piece { has_wrong_end: true, ..piece(from, to) }
}

/// Ways to cut a datagram; the first leaves it whole.
const CUTS: [&[Piece]; 16] = [
    &[],
    &[piece(0, 4), piece(4, 8)],
    &[piece(4, 8), piece(0, 4)],
    &[piece(0, 4)],
    &[piece(4, 8)],
    &[piece(0, 5), piece(3, 8)],
    &[piece(0, 5), dirty(3, 8)],
    &[dirty(3, 8), piece(0, 5)],
    &[piece(0, 4), piece(0, 4), piece(4, 8)],
    &[wrong(0, 8)],
    &[piece(0, 8)],
    &[piece(0, 2), piece(4, 6), piece(2, 4), piece(6, 8)],
    &[piece(0, 4), wrong(4, 8)],
    &[wrong(0, 4), piece(4, 8)],
    &[piece(2, 4), dirty(0, 8)],
    &[piece(1, 8), piece(0, 1)],
];
const UPPERS: [Upper; 20] = [
    Upper::Echo,
    Upper::Udp,
    Upper::UdpClosed,
    Upper::Tcp(2),
    Upper::Unknown,
    Upper::EchoReply,
    Upper::Tcp(4),
    Upper::Tcp(16),
    Upper::Query,
    Upper::Report,
    Upper::Error(3, 1, 1, 0),
    Upper::Error(3, 1, 3, 0),
    Upper::Error(3, 2, 4, 1280),
    Upper::Error(3, 2, 4, 68),
    Upper::Error(3, 2, 4, 0),
    Upper::Error(11, 3, 0, 0),
    Upper::Error(12, 4, 0, 0x1400_0000),
    Upper::Error(5, 137, 1, 0xc000_0203),
    Upper::Error(4, 4, 2, 6),
    Upper::Error(3, 1, 0, 0),
];
const TTLS: [u8; 6] = [64, 255, 1, 2, 0, 3];
const LENGTHS: [u16; 10] = [64, 0, 8, 500, 1200, 1472, 1400, 3000, 17, 8000];
const FLOODS: [u16; 4] = [20, 100, 400, 1500];
/// Where datagrams go, the host itself first.
const DESTINATIONS: [u8; 16] = [1, 3, 4, 5, 6, 2, 8, 10, 9, 7, 11, 0, 12, 13, 14, 15];
/// Waits, in milliseconds.
const WAITS: [u64; 9] = [10, 100, 1_000, 3_000, 6_000, 31_000, 61_000, 130_000, 1_000_000];
const PAUSES: [u64; 4] = [1, 1, 1, 100];

fn choose<T: Copy>(record: &Record, at: usize, table: &[T]) -> T {
    table[usize::from(record.0[at]) % table.len()]
}

impl Scenario {
    /// Reads any bytes.
    pub(super) fn decode(data: &[u8]) -> Scenario {
        let mut records = records(data);
        let opening = records.next().unwrap_or_default();
        Scenario {
            has_neighbours: opening.0[0] & 1 == 0,
            forwards: opening.0[1] & 1 == 0,
            operations: records.take(MOST).map(|record| Operation::decode(&record)).collect(),
        }
    }
}

impl Operation {
    fn decode(record: &Record) -> Operation {
        let [kind, sub, a, b, c, ..] = record.0;
        let mut pause = choose(record, 11, &PAUSES);
        let what = match kind % 13 {
            0..=6 => What::Datagram(Datagram::decode(record)),
            7 => What::Arp { kind: sub, sender: a, target: b, is_false: record.0[5] & 1 == 1 },
            8 => What::Discovery {
                kind: sub,
                source: a,
                target: b,
                flags: record.0[5],
                option: record.0[6],
                hop_limit: if record.0[7] & 1 == 0 { 255 } else { 64 },
            },
            9 => What::Reflect { is_turned: sub & 1 == 0 },
            10 => What::Call(HostCall::decode(record)),
            11 => What::Flood(Datagram::decode(record), FLOODS[usize::from(kind / 13) % 4]),
            _ => {
                pause = choose(record, 1, &WAITS);
                What::Wait
            }
        };
        let to = match c >> 4 & 7 {
            1 => LinkDestination::Broadcast,
            2 => LinkDestination::Multicast,
            3 => LinkDestination::Other,
            _ => LinkDestination::Usual,
        };
        let [.., at, bits, _] = record.0;
        let alter = (bits != 0).then_some(Alter { at: at & 0x7f, bits, is_repaired: at & 0x80 == 0 });
        Operation { what, interface: usize::from(c & 3) % 3, to, alter, pause: Duration::from_millis(pause) }
    }
}

impl Datagram {
    fn decode(record: &Record) -> Datagram {
        Datagram {
            upper: choose(record, 1, &UPPERS),
            source: record.0[2] & 15,
            destination: choose(record, 3, &DESTINATIONS),
            is_v6: record.0[2] & 0x80 != 0,
            ttl: choose(record, 5, &TTLS),
            extras: record.0[6],
            cut: CUTS[usize::from(record.0[7] & 15)],
            is_again: record.0[7] & 0x80 != 0,
            length: choose(record, 8, &LENGTHS),
        }
    }
}

impl HostCall {
    fn decode(record: &Record) -> HostCall {
        let is_v6 = record.0[2] & 0x80 != 0;
        let which = choose(record, 3, &DESTINATIONS);
        match record.0[1] % 10 {
            0..=2 => HostCall::Send {
                is_v6,
                destination: if which == 1 { 0 } else { which },
                length: choose(record, 8, &LENGTHS),
            },
            3 => HostCall::Receive,
            4 => HostCall::Link { up: false },
            5 => HostCall::Link { up: true },
            6 => HostCall::Address { is_v6, which, add: record.0[5] & 1 == 0 },
            7 => HostCall::Route { is_v6, which, add: record.0[5] & 1 == 0 },
            8 => HostCall::Group { is_v6, join: true },
            _ => HostCall::Group { is_v6, join: false },
        }
    }
}
