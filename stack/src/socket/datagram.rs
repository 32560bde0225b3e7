//! Calls on datagram sockets: UDP (RFC 768, RFC 1122 4.1).

use super::address::to_user;
use super::call::{Domain, Kind, Received, flags};
use super::errno::Errno;
use super::options::Cutting;
use super::ping::echo_request;
use super::table::State;
use crate::host::Host;
use crate::ip::output::{Packet4, Packet6, SendError};
use crate::ip::zone::{with_zone, without_zone, zone};
use crate::time::Instant;
use crate::udp::{Kind as Carries, UdpId};
use crate::wire::{Buffer, ipv4, ipv6, protocol, udp};
use std::net::{IpAddr, SocketAddr};

/// The longest data of a datagram: 65535 less the headers of IPv4 and UDP.
const MAX_DATA_V4: usize = 65_507;
/// The longest data over IPv6: 65535 less the headers of fragment and UDP.
const MAX_DATA_V6: usize = 65_519;

impl Host {
    /// connect: sets the peer, and the own address if it is open.
    pub(super) fn connect_datagram(&mut self, fd: i32, id: UdpId, wire: SocketAddr) -> Result<(), Errno> {
        let wire = self.own_if_unspecified(wire);
        let zone = zone(wire).or(self.udp.get(id).and_then(|socket| socket.bound_zone));
        let source = self.net.source_for(wire.ip(), zone).ok_or(Errno::ENETUNREACH)?;
        self.check_broadcast(fd, wire.ip())?;
        let local = self.bind_if_unbound(fd)?;
        let socket = self.udp.get_mut(id).ok_or(Errno::EBADF)?;
        (socket.remote, socket.zone) = (Some(without_zone(wire)), zone);
        if local.ip().is_unspecified() {
            socket.address = Some(source);
        }
        Ok(())
    }

    /// connect with AF_UNSPEC: no peer, and the own address as bind left it.
    pub(super) fn disconnect_datagram(&mut self, fd: i32, id: UdpId) -> Result<(), Errno> {
        let local = self.sockets.table.get(fd)?.local;
        let socket = self.udp.get_mut(id).ok_or(Errno::EBADF)?;
        (socket.remote, socket.zone) = (None, None);
        socket.address = local.map(|local| local.ip()).filter(|ip| !ip.is_unspecified());
        Ok(())
    }

    /// Sends one datagram.
    pub(super) fn send_datagram(
        &mut self,
        now: Instant,
        fd: i32,
        id: UdpId,
        data: &[u8],
        to: Option<SocketAddr>,
    ) -> Result<usize, Errno> {
        if let Some(error) = self.take_datagram_error(fd, id)? {
            return Err(error);
        }
        if self.sockets.table.get(fd)?.shut_write {
            return Err(Errno::EPIPE);
        }
        let socket = self.udp.get(id).ok_or(Errno::EBADF)?;
        let (connected, connected_zone) = (socket.remote, socket.zone);
        let zone = to.map_or(connected_zone, zone).or(socket.bound_zone);
        let to = to.or(connected).ok_or(Errno::EDESTADDRREQ)?;
        let to = self.own_if_unspecified(to);
        let kind = self.sockets.table.get(fd)?.kind;
        if data.len() > if to.is_ipv4() { MAX_DATA_V4 } else { MAX_DATA_V6 } {
            return Err(Errno::EMSGSIZE);
        }
        self.check_broadcast(fd, to.ip())?;
        self.bind_if_unbound(fd)?;
        let socket = self.udp.get(id).ok_or(Errno::EBADF)?;
        let own =
            socket.address.filter(|own| own.is_ipv4() == to.is_ipv4() && self.net.owner_of(*own).is_some());
        let source_port = socket.port();
        let multicast = self.sockets.table.get(fd)?.options.multicast_interface;
        let via = zone.or(multicast.filter(|_| to.ip().is_multicast()));
        let source = own.or_else(|| self.net.source_for(to.ip(), via)).ok_or(Errno::ENETUNREACH)?;
        let buffer = match kind {
            Kind::Ping => echo_request((source, source_port), to.ip(), data)?,
            _ if to.port() == 0 => return Err(Errno::EINVAL),
            _ => self.udp_datagram(fd, (source, source_port), to, data)?,
        };
        self.send_from(now, fd, (source, to.ip()), zone, buffer)?;
        Ok(data.len())
    }

    fn udp_datagram(
        &self,
        fd: i32,
        (source, source_port): (IpAddr, u16),
        to: SocketAddr,
        data: &[u8],
    ) -> Result<Buffer, Errno> {
        let mut buffer = Buffer::with_payload(data);
        udp::Header { source_port, destination_port: to.port() }.emit(source, to.ip(), &mut buffer);
        let options = &self.sockets.table.get(fd)?.options;
        let unchecked = if to.is_ipv4() { options.no_checksum } else { options.sends_unchecked };
        if unchecked {
            udp::remove_checksum(&mut buffer);
        }
        Ok(buffer)
    }

