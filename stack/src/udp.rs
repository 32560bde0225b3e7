//! UDP below the descriptors: who gets a datagram (RFC 768, RFC 1122 4.1).

use crate::icmp::Reported;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// Names a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UdpId(u32);

/// What the headers below a datagram said, for those who want to know (RFC 1122 3.4, 4.1.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Below {
    pub(crate) destination: IpAddr,
    pub(crate) interface: usize,
    /// Type of service or traffic class.
    pub(crate) tos: u8,
    /// Time to live or hop limit.
    pub(crate) ttl: u8,
    /// The options of an IPv4 header.
    pub(crate) options: Vec<u8>,
}

/// A datagram that waits for its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) data: Vec<u8>,
    pub(crate) below: Below,
}

/// A datagram on its way to its sockets.
#[derive(Clone, Debug)]
pub(crate) struct Arriving<'a> {
    pub(crate) kind: Kind,
    pub(crate) from: SocketAddr,
    pub(crate) port: u16,
    /// Whether it was sent to a broadcast or multicast address.
    pub(crate) to_all: bool,
    pub(crate) below: Below,
    /// Its header has the checksum that its family asks for.
    pub(crate) is_checked: bool,
    pub(crate) data: &'a [u8],
}

/// What a socket's datagrams are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Udp,
    /// ICMP's echoes; the port is their identifier.
    Ping,
}

/// An error that ICMP brought, with what its quote held of the datagram's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptError {
    pub(crate) error: Reported,
    pub(crate) kind: u8,
    pub(crate) code: u8,
    /// Who sent it.
    pub(crate) offender: IpAddr,
    /// To whom the datagram had been sent.
    pub(crate) destination: SocketAddr,
    pub(crate) data: Vec<u8>,
}

/// Errors that wait at one socket; of more the oldest are forgotten.
const MAX_ERRORS: usize = 64;

/// What every datagram costs of the buffer besides its bytes, so that empty ones are bounded too.
const OVERHEAD: usize = 64;

/// A socket.
#[derive(Debug)]
pub(crate) struct Socket {
    kind: Kind,
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
    /// The interface whose zone the address is in that it is bound to.
    pub(crate) bound_zone: Option<usize>,
    /// Whether it takes datagrams over IPv6 that have no checksum (RFC 6935 5).
    pub(crate) takes_unchecked: bool,
    /// Bytes that it keeps for its reader.
    pub(crate) capacity: usize,
    /// An error that ICMP brought and that nobody has seen.
    pub(crate) error: Option<Reported>,
    /// Errors with what they quote, where the socket keeps them.
    errors: Option<VecDeque<KeptError>>,
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

    /// Whether errors are kept with what they quote.
    pub(crate) fn keep_errors(&mut self, keep: bool) {
        self.errors = keep.then(|| self.errors.take().unwrap_or_default());
    }

    /// Whether it keeps errors, all of which its user then hears of.
    pub(crate) fn keeps_errors(&self) -> bool {
        self.errors.is_some()
    }

    /// Whether an error waits that was kept.
    pub(crate) fn has_kept_error(&self) -> bool {
        self.errors.as_ref().is_some_and(|errors| !errors.is_empty())
    }

    /// Takes the oldest error that was kept; the next call tells the one behind it.
    pub(crate) fn take_kept_error(&mut self) -> Option<KeptError> {
        let errors = self.errors.as_mut()?;
        let error = errors.pop_front()?;
        self.error = errors.front().map(|next| next.error);
        Some(error)
    }

    /// How well a datagram fits; `None` where it is not for this socket.
    fn fits(&self, arriving: &Arriving<'_>) -> Option<u8> {
        let (from, to) = (arriving.from, arriving.below.destination);
        let family = if to.is_ipv4() { self.ipv4 } else { self.ipv6 };
        let address = self.address.is_none_or(|own| own == to);
        let remote = self.remote.is_none_or(|peer| self.is_same(peer, from));
        let zone = self.zone.or(self.bound_zone).is_none_or(|zone| zone == arriving.below.interface);
        let checked = arriving.is_checked || self.takes_unchecked;
        (self.kind == arriving.kind && family && address && remote && zone && checked)
            .then(|| u8::from(self.address.is_some()) + 2 * u8::from(self.remote.is_some()))
    }

    /// Whether two names are of one peer: an echo has no port at the other end.
    fn is_same(&self, peer: SocketAddr, other: SocketAddr) -> bool {
        peer == other || (self.kind == Kind::Ping && peer.ip() == other.ip())
    }

