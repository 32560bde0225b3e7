//! A connection behind a descriptor: its end as the user sees it, reading and writing.

use super::Cause;
use super::dispatch::Stop;
use crate::stacks::user_calls::{State, Status, UserCalls, UserError};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A connection of the stack, from connect or accept on.
pub(super) struct Connection<T> {
    pub(super) handle: T,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// The state last seen.
    pub(super) state: State,
    /// Whether it was ever established.
    pub(super) was_open: bool,
    /// Whether a call to connect has told so.
    pub(super) told_open: bool,
    /// What SO_ERROR holds, until a call reports it.
    pub(super) error: Option<i32>,
    pub(super) read_shut: bool,
    pub(super) write_shut: bool,
    /// The peer's FIN arrived: reading ends without an error, whatever comes then.
    finished: bool,
    /// Bytes taken from a stack that cannot peek.
    peeked: VecDeque<u8>,
}

impl<T: Copy> Connection<T> {
    pub(super) fn new(handle: T, local: SocketAddr, remote: SocketAddr, state: State) -> Connection<T> {
        Connection {
            handle,
            local,
            remote,
            state,
            was_open: !state.is_opening() && state != State::Closed,
            told_open: false,
            error: None,
            read_shut: false,
            write_shut: false,
            finished: state.has_peer_closed(),
            peeked: VecDeque::new(),
        }
    }

    /// Takes note of a change of state.
    pub(super) fn observe<U: UserCalls<Tcp = T>>(&mut self, stack: &U, cause: Cause) {
        let status = stack.status(self.handle);
        if status.state == self.state {
            return;
        }
        if let Some(local) = status.local {
            self.local = local;
        }
        if status.state == State::Closed {
            self.error = end_of(self.state, &status, cause);
        }
        self.state = status.state;
        self.was_open |= !status.state.is_opening() && status.state != State::Closed;
        self.finished |= status.state.has_peer_closed();
    }

    /// Bytes that a read would give.
    pub(super) fn readable<U: UserCalls<Tcp = T>>(&self, stack: &U) -> usize {
        self.peeked.len() + stack.status(self.handle).readable
    }

    /// Whether a read would not block, and whether a write would not.
    pub(super) fn readiness<U: UserCalls<Tcp = T>>(&self, stack: &U) -> (bool, bool) {
        let status = stack.status(self.handle);
        let over = self.error.is_some() || self.state == State::Closed;
        let read = over || self.has_ended() || self.readable(stack) > 0;
        (read, over || self.write_shut || (self.state.may_send() && status.room > 0))
    }

    /// Whether nothing will arrive any more.
    pub(super) fn has_ended(&self) -> bool {
        self.finished || self.read_shut || self.state == State::Closed
    }

    /// Reads up to `count` bytes; none at the end of the stream.
    pub(super) fn read<U>(&mut self, stack: &mut U, count: usize, peek: bool) -> Result<Vec<u8>, Stop>
    where
        U: UserCalls<Tcp = T>,
    {
        let ready = self.readable(stack).min(count);
        if ready > 0 && !self.read_shut {
            return Ok(self.take(stack, ready, peek));
        }
        if self.finished {
            return Ok(Vec::new());
        }
        if let Some(errno) = self.error.take() {
            return Err(Stop::Errno(errno));
        }
        match count == 0 || self.has_ended() {
            true => Ok(Vec::new()),
            false => Err(Stop::Wait),
        }
    }

    fn take<U: UserCalls<Tcp = T>>(&mut self, stack: &mut U, count: usize, peek: bool) -> Vec<u8> {
        let mut data = vec![0; count];
        if peek
            && self.peeked.is_empty()
            && let Some(len) = stack.peek(self.handle, &mut data)
        {
            data.truncate(len);
            return data;
        }
        let missing = count.saturating_sub(self.peeked.len());
        if peek && missing > 0 {
            let len = stack.receive(self.handle, &mut data[..missing]).min(missing);
            self.peeked.extend(&data[..len]);
        }
        let old = self.peeked.len().min(count);
        if peek {
            return self.peeked.iter().take(old).copied().collect();
        }
        for (to, from) in data.iter_mut().zip(self.peeked.drain(..old)) {
            *to = from;
        }
        let len = stack.receive(self.handle, &mut data[old..]);
        data.truncate(old + len);
        data
    }

    /// Writes what there is room for.
    pub(super) fn write<U: UserCalls<Tcp = T>>(&mut self, stack: &mut U, data: &[u8]) -> Result<usize, Stop> {
        if let Some(errno) = self.error.take() {
            return Err(Stop::Errno(errno));
        }
        if self.write_shut {
            return Err(Stop::Errno(libc::EPIPE));
        }
        if self.state.is_opening() {
            return Err(Stop::Wait);
        }
        if !self.state.may_send() {
            return Err(Stop::Errno(libc::EPIPE));
        }
        match stack.send(self.handle, data) {
            0 if !data.is_empty() => Err(Stop::Wait),
            sent => Ok(sent),
        }
    }
}

/// The error that a connection leaves behind which was in `before` and is closed now.
fn end_of(before: State, status: &Status, cause: Cause) -> Option<i32> {
    match (status.error, before) {
        // An orderly end, whatever the stack says of it.
        (_, State::TimeWait | State::LastAck) => None,
        (Some(error), _) => Some(errno(error)),
        (None, _) if cause == Cause::Timer => Some(libc::ETIMEDOUT),
        (None, State::SynSent) => Some(libc::ECONNREFUSED),
        // As Linux has it: the peer had closed already, so that only a write would notice.
        (None, State::CloseWait) => Some(libc::EPIPE),
        (None, _) => Some(libc::ECONNRESET),
    }
}

/// The error number of a user call's error.
pub(super) fn errno(error: UserError) -> i32 {
    match error {
        UserError::Refused => libc::ECONNREFUSED,
        UserError::Reset => libc::ECONNRESET,
        UserError::TimedOut => libc::ETIMEDOUT,
        UserError::HostUnreachable => libc::EHOSTUNREACH,
        UserError::NetUnreachable | UserError::InvalidRemote => libc::ENETUNREACH,
        UserError::InUse => libc::EADDRINUSE,
        UserError::NotLocal => libc::EADDRNOTAVAIL,
        UserError::NoResources => libc::ENOBUFS,
        UserError::TooLong => libc::EMSGSIZE,
    }
}