    fn send_from(
        &mut self,
        now: Instant,
        fd: i32,
        (source, to): (IpAddr, IpAddr),
        zone: Option<usize>,
        buffer: Buffer,
    ) -> Result<(), Errno> {
        let socket = self.sockets.table.get(fd)?;
        let options = &socket.options;
        let (tos, ttl, hop_limit) = (options.tos, options.ttl, options.hop_limit);
        let sent = match (source, to) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let to_group = destination.is_multicast();
                let ttl = if to_group { options.multicast_ttl.or(Some(1)) } else { ttl };
                let via = options.multicast_interface.filter(|_| to_group);
                let (sent, first_hop) = options.sent_options.for_datagram(now, source, destination);
                let length = ipv4::HEADER_LEN + sent.len() + buffer.len();
                let dont_fragment = match options.cutting {
                    Cutting::Here => self.net.asks_the_path(now, first_hop, length),
                    Cutting::Anywhere => false,
                    Cutting::Nowhere => true,
                };
                let packet = Packet4 {
                    source,
                    destination: first_hop,
                    protocol: if socket.kind == Kind::Ping { protocol::ICMPV4 } else { protocol::UDP },
                    tos,
                    ttl: ttl.unwrap_or(self.net.config.ipv4.ttl),
                    dont_fragment,
                    options: &sent,
                    via,
                };
                self.net.send_v4(now, packet, buffer)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                // RFC 3493 5.2: packets to groups stay on the link unless asked otherwise.
                let hop_limit = hop_limit.or(destination.is_multicast().then_some(1));
                let protocol = if socket.kind == Kind::Ping { protocol::ICMPV6 } else { protocol::UDP };
                let traffic_class = options.traffic_class;
                let via = zone.or_else(|| self.net.zone_of(source.into()));
                let room = usize::from(self.net.mtu_towards(now, to, via)) - ipv6::HEADER_LEN;
                if options.dont_fragment && buffer.len() > room {
                    return Err(Errno::EMSGSIZE);
                }
                let packet = Packet6 { source, destination, protocol, traffic_class, hop_limit, via };
                self.net.send_v6(now, packet, buffer)
            }
            _ => return Err(Errno::ENETUNREACH),
        };
        sent.map_err(|error| match error {
            SendError::NoRoute => Errno::ENETUNREACH,
            SendError::TooBig => Errno::EMSGSIZE,
        })
    }

    /// Takes or looks at the oldest datagram, cut to `room` bytes.
    pub(super) fn receive_datagram(
        &mut self,
        fd: i32,
        id: UdpId,
        room: usize,
        message_flags: i32,
    ) -> Result<Received, Errno> {
        if message_flags & flags::MSG_OOB != 0 {
            return Err(Errno::EINVAL);
        }
        if let Some(error) = self.take_datagram_error(fd, id)? {
            return Err(error);
        }
        let socket = self.sockets.table.get(fd)?;
        let (domain, shut_read, told) = (socket.domain, socket.shut_read, socket.options.told);
        let socket = self.udp.get_mut(id).ok_or(Errno::EBADF)?;
        let datagram = match message_flags & flags::MSG_PEEK != 0 {
            true => socket.peek().cloned(),
            false => socket.receive(),
        };
        let Some(datagram) = datagram else {
            return if shut_read { Ok(Received::default()) } else { Err(Errno::EAGAIN) };
        };
        let from = with_zone(datagram.from, Some(datagram.below.interface));
        let (length, from) = (datagram.data.len(), Some(to_user(domain, from)));
        let mut data = datagram.data;
        data.truncate(room);
        let control = Host::control_of(told, &datagram.below);
        Ok(Received { data, from, length, control, ..Received::default() })
    }

    /// The error that waits for the next call, once: what ICMP brought, if it is one that is told.
    pub(super) fn take_datagram_error(&mut self, fd: i32, id: UdpId) -> Result<Option<Errno>, Errno> {
        let udp = self.udp.get_mut(id).ok_or(Errno::EBADF)?;
        let (reported, all) = (udp.error.take().map(Errno::of_report), udp.keeps_errors());
        // Who sends over IPv6 learns that what it sends is too long (RFC 8201 5.2).
        let six = udp.remote.is_some_and(|remote| remote.is_ipv6());
        let wanted = |errno| all || (six && errno == Errno::EMSGSIZE);
        let told = reported.filter(|(errno, told)| *told || wanted(*errno)).map(|(errno, _)| errno);
        Ok(told.or(self.sockets.table.get_mut(fd)?.error.take()))
    }

    /// Broadcasts need SO_BROADCAST.
    fn check_broadcast(&self, fd: i32, to: IpAddr) -> Result<(), Errno> {
        let IpAddr::V4(to) = to else { return Ok(()) };
        let broadcast = self.net.interfaces.iter().any(|interface| interface.is_broadcast(to));
        if broadcast && !self.sockets.table.get(fd)?.options.broadcast { Err(Errno::EACCES) } else { Ok(()) }
    }

    /// Linux and the BSDs take the unspecified address as a destination for the host itself.
    pub(super) fn own_if_unspecified(&self, wire: SocketAddr) -> SocketAddr {
        let own: IpAddr = match wire.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
            _ => return wire,
        };
        SocketAddr::new(own, wire.port())
    }

    /// Opens the socket behind a datagram descriptor.
    pub(super) fn open_datagram(&mut self, domain: Domain, kind: Kind) -> State {
        let capacity = self.net.config.socket.datagram_buffer;
        let carries = if kind == Kind::Ping { Carries::Ping } else { Carries::Udp };
        // An AF_INET6 socket takes both families until it is told IPV6_V6ONLY.
        State::Datagram(self.udp.open(carries, domain == Domain::Inet6, capacity))
    }
}
