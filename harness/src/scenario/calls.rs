//! The user's calls as system calls on the connection's descriptors.

use super::extras::{ExtraCall, MSG_FASTOPEN};
use super::operation::UserCall;
use super::segment::Ends;
use crate::packet::pattern;
use crate::sut::{Call, Errno, Outcome, SocketAddress};
use std::net::{IpAddr, SocketAddr};

/// The descriptors that a scenario has.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    ends: Ends,
    listener: Option<i32>,
    connection: Option<i32>,
    /// One that was just made.
    new: Option<i32>,
    /// How many bytes were written to the connection.
    written: u32,
}

/// One system call of those that a user's call consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SystemCall {
    Socket,
    ReuseAddress,
    Bind,
    Listen,
    Connect,
    Accept,
    SetNonblocking,
    /// So many bytes, with flags besides those that every SEND has.
    Send(u16, i32),
    /// To the peer, which opens the connection.
    SendTo(u16),
    Receive(u16),
    /// With flags that leave the stream as it is.
    Look(u16, i32),
    Shutdown(i32),
    Linger,
    Disconnect,
    Info,
    Ask(u64),
    Congestion(&'static str),
    Close,
    CloseListener,
    Set {
        level: i32,
        name: i32,
        value: i32,
    },
    TakeError,
}

use SystemCall as S;

/// The system calls that a user's call consists of, one after the other.
pub(super) type Plan = [Option<SystemCall>; 4];

/// What is done to a socket that is bound first.
fn bound(call: SystemCall) -> Plan {
    [Some(S::Socket), Some(S::ReuseAddress), Some(S::Bind), Some(call)]
}

fn one(call: SystemCall) -> Plan {
    [Some(call), None, None, None]
}

fn two(first: SystemCall, second: SystemCall) -> Plan {
    [Some(first), Some(second), None, None]
}

impl SystemCall {
    /// Whether what it returns is what the user's call returned.
    pub(super) fn is_telling(&self) -> bool {
        let is_small = matches!(self, S::Socket | S::ReuseAddress | S::Bind | S::SetNonblocking | S::Linger);
        !is_small && !matches!(self, S::Look(..) | S::Info | S::Ask(_))
    }

    /// The call itself; `None` where what came before has failed.
    pub(super) fn call(&self, sockets: &Sockets, last: &Outcome) -> Option<Call> {
        let ends = &sockets.ends;
        let ip = |(address, port): (IpAddr, u16)| SocketAddress::Ip(SocketAddr::new(address, port));
        let (listener, connection) = (sockets.listener, sockets.connection);
        let domain = if ends.local.0.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
        let new = sockets.new;
        let data = |length: u16| pattern::bytes(sockets.written, usize::from(length));
        let set = |fd, level, name, value: &[u8]| Call::Setsockopt {
            fd,
            level,
            name,
            value: Some(value.to_vec()),
            length: value.len() as u32,
        };
        if last.result.is_err() && !self.is_first() {
            return None;
        }
        Some(match *self {
            S::Socket => {
                let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
                Call::Socket { domain, kind, protocol: libc::IPPROTO_TCP }
            }
            S::ReuseAddress => set(new?, libc::SOL_SOCKET, libc::SO_REUSEADDR, &1i32.to_ne_bytes()),
            S::Bind => Call::Bind { fd: new?, address: ip(ends.local) },
            S::Listen => Call::Listen { fd: new?, backlog: 4 },
            S::Connect => Call::Connect { fd: new?, address: ip(ends.remote) },
            S::Accept => Call::Accept { fd: listener? },
            S::SetNonblocking => {
                Call::Fcntl { fd: new?, command: libc::F_SETFL, argument: i64::from(libc::O_NONBLOCK) }
            }
            S::Send(length, flags) => Call::Send {
                fd: connection?,
                data: data(length),
                flags: flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            },
            S::SendTo(length) => Call::Sendto {
                fd: new?,
                data: pattern::bytes(0, usize::from(length)),
                flags: MSG_FASTOPEN | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                address: ip(ends.remote),
            },
            S::Look(count, flags) => {
                Call::Recv { fd: connection?, count: count.into(), flags: flags | libc::MSG_DONTWAIT }
            }
            S::Disconnect => Call::Connect { fd: connection?, address: SocketAddress::Unspecified },
            S::Info => {
                let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
                Call::Getsockopt { fd: connection?, level, name, length: 256 }
            }
            S::Ask(request) => Call::Ioctl { fd: connection?, request, argument: None },
            S::Congestion(name) => set(connection?, libc::IPPROTO_TCP, libc::TCP_CONGESTION, name.as_bytes()),
            S::Receive(count) => {
                Call::Recv { fd: connection?, count: count.into(), flags: libc::MSG_DONTWAIT }
            }
            S::Shutdown(how) => Call::Shutdown { fd: connection?, how },
            S::Linger => {
                let on: Vec<u8> = [1i32, 0].iter().flat_map(|n| n.to_ne_bytes()).collect();
                set(connection?, libc::SOL_SOCKET, libc::SO_LINGER, &on)
            }
            S::Close => Call::Close { fd: connection? },
            S::CloseListener => Call::Close { fd: listener? },
            S::Set { level, name, value } => set(connection?, level, name, &value.to_ne_bytes()),
            S::TakeError => {
                let (level, name) = (libc::SOL_SOCKET, libc::SO_ERROR);
                Call::Getsockopt { fd: connection?, level, name, length: 4 }
            }
        })
    }

