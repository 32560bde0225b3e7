//! Socket calls and what they return.

use super::epoll::EpollOperation;
use super::errno::Errno;
use crate::client::{Found, LookupError};
use std::net::SocketAddr;

/// Names a submitted call until it completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// The family of a socket's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// AF_INET.
    Inet,
    /// AF_INET6.
    Inet6,
}

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SOCK_STREAM: TCP.
    Stream,
    /// SOCK_DGRAM: UDP.
    Datagram,
    /// SOCK_DGRAM with IPPROTO_ICMP or, for IPv6, IPPROTO_ICMPV6: Echo Requests out and Echo Replies in (RFC 1122 3.2.2.6,
    /// RFC 4443 4.1).
    Ping,
}

/// Flags of receiving and sending, with Linux's values.
pub mod flags {
    /// Urgent data.
    pub const MSG_OOB: i32 = 0x1;
    /// Leave what is received where it is.
    pub const MSG_PEEK: i32 = 0x2;
    /// Returned: a datagram was longer than the room for it. Given: return its length all the same.
    pub const MSG_TRUNC: i32 = 0x20;
    /// Do not block.
    pub const MSG_DONTWAIT: i32 = 0x40;
    /// The data ends a record.
    pub const MSG_EOR: i32 = 0x80;
    /// Given: take from the error queue. Returned: taken from there.
    pub const MSG_ERRQUEUE: i32 = 0x2000;
    /// Tell by the error queue when the data is not needed any more.
    pub const MSG_ZEROCOPY: i32 = 0x400_0000;
    /// Block until all the room is full.
    pub const MSG_WAITALL: i32 = 0x100;
    /// More will follow.
    pub const MSG_MORE: i32 = 0x8000;
    /// Open the connection, and send with the SYN (RFC 7413).
    pub const MSG_FASTOPEN: i32 = 0x2000_0000;
}

/// Events of poll, with Linux's values.
pub mod events {
    /// There is something to read.
    pub const POLLIN: i16 = 0x1;
    /// There is urgent data.
    pub const POLLPRI: i16 = 0x2;
    /// There is room to write.
    pub const POLLOUT: i16 = 0x4;
    /// There is an error.
    pub const POLLERR: i16 = 0x8;
    /// Both directions are closed.
    pub const POLLHUP: i16 = 0x10;
    /// There is no such descriptor.
    pub const POLLNVAL: i16 = 0x20;
    /// As POLLIN.
    pub const POLLRDNORM: i16 = 0x40;
    /// As POLLOUT.
    pub const POLLWRNORM: i16 = 0x100;
    /// The peer has closed its direction.
    pub const POLLRDHUP: i16 = 0x2000;
}

/// The direction that shutdown closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// SHUT_RD.
    Read,
    /// SHUT_WR.
    Write,
    /// SHUT_RDWR.
    Both,
}

/// One descriptor of poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollFd {
    /// The descriptor; negative ones are passed over.
    pub fd: i32,
    /// The [`events`] asked for.
    pub events: i16,
    /// The [`events`] found.
    pub revents: i16,
}

/// A call on the socket interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "variants and fields are the system calls and their parameters by name")]
pub enum Call {
    Socket {
        domain: Domain,
        kind: Kind,
        nonblocking: bool,
    },
    Bind {
        fd: i32,
        address: SocketAddr,
    },
    Listen {
        fd: i32,
        backlog: i32,
    },
    Accept {
        fd: i32,
        nonblocking: bool,
    },
    Connect {
        fd: i32,
        address: SocketAddr,
    },
    /// connect with AF_UNSPEC, which dissolves a datagram socket's association.
    Disconnect {
        fd: i32,
    },
    /// read, readv, recv, recvfrom, recvmsg: up to `room` bytes.
    Receive {
        fd: i32,
        room: usize,
        flags: i32,
    },
    /// write, writev, send, sendto, sendmsg.
    Send {
        fd: i32,
        data: Vec<u8>,
        to: Option<SocketAddr>,
        flags: i32,
    },
    Shutdown {
        fd: i32,
        how: How,
    },
    Close {
        fd: i32,
    },
    /// `length` is what the caller says that its buffer holds.
    Getsockopt {
        fd: i32,
        level: i32,
        name: i32,
        length: usize,
    },
    /// `value` as the C structure lies in memory.
    Setsockopt {
        fd: i32,
        level: i32,
        name: i32,
        value: Vec<u8>,
    },
    Getsockname {
        fd: i32,
    },
    Getpeername {
        fd: i32,
    },
    /// fcntl F_GETFL: whether O_NONBLOCK is set.
    GetNonblocking {
        fd: i32,
    },
    /// fcntl F_SETFL.
    SetNonblocking {
        fd: i32,
        on: bool,
    },
    /// ioctl FIONREAD (SIOCINQ): bytes that can be read.
    BytesReadable {
        fd: i32,
    },
    /// ioctl SIOCATMARK: whether the next byte to read is urgent.
    AtMark {
        fd: i32,
    },
    EpollCreate,
    EpollControl {
        epfd: i32,
        operation: EpollOperation,
        fd: i32,
        events: u32,
        data: u64,
    },
    EpollWait {
        epfd: i32,
        most: usize,
        timeout_ms: i32,
    },
    /// `timeout_ms` below 0: for ever.
    Poll {
        fds: Vec<PollFd>,
        timeout_ms: i32,
    },
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing but success.
    Done,
    /// A new descriptor.
    Descriptor(i32),
    /// accept's descriptor, with the peer's address.
    Accepted(i32, SocketAddr),
    /// Bytes received.
    Received(Received),
    /// How many bytes were taken.
    Sent(usize),
    /// An address.
    Address(SocketAddr),
    /// An option's value as the C structure lies in memory.
    Option(Vec<u8>),
    /// A flag.
    Flag(bool),
    /// A number of bytes.
    Count(usize),
    /// poll's array.
    Polled(Vec<PollFd>),
    /// epoll_wait's events, each with its data.
    Epolled(Vec<(u32, u64)>),
    /// How a lookup ended.
    Looked(Result<Found, LookupError>),
}

/// What a receiving call returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The bytes.
    pub data: Vec<u8>,
    /// The datagram's sender; `None` from a stream.
    pub from: Option<SocketAddr>,
    /// The datagram's own length, which may be more than there was room for; of a stream, that of `data`.
    pub length: usize,
    /// Control messages: level, type, data.
    pub control: Vec<(i32, i32, Vec<u8>)>,
    /// The [`flags`] returned.
    pub flags: i32,
}

/// How a call ended.
pub type Outcome = Result<Value, Errno>;
