//! Calls that wait: underneath nothing blocks, and a call that cannot be completed now is tried again whenever
//! something has happened.

use super::address::to_wire;
use super::call::{Call, CallId, Domain, Outcome, PollFd, Received, Value, flags};
use super::errno::Errno;
use super::fast_open::Sending;
use super::table::State;
use crate::host::Host;
use crate::tcp::ConnectionId;
use crate::time::Instant;
use core::time::Duration;
use std::net::SocketAddr;

/// Calls that may wait at one time; more are refused.
const MAX_WAITING: usize = 4096;

/// A call that can wait, with what it has done so far.
#[derive(Debug)]
pub(super) enum Operation {
    Accept {
        nonblocking: bool,
    },
    /// `started` says that the SYN was this call's.
    Connect {
        address: SocketAddr,
        started: bool,
    },
    Receive {
        room: usize,
        flags: i32,
        got: Vec<u8>,
    },
    Send {
        data: Vec<u8>,
        to: Option<SocketAddr>,
        flags: i32,
        sent: usize,
    },
}

/// What is waited for.
#[derive(Debug)]
pub(super) enum Waiting {
    /// An operation on the socket that had this serial number when the call was made.
    Socket { fd: i32, serial: u64, operation: Operation },
    /// poll.
    Poll { fds: Vec<PollFd> },
    /// epoll_wait, for at most so many events.
    Epoll { epfd: i32, most: usize },
    /// close, until what was sent is acknowledged.
    Linger { connection: ConnectionId },
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Pending {
    id: CallId,
    waiting: Waiting,
    /// When it ends even if nothing happens.
    pub(super) deadline: Option<Instant>,
}

impl Host {
    /// Starts a call that can wait.
    pub(super) fn start(&mut self, now: Instant, id: CallId, call: Call) -> Result<(), Errno> {
        let (waiting, deadline) = match call {
            Call::Accept { fd, nonblocking } => {
                (self.on_socket(fd, Operation::Accept { nonblocking })?, None)
            }
            Call::Connect { fd, address } => {
                (self.on_socket(fd, Operation::Connect { address, started: false })?, None)
            }
            Call::Receive { fd, room, flags } => {
                (self.on_socket(fd, Operation::Receive { room, flags, got: Vec::new() })?, None)
            }
            Call::Send { fd, data, to, flags } => {
                (self.on_socket(fd, Operation::Send { data, to, flags, sent: 0 })?, None)
            }
            Call::Poll { fds, timeout_ms } => {
                let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
                (Waiting::Poll { fds }, timeout.map(|timeout| now + timeout))
            }
            Call::EpollWait { epfd, most, timeout_ms } => {
                let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
                (Waiting::Epoll { epfd, most }, timeout.map(|timeout| now + timeout))
            }
            _ => return Err(Errno::EOPNOTSUPP),
        };
        self.wait(now, Pending { id, waiting, deadline });
        Ok(())
    }

    /// Has close wait for what was sent to be acknowledged.
    pub(super) fn linger(&mut self, now: Instant, id: CallId, connection: ConnectionId, seconds: u32) {
        let deadline = Some(now + Duration::from_secs(seconds.into()));
        self.wait(now, Pending { id, waiting: Waiting::Linger { connection }, deadline });
    }

    fn on_socket(&self, fd: i32, operation: Operation) -> Result<Waiting, Errno> {
        Ok(Waiting::Socket { fd, serial: self.sockets.table.get(fd)?.serial, operation })
    }

    fn wait(&mut self, now: Instant, mut pending: Pending) {
        match self.attempt(now, &mut pending) {
            Some(outcome) => self.complete(now, pending.id, outcome),
            None if self.sockets.pending.len() >= MAX_WAITING => {
                self.complete(now, pending.id, Err(Errno::ENOMEM))
            }
            None => self.sockets.pending.push(pending),
        }
    }

