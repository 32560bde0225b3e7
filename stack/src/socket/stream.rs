//! Calls on stream sockets: what BSD's interface adds to the user calls of RFC 9293 3.9.1.

use super::address::{any, to_user};
use super::call::{How, Received, flags};
use super::errno::Errno;
use super::table::{Socket, State};
use crate::host::Host;
use crate::ip::zone::{is_link_local, with_zone, without_zone, zone};
use crate::tcp::{self, ConnectionId};
use crate::time::Instant;
use std::net::{IpAddr, SocketAddr};

/// Bytes that one call receives at most, so that a caller's mistake does not take all memory.
const MAX_RECEIVE: usize = 1 << 24;

impl Errno {
    /// The number of an error that ended a connection or a call on one.
    pub(super) fn of_tcp(error: tcp::Error) -> Errno {
        match error {
            tcp::Error::WouldBlock => Errno::EAGAIN,
            tcp::Error::NotConnected => Errno::ENOTCONN,
            tcp::Error::AddressInUse => Errno::EADDRINUSE,
            tcp::Error::InvalidRemote => Errno::EADDRNOTAVAIL,
            tcp::Error::Closing => Errno::EPIPE,
            tcp::Error::ConnectionRefused => Errno::ECONNREFUSED,
            tcp::Error::ConnectionReset => Errno::ECONNRESET,
            tcp::Error::TimedOut => Errno::ETIMEDOUT,
            tcp::Error::NetworkUnreachable => Errno::ENETUNREACH,
            tcp::Error::HostUnreachable => Errno::EHOSTUNREACH,
            tcp::Error::ProtocolUnreachable => Errno::ENOPROTOOPT,
            tcp::Error::NoResources => Errno::ENOBUFS,
        }
    }
}

impl Host {
    /// listen: a passive OPEN; of a socket that listens already, nothing changes.
    pub(super) fn listen_stream(&mut self, fd: i32, backlog: i32) -> Result<(), Errno> {
        let socket = self.sockets.table.get(fd)?;
        match socket.state {
            State::Datagram(_) => return Err(Errno::EOPNOTSUPP),
            State::Listening(_) => return Ok(()),
            State::Deferred(_) | State::Connecting(_) | State::Connected(_) => return Err(Errno::EINVAL),
            State::Idle => {}
        }
        let options = socket.options.for_tcp(socket.domain, &self.tcp.config);
        let local = self.bind_if_unbound(fd)?;
        // Linux lets one connection more than the backlog wait.
        let backlog = usize::try_from(backlog).unwrap_or(4096).min(4096) + 1;
        let id = self.tcp.open_passive(local, backlog, options).map_err(Errno::of_tcp)?;
        self.sockets.table.get_mut(fd)?.state = State::Listening(id);
        Ok(())
    }

    /// accept: the next connection with a descriptor of its own, which inherits the listener's options.
    pub(super) fn accept_stream(&mut self, fd: i32, nonblocking: bool) -> Result<(i32, SocketAddr), Errno> {
        let socket = self.sockets.table.get(fd)?;
        let listener = match socket.state {
            State::Datagram(_) => return Err(Errno::EOPNOTSUPP),
            State::Listening(id) => id,
            State::Idle | State::Deferred(_) | State::Connecting(_) | State::Connected(_) => {
                return Err(Errno::EINVAL);
            }
        };
        let (domain, options) = (socket.domain, socket.options.clone());
        if !self.tcp.can_accept(listener) {
            return Err(Errno::EAGAIN);
        }
        let limit = self.net.config.socket.descriptors;
        if self.sockets.table.len() >= limit {
            return Err(Errno::EMFILE);
        }
        let id = self.tcp.accept(listener).ok_or(Errno::EAGAIN)?;
        let (local, remote) = self.tcp.endpoints(id);
        if options.change_headers() {
            self.mark_connection(id, &options);
        }
        let new = Socket {
            options,
            nonblocking,
            local: Some(local),
            ..Socket::stream(domain, State::Connected(id))
        };
        let fd = self.sockets.table.insert(new, limit)?;
        Ok((fd, to_user(domain, remote)))
    }

