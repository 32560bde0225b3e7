//! Error numbers: POSIX's names, Linux's values.

use crate::icmp::Reported;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are POSIX's, and errno(3) describes them")]
pub enum Errno {
    ENOENT = 2,
    EBADF = 9,
    EAGAIN = 11,
    ENOMEM = 12,
    EACCES = 13,
    EFAULT = 14,
    EEXIST = 17,
    ENODEV = 19,
    EINVAL = 22,
    EMFILE = 24,
    EPIPE = 32,
    EPROTO = 71,
    ENOTSOCK = 88,
    EDESTADDRREQ = 89,
    EMSGSIZE = 90,
    ENOPROTOOPT = 92,
    EPROTONOSUPPORT = 93,
    EOPNOTSUPP = 95,
    EAFNOSUPPORT = 97,
    EADDRINUSE = 98,
    EADDRNOTAVAIL = 99,
    ENETDOWN = 100,
    ENETUNREACH = 101,
    ECONNABORTED = 103,
    ECONNRESET = 104,
    ENOBUFS = 105,
    EISCONN = 106,
    ENOTCONN = 107,
    ETIMEDOUT = 110,
    ECONNREFUSED = 111,
    EHOSTDOWN = 112,
    EHOSTUNREACH = 113,
    EALREADY = 114,
    EINPROGRESS = 115,
}

impl Errno {
    /// Linux's value.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The number that an ICMP error gives on Linux, and whether it is one that a connected datagram socket sees: the
    /// others are hints (RFC 1122 3.2.2.1).
    pub(crate) fn of_report(error: Reported) -> (Errno, bool) {
        match error {
            Reported::NetUnreachable => (Errno::ENETUNREACH, false),
            Reported::HostUnreachable | Reported::TimeExceeded => (Errno::EHOSTUNREACH, false),
            Reported::SourceRouteFailed => (Errno::EOPNOTSUPP, false),
            Reported::TooBig { .. } => (Errno::EMSGSIZE, false),
            Reported::ProtocolUnreachable => (Errno::ENOPROTOOPT, true),
            Reported::PortUnreachable => (Errno::ECONNREFUSED, true),
            Reported::NetUnknown => (Errno::ENETUNREACH, true),
            Reported::HostUnknown => (Errno::EHOSTDOWN, true),
            Reported::Prohibited | Reported::NoNeighbour => (Errno::EHOSTUNREACH, true),
            Reported::ParameterProblem => (Errno::EPROTO, true),
        }
    }
}
