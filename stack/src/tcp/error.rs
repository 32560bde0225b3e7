//! Why a call failed or a connection ended.

use core::fmt;

/// What went wrong; the socket layer gives it an error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is nothing to read, or no room to write, now.
    WouldBlock,
    /// There is no such connection, or it is not open (RFC 9293: "connection does not exist").
    NotConnected,
    /// A connection or a listener with these endpoints exists (RFC 9293: "connection already exists").
    AddressInUse,
    /// The remote endpoint is missing, or cannot be one: multicast, broadcast, port 0 (RFC 9293 MUST-46).
    InvalidRemote,
    /// The user has closed this direction (RFC 9293: "connection closing").
    Closing,
    /// The peer answered the SYN with RST.
    ConnectionRefused,
    /// The peer reset the connection, or it was aborted.
    ConnectionReset,
    /// Nothing came back for as long as R2, the user timeout or the keep-alive probes allow.
    TimedOut,
    /// ICMP: the network cannot be reached.
    NetworkUnreachable,
    /// ICMP: the host cannot be reached.
    HostUnreachable,
    /// ICMP: the protocol is not served there.
    ProtocolUnreachable,
    /// A bound on connections is reached (RFC 9293: "insufficient resources").
    NoResources,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::WouldBlock => "would block",
            Error::NotConnected => "connection does not exist",
            Error::AddressInUse => "connection already exists",
            Error::InvalidRemote => "remote socket unspecified or invalid",
            Error::Closing => "connection closing",
            Error::ConnectionRefused => "connection refused",
            Error::ConnectionReset => "connection reset",
            Error::TimedOut => "connection timed out",
            Error::NetworkUnreachable => "network unreachable",
            Error::HostUnreachable => "host unreachable",
            Error::ProtocolUnreachable => "protocol unreachable",
            Error::NoResources => "insufficient resources",
        })
    }
}

impl core::error::Error for Error {}
