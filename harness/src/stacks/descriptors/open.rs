//! socket, bind, listen, accept, connect, and names.

use super::Descriptors;
use super::connection::{self, Connection};
use super::datagram::Datagram;
use super::dispatch::{Attempt, Progress, Stop, fail, refuse, value, with};
use super::listener::Listener;
use super::options::Settings;
use super::table::{Kind, Socket, Stream};
use crate::stacks::user_calls::{State, UserCalls};
use crate::sut::{Capability, Output, SocketAddress};
use std::net::SocketAddr;

impl<U: UserCalls> Descriptors<U> {
    pub(super) fn socket(&mut self, domain: i32, kind: i32, protocol: i32) -> Attempt {
        let v6 = match domain {
            libc::AF_INET if self.capabilities.has(Capability::Ipv4) => false,
            libc::AF_INET6 if self.capabilities.has(Capability::Ipv6) => true,
            libc::AF_UNIX | libc::AF_NETLINK | libc::AF_PACKET => {
                return refuse("other domains than AF_INET and AF_INET6");
            }
            _ => return fail(libc::EAFNOSUPPORT),
        };
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let kind_only = kind & !flags;
        let (kind_made, expected) = match kind_only {
            libc::SOCK_STREAM => (Kind::Stream(Stream::Idle), libc::IPPROTO_TCP),
            libc::SOCK_DGRAM if matches!(protocol, libc::IPPROTO_ICMP | libc::IPPROTO_ICMPV6) => {
                return refuse("icmp sockets");
            }
            libc::SOCK_DGRAM => (Kind::Datagram(Datagram::default()), libc::IPPROTO_UDP),
            libc::SOCK_RAW => return refuse("raw sockets"),
            libc::SOCK_RDM | libc::SOCK_SEQPACKET | libc::SOCK_DCCP => {
                return fail(libc::ESOCKTNOSUPPORT);
            }
            _ => return fail(libc::EINVAL),
        };
        match protocol {
            0 => {}
            _ if protocol == expected => {}
            libc::IPPROTO_MPTCP | libc::IPPROTO_UDPLITE => {
                return refuse("other transports than TCP and UDP");
            }
            _ => return fail(libc::EPROTONOSUPPORT),
        }
        let nonblocking = kind & libc::SOCK_NONBLOCK != 0;
        let fd = self.table.insert(Socket {
            v6,
            nonblocking,
            settings: Settings::default(),
            local: None,
            named: false,
            kind: kind_made,
        })?;
        value(usize::try_from(fd).unwrap_or(0))
    }

    pub(super) fn bind(&mut self, fd: i32, address: &SocketAddress) -> Attempt {
        let socket = self.table.get(fd)?;
        let address = address_for(socket, address)?;
        let connected = matches!(socket.kind, Kind::Stream(Stream::Connection(_) | Stream::Listening(_)));
        if socket.local.is_some() || connected {
            return fail(libc::EINVAL);
        }
        self.bind_to(fd, address)?;
        self.table.get(fd)?.named = true;
        value(0)
    }

    /// Gives a socket its local name, drawing a port where `address` has none.
    fn bind_to(&mut self, fd: i32, mut address: SocketAddr) -> Result<SocketAddr, Stop> {
        let stream = self.table.get(fd)?.is_stream();
        let reuse = self.table.get(fd)?.settings.reuse;
        let is_known = address.ip().is_unspecified() || self.local_addresses.contains(&address.ip());
        if !is_known && !self.gets_addresses {
            return fail(libc::EADDRNOTAVAIL);
        }
        if address.port() == 0 {
            let mut ports = self.ports.clone();
            let port = ports.pick(|port| self.is_taken(SocketAddr::new(address.ip(), port), stream, false));
            self.ports = ports;
            address.set_port(port.ok_or(Stop::Errno(libc::EADDRINUSE))?);
        } else if self.is_taken(address, stream, reuse) {
            return fail(libc::EADDRINUSE);
        }
        let socket = self.table.get(fd)?;
        if let Kind::Datagram(datagram) = &mut socket.kind {
            let handle = self.stack.udp_bind(address).map_err(|e| Stop::Errno(connection::errno(e)))?;
            datagram.handle = Some(handle);
        }
        socket.local = Some(address);
        Ok(address)
    }

