//! Descriptors and the sockets behind them.

use super::call::{Domain, Kind};
use super::epoll::Epoll;
use super::errno::Errno;
use super::messages::SendsWithoutCopy;
use super::options::Options;
use crate::tcp;
use crate::udp::UdpId;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The first descriptor that is given out: 0 to 2 are taken in every process.
const FIRST: i32 = 3;

/// What is behind a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// UDP.
    Datagram(UdpId),
    /// TCP, neither connected nor listening.
    Idle,
    /// TCP, listening.
    Listening(tcp::ListenerId),
    /// TCP, connected as far as the user knows: the first send opens the connection (TCP_FASTOPEN_CONNECT).
    Deferred(SocketAddr),
    /// TCP, actively opened; the user has not been told yet how it went.
    Connecting(tcp::ConnectionId),
    /// TCP, open, or closed by the peer.
    Connected(tcp::ConnectionId),
}

/// A socket.
#[derive(Debug)]
pub(super) struct Socket {
    /// Names this socket and no later one with its descriptor.
    pub(super) serial: u64,
    pub(super) domain: Domain,
    pub(super) kind: Kind,
    pub(super) nonblocking: bool,
    pub(super) options: Options,
    pub(super) state: State,
    /// Where it is bound, on the wire's terms; the port is not 0.
    pub(super) local: Option<SocketAddr>,
    /// `local` was connect's choice and not bind's.
    pub(super) autobound: bool,
    /// The user has closed its receiving direction.
    pub(super) shut_read: bool,
    /// The user has closed its sending direction.
    pub(super) shut_write: bool,
    /// An error that waits for the next call or SO_ERROR.
    pub(super) error: Option<Errno>,
    /// Sends whose ends the user wants to hear of.
    pub(super) without_copy: SendsWithoutCopy,
}

impl Socket {
    /// A stream socket as it is when it is new.
    pub(super) fn stream(domain: Domain, state: State) -> Socket {
        Socket {
            serial: 0,
            domain,
            kind: Kind::Stream,
            nonblocking: false,
            options: Options::default(),
            state,
            local: None,
            autobound: false,
            shut_read: false,
            shut_write: false,
            error: None,
            without_copy: SendsWithoutCopy::default(),
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        self.kind == Kind::Stream
    }

    /// The connection, open or opening.
    pub(super) fn connection(&self) -> Option<tcp::ConnectionId> {
        match self.state {
            State::Connecting(id) | State::Connected(id) => Some(id),
            State::Datagram(_) | State::Idle | State::Listening(_) | State::Deferred(_) => None,
        }
    }
}

/// The descriptors of a host.
#[derive(Debug, Default)]
pub(super) struct Table {
    sockets: BTreeMap<i32, Socket>,
    epolls: BTreeMap<i32, Epoll>,
    serial: u64,
}

impl Table {
    /// Gives a socket the lowest free descriptor.
    pub(super) fn insert(&mut self, mut socket: Socket, limit: usize) -> Result<i32, Errno> {
        let fd = self.lowest_free(limit)?;
        self.serial += 1;
        socket.serial = self.serial;
        self.sockets.insert(fd, socket);
        Ok(fd)
    }

    fn lowest_free(&self, limit: usize) -> Result<i32, Errno> {
        let count = self.sockets.len() + self.epolls.len();
        if count >= limit {
            return Err(Errno::EMFILE);
        }
        let free = |fd: &i32| !self.sockets.contains_key(fd) && !self.epolls.contains_key(fd);
        (FIRST..).take(count + 1).find(free).ok_or(Errno::EMFILE)
    }

    /// What a call on a descriptor meets that is no socket's.
    fn no_socket(&self, fd: i32) -> Errno {
        if self.epolls.contains_key(&fd) { Errno::ENOTSOCK } else { Errno::EBADF }
    }

    pub(super) fn get(&self, fd: i32) -> Result<&Socket, Errno> {
        self.sockets.get(&fd).ok_or_else(|| self.no_socket(fd))
    }

    pub(super) fn get_mut(&mut self, fd: i32) -> Result<&mut Socket, Errno> {
        let refusal = self.no_socket(fd);
        self.sockets.get_mut(&fd).ok_or(refusal)
    }

    pub(super) fn remove(&mut self, fd: i32) -> Result<Socket, Errno> {
        self.sockets.remove(&fd).ok_or(Errno::EBADF)
    }

    /// Gives a new epoll descriptor the lowest free number.
    pub(super) fn insert_epoll(&mut self, limit: usize) -> Result<i32, Errno> {
        let fd = self.lowest_free(limit)?;
        self.epolls.insert(fd, Epoll::default());
        Ok(fd)
    }

    pub(super) fn epoll_mut(&mut self, fd: i32) -> Result<&mut Epoll, Errno> {
        let refusal = if self.sockets.contains_key(&fd) { Errno::EINVAL } else { Errno::EBADF };
        self.epolls.get_mut(&fd).ok_or(refusal)
    }

    /// Closes an epoll descriptor; false where it is none.
    pub(super) fn remove_epoll(&mut self, fd: i32) -> bool {
        self.epolls.remove(&fd).is_some()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Socket> {
        self.sockets.values()
    }
}
