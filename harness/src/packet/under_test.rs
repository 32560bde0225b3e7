//! Upstream's notion of a connection: scripts there have one socket under test, whose live ports and sequence numbers
//! differ from the script's.

use super::flows::{Direction, Key, Segment};
use super::world::World;
use crate::sut::{Call, SocketAddress};
use std::collections::BTreeMap;

/// The peer's port of the first passive open; every later one has the next, so that no connection meets the
/// TIME-WAIT of one before.
const FIRST_PEER_PORT: u16 = 49152;

/// IP protocol numbers of messages without ports.
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Stands for the descriptor of a socket that was closed.
const CLOSED: i32 = -1;

/// How far a socket has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    #[default]
    New,
    Listening,
    /// A segment was sent to the listener.
    Received,
    /// The listener's answer was seen.
    Answered,
    /// connect was called.
    Connecting,
    /// The SYN was expected.
    SynSent,
    /// The peer has answered.
    Open,
}

/// A socket of an upstream script.
#[derive(Clone, Debug, Default)]
struct Socket {
    fd: Option<i32>,
    /// As `socket` was given it.
    protocol: i32,
    state: State,
    /// It came of a segment to a listener, so its port is not its own: the kernel chooses another when it connects.
    is_child: bool,
    local_port: Option<u16>,
    remote_port: Option<u16>,
    /// The peer's initial sequence number, the same in the script and on the wire.
    remote_isn: u32,
    local_isn: u32,
    script_local_isn: u32,
    /// Timestamp values that the stack sent, by what the script calls them.
    timestamps: BTreeMap<u32, u32>,
    /// The first of them, the script's and the wire's.
    first_timestamp: Option<(u32, u32)>,
    /// The flow label that the script says, and the one on the wire.
    flow_label: Option<(u32, u32)>,
}

/// The sockets of an upstream script; the last is the one under test.
#[derive(Clone, Debug, Default)]
pub(super) struct Sockets {
    all: Vec<Socket>,
    children: u16,
}

impl Sockets {
    fn current(&self) -> Option<&Socket> {
        self.all.last()
    }

    /// The socket with this descriptor. Descriptors are not known until they are used; the first use of one belongs
    /// to the oldest socket without, first of those that `socket` made, then of those that `accept` gave out.
    fn by_fd(&mut self, fd: i32) -> Option<&mut Socket> {
        let known = self.all.iter().position(|s| s.fd == Some(fd));
        let unused = |is_child| self.all.iter().position(|s| s.fd.is_none() && s.is_child == is_child);
        let made = || unused(false).filter(|index| self.all[*index].state == State::New);
        let index = known.or_else(made).or_else(|| unused(true))?;
        let socket = self.all.get_mut(index)?;
        socket.fd = Some(fd);
        Some(socket)
    }

    pub(super) fn called(&mut self, call: &Call) {
        match call {
            Call::Socket { protocol, .. } => {
                self.all.push(Socket { protocol: *protocol, ..Socket::default() })
            }
            Call::Listen { fd, .. } => {
                if let Some(socket) = self.by_fd(*fd) {
                    socket.state = State::Listening;
                }
            }
            Call::Bind { fd, address: SocketAddress::Ip(address) } => {
                if let Some(socket) = self.by_fd(*fd)
                    && address.port() != 0
                {
                    socket.local_port = Some(address.port());
                }
            }
            Call::Connect { fd, address } => self.connects(*fd, address),
            // With MSG_FASTOPEN a send opens the connection; upstream takes any send to an address for one.
            Call::Sendto { fd, address, .. } => self.connects(*fd, address),
            Call::Sendmsg { fd, message, .. } => {
                if let Some(address) = message.name {
                    self.connects(*fd, &SocketAddress::Ip(address));
                }
            }
            Call::NullBuffer(call) => self.called(call),
            // The number may come back for another socket; what this one still sends is looked at all the same.
            Call::Close { fd } => {
                if let Some(socket) = self.all.iter_mut().find(|s| s.fd == Some(*fd)) {
                    socket.fd = Some(CLOSED);
                }
            }
            _ => {}
        }
    }

    fn connects(&mut self, fd: i32, address: &SocketAddress) {
        let Some(socket) = self.by_fd(fd) else { return };
        match address {
            SocketAddress::Ip(address) if socket.state == State::New => {
                socket.state = State::Connecting;
                socket.local_port = socket.local_port.filter(|_| !socket.is_child);
                socket.remote_port = Some(address.port());
            }
            SocketAddress::Unspecified => socket.state = State::New,
            _ => {}
        }
    }

    pub(super) fn ports(&self, world: &World) -> (Option<u16>, u16) {
        let Some(socket) = self.current() else { return (Some(world.local_port), world.remote_port) };
        let local = match socket.state {
            State::Connecting | State::SynSent => socket.local_port,
            _ => Some(socket.local_port.unwrap_or(world.local_port)),
        };
        (local, socket.remote_port.unwrap_or(world.remote_port))
    }

