//! The calls that a case makes on a stack: BSD socket calls and administrative ones.
//!
//! Numbers that have names (address families, levels, options, flags, errno) carry Linux's values on every stack:
//! they are the ones that packetdrill scripts were written for. [`crate::abi`] has the names.

use super::{InterfaceId, Prefix};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Names a submitted call until it completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// An error number with Linux's value; prints as its POSIX name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Errno(pub i32);

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::abi::errno_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

/// A socket address argument: one that means something, or bytes that are wrong on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// An address and a port. The scope id of an IPv6 address counts the interfaces of the setup from 1 (RFC 4007 6).
    Ip(SocketAddr),
    /// AF_UNSPEC, which dissolves a datagram socket's association.
    Unspecified,
    /// A null pointer.
    Null,
}

/// The arguments of sendmsg and recvmsg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The address to send to, or that was received from.
    pub name: Option<SocketAddr>,
    /// sendmsg: the bytes of each vector. recvmsg: zeros, as many as each vector can take.
    pub iov: Vec<Vec<u8>>,
    /// Control messages as (cmsg_level, cmsg_type, cmsg_data).
    pub control: Vec<(i32, i32, Vec<u8>)>,
    /// recvmsg: room for control messages, in bytes.
    pub control_len: usize,
    /// `msg_flags`, as returned.
    pub flags: i32,
}

/// One element of poll's array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollFd {
    /// The stack's descriptor.
    pub fd: i32,
    /// The events asked for.
    pub events: i16,
    /// The events returned.
    pub revents: i16,
}

/// A call. Descriptors are the stack's own, as an earlier call returned them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "variants and fields are the system calls and their parameters by name")]
pub enum Call {
    Socket {
        domain: i32,
        kind: i32,
        protocol: i32,
    },
    Bind {
        fd: i32,
        address: SocketAddress,
    },
    Listen {
        fd: i32,
        backlog: i32,
    },
    Accept {
        fd: i32,
    },
    Connect {
        fd: i32,
        address: SocketAddress,
    },
    Read {
        fd: i32,
        count: usize,
    },
    Readv {
        fd: i32,
        counts: Vec<usize>,
    },
    Recv {
        fd: i32,
        count: usize,
        flags: i32,
    },
    Recvfrom {
        fd: i32,
        count: usize,
        flags: i32,
    },
    Recvmsg {
        fd: i32,
        message: Message,
        flags: i32,
    },
    Write {
        fd: i32,
        data: Vec<u8>,
    },
    Writev {
        fd: i32,
        data: Vec<Vec<u8>>,
    },
    Send {
        fd: i32,
        data: Vec<u8>,
        flags: i32,
    },
    Sendto {
        fd: i32,
        data: Vec<u8>,
        flags: i32,
        address: SocketAddress,
    },
    Sendmsg {
        fd: i32,
        message: Message,
        flags: i32,
    },
    Fcntl {
        fd: i32,
        command: i32,
        argument: i64,
    },
    Ioctl {
        fd: i32,
        request: u64,
        argument: Option<i64>,
    },
    Close {
        fd: i32,
    },
    Shutdown {
        fd: i32,
        how: i32,
    },
    /// `length` is what the caller says the buffer holds, in bytes.
    Getsockopt {
        fd: i32,
        level: i32,
        name: i32,
        length: u32,
    },
    /// `value` in the machine's byte order, as the C structure lies in memory; `length` as the caller says it.
    Setsockopt {
        fd: i32,
        level: i32,
        name: i32,
        value: Option<Vec<u8>>,
        length: u32,
    },
    Getsockname {
        fd: i32,
    },
    Getpeername {
        fd: i32,
    },
    Poll {
        fds: Vec<PollFd>,
        timeout_ms: i32,
    },
    Open {
        path: String,
        flags: i32,
    },
    Sendfile {
        out_fd: i32,
        in_fd: i32,
        offset: Option<i64>,
        count: usize,
    },
    EpollCreate {
        size: i32,
    },
    EpollCtl {
        epfd: i32,
        operation: i32,
        fd: i32,
        events: u32,
        data: u64,
    },
    EpollWait {
        epfd: i32,
        max_events: i32,
        timeout_ms: i32,
    },
    Pipe,
    Splice {
        fd_in: i32,
        off_in: Option<i64>,
        fd_out: i32,
        off_out: Option<i64>,
        len: usize,
        flags: u32,
    },
    CapSet {
        effective: u64,
        permitted: u64,
        inheritable: u64,
    },
    /// The call inside with a null pointer where its buffer stands; the buffer's length is as it is there.
    NullBuffer(Box<Call>),
    /// A shell command of the script; completes with its exit status.
    Shell {
        command: String,
    },
    /// Brings a link up or down.
    Link {
        interface: InterfaceId,
        up: bool,
    },
    /// Adds or removes an address.
    Address {
        interface: InterfaceId,
        prefix: Prefix,
        add: bool,
    },
    /// Adds or removes a route.
    Route {
        destination: Prefix,
        gateway: Option<IpAddr>,
        interface: InterfaceId,
        add: bool,
    },
    /// Joins or leaves a multicast group on an interface.
    Group {
        interface: InterfaceId,
        group: IpAddr,
        join: bool,
    },
    /// Tells the DHCP client of an interface what to do.
    Dhcp {
        interface: InterfaceId,
        command: DhcpCommand,
    },
    /// Looks up the addresses of `family` that a name has.
    Getaddrinfo {
        name: String,
        family: i32,
    },
    /// Looks up the name that an address has.
    Getnameinfo {
        address: IpAddr,
    },
    /// The host goes down without a word and comes up again: what it had in memory is gone.
    Reboot,
    /// Sets a named setting.
    Set {
        name: String,
        value: String,
    },
}