    fn push(&mut self, arriving: &Arriving<'_>) {
        let Arriving { from, data, below, .. } = arriving;
        let cost = data.len() + OVERHEAD;
        // A full buffer drops the newest, as sockets do.
        if self.queued + cost <= self.capacity {
            self.queued += cost;
            self.arrivals += 1;
            let (from, data, below) = (*from, data.to_vec(), below.clone());
            self.queue.push_back(Datagram { from, data, below });
        }
    }
}

/// The sockets of a host.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    next: u32,
    sockets: BTreeMap<UdpId, Socket>,
    ports: BTreeMap<u16, Vec<UdpId>>,
}

impl Sockets {
    /// A socket without a port, which takes datagrams of IPv4, and of IPv6 where that is said.
    pub(crate) fn open(&mut self, kind: Kind, ipv6: bool, capacity: usize) -> UdpId {
        let id = UdpId(self.next);
        self.next = self.next.wrapping_add(1);
        let socket = Socket {
            kind,
            ipv4: true,
            ipv6,
            address: None,
            port: 0,
            remote: None,
            zone: None,
            bound_zone: None,
            takes_unchecked: false,
            capacity,
            error: None,
            errors: None,
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

    /// Bound sockets: where, to whom, and the bytes that wait.
    pub(crate) fn bound(&self) -> impl Iterator<Item = (SocketAddr, Option<SocketAddr>, usize)> {
        self.sockets.values().filter(|socket| socket.port != 0 && socket.kind == Kind::Udp).map(|socket| {
            let any = if socket.ipv6 { IpAddr::from([0; 16]) } else { IpAddr::from([0; 4]) };
            let bytes = socket.queue.iter().map(|datagram| datagram.data.len()).sum();
            (SocketAddr::new(socket.address.unwrap_or(any), socket.port), socket.remote, bytes)
        })
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
    pub(crate) fn deliver(&mut self, arriving: &Arriving<'_>) -> bool {
        let ids = self.ports.get(&arriving.port).map_or(&[][..], Vec::as_slice);
        let mut fitting: Vec<(u8, UdpId)> = ids
            .iter()
            .filter_map(|id| {
                let socket = self.sockets.get(id)?;
                // A socket bound to one of the host's addresses takes no broadcasts; bound to none, it does.
                Some((socket.fits(arriving)?, *id))
            })
            .collect();
        if !arriving.to_all {
            fitting = fitting.into_iter().max().into_iter().collect();
        }
        for (_, id) in &fitting {
            if let Some(socket) = self.sockets.get_mut(id) {
                socket.push(arriving);
            }
        }
        !fitting.is_empty()
    }

    /// Whether there is a socket from which a datagram with these ends may have come.
    pub(crate) fn may_have_sent(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        let ids = self.ports.get(&local.port()).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.sockets.get(id)).any(|socket| {
            socket.kind == Kind::Udp
                && socket.address.is_none_or(|own| own == local.ip())
                && socket.remote.is_none_or(|r| r == remote)
        })
    }

    /// Keeps an error for the sockets that want such, whether they are connected or not.
    pub(crate) fn keep(&mut self, kind: Kind, local: SocketAddr, error: &KeptError) {
        let ids = self.ports.get(&local.port()).map_or(&[][..], Vec::as_slice);
        for id in ids {
            let Some(socket) = self.sockets.get_mut(id) else { continue };
            let ours = socket.kind == kind
                && socket.address.is_none_or(|own| own == local.ip())
                && socket.remote.is_none_or(|remote| socket.is_same(remote, error.destination));
            if let Some(errors) = socket.errors.as_mut().filter(|_| ours) {
                if errors.len() >= MAX_ERRORS {
                    errors.pop_front();
                }
                errors.push_back(error.clone());
                socket.error = Some(error.error);
                socket.arrivals += 1;
            }
        }
    }

    /// Tells the socket whose datagram drew an error: a connected one only, since the others could not say which
    /// peer it is about. That nobody answered address resolution is told to all.
    pub(crate) fn report(&mut self, kind: Kind, (local, remote): (SocketAddr, SocketAddr), error: Reported) {
        let ids = self.ports.get(&local.port()).map_or(&[][..], Vec::as_slice);
        for id in ids {
            if let Some(socket) = self.sockets.get_mut(id) {
                let ours = socket.kind == kind && socket.address.is_none_or(|own| own == local.ip());
                let connected = socket.remote.is_some_and(|peer| socket.is_same(peer, remote));
                let unconnected = socket.remote.is_none() && error == Reported::NoNeighbour;
                if ours && (connected || unconnected) {
                    socket.error = Some(error);
                }
            }
        }
    }
}
