//! A datagram socket: one bound UDP port, perhaps with a peer.

use super::connection;
use super::dispatch::Stop;
use crate::stacks::user_calls::UserCalls;
use std::net::SocketAddr;

/// The most that a UDP datagram carries without a jumbogram: 65535 less the headers (RFC 768; RFC 8200 §4.5).
pub(super) fn largest(v6: bool) -> usize {
    if v6 { 65_527 } else { 65_507 }
}

/// What a datagram socket holds.
pub(super) struct Datagram<T> {
    /// The stack's port, from bind on.
    pub(super) handle: Option<T>,
    /// connect's address: the only one that is heard.
    pub(super) peer: Option<SocketAddr>,
    pub(super) read_shut: bool,
    pub(super) write_shut: bool,
    /// The next datagram, taken from the stack to look at it.
    next: Option<(SocketAddr, Vec<u8>)>,
}

impl<T> Default for Datagram<T> {
    fn default() -> Datagram<T> {
        Datagram { handle: None, peer: None, read_shut: false, write_shut: false, next: None }
    }
}

impl<T: Copy> Datagram<T> {
    /// The next datagram, which stays.
    pub(super) fn peek<U: UserCalls<Udp = T>>(&mut self, stack: &mut U) -> Option<&(SocketAddr, Vec<u8>)> {
        if let Some(handle) = self.handle {
            while self.next.is_none() {
                let datagram = stack.udp_receive(handle)?;
                let heard = self.peer.is_none_or(|peer| peer == datagram.0);
                self.next = heard.then_some(datagram);
            }
        }
        self.next.as_ref()
    }

    /// The next datagram.
    pub(super) fn receive<U>(&mut self, stack: &mut U, peek: bool) -> Result<(SocketAddr, Vec<u8>), Stop>
    where
        U: UserCalls<Udp = T>,
    {
        self.peek(stack);
        let next = if peek { self.next.clone() } else { self.next.take() };
        next.ok_or(Stop::Wait)
    }

    /// Sends to `remote`.
    pub(super) fn send<U: UserCalls<Udp = T>>(
        &mut self,
        stack: &mut U,
        remote: SocketAddr,
        data: &[u8],
    ) -> Result<(), Stop> {
        let handle = self.handle.ok_or(Stop::Errno(libc::EINVAL))?;
        match stack.udp_send(handle, remote, data) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::Wait),
            Err(error) => Err(Stop::Errno(connection::errno(error))),
        }
    }
}
