//! Descriptors and the sockets behind them.

use super::call::{Domain, Kind};
use super::errno::Errno;
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
    serial: u64,
}

impl Table {
    /// Gives a socket the lowest free descriptor.
    pub(super) fn insert(&mut self, mut socket: Socket, limit: usize) -> Result<i32, Errno> {
        if self.sockets.len() >= limit {
            return Err(Errno::EMFILE);
        }
        let mut fd = FIRST;
        for used in self.sockets.keys() {
            if *used != fd {
                break;
            }
            fd += 1;
        }
        self.serial += 1;
        socket.serial = self.serial;
        self.sockets.insert(fd, socket);
        Ok(fd)
    }

    pub(super) fn get(&self, fd: i32) -> Result<&Socket, Errno> {
        self.sockets.get(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn get_mut(&mut self, fd: i32) -> Result<&mut Socket, Errno> {
        self.sockets.get_mut(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn remove(&mut self, fd: i32) -> Result<Socket, Errno> {
        self.sockets.remove(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Socket> {
        self.sockets.values()
    }
}