    /// connect: an active OPEN, or how an earlier one went. [`Errno::EINPROGRESS`]: it is under way.
    pub(super) fn connect_stream(&mut self, now: Instant, fd: i32, wire: SocketAddr) -> Result<(), Errno> {
        let state = self.sockets.table.get(fd)?.state;
        match state {
            State::Connecting(_) => self.connect_result(now, fd).and_then(|done| done.ok_or(Errno::EALREADY)),
            State::Idle if self.can_defer(now, fd, wire)? => {
                self.sockets.table.get_mut(fd)?.state = State::Deferred(wire);
                Ok(())
            }
            State::Idle => {
                let fast = self.sockets.table.get(fd)?.options.fast_open_connect;
                self.open_stream(now, fd, wire, fast.then_some(&[]))?;
                Err(Errno::EINPROGRESS)
            }
            State::Datagram(_) | State::Listening(_) | State::Deferred(_) | State::Connected(_) => {
                Err(Errno::EISCONN)
            }
        }
    }

    /// How an active OPEN went: `None` while it is under way.
    pub(super) fn connect_result(&mut self, now: Instant, fd: i32) -> Result<Option<()>, Errno> {
        let State::Connecting(id) = self.sockets.table.get(fd)?.state else { return Ok(Some(())) };
        match self.tcp.state(id) {
            tcp::State::SynSent | tcp::State::SynReceived => Ok(None),
            tcp::State::Closed if !self.tcp.was_open(id) => {
                // Whoever asked SO_ERROR has taken the reason away.
                let error = self.tcp.take_error(id).map_or(Errno::ECONNABORTED, Errno::of_tcp);
                self.give_up_connection(now, fd, id)?;
                Err(error)
            }
            _ => {
                self.sockets.table.get_mut(fd)?.state = State::Connected(id);
                Ok(Some(()))
            }
        }
    }

    /// An active OPEN, by Fast Open with `data` where there is some; returns how much of it the SYN takes.
    pub(super) fn open_stream(
        &mut self,
        now: Instant,
        fd: i32,
        wire: SocketAddr,
        data: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        let remote = self.own_if_unspecified(wire);
        if self.is_to_many(remote.ip()) {
            return Err(Errno::ENETUNREACH);
        }
        let via = self.zone_towards(fd, remote)?;
        let remote = without_zone(remote);
        let source = self.net.source_again(remote.ip(), via).ok_or(Errno::ENETUNREACH)?;
        let autobound = self.sockets.table.get(fd)?.local.is_none();
        let bound = self.bind_if_unbound(fd)?;
        let own = if bound.ip().is_unspecified() { source } else { bound.ip() };
        if own.is_ipv4() != remote.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        let socket = self.sockets.table.get(fd)?;
        let options = socket.options.for_tcp(socket.domain, &self.tcp.config);
        let via = via.or_else(|| self.net.default_zone(own, remote.ip()));
        let local = with_zone(SocketAddr::new(own, bound.port()), via);
        let remote = with_zone(remote, via);
        self.tcp.set_mtu(None, self.net.mtu_towards(now, remote.ip(), via));
        let opened = match data {
            Some(data) => self.tcp.open_active_fast(now, local, remote, options, data),
            None => self.tcp.open_active(now, local, remote, options).map(|id| (id, 0)),
        };
        let (opened, taken) = opened.map_err(|error| match error {
            tcp::Error::AddressInUse => Errno::EADDRNOTAVAIL,
            error => Errno::of_tcp(error),
        })?;
        let socket = self.sockets.table.get_mut(fd)?;
        socket.state = State::Connecting(opened);
        socket.autobound = autobound;
        let marks = socket.options.change_headers().then(|| socket.options.clone());
        marks.iter().for_each(|options| self.mark_connection(opened, options));
        Ok(taken)
    }

