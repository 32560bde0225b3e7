//! The BSD socket interface on descriptors, with Linux's numbers: [`Host::submit`] makes a call,
//! [`Host::completions`] tells how calls ended.

mod address;
mod blocking;
mod call;
mod datagram;
mod direct;
mod epoll;
mod errno;
mod fast_open;
mod groups;
mod ip_options;
mod listing;
mod messages;
mod options;
mod ping;
mod ports;
mod readiness;
mod sent_options;
mod sockopt;
mod source_routes;
mod stream;
mod table;
mod tcp_info;
mod tcp_options;

pub use call::{Call, CallId, Domain, How, Kind, Outcome, PollFd, Received, Value, events, flags};
pub use epoll::EpollOperation;
pub use errno::Errno;

use crate::host::Host;
use crate::tcp::{self, ConnectionId};
use crate::time::Instant;
use address::to_wire;
use blocking::Pending;
pub use listing::Row;
use options::Options;
pub(crate) use source_routes::Routed;
use source_routes::SourceRoutes;
use std::collections::BTreeMap;
use table::{Socket, State, Table};

/// What the segments of a connection carry in their IP headers, where its user has chosen it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) tos: u8,
    pub(crate) ttl: Option<u8>,
    pub(crate) traffic_class: u8,
    pub(crate) hop_limit: Option<u8>,
    /// IPv4 segments go without DF.
    pub(crate) may_be_cut: bool,
}

/// The sockets of a host, and the calls on them.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    table: Table,
    pending: Vec<Pending>,
    completed: Vec<(CallId, Instant, Outcome)>,
    calls: u64,
    marks: BTreeMap<ConnectionId, Marks>,
    routes: SourceRoutes,
}

impl Sockets {
    /// What goes into the IP headers of a connection's segments.
    pub(crate) fn marks(&self, connection: Option<ConnectionId>) -> Marks {
        if self.marks.is_empty() {
            return Marks::default();
        }
        connection.and_then(|id| self.marks.get(&id)).copied().unwrap_or_default()
    }

    /// Whether calls wait.
    #[inline]
    pub(crate) fn has_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// When a waiting call ends even if nothing happens.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.pending.iter().filter_map(|pending| pending.deadline).min()
    }

    fn mark(&mut self, id: ConnectionId, options: &Options) {
        match options.marks() {
            marks if marks == Marks::default() => self.marks.remove(&id),
            marks => self.marks.insert(id, marks),
        };
    }

    fn unmark(&mut self, id: ConnectionId) {
        self.marks.remove(&id);
        self.routes.forget(id);
    }

    /// A closed connection still sends its last segments as its user wanted them.
    fn unmark_if_gone(&mut self, id: ConnectionId, state: tcp::State) {
        if state == tcp::State::Closed {
            self.unmark(id);
        }
    }
}

impl Host {
    /// Makes a call. It ends at once, or later; [`Host::completions`] tells.
    pub fn submit(&mut self, now: Instant, call: Call) -> CallId {
        let id = self.new_call();
        match call {
            Call::Accept { .. }
            | Call::Connect { .. }
            | Call::Receive { .. }
            | Call::Send { .. }
            | Call::EpollWait { .. }
            | Call::Poll { .. } => {
                if let Err(errno) = self.start(now, id, call) {
                    self.complete(now, id, Err(errno));
                }
            }
            Call::Close { fd } => self.close(now, id, fd),
            call => {
                let outcome = self.at_once(now, call);
                self.complete(now, id, outcome);
            }
        }
        self.settle(now);
        id
    }

    /// The calls that have ended since this was last asked, in the order in which they did.
    pub fn completions(&mut self) -> Vec<(CallId, Instant, Outcome)> {
        core::mem::take(&mut self.sockets.completed)
    }

    /// Tries the waiting calls again. True where one has ended.
    pub(crate) fn retry_calls(&mut self, now: Instant) -> bool {
        !self.sockets.pending.is_empty() && self.retry_pending(now)
    }

    /// The name of a new call.
    pub(crate) fn new_call(&mut self) -> CallId {
        self.sockets.calls += 1;
        CallId(self.sockets.calls)
    }

    pub(crate) fn complete(&mut self, now: Instant, id: CallId, outcome: Outcome) {
        self.sockets.completed.push((id, now, outcome));
    }

