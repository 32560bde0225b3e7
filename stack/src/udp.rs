//! UDP below the descriptors: who gets a datagram (RFC 768, RFC 1122 4.1).

use crate::icmp::Reported;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// Names a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UdpId(u32);

/// A datagram that waits for its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) data: Vec<u8>,
}

/// What every datagram costs of the buffer besides its bytes, so that empty ones are bounded too.
const OVERHEAD: usize = 64;

/// A socket.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Whether it takes IPv4 datagrams.
    pub(crate) ipv4: bool,
    /// Whether it takes IPv6 datagrams.
    pub(crate) ipv6: bool,
    /// The address that it is bound to; `None`: all of the host's.
    pub(crate) address: Option<IpAddr>,
    /// The port that it is bound to; 0: not yet.
    port: u16,
    /// The peer that it is connected to.
    pub(crate) remote: Option<SocketAddr>,
    /// The interface whose zone the peer's address is in (RFC 4007 6); `None`: any.
    pub(crate) zone: Option<usize>,
    /// Whether its datagrams over IPv6 leave without a checksum (RFC 6935 5).
    pub(crate) sends_unchecked: bool,
    /// Whether it takes datagrams over IPv6 that have none.
    pub(crate) takes_unchecked: bool,
    /// Bytes that it keeps for its reader.
    pub(crate) capacity: usize,
    /// An error that ICMP brought and that nobody has seen.
    pub(crate) error: Option<Reported>,
    queue: VecDeque<Datagram>,
    queued: usize,
    arrivals: u64,
}

impl Socket {
    /// The oldest datagram.
    pub(crate) fn peek(&self) -> Option<&Datagram> {
        self.queue.front()
    }

    /// How many datagrams have ever come.
    pub(crate) fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Takes the oldest datagram.
    pub(crate) fn receive(&mut self) -> Option<Datagram> {
        let datagram = self.queue.pop_front()?;
        self.queued -= datagram.data.len() + OVERHEAD;
        Some(datagram)
    }

    /// The port that it is bound to; 0: not yet.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How well a datagram fits; `None` where it is not for this socket.
    fn fits(&self, arrived: &Arrived<'_>) -> Option<u8> {
        let to = arrived.to.ip();
        let family = if to.is_ipv4() { self.ipv4 } else { self.ipv6 };
        let address = self.address.is_none_or(|own| own == to);
        let remote = self.remote.is_none_or(|peer| peer == arrived.from);
        let zone = self.zone.is_none_or(|zone| zone == arrived.interface);
        let checked = arrived.is_checked || self.takes_unchecked;
        (family && address && remote && zone && checked)
            .then(|| u8::from(self.address.is_some()) + 2 * u8::from(self.remote.is_some()))
    }

    fn push(&mut self, from: SocketAddr, data: &[u8]) {
        let cost = data.len() + OVERHEAD;
        // A full buffer drops the newest, as sockets do.
        if self.queued + cost <= self.capacity {
            self.queued += cost;
            self.arrivals += 1;
            self.queue.push_back(Datagram { from, data: data.to_vec() });
        }
    }
}

/// A datagram that has just come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// It was sent to a broadcast or multicast address.
    pub(crate) to_all: bool,
    pub(crate) interface: usize,
    /// Its header has the checksum that its family asks for.
    pub(crate) is_checked: bool,
    pub(crate) data: &'a [u8],
}

/// The sockets of a host.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    next: u32,
    sockets: BTreeMap<UdpId, Socket>,
    ports: BTreeMap<u16, Vec<UdpId>>,
}

impl Sockets {
    /// A socket without a port, which takes datagrams of the given families.
    pub(crate) fn open(&mut self, ipv4: bool, ipv6: bool, capacity: usize) -> UdpId {
        let id = UdpId(self.next);
        self.next = self.next.wrapping_add(1);
        let socket = Socket {
            ipv4,
            ipv6,
            address: None,
            port: 0,
            remote: None,
            zone: None,
            sends_unchecked: false,
            takes_unchecked: false,
            capacity,
            error: None,
            queue: VecDeque::new(),
            queued: 0,
            arrivals: 0,
        };
        self.sockets.insert(id, socket);
        id
    }

    pub(crate) fn get(&self, id: UdpId) -> Option<&Socket> {
        self.sockets.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: UdpId) -> Option<&mut Socket> {
        self.sockets.get_mut(&id)
    }

    /// Binds a socket; the caller has checked that it may have the port.
    pub(crate) fn bind(&mut self, id: UdpId, address: Option<IpAddr>, port: u16) {
        let Some(socket) = self.sockets.get_mut(&id) else { return };
        socket.address = address;
        if socket.port != port {
            self.ports.entry(socket.port).or_default().retain(|other| *other != id);
            socket.port = port;
            self.ports.entry(port).or_default().push(id);
        }
    }

    /// Whether a socket has the port, with whatever address.
    pub(crate) fn is_port_in_use(&self, port: u16) -> bool {
        self.ports.get(&port).is_some_and(|ids| !ids.is_empty())
    }

    /// Closes a socket; what waits in it is lost.
    pub(crate) fn close(&mut self, id: UdpId) {
        let Some(socket) = self.sockets.remove(&id) else { return };
        if let Some(ids) = self.ports.get_mut(&socket.port) {
            ids.retain(|other| *other != id);
        }
    }

    /// Gives a datagram to its socket: to that which fits best, or to all that fit where it was sent to a broadcast or
    /// multicast address. False where there is none.
    pub(crate) fn deliver(&mut self, arrived: &Arrived<'_>) -> bool {
        let ids = self.ports.get(&arrived.to.port()).map_or(&[][..], Vec::as_slice);
        let mut fitting: Vec<(u8, UdpId)> = ids
            .iter()
            .filter_map(|id| {
                let socket = self.sockets.get(id)?;
                // A socket bound to one of the host's addresses takes no broadcasts; bound to none, it does.
                Some((socket.fits(arrived)?, *id))
            })
            .collect();
        if !arrived.to_all {
            fitting = fitting.into_iter().max().into_iter().collect();
        }
        for (_, id) in &fitting {
            if let Some(socket) = self.sockets.get_mut(id) {
                socket.push(arrived.from, arrived.data);
            }
        }
        !fitting.is_empty()
    }

    /// Whether there is a socket from which a datagram with these ends may have come.
    pub(crate) fn may_have_sent(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        let ids = self.ports.get(&local.port()).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.sockets.get(id)).any(|socket| {
            socket.address.is_none_or(|own| own == local.ip()) && socket.remote.is_none_or(|r| r == remote)
        })
    }

    /// Tells the socket whose datagram drew an error: a connected one only, since the others could not say which
    /// peer it is about. That nobody answered address resolution is told to all.
    pub(crate) fn report(&mut self, local: SocketAddr, remote: SocketAddr, error: Reported) {
        let ids = self.ports.get(&local.port()).map_or(&[][..], Vec::as_slice);
        for id in ids {
            if let Some(socket) = self.sockets.get_mut(id) {
                let ours = socket.address.is_none_or(|own| own == local.ip());
                let connected = socket.remote == Some(remote);
                let unconnected = socket.remote.is_none() && error == Reported::NoNeighbour;
                if ours && (connected || unconnected) {
                    socket.error = Some(error);
                }
            }
        }
    }
}
