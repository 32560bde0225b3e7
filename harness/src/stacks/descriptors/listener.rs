//! A listening descriptor: passive opens of the stack that become connections to accept.

use super::Cause;
use super::connection::{self, Connection};
use super::dispatch::Stop;
use super::options::Settings;
use crate::stacks::user_calls::{State, TcpSetting, UserCalls};
use crate::sut::Refusal;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Connections that may wait for accept or for the handshake's end, whatever the backlog.
pub(super) const PENDING_MAX: usize = 256;

/// A passive open.
struct Open<T> {
    handle: T,
    state: State,
}

/// What a listening descriptor holds.
pub(super) struct Listener<T> {
    local: SocketAddr,
    opens: Vec<Open<T>>,
    ready: VecDeque<Connection<T>>,
}

impl<T: Copy> Listener<T> {
    /// Begins to listen at `local`.
    pub(super) fn new<U>(stack: &mut U, local: SocketAddr, settings: &Settings) -> Result<Listener<T>, Stop>
    where
        U: UserCalls<Tcp = T>,
    {
        let mut listener = Listener { local, opens: Vec::new(), ready: VecDeque::new() };
        listener.open(stack, settings)?;
        Ok(listener)
    }

    fn open<U: UserCalls<Tcp = T>>(&mut self, stack: &mut U, settings: &Settings) -> Result<(), Stop> {
        let handle = stack.open_passive(self.local).map_err(|e| Stop::Errno(connection::errno(e)))?;
        self.opens.push(Open { handle, state: State::Listen });
        settings.apply(stack, handle)
    }

    /// Moves what is established to those that can be accepted, in the order in which that is seen, and keeps one
    /// passive open in LISTEN. Tells whether it made a user call.
    pub(super) fn observe<U: UserCalls<Tcp = T>>(
        &mut self,
        stack: &mut U,
        settings: &Settings,
        cause: Cause,
    ) -> bool {
        let ready = &mut self.ready;
        let local = self.local;
        self.opens.retain_mut(|open| {
            let status = stack.status(open.handle);
            let returned = status.state == State::Listen && open.state != State::Listen;
            open.state = status.state;
            // A RST brought it back to LISTEN (RFC 9293 §3.10.7.4). A newer passive open stands there already.
            if returned || status.state == State::Closed {
                stack.abort(open.handle);
                stack.release(open.handle);
                return false;
            }
            if status.state.is_opening() {
                return true;
            }
            let remote = status.remote.unwrap_or(SocketAddr::new(local.ip(), 0));
            ready.push_back(Connection::new(
                open.handle,
                status.local.unwrap_or(local),
                remote,
                status.state,
            ));
            false
        });
        self.ready.iter_mut().for_each(|connection| connection.observe(stack, cause));
        let listens = self.opens.iter().any(|open| open.state == State::Listen);
        !listens && self.opens.len() + self.ready.len() < PENDING_MAX && self.open(stack, settings).is_ok()
    }

    /// Changes a setting of what will be accepted.
    pub(super) fn set<U: UserCalls<Tcp = T>>(
        &self,
        stack: &mut U,
        setting: TcpSetting,
    ) -> Result<(), Refusal> {
        self.opens.iter().try_for_each(|open| stack.set(open.handle, setting))
    }

    /// The oldest connection.
    pub(super) fn accept(&mut self) -> Option<Connection<T>> {
        self.ready.pop_front()
    }

    /// Whether accept would not block.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Every handle, for a listener that goes away.
    pub(super) fn into_handles(self) -> impl Iterator<Item = T> {
        let ready = self.ready.into_iter().map(|connection| connection.handle);
        self.opens.into_iter().map(|open| open.handle).chain(ready)
    }
}
