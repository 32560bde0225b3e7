//! The bases of relative sequence numbers, and which connection a packet without ports belongs to.
//!
//! In our cases bases belong to a 4-tuple and a direction. Upstream scripts know one socket at a time, the one under
//! test, and their numbers are its: that is in [`under_test`](super::under_test).

use super::build_tcp::{ACK, SYN};
use super::dns::Query;
use super::under_test::Sockets;
use super::world::World;
use super::{dissect, names};
use crate::lang::ast::LayerKind;
use crate::sut::{Call, Medium, Rules, SocketAddress};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Linux's flag of a send that opens the connection (RFC 7413 section 4.2).
const MSG_FASTOPEN: i32 = 0x2000_0000;

/// Whether a frame goes to the stack or comes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The harness sends it.
    Inbound,
    /// The stack sends it.
    Outbound,
}

/// One direction of a connection: from whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) source: (IpAddr, u16),
    pub(super) destination: (IpAddr, u16),
}

impl Key {
    /// The other direction.
    pub(super) fn reverse(self) -> Key {
        Key { source: self.destination, destination: self.source }
    }
}

/// What is known of one direction of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Base {
    /// The sequence number of the SYN.
    isn: u32,
    /// The next SYN sets a new base: `new connection` was said.
    renew: bool,
    /// The first timestamp value that the stack sent.
    timestamp: Option<u32>,
}

/// The stack's port where a packet names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LocalPort {
    /// The world's.
    #[default]
    Default,
    /// The one that a call or a SYN told.
    Known(u16),
    /// The stack's next SYN or datagram tells.
    Open,
}

/// A TCP segment in the script's terms or on the wire, as far as bases are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) syn: bool,
    pub(super) ack: bool,
    pub(super) seq: u32,
}

/// The bases of relative sequence numbers, and which connection a packet without ports belongs to.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    bases: BTreeMap<Key, Base>,
    local_port: LocalPort,
    remote_port: Option<u16>,
    bound: BTreeMap<i32, u16>,
    /// The transaction of the DHCP message that was seen last.
    transaction: Option<u32>,
    /// The DNS query that was seen last.
    query: Query,
    /// Upstream's view.
    pub(super) sockets: Sockets,
    /// How upstream scripts treat timestamps.
    pub(super) timestamps: Timestamps,
}

/// How upstream scripts treat the timestamps that the stack sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// `--tcp_ts_tick_usecs`: the length of a tick; zero leaves the values unchecked.
    pub tick: Duration,
    /// `--tcp_ts_ecr_scaled`: an echo of a value that was never seen is computed from the first one.
    pub ecr_scaled: bool,
    /// By how much a value may be off: 4 ms, or an eighth of the time since the script's start where that is more.
    pub tolerance: Duration,
}

impl Flows {
    /// Sets how timestamps are treated in an upstream script; the tolerance grows with the script's time.
    pub fn set_timestamps(&mut self, timestamps: Timestamps) {
        self.timestamps = timestamps;
    }

    /// Tells what calls have been made, since `socket`, `bind`, `listen` and `connect` decide which connection a
    /// packet without ports belongs to.
    pub fn called(&mut self, call: &Call) {
        self.sockets.called(call);
        match call {
            Call::Bind { fd, address: SocketAddress::Ip(address) } => {
                self.bound.insert(*fd, address.port());
            }
            Call::Listen { fd, .. } => {
                self.local_port = self.bound_port(*fd).map_or(LocalPort::Default, LocalPort::Known);
                self.remote_port = None;
            }
            Call::Connect { fd, address: SocketAddress::Ip(address) } => self.connects(*fd, *address),
            Call::Sendto { fd, flags, address: SocketAddress::Ip(address), .. }
                if flags & MSG_FASTOPEN != 0 =>
            {
                self.connects(*fd, *address);
            }
            Call::Sendmsg { fd, message, flags } if flags & MSG_FASTOPEN != 0 => {
                if let Some(address) = message.name {
                    self.connects(*fd, address);
                }
            }
            Call::Close { fd } => {
                self.bound.remove(fd);
            }
            _ => {}
        }
    }