    /// Tries the waiting calls again, in the order in which they were made. True where one completed.
    pub(super) fn retry_pending(&mut self, now: Instant) -> bool {
        let before = self.sockets.completed.len();
        for mut pending in core::mem::take(&mut self.sockets.pending) {
            match self.attempt(now, &mut pending) {
                Some(outcome) => self.complete(now, pending.id, outcome),
                None => self.sockets.pending.push(pending),
            }
        }
        self.sockets.completed.len() > before
    }

    /// Tries again the sends that wait for a handshake: what they have to send goes with its last ACK (RFC 9293 3.10.7.3,
    /// RFC 7413 4.2.2).
    pub(crate) fn retry_opening_sends(&mut self, now: Instant) {
        let opening = |pending: &Pending| match &pending.waiting {
            Waiting::Socket { fd, operation: Operation::Send { .. }, .. } => {
                matches!(self.sockets.table.get(*fd).map(|socket| socket.state), Ok(State::Connecting(_)))
            }
            _ => false,
        };
        if self.sockets.pending.iter().any(opening) {
            self.retry_pending(now);
        }
    }

    /// Tries a call: its outcome, or `None` where it goes on waiting.
    fn attempt(&mut self, now: Instant, pending: &mut Pending) -> Option<Outcome> {
        let late = pending.deadline.is_some_and(|deadline| deadline <= now);
        match &mut pending.waiting {
            Waiting::Socket { fd, serial, operation } => {
                let fd = *fd;
                // Another thread has closed the descriptor, and it may be another socket's now.
                if self.sockets.table.get(fd).map(|socket| socket.serial) != Ok(*serial) {
                    return Some(Err(Errno::EBADF));
                }
                self.attempt_operation(now, fd, operation)
            }
            Waiting::Poll { fds } => {
                let found = self.poll_descriptors(fds);
                (found > 0 || late).then(|| Ok(Value::Polled(fds.clone())))
            }
            Waiting::Epoll { epfd, most } => {
                let (epfd, most) = (*epfd, *most);
                self.epoll_ready(epfd, most).or_else(|| late.then(|| Ok(Value::Epolled(Vec::new()))))
            }
            Waiting::Linger { connection } => {
                let connection = *connection;
                (late || self.is_drained(connection)).then(|| {
                    self.close_connection(now, connection, None);
                    Ok(Value::Done)
                })
            }
        }
    }

    fn attempt_operation(&mut self, now: Instant, fd: i32, operation: &mut Operation) -> Option<Outcome> {
        let socket = match self.sockets.table.get(fd) {
            Ok(socket) => socket,
            Err(errno) => return Some(Err(errno)),
        };
        let (domain, v6only, nonblocking) = (socket.domain, socket.options.v6only, socket.nonblocking);
        let dont_wait = |message_flags: i32| nonblocking || message_flags & flags::MSG_DONTWAIT != 0;
        match operation {
            Operation::Accept { nonblocking: new } => match self.accept_stream(fd, *new) {
                Err(Errno::EAGAIN) if !nonblocking => None,
                result => Some(result.map(|(fd, peer)| Value::Accepted(fd, peer))),
            },
            Operation::Connect { address, started } => {
                let result = self.attempt_connect(now, fd, (domain, v6only), *address, *started);
                match result {
                    Err(Errno::EINPROGRESS | Errno::EALREADY) if !nonblocking || *started => {
                        *started = true;
                        None
                    }
                    result => Some(result.map(|()| Value::Done)),
                }
            }
            Operation::Receive { room, flags, got } => {
                self.attempt_receive(now, fd, *room, *flags, got, dont_wait(*flags))
            }
            Operation::Send { data, to, flags, sent } => {
                let to = match to.map(|to| to_wire(domain, v6only, to)).transpose() {
                    Ok(to) => to,
                    Err(errno) => return Some(Err(errno)),
                };
                let dont_wait = dont_wait(*flags);
                let mut sending = Sending { data, to, flags, sent, dont_wait };
                let ended = self.attempt_send(now, fd, &mut sending);
                if matches!(ended, Some(Ok(Value::Sent(1..)))) {
                    self.note_send(fd, *flags);
                }
                ended
            }
        }
    }