    /// Whether it does not depend on the call before.
    fn is_first(&self) -> bool {
        !matches!(self, S::ReuseAddress | S::Bind | S::Listen | S::Connect | S::SendTo(_) | S::SetNonblocking)
    }
}

impl Sockets {
    pub(super) fn new(ends: Ends) -> Sockets {
        Sockets { ends, listener: None, connection: None, new: None, written: 0 }
    }

    /// The system calls that a user's call consists of; `None` where there is no socket for it.
    pub(super) fn plan(&self, call: UserCall) -> Option<Plan> {
        Some(match call {
            UserCall::Listen if self.listener.is_none() => bound(S::Listen),
            UserCall::Connect if self.connection.is_none() => bound(S::Connect),
            UserCall::Extra(call @ ExtraCall::FastConnect(_)) if self.connection.is_none() => {
                bound(call.system_call())
            }
            UserCall::Listen | UserCall::Connect | UserCall::Extra(ExtraCall::FastConnect(_)) => return None,
            UserCall::Accept if self.listener.is_some() && self.connection.is_none() => {
                two(S::Accept, S::SetNonblocking)
            }
            UserCall::CloseListener => one(self.listener.map(|_| S::CloseListener)?),
            UserCall::Accept => return None,
            _ if self.connection.is_none() => return None,
            UserCall::Extra(call) => one(call.system_call()),
            UserCall::Send(length) => one(S::Send(length, 0)),
            UserCall::Receive(count) => one(S::Receive(count)),
            UserCall::ShutdownWrite => one(S::Shutdown(libc::SHUT_WR)),
            UserCall::ShutdownRead => one(S::Shutdown(libc::SHUT_RD)),
            UserCall::ShutdownBoth => one(S::Shutdown(libc::SHUT_RDWR)),
            UserCall::Close => one(S::Close),
            UserCall::Abort => two(S::Linger, S::Close),
            UserCall::TakeError => one(S::TakeError),
            UserCall::Nodelay => one(set(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)),
            UserCall::ReceiveBuffer(bytes) => one(set(libc::SOL_SOCKET, libc::SO_RCVBUF, bytes.into())),
            UserCall::Keepalive => two(
                set(libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 10),
                set(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1),
            ),
        })
    }

    /// Takes note of what a system call returned.
    pub(super) fn returned(&mut self, call: &SystemCall, outcome: &Outcome) {
        let value = outcome.result.ok();
        match call {
            S::Socket | S::Accept => self.new = value.and_then(|fd| i32::try_from(fd).ok()),
            S::Listen if value.is_some() => self.listener = self.new,
            // A connection that could not be begun has an error to be taken.
            S::Connect | S::SetNonblocking => (self.connection, self.written) = (self.new, 0),
            // What a stack lacks has made nothing.
            S::SendTo(_) if outcome.result == Err(Errno(libc::ENOSYS)) => {}
            S::SendTo(_) => {
                let sent = value.and_then(|sent| u32::try_from(sent).ok()).unwrap_or(0);
                (self.connection, self.written) = (self.new, sent);
            }
            S::Close => self.connection = None,
            S::CloseListener => self.listener = None,
            S::Send(..) => {
                let sent = value.and_then(|sent| u32::try_from(sent).ok()).unwrap_or(0);
                self.written = self.written.wrapping_add(sent);
            }
            _ => {}
        }
    }
}

fn set(level: i32, name: i32, value: i32) -> SystemCall {
    S::Set { level, name, value }
}