/// What an administrator tells a DHCP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpCommand {
    /// Get an address, the last one if its lease has not ended.
    Start,
    /// Stop, and use the address no longer.
    Stop,
    /// Give the lease back, and stop.
    Release,
    /// Ask for more time now.
    Renew,
    /// Keep the address that was configured, and ask for the other parameters.
    Inform,
}

impl DhcpCommand {
    /// Every command with the word that cases use.
    pub const ALL: &'static [(DhcpCommand, &'static str)] = &[
        (DhcpCommand::Start, "start"),
        (DhcpCommand::Stop, "stop"),
        (DhcpCommand::Release, "release"),
        (DhcpCommand::Renew, "renew"),
        (DhcpCommand::Inform, "inform"),
    ];
}

/// What a call gave back besides its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Nothing.
    #[default]
    None,
    /// Bytes read or received.
    Data(Vec<u8>),
    /// Bytes of each vector of readv.
    Vectors(Vec<Vec<u8>>),
    /// An address (accept, recvfrom, getsockname, getpeername), with the bytes received, if any.
    Address(Option<SocketAddr>, Vec<u8>),
    /// What recvmsg filled in.
    Message(Message),
    /// An option's value as the C structure lies in memory.
    Option(Vec<u8>),
    /// poll's array.
    Poll(Vec<PollFd>),
    /// epoll_wait's events as (events, data).
    Epoll(Vec<(u32, u64)>),
    /// pipe's two descriptors.
    Descriptors(i32, i32),
    /// What ioctl stored.
    Integer(i64),
    /// Addresses that a name has, the best first.
    Addresses(Vec<IpAddr>),
    /// The name that an address has.
    Name(String),
}

/// What a call returned: its number, or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The value returned, or why there is none.
    pub result: Result<i64, Errno>,
    /// What came with it.
    pub output: Output,
}

impl Outcome {
    /// A call that returned `value` and nothing else.
    pub fn value(value: i64) -> Outcome {
        Outcome { result: Ok(value), output: Output::None }
    }

    /// A call that returned -1 with `errno`.
    pub fn error(errno: i32) -> Outcome {
        Outcome { result: Err(Errno(errno)), output: Output::None }
    }
}