    /// Calls that never wait.
    fn at_once(&mut self, now: Instant, call: Call) -> Outcome {
        let done = |()| Value::Done;
        match call {
            Call::Socket { domain, kind, nonblocking } => {
                self.open(domain, kind, nonblocking).map(Value::Descriptor)
            }
            Call::Bind { fd, address } => {
                let socket = self.sockets.table.get(fd)?;
                let wire = to_wire(socket.domain, socket.options.v6only, address)?;
                self.bind_socket(fd, wire).map(done)
            }
            Call::Listen { fd, backlog } => self.listen_stream(fd, backlog).map(done),
            Call::Disconnect { fd } => match self.sockets.table.get(fd)?.state {
                State::Datagram(id) => self.disconnect_datagram(fd, id).map(done),
                State::Idle => Ok(Value::Done),
                State::Listening(_) | State::Deferred(_) | State::Connecting(_) | State::Connected(_) => {
                    Err(Errno::EOPNOTSUPP)
                }
            },
            Call::Shutdown { fd, how } => self.shutdown(now, fd, how).map(done),
            Call::Getsockopt { fd, level, name, length } => {
                self.getsockopt(now, fd, level, name, length).map(Value::Option)
            }
            Call::Setsockopt { fd, level, name, value } => {
                self.setsockopt(now, fd, level, name, &value).map(done)
            }
            Call::Getsockname { fd } => self.local_address(fd).map(Value::Address),
            Call::Getpeername { fd } => self.peer_address(fd).map(Value::Address),
            Call::GetNonblocking { fd } => Ok(Value::Flag(self.sockets.table.get(fd)?.nonblocking)),
            Call::SetNonblocking { fd, on } => {
                self.sockets.table.get_mut(fd)?.nonblocking = on;
                Ok(Value::Done)
            }
            Call::AtMark { fd } => {
                let id = self.sockets.table.get(fd)?.connection();
                Ok(Value::Count(usize::from(id.is_some_and(|id| self.tcp.is_at_mark(id)))))
            }
            Call::EpollCreate => {
                let limit = self.net.config.socket.descriptors;
                self.sockets.table.insert_epoll(limit).map(Value::Descriptor)
            }
            Call::EpollControl { epfd, operation, fd, events, data } => {
                self.epoll_control(epfd, operation, fd, (events, data)).map(done)
            }
            Call::BytesReadable { fd } => self.bytes_readable(now, fd).map(Value::Count),
            Call::Accept { .. }
            | Call::Connect { .. }
            | Call::Receive { .. }
            | Call::Send { .. }
            | Call::EpollWait { .. }
            | Call::Poll { .. }
            | Call::Close { .. } => Err(Errno::EOPNOTSUPP),
        }
    }

    fn open(&mut self, domain: Domain, kind: Kind, nonblocking: bool) -> Result<i32, Errno> {
        let limit = self.net.config.socket.descriptors;
        if self.sockets.table.len() >= limit {
            return Err(Errno::EMFILE);
        }
        let state = match kind {
            Kind::Stream => State::Idle,
            Kind::Datagram | Kind::Ping => self.open_datagram(domain, kind),
        };
        self.sockets.table.insert(Socket { nonblocking, kind, ..Socket::stream(domain, state) }, limit)
    }

    fn shutdown(&mut self, now: Instant, fd: i32, how: How) -> Result<(), Errno> {
        let socket = self.sockets.table.get_mut(fd)?;
        let State::Datagram(id) = socket.state else { return self.shutdown_stream(now, fd, how) };
        if self.udp.get(id).is_none_or(|udp| udp.remote.is_none()) {
            return Err(Errno::ENOTCONN);
        }
        socket.shut_read |= how != How::Write;
        socket.shut_write |= how != How::Read;
        Ok(())
    }

    /// close: the descriptor is free at once, even where SO_LINGER has the call wait.
    fn close(&mut self, now: Instant, call: CallId, fd: i32) {
        if self.sockets.table.remove_epoll(fd) {
            return self.complete(now, call, Ok(Value::Done));
        }
        let socket = match self.sockets.table.remove(fd) {
            Ok(socket) => socket,
            Err(errno) => return self.complete(now, call, Err(errno)),
        };
        let lingering = match socket.state {
            State::Idle | State::Deferred(_) => None,
            State::Datagram(id) => {
                self.leave_groups(now, &socket.options);
                self.udp.close(id);
                None
            }
            State::Listening(id) => {
                self.tcp.close_listener(now, id);
                None
            }
            State::Connecting(id) | State::Connected(id) => {
                self.close_connection(now, id, socket.options.linger)
            }
        };
        match lingering {
            Some((connection, seconds)) => self.linger(now, call, connection, seconds),
            None => self.complete(now, call, Ok(Value::Done)),
        }
    }

    fn bytes_readable(&mut self, now: Instant, fd: i32) -> Result<usize, Errno> {
        /// More than any receive buffer holds.
        const PROBE: usize = 1 << 24;
        match self.sockets.table.get(fd)?.state {
            State::Datagram(id) => {
                let next = self.udp.get(id).and_then(|udp| udp.peek());
                Ok(next.map_or(0, |datagram| datagram.data.len()))
            }
            State::Listening(_) => Err(Errno::EINVAL),
            State::Idle | State::Deferred(_) => Ok(0),
            State::Connecting(_) | State::Connected(_) => {
                match self.receive_stream(now, fd, PROBE, flags::MSG_PEEK) {
                    Ok(received) => Ok(received.length),
                    Err(Errno::EAGAIN) => Ok(0),
                    Err(errno) => Err(errno),
                }
            }
        }
    }
}
