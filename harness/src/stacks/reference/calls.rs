//! The harness's calls, with their numbers, in the reference stack's types.

use super::results::Form;
use crate::sut::{Call, Message, Outcome, Refusal, SocketAddress};
use stack::socket::{self, Domain, EpollOperation, How, Kind, PollFd};
use std::net::{IpAddr, SocketAddr};

/// linux/sockios.h.
const SIOCATMARK: u64 = 0x8905;

/// What is to be done for a call.
pub(super) enum Planned {
    /// A call on the stack's sockets, and how its result is told.
    Socket(socket::Call, Form),
    /// Nothing: the arguments alone decide.
    Answered(Outcome),
    /// A call about the host and not about sockets.
    Administrative(Call),
    /// The addresses of a name, of IPv6 or of IPv4.
    Addresses { name: String, ipv6: bool },
    /// The name of an address.
    Name(IpAddr),
}

type Plan = Result<Planned, Refusal>;

/// Plans `call`.
///
/// # Errors
/// [`Refusal::Unsupported`] where the stack has no such call.
pub(super) fn plan(call: Call) -> Plan {
    match call {
        Call::Socket { domain, kind, protocol } => Ok(open(domain, kind, protocol)),
        Call::Bind { fd, address } => {
            Ok(with_address(&address, |address| socket::Call::Bind { fd, address }, libc::EAFNOSUPPORT))
        }
        Call::Connect { fd, address: SocketAddress::Unspecified } => plain(socket::Call::Disconnect { fd }),
        Call::Connect { fd, address } => {
            Ok(with_address(&address, |address| socket::Call::Connect { fd, address }, libc::EAFNOSUPPORT))
        }
        Call::Listen { fd, backlog } => plain(socket::Call::Listen { fd, backlog }),
        Call::Accept { fd } => plain(socket::Call::Accept { fd, nonblocking: false }),
        Call::Shutdown { fd, how } => match how {
            0 => plain(socket::Call::Shutdown { fd, how: How::Read }),
            1 => plain(socket::Call::Shutdown { fd, how: How::Write }),
            2 => plain(socket::Call::Shutdown { fd, how: How::Both }),
            _ => error(libc::EINVAL),
        },
        Call::Close { fd } => plain(socket::Call::Close { fd }),
        Call::Getsockname { fd } => plain(socket::Call::Getsockname { fd }),
        Call::Getpeername { fd } => plain(socket::Call::Getpeername { fd }),
        Call::Poll { fds, timeout_ms } => {
            let own = |p: crate::sut::PollFd| PollFd { fd: p.fd, events: p.events, revents: 0 };
            plain(socket::Call::Poll { fds: fds.into_iter().map(own).collect(), timeout_ms })
        }
        Call::EpollCreate { size } if size <= 0 => error(libc::EINVAL),
        Call::EpollCreate { .. } => plain(socket::Call::EpollCreate),
        Call::EpollCtl { epfd, operation, fd, events, data } => {
            let operation = match operation {
                libc::EPOLL_CTL_ADD => EpollOperation::Add,
                libc::EPOLL_CTL_DEL => EpollOperation::Delete,
                libc::EPOLL_CTL_MOD => EpollOperation::Modify,
                _ => return error(libc::EINVAL),
            };
            plain(socket::Call::EpollControl { epfd, operation, fd, events, data })
        }
        Call::EpollWait { epfd, max_events, timeout_ms } => match usize::try_from(max_events) {
            Ok(most @ 1..) => plain(socket::Call::EpollWait { epfd, most, timeout_ms }),
            _ => error(libc::EINVAL),
        },
        call => data(call),
    }
}

/// Calls that move data.
fn data(call: Call) -> Plan {
    let receive =
        |fd, room, flags, form| Ok(Planned::Socket(socket::Call::Receive { fd, room, flags }, form));
    match call {
        Call::Read { fd, count } => receive(fd, count, 0, Form::Data { flags: 0 }),
        Call::Recv { fd, count, flags } => receive(fd, count, flags, Form::Data { flags }),
        Call::Readv { fd, counts } => {
            let room = counts.iter().fold(0usize, |sum, count| sum.saturating_add(*count));
            receive(fd, room, 0, Form::Vectors { counts })
        }
        Call::Recvfrom { fd, count, flags } => receive(fd, count, flags, Form::From { flags }),
        Call::Recvmsg { fd, message, flags } => {
            let counts: Vec<usize> = message.iov.iter().map(Vec::len).collect();
            let room = message.control_len;
            receive(fd, counts.iter().sum(), flags, Form::Message { counts, flags, room })
        }
        Call::Write { fd, data } => send(fd, data, None, 0),
        Call::Writev { fd, data } => send(fd, data.concat(), None, 0),
        Call::Send { fd, data, flags } => send(fd, data, None, flags),
        Call::Sendto { fd, data, flags, address } => match address {
            SocketAddress::Ip(to) => send(fd, data, Some(to), flags),
            SocketAddress::Null => send(fd, data, None, flags),
            SocketAddress::Unspecified if flags & libc::MSG_FASTOPEN != 0 => error(libc::EOPNOTSUPP),
            SocketAddress::Unspecified => error(libc::EAFNOSUPPORT),
        },
        Call::Sendmsg { fd, message: Message { name, iov, control, .. }, flags } => {
            match control.is_empty() {
                true => send(fd, iov.concat(), name, flags),
                false => unsupported("control messages"),
            }
        }
        call => options(call),
    }
}

