//! Descriptors and the sockets behind them.

use super::call::{Domain, Kind};
use super::epoll::Epoll;
use super::errno::Errno;
use super::messages::SendsWithoutCopy;
use super::options::Options;
use crate::tcp;
use crate::udp::UdpId;
use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
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
    /// Where it is bound, on the wire's terms; the port is not 0. [`Table::bind`] sets it.
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

/// The descriptors of a host. No operation goes through all of them.
#[derive(Debug, Default)]
pub(super) struct Table {
    epolls: BTreeMap<i32, Epoll>,
    /// From [`FIRST`] on.
    slots: Vec<Option<Socket>>,
    /// The places of `slots` that are empty, the lowest on top.
    free: BinaryHeap<Reverse<usize>>,
    /// Who is bound to which port.
    bound: BTreeSet<(u16, i32)>,
    serial: u64,
}

impl Table {
    /// How many sockets there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Gives a socket the lowest free descriptor.
    pub(super) fn insert(&mut self, mut socket: Socket, limit: usize) -> Result<i32, Errno> {
        let (at, fd) = self.take_place(limit)?;
        self.serial += 1;
        socket.serial = self.serial;
        let local = socket.local.take();
        self.slots[at] = Some(socket);
        if local.is_some() {
            self.bind(fd, local)?;
        }
        Ok(fd)
    }

    /// The lowest free descriptor, which is not free from now on.
    fn take_place(&mut self, limit: usize) -> Result<(usize, i32), Errno> {
        if self.len() >= limit {
            return Err(Errno::EMFILE);
        }
        let at = self.free.pop().map_or(self.slots.len(), |Reverse(at)| at);
        let fd = i32::try_from(at).ok().and_then(|at| at.checked_add(FIRST)).ok_or(Errno::EMFILE)?;
        if at == self.slots.len() {
            self.slots.push(None);
        }
        Ok((at, fd))
    }

    /// What a call on a descriptor meets that is no socket's.
    fn no_socket(&self, fd: i32) -> Errno {
        if self.epolls.contains_key(&fd) { Errno::ENOTSOCK } else { Errno::EBADF }
    }

    fn place(fd: i32) -> Option<usize> {
        usize::try_from(fd.checked_sub(FIRST)?).ok()
    }

    pub(super) fn get(&self, fd: i32) -> Result<&Socket, Errno> {
        let slot = Table::place(fd).and_then(|at| self.slots.get(at));
        slot.and_then(Option::as_ref).ok_or_else(|| self.no_socket(fd))
    }

    pub(super) fn get_mut(&mut self, fd: i32) -> Result<&mut Socket, Errno> {
        let refusal = self.no_socket(fd);
        let slot = Table::place(fd).and_then(|at| self.slots.get_mut(at));
        slot.and_then(Option::as_mut).ok_or(refusal)
    }

    pub(super) fn remove(&mut self, fd: i32) -> Result<Socket, Errno> {
        self.bind(fd, None)?;
        let at = Table::place(fd).ok_or(Errno::EBADF)?;
        let socket = self.slots.get_mut(at).and_then(Option::take).ok_or(Errno::EBADF)?;
        self.free.push(Reverse(at));
        Ok(socket)
    }

    /// Gives a new epoll descriptor the lowest free number.
    pub(super) fn insert_epoll(&mut self, limit: usize) -> Result<i32, Errno> {
        let (_, fd) = self.take_place(limit)?;
        self.epolls.insert(fd, Epoll::default());
        Ok(fd)
    }

    pub(super) fn epoll_mut(&mut self, fd: i32) -> Result<&mut Epoll, Errno> {
        let refusal = if self.get(fd).is_ok() { Errno::EINVAL } else { Errno::EBADF };
        self.epolls.get_mut(&fd).ok_or(refusal)
    }

    /// Closes an epoll descriptor; false where it is none.
    pub(super) fn remove_epoll(&mut self, fd: i32) -> bool {
        let removed = self.epolls.remove(&fd).is_some();
        self.free.extend(Table::place(fd).filter(|_| removed).map(Reverse));
        removed
    }

    /// Sets where a socket is bound.
    pub(super) fn bind(&mut self, fd: i32, local: Option<SocketAddr>) -> Result<(), Errno> {
        let before = core::mem::replace(&mut self.get_mut(fd)?.local, local);
        if let Some(before) = before {
            self.bound.remove(&(before.port(), fd));
        }
        if let Some(local) = local {
            self.bound.insert((local.port(), fd));
        }
        Ok(())
    }

    /// The sockets that are bound to `port`.
    pub(super) fn bound_to(&self, port: u16) -> impl Iterator<Item = &Socket> {
        let fds = self.bound.range((port, i32::MIN)..=(port, i32::MAX));
        fds.filter_map(|(_, fd)| self.get(*fd).ok())
    }
}