    fn connects(&mut self, fd: i32, address: SocketAddr) {
        self.local_port = self.bound_port(fd).map_or(LocalPort::Open, LocalPort::Known);
        self.remote_port = Some(address.port());
    }

    /// Whether a frame that the stack sent belongs to the socket under test of an upstream script. Its tool does not
    /// see any other frame. True in our cases, where every frame counts.
    pub fn concerns(&self, world: &World, medium: Medium, frame: &[u8]) -> bool {
        if world.setup.rules == Rules::Ours {
            return true;
        }
        let d = dissect::dissect(medium, frame);
        let last = d.parts.iter().rev().find(|p| p.kind != LayerKind::Payload);
        let (Some(last), Some((source, destination))) = (last, d.addresses(frame)) else { return false };
        let Some(protocol) = names::protocol_of(last.kind) else { return false };
        let get = |name| last.get(frame, name).unwrap_or(0) as u16;
        let key = Key { source: (source, get("sport")), destination: (destination, get("dport")) };
        let first = last.kind != LayerKind::Tcp || get("flags") & (SYN | ACK) == SYN;
        self.sockets.concerns(world, key, protocol, first)
    }

    fn bound_port(&self, fd: i32) -> Option<u16> {
        self.bound.get(&fd).copied().filter(|port| *port != 0)
    }

    /// A DHCP message of the stack was seen.
    pub(super) fn learn_transaction(&mut self, xid: u32) {
        self.transaction = Some(xid);
    }

    /// The transaction that a server answers where nothing is said.
    pub(super) fn transaction(&self) -> u32 {
        self.transaction.unwrap_or(0)
    }

    /// A DNS query of the stack was seen.
    pub(super) fn learn_query(&mut self, query: Query) {
        self.query = query;
    }

    /// The query that a response answers.
    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    /// `new connection`: the next SYN of each direction sets new bases.
    pub fn new_connection(&mut self) {
        for base in self.bases.values_mut() {
            base.renew = true;
        }
    }

    /// The ports of a packet that names none, the stack's and the peer's. The stack's is `None` where it chose it
    /// itself and has not shown it yet.
    pub(super) fn ports(&self, world: &World) -> (Option<u16>, u16) {
        if world.setup.rules == Rules::Packetdrill {
            return self.sockets.ports(world);
        }
        let local = match self.local_port {
            LocalPort::Default => Some(world.local_port),
            LocalPort::Known(port) => Some(port),
            LocalPort::Open => None,
        };
        (local, self.remote_port.unwrap_or(world.remote_port))
    }

    /// The stack has shown the port that it chose.
    pub(super) fn learn_port(&mut self, port: u16) {
        if self.local_port == LocalPort::Open {
            self.local_port = LocalPort::Known(port);
        }
    }

    /// The script sends a segment with the sequence number that it says.
    pub(super) fn sending(&mut self, key: Key, segment: Segment) {
        if segment.syn {
            self.set_base(key, segment.seq);
        }
    }

    /// A frame of the stack is looked at; its sequence number is that of the wire.
    pub(super) fn receiving(&mut self, key: Key, segment: Segment) {
        if segment.syn {
            self.set_base(key, segment.seq);
        }
    }

    fn set_base(&mut self, key: Key, isn: u32) {
        let base = self.bases.entry(key).or_insert(Base { isn, renew: true, timestamp: None });
        if base.renew {
            *base = Base { isn, renew: false, timestamp: None };
        }
    }

    /// What is added to a relative number of the side that sends in the direction of `key`.
    pub(super) fn base(&self, rules: Rules, key: Key, sender: Direction, syn: bool) -> u32 {
        match rules {
            Rules::Ours => self.bases.get(&key).map_or(0, |base| base.isn),
            Rules::Packetdrill => self.sockets.base(sender, syn),
        }
    }

    /// The first timestamp value in the direction of `key`; the one given becomes it where there is none.
    pub(super) fn first_timestamp(&mut self, key: Key, value: u32) -> u32 {
        *self.bases.entry(key).or_default().timestamp.get_or_insert(value)
    }

    /// The first timestamp value in the direction of `key`, if one was seen.
    pub(super) fn timestamp_base(&self, key: Key) -> Option<u32> {
        self.bases.get(&key).and_then(|base| base.timestamp)
    }
}