/// Options of sockets and descriptors.
fn options(call: Call) -> Plan {
    match call {
        Call::Getsockopt { fd, level, name, length } => match i32::try_from(length) {
            Ok(_) => plain(socket::Call::Getsockopt { fd, level, name, length: length as usize }),
            // A length that is negative to the kernel.
            Err(_) => error(libc::EINVAL),
        },
        Call::Setsockopt { fd, level, name, value: Some(mut value), length } => {
            value.truncate(length as usize);
            plain(socket::Call::Setsockopt { fd, level, name, value })
        }
        Call::Setsockopt { value: None, .. } => error(libc::EFAULT),
        Call::Fcntl { fd, command: libc::F_GETFL, .. } => plain(socket::Call::GetNonblocking { fd }),
        Call::Fcntl { fd, command: libc::F_SETFL, argument } => {
            let on = argument & i64::from(libc::O_NONBLOCK) != 0;
            plain(socket::Call::SetNonblocking { fd, on })
        }
        Call::Fcntl { command, .. } => unsupported(&format!("fcntl {command}")),
        Call::Ioctl { fd, request, argument } => match (request, argument) {
            (request, _) if request == libc::FIONREAD => plain(socket::Call::BytesReadable { fd }),
            (SIOCATMARK, _) => plain(socket::Call::AtMark { fd }),
            (request, Some(on)) if request == libc::FIONBIO => {
                plain(socket::Call::SetNonblocking { fd, on: on != 0 })
            }
            _ => unsupported(&format!("ioctl {request:#x}")),
        },
        Call::NullBuffer(_) => error(libc::EFAULT),
        call @ (Call::Link { .. }
        | Call::Address { .. }
        | Call::Route { .. }
        | Call::Group { .. }
        | Call::Set { .. }
        | Call::Dhcp { .. }
        | Call::Reboot) => Ok(Planned::Administrative(call)),
        Call::Getaddrinfo { name, family } => match family {
            libc::AF_INET => Ok(Planned::Addresses { name, ipv6: false }),
            libc::AF_INET6 => Ok(Planned::Addresses { name, ipv6: true }),
            _ => Ok(Planned::Answered(Outcome::value(libc::EAI_FAMILY.into()))),
        },
        Call::Getnameinfo { address } => Ok(Planned::Name(address)),
        Call::Shell { .. } => unsupported("shell"),
        other => {
            let debug = format!("{other:?}");
            unsupported(debug.split([' ', '(', '{']).next().unwrap_or("this call"))
        }
    }
}

fn open(domain: i32, kind: i32, protocol: i32) -> Planned {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let nonblocking = kind & libc::SOCK_NONBLOCK != 0;
    let domain = match domain {
        libc::AF_INET => Domain::Inet,
        libc::AF_INET6 => Domain::Inet6,
        _ => return Planned::Answered(Outcome::error(libc::EAFNOSUPPORT)),
    };
    let kind = match (kind & !flags, protocol) {
        (libc::SOCK_STREAM, 0 | libc::IPPROTO_TCP) => Kind::Stream,
        (libc::SOCK_DGRAM, 0 | libc::IPPROTO_UDP) => Kind::Datagram,
        (libc::SOCK_DGRAM, libc::IPPROTO_ICMP) if domain == Domain::Inet => Kind::Ping,
        (libc::SOCK_DGRAM, libc::IPPROTO_ICMPV6) if domain == Domain::Inet6 => Kind::Ping,
        (libc::SOCK_STREAM | libc::SOCK_DGRAM, _) => {
            return Planned::Answered(Outcome::error(libc::EPROTONOSUPPORT));
        }
        _ => return Planned::Answered(Outcome::error(libc::ESOCKTNOSUPPORT)),
    };
    Planned::Socket(socket::Call::Socket { domain, kind, nonblocking }, Form::Plain)
}

fn with_address(
    address: &SocketAddress,
    call: impl FnOnce(SocketAddr) -> socket::Call,
    unspecified: i32,
) -> Planned {
    match address {
        SocketAddress::Ip(address) => Planned::Socket(call(*address), Form::Plain),
        SocketAddress::Unspecified => Planned::Answered(Outcome::error(unspecified)),
        SocketAddress::Null => Planned::Answered(Outcome::error(libc::EFAULT)),
    }
}

fn send(fd: i32, data: Vec<u8>, to: Option<SocketAddr>, flags: i32) -> Plan {
    plain(socket::Call::Send { fd, data, to, flags })
}

fn plain(call: socket::Call) -> Plan {
    Ok(Planned::Socket(call, Form::Plain))
}

fn error(errno: i32) -> Plan {
    Ok(Planned::Answered(Outcome::error(errno)))
}

fn unsupported<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(what.to_owned()))
}