    /// The zone that the ends of a connection to be name (RFC 4007 6): the peer's address, or the one that the socket is bound
    /// to, which must not be in another one.
    fn zone_towards(&self, fd: i32, remote: SocketAddr) -> Result<Option<usize>, Errno> {
        let bound = self.sockets.table.get(fd)?.local.and_then(zone);
        match (zone(remote), bound) {
            (Some(named), Some(bound)) if named != bound => Err(Errno::EINVAL),
            (None, None) if is_link_local(remote.ip()) && !self.tcp.config.default_zone => Err(Errno::EINVAL),
            (named, bound) => Ok(named.or(bound)),
        }
    }

    /// A connection that failed leaves a socket that can be connected again, without the port that connect took.
    fn give_up_connection(&mut self, now: Instant, fd: i32, id: ConnectionId) -> Result<(), Errno> {
        self.tcp.abort(now, id);
        self.sockets.unmark(id);
        let socket = self.sockets.table.get_mut(fd)?;
        socket.state = State::Idle;
        if socket.autobound {
            self.sockets.table.bind(fd, None)?;
        }
        Ok(())
    }

    fn is_to_many(&self, address: IpAddr) -> bool {
        let broadcast = |a| self.net.interfaces.iter().any(|interface| interface.is_broadcast(a));
        address.is_multicast() || matches!(address, IpAddr::V4(a) if broadcast(a))
    }

    /// The connection that data can be exchanged on; `refusal` is the error where there is none.
    pub(super) fn data_connection(
        &mut self,
        now: Instant,
        fd: i32,
        refusal: Errno,
    ) -> Result<ConnectionId, Errno> {
        let socket = self.sockets.table.get_mut(fd)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        match socket.state {
            State::Connected(id) => Ok(id),
            State::Connecting(id) => match self.connect_result(now, fd)? {
                Some(()) => Ok(id),
                None => Err(Errno::EAGAIN),
            },
            State::Deferred(_) => Err(Errno::EAGAIN),
            State::Datagram(_) | State::Idle | State::Listening(_) => Err(refusal),
        }
    }

    /// Receives up to `room` bytes; none is the end of the stream.
    pub(super) fn receive_stream(
        &mut self,
        now: Instant,
        fd: i32,
        room: usize,
        message_flags: i32,
    ) -> Result<Received, Errno> {
        let id = self.data_connection(now, fd, Errno::ENOTCONN)?;
        let peek = message_flags & flags::MSG_PEEK != 0;
        if message_flags & flags::MSG_OOB != 0 {
            return match self.tcp.receive_urgent(id, peek) {
                Ok(octet) => {
                    let (length, data, flags) = (1, vec![octet], flags::MSG_OOB);
                    Ok(Received { length, data, flags, ..Received::default() })
                }
                Err(tcp::Error::WouldBlock) => Err(Errno::EAGAIN),
                Err(_) => Err(Errno::EINVAL),
            };
        }
        if room == 0 {
            return Ok(Received::default());
        }
        let mut data = vec![0; room.min(MAX_RECEIVE)];
        match self.tcp.receive(now, id, &mut data, peek) {
            Ok(count) => {
                data.truncate(count);
                let mut received = Received { length: count, data, ..Received::default() };
                self.with_control(fd, &mut received);
                Ok(received)
            }
            Err(tcp::Error::WouldBlock) if self.sockets.table.get(fd)?.shut_read => Ok(Received::default()),
            Err(error) => Err(Errno::of_tcp(error)),
        }
    }

    /// Gives TCP as much of `data` as it takes now.
    pub(super) fn send_stream(
        &mut self,
        now: Instant,
        fd: i32,
        data: &[u8],
        message_flags: i32,
    ) -> Result<usize, Errno> {
        if self.sockets.table.get(fd)?.shut_write {
            return Err(Errno::EPIPE);
        }
        let id = self.data_connection(now, fd, Errno::EPIPE)?;
        let sent = match message_flags & flags::MSG_OOB != 0 {
            true => self.tcp.send_urgent(now, id, data),
            false => {
                let kind = tcp::SendKind {
                    more: message_flags & flags::MSG_MORE != 0,
                    ends_record: message_flags & flags::MSG_EOR != 0,
                };
                self.tcp.send_as(now, id, data, kind)
            }
        };
        sent.map_err(Errno::of_tcp)
    }