    /// The script sends a TCP segment: to a listener, or where no socket is open, it begins a connection.
    pub(super) fn sending(&mut self, world: &World, segment: Segment) {
        let parent = self.current().map(|s| (s.state, s.local_port));
        if let None | Some((State::Listening, _)) = parent {
            let local_port = parent.and_then(|(_, port)| port).unwrap_or(world.local_port);
            let remote_port = FIRST_PEER_PORT.wrapping_add(self.children);
            self.children = (self.children + 1) % (u16::MAX - FIRST_PEER_PORT);
            self.all.push(Socket {
                state: State::Received,
                is_child: true,
                local_port: Some(local_port),
                remote_port: Some(remote_port),
                remote_isn: segment.seq,
                ..Socket::default()
            });
        } else if let Some(socket) = self.all.last_mut()
            && socket.state == State::SynSent
            && segment.syn
            && segment.ack
        {
            socket.state = State::Open;
            socket.remote_isn = segment.seq;
        }
    }

    /// The script expects a segment, `said` in its terms, and `found` is on the wire.
    pub(super) fn expecting(&mut self, key: Key, said: Segment, found: Segment) {
        let Some(socket) = self.all.last_mut() else { return };
        if socket.state == State::Received && said.syn && said.ack {
            socket.script_local_isn = said.seq;
            socket.local_isn = found.seq;
            socket.state = State::Answered;
        }
        if socket.state == State::Connecting && said.syn && !said.ack {
            socket.script_local_isn = said.seq;
            socket.state = State::SynSent;
        }
        if socket.state == State::SynSent && found.syn && !found.ack {
            socket.local_port = Some(key.source.1);
            socket.local_isn = found.seq;
        }
    }

    /// The stack has shown the port that it chose for datagrams.
    pub(super) fn learn_port(&mut self, port: u16) {
        if let Some(socket) = self.all.last_mut()
            && socket.state == State::Connecting
            && socket.local_port.is_none()
        {
            socket.local_port = Some(port);
        }
    }

    pub(super) fn base(&self, sender: Direction, syn: bool) -> u32 {
        let Some(socket) = self.current() else { return 0 };
        match (sender, syn) {
            // As in tcpdump, numbers on a SYN are absolute.
            (Direction::Inbound, true) => 0,
            (Direction::Inbound, false) => socket.remote_isn,
            (Direction::Outbound, true) => socket.local_isn.wrapping_sub(socket.script_local_isn),
            (Direction::Outbound, false) => socket.local_isn,
        }
    }

    /// The stack sent the timestamp value `live` where the script says `script`; what the script would call it.
    pub(super) fn map_timestamp(&mut self, script: u32, live: u32) -> u32 {
        let Some(socket) = self.all.last_mut() else { return live };
        socket.timestamps.insert(script, live);
        let (first_script, first_live) = *socket.first_timestamp.get_or_insert((script, live));
        first_script.wrapping_add(live.wrapping_sub(first_live))
    }

    /// The value on the wire for an echo of `script`; `None` where no value that the stack sent tells.
    pub(super) fn live_timestamp(&self, script: u32, scaled: bool) -> Option<u32> {
        let socket = self.current()?;
        let computed = || {
            let (first_script, first_live) = socket.first_timestamp.filter(|_| scaled)?;
            Some(script.wrapping_sub(first_script).wrapping_add(first_live))
        };
        socket.timestamps.get(&script).copied().or_else(computed)
    }

    /// What is taken from a live timestamp value to get the script's; 0 before any was seen.
    pub(super) fn timestamp_base(&self) -> u32 {
        let first = self.current().and_then(|s| s.first_timestamp);
        first.map_or(0, |(script, live)| live.wrapping_sub(script))
    }

    /// Whether the flow label `live` can be what the script calls `script`: equal labels stay equal, different ones
    /// differ.
    pub(super) fn flow_label(&mut self, script: u32, live: u32) -> bool {
        let Some(socket) = self.all.last_mut() else { return true };
        match socket.flow_label {
            Some((said, seen)) => {
                let fits = (said == script) == (seen == live);
                if fits {
                    socket.flow_label = Some((script, live));
                }
                fits && live != 0
            }
            None => {
                socket.flow_label = Some((script, live));
                live != 0
            }
        }
    }

    /// Whether a frame with this key, from the stack, belongs to the socket under test. A SYN or a datagram (`first`)
    /// may show the port that the stack chose; messages without ports belong to a socket of their protocol.
    pub(super) fn concerns(&self, world: &World, key: Key, protocol: u8, first: bool) -> bool {
        let Some(socket) = self.current() else { return false };
        let (local, remote) = self.ports(world);
        let addresses = key.source.0 == world.local && key.destination.0 == world.remote;
        if matches!(protocol, ICMP | ICMPV6) {
            return addresses && socket.protocol == i32::from(protocol);
        }
        let waiting = matches!(socket.state, State::Connecting | State::SynSent);
        let own = local == Some(key.source.1) || (waiting && first && local.is_none());
        addresses && own && key.destination.1 == remote
    }
}