    /// The local name of a socket, which gets one with an ephemeral port where it has none.
    pub(super) fn bound(&mut self, fd: i32) -> Result<SocketAddr, Stop> {
        let socket = self.table.get(fd)?;
        match socket.local {
            Some(local) => Ok(local),
            None => {
                let any = SocketAddr::new(socket.any(), 0);
                self.bind_to(fd, any)
            }
        }
    }

    /// Whether bind to `address` would conflict, by Linux's rules of SO_REUSEADDR.
    fn is_taken(&self, address: SocketAddr, stream: bool, reuse: bool) -> bool {
        let by_socket = self.table.iter().any(|other| {
            let shared = reuse && other.settings.reuse && !other.is_listening();
            other.is_stream() == stream && !shared && other.local.is_some_and(|local| overlap(local, address))
        });
        let by_lingering = self.lingering.iter().any(|l| overlap(l.local, address) && !(reuse && l.reuse));
        by_socket || (stream && by_lingering)
    }

    pub(super) fn listen(&mut self, fd: i32) -> Attempt {
        match &self.table.get(fd)?.kind {
            Kind::Stream(Stream::Idle) => {}
            Kind::Stream(Stream::Listening(_)) => return value(0),
            Kind::Stream(Stream::Connection(_)) => return fail(libc::EINVAL),
            Kind::Datagram(_) => return fail(libc::EOPNOTSUPP),
        }
        let local = self.bound(fd)?;
        let taken = |other: &Socket<U>| other.is_listening() && overlap(other.name(), local);
        if self.table.iter().any(taken) {
            return fail(libc::EADDRINUSE);
        }
        let socket = self.table.get(fd)?;
        let listener = Listener::new(&mut self.stack, local, &socket.settings)?;
        socket.kind = Kind::Stream(Stream::Listening(listener));
        value(0)
    }

    pub(super) fn accept(&mut self, fd: i32) -> Attempt {
        let socket = self.table.get(fd)?;
        let listener = match &mut socket.kind {
            Kind::Stream(Stream::Listening(listener)) => listener,
            Kind::Stream(_) => return fail(libc::EINVAL),
            Kind::Datagram(_) => return fail(libc::EOPNOTSUPP),
        };
        let mut connection = listener.accept().ok_or(Stop::Wait)?;
        // accept itself tells that it is open: a connect on it is one too many.
        connection.told_open = true;
        let remote = connection.remote;
        let accepted = Socket {
            v6: socket.v6,
            nonblocking: false,
            settings: socket.settings.clone(),
            local: Some(connection.local),
            named: true,
            kind: Kind::Stream(Stream::Connection(connection)),
        };
        let fd = self.table.insert(accepted)?;
        with(usize::try_from(fd).unwrap_or(0), Output::Address(Some(remote), Vec::new()))
    }

    pub(super) fn connect(&mut self, fd: i32, address: &SocketAddress, progress: &mut Progress) -> Attempt {
        let socket = self.table.get(fd)?;
        match &mut socket.kind {
            Kind::Stream(_) if *address == SocketAddress::Unspecified => self.disconnect(fd),
            Kind::Stream(Stream::Idle) => {
                let remote = address_for(socket, address)?;
                progress.begun = true;
                self.connect_stream(fd, remote)
            }
            Kind::Stream(Stream::Listening(_)) => fail(libc::EISCONN),
            Kind::Stream(Stream::Connection(connection)) => {
                let result = connect_again(connection, progress.begun);
                if matches!(result, Err(Stop::Errno(_)))
                    && !connection.was_open
                    && connection.state == State::Closed
                {
                    self.stack.release(connection.handle);
                    socket.disconnect();
                }
                result
            }
            Kind::Datagram(datagram) if *address == SocketAddress::Unspecified => {
                datagram.peer = None;
                value(0)
            }
            Kind::Datagram(_) => {
                let remote = address_for(socket, address)?;
                self.bound(fd)?;
                if let Kind::Datagram(datagram) = &mut self.table.get(fd)?.kind {
                    datagram.peer = Some(remote);
                }
                value(0)
            }
        }
    }

