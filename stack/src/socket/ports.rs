//! Who may have which local address and port.

use super::address::any;
use super::call::Domain;
use super::errno::Errno;
use super::table::{Socket, State};
use crate::host::Host;
use crate::ip::zone::{is_link_local, with_zone, zone};
use crate::link::interface::Interface;
use std::net::{IpAddr, SocketAddr};

impl Host {
    /// bind(2) without its errors of the descriptor.
    pub(super) fn bind_socket(&mut self, fd: i32, wire: SocketAddr) -> Result<(), Errno> {
        let socket = self.sockets.table.get(fd)?;
        if socket.local.is_some() || !matches!(socket.state, State::Idle | State::Datagram(_)) {
            return Err(Errno::EINVAL);
        }
        let named = zone(wire);
        if named.is_none() && socket.is_stream() && is_link_local(wire.ip()) && !self.tcp.config.default_zone
        {
            return Err(Errno::EINVAL);
        }
        let elsewhere = named.is_some() && self.net.owner_in(wire.ip(), named) != named;
        if elsewhere && !wire.ip().is_multicast() || !self.may_bind(wire.ip(), socket) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let zone = named.or_else(|| self.net.zone_of(wire.ip()));
        let wire = with_zone(SocketAddr::new(wire.ip(), wire.port()), zone);
        let port = match wire.port() {
            0 => self.ephemeral_port(fd, wire)?,
            _ if self.is_taken(fd, wire)? => return Err(Errno::EADDRINUSE),
            port => port,
        };
        self.take_port(fd, at_port(wire, port))?;
        if let State::Datagram(id) = self.sockets.table.get(fd)?.state
            && let Some(socket) = self.udp.get_mut(id)
        {
            socket.bound_zone = zone;
        }
        Ok(())
    }

    /// Gives the socket an ephemeral port where it has none yet.
    pub(super) fn bind_if_unbound(&mut self, fd: i32) -> Result<SocketAddr, Errno> {
        let socket = self.sockets.table.get(fd)?;
        if let Some(local) = socket.local {
            return Ok(local);
        }
        let any = SocketAddr::new(any(socket.domain), 0);
        let local = at_port(any, self.ephemeral_port(fd, any)?);
        self.take_port(fd, local)?;
        Ok(local)
    }

    fn take_port(&mut self, fd: i32, local: SocketAddr) -> Result<(), Errno> {
        self.sockets.table.bind(fd, Some(local))?;
        let socket = self.sockets.table.get(fd)?;
        if let State::Datagram(id) = socket.state {
            self.udp.bind(id, Some(local.ip()).filter(|ip| !ip.is_unspecified()), local.port());
        }
        Ok(())
    }

    /// The host's own addresses, broadcast addresses for datagrams, and none.
    fn may_bind(&self, address: IpAddr, socket: &Socket) -> bool {
        let all = |interface: &Interface| match address {
            IpAddr::V4(address) => interface.is_broadcast(address) || address.is_multicast(),
            IpAddr::V6(address) => address.is_multicast(),
        };
        let datagram = !socket.is_stream() && self.net.interfaces.iter().any(all);
        address.is_unspecified() || self.net.owner_of(address).is_some() || datagram
    }

    /// A free port by RFC 6056 3.3.1: a random one, then the next ones.
    fn ephemeral_port(&mut self, fd: i32, address: SocketAddr) -> Result<u16, Errno> {
        let config = self.net.config.socket;
        let (first, last) =
            (config.first_ephemeral_port, config.last_ephemeral_port.max(config.first_ephemeral_port));
        let count = u32::from(last - first) + 1;
        let start = self.net.in_passing().rng.below(count);
        for step in 0..count {
            let offset = u16::try_from((start + step) % count).unwrap_or(0);
            let candidate = at_port(address, first + offset);
            if !self.is_taken(fd, candidate)? {
                return Ok(candidate.port());
            }
        }
        Err(Errno::EADDRINUSE)
    }

    /// Whether another socket of the kind has the address. With SO_REUSEADDR on both sides it may be shared, unless
    /// one of them listens; with SO_REUSEPORT on both it may be in any case.
    fn is_taken(&self, fd: i32, wanted: SocketAddr) -> Result<bool, Errno> {
        let socket = self.sockets.table.get(fd)?;
        let conflict = |other: &Socket| {
            let Some(theirs) = other.local else { return false };
            let listening = matches!(other.state, State::Listening(_));
            let shared = socket.options.reuse_address && other.options.reuse_address && !listening
                || socket.options.reuse_port && other.options.reuse_port;
            let elsewhere = zone(wanted).zip(zone(theirs)).is_some_and(|(own, other)| own != other);
            let overlap = !elsewhere && overlaps((socket, wanted.ip()), (other, theirs.ip()));
            other.kind == socket.kind && overlap && !shared
        };
        let taken = self
            .sockets
            .table
            .bound_to(wanted.port())
            .filter(|other| other.serial != socket.serial)
            .any(conflict);
        // Connections that no descriptor owns any more hold their port too.
        let left = socket.is_stream() && !socket.options.reuse_address && self.tcp.is_local_in_use(wanted);
        Ok(taken || left)
    }
}

fn at_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

/// Whether two bindings share an address. An AF_INET6 socket bound to `::` has the IPv4 addresses too, unless V6ONLY.
fn overlaps((a, a_ip): (&Socket, IpAddr), (b, b_ip): (&Socket, IpAddr)) -> bool {
    let covers = |socket: &Socket, own: IpAddr, other: IpAddr| {
        let dual = socket.domain == Domain::Inet6 && !socket.options.v6only;
        own == other || (own.is_unspecified() && (own.is_ipv4() == other.is_ipv4() || dual))
    };
    covers(a, a_ip, b_ip) || covers(b, b_ip, a_ip)
}