    /// shutdown.
    pub(super) fn shutdown_stream(&mut self, now: Instant, fd: i32, how: How) -> Result<(), Errno> {
        let (read, write) = (how != How::Write, how != How::Read);
        let socket = self.sockets.table.get_mut(fd)?;
        match socket.state {
            State::Datagram(_) | State::Idle | State::Deferred(_) => return Err(Errno::ENOTCONN),
            State::Listening(id) if read => {
                socket.state = State::Idle;
                self.tcp.close_listener(now, id);
            }
            State::Listening(_) => {}
            State::Connecting(id) if self.tcp.state(id) == tcp::State::SynSent => {
                return self.give_up_connection(now, fd, id);
            }
            State::Connecting(id) | State::Connected(id) => {
                if self.tcp.state(id) == tcp::State::Closed {
                    return Err(Errno::ENOTCONN);
                }
                socket.shut_read |= read;
                socket.shut_write |= write;
                if write {
                    self.tcp.shutdown_send(now, id);
                }
            }
        }
        Ok(())
    }

    /// close of a connection. Gives the one that SO_LINGER has close wait for, with the seconds.
    pub(super) fn close_connection(
        &mut self,
        now: Instant,
        id: ConnectionId,
        linger: Option<u32>,
    ) -> Option<(ConnectionId, u32)> {
        let readiness = self.tcp.readiness(id);
        let unread = readiness.readable && !readiness.end_of_stream;
        match linger {
            Some(0) => self.tcp.abort(now, id),
            Some(seconds) if !unread => {
                self.tcp.shutdown_send(now, id);
                return Some((id, seconds));
            }
            _ => self.tcp.close(now, id),
        }
        self.sockets.unmark_if_gone(id, self.tcp.state(id));
        None
    }

    /// Whether all that was sent is acknowledged, our FIN too, or nothing will be any more.
    pub(super) fn is_drained(&self, id: ConnectionId) -> bool {
        matches!(self.tcp.state(id), tcp::State::FinWait2 | tcp::State::TimeWait | tcp::State::Closed)
    }

    /// getsockname.
    pub(super) fn local_address(&self, fd: i32) -> Result<SocketAddr, Errno> {
        let socket = self.sockets.table.get(fd)?;
        let nowhere = SocketAddr::new(any(socket.domain), 0);
        let wire = match socket.state {
            State::Connecting(id) | State::Connected(id) => Some(self.tcp.endpoints(id).0),
            State::Datagram(id) => self.udp.get(id).filter(|udp| udp.port() != 0).map(|udp| {
                let own = SocketAddr::new(udp.address.unwrap_or(any(socket.domain)), udp.port());
                with_zone(own, udp.bound_zone)
            }),
            State::Idle | State::Deferred(_) | State::Listening(_) => socket.local,
        };
        Ok(to_user(socket.domain, wire.unwrap_or(nowhere)))
    }

    /// getpeername.
    pub(super) fn peer_address(&self, fd: i32) -> Result<SocketAddr, Errno> {
        let socket = self.sockets.table.get(fd)?;
        let wire = match socket.state {
            State::Connecting(id) | State::Connected(id) => match self.tcp.state(id) {
                tcp::State::SynSent | tcp::State::Closed => None,
                _ => Some(self.tcp.endpoints(id).1),
            },
            State::Datagram(id) => {
                self.udp.get(id).and_then(|udp| udp.remote.map(|peer| with_zone(peer, udp.zone)))
            }
            State::Idle | State::Deferred(_) | State::Listening(_) => None,
        };
        wire.map(|wire| to_user(socket.domain, wire)).ok_or(Errno::ENOTCONN)
    }
}