    fn connect_stream(&mut self, fd: i32, remote: SocketAddr) -> Attempt {
        let local = self.bound(fd)?;
        let socket = self.table.get(fd)?;
        let handle = self.stack.open_active(local, remote).map_err(|e| Stop::Errno(connection::errno(e)))?;
        let connection = Connection::new(handle, local, remote, State::SynSent);
        socket.kind = Kind::Stream(Stream::Connection(connection));
        socket.settings.apply(&mut self.stack, handle)?;
        Err(Stop::Wait)
    }

    pub(super) fn getsockname(&mut self, fd: i32) -> Attempt {
        let socket = self.table.get(fd)?;
        let name = match &socket.kind {
            Kind::Stream(Stream::Connection(connection)) => {
                self.stack.status(connection.handle).local.unwrap_or(connection.local)
            }
            // The user calls do not tell which source UDP chose (RFC 1122 §4.1.3.5).
            Kind::Datagram(datagram) if datagram.peer.is_some() && socket.name().ip().is_unspecified() => {
                return refuse("the name of a connected datagram socket");
            }
            _ => socket.name(),
        };
        with(0, Output::Address(Some(name), Vec::new()))
    }

    pub(super) fn getpeername(&mut self, fd: i32) -> Attempt {
        let peer = match &self.table.get(fd)?.kind {
            Kind::Stream(Stream::Connection(c)) if c.was_open && c.state != State::Closed => Some(c.remote),
            Kind::Stream(_) => None,
            Kind::Datagram(datagram) => datagram.peer,
        };
        match peer {
            Some(peer) => with(0, Output::Address(Some(peer), Vec::new())),
            None => fail(libc::ENOTCONN),
        }
    }
}

/// Whether a segment could be for both local names.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.is_ipv4() == b.is_ipv4() && (any || a.ip() == b.ip())
}

/// connect on a socket that has begun to connect, by this call or by an earlier one.
fn connect_again<T>(connection: &mut Connection<T>, begun: bool) -> Attempt {
    if connection.state.is_opening() {
        return if begun { Err(Stop::Wait) } else { fail(libc::EALREADY) };
    }
    if !connection.was_open {
        return fail(connection.error.take().unwrap_or(libc::ECONNABORTED));
    }
    if connection.told_open {
        return fail(libc::EISCONN);
    }
    connection.told_open = true;
    value(0)
}

/// The address that a call means on `socket`, or the error that Linux has for one that it cannot mean.
pub(super) fn address_for<U: UserCalls>(
    socket: &Socket<U>,
    address: &SocketAddress,
) -> Result<SocketAddr, Stop> {
    match address {
        SocketAddress::Null => fail(libc::EFAULT),
        SocketAddress::Unspecified => fail(libc::EAFNOSUPPORT),
        SocketAddress::Ip(SocketAddr::V4(_)) if socket.v6 => fail(libc::EINVAL),
        SocketAddress::Ip(SocketAddr::V6(_)) if !socket.v6 => fail(libc::EAFNOSUPPORT),
        SocketAddress::Ip(SocketAddr::V6(v6)) if v6.ip().to_ipv4_mapped().is_some() => {
            refuse("mapped-addresses")
        }
        SocketAddress::Ip(address) => Ok(*address),
    }
}