    fn attempt_connect(
        &mut self,
        now: Instant,
        fd: i32,
        (domain, v6only): (Domain, bool),
        address: SocketAddr,
        started: bool,
    ) -> Result<(), Errno> {
        if started {
            return self.connect_result(now, fd)?.ok_or(Errno::EALREADY);
        }
        let wire = to_wire(domain, v6only, address)?;
        match self.sockets.table.get(fd)?.state {
            State::Datagram(id) => self.connect_datagram(fd, id, wire),
            _ => self.connect_stream(now, fd, wire),
        }
    }

    #[inline(never)]
    fn attempt_receive(
        &mut self,
        now: Instant,
        fd: i32,
        room: usize,
        message_flags: i32,
        got: &mut Vec<u8>,
        dont_wait: bool,
    ) -> Option<Outcome> {
        if message_flags & flags::MSG_ERRQUEUE != 0 {
            return Some(self.receive_error(fd, room).map(Value::Received));
        }
        let done = |got: &mut Vec<u8>, received: Received| {
            let data = core::mem::take(got);
            Some(Ok(Value::Received(Received { length: data.len(), data, ..received })))
        };
        let gather = message_flags & flags::MSG_WAITALL != 0 && message_flags & flags::MSG_PEEK == 0;
        loop {
            let result = match self.sockets.table.get(fd).map(|socket| socket.state) {
                Ok(State::Datagram(id)) => self.receive_datagram(fd, id, room, message_flags),
                Ok(_) => self.receive_stream(now, fd, room - got.len(), message_flags),
                Err(errno) => Err(errno),
            };
            match result {
                Ok(received) if received.from.is_some() => return Some(Ok(Value::Received(received))),
                Ok(received) => {
                    got.extend(&received.data);
                    if !gather || received.data.is_empty() || got.len() >= room {
                        return done(got, received);
                    }
                }
                Err(Errno::EAGAIN) if !dont_wait => return None,
                Err(errno) if got.is_empty() => return Some(Err(errno)),
                Err(errno) => {
                    self.keep_error(fd, errno);
                    return done(got, Received::default());
                }
            }
        }
    }

    #[inline(never)]
    fn attempt_send(&mut self, now: Instant, fd: i32, sending: &mut Sending<'_>) -> Option<Outcome> {
        if let Ok(State::Datagram(id)) = self.sockets.table.get(fd).map(|socket| socket.state) {
            return Some(self.send_datagram(now, fd, id, sending.data, sending.to).map(Value::Sent));
        }
        let ended = self.send_on_syn(now, fd, sending);
        if ended.is_some() {
            return ended;
        }
        loop {
            let connecting =
                matches!(self.sockets.table.get(fd).map(|socket| socket.state), Ok(State::Connecting(_)));
            match self.send_stream(now, fd, &sending.data[*sending.sent..], *sending.flags) {
                Ok(count) => *sending.sent += count,
                Err(Errno::EAGAIN) if !sending.dont_wait => return None,
                // What went with a SYN that failed was not sent.
                Err(errno) if *sending.sent == 0 || connecting => return Some(Err(errno)),
                Err(errno) => {
                    self.keep_error(fd, errno);
                    return Some(Ok(Value::Sent(*sending.sent)));
                }
            }
            if *sending.sent >= sending.data.len() {
                return Some(Ok(Value::Sent(*sending.sent)));
            }
        }
    }

    /// An error that came after part of the call was done: the next call tells it.
    fn keep_error(&mut self, fd: i32, errno: Errno) {
        if let Ok(socket) = self.sockets.table.get_mut(fd)
            && !matches!(errno, Errno::EAGAIN | Errno::EPIPE)
        {
            socket.error = Some(errno);
        }
    }
}
