//! The descriptor table.

use super::connection::Connection;
use super::datagram::Datagram;
use super::dispatch::Stop;
use super::listener::Listener;
use super::options::Settings;
use crate::stacks::user_calls::UserCalls;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first descriptor of a process that has standard input, output and error.
const FIRST_FD: i32 = 3;
/// Linux's default RLIMIT_NOFILE.
const DESCRIPTORS_MAX: i32 = 1024;

/// A socket.
pub(super) struct Socket<U: UserCalls> {
    /// AF_INET6 rather than AF_INET.
    pub(super) v6: bool,
    /// O_NONBLOCK.
    pub(super) nonblocking: bool,
    /// The options kept here.
    pub(super) settings: Settings,
    /// The local name, as bind, listen or connect gave it.
    pub(super) local: Option<SocketAddr>,
    /// Whether bind gave it, so that it outlives a connection that failed.
    pub(super) named: bool,
    /// What it is.
    pub(super) kind: Kind<U>,
}

/// SOCK_STREAM or SOCK_DGRAM.
pub(super) enum Kind<U: UserCalls> {
    Stream(Stream<U::Tcp>),
    Datagram(Datagram<U::Udp>),
}

/// What a stream socket is at the moment.
pub(super) enum Stream<T> {
    /// Neither listening nor connected.
    Idle,
    Listening(Listener<T>),
    Connection(Connection<T>),
}

impl<U: UserCalls> Socket<U> {
    /// The unspecified address of the socket's family.
    pub(super) fn any(&self) -> IpAddr {
        match self.v6 {
            true => Ipv6Addr::UNSPECIFIED.into(),
            false => Ipv4Addr::UNSPECIFIED.into(),
        }
    }

    /// The local name; the unspecified address with port 0 before there is one.
    pub(super) fn name(&self) -> SocketAddr {
        self.local.unwrap_or(SocketAddr::new(self.any(), 0))
    }

    /// Makes a stream socket one that was never connected.
    pub(super) fn disconnect(&mut self) {
        self.kind = Kind::Stream(Stream::Idle);
        self.local = self.local.filter(|_| self.named);
    }

    pub(super) fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(self.kind, Kind::Stream(Stream::Listening(_)))
    }
}

/// Sockets by descriptor. There is no dup, so a descriptor is a socket.
pub(super) struct Table<U: UserCalls> {
    sockets: BTreeMap<i32, Socket<U>>,
}

impl<U: UserCalls> Table<U> {
    pub(super) fn new() -> Table<U> {
        Table { sockets: BTreeMap::new() }
    }

    /// Gives `socket` the lowest free descriptor, as POSIX wants it.
    pub(super) fn insert(&mut self, socket: Socket<U>) -> Result<i32, Stop> {
        let fd = (FIRST_FD..DESCRIPTORS_MAX).find(|fd| !self.sockets.contains_key(fd));
        let fd = fd.ok_or(Stop::Errno(libc::EMFILE))?;
        self.sockets.insert(fd, socket);
        Ok(fd)
    }

    pub(super) fn get(&mut self, fd: i32) -> Result<&mut Socket<U>, Stop> {
        self.sockets.get_mut(&fd).ok_or(Stop::Errno(libc::EBADF))
    }

    pub(super) fn remove(&mut self, fd: i32) -> Result<Socket<U>, Stop> {
        self.sockets.remove(&fd).ok_or(Stop::Errno(libc::EBADF))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Socket<U>> {
        self.sockets.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Socket<U>> {
        self.sockets.values_mut()
    }
}
